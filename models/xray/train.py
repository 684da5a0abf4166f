#!/usr/bin/env python3
"""Trains the chest X-ray classifier of the demo "xray" on PneumoniaMNIST and exports it to ONNX.

    OMP_NUM_THREADS=1 python3 train.py --data DIR --out .

DIR is the folder of data sets; in it, xray-pneumoniamnist has {train,val,test}_{images,labels}.u8, the arrays of
PneumoniaMNIST (28 x 28) as raw bytes. Needs torch, numpy and scikit-learn.
Everything is chosen on the validation split; without `--test` the test split is not read.

A network for encrypted evaluation: affine maps and squares only, as in models/digits. One output: above 0 means
pneumonia, which is where the threshold that was chosen on the validation split has been moved to.
"""
import argparse
import copy
import json
import os
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../digits"))
from train import RelativeNoise, Square, outer_magnitude  # noqa: E402

SIDE, MAPS, FACTORS = 28, 16, 8


def load(folder, part):
    images, labels = (np.fromfile(os.path.join(folder, f"{part}_{what}.u8"), np.uint8) for what in ("images", "labels"))
    return torch.from_numpy(images.reshape(-1, 1, SIDE, SIDE) / np.float32(255)), torch.from_numpy(labels.astype(np.float32))


def augment(x):
    """Another position of the child, and another exposure of the picture."""
    def uniform(limit):
        return (torch.rand(len(x)) * 2 - 1) * limit

    angle, sx, sy, dx, dy = uniform(0.075), 1 + uniform(0.075), 1 + uniform(0.075), uniform(1 / 14), uniform(1 / 14)
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack([torch.stack([sx * cos, -sy * sin, dx], 1), torch.stack([sx * sin, sy * cos, dy], 1)], 1)
    x = F.grid_sample(x, F.affine_grid(matrix, x.shape, align_corners=False), align_corners=False,
                      padding_mode="border")
    gamma, gain, level = uniform(0.2).exp(), 1 + uniform(0.15), uniform(0.075)
    x = x.clamp(1e-3, 1) ** gamma.view(-1, 1, 1, 1)
    return ((x - 0.5) * gain.view(-1, 1, 1, 1) + 0.5 + level.view(-1, 1, 1, 1)).clamp(0, 1)


def build_network(hidden):
    return nn.Sequential(
        nn.Conv2d(1, MAPS, 7, stride=3), nn.BatchNorm2d(MAPS), Square(), RelativeNoise(0.02), nn.Flatten(),
        nn.Linear(MAPS * 64, hidden), nn.BatchNorm1d(hidden), Square(), RelativeNoise(0.02), nn.Linear(hidden, 1))


def balance(y):
    """Weights that make both classes count the same."""
    return torch.where(y > 0, len(y) / 2 / y.sum(), len(y) / 2 / (1 - y).sum())


def train(net, x, y, epochs, lr=4e-3, weight_decay=0.3, batch=100):
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": weights, "weight_decay": weight_decay},
                                   {"params": others, "weight_decay": 0.0}], lr=lr)
    steps, counts = len(x) // batch, balance(y)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * steps, pct_start=0.15)
    net.train()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for step in range(steps):
            pick = order[step * batch:(step + 1) * batch]
            loss = F.binary_cross_entropy_with_logits(net(augment(x[pick])).flatten(), y[pick], counts[pick])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def scores(net, x):
    return torch.cat([net(part).flatten() for part in x.split(500)])


def balanced_accuracy(score, y):
    return (float((score[y > 0] > 0).double().mean()) + float((score[y == 0] <= 0).double().mean())) / 2


def threshold(score, y):
    """Where the balanced accuracy is best: the middle of all such places, as one split is small."""
    cuts = score.sort().values
    cuts = (cuts[1:] + cuts[:-1]) / 2
    reached = torch.tensor([balanced_accuracy(score - cut, y) for cut in cuts])
    return float(cuts[reached >= reached.max() - 1e-9].median())


@torch.no_grad()
def folded(trained, x, cut):
    """The same function without normalisation and with what enters a square of magnitude about 1 on `x`; minus `cut`."""
    conv, norm1, square, _, flatten, first, norm2, _, _, last = copy.deepcopy(trained).double().eval()
    for affine, norm in ((conv, norm1), (first, norm2)):
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        affine.weight.mul_(gain.view(-1, *[1] * (affine.weight.dim() - 1)))
        affine.bias.copy_((affine.bias - norm.running_mean) * gain + norm.bias)
    inside = conv(x.double())
    c = 1 / outer_magnitude(inside.permute(0, 2, 3, 1).reshape(-1, MAPS))
    conv.weight.mul_(c.view(-1, 1, 1, 1))
    conv.bias.mul_(c)
    first.weight.view(len(first.weight), MAPS, -1).div_(c.square().view(1, -1, 1))
    c = 1 / outer_magnitude(first(flatten(square(conv(x.double())))))
    first.weight.mul_(c.view(-1, 1))
    first.bias.mul_(c)
    last.weight.div_(c.square().view(1, -1))
    last.bias.sub_(cut)
    return nn.Sequential(OrderedDict(conv=conv, square1=Square(), flatten=flatten, linear1=first, square2=Square(),
                                     linear2=last)).float().eval()


