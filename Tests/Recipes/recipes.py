#!/usr/bin/env python3
"""Train each recipe for the same budget and print a row of the lab book for it.

  recipes.py FOLDER [--levels 2] (--minutes M | --images N) [--only WORD ...] [--scanline PATH] [--runs FOLDER]

Recipes are the lines of recipes.txt beside this file. With --minutes runs follow the clock: nothing else may run on the
machine. With --images every recipe sees as many training images, and its figures can be repeated bit for bit. Runs that are
there already are not trained again. Prints Markdown: images seen, multiply-adds of training (three times those of a forward
pass), and the held-out score of the averaged weights over all images, with its standard error.
"""
import argparse
import json
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))


def recipes(words):
    for line in open(f"{here}/recipes.txt"):
        if line.strip() and not line.startswith("#"):
            name, options = line.strip().split(": ", 1)
            if not words or any(word in name for word in words):
                yield name, options.split()


def batch(options):
    return int(options[options.index("--batch") + 1]) if "--batch" in options else 64


def multiply_adds(scanline, run):
    said = subprocess.run([scanline, "describe", run, "--json"], capture_output=True, text=True, check=True)
    return json.loads(said.stdout)["model"]["connections"]


def score(run):
    last = None
    for line in open(f"{run}/metrics.jsonl"):
        record = json.loads(line)
        if record.get("held_out", {}).get("is_final"):
            last = record
    return last


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--levels", default="2")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float)
    length.add_argument("--images", type=int)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scanline", default=".build/release/scanline")
    parser.add_argument("--runs", default="recipe-runs")
    a = parser.parse_args()
    print("| recipe | options | images | multiply-adds | nats | bits per dimension |\n| --- | --- | --- | --- | --- | --- |")
    for name, options in recipes(a.only):
        run = f"{a.runs}/{name}-{a.minutes or a.images}"
        size = ["--minutes", str(a.minutes)] if a.minutes else ["--steps", str(max(1, a.images // batch(options)))]
        if not os.path.exists(f"{run}/metrics.jsonl") or score(run) is None:
            quiet = ["--levels", a.levels, "--gradients-every", "0", "--samples", "0", "--quiet", "--output", run]
            done = subprocess.run([a.scanline, "train", a.folder, *options, *size, *quiet], stdout=sys.stderr)
            if done.returncode:
                sys.exit(f"{name}: scanline train ended with {done.returncode}")
        last = score(run)
        seen = last["step"] * batch(options)
        own = last["held_out"]["average"]
        print(
            f"| {name} | `{' '.join(options)}` | {seen:,} | {3 * seen * multiply_adds(a.scanline, run):.2e} "
            f"| {own['nats_per_image']:.2f} ± {own['standard_error']:.2f} | {own['bits_per_dimension']:.4f} |", flush=True)


main()
