"""One training over many pictures: measures of its feature maps and of its Grad-CAMs, by its own layers.

`measure` gives `evidence/models/ID/measures.json`:

    id, title, model: digest of the file, data: digest of the data set, recipe: as on the card
    history         [{epoch, size, accuracy: of validation}, ...], the whole epochs
    dataset, split, n, pictures: digest of these n pictures
    heads           {name, n, digest} of the pictures whose heads and animals are marked, or null: without them, and
                    where the classes are not cat and dog
    layers          [{address, depth}, ...], the model's own
    measures        {name: {layers: [figure, ...], PLACE: figure, ...}, ...}; see MEASURES and PLACES
    areas           {head, animal: figure}: share of the picture, or null
    bootstrap       {resamples, level}

and `pictures.npz` beside it: identities, digests, labels, predicted (n), every measure (n x layers, NaN: undefined);
of marked pictures marked_labels, marked_predicted, head_area, animal_area (m) and the measures of MARKED (m x layers).

Maps are of the class that the model itself predicts: what it looks at for its own answer must not depend on what stands
beside it. The raw maps of each picture's *true* class, one for all models, by all rules, and the features averaged over
space are kept in the cache: so a pair (see `study.compare`) costs no pass through a model.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explain.agreement import heat
from explain.checkpoints import Checkpoint
from explain.ensembles import Ensemble
from explain.explanation import Explanation, Layer
from explain.measures import feature_figures, focus_entropy, share_inside
from explain.rules import RULES, paired_rules
from study import StudyError, statistics
from study.files import read_rows
from study.store import of_pets
from training.data.dataset import Dataset, Item, atomically, pixels, progress
from training.data.pets import Pet, Pets

BATCH = 8
RULE = "gradcam"  # of all measures of maps
ALL_CHANNELS = 1 << 20
DIGITS = 4  # of what is kept of a single picture
DEEP = 0.5  # depth from which on a layer counts as deep

FEATURES = ("dead", "contrast", "entropy", "roughness")
MAPS = ("focus_entropy", "focus_area")
MARKED = ("head_share", "animal_share", "head_lift", "animal_lift", "astray")
MEASURES = FEATURES + MAPS + MARKED
"""What is measured of one picture, one model and one layer.

