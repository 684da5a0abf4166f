#!/usr/bin/env python3
"""Trains the model of the demo "maintenance": how many flights a turbofan engine has left, from its last 30.

    python3 train.py --data DIR
"""
import os
import sys

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export  # noqa: E402
from square_network import as_estimator, even, fit, hidden_values, predict  # noqa: E402
from synthetic import FORMAT, VERSION, autoregression, decimals_of, draw_series, rounded, save, significant  # noqa: E402
from tabular import plain, start, write_model  # noqa: E402

FOLDER, LENGTH, CAP = "cmapss-fd001", 30, 125  # an engine wears visibly only near its end: the target is at most CAP
SENSORS = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21]  # the others are constant, or nearly
COLUMNS = [f"s{s}.{k}" for k in range(LENGTH, 0, -1) for s in SENSORS]  # s2.30 is the oldest of sensor 2
STAGES = {"worn out": 12, "wearing": 50, "used": 100, "fresh": 150}


def engines(path):
    table = np.loadtxt(path)
    return [table[table[:, 0] == unit][:, [s + 4 for s in SENSORS]] for unit in np.unique(table[:, 0])]


def windows(parts):
    """Every 30 flights in a row -> inputs, flights left, engine."""
    x = [p[k - LENGTH:k].ravel() for p in parts for k in range(LENGTH, len(p) + 1)]
    left = [len(p) - k for p in parts for k in range(LENGTH, len(p) + 1)]
    unit = [i for i, p in enumerate(parts) for _ in range(LENGTH, len(p) + 1)]
    return np.array(x), np.array(left, float), np.array(unit)


def rmse(a, b):
    return np.sqrt(np.mean((a - b) ** 2))


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    folder = os.path.join(data, FOLDER)
    parts = engines(os.path.join(folder, "train_FD001.txt"))
    x, left, unit = windows(parts)
    y = np.minimum(left, CAP)
    validation = unit % 5 == 4
    log(f"{len(parts)} engines that ran to failure, {len(x)} windows; validation: engines 5, 10, 15 to 100, {validation.sum()} windows")

    def check(name, train):
        p = train(x[~validation], y[~validation])(x[validation])
        log(f"{name}: validation RMSE {rmse(p, y[validation]):.3f}, within 0 to {CAP} {rmse(p.clip(0, CAP), y[validation]):.3f}")
        return rmse(p, y[validation])

    def network(hidden, decay):
        def train(x, y):
            scale = StandardScaler().fit(x)
            w, b, v, c = even(fit(scale.transform(x), y / 100, hidden, decay, "squared", steps=400), scale.transform(x))
            parameters = w, b, 100 * v, 100 * c
            train.last = scale, parameters
            return lambda z: predict(parameters, scale.transform(z))
        return train

    for alpha in (100, 1000, 10000):
        check(f"ridge, alpha {alpha}", lambda x, y, a=alpha: make_pipeline(StandardScaler(), Ridge(a)).fit(x, y).predict)
    found = {(h, d): check(f"{h} squares, decay {d:g}", network(h, d)) for h in (2, 4, 8) for d in (0.003, 0.03, 0.1)}
    hidden, decay = min(found, key=found.get)
    log(f"chosen: {hidden} squares, decay {decay:g}; fitted again on all {len(parts)} engines")

    train = network(hidden, decay)
    answer = train(x, y)
    scale, parameters = train.last
    h = hidden_values(parameters, scale.transform(x))
    log(f"hidden values up to {np.abs(h).max():.2f} on the training windows; weights up to {np.abs(parameters[0]).max():.3f} and {np.abs(parameters[2]).max():.1f}")

    new = np.array([p[-LENGTH:].ravel() for p in engines(os.path.join(folder, "test_FD001.txt"))])
    truth = np.loadtxt(os.path.join(folder, "RUL_FD001.txt"))
    p, capped = answer(new), np.minimum(truth, CAP)
    quality = rmse(p, capped)
    late = p - capped
    score = np.where(late < 0, np.exp(-late / 13) - 1, np.exp(late / 10) - 1).sum()
    log(f"test: {len(new)} engines, RMSE {quality:.3f} (flights left, at most {CAP}), {rmse(p, truth):.3f} (as they are), "
        f"PHM08 score {score:.0f}; the mean of training for all: {rmse(y.mean(), capped):.3f}")
    line = make_pipeline(StandardScaler(), Ridge(1000)).fit(x, y)
    log(f"test, ridge regression: RMSE {rmse(line.predict(new), capped):.3f}")

    model = make_pipeline(scale, as_estimator(parameters))
    write_model(export(model, COLUMNS, None, name="maintenance"), out,
                {"file": f"{FOLDER}/test_FD001.txt", "rows": "the last 30 lines of every engine (column 1), engines in order",
                 "inputs": [s + 4 for s in SENSORS], "truth": f"{FOLDER}/RUL_FD001.txt, at most {CAP}", "count": len(new),
                 "metric": "rmse", "clear": plain(quality)}, log)
    spec = describe(parts)
    save(spec, os.path.join(out, "synthetic.json"))
    rng = np.random.default_rng(1)
    for group in spec["classes"]:
        drawn = np.array([draw_series(spec, group, LENGTH, rng).ravel() for _ in range(200)])
        log(f"200 synthetic engines, {group['label']} ({STAGES[group['label']]} flights left): predicted {answer(drawn).mean():.1f}, "
            f"standard deviation {answer(drawn).std():.1f}")


def describe(parts):
    """Windows in four stages of life: level, slope and covariances of the sensors."""
    flat = np.concatenate(parts)
    spec = {"format": FORMAT, "version": VERSION, "name": "maintenance", "note": "Not engines: drawn from rounded statistics of FD001.",
            "kind": "series", "length": LENGTH, "variables": [f"s{s}" for s in SENSORS],
            "decimals": [decimals_of(flat[:, v]) for v in range(len(SENSORS))],
            "ranges": [significant(q, 5) for q in np.quantile(flat, [0.001, 0.999], axis=0).T], "classes": []}
    t = np.arange(LENGTH)
    for label, left in STAGES.items():
        cut = np.array([p[len(p) - left - LENGTH:len(p) - left] for p in parts if len(p) >= left + LENGTH])
        mean = cut.mean(0)
        slope = np.polyfit(t, mean, 1)
        own = cut.mean(1) - cut.mean((0, 1))
        rest = cut - cut.mean(1, keepdims=True) - slope[0] * (t - t.mean())[:, None]
        spread = rest.std((0, 1))
        a, noise = autoregression(list(rest))
        spec["classes"].append({
            "label": label, "share": 0.25, "left": left,
            "columns": [{"level": significant([slope[1][v]], 6)[0], "slope": significant([slope[0][v]])[0]} for v in range(len(SENSORS))],
            "between": rounded(np.linalg.cholesky(own.T @ own / len(own) + 1e-6 * np.diag(spread ** 2))),
            "step": rounded(a, 2), "noise": rounded(noise)})
    return spec


if __name__ == "__main__":
    main()
