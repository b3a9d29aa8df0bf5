#!/usr/bin/env python3
"""Does TensorBoard read in a run's event files what the run wrote into its other records?

  check_tensorboard.py RUN ...            run folders that are there
  check_tensorboard.py --kill IMAGES      a run on IMAGES, killed twice and resumed, with a reader that follows it
  check_tensorboard.py --serve RUN        the same figures by HTTP, from TensorBoard itself

Scalars are compared with metrics.jsonl and gradients.jsonl, one by one: each step once, none missing, none more, equal
in single precision. Histograms must count each layer's weights (`scanline describe`) and agree with gradients.jsonl in
their root mean square and largest magnitude. Images must decode to the size that is said. Both of the package's readers
are asked: the older one, and the one behind the dashboard. Ends with 1 at the first disagreement.
"""
import argparse
import io
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file]


def demand(condition, message):
    if not condition:
        sys.exit(f"check_tensorboard: {message}")


def expected_scalars(run):
    """{tag: {step: value}} as the README says tags are made of the records' keys."""
    tags = {}

    def add(tag, step, value):
        values = tags.setdefault(tag, {})
        demand(step not in values, f"{run}: step {step} of {tag} is in the records twice")
        values[step] = np.float32(value)

    for record in lines(f"{run}/metrics.jsonl"):
        for key, value in (record.get("training") or {}).items():
            if key != "steps":
                add(f"training/{key}", record["step"], value)
        for kind in ("average", "raw"):
            for key in ("nats_per_image", "bits_per_dimension"):
                if record.get("held_out"):
                    add(f"held_out/{kind}/{key}", record["step"], record["held_out"][kind][key])
    for record in lines(f"{run}/gradients.jsonl"):
        for layer in record["layers"]:
            add(f"flow/{layer['name']}", record["step"], layer["flow"]["rms"])
    return tags


def same_scalars(expected, found, who):
    """Each {tag: [(step, value)]}: the same tags, and the same steps once and in order."""
    demand(set(expected) == set(found), f"{who}: other tags: {sorted(set(expected) ^ set(found))}")
    for tag, values in expected.items():
        demand(
            [step for step, _ in found[tag]] == sorted(values),
            f"{who}: {tag} has steps {[step for step, _ in found[tag]]}, the records {sorted(values)}",
        )
        for step, value in found[tag]:
            place = f"{who}: {tag} at {step}"
            demand(np.float32(value) == values[step], f"{place} is {value}, the record says {values[step]}")
    return sum(len(values) for values in expected.values())


def read(run, reader=None):
    """The older reader, of all events."""
    sizes = {kind: 0 for kind in (event_accumulator.SCALARS, event_accumulator.HISTOGRAMS, event_accumulator.IMAGES)}
    reader = reader or event_accumulator.EventAccumulator(run, size_guidance=sizes)
    reader.Reload()
    return reader


def scalars_of(reader):
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def check(run, scanline, reader=None):
    reader = read(run, reader)
    expected = expected_scalars(run)
    count = same_scalars(expected, scalars_of(reader), f"{run} (EventAccumulator)")

    # Histograms.
    gradients = {record["step"]: record for record in lines(f"{run}/gradients.jsonl")}
    told = json.loads(subprocess.run([scanline, "describe", run, "--json"], capture_output=True, check=True).stdout)
    costs = [layer["cost"] for layer in told["model"]["layers"]]
    weights = {cost["name"]: cost["weights"] for cost in costs}
    histograms = 0
    tags = reader.Tags()["histograms"]
    layers = {layer["name"] for record in gradients.values() for layer in record["layers"]}
    demand(set(tags) == {f"gradient/{name}" for name in layers}, f"{run}: histograms of other layers: {tags}")
    for tag in tags:
        name = tag.removeprefix("gradient/")
        events = reader.Histograms(tag)
        demand([event.step for event in events] == sorted(gradients), f"{run}: {tag} has other steps")
        for event in events:
            histogram, place = event.histogram_value, f"{run}: {tag} at {event.step}"
            figures = next(l["gradient"] for l in gradients[event.step]["layers"] if l["name"] == name)
            demand(histogram.num == weights[name], f"{place} counts {histogram.num} of {weights[name]} weights")
            demand(sum(histogram.bucket) == histogram.num, f"{place}: buckets hold {sum(histogram.bucket)}")
            demand(histogram.bucket_limit == sorted(set(histogram.bucket_limit)), f"{place}: limits out of order")
            rms = math.sqrt(histogram.sum_squares / histogram.num)
            demand(math.isclose(rms, figures["rms"], rel_tol=1e-9, abs_tol=1e-30), f"{place}: {rms}, {figures['rms']}")
            demand(max(-histogram.min, histogram.max) == figures["max"], f"{place}: other extremes")
            histograms += 1

    # Images.
    images = 0
    for tag in reader.Tags()["images"]:
        for event in reader.Images(tag):
            picture = Image.open(io.BytesIO(event.encoded_image_string))
            picture.load()
            demand(picture.size == (event.width, event.height), f"{run}: {tag} at {event.step} is of {picture.size}")
            images += 1

    # The reader behind the dashboard turns all of them into tensors.
    sizes = {plugin_event_accumulator.TENSORS: 0}
    behind = plugin_event_accumulator.EventAccumulator(
        run, size_guidance=sizes, tensor_size_guidance={k: 0 for k in ("scalars", "histograms", "images")}
    )
    behind.Reload()
    found = {}
    for tag in behind.Tags()["tensors"]:
        if behind.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            found[tag] = [(e.step, tensor_util.make_ndarray(e.tensor_proto).item()) for e in behind.Tensors(tag)]
    same_scalars(expected, found, f"{run} (plugin_event_accumulator)")
    for tag in tags:
        for event, old in zip(behind.Tensors(tag), reader.Histograms(tag), strict=True):
            # [bucket][left, right, count]
            triples = tensor_util.make_ndarray(event.tensor_proto)
            demand(triples[:, 2].sum() == old.histogram_value.num, f"{run}: {tag} loses counts on the way to tensors")
            demand((triples[:, 0] <= triples[:, 1]).all(), f"{run}: {tag} has a bucket that ends before it begins")
    size = sum(os.path.getsize(f"{run}/{name}") for name in os.listdir(run) if "tfevents" in name)
    files = sum("tfevents" in name for name in os.listdir(run))
    found = f"{count} scalars, {histograms} histograms, {images} images"
    print(f"{run}: {found} in {files} files of {size} bytes: all agree")