def describe(x, y):
    """What images like these are drawn from: mean and principal components of each class, in grey levels."""
    classes = []
    for label, name in ((0, "normal"), (1, "pneumonia")):
        part = x[y == label].flatten(1).double() * 255
        mean = part.mean(0)
        value, vector = torch.linalg.eigh((part - mean).t() @ (part - mean) / len(part))
        factors = vector[:, -FACTORS:].flip(1) * value[-FACTORS:].flip(0).sqrt()
        classes.append({"label": name, "share": round(len(part) / len(x), 3), "mean": mean.round().int().tolist(),
                        "factors": factors.t().round().int().tolist()})
    return {"format": "glovebox-synthetic", "version": 1, "name": "xray", "kind": "vectors",
            "note": "Not patients: smooth patterns drawn from the means and principal components of PneumoniaMNIST.",
            "shape": [1, SIDE, SIDE], "range": [0, 255], "decimals": 0, "classes": classes}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", default=here, help="folder for model.onnx, test.json, synthetic.json and train.log")
    parser.add_argument("--seeds", type=int, default=5, help="networks to choose from, by validation loss")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--test", action="store_true", help="report the test split")
    args = parser.parse_args()
    data = os.path.join(args.data, "xray-pneumoniamnist")
    if not os.path.isdir(data):
        sys.exit(f"the data is not here ({data}): nothing to train on; see README.md for its source")

    torch.set_num_threads(1)  # sums in a fixed order: the same weights on every run
    torch.use_deterministic_algorithms(True)
    os.makedirs(args.out, exist_ok=True)
    log_file = open(os.path.join(args.out, "train.log"), "w")

    def log(text):
        print(text, flush=True)
        print(text, file=log_file, flush=True)

    start = time.time()
    log(f"torch {torch.__version__}, numpy {np.__version__}, {args.epochs} epochs, {args.hidden} hidden, {args.seeds} seeds")
    x, y = load(data, "train")
    vx, vy = load(data, "val")
    log(f"{len(x)} training images ({int(y.sum())} pneumonia), {len(vx)} validation ({int(vy.sum())})")
    best = None
    for seed in range(1, args.seeds + 1):
        torch.manual_seed(seed)
        net = train(build_network(args.hidden), x, y, args.epochs)
        score = scores(net, vx)
        loss = F.binary_cross_entropy_with_logits(score, vy, balance(vy)).item()
        log(f"seed {seed}: validation loss {loss:.4f} (classes balanced), AUC {roc_auc_score(vy, score):.4f}, "
            f"training AUC {roc_auc_score(y, scores(net, x)):.4f}, {time.time() - start:.0f} s")
        if best is None or loss < best[0]:
            best = loss, seed, net
    _, seed, net = best
    cut = threshold(scores(net, vx), vy)
    model = folded(net, x, cut)
    drift = (scores(model, x) - scores(net, x) + cut).abs().max()
    log(f"seed {seed} chosen, threshold {cut:.3f}; largest change of a score by folding: {drift:.1e}")
    with torch.no_grad():
        for name, index in (("conv", 0), ("linear1", 3), ("linear2", 5)):
            out = torch.cat([model[:index + 1](part).flatten() for part in x.split(1000)]).abs()
            log(f"{name}: |weight| max {model[index].weight.abs().max():.3f}, |bias| max "
                f"{model[index].bias.abs().max():.3f}, |output| max {out.max():.3f}")
    for part in ("train", "val") + (("test",) if args.test else ()):  # the last one ends up in test.json
        px, py = load(data, part)
        score = scores(model, px)
        right = int(((score > 0) == (py > 0)).sum())
        log(f"{part}: accuracy {100 * right / len(py):.2f} % ({right} of {len(py)}), AUC {roc_auc_score(py, score):.4f}, "
            f"sensitivity {100 * float((score[py > 0] > 0).double().mean()):.1f} %, "
            f"specificity {100 * float((score[py == 0] <= 0).double().mean()):.1f} %")

    if args.test:
        held = {"images": "xray-pneumoniamnist/test_images.u8", "labels": "xray-pneumoniamnist/test_labels.u8", "count": len(py),
                "metric": "accuracy", "clear": round(right / len(py), 6), "auc": round(float(roc_auc_score(py, score)), 6)}
        with open(os.path.join(args.out, "test.json"), "w", encoding="utf-8") as file:
            json.dump(held, file, indent=2)
            file.write("\n")
    path = os.path.join(args.out, "model.onnx")
    torch.onnx.export(model, torch.zeros(1, 1, SIDE, SIDE), path, opset_version=13, input_names=["image"],
                      output_names=["score"], dynamic_axes={"image": {0: "batch"}, "score": {0: "batch"}})
    log(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")
    spec = describe(x, y)
    with open(os.path.join(args.out, "synthetic.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file, separators=(",", ":"))
        file.write("\n")
    rng = np.random.default_rng(1)
    for group in spec["classes"]:
        drawn = np.array(group["mean"]) + rng.standard_normal((1000, FACTORS)) @ np.array(group["factors"])
        drawn = torch.from_numpy((drawn.round().clip(0, 255) / 255).astype(np.float32)).view(-1, 1, SIDE, SIDE)
        log(f"synthetic images of {group['label']}: {100 * float((scores(model, drawn) > 0).double().mean()):.1f} % called pneumonia")
    log(f"total time {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
