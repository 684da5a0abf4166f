#!/usr/bin/env python3
"""Writes a fitted scikit-learn model as JSON that Glovebox imports.

    from export_sklearn import export
    export(pipeline, ["age", "sex", "bmi"], "heart.json", name="heart")

The format is described in docs/models.md. It needs numpy and scikit-learn (1.0
or newer) only; this file may be copied next to your own training script.

A model is one estimator or a Pipeline that ends in one. Everything in front of
it that is a scaler, an imputer or an encoder becomes work of the client; the rest
is computed on ciphertexts. What cannot be written is an error that names the
step, its type and the parameter.
"""
import base64
import json
import math

import numpy as np

FORMAT, VERSION = "glovebox-sklearn", 1
# Larger arrays are packed as base64; of these, ones with at most a third of
# their numbers other than 0 are written as indices and numbers.
PACKED = 256

LINEAR = ["coef_", "intercept_"]
CLASSIFIER = LINEAR + ["classes_"]

# The attributes that are written, by type. Names are scikit-learn's own.
ATTRIBUTES = {
    **dict.fromkeys(
        ["LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "BayesianRidge",
         "HuberRegressor", "SGDRegressor", "LinearSVR", "PoissonRegressor", "GammaRegressor"], LINEAR),
    "TweedieRegressor": LINEAR,
    **dict.fromkeys(["RidgeClassifier", "RidgeClassifierCV", "LinearSVC", "Perceptron", "LogisticRegression",
                     "LogisticRegressionCV", "LinearDiscriminantAnalysis"], CLASSIFIER),
    "SGDClassifier": CLASSIFIER + ["loss"],
    "SVC": ["support_vectors_", "dual_coef_", "intercept_", "classes_", "kernel", "degree", "coef0"],
    "SVR": ["support_vectors_", "dual_coef_", "intercept_", "kernel", "degree", "coef0"],
    "MLPRegressor": ["coefs_", "intercepts_", "activation", "out_activation_"],
    "MLPClassifier": ["coefs_", "intercepts_", "activation", "out_activation_", "classes_"],
    "PCA": ["components_", "mean_", "whiten", "explained_variance_"],
    "TruncatedSVD": ["components_"],
    "StandardScaler": ["mean_", "scale_"],
    "MinMaxScaler": ["scale_", "min_"],
    "MaxAbsScaler": ["scale_"],
    "RobustScaler": ["center_", "scale_"],
    "Normalizer": ["norm"],
    "SimpleImputer": ["statistics_"],
    "OneHotEncoder": ["categories_", "drop_idx_", "handle_unknown"],
    "OrdinalEncoder": ["categories_", "handle_unknown", "unknown_value"],
    "KBinsDiscretizer": ["bin_edges_"],
    "PolynomialFeatures": ["degree", "interaction_only", "include_bias"],
    "HashingVectorizer": ["n_features", "ngram_range", "lowercase", "norm", "alternate_sign", "binary"],
}

# Parameters that must have one of these values, by type.
REQUIRED = {
    "SVC": {"kernel": ["linear", "poly"]},
    "SVR": {"kernel": ["linear", "poly"]},
    "MLPRegressor": {"activation": ["identity", "relu", "tanh", "logistic", "square"]},
    "MLPClassifier": {"activation": ["identity", "relu", "tanh", "logistic", "square"]},
    "MinMaxScaler": {"clip": [False]},
    "SimpleImputer": {"add_indicator": [False]},
    "OneHotEncoder": {"min_frequency": [None], "max_categories": [None], "handle_unknown": ["error", "ignore"]},
    "OrdinalEncoder": {"min_frequency": [None], "max_categories": [None]},
    "KBinsDiscretizer": {"encode": ["onehot", "onehot-dense"]},
    "PolynomialFeatures": {"degree": [1, 2, 3]},
    "HashingVectorizer": {
        "input": ["content"], "strip_accents": [None], "preprocessor": [None], "tokenizer": [None],
        "stop_words": [None], "analyzer": ["word"]},
}

# The shortest word that a token pattern finds; words are runs of letters, digits and _.
TOKEN_PATTERNS = {r"(?u)\b\w\w+\b": 2, r"\b\w\w+\b": 2, r"\w\w+": 2, r"(?u)\b\w+\b": 1, r"\b\w+\b": 1, r"\w+": 1}


