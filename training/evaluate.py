"""Figures with intervals, plots and the card of a trained network; and the same figures again from a shipped file."""

import csv
import datetime
import hashlib
import itertools
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from sklearn import metrics

from explain.cards import Card, Digests, Figures, TrainedOn
from explain.checkpoints import Checkpoint
from explain.ensembles import Ensemble
from explain.measures import wilson
from training import TrainingError
from training.data.dataset import SPLITS, Dataset, atomically, pixels, progress
from training.data.pipeline import evaluation_batches
from training.recipe import Recipe

BATCH = 100  # pictures
BINS = 15  # of confidence, for calibration
TRAINING = 5000  # pictures of the training split that a new card's figures are of


# -- figures ---------------------------------------------------------------------------------------------------------


def predict(network: keras.Model, dataset: Dataset, split: str, cache: Path) -> np.ndarray:
    """Probabilities of every picture of a split, float64 n x classes."""
    size = network.input_shape[1]
    batches = evaluation_batches(dataset, split, size, cache)
    parts = [network.predict_on_batch(pictures) for pictures, _ in progress(batches, split, len(batches))]
    probabilities = np.concatenate(parts).astype(np.float64)
    return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """Mean confidence and accuracy by bins of equal width of the winning probability; empty bins are left out."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    rows = []
    for low, high in itertools.pairwise(edges):
        here = (confidence > low) & (confidence <= high)
        if here.any():
            rows.append(
                {
                    "confidence_low": round(float(low), 6),
                    "confidence_high": round(float(high), 6),
                    "n": int(here.sum()),
                    "confidence": float(confidence[here].mean()),
                    "accuracy": float(right[here].mean()),
                }
            )
    return rows


def measure(labels: np.ndarray, probabilities: np.ndarray) -> Figures:
    """All figures of one split.

    Args:
        labels: int n.
        probabilities: float n x classes.

    Returns:
        n, log_loss, accuracy with its 95 % interval, top_5 where there are more than five classes, precision, recall
        and F1 (mean over classes), AUC (one class against the others, mean over classes), expected calibration error
        (Guo et al., arXiv 1706.04599: mean gap of confidence and accuracy over 15 bins) and those bins.
    """
    n, classes = probabilities.shape
    probabilities = probabilities / probabilities.sum(1, keepdims=True, dtype=np.float64)  # float32 leaves 1e-7
    predicted = probabilities.argmax(1)
    right = int((predicted == labels).sum())
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), average="macro", zero_division=0
    )
    bins = reliability(labels, probabilities)
    onehot = np.eye(classes)[labels]
    present = onehot.any(0) & ~onehot.all(0)
    figures = {
        "n": n,
        "log_loss": metrics.log_loss(labels, probabilities, labels=range(classes)),
        "accuracy": right / n,
        "accuracy_interval": wilson(right, n),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "auc": metrics.roc_auc_score(onehot[:, present], probabilities[:, present], average="macro"),
        "calibration_error": sum(row["n"] * abs(row["confidence"] - row["accuracy"]) for row in bins) / n,
        "reliability": bins,
    }
    if classes > 5:
        figures["top_5"] = metrics.top_k_accuracy_score(labels, probabilities, k=5, labels=range(classes))
    return Figures.from_json(_rounded(figures))


def sample(dataset: Dataset, split: str, count: int) -> Dataset:
    """The same data with only so many pictures of a split, at equal distances of its order."""
    items = dataset.items[split]
    if len(items) <= count:
        return dataset
    part = tuple(items[k * len(items) // count] for k in range(count))
    return replace(dataset, items={**dataset.items, split: part})


def split_figures(dataset: Dataset, split: str, probabilities: np.ndarray) -> Figures:
    """All figures of one split; of the test split also the accuracy without pictures that have a twin in training."""
    labels = dataset.labels(split)
    figures = measure(labels, probabilities)
    if split == "test" and dataset.twins:
        alone = np.array([item.identity not in dataset.twins for item in dataset.items[split]])
        n, right = int(alone.sum()), int((probabilities.argmax(1) == labels)[alone].sum())
        figures = replace(figures, more={"without_twins": _rounded({"n": n, "accuracy": right / n})})
    return figures


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(float(value), 6) if isinstance(value, float | np.floating) else value


def multiply_adds(network: keras.Model) -> int:
    """Multiplications (each with its addition) of one forward pass in convolutions and dense layers."""
    total = 0
    for layer in network.layers:
        if kernels := [w for w in layer.weights if w.name in ("kernel", "depthwise_kernel", "pointwise_kernel")]:
            places = int(np.prod(layer.output.shape[1:-1])) if len(layer.output.shape) == 4 else 1
            total += places * sum(int(np.prod(kernel.shape)) for kernel in kernels)
    return total


# -- the card and what lies beside it --------------------------------------------------------------------------------


def write_evaluation(
    folder: Path, recipe: Recipe, network: keras.Model, dataset: Dataset, run: dict, cache: Path
) -> Card:
    """Measure an exported network on every split, and write `card.json` and `evaluation/` beside its `model.keras`.

    Args:
        folder: holds model.keras and history.csv.
        recipe: it was trained by.
        network: loaded from that very file.
        dataset: its data.
        run: what the run adds to the card: seconds, best epoch, initial_weights, hardware, versions.
        cache: where decoded pictures are kept.

    Returns:
        The card.
    """
    digest, dataset = dataset.digest, sample(dataset, "train", TRAINING)
    probabilities = {split: predict(network, dataset, split, cache) for split in SPLITS}
    splits = {split: split_figures(dataset, split, probabilities[split]) for split in SPLITS}
    card = Card(
        model_id=recipe.id,
        title=recipe.title,
        description=recipe.description,
        dataset=TrainedOn(name=dataset.name, edition=dataset.edition, problems=len(dataset.problems)),
        classes=tuple(dataset.classes),
        groups=dataset.groups,
        input_size=(recipe.input_size, recipe.input_size),
        parameters=network.count_params(),
        multiply_adds=multiply_adds(network),
        splits=splits,
        tested=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **run,
        recipe=json.loads(json.dumps(recipe.settings())),  # as it is read back: lists for tuples
        search=recipe.trials(),
        revision=revision(),
        digests=Digests(
            data=digest,
            split=file_digest(dataset.split_file) if dataset.split_file else None,
            model=file_digest(folder / "model.keras"),
        ),
    )
    write_figures(folder, dataset, probabilities["test"], splits["test"])
    atomically(folder / "card.json", card.write)
    return card


def write_figures(folder: Path, dataset: Dataset, probabilities: np.ndarray, figures: Figures) -> None:
    """Write `evaluation/` below a checkpoint's folder: CSV files of the test split, and a plot beside each."""
    _write_data(folder / "evaluation", dataset, probabilities, figures)
    _write_plots(folder)


