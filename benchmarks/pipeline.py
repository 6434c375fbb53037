"""Does the input pipeline keep up? Training steps a second with it, and with one batch kept in memory.

    python benchmarks/pipeline.py [RECIPE] [--data-dir DIR]

Without --data-dir the pictures are drawn ones. Both ways train the same network in turn; the ratio wanted is 0.95.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf

from training import data
from training.data.pipeline import training_batches
from training.recipe import find
from training.run import State, _compiled


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="cats-dogs-effnet-adam")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("TWO_MINDS_DATA"))
    parser.add_argument("--runs-dir", type=Path, default=os.environ.get("TWO_MINDS_RUNS"))
    parser.add_argument("--steps", type=int, default=60, help="of one round (default 60; an epoch has 531)")
    parser.add_argument("--rounds", type=int, default=3, help="of each way (default 3)")
    arguments = parser.parse_args()
    recipe = find(arguments.recipe)
    size = recipe.stages[0][0]
    with tempfile.TemporaryDirectory() as scratch:
        cache = (arguments.runs_dir or Path(scratch)) / "cache"
        dataset = data.load(recipe.data.name, arguments.data_dir, cache, 0 if arguments.data_dir else 32)
        network = _compiled(recipe, dataset.classes, size, 1000, State())
        total = (arguments.rounds + 1) * arguments.steps
        kept = next(iter(training_batches(dataset, recipe, size, 0, 1, cache)))
        ways = {
            "one batch in memory": lambda first: tf.data.Dataset.from_tensors(kept).repeat(arguments.steps),
            "pipeline": lambda first: training_batches(dataset, recipe, size, first, first + arguments.steps, cache),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for first in range(0, total, arguments.steps):
            for name, batches in ways.items():
                ready = batches(first)  # once an epoch in a training
                start = time.perf_counter()
                network.fit(ready, verbose=0, shuffle=False)
                seconds[name].append((time.perf_counter() - start) / arguments.steps)
    print(f"{recipe.id}: {size} pixels, batches of {recipe.batch}, {dataset.edition} edition")
    rates = {name: 1 / median(times[1:]) for name, times in seconds.items()}  # the first round traces
    for name, rate in rates.items():
        print(f"{name:20} {rate:6.3f} steps a second, {rate * recipe.batch:6.1f} pictures a second")
    ratio = rates["pipeline"] / rates["one batch in memory"]
    print(f"ratio {ratio:.3f} (wanted: at least 0.95)")
    return 0 if ratio >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
