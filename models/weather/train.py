#!/usr/bin/env python3
"""Trains the model of the demo "weather": tomorrow's highest temperature, and whether it will rain, from 14 days.

    python3 train.py --data DIR     (a folder with weather.csv: node_modules/vega-datasets/data)
"""
import os
import sys

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export  # noqa: E402
from synthetic import FORMAT, VERSION, autoregression, draw_series, rounded, save, significant  # noqa: E402
from tabular import plain, start, write_model  # noqa: E402

FILE, DAYS = "weather.csv", 14
DAILY = ["precipitation", "rained", "temp_max", "temp_min", "wind"]
COLUMNS = [f"{name}.{k}" for k in range(DAYS, 0, -1) for name in DAILY] + ["season_sin", "season_cos", "new_york"]
LAG = np.array([k - 1 for k in range(DAYS, 0, -1) for _ in DAILY] + [0, 0, 0])
SERIES = ["precipitation", "temp_max", "temp_min", "wind"]


def inputs(days, day_of_year, city):
    """days: 14 rows of DAILY, oldest first; the day that is foretold and the city."""
    angle = 2 * np.pi * (day_of_year - 1) / 365.25
    return np.r_[days.ravel(), np.sin(angle), np.cos(angle), float(city == "New York")]


def samples(table):
    x, y, before = [], [], []
    for city, part in table.groupby("location", sort=False):
        values = part[DAILY].values.astype(float)
        for k in range(DAYS, len(part)):
            x.append(inputs(values[k - DAYS:k], part.date.iloc[k].dayofyear, city))
            y.append((values[k, 2], values[k, 1], part.date.iloc[k].year, city == "New York"))
            before.append((values[k - 1, 2], values[k - 1, 1]))
    return np.array(x), np.array(y), np.array(before)


