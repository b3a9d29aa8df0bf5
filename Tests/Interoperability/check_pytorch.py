#!/usr/bin/env python3
"""Are a checkpoint's log-likelihoods those that PyTorch computes from its tensors, and an import's the modules' own?

  check_pytorch.py [--scanline .build/release/scanline] [--grey FOLDER] [--colour FOLDER] [--case WORD] [--images 100]

For every family, likelihood and option, on images with classes:
  out  Scanline trains a little; its model.safetensors is loaded into PyTorch modules (scanline_torch.py, double
       precision), and each image's nats are compared with `scanline evaluate --per-image`.
  in   PyTorch trains a little and saves safetensors; `scanline import` makes a checkpoint of it, and the same.
Prints the largest difference of each; ends with 1 where one is above the tolerance, 1e-4 nats an image.
FOLDER has class subfolders of PNGs of one size, or train/ with such; without --colour, noise with some structure.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import scanline_torch as modules

# name: options of `train` and `import`; "class" is for --class-conditional.
MIXTURE = "--levels 256 --likelihood logistic-mixture"
CASES = {
    "pixelcnn bernoulli": "--model pixelcnn --blocks 3 --levels 2",
    "pixelcnn categorical class": "--model pixelcnn --blocks 2 --levels 16 class",
    "pixelcnn mixture": f"--model pixelcnn --blocks 2 {MIXTURE} --mixtures 5",
    "pixelcnn tanh post": "--model pixelcnn --blocks 2 --levels 2 --activation tanh --residual post",
    "pixelcnn relu post": "--model pixelcnn --blocks 2 --levels 2 --residual post",
    "pixelcnn sigmoid none": "--model pixelcnn --blocks 2 --levels 4 --activation sigmoid --residual none",
    "pixelcnn colour bernoulli": "colour --model pixelcnn --blocks 2 --levels 2",
    "pixelcnn colour categorical class": "colour --model pixelcnn --blocks 2 --levels 256 class",
    "pixelcnn colour mixture": f"colour --model pixelcnn --blocks 2 {MIXTURE}",
    "gated-pixelcnn bernoulli class": "--model gated-pixelcnn --blocks 3 --levels 2 class",
    "gated-pixelcnn categorical": "--model gated-pixelcnn --blocks 2 --levels 256",
    "gated-pixelcnn mixture class": "--model gated-pixelcnn --blocks 2 --levels 64 --likelihood logistic-mixture class",
    "gated-pixelcnn colour categorical class": "colour --model gated-pixelcnn --blocks 3 --levels 32 class",
    "gated-pixelcnn colour mixture": f"colour --model gated-pixelcnn --blocks 2 {MIXTURE}",
    "mdrnn tanh bernoulli class": "--model mdrnn --blocks 1 --levels 2 class",
    "mdrnn sigmoid bi pre": "--model mdrnn --blocks 2 --levels 4 --activation sigmoid --directions 2 --residual pre",
    "mdrnn relu": "--model mdrnn --blocks 2 --levels 2 --activation relu",
    "mdrnn bi mixture class": f"--model mdrnn --blocks 2 --directions 2 {MIXTURE} class",
    "mdrnn colour categorical bi": "colour --model mdrnn --blocks 2 --levels 16 --directions 2",
    "mdrnn colour mixture": f"colour --model mdrnn --blocks 1 {MIXTURE}",
    "diagonal-lstm bernoulli class": "--model diagonal-lstm --blocks 2 --levels 2 class",
    "diagonal-lstm one direction": "--model diagonal-lstm --blocks 2 --levels 8 --directions 1",
    "diagonal-lstm mixture": f"--model diagonal-lstm --blocks 1 {MIXTURE}",
    "diagonal-lstm colour categorical class": "colour --model diagonal-lstm --blocks 1 --levels 16 class",
    "diagonal-lstm colour mixture": f"colour --model diagonal-lstm --blocks 1 {MIXTURE}",
    "gated-pixelcnn columns class": "--model gated-pixelcnn --blocks 2 --levels 4 --order columns class",
    "pixelcnn flipped": "--model pixelcnn --blocks 2 --levels 2 --order flipped",
    "diagonal-lstm whole rows class": "--model diagonal-lstm --blocks 2 --levels 4 --whole-rows class",
    "diagonal-lstm attention": "--model diagonal-lstm --blocks 2 --levels 2 --attention 1",
    "linear-rnn bernoulli class": "--model linear-rnn --blocks 2 --levels 2 class",
    "linear-rnn attention": "--model linear-rnn --blocks 1 --levels 8 --attention 1",
    "linear-rnn colour categorical class": "colour --model linear-rnn --blocks 1 --levels 16 class",
    "linear-rnn colour mixture": f"colour --model linear-rnn --blocks 2 {MIXTURE}",
    "diagonal-lstm colour mixture skip": f"colour --model diagonal-lstm --blocks 1 {MIXTURE} --skip 5",
    "pixelcnn colour categorical skip": "colour --model pixelcnn --blocks 1 --levels 16 --skip 3",
    "gated-pixelcnn skip": "--model gated-pixelcnn --blocks 2 --levels 4 --skip 7",
    "pixelcnn augment class": "--model pixelcnn --blocks 2 --levels 4 --augment flip,shift:2 class",
    "diagonal-lstm augment": "--model diagonal-lstm --blocks 1 --levels 2 --augment vertical-flip",
    "pixelsnail bernoulli class": "--model pixelsnail --blocks 3 --levels 2 class",
    "pixelsnail categorical": "--model pixelsnail --blocks 2 --levels 16 --attention 1",
    "pixelsnail colour categorical": "colour --model pixelsnail --blocks 2 --levels 16",
    "pixelsnail colour mixture class": f"colour --model pixelsnail --blocks 2 {MIXTURE} class",
}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def gather(folder, target, count):
    """Up to `count` images of `folder`, the classes taking turns, as target/CLASS/NAME.png."""
    folder = os.path.join(folder, "train") if os.path.isdir(os.path.join(folder, "train")) else folder
    names = sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))
    files = {name: sorted(f for f in os.listdir(os.path.join(folder, name)) if f.endswith(".png")) for name in names}
    for index in range(count):
        name = names[index % len(names)]
        if index // len(names) < len(files[name]):
            file = files[name][index // len(names)]
            os.makedirs(f"{target}/{name}", exist_ok=True)
            os.symlink(os.path.abspath(f"{folder}/{name}/{file}"), f"{target}/{name}/{file}")


def draw(target, count, side=16):
    """Colour images of two classes: waves, and noise."""
    random = np.random.default_rng(1)
    for index in range(count):
        slope = np.add.outer(np.arange(side) * random.uniform(0.1, 0.5), np.arange(side) * 0.3)
        phase = random.uniform(0, 6, 3) + slope[:, :, None]
        values = 128 + (100 if index % 2 else 40) * np.sin(phase) + random.normal(0, 15, (side, side, 3))
        name = ["calm", "wild"][index % 2]
        os.makedirs(f"{target}/{name}", exist_ok=True)
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(f"{target}/{name}/{index:04}.png")


def read(folder, cfg, paths):
    """Levels [N, C, H, W] of the images at `paths`, and their classes [N]."""
    images = []
    for path in paths:
        values = np.asarray(Image.open(path).convert("L" if cfg.channels == 1 else "RGB")).astype(np.int64)
        values = values[:, :, None] if cfg.channels == 1 else values
        # The nearest of the levels; there are no ties, as 255 is odd.
        images.append((2 * values * (cfg.levels - 1) + 255) // 510)
    levels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    classes = torch.tensor([cfg.classes.index(path.split("/")[-2]) for path in paths]) if cfg.classes else None
    return levels, classes


def scores(scanline, checkpoint, folder, scratch):
    """What `evaluate` says of each image: paths, nats."""
    table = f"{scratch}/scores.csv"
    run(scanline, "evaluate", checkpoint, folder, "--weights", "raw", "--per-image", table, "--force")
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["path"] for row in rows], torch.tensor([float(row["nats"]) for row in rows], dtype=torch.double)


def compare(model, cfg, scanline, checkpoint, folder, scratch):
    """The mean nats and the largest difference over the images in `folder`."""
    paths, theirs = scores(scanline, checkpoint, folder, scratch)
    levels, classes = read(folder, cfg, [p if os.path.exists(p) else f"{folder}/{p}" for p in paths])
    with torch.no_grad():
        own = torch.cat([
            modules.nats(model, cfg, levels[k : k + 25], None if classes is None else classes[k : k + 25])
            for k in range(0, len(levels), 25)
        ])
    assert len(own) == len(theirs) > 0
    return theirs.mean().item(), (own - theirs).abs().max().item(), len(own)


def check(name, options, arguments, folders, scratch):
    words = options.split()
    is_colour, by_class = "colour" in words, "class" in words
    words = [word for word in words if word not in ("colour", "class")]
    folder, few = folders["colour" if is_colour else "grey"]
    # Where features are split by colours, the width is divisible by 6.
    words += ["--width", "24" if is_colour and "logistic-mixture" not in words else "16"]
    # Out: trained by Scanline.
    run_folder = f"{scratch}/run"
    run(
        arguments.scanline, "train", folder, *words, *(["--class-conditional"] if by_class else []), "--steps",
        str(arguments.steps), "--batch", "16", "--warmup", "10", "--gradients-every", "0", "--metrics-every", "0",
        "--evaluation-images", "8", "--no-tensorboard", "--output", run_folder,
    )
    step = f"{run_folder}/" + max(entry for entry in os.listdir(run_folder) if entry.startswith("step-"))
    cfg = modules.Configuration.of_checkpoint(step)
    model = modules.build(cfg)
    modules.load_checkpoint(model, cfg, load_file(f"{step}/model.safetensors"))
    mean, out, count = compare(model, cfg, arguments.scanline, step, few, scratch)

    # In: trained by PyTorch, from weights of its own; what the masked taps hold is nobody's business.
    torch.manual_seed(3)
    model = modules.build(cfg)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    paths, _ = scores(arguments.scanline, step, few, scratch)
    paths = [p if os.path.exists(p) else f"{few}/{p}" for p in paths[:: max(1, len(paths) // 16)]]
    levels, classes = read(few, cfg, paths)
    for _ in range(3):
        optimizer.zero_grad()
        modules.nats(model, cfg, levels, classes).mean().backward()
        optimizer.step()
    for parameter in model.parameters():
        parameter.data = parameter.data.float().double()
    save_file({n: p.detach().float().contiguous() for n, p in model.named_parameters()}, f"{scratch}/in.safetensors")
    height, width = levels.shape[2:]
    run(
        arguments.scanline, "import", f"{scratch}/in.safetensors", *words, "--channels", str(cfg.channels), "--size",
        f"{width}x{height}", *(["--classes", ",".join(cfg.classes)] if by_class else []), "--output",
        f"{scratch}/imported",
    )
    _, into, _ = compare(model, cfg, arguments.scanline, f"{scratch}/imported", few, scratch)
    weights = sum(int(p.numel()) for p in model.parameters())
    # Not a plain >: a difference that is no number is no agreement.
    agrees = out <= arguments.tolerance and into <= arguments.tolerance
    verdict = "" if agrees else f"   more than {arguments.tolerance:.1e}"
    print(f"{name:42} {count:4} {weights:8} {mean:11.3f} {out:10.1e} {into:10.1e}{verdict}", flush=True)
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    parser.add_argument("--scanline", default=f"{root}/.build/release/scanline", help="the command")
    parser.add_argument("--grey", default=f"{root}/Data/glyphs", help="grey images in class subfolders")
    parser.add_argument("--colour", help="colour images in class subfolders")
    parser.add_argument("--case", default="", help="only cases with this in their names")
    parser.add_argument("--images", type=int, default=100, help="images compared")
    parser.add_argument("--steps", type=int, default=60, help="steps that Scanline trains")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="nats an image")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        for kind, given in [("grey", arguments.grey), ("colour", arguments.colour)]:
            for part, count in [("many", 600), ("few", arguments.images)]:
                target = f"{scratch}/{kind}-{part}"
                if given:
                    gather(given, target, count)
                else:
                    draw(target, count)
            folders[kind] = (f"{scratch}/{kind}-many", f"{scratch}/{kind}-few")
        print(f"{'case':42} {'n':>4} {'weights':>8} {'nats':>11} {'out':>10} {'in':>10}   (largest differences, nats)")
        cases = {name: options for name, options in CASES.items() if arguments.case in name}
        if not cases:
            parser.error(f"no case is called anything with {arguments.case!r} in it")
        failed = []
        for name, options in cases.items():
            with tempfile.TemporaryDirectory(dir=scratch) as own:
                if not check(name, options, arguments, folders, own):
                    failed.append(name)
        print(f"{len(cases) - len(failed)} of {len(cases)} cases agree")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
