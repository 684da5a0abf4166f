#!/usr/bin/env python3
"""Trains the model of the demo "mortality": death in hospital, as a sum of one weight for each of 20-odd facts.

    python3 train.py --data DIR
"""
import os
import sys

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from additive import centre, evaluate, feature_of, fit, one_hot, penalty, scorecard, size_of  # noqa: E402
from synthetic import describe_rows, draw_rows, save  # noqa: E402
from tabular import fifths, plain, start, write_model  # noqa: E402

FILE, TARGET = "hospital-support2/support2_9105x47.csv", "hospdead"
# Known on the third day of the study. README.md says why the other columns are not here.
MEASURED = ["scoma", "meanbp", "hrt", "resp", "temp", "wblc", "pafi", "alb", "bili", "crea", "sod", "ph", "glucose", "bun", "urine"]
COLUMNS = ["age", "sex", "dzgroup", "ca", "num.co", "diabetes", "dementia", "hday"] + MEASURED

RIDGE = 0.1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    table = pd.read_csv(os.path.join(data, FILE))
    y, x = table[TARGET].values, table[COLUMNS].copy()
    for c in ("diabetes", "dementia"):
        x[c] = x[c].map({0: "no", 1: "yes"})
    train, validation, test = fifths(len(x))
    log(f"{len(x)} patients, {y.sum()} died in hospital; {train.sum()} train, {validation.sum()} validation, {test.sum()} test")

    found = {}
    for bins in (6, 9):
        features = [feature_of(x[c][train], c, bins, c in MEASURED) for c in COLUMNS]
        design, known = one_hot(features, x), x[train]
        for smooth in (0.3, 1, 3, 10, 30, 100, 300):
            b, w = fit(design[train], y[train], penalty(features, known, smooth, RIDGE), "logistic")
            p = sigmoid(b + design[validation] @ w)
            found[bins, smooth] = log_loss(y[validation], p)
            log(f"{bins} bins, {sum(map(size_of, features))} in all, smoothing {smooth:g}: "
                f"validation AUC {roc_auc_score(y[validation], p):.4f}, log loss {found[bins, smooth]:.5f}")
    bins, smooth = min(found, key=found.get)
    log(f"chosen: {bins} bins, smoothing {smooth:g}; fitted again on train and validation")

    features = [feature_of(x[c][~test], c, bins, c in MEASURED) for c in COLUMNS]
    design, known = one_hot(features, x), x[~test]
    b, w = fit(design[~test], y[~test], penalty(features, known, smooth, RIDGE), "logistic")
    card = scorecard(features, *centre(features, design[~test], b, w), "mortality", "logistic")
    parts, total = evaluate(card, x)
    log(f"{len(features)} features, {sum(map(size_of, features))} bins; written and fitted differ by {np.abs(total - b - design @ w).max():.1e}")
    auc = report("test, this model", y[test], sigmoid(total[test]), log)
    order = np.argsort(total[test], kind="stable")
    for part in np.array_split(order, 5):
        log(f"  fifth with predicted {100 * sigmoid(total[test])[part].mean():4.1f} %: observed {100 * y[test][part].mean():4.1f} %")
    for j in np.argsort(-parts[~test].std(0)):
        log(f"  {card['features'][j]['name']}: contributions from {parts[:, j].min():+.2f} to {parts[:, j].max():+.2f}, "
            f"standard deviation {parts[~test][:, j].std():.3f}")

    texts = [c for c in COLUMNS if x[c].dtype == object]
    numbers = [c for c in COLUMNS if c not in texts]
    boosted = make_pipeline(
        make_column_transformer((OrdinalEncoder(), texts), remainder="passthrough"),
        HistGradientBoostingClassifier(learning_rate=0.03, max_iter=400, max_leaf_nodes=8, l2_regularization=10, random_state=1))
    straight = make_pipeline(make_column_transformer(
        (OneHotEncoder(), texts), (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers)),
        LogisticRegression(max_iter=1000))
    for name, other in (("gradient boosting, same columns", boosted), ("plain logistic regression", straight)):
        report(f"test, {name}", y[test], other.fit(x[~test], y[~test]).predict_proba(x[test])[:, 1], log)

    write_model(card, out,
                {"file": FILE, "rows": "i % 5 == 4", "count": int(test.sum()), "target": TARGET, "missing": "",
                 "replace": {"diabetes": {"0": "no", "1": "yes"}, "dementia": {"0": "no", "1": "yes"}},
                 "metric": "auc", "clear": plain(auc)}, log)
    spec = describe_rows(x, y, "mortality", "Not patients: drawn from rounded statistics of SUPPORT2.", levels=16)
    save(spec, os.path.join(out, "synthetic.json"))
    rows = draw_rows(spec, 4000)
    drawn = pd.DataFrame([cells for _, cells in rows], columns=COLUMNS).astype({c: float for c in numbers})
    log(f"4000 synthetic patients: AUC {roc_auc_score([label == '1' for label, _ in rows], evaluate(card, drawn)[1]):.4f}")


def report(name, y, p, log):
    auc = roc_auc_score(y, p)
    log(f"{name}: AUC {auc:.4f}, Brier score {brier_score_loss(y, p):.4f}, log loss {log_loss(y, p):.4f}")
    return auc


if __name__ == "__main__":
    main()
