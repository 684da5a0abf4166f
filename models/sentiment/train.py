#!/usr/bin/env python3
"""Trains logistic regression on hashed words and pairs of words of tweets for the demo "sentiment".

    OMP_NUM_THREADS=1 python3 train.py --data ../../../shared/data --out .

DIR holds the folder sentiment-sentimentr, described in README.md. Needs numpy, scipy and scikit-learn. Writes
model.json and train.log, and what the model says of the sentences of synthetic.json into that file.

Tweets are repeated, cut off and quoted: two that share six words in a row are of one group, and groups are never
split between training and test, nor between folds.
"""
import argparse
import base64
import csv
import hashlib
import json
import os
import re
import sys

import numpy as np
from scipy.sparse import vstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export

FOLDER = "sentiment-sentimentr"
TWEETS = ["crowdflower_deflategate", "crowdflower_products", "crowdflower_self_driving_cars"]
REVIEWS = ["kotzias_reviews_amazon_cells", "kotzias_reviews_imdb", "kotzias_reviews_yelp"]
FEATURES, SHINGLE = 150000, 6
STRENGTHS = [1, 3, 10, 30]  # C
NAMES = ["negative", "positive"]


def cleaned(text):
    """Addresses and names of people tell nothing about the sentiment of the next tweet."""
    return re.sub(r"https?:\S*|@[A-Za-z0-9_]+", " ", text)


def words(text):
    return [w for w in re.findall(r"(?u)\b\w\w+\b", cleaned(text).lower()) if w != "rt"]


def sign(label, least):
    return 0 if abs(label) < least else int(np.sign(label))


