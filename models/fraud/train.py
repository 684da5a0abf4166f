#!/usr/bin/env python3
"""Trains the model of the demo "fraud": is a card payment fraudulent?

    python3 train.py --data DIR
"""
import os
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export  # noqa: E402
from synthetic import describe_rows, draw_rows, save  # noqa: E402
from tabular import fifths, plain, start, write_model  # noqa: E402

FILE, TARGET = "fraud-ulb-creditcard-subset/creditcard_1409x30.csv", "Class"


def build(c):
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=5000))


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    x = pd.read_csv(os.path.join(data, FILE))
    first = ~x.duplicated().values  # a payment that is in the file twice must not be learnt and tested
    y = x.pop(TARGET).values
    train, validation, test = (part & first for part in fifths(len(x)))
    log(f"{len(x)} payments, {y.sum()} fraudulent; {(~first).sum()} repeat an earlier one and are left out; "
        f"{train.sum()} train, {validation.sum()} validation, {test.sum()} test ({y[test].sum()} fraudulent)")

    found = {}
    for c in (0.01, 0.03, 0.1, 0.3, 1, 3, 10):
        p = build(c).fit(x[train], y[train]).predict_proba(x[validation])[:, 1]
        found[c] = log_loss(y[validation], p)
        log(f"C {c:g}: validation AUC {roc_auc_score(y[validation], p):.4f}, average precision "
            f"{average_precision_score(y[validation], p):.4f}, accuracy {100 * ((p > 0.5) == y[validation]).mean():.2f} %, log loss {found[c]:.4f}")
    best = min(found, key=found.get)
    rest = (train | validation)
    model = build(best).fit(x[rest], y[rest])
    log(f"chosen: C {best:g}; fitted again on train and validation")

    p = model.predict_proba(x[test])[:, 1]
    said = p > 0.5
    right = (said == y[test]).mean()
    log(f"test: accuracy {100 * right:.2f} %, AUC {roc_auc_score(y[test], p):.4f}, average precision "
        f"{average_precision_score(y[test], p):.4f}, fraud found {100 * said[y[test] == 1].mean():.1f} %, "
        f"honest payments stopped {100 * said[y[test] == 0].mean():.2f} %, always the commoner class {100 * (y[test] == 0).mean():.2f} %")
    decision = model.decision_function(x[rest])
    log(f"decision from {decision.min():.1f} to {decision.max():.1f}; largest scaled input "
        f"{np.abs(model[0].transform(x[rest])).max():.1f}, largest weight {np.abs(model[-1].coef_).max():.2f}")

    write_model(export(model, list(x), None, name="fraud"), out,
                {"file": FILE, "rows": "i % 5 == 4 and no earlier line is the same", "count": int(test.sum()), "target": TARGET,
                 "metric": "accuracy", "threshold": 0.5, "clear": plain(right)}, log)
    spec = describe_rows(x, y, "fraud", "Not payments: drawn from rounded statistics of the ULB data.")
    save(spec, os.path.join(out, "synthetic.json"))
    rows = draw_rows(spec, 4000)
    drawn = pd.DataFrame([cells for _, cells in rows], columns=list(x), dtype=float)
    score = (model.predict(drawn) == [int(label) for label, _ in rows]).mean()
    log(f"4000 synthetic payments: accuracy {100 * score:.2f} %")


if __name__ == "__main__":
    main()