def rmse(a, b):
    return np.sqrt(np.mean((a - b) ** 2))


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0])
    table = pd.read_csv(os.path.join(data, FILE), parse_dates=["date"])
    table["rained"] = (table.precipitation > 0).astype(float)
    x, y, before = samples(table)
    year = y[:, 2]
    train, validation, test = year <= 2013, year == 2014, year == 2015
    log(f"{len(x)} days of two cities: {train.sum()} train (2012, 2013), {validation.sum()} validation (2014), {test.sum()} test (2015)")

    def fit(rows, alpha, c, fade_t, fade_r):
        """Two fits on scaled inputs that fade with their age, which asks more of old days; one affine map out of both."""
        scale = StandardScaler().fit(x[rows])
        z = scale.transform(x[rows])
        t = Ridge(alpha).fit(z * fade_t ** LAG, y[rows, 0])
        r = LogisticRegression(C=c, max_iter=1000).fit(z * fade_r ** LAG, y[rows, 1])
        both = LinearRegression()
        both.coef_ = np.array([t.coef_ * fade_t ** LAG, r.coef_[0] * fade_r ** LAG])
        both.intercept_ = np.array([t.intercept_, r.intercept_[0]])
        both.n_features_in_ = x.shape[1]
        return make_pipeline(scale, both)

    warm, wet = {}, {}
    for fade in (1, 0.8, 0.6, 0.4):
        for strength in (1, 3, 10, 30, 100):
            p = fit(train, strength, 1 / strength, fade, fade).predict(x[validation])
            warm[strength, fade] = rmse(p[:, 0], y[validation, 0])
            wet[strength, fade] = log_loss(y[validation, 1], 1 / (1 + np.exp(-p[:, 1])))
            log(f"fading {fade:g}, penalty {strength:g}: validation RMSE {warm[strength, fade]:.3f} °C, rain log loss {wet[strength, fade]:.4f}, "
                f"accuracy {100 * ((p[:, 1] > 0) == y[validation, 1]).mean():.2f} %")
    (alpha, fade_t), (penalty, fade_r) = min(warm, key=warm.get), min(wet, key=wet.get)
    log(f"chosen: temperature fading {fade_t:g}, penalty {alpha:g}; rain fading {fade_r:g}, penalty {penalty:g}; fitted again on 2012 to 2014")
    model = fit(~test, alpha, 1 / penalty, fade_t, fade_r)
    p = model.predict(x[test])
    numbers = {}
    for name, rows in (("both cities", np.full(test.sum(), True)), ("Seattle", y[test, 3] == 0), ("New York", y[test, 3] == 1)):
        truth, said, old = y[test][rows], p[rows], before[test][rows]
        numbers[name] = (rmse(said[:, 0], truth[:, 0]), ((said[:, 1] > 0) == truth[:, 1]).mean())
        log(f"test, {name}: RMSE {numbers[name][0]:.3f} °C (as today: {rmse(old[:, 0], truth[:, 0]):.3f}), "
            f"rain right {100 * numbers[name][1]:.2f} % (as today: {100 * (old[:, 1] == truth[:, 1]).mean():.2f} %, "
            f"always dry: {100 * (truth[:, 1] == 0).mean():.2f} %), AUC {roc_auc_score(truth[:, 1], said[:, 1]):.4f}, "
            f"Brier score {brier_score_loss(truth[:, 1], 1 / (1 + np.exp(-said[:, 1]))):.4f} "
            f"(its mean: {truth[:, 1].mean() * (1 - truth[:, 1].mean()):.4f})")

    write_model(export(model, COLUMNS, None, name="weather"), out,
                {"file": FILE, "package": "vega-datasets@3.2.1", "rows": "days of 2015 and the 14 before, Seattle then New York", "count": int(test.sum()),
                 "outputs": ["temp_max, °C", "rain, log-odds"], "metric": "rmse",
                 "clear": plain(numbers["both cities"][0]), "rain": plain(numbers["both cities"][1])}, log)
    spec = describe(table)
    save(spec, os.path.join(out, "synthetic.json"))
    rng = np.random.default_rng(1)
    errors, right = [], []
    for n in range(2000):
        group, day = spec["classes"][n % 2], int(rng.integers(365))
        drawn = draw_series(spec, group, DAYS + 1, rng, day)
        daily = np.c_[drawn[:, 0], drawn[:, 0] > 0, drawn[:, 1:]]
        said = model.predict([inputs(daily[:DAYS], (day + DAYS) % 365 + 1, group["label"])])[0]
        errors.append(said[0] - drawn[DAYS, 1])
        right.append((said[1] > 0) == daily[DAYS, 1])
    log(f"2000 synthetic days: RMSE {np.sqrt(np.mean(np.square(errors))):.3f} °C, rain right {100 * np.mean(right):.1f} %")


def describe(table):
    """Each city: the year's course of every variable, and a day's dependence on the day before."""
    spec = {"format": FORMAT, "version": VERSION, "name": "weather", "note": "Not days that were: drawn from statistics of two cities.",
            "kind": "series", "length": DAYS, "variables": SERIES, "decimals": [1] * 4,
            "ranges": [[0, 80], [-10, 40], [-18, 30], [0.2, 15]], "classes": []}
    rng = np.random.default_rng(1)
    for city, part in table.groupby("location", sort=False):
        part = part[part.date.dt.year < 2015]
        angle = 2 * np.pi * (part.date.dt.dayofyear.values - 1) / 365.25
        course = np.c_[np.ones(len(part)), np.cos(angle), np.sin(angle)]
        values = part[SERIES].values.astype(float)
        rain = values[:, 0].copy()
        # Dry days differ in nothing: any order of them will do.
        values[:, 0] = norm.ppf((rankdata(rain + 1e-6 * rng.random(len(rain))) - 0.5) / len(rain))
        fitted = np.linalg.lstsq(course, values, rcond=None)[0]
        a, noise = autoregression([values - course @ fitted])
        shapes = [dict(zip(("level", "cos", "sin"), significant(fitted[:, v]))) for v in range(len(SERIES))]
        shapes[0]["quantiles"] = significant(np.quantile(rain, (np.arange(40) + 0.5) / 40))
        spec["classes"].append({"label": city, "share": 0.5, "columns": shapes, "step": rounded(a), "noise": rounded(noise)})
    return spec


if __name__ == "__main__":
    main()