def kill(images, scanline):
    """Ends a run with SIGKILL where it stands, twice, goes on, and reads all the while."""
    with tempfile.TemporaryDirectory() as scratch:
        run = f"{scratch}/run"
        options = "--width 8 --blocks 2 --levels 4 --batch 16 --steps 600"
        often = "--evaluate-every 100 --metrics-every 5 --gradients-every 10"
        first = [scanline, "train", images, *options.split(), *often.split(), "--output", run]
        again = [scanline, "train", "--resume", "--output", run]
        reader = None
        for round, command in enumerate([first, again]):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            while True:
                time.sleep(0.02)
                demand(process.poll() is None, "the run ended before it could be killed: give it more images")
                steps = [record["step"] for record in lines_so_far(f"{run}/metrics.jsonl")]
                # Some steps past a checkpoint, so that there are some to take back.
                if steps and steps[-1] > 130 + 200 * round + random.randrange(60):
                    break
            process.send_signal(signal.SIGKILL)
            process.wait()
            reader = read(run, reader)
            steps = [event.step for event in reader.Scalars("training/nats_per_image")]
            saved = max(int(name[5:]) for name in os.listdir(run) if name.startswith("step-"))
            print(f"killed at step {steps[-1]}, saved at {saved}")
            demand(steps[-1] > saved, "nothing to take back: run it again")
        subprocess.run(again, check=True, capture_output=True)
        check(run, scanline)
        # The reader that was there all the time has taken back what was taken again.
        reader = read(run, reader)
        same_scalars(expected_scalars(run), scalars_of(reader), f"{run} (a reader that was there all the time)")
        print("a reader that was there all the time: the same")


def lines_so_far(path):
    """The whole lines of a file that is being written."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file.read().split("\n")[:-1]]


def serve(run):
    """Asks TensorBoard itself, by HTTP on this machine."""
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(os.path.abspath(run), f"{scratch}/run")
        port = 20000 + os.getpid() % 20000
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", scratch, "--port", str(port)]
        command += ["--samples_per_plugin", "scalars=100000,histograms=100000,images=100000"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def get(path, **query):
            url = f"http://localhost:{port}/data/plugin/{path}?{urllib.parse.urlencode(query)}"
            return json.load(urllib.request.urlopen(url, timeout=10))

        try:
            expected = expected_scalars(run)
            deadline = time.time() + 60
            while True:
                demand(process.poll() is None and time.time() < deadline, "TensorBoard does not answer")
                try:
                    # It reads while it answers already.
                    if set(get("scalars/tags").get("run", {})) == set(expected):
                        break
                except OSError:
                    pass
                time.sleep(0.5)
            time.sleep(3)
            found = {tag: [(s, v) for _, s, v in get("scalars/scalars", run="run", tag=tag)] for tag in expected}
            count = same_scalars(expected, found, f"{run} (TensorBoard)")
            tags = get("histograms/tags")["run"]
            histograms = sum(len(get("histograms/histograms", run="run", tag=tag)) for tag in tags)
            tags = get("images/tags").get("run", {})
            images = sum(len(get("images/images", run="run", tag=tag, sample=0)) for tag in tags)
            shown = f"{count} scalars, {histograms} histograms, {images} images"
            print(f"{run}: TensorBoard shows {shown}: scalars all agree")
        finally:
            process.terminate()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", help="run folders")
    parser.add_argument("--scanline", default=f"{ROOT}/.build/release/scanline", help="the command")
    parser.add_argument("--kill", metavar="IMAGES", help="kill and resume a run on this folder of PNGs")
    parser.add_argument("--serve", action="store_true", help="ask TensorBoard itself, too")
    arguments = parser.parse_args()
    if not arguments.runs and not arguments.kill:
        parser.error("name a run folder, or --kill a folder of images")
    for run in arguments.runs:
        check(run, arguments.scanline)
        if arguments.serve:
            serve(run)
    if arguments.kill:
        kill(arguments.kill, arguments.scanline)


if __name__ == "__main__":
    main()