dead, contrast, entropy, roughness: see `Features.dead` and `explain.measures.feature_figures`.
focus_entropy: `explain.measures.focus_entropy` of Grad-CAM. focus_area: share of the map above half of its peak.
head_share, animal_share: of Grad-CAM's positive heat inside the head's box, the animal's outline.
head_lift, animal_lift: the same less the region's share of the area.
astray: 1 where the animal has less of the heat than its share of the area, else 0.
"""
SHARES = ("astray",)  # 0 or 1 of each picture
LIFTS = {"head_lift": "head_share", "animal_lift": "animal_share"}  # between two models the differences are the same
PLACES = ("last", "all", "deep")  # the last layer; each picture's mean over all layers; over those of depth 0.5 or more


class Maps(NamedTuple):
    """What the cache keeps of one model: layers, and arrays mapped from files."""

    layers: tuple[Layer, ...]
    folder: Path

    def heatmaps(self, rule: str, layer: int) -> np.ndarray:
        """Raw maps of the true class, float32 n x h x w."""
        return np.load(self.folder / f"{rule.replace('+', 'p')}-{layer:02}.npy", mmap_mode="r")

    def means(self, layer: int) -> np.ndarray:
        """Channels averaged over space, float32 n x channels."""
        return np.load(self.folder / f"means-{layer:02}.npy", mmap_mode="r")


def chosen(dataset: Dataset, split: str, count: int) -> list[Item]:
    """`count` pictures, spread evenly over a split so that all classes have their share."""
    items = dataset.items[split]
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def pictures_digest(items: Sequence[Item]) -> str:
    """Hex sha256 over identities and file contents, in order."""
    return hashlib.sha256("".join(f"{item.identity} {item.digest}\n" for item in items).encode()).hexdigest()


def kept(model_digest: str, pictures: str, cache: Path) -> Maps | None:
    """The maps in the cache of a model over pictures (both by digest); None where there are none."""
    folder = _folder(model_digest, pictures, cache)
    try:
        listed = json.loads((folder / "layers.json").read_text())
    except OSError:
        return None
    if listed["rules"] != _defined():
        return None
    return Maps(
        tuple(Layer(layer["address"], layer["depth"], tuple(layer["shape"])) for layer in listed["layers"]), folder
    )


def _defined() -> dict[str, str]:
    """The rules whose maps are kept, each with its equation: maps of a rule that was another are none."""
    return {name: RULES[name].equation for name in paired_rules()}


def _folder(model_digest: str, pictures: str, cache: Path) -> Path:
    return cache / "maps" / f"{model_digest[:16]}-{pictures[:16]}"


def single(checkpoint: Checkpoint | Ensemble) -> Checkpoint:
    """The same, which is one model.

    Raises:
        StudyError: for an ensemble.
    """
    if isinstance(checkpoint, Ensemble):
        raise StudyError(f"{checkpoint.model_id} is an ensemble; its members are measured one by one.")
    return checkpoint


def measure(
    checkpoint: Checkpoint,
    dataset: Dataset,
    split: str,
    count: int,
    cache: Path,
    pets: Pets | None = None,
    maps: Path | None = None,
) -> tuple[dict, dict[str, np.ndarray]]:
    """Measure one training over `count` pictures; its maps and features stay in the cache.

    Args:
        checkpoint: of the data set's classes.
        dataset: where the pictures are from.
        split: which part of it.
        count: how many.
        cache: where decoded pictures are kept.
        pets: pictures whose heads and animals are marked; they are for models of cats and dogs alone.
        maps: where raw maps are kept; by default in `cache`, too.

    Returns:
        measures.json's content and the arrays of pictures.npz (see the top of this module).

    Raises:
        StudyError: when the model tells other classes apart than the data set has, and for an ensemble.
    """
    single(checkpoint)
    if tuple(checkpoint.classes) != tuple(dataset.classes):
        raise StudyError(f"{checkpoint.model_id} tells other classes apart than {dataset.name} has.")
    pets = pets if of_pets(checkpoint.classes) else None
    items = chosen(dataset, split, count)
    arrays = pixels(items, checkpoint.input_size[0], cache)
    labels = np.array([item.label for item in items], np.int32)
    card, digest = checkpoint.card, pictures_digest(items)
    writer = _Writer(_folder(card.digests.model, digest, maps or cache), len(items))
    parts, predicted = [], []
    for first in progress(range(0, len(items), BATCH), checkpoint.model_id):
        batch, truth = np.asarray(arrays[first : first + BATCH]), labels[first : first + BATCH]
        explanation = checkpoint.explain(batch, list(truth), paired_rules(), features=ALL_CHANNELS)
        answers = explanation.probabilities.argmax(1)
        of_answers = explanation if (answers == truth).all() else checkpoint.explain(batch, "predicted", RULE)
        writer.add(first, explanation)
        parts.append(_of_pictures(explanation, of_answers))
        predicted.append(answers)
    layers = explanation.layers
    writer.done(layers)
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    areas = None
    pictures = {
        "identities": np.array([item.identity for item in items]),
        "digests": np.array([item.digest for item in items]),
        "labels": labels,
        "predicted": np.concatenate(predicted).astype(np.int32),
    }
    if pets is not None:
        arrays_of_pets = _of_pets(checkpoint, pets)
        values |= {name: arrays_of_pets.pop(name) for name in MARKED}
        pictures |= arrays_of_pets
        areas = {name: statistics.bootstrap(pictures[f"{name}_area"].astype(float)) for name in ("head", "animal")}
    values = {name: np.round(value, DIGITS).astype(np.float32) for name, value in values.items()}
    depths = np.array([layer.depth for layer in layers])
    measures = {
        "id": checkpoint.model_id,
        "title": card.title,
        "model": card.digests.model,
        "data": dataset.digest,
        "recipe": card.recipe,
        "history": history(checkpoint.folder / "history.csv"),
        "dataset": dataset.name,
        "split": split,
        "n": len(items),
        "pictures": digest,
        "heads": None if pets is None else {"name": pets.folder.name, "n": len(pets), "digest": pets.digest},
        "bootstrap": {"resamples": statistics.RESAMPLES, "level": statistics.LEVEL},
        "layers": [{"address": layer.address, "depth": round(layer.depth, 4)} for layer in layers],
        "measures": {name: _figures(name, value.astype(float), depths) for name, value in values.items()},
        "areas": areas,
    }
    return measures, pictures | values


def history(path: Path) -> list[dict]:
    """Validation accuracy after each whole epoch, from a training's history.csv; [] without one.

    What was validated within an epoch is left out, so that trainings that did so are held against those that did not.
    """
    return [
        {"epoch": int(float(row["epoch"])), "size": int(row["size"]), "accuracy": float(row["val_accuracy"])}
        for row in read_rows(path) or []
        if float(row["epoch"]).is_integer()
    ]


def at(values: np.ndarray, place: str, depths: np.ndarray) -> np.ndarray:
    """A measure of n pictures at one of `PLACES`, float n.

    Args:
        values: n x layers.
        place: which.
        depths: of the layers.
    """
    if place == "last":
        return values[:, -1]
    return mean(values[:, depths >= DEEP] if place == "deep" else values)


def mean(values: np.ndarray) -> np.ndarray:
    """Of each row, over what is defined."""
    number = np.isfinite(values).sum(1)
    return np.nansum(values, 1) / np.where(number, number, np.nan)


def _figures(name: str, values: np.ndarray, depths: np.ndarray) -> dict:
    drawn = statistics.draws(len(values))

    def figure(column: np.ndarray, single: bool) -> dict | None:
        return statistics.share(column) if single and name in SHARES else statistics.bootstrap(column, drawn)

    return {
        "layers": [figure(column, True) for column in values.T],
        **{place: figure(at(values, place, depths), place == "last") for place in PLACES},
    }


# -- one model, some pictures ------------------------------------------------------------------------------------------


def _of_pictures(explanation: Explanation, of_answers: Explanation) -> dict[str, np.ndarray]:
    """Measures of feature maps, and of the maps of `of_answers`: float n x layers each, NaN where undefined."""
    columns: dict[str, list] = {name: [] for name in FEATURES + MAPS}
    for layer in explanation.layers:
        features, heatmaps = explanation.features[layer.address], of_answers.maps[RULE][layer.address]
        heats = [heat(heatmap) for heatmap in heatmaps]
        figures = {
            **feature_figures(features),
            "dead": features.dead,
            "focus_entropy": numbers(focus_entropy(heatmap) for heatmap in heatmaps),
            "focus_area": numbers(spot and spot.spread for spot in heats),
        }
        for name in columns:
            columns[name].append(figures[name])
    return {name: np.stack(column, axis=1).astype(float) for name, column in columns.items()}


def numbers(values: Iterator[float | None]) -> np.ndarray:
    """Floats, NaN for None."""
    return np.array([np.nan if value is None else value for value in values], float)


def _of_pets(checkpoint: Checkpoint, pets: Pets) -> dict[str, np.ndarray]:
    """What of each map lies in heads and animals, and how large those are; what the model says."""
    parts = []
    for first in progress(range(0, len(pets), BATCH), f"{checkpoint.model_id}, heads and animals"):
        batch = [pets[place] for place in range(first, min(first + BATCH, len(pets)))]
        explanation = checkpoint.explain([pet.pixels for pet in batch], "predicted", RULE)
        parts.append(
            inside(explanation, batch)
            | {
                "marked_labels": np.array([pet.label for pet in batch], np.int32),
                "marked_predicted": explanation.probabilities.argmax(1).astype(np.int32),
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def inside(explanation: Explanation, pets: Sequence[Pet]) -> dict[str, np.ndarray]:
    """The measures of `MARKED`, n x layers each, NaN where a map is zero; and head_area, animal_area (n)."""
    figures = {}
    for name in ("head", "animal"):
        regions = [getattr(pet, name) for pet in pets]
        area = np.array([region.mean() for region in regions])
        heatmaps = [explanation.maps[RULE][layer.address] for layer in explanation.layers]
        share = np.stack(
            [numbers(share_inside(h, r) for h, r in zip(layer, regions, strict=True)) for layer in heatmaps], axis=1
        )
        figures |= {f"{name}_share": share, f"{name}_lift": share - area[:, None], f"{name}_area": area}
    lift = figures["animal_lift"]
    figures["astray"] = np.where(np.isnan(lift), np.nan, lift < 0)
    return figures


class _Writer:
    """Fills a folder of the cache batch by batch; until it is `done` nobody takes it for whole."""

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n = folder, n
        self.files: dict[str, np.ndarray] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def add(self, first: int, explanation: Explanation) -> None:
        """The maps and features of a batch that begins with picture `first`."""
        for place, layer in enumerate(explanation.layers):
            self._put(f"means-{place:02}", first, explanation.features[layer.address].means)
            for rule, maps in explanation.maps.items():
                self._put(f"{rule.replace('+', 'p')}-{place:02}", first, maps[layer.address])

    def _put(self, name: str, first: int, values: np.ndarray) -> None:
        if name not in self.files:
            shape = self.n, *values.shape[1:]
            self.files[name] = np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", np.float32, shape)
        self.files[name][first : first + len(values)] = values

    def done(self, layers: Sequence[Layer]) -> None:
        """All batches are in."""
        for values in self.files.values():
            values.flush()
        listed = {"rules": _defined(), "layers": [layer.__dict__ for layer in layers]}
        atomically(self.folder / "layers.json", lambda draft: draft.write_text(json.dumps(listed)))
