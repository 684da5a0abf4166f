"""Describes a table or a set of time series so that others like it can be drawn without the data.

SYNTHETIC.md has the format. What is written are rounded frequencies, quantiles,
covariances and trends of groups of at least 40 rows; extremes, rare categories and rows
are not. `draw_rows` and `draw_series` are the reference of the generator in the demos.
"""
import json

import numpy as np
from scipy.stats import norm, rankdata

FORMAT, VERSION = "glovebox-synthetic", 1
SMALLEST = 40  # rows of a group


def significant(values, digits=3):
    """Rounded to so many significant digits."""
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, float).ravel()]


def rounded(matrix, digits=3):
    return [significant(row, digits) for row in np.atleast_2d(matrix)]


def decimals_of(values):
    for digits in range(4):
        if np.allclose(values, np.round(values, digits), atol=1e-9):
            return digits
    return 4


# ---------------------------------------------------------------- tables

def describe_rows(frame, groups, name, note, factors=6, levels=20, digits=3):
    """frame: columns of numbers and texts; groups: a label for every row."""
    groups = np.asarray(groups).astype(str)
    texts = {c: sorted(v for v, n in frame[c].value_counts().items() if n >= 10)
             for c in frame if frame[c].dtype == object}
    columns = [{"name": c, "values": texts[c]} if c in texts
               else {"name": c, "decimals": decimals_of(frame[c].dropna())} for c in frame]
    classes = []
    for label in sorted(set(groups)):
        part = frame[groups == label]
        if len(part) < SMALLEST:
            raise ValueError(f"{name}: group {label} has {len(part)} rows, fewer than {SMALLEST}")
        marginals, scores = [], []
        for c in frame:
            known = part[c].dropna()
            if c in texts:
                known = known[known.isin(texts[c])]
                share = np.array([(known == v).sum() for v in texts[c]], float)
                share[share < 3] = 0  # one or two rows are nobody's business
                marginal = {"frequencies": significant(share / share.sum(), 2)}
                numbers = known.map(texts[c].index)
            else:
                at = (np.arange(levels) + 0.5) / levels
                q = significant(np.quantile(known, at) if len(known) >= SMALLEST else [known.median()], digits)
                marginal = {"quantiles": q[:1] if len(set(q)) == 1 else q}
                numbers = known
            missing = part[c].isna().mean()
            if missing > 0:
                marginal["missing"] = significant([missing], 2)[0]
            marginals.append(marginal)
            z = np.zeros(len(part))
            z[part.index.get_indexer(numbers.index)] = norm.ppf((rankdata(numbers) - 0.5) / max(1, len(numbers)))
            scores.append(z)
        classes.append({"label": label, "share": significant([len(part) / len(frame)], 3)[0],
                        "columns": marginals, "factors": loadings(np.array(scores), factors)})
    return {"format": FORMAT, "version": VERSION, "name": name, "note": note, "kind": "rows",
            "columns": columns, "classes": classes}


def loadings(scores, factors):
    """Principal factors of the correlations: z = F e + sqrt(1 - |F|^2) own."""
    spread = scores.std(1)
    scores = (scores - scores.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)[:, None]
    value, vector = np.linalg.eigh(scores @ scores.T / scores.shape[1])
    top = np.argsort(value)[::-1][:factors]
    f = vector[:, top] * np.sqrt(np.maximum(value[top], 0))
    return np.round(f / np.maximum(1, np.sqrt((f * f).sum(1)))[:, None], 2).tolist()


def draw_rows(spec, n, seed=1):
    """-> list of (label, list of cells); None is missing."""
    rng = np.random.default_rng(seed)
    share = np.array([c["share"] for c in spec["classes"]])
    rows = []
    for k in rng.choice(len(share), n, p=share / share.sum()):
        group = spec["classes"][k]
        f = np.array(group["factors"])
        own = np.sqrt(np.maximum(0, 1 - (f * f).sum(1)))
        p = norm.cdf(f @ rng.standard_normal(f.shape[1]) + own * rng.standard_normal(len(f)))
        cells = []
        for column, marginal, u in zip(spec["columns"], group["columns"], p):
            if rng.random() < marginal.get("missing", 0):
                cells.append(None)
            elif "values" in column:
                cumulative = np.cumsum(marginal["frequencies"])
                cells.append(column["values"][int(np.searchsorted(cumulative, u * cumulative[-1]))])
            else:
                cells.append(round(quantile(marginal["quantiles"], u), column["decimals"]))
        rows.append((group["label"], cells))
    return rows


def quantile(q, u):
    """Linear between the quantiles at (j + 1/2) / m, constant beyond."""
    return float(np.interp(u, (np.arange(len(q)) + 0.5) / len(q), q))


# ---------------------------------------------------------------- series

def draw_series(spec, group, length, rng, day=0):
    """-> array of length x variables. `group`: one of spec["classes"]; day: of the year, of the first step."""
    names = spec["variables"]
    a, noise = np.array(group["step"]), np.array(group["noise"])
    between = np.array(group["between"]) @ rng.standard_normal(len(names)) if "between" in group else 0
    y = np.zeros(len(names))
    for _ in range(50):
        y = a @ y + noise @ rng.standard_normal(len(names))
    out = np.zeros((length, len(names)))
    for t in range(length):
        y = a @ y + noise @ rng.standard_normal(len(names))
        angle = 2 * np.pi * ((day + t) % 365.25) / 365.25
        for v, shape in enumerate(group["columns"]):
            x = shape.get("level", 0) + shape.get("slope", 0) * t + shape.get("rise", 0) * np.exp(-t / group.get("time", 1))
            x += shape.get("cos", 0) * np.cos(angle) + shape.get("sin", 0) * np.sin(angle) + y[v]
            x += between[v] if "between" in group else 0
            if "quantiles" in shape:
                x = quantile(shape["quantiles"], norm.cdf(x))
            low, high = spec["ranges"][v]
            out[t, v] = round(min(max(x, low), high), spec["decimals"][v])
    return out


def autoregression(series):
    """Of latent series (steps x variables each), without their means: y[t] = A y[t-1] + L e."""
    before = np.concatenate([s[:-1] for s in series])
    after = np.concatenate([s[1:] for s in series])
    a = np.linalg.lstsq(before, after, rcond=None)[0].T
    rest = after - before @ a.T
    return a, np.linalg.cholesky(rest.T @ rest / len(rest) + 1e-12 * np.eye(a.shape[0]))


def save(spec, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
