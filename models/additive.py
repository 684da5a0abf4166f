"""Additive models of bins: every number becomes one of a few bins, every bin has a weight (scorecards, GAMs)."""
import numpy as np
import pandas as pd


def nice_edges(values, bins, weights=None):
    """Edges of about equally filled bins, and of the tails, where risk changes fastest; rounded as far as the spread allows."""
    values = np.asarray(values[~pd.isna(values)], float)
    step = 10.0 ** np.floor(np.log10(max(np.subtract(*np.quantile(values, [0.9, 0.1])), 1e-9) / 40))
    step *= max((s for s in (1, 2, 5) if s * step * 40 <= np.subtract(*np.quantile(values, [0.9, 0.1]))), default=1)
    cut = np.quantile(values, np.r_[0.02, 0.05, np.arange(1, bins) / bins, 0.95, 0.98])
    edges = sorted(set(float(f"{np.round(c / step) * step:.10g}") for c in cut))
    kept = []
    for e in edges:  # at least 30 rows in every bin
        if ((values >= (kept[-1] if kept else -np.inf)) & (values < e)).sum() >= 30 and (values >= e).sum() >= 30:
            kept.append(e)
    return kept


def feature_of(column, name, bins, missing=False):
    """The public part of a feature: edges or categories, and whether missing has a bin."""
    if column.dtype == object:
        return {"name": name, "categories": sorted(column.dropna().unique()), "missing": missing}
    return {"name": name, "edges": nice_edges(column.values, bins), "missing": missing}


def size_of(feature):
    return len(feature.get("categories", [])) + (len(feature["edges"]) + 1 if "edges" in feature else 0) + feature["missing"]


def bin_of(feature, column):
    """The bin of every row; -1 where it has none: an unknown category, or missing without a bin."""
    known = ~column.isna().values
    out = np.full(len(column), size_of(feature) - 1 if feature["missing"] else -1)
    if "categories" in feature:
        out[known] = [feature["categories"].index(v) if v in feature["categories"] else -1 for v in column[known]]
    else:
        out[known] = np.searchsorted(feature["edges"], column.values[known].astype(float), side="right")
    return out


def one_hot(features, table):
    blocks = []
    for f in features:
        block = np.zeros((len(table), size_of(f)))
        b = bin_of(f, table[f["name"]])
        block[np.flatnonzero(b >= 0), b[b >= 0]] = 1
        blocks.append(block)
    return np.hstack(blocks)


def penalty(features, table, smooth, ridge):
    """Numbers: bends between bins are penalised, straight lines are not, so that heavy smoothing ends at a line.
    All weights: a little towards 0."""
    total = sum(size_of(f) for f in features)
    p, at = ridge * np.eye(total), 0
    for f in features:
        if "edges" in f:
            column = table[f["name"]]
            b = bin_of(f, column)
            middle = np.array([column.values[b == j].astype(float).mean() for j in range(len(f["edges"]) + 1)])
            middle /= column.std()
            for j in range(1, len(f["edges"])):
                left, right = middle[j] - middle[j - 1], middle[j + 1] - middle[j]
                d = np.zeros(total)  # change of slope, times the mean width
                d[at + j - 1:at + j + 2] = 1 / left, -1 / left - 1 / right, 1 / right
                p += smooth * (left + right) / 2 * np.outer(d, d)
        at += size_of(f)
    return p


def fit(x, y, p, link, exposure=None, steps=50):
    """Penalised maximum likelihood by Newton steps. link: logistic (y is 0 or 1) or log (y counts, exposure in the same unit).
    -> intercept, weights"""
    x = np.hstack([np.ones((len(x), 1)), x])
    p = np.pad(p, ((1, 0), (1, 0)))
    exposure = np.ones(len(y)) if exposure is None else exposure
    w = np.zeros(x.shape[1])
    rate = y.sum() / exposure.sum()
    w[0] = np.log(rate / (1 - rate)) if link == "logistic" else np.log(rate)
    for _ in range(steps):
        eta = x @ w
        mean = 1 / (1 + np.exp(-eta)) if link == "logistic" else exposure * np.exp(eta)
        curvature = mean * (1 - mean) if link == "logistic" else mean
        step = np.linalg.solve(x.T @ (x * curvature[:, None]) + p + 1e-9 * np.eye(len(w)), x.T @ (y - mean) - p @ w)
        w += step
        if np.abs(step).max() < 1e-10:
            return w[0], w[1:]
    raise RuntimeError("the fit did not converge")


def centre(features, x, intercept, weights, exposure=None):
    """The mean contribution of every feature becomes 0 on these rows; the intercept takes what it loses."""
    share = np.average(x, axis=0, weights=exposure)
    weights, at = weights.copy(), 0
    for f in features:
        part = slice(at, at + size_of(f))
        held = share[part].sum()
        mean = share[part] @ weights[part] / max(held, 1e-12)
        weights[part] -= mean
        intercept += mean * held  # exact only where every row has a bin
        at += size_of(f)
    return intercept, weights


def scorecard(features, intercept, weights, name, link, digits=6):
    """JSON of format glovebox-scorecard; weights rounded."""
    out, at = [], 0
    for f in features:
        w = [round(float(v), digits) for v in weights[at:at + size_of(f)]]
        at += size_of(f)
        entry = {"name": f["name"]}
        entry.update({"categories": f["categories"]} if "categories" in f else {"edges": f["edges"]})
        entry["weights"] = w[:len(w) - f["missing"]]
        if f["missing"]:
            entry["missing"] = w[-1]
        out.append(entry)
    return {"format": "glovebox-scorecard", "version": 1, "name": name, "link": link,
            "intercept": round(float(intercept), digits), "features": out}


def evaluate(card, table):
    """What the scorecard gives before the link, from nothing but its JSON. -> contributions (rows x features), total"""
    parts = []
    for f in card["features"]:
        w = np.array(f["weights"] + [f.get("missing", 0), 0])
        feature = {**f, "missing": True}
        parts.append(w[bin_of(feature, table[f["name"]])])
    parts = np.array(parts).T
    return parts, card["intercept"] + parts.sum(1)
