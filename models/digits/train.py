#!/usr/bin/env python3
"""Trains the digit classifier of the "a private digit" demo and exports it to ONNX.

    OMP_NUM_THREADS=1 python3 train.py --data DIR --out .

DIR holds the four uncompressed MNIST files in IDX format. The run is
deterministic for a given seed, torch build and kind of CPU. It needs torch and
numpy only. While choosing a recipe use `--holdout 5000`: the first 5,000 images
of a fixed shuffle of the training set are then kept for validation and the test
set is not read at all.

The classifier is meant to run on encrypted numbers, where only additions and
multiplications are cheap, and that decides its form: square activations, no
pooling, strides that leave 1,024 values after the convolution, and a single
bias-carrying affine map between two squares (batch normalisation exists during
training only and is folded away before the export).
"""
import argparse
import copy
import os
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MAPS, HIDDEN, CLASSES = 16, 64, 10
# The trained logits are too sure of themselves. Divided by 2 they give the best
# likelihood on held-out images (see what --holdout logs), and are also smaller.
TEMPERATURE = 2.0
SPLIT_SEED = 12345  # fixed, so that every recipe is compared on the same images


# ---------------------------------------------------------------- data

def read_idx(path):
    """Reads an IDX file of unsigned bytes, whatever its number of dimensions."""
    with open(path, "rb") as file:
        raw = file.read()
    if raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dims = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


def load(folder, part):
    images = read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte"))
    x = torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)
    return x, torch.from_numpy(labels.astype(np.int64))


def augment(x):
    """A random rotation, scale, shear, shift and smooth warp for each image."""
    n = len(x)

    def uniform(limit):
        return (torch.rand(n) * 2 - 1) * limit

    angle, shear = uniform(0.12), uniform(0.08)
    sx, sy = 1 + uniform(0.1), 1 + uniform(0.1)
    dx, dy = uniform(1.2 / 14), uniform(1.2 / 14)  # up to 1.2 pixels
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack([
        torch.stack([sx * cos, -sy * sin + shear * sx * cos, dx], 1),
        torch.stack([sx * sin, sy * cos + shear * sx * sin, dy], 1),
    ], 1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    # A coarse field of random offsets, interpolated, imitates handwriting better
    # than independent noise for each pixel.
    warp = F.interpolate(torch.randn(n, 2, 6, 6), size=x.shape[2:], mode="bilinear",
                         align_corners=True)
    grid = grid + 0.04 * warp.permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, align_corners=False)


# ---------------------------------------------------------------- the network

class Square(nn.Module):
    def forward(self, x):
        return x * x


class RelativeNoise(nn.Module):
    """Multiplies by 1 + noise during training, so that the network does not come to
    depend on decimal places that arithmetic on ciphertexts will not keep."""

    def __init__(self, sigma):
        super().__init__()
        self.sigma = sigma

    def forward(self, x):
        return x * (1 + self.sigma * torch.randn_like(x)) if self.training else x


def build_network():
    # The batch normalisation keeps the inputs of the squares near unit scale;
    # without it the gradients of this degree-4 polynomial explode.
    return nn.Sequential(
        nn.Conv2d(1, MAPS, 7, stride=3), nn.BatchNorm2d(MAPS), Square(), RelativeNoise(0.01),
        nn.Flatten(),
        nn.Linear(MAPS * 64, HIDDEN), nn.BatchNorm1d(HIDDEN), Square(), RelativeNoise(0.01),
        nn.Linear(HIDDEN, CLASSES),
    )


# ---------------------------------------------------------------- training

@torch.no_grad()
def predict(model, x, batch=1000):
    model.eval()
    out = torch.cat([model(part) for part in x.split(batch)])
    model.train()
    return out


def accuracy(model, x, y):
    return 100 * (predict(model, x).argmax(1) == y).double().mean().item()


