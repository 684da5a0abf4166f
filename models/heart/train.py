#!/usr/bin/env python3
"""Trains the model of the demo "heart": risk of coronary heart disease within ten years.

    python3 train.py --data DIR
"""
import os
import sys

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export  # noqa: E402
from synthetic import describe_rows, draw_rows, save  # noqa: E402
from tabular import fifths, plain, start, write_model  # noqa: E402

FILE, TARGET = "heart-framingham/framingham.csv", "TenYearCHD"


def build(c):
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=c, max_iter=1000))


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    x = pd.read_csv(os.path.join(data, FILE))
    y = x.pop(TARGET)
    del x["currentSmoker"]  # cigsPerDay says it already
    train, validation, test = fifths(len(x))
    log(f"{len(x)} people, {y.sum()} with disease; {train.sum()} train, {validation.sum()} validation, {test.sum()} test")
    log(f"cells missing: {x.isna().sum()[lambda n: n > 0].to_dict()}")

    found = {}
    for c in (0.01, 0.03, 0.1, 0.3, 1, 3):
        p = build(c).fit(x[train], y[train]).predict_proba(x[validation])[:, 1]
        found[c] = log_loss(y[validation], p)
        log(f"C {c:g}: validation AUC {roc_auc_score(y[validation], p):.4f}, log loss {found[c]:.5f}")
    best = min(found, key=found.get)
    log(f"chosen: C {best:g}; fitted again on train and validation")

    model = build(best).fit(x[~test], y[~test])
    p = model.predict_proba(x[test])[:, 1]
    auc = roc_auc_score(y[test], p)
    log(f"test: AUC {auc:.4f}, Brier score {brier_score_loss(y[test], p):.4f} "
        f"(a constant: {brier_score_loss(y[test], np.full(test.sum(), y[~test].mean())):.4f}), "
        f"mean risk {100 * p.mean():.1f} %, with disease {100 * y[test].mean():.1f} %")
    order = np.argsort(p, kind="stable")
    for part in np.array_split(order, 5):
        log(f"  fifth of the test people with predicted {100 * p[part].mean():4.1f} %: observed {100 * y[test].values[part].mean():4.1f} %")
    for name, weight in sorted(zip(x, model[-1].coef_[0]), key=lambda t: -abs(t[1])):
        log(f"  {name}: {weight:+.3f} per standard deviation")

    write_model(export(model, list(x), None, name="heart"), out,
                {"file": FILE, "rows": "i % 5 == 4", "count": int(test.sum()), "target": TARGET, "missing": "NA",
                 "metric": "auc", "clear": plain(auc)}, log)
    spec = describe_rows(x, y, "heart", "Not people: drawn from rounded statistics of the Framingham teaching data.")
    save(spec, os.path.join(out, "synthetic.json"))
    rows = draw_rows(spec, 4000)
    drawn = pd.DataFrame([cells for _, cells in rows], columns=list(x), dtype=float)
    score = roc_auc_score([label == "1" for label, _ in rows], model.predict_proba(drawn)[:, 1])
    log(f"4000 synthetic people: AUC {score:.4f}")


if __name__ == "__main__":
    main()
