#!/usr/bin/env python3
"""Times a whole training step (forward, loss, backward, Adam) of Scanline and of PyTorch on this machine's processor.

Both sides train the same architecture on random black and white images, by turns (A B A B ...), since the speed of a
shared machine drifts; a ratio is of two neighbours, and above 1 Scanline is faster. PyTorch's side is `scanline_torch` in
single precision, channels last, on all threads; its recurrences go by anti-diagonals, all images and rows of one at once.

    time_pytorch.py                      # five pairs of each
    time_pytorch.py --bf16 --only pixelcnn
"""
import argparse
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

import scanline_torch

SUBJECTS = [
    ("pixelcnn", 32, 15, 64),
    ("pixelcnn", 128, 15, 32),
    ("gated-pixelcnn", 32, 8, 64),
    ("mdrnn", 64, 1, 64),
    ("diagonal-lstm", 32, 7, 64),
]
SIDE = 28


def by_diagonals(direction, x, c):
    """What `scanline_torch.Direction` computes cell by cell, an anti-diagonal at a time: its rows, as that yields them."""
    z = direction.inputs(x, c)
    if direction.mirrored:
        z = z.flip(3)
    z = z.permute(0, 2, 3, 1)
    count, height, width, features = z.shape
    steps = height + width - 1
    # Row y moved y places to the right: a column is then an anti-diagonal.
    z = F.pad(z, (0, 0, 0, height)).reshape(count, height * (width + height), features)
    z = z[:, : height * steps].reshape(count, height, steps, features).permute(2, 0, 1, 3).contiguous()
    h = z.new_zeros(count, height, direction.rec.weight.shape[1] // 2)
    state, outputs = h, []
    for sums in z:
        above = F.pad(h[:, :-1], (0, 0, 1, 0))
        h, state = direction.cell(sums + F.linear(torch.cat([h, above], 2), direction.rec.weight), state)
        outputs.append(h)
    y = torch.stack(outputs, 2)
    y = F.pad(y.reshape(count, height * steps, -1), (0, 0, 0, height)).reshape(count, height, steps + 1, -1)[:, :, :width]
    y = y.permute(0, 3, 1, 2)
    return (y.flip(3) if direction.mirrored else y).unbind(2)


def configuration(model, width, blocks):
    return scanline_torch.Configuration(
        model=model, width=width, blocks=blocks, shape={"height": SIDE, "width": SIDE, "channels": 1}, levels=2,
        likelihood="bernoulli", activation="tanh" if model == "mdrnn" else "relu",
        residual="none" if model == "mdrnn" else "pre", directions=2 if model == "diagonal-lstm" else 1)


class Trainer:
    """A model, its optimizer and a batch; made once, so that no turn pays for a start."""

    def __init__(self, model, width, blocks, batch, is_bf16):
        self.model = scanline_torch.build(configuration(model, width, blocks)).float()
        self.model = self.model.to(memory_format=torch.channels_last)
        self.images = torch.randint(0, 2, (batch, 1, SIDE, SIDE)).float().to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.is_bf16 = is_bf16
        for _ in range(2):
            self.step()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.is_bf16):
            logits = self.model(self.images, None)
        loss = F.binary_cross_entropy_with_logits(logits.float(), self.images, reduction="sum") / len(self.images)
        loss.backward()
        self.optimizer.step()

    def images_per_second(self, seconds):
        start, steps = time.perf_counter(), 0
        while steps < 2 or time.perf_counter() - start < seconds:
            self.step()
            steps += 1
        return steps * len(self.images) / (time.perf_counter() - start)


def scanline_images_per_second(command, model, width, blocks, batch, threads, seconds):
    words = [command, "benchmark", "train", "--model", model, "--width", width, "--blocks", blocks, "--batch", batch]
    words += ["--threads", threads, "--seconds", seconds, "--side", SIDE]
    lines = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout
    return json.loads(lines.strip().splitlines()[-1])["images_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scanline", default=".build/release/scanline")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="each turn of each side")
    parser.add_argument("--threads", type=int, default=0, help="of both; 0: all that there are")
    parser.add_argument("--bf16", action="store_true", help="PyTorch in bfloat16 (autocast); Scanline stays in fp32")
    parser.add_argument("--only", help="a model's name")
    arguments = parser.parse_args()
    scanline_torch.Direction.forward = by_diagonals
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    precision = "bf16" if arguments.bf16 else "fp32"
    print(f"PyTorch {torch.__version__}, {precision}, {torch.get_num_threads()} threads; images a second, medians")
    print(f"{'model':<15} {'width':>5} {'blocks':>6} {'batch':>5} {'scanline':>9} {'pytorch':>8}  ratio (least to most)")
    for model, width, blocks, batch in SUBJECTS:
        if arguments.only not in (None, model):
            continue
        trainer = Trainer(model, width, blocks, batch, arguments.bf16)
        ours, theirs = [], []
        for _ in range(arguments.pairs):
            ours.append(
                scanline_images_per_second(
                    arguments.scanline, model, width, blocks, batch, arguments.threads, arguments.seconds))
            theirs.append(trainer.images_per_second(arguments.seconds))
        ratios = [a / b for a, b in zip(ours, theirs)]
        print(
            f"{model:<15} {width:>5} {blocks:>6} {batch:>5} {statistics.median(ours):>9.1f} "
            f"{statistics.median(theirs):>8.1f}  {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True)


if __name__ == "__main__":
    main()
