"""The ladder: short trainings, each adding one thing to the one before it. Their figures are kept, not their weights.

`evidence/ladder.json` is a list of steps, in the order of their recipes:

    [{"id": of the recipe, "title", "adds": what it adds to the step before, "test", "validation": {"n", "accuracy",
      "accuracy_interval", "log_loss"} as on a card, "parameters", "seconds", "epochs", "hardware", "revision"}, ...]

What a card does not say is null.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from explain.cards import Card, Figures
from explain.errors import CheckpointError
from study import StudyError

PREFIX = "cifar100-ladder-"  # of the recipes' ids
FIGURES = ("n", "accuracy", "accuracy_interval", "log_loss")


def known() -> list[str]:
    """Ids of the ladder's recipes, from the plainest upwards."""
    from training.recipe import all_recipes

    return [recipe_id for recipe_id in all_recipes() if recipe_id.startswith(PREFIX)]


def step(folder: Path) -> dict[str, Any]:
    """What a finished run gave.

    Args:
        folder: of the run, with its card.json and history.csv.

    Raises:
        CheckpointError: where the card is missing or cannot be read.
        StudyError: for a trial of the machinery, and for a card of another recipe or without a test accuracy.
    """
    card = Card.read(folder)
    if card.smoke:
        raise StudyError(f"{folder.name} is a trial of the machinery.")
    if card.model_id != folder.name or card.test.accuracy is None:
        raise StudyError(f"The card of {folder.name} is another training's, or gives no test accuracy.")
    return {
        "id": card.model_id,
        "title": card.title,
        "adds": card.description.rpartition(": ")[2].removesuffix("."),
        "test": figures(card.test),
        "validation": figures(card.splits.get("validation", Figures())),
        "parameters": card.parameters,
        "seconds": card.seconds,
        "epochs": epochs(folder, card),
        "hardware": card.hardware,
        "revision": card.revision,
    }


def climbed(
    runs: Path, kept: Iterable[Any] = (), recipe_ids: Iterable[str] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """All steps there are.

    Args:
        runs: holds a folder a run, called as its recipe.
        kept: steps that were read before; they stay where there is no finished run.
        recipe_ids: the ladder's, in its order; by default those of `known`.

    Returns:
        Steps, and a sentence for each that is missing or could not be taken.
    """
    before = {step["id"]: step for step in kept if isinstance(step, dict) and isinstance(step.get("id"), str)}
    steps, problems = [], []
    for recipe_id in known() if recipe_ids is None else recipe_ids:
        try:
            steps.append(step(runs / recipe_id))
        except (StudyError, CheckpointError) as error:
            problems.append(str(error))
            if recipe_id in before:
                steps.append(before[recipe_id])
    return steps, problems


def figures(split: Figures) -> dict[str, Any]:
    """Those of FIGURES of a split; null where the card doesn't say."""
    values = split.to_json()
    return {name: values.get(name) for name in FIGURES}


def epochs(folder: Path, card: Card) -> int | None:
    """Whole epochs that were trained: by the history, else by the recipe."""
    try:
        with open(folder / "history.csv", newline="") as file:
            return int(max(float(row["epoch"]) for row in csv.DictReader(file)))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    stages = (card.recipe or {}).get("stages")
    try:
        return sum(int(epochs) for _, epochs in stages)
    except (TypeError, ValueError):
        return None