def file_digest(path: Path) -> str:
    """Hex sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def revision() -> str | None:
    """The git revision of this code, with "-dirty" where files differ from it."""
    here = Path(__file__).parent
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _write_rows(path: Path, rows: list[dict]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_data(folder: Path, dataset: Dataset, probabilities: np.ndarray, figures: Figures) -> None:
    folder.mkdir(exist_ok=True)
    labels, items = dataset.labels("test"), dataset.items["test"]
    np.savez_compressed(
        folder / "predictions.npz",
        identities=np.array([item.identity for item in items]),
        digests=np.array([item.digest for item in items]),
        labels=labels,
        probabilities=probabilities.astype(np.float32),
    )
    matrix = metrics.confusion_matrix(labels, probabilities.argmax(1), labels=range(len(dataset.classes)))
    columns = [
        {"true": name, **dict(zip(dataset.classes, row, strict=True))}
        for name, row in zip(dataset.classes, matrix, strict=True)
    ]
    _write_rows(folder / "confusion.csv", columns)
    _write_rows(folder / "reliability.csv", figures.to_json()["reliability"])
    _write_rows(folder / "roc.csv", roc(labels, probabilities, dataset.classes))


def roc(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> list[dict]:
    """Points of the ROC curve: of two classes the second one's; of more their micro mean (all pairs of picture and
    class in one curve) and their macro mean (of the classes' curves), both at 201 false positive rates."""
    if len(classes) == 2:
        curve = metrics.roc_curve(labels == 1, probabilities[:, 1])
        keys = ("false_positive", "true_positive", "threshold")
        return [{"class": classes[1], **dict(zip(keys, point, strict=True))} for point in zip(*curve, strict=True)]
    onehot, grid = np.eye(len(classes), dtype=bool)[labels], np.linspace(0, 1, 201)

    def curve_on_grid(right: np.ndarray, scores: np.ndarray) -> np.ndarray:
        false, true, _ = metrics.roc_curve(right, scores)
        return np.interp(grid, false, true)

    present = np.flatnonzero(onehot.any(0))
    means = {
        "micro": curve_on_grid(onehot.ravel(), probabilities.ravel()),
        "macro": np.mean([curve_on_grid(onehot[:, label], probabilities[:, label]) for label in present], 0),
    }
    return [
        {"class": name, "false_positive": round(float(false), 3), "true_positive": round(float(true), 6)}
        for name, curve in means.items()
        for false, true in zip(grid, curve, strict=True)
    ]


def _read_rows(path: Path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _write_plots(folder: Path) -> None:
    """PNG beside each CSV, made from it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    evaluation = folder / "evaluation"

    def new(title: str, x: str, y: str) -> tuple:
        figure, axes = pyplot.subplots(figsize=(4.8, 4), layout="constrained")
        axes.set(title=title, xlabel=x, ylabel=y)
        return figure, axes

    def save(figure: object, name: str) -> None:
        figure.savefig(evaluation / name, dpi=110, metadata={"Software": None})
        pyplot.close(figure)

    rows = _read_rows(evaluation / "confusion.csv")
    names = list(rows[0])[1:]
    matrix = np.array([[int(row[name]) for name in names] for row in rows])
    figure, axes = new("Confusion matrix, test", "predicted", "true")
    axes.imshow(matrix, cmap="Blues")
    if len(names) <= 20:
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        for (row, column), count in np.ndenumerate(matrix):
            axes.text(
                column, row, f"{count:,}", ha="center", va="center", color="w" if count > matrix.max() / 2 else "k"
            )
    save(figure, "confusion.png")

    rows = _read_rows(evaluation / "roc.csv")
    figure, axes = new("ROC, test", "false positive rate", "true positive rate")
    for name in dict.fromkeys(row["class"] for row in rows):
        mine = [(float(r["false_positive"]), float(r["true_positive"])) for r in rows if r["class"] == name]
        axes.plot(*zip(*mine, strict=True), label=name)
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    axes.legend()
    save(figure, "roc.png")

    rows = _read_rows(evaluation / "reliability.csv")
    figure, axes = new("Reliability, test", "confidence", "accuracy")
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    axes.plot([float(r["confidence"]) for r in rows], [float(r["accuracy"]) for r in rows], "o-")
    save(figure, "reliability.png")

    if not (folder / "history.csv").exists():  # an ensemble
        return
    rows = _read_rows(folder / "history.csv")
    figure, both = pyplot.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    epochs = [float(row["epoch"]) for row in rows]
    for axes, name in zip(both, ("accuracy", "log_loss"), strict=True):
        for column, label in ((name, "train (augmented)"), (f"val_{name}", "validation")):
            points = [(epoch, float(row[column])) for epoch, row in zip(epochs, rows, strict=True) if row[column]]
            axes.plot(*zip(*points, strict=True), "o-", markersize=3, label=label)
        axes.set(title=name.replace("_", " "), xlabel="epoch")
        axes.legend()
    save(figure, "curves.png")


# -- the shipped file again ------------------------------------------------------------------------------------------

TOLERANCE = 0.0005  # of accuracy: processors differ in the last bits


class Checked(NamedTuple):
    """Figures of a split, measured again and on the card, and whether they agree: accuracy within 0.05 points."""

    split: str
    now: Figures
    card: Figures
    agrees: bool


def check(
    checkpoint: Checkpoint | Ensemble, dataset: Dataset, splits: Sequence[str], cache: Path, flips: bool = False
) -> list[Checked]:
    """Measure a shipped checkpoint again and hold it against its card.

    Args:
        checkpoint: as it was loaded.
        dataset: its data.
        splits: which parts of it.
        cache: where decoded pictures are kept.
        flips: show each picture mirrored, too, and take the mean of both answers, which the card's figures are not.

    Returns:
        A row a split.

    Raises:
        TrainingError: where the card says nothing of a split.
    """
    rows = []
    for split in splits:
        then = checkpoint.card.splits.get(split)
        if then is None or then.n is None or then.accuracy is None:
            raise TrainingError(f"The card of {checkpoint.model_id} gives no accuracy on the {split} split.")
        part = sample(dataset, split, then.n) if split == "train" else dataset
        now = split_figures(part, split, answers(checkpoint, part, split, cache, flips))
        agrees = now.n == then.n and abs(now.accuracy - then.accuracy) <= TOLERANCE
        rows.append(Checked(split, now, then, agrees))
    return rows


def answers(
    checkpoint: Checkpoint | Ensemble, dataset: Dataset, split: str, cache: Path, flips: bool = False
) -> np.ndarray:
    """Probabilities of every picture of a split, float64 n x classes; with `flips` the mean over it and its mirror."""
    items, parts = dataset.items[split], []
    for first in progress(range(0, len(items), BATCH), f"{checkpoint.model_id}, {split}"):

        def batch(size: tuple[int, int], first: int = first) -> np.ndarray:
            return pixels(items, size[0], cache)[first : first + BATCH]

        probabilities = checkpoint.predict(batch).astype(np.float64)
        if flips:
            mirrored = checkpoint.predict(lambda size, batch=batch: batch(size)[:, :, ::-1])
            probabilities = (probabilities + mirrored) / 2
        parts.append(probabilities)
    return np.concatenate(parts)
