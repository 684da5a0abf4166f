#!/usr/bin/env python3
"""Trains the private head of the demo "pets", cat or dog, on features of a public network, and exports it to ONNX.

    OMP_NUM_THREADS=1 python3 train.py --data DIR --out .

DIR is the folder of data sets; in it, cats-dogs has {train,test}/{cats,dogs}/*.jpg and mobilenet-v1-0.25-tfjs the
public MobileNet v1 (alpha 0.25, 224 x 224) for TensorFlow.js. Needs torch, numpy, scikit-learn and Pillow.
Everything is chosen by cross-validation on the training photos; without `--test` the test photos are not read.

The client runs the public network on its photo in the clear; `pixels` and `MobileNet` are the reference of what it has
to compute. Only the 256 features are encrypted, and only the head, logistic regression, is private.
"""
import argparse
import glob
import json
import os
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from torch import nn

SIZE, FEATURES, FACTORS = 224, 256, 12
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
LABELS = ["cat", "dog"]


# ---------------------------------------------------------------- what the client computes in the clear

def resampling(source, target):
    """Matrix of a triangle filter that is as wide as one target pixel (at least one source pixel) to either side."""
    scale = source / target
    centre = (np.arange(target)[:, None] + 0.5) * scale - 0.5
    weight = np.maximum(0, 1 - np.abs(np.arange(source)[None, :] - centre) / max(1, scale))
    return weight / weight.sum(1, keepdims=True)


def pixels(rgb):
    """height x width x 3 bytes -> 3 x 224 x 224 numbers from -1 to 1: the square in the middle, resampled, not rounded."""
    height, width, _ = rgb.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = rgb[top:top + side, left:left + side].astype(np.float64).transpose(2, 0, 1)
    matrix = resampling(side, SIZE)
    return torch.from_numpy((matrix @ square @ matrix.T / 127.5 - 1).astype(np.float32))


