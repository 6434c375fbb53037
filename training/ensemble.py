"""From shipped checkpoints to one that answers as all of them: its temperature, its figures, what each member adds."""

import csv
import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from explain import checkpoints
from explain.cards import Card, Digests, TrainedOn
from explain.checkpoints import Checkpoint
from training import TrainingError
from training.data.dataset import Dataset
from training.evaluate import answers, file_digest, revision, split_figures, write_figures
from training.export import put
from training.recipe import EnsembleRecipe

TEMPERATURES = (0.2, 5.0)  # searched between


class EnsembleError(TrainingError):
    """Checkpoints that do not go together; the message says why."""


def cooled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """A softmax of log(probabilities) / temperature, float64 n x classes."""
    logits = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature of the least log loss (Guo et al., arXiv 1706.04599), to three decimals.

    Args:
        labels: int n.
        probabilities: float n x classes, before any temperature.

    Example:
        >>> round(fit_temperature(np.array([0, 0, 0, 1]), np.array([[0.9, 0.1]] * 4)), 2)  # right 3 times of 4
        2.0
    """

    def loss(log_temperature: float) -> float:
        right = cooled(probabilities, np.exp(log_temperature))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(right, 1e-30)).mean())

    best = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-4})
    return round(float(np.exp(best.x)), 3)


def contributions(names: Sequence[str], labels: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """What each member adds: its accuracy, and that of the others without it.

    Args:
        names: of m members.
        labels: int n.
        probabilities: float m x n x classes.
    """

    def accuracy(members: np.ndarray) -> float:
        return round(float((members.mean(0).argmax(1) == labels).mean()), 6)

    return [
        {
            "member": name,
            "accuracy": accuracy(probabilities[[place]]),
            "without": accuracy(np.delete(probabilities, place, 0)),
            "together": accuracy(probabilities),
        }
        for place, name in enumerate(names)
    ]


def tested(member: Checkpoint, dataset: Dataset) -> np.ndarray:
    """What a shipped checkpoint said of the test pictures when its card was written, float64 n x classes.

    Raises:
        EnsembleError: when its file speaks of other pictures.
    """
    with np.load(member.folder / "evaluation" / "predictions.npz") as stored:
        if stored["identities"].tolist() != [item.identity for item in dataset.items["test"]]:
            raise EnsembleError(f"{member.model_id} was tested on other pictures than these.")
        return stored["probabilities"].astype(np.float64)


def assemble(
    recipe: EnsembleRecipe, members: Sequence[Checkpoint], dataset: Dataset, weights: Path, cache: Path
) -> Card:
    """Put checkpoints together as `weights/<id>/`: a card, and `evaluation/` as every checkpoint has it, and in it
    `members.csv`: what each member adds on the test split.

    The temperature comes from the validation split.

    Args:
        recipe: names the members.
        members: as they were loaded from `weights`, in that order.
        dataset: that they were trained on.
        weights: where it goes.
        cache: where decoded pictures are kept.

    Returns:
        The card.

    Raises:
        EnsembleError: when members were trained on other pictures than these, so that some may have been trained on
            pictures that others are tested on.
    """
    for member in members:
        if member.card.digests.data != dataset.digest:
            raise EnsembleError(f"{member.model_id} was trained on other pictures than these.")
    cards = [member.card for member in members]
    first = cards[0]
    each = {
        "validation": np.stack([answers(member, dataset, "validation", cache) for member in members]),
        "test": np.stack([tested(member, dataset) for member in members]),
    }
    temperature = fit_temperature(dataset.labels("validation"), each["validation"].mean(0))
    together = {split: cooled(probabilities.mean(0), temperature) for split, probabilities in each.items()}
    card = Card(
        model_id=recipe.id,
        title=recipe.title,
        description=recipe.description,
        dataset=TrainedOn(name=dataset.name, edition=dataset.edition, problems=len(dataset.problems)),
        classes=first.classes,
        groups=first.groups,
        input_size=first.input_size,
        parameters=sum(card.parameters or 0 for card in cards),
        multiply_adds=sum(card.multiply_adds or 0 for card in cards),
        splits={split: split_figures(dataset, split, probabilities) for split, probabilities in together.items()},
        tested=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=sum(card.seconds or 0 for card in cards),
        revision=revision(),
        digests=Digests(data=dataset.digest, split=file_digest(dataset.split_file) if dataset.split_file else None),
        members=recipe.members,
        temperature=temperature,
    )

    def write(folder: Path) -> None:
        write_figures(folder, dataset, together["test"], card.splits["test"])
        rows = contributions(recipe.members, dataset.labels("test"), each["test"])
        with open(folder / "evaluation" / "members.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        card.write(folder / "card.json")

    def check(draft: Path) -> None:
        Card.read(draft / recipe.id)

    put(recipe.id, write, weights, check)
    checkpoints.load(recipe.id, weights)
    return card
