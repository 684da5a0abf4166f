#!/usr/bin/env python3
"""Fits every supported scikit-learn type on small generated data and prints, as JSON, what models/export_sklearn.py
makes of it, a few samples, and what scikit-learn itself answers.

    /usr/bin/python3 packages/ml/test/sklearn_cases.py [--only NAME ...]

Without --only, all cases. The files of vectors/sklearn are cases of this script.
"""
import argparse
import json
import os
import sys
import warnings

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet, GammaRegressor, Lasso, LinearRegression, LogisticRegression, Perceptron, PoissonRegressor, Ridge,
    RidgeClassifier, SGDClassifier, SGDRegressor, TweedieRegressor)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures,
    RobustScaler, StandardScaler)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../models"))
from export_sklearn import export  # noqa: E402

warnings.filterwarnings("ignore")
NAMES = ["a", "b", "c", "d"]
SAMPLES = 7


def numbers(seed=1, rows=80):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)) * [1, 20, 0.1, 3] + [0, 50, 1, -3]
    z = (x - x.mean(0)) / x.std(0)
    score = z @ [1.0, -0.7, 0.4, 0.2] + 0.3 * z[:, 0] * z[:, 1] + rng.normal(size=rows) * 0.3
    return x, score


def three(score):
    return np.array(["low", "middle", "top"])[np.digitize(score, [-0.6, 0.6])]


def table(seed=2, rows=120):
    """Age and pressure with gaps, sex, a code of three numbers, and a grade."""
    rng = np.random.default_rng(seed)
    data = np.empty((rows, 5), dtype=object)
    data[:, 0] = rng.integers(20, 80, rows).astype(float)
    data[:, 1] = rng.normal(120, 15, rows).round()
    data[:, 2] = rng.choice(["female", "male"], rows)
    data[:, 3] = rng.integers(1, 4, rows)
    data[:, 4] = rng.choice(["poor", "fair", "good"], rows)
    score = data[:, 0].astype(float) / 20 - 3 + (data[:, 2] == "male") + 0.5 * data[:, 3].astype(float)
    score = score + rng.normal(size=rows)
    data[rng.random(rows) < 0.1, 0] = np.nan
    data[rng.random(rows) < 0.1, 1] = np.nan
    return data, score


TEXTS = ["what a lovely, LOVELY day", "the worst film of the year", "I did not like it", "très bon café à Zürich",
         "one of the best", "hat nicht geklappt", "a b c", "42 is the answer_to everything", "ΣΊΣΥΦΟΣ and 東京 tower",
         "not bad, not bad at all"] * 3


def cell(value):
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, (int, np.integer)) else str(value)


def make_case(name, estimator, x, y, columns):
    estimator.fit(x, y)
    some = x[:SAMPLES]
    case = {
        "name": name,
        "model": export(estimator, columns, None, name=name),
        "samples": [[cell(v) for v in row] if not isinstance(row, str) else [row] for row in some],
        "predictions": [cell(v) if np.ndim(v) == 0 else [cell(w) for w in v] for v in estimator.predict(some)],
    }
    for method in ("decision_function", "predict_proba"):
        if hasattr(estimator, method):
            answer = getattr(estimator, method)(some)
            case[method] = [[float(v) for v in np.atleast_1d(row)] for row in answer]
    return case


