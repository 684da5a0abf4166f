#!/usr/bin/env python3
"""Trains the model of the demo "claims": how many claims a year a motor policy will bring.

    python3 train.py --data DIR
"""
import os
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance, roc_auc_score

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from additive import centre, evaluate, feature_of, fit, one_hot, penalty, scorecard, size_of  # noqa: E402
from synthetic import describe_rows, draw_rows, save  # noqa: E402
from tabular import fifths, plain, start, write_model  # noqa: E402

FILE, TARGET = "insurance-dataCar/dataCar_67856x10.csv", "numclaims"
COLUMNS = ["agecat", "area", "veh_body", "veh_age", "veh_value"]  # gender is left out: see README.md
EDGES = {"agecat": [2, 3, 4, 5, 6], "veh_age": [2, 3, 4]}


def gini(y, rate, exposure):
    """Of claims against exposure, policies sorted by predicted rate: 0 is no order at all."""
    order = np.argsort(rate, kind="stable")
    exposed = np.cumsum(exposure[order]) / exposure.sum()
    claimed = np.cumsum(y[order]) / y.sum()
    return 1 - 2 * np.trapz(np.r_[0, claimed], np.r_[0, exposed])


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    table = pd.read_csv(os.path.join(data, FILE))
    y, exposure, x = table[TARGET].values.astype(float), table["exposure"].values, table[COLUMNS]
    train, validation, test = fifths(len(x))
    log(f"{len(x)} policies, {int(y.sum())} claims in {exposure.sum():.0f} years; "
        f"{train.sum()} train, {validation.sum()} validation, {test.sum()} test")

    def features_of(rows):
        return [{"name": c, "edges": EDGES[c], "missing": False} if c in EDGES else feature_of(x[c][rows], c, 9) for c in COLUMNS]

    found = {}
    features = features_of(train)
    design = one_hot(features, x)
    for smooth in (1, 10, 100):
        for ridge in (0.3, 1, 3, 10, 30):
            b, w = fit(design[train], y[train], penalty(features, x[train], smooth, ridge), "log", exposure[train])
            mean = exposure * np.exp(b + design @ w)
            found[smooth, ridge] = mean_poisson_deviance(y[validation], mean[validation])
            log(f"smoothing {smooth:g}, ridge {ridge:g}: validation deviance {found[smooth, ridge]:.6f}, "
                f"Gini {gini(y[validation], (mean / exposure)[validation], exposure[validation]):.4f}")
    smooth, ridge = min(found, key=found.get)
    log(f"chosen: smoothing {smooth:g}, ridge {ridge:g}; fitted again on train and validation")

    features = features_of(~test)
    design = one_hot(features, x)
    b, w = fit(design[~test], y[~test], penalty(features, x[~test], smooth, ridge), "log", exposure[~test])
    card = scorecard(features, *centre(features, design[~test], b, w, exposure[~test]), "claims", "log")
    parts, total = evaluate(card, x)
    log(f"{len(features)} features, {sum(map(size_of, features))} bins; written and fitted differ by {np.abs(total - b - design @ w).max():.1e}; "
        f"base rate {np.exp(card['intercept']):.4f} claims a year")
    rate = np.exp(total)
    constant = np.full(len(y), y[~test].sum() / exposure[~test].sum())
    quality = gini(y[test], rate[test], exposure[test])
    log(f"test: Gini {quality:.4f}, Poisson deviance {mean_poisson_deviance(y[test], (rate * exposure)[test]):.6f} "
        f"(one rate for all: {mean_poisson_deviance(y[test], (constant * exposure)[test]):.6f}), "
        f"AUC of any claim {roc_auc_score(y[test] > 0, (rate * exposure)[test]):.4f} "
        f"(exposure alone: {roc_auc_score(y[test] > 0, exposure[test]):.4f})")
    log(f"test: {int(y[test].sum())} claims, {(rate * exposure)[test].sum():.1f} expected; rates from {rate.min():.3f} to {rate.max():.3f}")
    for part in np.array_split(test.nonzero()[0][np.argsort(rate[test], kind="stable")], 5):
        log(f"  fifth with expected {(rate * exposure)[part].sum() / exposure[part].sum():.4f} a year: observed {y[part].sum() / exposure[part].sum():.4f}")
    for feature in card["features"]:
        log(f"  {feature['name']}: relativities " + ", ".join(f"{np.exp(v):.2f}" for v in feature["weights"]))
    other = PoissonRegressor(alpha=1e-5, max_iter=1000).fit(design[~test], (y / exposure)[~test], sample_weight=exposure[~test])
    log(f"scikit-learn's PoissonRegressor on the same bins: test Gini {gini(y[test], other.predict(design[test]), exposure[test]):.4f}")

    write_model(card, out,
                {"file": FILE, "rows": "i % 5 == 4", "count": int(test.sum()), "target": TARGET, "exposure": "exposure",
                 "metric": "gini", "clear": plain(quality)}, log)
    spec = describe_rows(x, np.full(len(x), "policy"), "claims", "Not policies: drawn from rounded statistics of dataCar.")
    save(spec, os.path.join(out, "synthetic.json"))
    drawn = pd.DataFrame([cells for _, cells in draw_rows(spec, 4000)], columns=COLUMNS)
    log(f"4000 synthetic policies: mean rate {np.exp(evaluate(card, drawn)[1]).mean():.4f}, of the real ones {rate.mean():.4f}")


if __name__ == "__main__":
    main()
