#!/usr/bin/env python3
"""Trains ridge regression of flowering time on SNPs for the demo "flowering".

    OMP_NUM_THREADS=1 python3 train.py --data ../../../shared/data --out .

DIR holds the folder genomics-arabidopsis-ft16, described in README.md. Needs numpy and scikit-learn. Writes
model.json (53,859 columns), model-200000.json (columns resampled in blocks), synthetic.json and train.log.

Ridge regression on more columns than rows is solved in the space of the rows: with Z the standardised columns and
K = Z Z' / p, the weights are Z' (K + lambda)^-1 (y - mean) / p.
"""
import argparse
import base64
import csv
import json
import os
import sys

import numpy as np
from sklearn.linear_model import Ridge

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export

FOLDER = "genomics-arabidopsis-ft16"
ACCESSIONS, COLUMNS, WIDE, BLOCK, SEED = 162, 53859, 200000, 100, 2010
LAMBDAS = 10.0 ** np.arange(-3, 1.51, 0.25)


def xorshift32(seed):
    """Numbers from 1 to 2^32 - 1 (Marsaglia 2003, shifts 13, 17, 5)."""
    x = seed
    while True:
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        yield x


def resampled_columns():
    """Blocks of neighbouring columns, each from a random place: which real column each of the 200,000 is."""
    numbers = xorshift32(SEED)
    starts = [next(numbers) * (COLUMNS - BLOCK + 1) >> 32 for _ in range(WIDE // BLOCK)]
    return np.add.outer(starts, np.arange(BLOCK)).reshape(-1)


def load(folder):
    packed = np.fromfile(os.path.join(folder, "genotype_162x53859_packbits_msb.bin"), np.uint8)
    x = np.unpackbits(packed.reshape(ACCESSIONS, -1), axis=1)[:, :COLUMNS]
    with open(os.path.join(folder, "accessions_162.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return x, np.array([float(r["FT16"]) for r in rows]), np.array([r["country"] for r in rows])


def predict(kernel, y, train, test, lambdas):
    """One row of predictions for each lambda; the kernel is centred on the training rows."""
    a, b = kernel[np.ix_(train, train)], kernel[np.ix_(test, train)]
    mean = a.mean(0)
    values, vectors = np.linalg.eigh(a - mean - mean[:, None] + a.mean())
    t = vectors.T @ (y[train] - y[train].mean())
    b = (b - mean - b.mean(1, keepdims=True) + a.mean()) @ vectors
    return np.array([y[train].mean() + b @ (t / (np.maximum(values, 0) + k)) for k in lambdas])


def folds(index, k, seed):
    return np.array_split(np.random.RandomState(seed).permutation(index), k)


def out_of_fold(kernel, y, index, parts, lambdas):
    found = np.zeros((len(lambdas), len(y)))
    for test in parts:
        found[:, test] = predict(kernel, y, np.setdiff1d(index, test), test, lambdas)
    return found[:, index]


def r(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def choose(kernel, y, index, repeats):
    """The lambda with the least squared error out of fold."""
    guesses = [out_of_fold(kernel, y, index, folds(index, 5, seed), LAMBDAS) for seed in range(repeats)]
    errors = [((guess - y[index]) ** 2).mean(1) for guess in guesses]
    return LAMBDAS[int(np.mean(errors, 0).argmin())]


def nested(kernel, y, repeats):
    """r of predictions out of fold, where lambda is chosen within each training part."""
    index, found = np.arange(len(y)), []
    for seed in range(repeats):
        guess = np.zeros(len(y))
        for test in folds(index, 5, 1000 + seed):
            train = np.setdiff1d(index, test)
            guess[test] = predict(kernel, y, train, test, [choose(kernel, y, train, 2)])[0]
        found.append(r(guess, y))
    return np.mean(found), np.std(found)


def by_country(kernel, y, countries):
    """r where no accession of the same country was trained on."""
    index, guess = np.arange(len(y)), np.zeros(len(y))
    for country in np.unique(countries):
        test = np.flatnonzero(countries == country)
        train = np.setdiff1d(index, test)
        guess[test] = predict(kernel, y, train, test, [choose(kernel, y, train, 2)])[0]
    return r(guess, y)


def scaled_kernel(x, rows, times):
    """K of columns that are standardised on `rows` and occur `times` each; columns constant there count for nothing."""
    frequency = x[rows].mean(0)
    deviation = np.sqrt(frequency * (1 - frequency))
    used = deviation > 0
    z = np.where(used, (x - frequency) / np.where(used, deviation, 1), 0)
    return (z * times) @ z.T / times.sum(), z, np.where(used, deviation, 1), frequency


def fit(x, y, train, times, repeats=10):
    """Weights of the columns as they are, 0 or 1; the bias; lambda."""
    kernel, z, deviation, frequency = scaled_kernel(x, train, times)
    chosen = choose(kernel, y, train, repeats)
    alpha = np.linalg.solve(kernel[np.ix_(train, train)] + chosen * np.eye(len(train)), y[train] - y[train].mean())
    weights = z[train].T @ alpha / times.sum() / deviation
    return weights, y[train].mean() - (weights * times) @ frequency, chosen


def as_int8(weights):
    step = float(np.float32(np.abs(weights).max() / 127))
    return np.rint(weights / step).astype(np.int8), step


def write(path, name, weights, step, bias):
    """The model with its weights as bytes: weight = byte * scale."""
    ridge = Ridge()
    ridge.coef_, ridge.intercept_, ridge.n_features_in_ = np.zeros(1), float(bias), len(weights)
    model = export(ridge, len(weights), None, name=name)
    model["steps"][-1]["coef_"] = {"dtype": "int8", "shape": [len(weights)], "scale": step,
                                   "base64": base64.b64encode(weights.tobytes()).decode()}
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(model) + "\n")
    return os.path.getsize(path)


LEVELS = 4  # of a frequency: 1/8, 3/8, 5/8, 7/8


def levels(x, rows):
    return np.minimum((x[rows].mean(0) * LEVELS).astype(int), LEVELS - 1)


def packed_levels(values):
    """Two bits each, the first in the lowest ones."""
    padded = np.append(values, np.zeros(-len(values) % 4, int)).reshape(-1, 4)
    return base64.b64encode((padded << [0, 2, 4, 6]).sum(1).astype(np.uint8).tobytes()).decode()


def synthetic(seed, late, frequencies):
    """A genotype of no accession: blocks of 20 columns of the late or the early kind, with runs that go together."""
    numbers = xorshift32(seed)
    out = np.zeros(COLUMNS, np.uint8)
    for i in range(COLUMNS):
        if i % 20 == 0:
            kind = int(next(numbers) < late * 2**32)
            u = next(numbers)
        elif next(numbers) < 0.1 * 2**32:
            u = next(numbers)
        out[i] = u * 2 * LEVELS < (2 * frequencies[kind][i] + 1) * 2**32
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"), help=f"folder that holds {FOLDER}")
    parser.add_argument("--out", default=".", help="folder for the models and train.log")
    options = parser.parse_args()
    folder = os.path.join(options.data, FOLDER)
    if not os.path.isdir(folder):
        print(f"no folder {FOLDER} in the data: nothing to do")
        return
    x, y, countries = load(folder)
    log = open(os.path.join(options.out, "train.log"), "w", encoding="utf-8")

    def say(text):
        print(text)
        log.write(text + "\n")

    index = np.arange(ACCESSIONS)
    test = index[4::5]
    train = np.setdiff1d(index, test)
    say(f"{len(y)} accessions, {COLUMNS} SNPs, {y.min():.0f} to {y.max():.0f} days; "
        f"trained on {len(train)}, every fifth held out: {len(test)}")
    columns = resampled_columns()
    say(f"resampled: columns {columns[0]}, {columns[BLOCK]}, {columns[2 * BLOCK]} start the first blocks; "
        f"sum of all {columns.sum()}; {len(np.unique(columns))} different ones")
    early, late = [train[y[train] < 60], train[y[train] > 90]]
    frequencies = [levels(x, rows) for rows in (early, late)]
    say(f"frequencies of synthetic genotypes: {len(early)} early and {len(late)} late accessions, rounded to eighths")
    shares = [0, 0.25, 0.5, 0.75, 1]
    samples = [{"name": f"synthetic-{i + 1}", "seed": 101 + i, "late": share} for i, share in enumerate(shares)]
    genotypes = [synthetic(s["seed"], s["late"], frequencies) for s in samples]
    for name, path, places in [("flowering", "model.json", np.arange(COLUMNS)),
                               ("flowering-200000-resampled", "model-200000.json", columns)]:
        times = np.bincount(places, minlength=COLUMNS).astype(float)
        say(f"\n{name}: {len(places)} columns")
        # The kernel of these two knows the frequencies in all rows, not their flowering time.
        kernel = scaled_kernel(x, index, times)[0]
        mean, spread = nested(kernel, y, 20)
        say(f"r, 20 times 5-fold, lambda chosen within: {mean:.4f} (standard deviation between repeats {spread:.4f})")
        say(f"r, leaving out a country at a time:       {by_country(kernel, y, countries):.4f}")
        weights, bias, chosen = fit(x, y, train, times)
        wide = x[:, places].astype(np.float64)
        exact = wide @ weights[places] + bias
        scaled = (wide - wide[train].mean(0)) / np.where(wide[train].std(0) > 0, wide[train].std(0), np.inf)
        peer = Ridge(alpha=chosen * len(places), solver="cholesky").fit(scaled[train], y[train]).predict(scaled)
        say(f"lambda {chosen:.4g}; scikit-learn's Ridge differs by {np.abs(peer - exact).max():.1e} days at most")
        stored, step = as_int8(weights[places])
        bias = y[train].mean() - step * (stored @ wide[train].mean(0))
        guess = step * (wide @ stored) + bias
        for kind, values in [("float64", exact), ("int8", guess)]:
            error = np.abs(values - y)[test].mean()
            say(f"{kind:8} held out r {r(values[test], y[test]):.4f}, mean error {error:.2f} days; "
                f"training r {r(values[train], y[train]):.4f}")
        say(f"int8 changes a prediction by {np.abs(guess - exact).max():.2f} days at most; "
            f"largest |weight| {step * 127:.3g} days, root mean square {weights[places].std():.3g}, bias {bias:.2f}; "
            f"predictions {guess.min():.0f} to {guess.max():.0f}")
        say(f"{path}: {write(os.path.join(options.out, path), name, stored, step, bias)} bytes")
        for sample, genotype in zip(samples, genotypes):
            sample[f"days{len(places)}"] = round(float(step * (genotype[places].astype(float) @ stored) + bias), 4)
        answers = [f"{s['name']} {s[f'days{len(places)}']:.1f}" for s in samples]
        say(f"synthetic genotypes: {', '.join(answers)} days")
    content = {"about": "Generator of synthetic genotypes for the demo; no sample is an accession. See README.md.",
               "columns": COLUMNS, "block": 20,
               "early": packed_levels(frequencies[0]), "late": packed_levels(frequencies[1]),
               "samples": samples}
    with open(os.path.join(options.out, "synthetic.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