class MobileNet:
    """Convolutions with TensorFlow's padding "same", batch normalisation (epsilon 0.001), then a clamp from 0 to 6."""

    def __init__(self, folder):
        with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
            groups = json.load(file)["weightsManifest"]
        arrays = {}
        for group in groups:
            raw, at = b"".join(open(os.path.join(folder, path), "rb").read() for path in group["paths"]), 0
            for item in group["weights"]:
                count = int(np.prod(item["shape"]))
                arrays[item["name"]] = np.frombuffer(raw, "<f4", count, at).reshape(item["shape"])
                at += 4 * count
        self.layers = []  # weight (out, in / groups, 3, 3 or 1, 1), bias, stride, groups
        for kernel, norm, stride in [("conv1/kernel", "conv1_bn", 2)] + [
                layer for i, s in enumerate(STRIDES, 1)
                for layer in ((f"conv_dw_{i}/depthwise_kernel", f"conv_dw_{i}_bn", s),
                              (f"conv_pw_{i}/kernel", f"conv_pw_{i}_bn", 1))]:
            depthwise = "depthwise" in kernel
            weight = arrays[kernel].transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)).astype(np.float64)
            gain = arrays[norm + "/gamma"] / np.sqrt(arrays[norm + "/moving_variance"].astype(np.float64) + 1e-3)
            bias = arrays[norm + "/beta"] - arrays[norm + "/moving_mean"] * gain
            weight = torch.from_numpy((weight * gain.reshape(-1, 1, 1, 1)).astype(np.float32))
            self.layers.append((weight, torch.from_numpy(bias.astype(np.float32)), stride, len(weight) if depthwise else 1))

    @torch.no_grad()
    def features(self, x):
        """batch x 3 x 224 x 224 -> batch x 256: the mean over the 7 x 7 places of the last layer."""
        for weight, bias, stride, groups in self.layers:
            size, kernel = x.shape[-1], weight.shape[-1]
            pad = max(0, (-(-size // stride) - 1) * stride + kernel - size)  # the odd one goes to the right and below
            x = F.pad(x, (pad // 2, pad - pad // 2) * 2)
            x = F.conv2d(x, weight, bias, stride, groups=groups).clamp(0, 6)
        return x.mean((2, 3))


def photos(folder, part):
    """-> paths, 1 for dogs."""
    found = [(path, int(kind == "dogs")) for kind in ("cats", "dogs")
             for path in sorted(glob.glob(os.path.join(folder, part, kind, "*.jpg")))]
    return [path for path, _ in found], np.array([label for _, label in found])


def features_of(network, paths, mirrored=False):
    out = []
    for at in range(0, len(paths), 10):
        batch = torch.stack([pixels(np.asarray(Image.open(path).convert("RGB"))) for path in paths[at:at + 10]])
        out.append(network.features(batch.flip(3) if mirrored else batch).double().numpy())
    return np.concatenate(out)


# ---------------------------------------------------------------- the head

def fit(x, y, strength):
    """-> weights and bias of the log-odds of a dog; scaling of the features is folded in."""
    mean, spread = x.mean(0), x.std(0) + 1e-3
    head = LogisticRegression(C=strength, max_iter=5000, tol=1e-8).fit((x - mean) / spread, y)
    weight = head.coef_[0] / spread
    return weight, float(head.intercept_[0] - weight @ mean)


def validated(x, mirrored, y, strength):
    """Accuracy and log loss of tenfold cross-validation; a photo and its mirror image stay in one fold."""
    score = np.zeros(len(y))
    for rest, held in StratifiedKFold(10, shuffle=True, random_state=1).split(x, y):
        weight, bias = fit(np.concatenate([x[rest], mirrored[rest]]), np.concatenate([y[rest], y[rest]]), strength)
        score[held] = x[held] @ weight + bias
    return ((score > 0) == y).mean(), np.logaddexp(0, np.where(y, -score, score)).mean()


def rounded(values, bits):
    step = np.abs(values).max() / (2 ** (bits - 1) - 1)
    return np.round(values / step) * step


def describe(x, y):
    """What features like these are drawn from: mean, principal components and the rest of the spread of each class."""
    classes = []
    for label, name in enumerate(LABELS):
        part = x[y == label]
        mean = part.mean(0)
        value, vector = np.linalg.eigh(np.cov(part.T))
        factors = vector[:, ::-1][:, :FACTORS] * np.sqrt(value[::-1][:FACTORS])
        rest = np.sqrt(np.maximum(0, part.var(0) - (factors ** 2).sum(1)))
        classes.append({"label": name, "share": round(len(part) / len(x), 3), "mean": np.round(mean, 2).tolist(),
                        "factors": np.round(factors.T, 2).tolist(), "own": np.round(rest, 2).tolist()})
    return {"format": "glovebox-synthetic", "version": 1, "name": "pets", "kind": "vectors",
            "note": "Not photos: features drawn from the means and principal components of those of photos.",
            "shape": [FEATURES], "range": [0, 6], "decimals": 3, "classes": classes}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", default=here, help="folder for model.onnx, test.json, synthetic.json and train.log")
    parser.add_argument("--test", action="store_true", help="report the test photos")
    args = parser.parse_args()
    images, extractor = (os.path.join(args.data, name) for name in ("cats-dogs", "mobilenet-v1-0.25-tfjs"))
    for folder in (images, extractor):
        if not os.path.isdir(folder):
            sys.exit(f"the data is not here ({folder}): nothing to train on; see README.md for its source")

    torch.set_num_threads(1)  # sums in a fixed order: the same weights on every run
    os.makedirs(args.out, exist_ok=True)
    log_file = open(os.path.join(args.out, "train.log"), "w")

    def log(text):
        print(text, flush=True)
        print(text, file=log_file, flush=True)

    import sklearn
    start = time.time()
    log(f"torch {torch.__version__}, numpy {np.__version__}, scikit-learn {sklearn.__version__}")
    network = MobileNet(extractor)
    paths, y = photos(images, "train")
    x, mirrored = features_of(network, paths), features_of(network, paths, mirrored=True)
    log(f"{len(y)} training photos ({y.sum()} dogs) and their mirror images; features: mean {x.mean():.3f}, max {x.max():.2f}, "
        f"{100 * (x > 0).mean():.0f} % not zero, {time.time() - start:.0f} s")

    trials = []
    for strength in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1):
        share, loss = validated(x, mirrored, y, strength)
        trials.append((loss, strength))
        log(f"C {strength:g}: cross-validated accuracy {100 * share:.2f} %, log loss {loss:.4f}")
    strength = min(trials)[1]
    weight, bias = fit(np.concatenate([x, mirrored]), np.concatenate([y, y]), strength)
    log(f"C {strength:g} chosen; |weight| max {np.abs(weight).max():.3f} rms {np.sqrt((weight ** 2).mean()):.3f}, bias {bias:.3f}, "
        f"|score| max {np.abs(x @ weight + bias).max():.1f}; training accuracy {100 * ((x @ weight + bias > 0) == y).mean():.2f} %")

    if args.test:
        paths, ty = photos(images, "test")
        tx = features_of(network, paths)
        score = tx @ weight + bias
        right = int(((score > 0) == ty).sum())
        log(f"test accuracy {100 * right / len(ty):.2f} % ({right} of {len(ty)} photos), AUC {roc_auc_score(ty, score):.4f}, "
            f"cats {100 * (score[ty == 0] <= 0).mean():.1f} %, dogs {100 * (score[ty == 1] > 0).mean():.1f} %")
        held = {"photos": "cats-dogs/test/{cats,dogs}/*.jpg", "count": len(ty), "metric": "accuracy",
                "clear": round(right / len(ty), 6), "auc": round(float(roc_auc_score(ty, score)), 6)}
        with open(os.path.join(args.out, "test.json"), "w", encoding="utf-8") as file:
            json.dump(held, file, indent=2)
            file.write("\n")
        for bits in (4, 6, 8):
            log(f"with weights of {bits} bits: {100 * ((tx @ rounded(weight, bits) + bias > 0) == ty).mean():.2f} %")
        log(f"with features rounded to 1/64: {100 * ((np.round(tx * 64) / 64 @ weight + bias > 0) == ty).mean():.2f} %")

    model = nn.Sequential(OrderedDict(linear=nn.Linear(FEATURES, 1)))
    with torch.no_grad():
        model.linear.weight.copy_(torch.from_numpy(weight[None]))
        model.linear.bias.fill_(bias)
    path = os.path.join(args.out, "model.onnx")
    torch.onnx.export(model, torch.zeros(1, FEATURES), path, opset_version=13, input_names=["features"],
                      output_names=["score"], dynamic_axes={"features": {0: "batch"}, "score": {0: "batch"}})
    log(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")
    spec = describe(x, y)
    with open(os.path.join(args.out, "synthetic.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file, separators=(",", ":"))
        file.write("\n")
    rng = np.random.default_rng(1)
    for group in spec["classes"]:
        drawn = np.array(group["mean"]) + rng.standard_normal((1000, FACTORS)) @ np.array(group["factors"])
        drawn = np.clip(drawn + rng.standard_normal(drawn.shape) * group["own"], *spec["range"]).round(spec["decimals"])
        log(f"synthetic features of a {group['label']}: {100 * (drawn @ weight + bias > 0).mean():.1f} % called dog")
    log(f"total time {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