def train(model, x, y, epochs, log, validation=None, lr=4e-3, weight_decay=1e-2, batch=250):
    # Weight decay is for the weights; on biases and normalisation it only hurts.
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": weights, "weight_decay": weight_decay},
                                   {"params": others, "weight_decay": 0.0}], lr=lr)
    steps = len(x) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * steps,
                                                   pct_start=0.15)
    start = time.time()
    model.train()
    for epoch in range(1, epochs + 1):
        order = torch.randperm(len(x))
        total_loss, correct = 0.0, 0
        for step in range(steps):
            pick = order[step * batch:(step + 1) * batch]
            inputs, target = augment(x[pick]), y[pick]
            out = model(inputs)
            loss = F.cross_entropy(out, target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total_loss += loss.item()
            correct += (out.argmax(1) == target).sum().item()
        line = (f"epoch {epoch:3d}/{epochs}  loss {total_loss / steps:.4f}  "
                f"training accuracy (augmented images) {100 * correct / (steps * batch):.2f} %")
        if validation is not None:
            line += f"  validation accuracy {accuracy(model, *validation):.2f} %"
        log(f"{line}  {time.time() - start:.0f} s")
    return model.eval()


# ---------------------------------------------------------------- preparing for export

def fold(model):
    """Returns the same function as conv, square, flatten, linear, square, linear."""
    model = copy.deepcopy(model).double().eval()
    conv, norm1, _, _, _, linear1, norm2, _, _, linear2 = model
    with torch.no_grad():
        for affine, norm in ((conv, norm1), (linear1, norm2)):
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            affine.weight.mul_(gain.view(-1, *[1] * (affine.weight.dim() - 1)))
            affine.bias.copy_((affine.bias - norm.running_mean) * gain + norm.bias)
    # The names of the layers become the names of the weights in the file.
    return nn.Sequential(OrderedDict(
        conv=conv, square1=Square(), flatten=nn.Flatten(),
        linear1=linear1, square2=Square(), linear2=linear2)).eval()


def outer_magnitude(values):
    """The 99.99th percentile of |values| for each column."""
    values = values.abs()
    rank = max(1, round(values.shape[0] * 1e-4))
    return values.topk(rank, dim=0).values[-1]


@torch.no_grad()
def rescale(model, x):
    """Scales every map and every hidden unit so that what enters a square has a
    magnitude of about 1, without changing the answer: a row times c makes its
    square c*c times larger, and the columns that read it are divided by c*c.
    Numbers of one size lose the fewest digits in fixed-precision ciphertexts.
    The logits are divided by TEMPERATURE, otherwise they keep their values."""
    conv, square, flatten, linear1, _, linear2 = model
    values = torch.cat([conv(part).float().permute(0, 2, 3, 1).reshape(-1, MAPS)
                        for part in x.double().split(1000)])
    c = 1 / outer_magnitude(values).double()
    conv.weight.mul_(c.view(-1, 1, 1, 1))
    conv.bias.mul_(c)
    columns = linear1.weight.view(HIDDEN, MAPS, -1)  # Flatten keeps a map's values together
    columns.div_(c.square().view(1, -1, 1))

    head = nn.Sequential(conv, square, flatten, linear1)
    values = torch.cat([head(part) for part in x.double().split(1000)])
    c = 1 / outer_magnitude(values)
    linear1.weight.mul_(c.view(-1, 1))
    linear1.bias.mul_(c)
    linear2.weight.div_(c.square().view(1, -1) * TEMPERATURE)
    linear2.bias.div_(TEMPERATURE)


@torch.no_grad()
def report_numbers(model, x, log):
    """Sizes of weights and of what every affine layer puts out, on `x`."""
    for name, index in (("conv", 0), ("linear1", 3), ("linear2", 5)):
        layer = model[index]
        log(f"{name}: |weight| max {layer.weight.abs().max():.3f} "
            f"rms {layer.weight.square().mean().sqrt():.4f}, "
            f"|bias| max {layer.bias.abs().max():.3f}")
        head = model[:index + 1]
        out = torch.cat([head(part).flatten() for part in x.split(1000)]).abs().numpy()
        p50, p99, p9999 = np.percentile(out, [50, 99, 99.99])
        log(f"{name}: |output| median {p50:.3f}, 99th percentile {p99:.3f}, "
            f"99.99th {p9999:.3f}, max {out.max():.3f}")


@torch.no_grad()
def report_extremes(model, x, log):
    """What unusual pictures, which a visitor may draw, put into the squares."""
    noise = (torch.rand(1000, 1, 28, 28) > 0.5).float()
    for name, images in (("empty image", torch.zeros(1, 1, 28, 28)),
                         ("full image", torch.ones(1, 1, 28, 28)),
                         ("random black and white pixels", noise),
                         ("inverted training images", 1 - x[:10000])):
        first = model[0](images)
        second = model[1:4](first)
        log(f"{name}: |output| max conv {first.abs().max():.2f}, linear1 {second.abs().max():.2f}, "
            f"linear2 {model[4:](second).abs().max():.1f}")
    weight = model[0].weight.flatten(1)
    bound = torch.maximum((weight.clamp(min=0).sum(1) + model[0].bias).abs(),
                          (weight.clamp(max=0).sum(1) + model[0].bias).abs()).max()
    log(f"no image with pixels from 0 to 1 can give a |conv output| above {bound:.2f}")


@torch.no_grad()
def report_noise(model, x, log):
    """How often noise after every affine layer and every square changes the answer.
    Absolute noise, as that is what ciphertexts have; the values are of magnitude 1."""
    clean = predict(model, x)
    for sigma in (1e-4, 1e-3, 1e-2):
        parts = []
        for part in x.split(1000):
            for layer in model:
                part = layer(part)
                if not isinstance(layer, nn.Flatten):
                    part = part + sigma * torch.randn_like(part)
            parts.append(part)
        noisy = torch.cat(parts)
        changed = (noisy.argmax(1) != clean.argmax(1)).sum().item()
        log(f"noise of sigma {sigma:g} on all activations: {changed} of {len(x)} answers change, "
            f"largest change of a logit {(noisy - clean).abs().max():.3f}")


def export(model, path):
    torch.onnx.export(
        model, torch.zeros(1, 1, 28, 28), path, opset_version=13,
        input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the four IDX files")
    parser.add_argument("--out", default=".", help="folder for model.onnx and train.log")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--holdout", type=int, default=0,
                        help="keep this many training images for validation; leaves the test set alone")
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
    log(f"torch {torch.__version__}, numpy {np.__version__}, seed {args.seed}, "
        f"epochs {args.epochs}, holdout {args.holdout}")
    x, y = load(args.data, "train")
    held = None
    if args.holdout:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(SPLIT_SEED))
        held = x[order[:args.holdout]], y[order[:args.holdout]]
        x, y = x[order[args.holdout:]], y[order[args.holdout:]]
    log(f"{len(x)} training images")

    trained = train(build_network(), x, y, args.epochs, log, held)

    log(f"training accuracy (clean images) {accuracy(trained, x, y):.2f} %")
    model = fold(trained)
    rescale(model, x)
    model = model.float().eval()
    drift = (predict(model, x) * TEMPERATURE - predict(trained, x)).abs().max()
    log(f"largest change of a logit by folding and rescaling, training images: {drift:.1e}")
    report_numbers(model, x, log)
    report_extremes(model, x, log)
    path = os.path.join(args.out, "model.onnx")
    export(model, path)
    log(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes")

    if held:
        name, (ex, ey) = "validation", held
    else:
        name, (ex, ey) = "test", load(args.data, "t10k")
    logits = predict(model, ex)
    if held:
        for t in (0.5, 0.7, 1.0, 1.4, 2.0):
            log(f"cross-entropy with the logits divided by {t * TEMPERATURE:g} in all: "
                f"{F.cross_entropy(logits / t, ey).item():.4f}")
    right = (logits.argmax(1) == ey).sum().item()
    log(f"{name} accuracy {100 * right / len(ey):.2f} % ({right} of {len(ey)})")
    report_noise(model, ex, log)
    log(f"total time {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