def cases():
    x, score = numbers()
    two, many = np.where(score > 0, "yes", "no"), three(score)
    counts = np.round(np.exp(score / 2)).clip(0, 50)
    scaled = StandardScaler()
    both = np.stack([score, 2 - score], axis=1)
    regressors = {
        "LinearRegression": LinearRegression(), "Ridge": Ridge(), "Lasso": Lasso(0.05),
        "ElasticNet": ElasticNet(0.05), "SGDRegressor": SGDRegressor(random_state=0), "LinearSVR": LinearSVR(random_state=0),
        "SVR linear": SVR(kernel="linear"), "SVR poly 2": SVR(kernel="poly", degree=2, coef0=1.0),
        "TweedieRegressor identity": TweedieRegressor(power=0),
        **{f"MLPRegressor {a}": MLPRegressor((6, 3), activation=a, random_state=0, max_iter=150)
           for a in ("identity", "relu", "tanh", "logistic")},
    }
    for name, estimator in regressors.items():
        yield name, make_pipeline(scaled, estimator), x, score, NAMES
    for name, estimator in {"PoissonRegressor": PoissonRegressor(), "GammaRegressor": GammaRegressor(),
                            "TweedieRegressor log": TweedieRegressor(power=1.5)}.items():
        yield name, make_pipeline(scaled, estimator), x, counts + (1 if "Gamma" in name else 0), NAMES
    yield "LinearRegression of two targets", LinearRegression(), x, both, NAMES
    yield "Ridge without intercept, without names", Ridge(fit_intercept=False), x, score, 4
    yield "MLPRegressor of two targets", make_pipeline(scaled, MLPRegressor((5,), random_state=0)), x, both, NAMES
    classifiers = {
        "LogisticRegression": LogisticRegression, "LinearSVC": lambda: LinearSVC(random_state=0),
        "RidgeClassifier": RidgeClassifier, "Perceptron": Perceptron,
        "SGDClassifier hinge": lambda: SGDClassifier(random_state=0),
        "SGDClassifier log_loss": lambda: SGDClassifier(loss="log_loss", random_state=0),
        "SGDClassifier modified_huber": lambda: SGDClassifier(loss="modified_huber", random_state=0),
        "LinearDiscriminantAnalysis": LinearDiscriminantAnalysis,
        "LinearDiscriminantAnalysis lsqr": lambda: LinearDiscriminantAnalysis(solver="lsqr"),
        "LogisticRegression ovr": lambda: LogisticRegression(multi_class="ovr"),
        "LogisticRegression multinomial": lambda: LogisticRegression(multi_class="multinomial"),
        "LogisticRegression liblinear": lambda: LogisticRegression(solver="liblinear"),
        "MLPClassifier": lambda: MLPClassifier((5,), activation="tanh", random_state=0, max_iter=100),
    }
    for name, estimator in classifiers.items():
        yield f"{name}, 2 classes", make_pipeline(scaled, estimator()), x, two, NAMES
        yield f"{name}, 3 classes", make_pipeline(scaled, estimator()), x, many, NAMES
    yield "LogisticRegression of numbers", LogisticRegression(max_iter=1000), x, np.where(score > 0, 7, -2), NAMES
    for kernel, degree, coef0 in (("linear", 3, 0.0), ("poly", 1, 0.5), ("poly", 2, 0.0), ("poly", 2, 0.5),
                                  ("poly", 3, 0.0), ("poly", 3, 0.5)):
        svc = SVC(kernel=kernel, degree=degree, coef0=coef0)
        yield f"SVC {kernel} {degree} {coef0}", make_pipeline(scaled, svc), x, two, NAMES
    few = np.r_[np.argsort(score)[:3], np.argsort(score)[-3:]]
    for degree in (2, 3):
        svc = SVC(kernel="poly", degree=degree, coef0=1.0)
        yield f"SVC poly {degree} of few vectors", make_pipeline(scaled, svc), x[few], two[few], NAMES
    scalers = [StandardScaler(with_mean=False), StandardScaler(with_std=False), MinMaxScaler((-1, 2)), MaxAbsScaler(),
               RobustScaler(), RobustScaler(with_centering=False), RobustScaler(with_scaling=False),
               Normalizer("l1"), Normalizer("l2"), Normalizer("max"), PCA(3), PCA(2, whiten=True), TruncatedSVD(2),
               PolynomialFeatures(2), PolynomialFeatures(2, interaction_only=True, include_bias=False),
               PolynomialFeatures(3)]
    for scaler in scalers:
        yield f"{scaler}, Ridge", make_pipeline(scaler, Ridge()), x, score, NAMES
    yield "PCA, scaler, products, Ridge", make_pipeline(
        PCA(3), StandardScaler(), PolynomialFeatures(2, include_bias=False), Ridge()), x, score, NAMES
    yield "PCA, cubes, Ridge", make_pipeline(
        PCA(2), MinMaxScaler(), PolynomialFeatures(3), Ridge()), x, score, NAMES
    for solver in ("svd", "eigen"):
        yield f"LDA {solver}, LogisticRegression", make_pipeline(
            LinearDiscriminantAnalysis(solver=solver), LogisticRegression()), x, many, NAMES
    yield "bins, Ridge", make_pipeline(KBinsDiscretizer(4), Ridge()), x, score, NAMES
    yield "scaler, bins, Ridge", make_pipeline(
        StandardScaler(), KBinsDiscretizer(3, encode="onehot-dense"), Ridge()), x, score, NAMES

    rows, risk = table()
    sick = np.where(risk > np.median(risk), 1, 0)
    columns = ["age", "pressure", "sex", "code", "grade"]
    yield "heart", Pipeline([
        ("prepare", ColumnTransformer([
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0, 1]),
            ("names", OneHotEncoder(), slice(2, 4)),
            ("grade", OrdinalEncoder(categories=[["poor", "fair", "good"]]), [4]),
        ])),
        ("model", LogisticRegression()),
    ]), rows, sick, columns
    yield "drop, remainder, bins", Pipeline([
        ("prepare", ColumnTransformer([
            ("nothing", "drop", [1]),
            ("sex", OneHotEncoder(drop="if_binary"), [2]),
            ("grade", OneHotEncoder(drop="first", handle_unknown="ignore"), [4]),
            ("age", make_pipeline(SimpleImputer(), KBinsDiscretizer(4)), [0]),
        ], remainder="passthrough", sparse_threshold=0)),
        ("again", StandardScaler()),
        ("reduce", PCA(4)),
        ("model", LinearSVC(random_state=0)),
    ]), rows, sick, columns
    minus = x.copy()
    minus[::5, 0] = -1
    yield "imputer of -1", make_pipeline(SimpleImputer(missing_values=-1), Ridge()), minus, score, NAMES
    texts = np.array(TEXTS, dtype=object)
    liked = np.array([1, 0, 0, 1, 1, 0, 0, 1, 1, 1] * 3)
    for options in ({}, {"ngram_range": (1, 2), "norm": None}, {"alternate_sign": False, "norm": "l1"},
                    {"lowercase": False, "ngram_range": (2, 3)}, {"token_pattern": r"(?u)\b\w+\b", "binary": True}):
        yield f"HashingVectorizer {options}", make_pipeline(
            HashingVectorizer(n_features=1024, **options), LogisticRegression()), texts, liked, ["text"]
    mixed = np.array([[t, float(len(t))] for t in TEXTS], dtype=object)
    yield "text and a number", make_pipeline(
        ColumnTransformer([("text", HashingVectorizer(n_features=256), 0), ("length", StandardScaler(), [1])]),
        SGDClassifier(loss="log_loss", random_state=0)), mixed, liked, ["text", "length"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+")
    asked = parser.parse_args().only
    chosen = [make_case(*c) for c in cases() if asked is None or c[0] in asked]
    json.dump(chosen, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