def export(pipeline, columns, path, name="model", float32=False):
    """Writes `pipeline` to `path`, or returns the object that would be written where `path` is None.

    columns: names of the columns in the order in which the pipeline was fitted, or
        their number where they have no names (thousands of markers, pixels). An item
        may be {"name": ..., "values": [...]} for a category; where only encoders see
        a column, values are found by themselves. A text has one column.
    name: what the model is called.
    float32: rounds the numbers of large arrays to single precision, half the size.
    """
    writer = Writer(float32)
    steps = writer.steps(pipeline, last=True)
    if isinstance(columns, (int, np.integer)):
        described = int(columns)
        expected = described
    else:
        described = [dict(c) if isinstance(c, dict) else {"name": str(c)} for c in columns]
        expected = len(described)
        add_values(described, list(range(expected)), steps)
    given = getattr(pipeline, "n_features_in_", expected)
    if given != expected:
        raise ValueError(f"columns: expected {given}, as the pipeline was fitted with, got {expected}")
    model = {"format": FORMAT, "version": VERSION, "name": name, "columns": described, "steps": steps}
    text = json.dumps(model, allow_nan=False, ensure_ascii=False)
    if path is None:
        return json.loads(text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def add_values(columns, indices, steps):
    """Categories are what the encoders that see a column directly, or behind an imputer, know."""
    for step in steps:
        if step["type"] == "ColumnTransformer":
            for branch in step["transformers"]:
                add_values(columns, [indices[i] for i in branch["columns"]], branch["steps"])
        elif step["type"] in ("OneHotEncoder", "OrdinalEncoder"):
            for i, categories in zip(indices, step["categories_"]):
                texts = [c for c in categories if isinstance(c, str)]
                if texts:
                    columns[i].setdefault("values", texts)
        if step["type"] != "SimpleImputer" or any(s is None for s in step["statistics_"]):
            return


class Writer:
    def __init__(self, float32):
        self.dtype = np.float32 if float32 else np.float64

    def steps(self, estimator, last, width=None):
        """A flat list: pipelines in pipelines disappear."""
        kind = type(estimator).__name__
        if estimator is None or estimator == "passthrough":
            return []
        if hasattr(estimator, "best_estimator_"):
            return self.steps(estimator.best_estimator_, last)
        if hasattr(estimator, "transformers_"):
            return [self.columns(estimator)]
        if hasattr(estimator, "steps"):
            parts = [part for _, part in estimator.steps if part is not None and part != "passthrough"]
            return [s for i, part in enumerate(parts) for s in self.steps(part, last and i == len(parts) - 1)]
        if kind not in ATTRIBUTES:
            raise ValueError(f"{kind} is not supported; supported are Pipeline, ColumnTransformer, "
                             + ", ".join(sorted(ATTRIBUTES)))
        return [self.step(estimator, kind, last)]

    def columns(self, transformer):
        """A ColumnTransformer: its branches with the indices of the columns that each takes."""
        names = list(getattr(transformer, "feature_names_in_", []))
        everything = list(range(transformer.n_features_in_))
        branches = []
        for _, part, columns in transformer.transformers_:
            if isinstance(part, str) and part == "drop":
                continue
            if getattr(transformer, "transformer_weights", None):
                raise ValueError("ColumnTransformer: transformer_weights are not supported")
            indices = column_indices(columns, names, everything)
            if indices:
                branches.append({"columns": indices, "steps": self.steps(part, False)})
        return {"type": "ColumnTransformer", "transformers": branches}

    def step(self, estimator, kind, last):
        for parameter, allowed in REQUIRED.get(kind, {}).items():
            value = getattr(estimator, parameter, allowed[0])
            if value not in allowed:
                raise ValueError(f"{kind}: {parameter} = {value!r} is not supported, only {allowed}")
        attributes = ATTRIBUTES[kind]
        if kind == "LinearDiscriminantAnalysis" and not last:
            attributes = []
        step = {"type": kind}
        for attribute in attributes:
            step[attribute] = self.value(getattr(estimator, attribute, None), f"{kind}.{attribute}")
        step.update(self.details(estimator, kind, last))
        return step

    def details(self, estimator, kind, last):
        """What is not simply an attribute."""
        if kind in ("LogisticRegression", "LogisticRegressionCV"):
            return {"multi_class": multi_class(estimator)}
        if kind == "LinearDiscriminantAnalysis" and not last:
            scalings = estimator.scalings_[:, : estimator._max_components]
            return {"scalings_": self.value(scalings, kind), "xbar_": self.value(
                estimator.xbar_ if estimator.solver == "svd" else np.zeros(len(scalings)), kind)}
        if kind in ("SVC", "SVR"):
            if kind == "SVC" and len(estimator.classes_) != 2:
                raise ValueError(f"SVC: {len(estimator.classes_)} classes are not supported, only 2; use LinearSVC")
            return {"gamma": float(estimator._gamma)}
        if kind == "StandardScaler" and not estimator.with_mean:
            return {"mean_": None}
        if kind == "TweedieRegressor":
            link = estimator.link
            return {"link": ("identity" if estimator.power <= 0 else "log") if link == "auto" else link}
        if kind == "SimpleImputer":
            return {"missing_values": self.value(estimator.missing_values, kind)}
        if kind == "OrdinalEncoder":
            return {"encoded_missing_value": self.value(getattr(estimator, "encoded_missing_value", None), kind)}
        if kind == "HashingVectorizer":
            if estimator.token_pattern not in TOKEN_PATTERNS:
                raise ValueError(f"HashingVectorizer: token_pattern = {estimator.token_pattern!r} is not supported, "
                                 f"only {list(TOKEN_PATTERNS)}")
            return {"min_length": TOKEN_PATTERNS[estimator.token_pattern]}
        return {}

    def value(self, value, where):
        """JSON of an attribute: None and NaN are null, large arrays of numbers are packed."""
        if value is None or isinstance(value, (bool, np.bool_)):
            return None if value is None else bool(value)
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, (float, np.floating)):
            if math.isinf(value):
                raise ValueError(f"{where} is infinite")
            return None if math.isnan(value) else float(value)
        if isinstance(value, str):
            return str(value)
        if hasattr(value, "tocoo"):
            return self.sparse(value.tocoo(), where)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > PACKED:
            return self.packed(value, where)
        if isinstance(value, (list, tuple, np.ndarray)):
            return [self.value(v, where) for v in value]
        if type(value).__name__ == "NAType":
            return None
        raise ValueError(f"{where}: {type(value).__name__} cannot be written")

    def packed(self, array, where):
        if not np.isfinite(array).all():
            raise ValueError(f"{where} has numbers that are not finite")
        flat = array.reshape(-1)
        index = np.flatnonzero(flat)
        if 3 * len(index) <= len(flat):
            return self.pack(array.shape, flat[index], index)
        return self.pack(array.shape, flat)

    def sparse(self, matrix, where):
        matrix.sum_duplicates()
        index = matrix.row.astype(np.int64) * matrix.shape[1] + matrix.col
        order = np.argsort(index)
        return self.pack(matrix.shape, matrix.data[order], index[order])

    def pack(self, shape, values, index=None):
        """Little-endian; `index` says where in row-major order the values are, all others are 0."""
        out = {"dtype": np.dtype(self.dtype).name, "shape": [int(n) for n in shape]}
        if index is not None:
            if math.prod(shape) >= 2**32:
                raise ValueError(f"an array of shape {shape} is too large")
            out["index"] = base64.b64encode(index.astype("<u4").tobytes()).decode()
        little = np.dtype(self.dtype).newbyteorder("<")
        out["base64"] = base64.b64encode(np.ascontiguousarray(values).astype(little).tobytes()).decode()
        return out


def multi_class(estimator):
    """How LogisticRegression makes probabilities of more than two decisions."""
    asked = getattr(estimator, "multi_class", "auto")
    if asked in ("ovr", "multinomial"):
        return asked
    return "ovr" if len(estimator.classes_) <= 2 or estimator.solver == "liblinear" else "multinomial"


def column_indices(columns, names, everything):
    """A name, an index, a slice, a mask, or a list of these -> indices."""
    if isinstance(columns, str):
        return [names.index(columns)]
    if isinstance(columns, (int, np.integer)):
        return [everything[columns]]
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            start = names.index(columns.start) if columns.start is not None else None
            stop = names.index(columns.stop) + 1 if columns.stop is not None else None
            columns = slice(start, stop, columns.step)
        return everything[columns]
    columns = list(columns)
    if len(columns) == len(everything) and all(isinstance(c, (bool, np.bool_)) for c in columns):
        return [i for i, chosen in enumerate(columns) if chosen]
    return [i for c in columns for i in column_indices(c, names, everything)]
