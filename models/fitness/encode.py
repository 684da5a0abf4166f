#!/usr/bin/env python3
"""Encodes runs as the demo "fitness" does, checks sums by the minute against sums by the second, and describes runs for synthetic.json.

    python3 encode.py --data DIR
"""
import json
import os
import sys

import numpy as np
import pandas as pd

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from synthetic import FORMAT, VERSION, autoregression, draw_series, rounded, save, significant  # noqa: E402
from tabular import start  # noqa: E402

FILE = "running-tracker/runs.csv.gz"
HERE = os.path.dirname(os.path.abspath(__file__))
MINUTES, PAUSE, ZONES = 128, 10, [0.6, 0.7, 0.8, 0.9]  # seconds without a point that count as a pause; of the highest heart rate
HIGHEST = 195  # beats a minute; the runner's own number, which the server never sees


def encode(run, highest=HIGHEST):
    """Points (time in s, distance in m, altitude in m, heart rate) -> array of MINUTES x 8.

    What happens between two points belongs to the minute and the heart rate of the later one.
    """
    time = run.time.values - run.time.values[0]
    step = np.diff(time, prepend=0)
    moving = np.where(step <= PAUSE, step, 0) / 60
    zone = np.searchsorted(ZONES, run.heart_rate.values / highest, side="right")
    rows = np.zeros((MINUTES, 8))
    minute = (time // 60).astype(int)
    if minute[-1] >= MINUTES:
        raise ValueError(f"a run of {minute[-1] + 1} minutes does not fit in {MINUTES}: send it in parts, their sums add up")
    np.add.at(rows[:, 0], minute, np.diff(run.distance.values, prepend=0) / 1000)
    np.add.at(rows[:, 1], minute, moving)
    np.add.at(rows[:, 2], minute, np.maximum(0, np.diff(run.altitude.values, prepend=run.altitude.values[0])) / 1000)
    np.add.at(rows, (minute, 3 + zone), moving)
    return rows


def main():
    data, out, log = start(__file__, __doc__.split("\n")[0], "encode.log")
    with open(os.path.join(HERE, "model.json"), encoding="utf-8") as file:
        model = json.load(file)
    names = [o["name"] for o in model["outputs"]]
    weights = np.array([o["weights"] for o in model["outputs"]])
    points = pd.read_csv(os.path.join(data, FILE)).ffill()
    runs = [part.reset_index(drop=True) for _, part in points.groupby("session")]
    log(f"{len(runs)} runs, {len(points)} points")
    weeks, worst, counts = {}, 0, {}
    for run in runs:
        rows = encode(run)
        answer = dict(zip(names, weights @ rows.sum(0)))
        gap = np.diff(run.time.values)
        distance, minutes = run.distance.iloc[-1] / 1000, gap[gap <= PAUSE].sum() / 60
        zones = sum(answer[f"zone{k}"] for k in range(1, 6))
        worst = max(worst, abs(answer["distance"] / distance - 1), abs(answer["moving"] / minutes - 1), abs(zones / minutes - 1))
        classes = model["classes"]
        said = max(classes, key=answer.get)
        counts[said] = counts.get(said, 0) + 1
        weeks.setdefault(pd.to_datetime(run.time.iloc[0], unit="s").isocalendar()[1], []).append(rows)
    log(f"largest relative difference of distance, time and sum of zones from the points: {worst:.1e}")
    log("runs called " + ", ".join(f"{name}: {counts.get(name, 0)}" for name in model["classes"]))
    for rows in weeks.values():
        together, apart = weights @ sum(rows).sum(0), sum(weights @ r.sum(0) for r in rows)
        worst = max(worst, (np.abs(together - apart) / np.maximum(1, np.abs(apart))).max())
    log(f"{len(weeks)} weeks of up to {max(map(len, weeks.values()))} runs; the sum of a week's uploads gives the sum of its answers to {worst:.1e}")
    largest = np.array([encode(run) for run in runs]).max((0, 1))
    log("largest input of each kind: " + ", ".join(f"{n} {v:.3f}" for n, v in zip(model["features"], largest)))

    test = {"file": FILE, "rows": "all sessions", "count": len(runs), "highest": HIGHEST, "metric": "largest relative difference",
            "clear": float(f"{worst:.1e}")}
    with open(os.path.join(out, "test.json"), "w", encoding="utf-8") as file:
        json.dump(test, file, indent=2)
        file.write("\n")

    spec = describe(runs)
    save(spec, os.path.join(out, "synthetic.json"))
    rng = np.random.default_rng(1)
    for group in spec["classes"]:
        drawn = draw_series(spec, group, 50, rng)
        log(f"one synthetic run, {group['label']}, 50 min: {drawn[:, 0].sum() / 1000:.2f} km, heart rate {drawn[0, 1]:.0f}, {drawn[5, 1]:.0f}, "
            f"{drawn[:, 1].mean():.0f} (start, minute 5, mean), climb {drawn[:, 2].sum():.0f} m")


def describe(runs):
    """Speed, heart rate and climb by the minute of the slower and the faster half of the runs."""
    series = []
    for run in runs:
        minute = (run.time.values - run.time.values[0]) // 60
        by = run.groupby(minute)
        rows = np.c_[by.speed.mean() * 60, by.heart_rate.mean(), by.altitude.apply(lambda a: np.maximum(0, np.diff(a)).sum())][:-1]
        series.append(rows[by.size().values[:-1] >= 45])
    pace = np.array([s[:, 0].mean() for s in series])
    minutes = np.array([len(s) for s in series])
    spec = {"format": FORMAT, "version": VERSION, "name": "fitness", "kind": "series",
            "note": "Nobody's runs: drawn from rounded statistics of one runner's.", "step": "a minute",
            "variables": ["distance, m", "heart rate", "climb, m"], "decimals": [1, 0, 1],
            "ranges": [[0, 400], [50, 200], [0, 20]], "length": significant(np.quantile(minutes, [0.1, 0.3, 0.5, 0.7, 0.9]), 2), "classes": []}
    for label, chosen in (("slower", pace <= np.median(pace)), ("faster", pace > np.median(pace))):
        part = [s for s, c in zip(series, chosen) if c]
        late = np.concatenate([s[10:] for s in part])
        own = np.array([s[10:].mean(0) for s in part if len(s) > 15]) - late.mean(0)
        a, noise = autoregression([s[10:] - s[10:].mean(0) for s in part if len(s) > 15])
        rise = np.mean([s[0, 1] - s[10:].mean(0)[1] for s in part if len(s) > 15])
        columns = [{"level": significant([m])[0]} for m in late.mean(0)]
        columns[1]["rise"] = significant([rise], 2)[0]
        spec["classes"].append({"label": label, "share": 0.5, "time": 2, "columns": columns, "step": rounded(a, 2), "noise": rounded(noise),
                                "between": rounded(np.linalg.cholesky(own.T @ own / len(own) + 1e-6 * np.eye(3)), 2)})
    return spec


if __name__ == "__main__":
    main()
