"""The search for a learning rate: one short run a rate, the same but for the rate, judged on validation."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

from training.data.dataset import Dataset, atomically
from training.recipe import TRIALS, Recipe
from training.run import RunError, train


def search(recipe: Recipe, dataset: Dataset, folder: Path, cache: Path, fresh: bool = False) -> dict:
    """Try every rate of the recipe's search, and record what validation says of each in `recipes/trials.json`.

    Args:
        recipe: with a search.
        dataset: its data; the test split is not touched.
        folder: where the trials' run folders go; interrupted trials go on from there.
        cache: where decoded pictures are kept.
        fresh: begin all trials anew.

    Returns:
        The record: steps, batch, pixels, and for each rate the validation accuracy and log loss. The best has the
        lowest log loss, which short runs tell apart better than accuracy.

    Raises:
        RunError: when trials of other settings are there.
    """
    size = recipe.stages[0][0]
    trials = []
    for rate in recipe.search.rates:
        trial = replace(
            recipe,
            optimizer=replace(recipe.optimizer, learning_rate=rate),
            stages=((size, 1),),
            steps_per_epoch=recipe.search.steps,
        )
        run = folder / f"{recipe.id}-{rate:g}"
        if fresh and run.exists():
            shutil.rmtree(run)
        last = train(trial, dataset, run, cache).history[-1]
        figures = {name: round(last[f"val_{name}"], 6) for name in ("accuracy", "log_loss")}
        trials.append({"learning_rate": rate, **figures})
    record = {"steps": recipe.search.steps, "batch": recipe.batch, "size": size, "trials": trials}
    # NaN, of a rate that was too high, is neither more nor less than any other
    ended = [trial for trial in trials if math.isfinite(trial["log_loss"])]
    if not ended:
        raise RunError(f"Every rate of {recipe.id}'s search was too high. Add lower ones in its file.")
    record["best"] = min(ended, key=lambda trial: trial["log_loss"])["learning_rate"]
    recorded = json.loads(TRIALS.read_text()) if TRIALS.exists() else {}
    recorded[recipe.id] = record
    atomically(TRIALS, lambda draft: draft.write_text(json.dumps(recorded, indent=2) + "\n"))
    return record