def load(folder, files, least=1):
    """(text, 1 for positive, words, file): one of each wording.

    Left out are labels below `least`, and wordings on which labels disagree. Labels go from -1 to 1 or from -2 to 2;
    one file has halves.
    """
    found = {}
    for name in files:
        with open(os.path.join(folder, name + ".csv"), encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = " ".join(words(row["text"]))
                found.setdefault(key, []).append((sign(float(row["sentiment"]), least), row["text"], name))
    out = []
    for key, entries in found.items():
        mean = np.mean([entry[0] for entry in entries])
        if key and abs(mean) >= 0.5:
            out.append((entries[0][1], int(mean > 0), key, entries[0][2]))
    return out


def groups(items):
    """The number of the group of each: union-find over shingles of six words."""
    parent = list(range(len(items)))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    seen = {}
    for i, (_, _, key, _) in enumerate(items):
        parts = key.split()
        for j in range(max(1, len(parts) - SHINGLE + 1)):
            other = seen.setdefault(" ".join(parts[j : j + SHINGLE]), i)
            parent[root(i)] = root(other)
    return np.array([root(i) for i in range(len(items))])


def held_out(items, group):
    """A fifth of the groups, by a hash of their first tweet."""
    return np.array([hashlib.sha256(items[g][2].encode()).digest()[0] % 5 == 0 for g in group])


def as_int8(weights):
    step = float(np.float32(np.abs(weights).max() / 127))
    return np.rint(weights / step).astype(np.int8), step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"), help=f"folder that holds {FOLDER}")
    parser.add_argument("--out", default=".", help="folder for model.json and train.log; synthetic.json is there")
    parser.add_argument("--slight", action="store_true",
                        help="takes labels of a half for positive and negative, not for neutral")
    options = parser.parse_args()
    folder = os.path.join(options.data, FOLDER)
    if not os.path.isdir(folder):
        print(f"no folder {FOLDER} in the data: nothing to do")
        return
    log = open(os.path.join(options.out, "train.log"), "w", encoding="utf-8")

    def say(text):
        print(text, flush=True)
        log.write(text + "\n")

    vectorizer = HashingVectorizer(n_features=FEATURES, ngram_range=(1, 2))
    features = lambda items, clean=cleaned: vectorizer.transform([clean(text) for text, *_ in items])
    tweets, reviews = load(folder, TWEETS, 0.5 if options.slight else 1), load(folder, REVIEWS)
    group = groups(tweets)
    aside, reviews_aside = held_out(tweets, group), held_out(reviews, groups(reviews))
    x, y, file = features(tweets), np.array([t[1] for t in tweets]), np.array([t[3] for t in tweets])
    more, more_y = features(reviews), np.array([t[1] for t in reviews])
    train = np.flatnonzero(~aside)
    say(f"{len(tweets)} tweets in {len(set(group))} groups, {y.mean():.1%} positive: "
        f"{len(train)} for training, {aside.sum()} held out; {len(reviews)} sentences of reviews, {(~reviews_aside).sum()} for training")

    def fit(rows, strength, weight):
        """`weight`: of a sentence of a review, a tweet having 1."""
        if weight == 0:
            return LogisticRegression(C=strength, solver="liblinear", max_iter=1000).fit(x[rows], y[rows])
        both, answers = vstack([x[rows], more[~reviews_aside]]).tocsr(), np.append(y[rows], more_y[~reviews_aside])
        weights = np.append(np.ones(len(rows)), np.full((~reviews_aside).sum(), weight))
        model = LogisticRegression(C=strength, solver="liblinear", max_iter=1000)
        return model.fit(both, answers, sample_weight=weights)

    best = {}
    for weight in [0, 0.3, 1]:
        for strength in STRENGTHS:
            scores = [fit(train[a], strength, weight).score(x[train[b]], y[train[b]])
                      for a, b in GroupKFold(5).split(train, groups=group[train])]
            best[weight, strength] = np.mean(scores)
            say(f"reviews {weight:3}, C {strength:2}: {best[weight, strength]:.4f} of tweets in 5 folds")
    for weight in [0, 0.3, 1]:
        strength = max(STRENGTHS, key=lambda c: best[weight, c])
        model = fit(train, strength, weight)
        score = model.score(more[reviews_aside], more_y[reviews_aside])
        say(f"reviews {weight:3}, C {strength:2}: {score:.4f} of {reviews_aside.sum()} "
            "sentences of reviews held out")

    weight = 0.3  # as good on tweets, better elsewhere
    strength = max(STRENGTHS, key=lambda c: best[weight, c])
    model = fit(train, strength, weight)
    exact, bias = model.coef_[0], float(model.intercept_[0])
    test, answers = x[aside], y[aside]
    right = lambda w, b, part=slice(None): float(((test[part] @ w + b > 0) == answers[part]).mean())
    say(f"\nchosen: reviews {weight}, C {strength}; {np.count_nonzero(exact)} of {FEATURES} weights are not 0")
    say(f"float64: {right(exact, bias):.4f} of {len(answers)} tweets held out; always the more frequent label: "
        f"{max(answers.mean(), 1 - answers.mean()):.4f}")
    for kept in [5000, 10000, 20000, 40000]:
        cut = np.where(np.abs(exact) >= np.sort(np.abs(exact))[-kept], exact, 0)
        say(f"the {kept} largest weights alone: {right(cut, bias):.4f}")
    stored, step = as_int8(exact)
    guess = test @ (stored * step) + bias
    say(f"int8: {right(stored * step, bias):.4f}; {np.count_nonzero(stored)} weights are not 0; "
        f"largest |weight| {127 * step:.3f}, bias {bias:.4f}; "
        f"a logit changes by {np.abs(guess - test @ exact - bias).max():.4f} at most; logits {guess.min():.2f} to {guess.max():.2f}")
    for name in TWEETS:
        part = np.flatnonzero(file[aside] == name)
        base = max(answers[part].mean(), 1 - answers[part].mean())
        say(f"  {name}: {right(stored * step, bias, part):.4f} of {len(part)}; the more frequent label {base:.4f}")
    order = np.argsort(guess)
    ranks = np.empty(len(guess))
    ranks[order] = np.arange(1, len(guess) + 1)
    positives = answers.sum()
    area = (ranks[answers == 1].sum() - positives * (positives + 1) / 2) / positives / (len(answers) - positives)
    say(f"  area under the ROC curve {area:.4f}; sure (|logit| > 1): {np.mean(np.abs(guess) > 1):.1%} of them, "
        f"{np.mean((guess > 0) == answers, where=np.abs(guess) > 1):.4f} right")
    raw = vectorizer.transform([t[0] for t, out in zip(tweets, aside) if out])
    say(f"  with names and addresses left in the text: {np.mean((raw @ (stored * step) + bias > 0) == answers):.4f}")
    others = more[reviews_aside] @ (stored * step) + bias
    say(f"  sentences of reviews held out: {np.mean((others > 0) == more_y[reviews_aside]):.4f}")

    model.coef_ = np.zeros((1, 1))
    model.classes_ = np.array(NAMES)
    content = export(make_pipeline(vectorizer, model), [{"name": "text"}], None, name="sentiment")
    content["steps"][-1]["coef_"] = {"dtype": "int8", "shape": [1, FEATURES], "scale": step,
                                     "base64": base64.b64encode(stored.tobytes()).decode()}
    path = os.path.join(options.out, "model.json")
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(content) + "\n")
    say(f"model.json: {os.path.getsize(path)} bytes")

    path = os.path.join(options.out, "synthetic.json")
    with open(path, encoding="utf-8") as source:
        sentences = json.load(source)
    found = vectorizer.transform([cleaned(s["text"]) for s in sentences["samples"]]) @ (stored * step) + bias
    for sample, logit in zip(sentences["samples"], found):
        sample["logit"] = round(float(logit), 4)
    agree = sum(s["written"] == NAMES[int(s["logit"] > 0)] for s in sentences["samples"])
    say(f"synthetic sentences: {agree} of {len(found)} as they were written")
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(sentences, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
