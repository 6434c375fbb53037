"""Compound scaling: one small network and four of four times its cost, by trainings (arXiv 1905.11946, last figure).

`evidence/scaling.json`:

    heads       {name, n, digest} of the pictures whose heads and animals are marked
    grid        side of the grid on which all maps are compared
    trainings   [{id, kind: one of KINDS, seed, model: digest of the file, parameters, multiply_adds, size: pixels,
                test, validation: as on a card, epochs, seconds, hardware, marks: {name of MARKS: figure}}, ...]
    areas       {animal, head: figure}: share of the picture
    verdicts    what `judge` returns for each of CLAIMS

A mark is a mean over the marked pictures, of Grad-CAM of the model's own answer at its last layer. Its heat is brought
to one grid of GRID x GRID cells first, the coarsest of the five: on its own grid a finer map would follow a region's
edge more closely because it is finer, whatever the model looks at.

**The test**, fixed before any training was measured. Trainings are the units: those of one kind against those of
others, exact over all labellings, one-sided (`statistics.one_sided`). A claim *holds* where at most 5 % of the
labellings give a difference as great, *fails* where at most 5 % give one as small, and is *open* else. With fewer than
three trainings of any kind it is *too_few*. Compound (3) against the other three (9) has 220 labellings. Single pairs
of kinds get an interval and no verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.cards import Card, natural_order
from explain.measures import share_inside
from explain.pictures import resize
from study import StudyError, statistics
from study.claims import FAILS, HOLDS, OPEN, TOO_FEW
from study.ladder import epochs, figures
from study.measure import RULE, numbers

if TYPE_CHECKING:
    from explain.checkpoints import Checkpoint
    from training.data.pets import Pets

PREFIX = "scaling-"  # of the recipes' ids
KINDS = ("baseline", "deeper", "wider", "sharper", "compound")
GRID = 4
FEWEST = 3  # trainings of each kind
MARKS = ("animal", "head", "covered")
"""animal, head: share of the heat inside the animal's outline, the head's box, less the region's share of the area.
covered: share of the animal that lies in cells with more heat than the picture's mean."""


PUBLISHED = {  # the paper's table 2: multiply-adds, weights, top-1 accuracy on ImageNet's validation pictures
    "B0": (0.39e9, 5.3e6, 0.771),
    "B1": (0.70e9, 7.8e6, 0.791),
    "B2": (1.0e9, 9.2e6, 0.801),
    "B3": (1.8e9, 12e6, 0.816),
    "B4": (4.2e9, 19e6, 0.829),
    "B5": (9.9e9, 30e6, 0.836),
    "B6": (19e9, 43e6, 0.840),
    "B7": (37e9, 66e6, 0.843),
}


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper and what would show it: more of a figure in one kind than in others.

    Attributes:
        id: of the claim; its sentence and what is tested stand in `study/texts`.
        kind: one of KINDS.
        others: those it is held against.
        figure: one of MARKS, or "accuracy" of the test split.
    """

    id: str
    kind: str
    others: tuple[str, ...]
    figure: str


SINGLE = ("deeper", "wider", "sharper")
CLAIMS = (
    Claim("scaling-regions", "compound", SINGLE, "animal"),
    Claim("scaling-detail", "compound", SINGLE, "covered"),
    Claim("scaling-accuracy", "compound", SINGLE, "accuracy"),
    Claim("scaling-resolution", "sharper", ("deeper", "wider"), "accuracy"),
)


def known() -> list[str]:
    """Ids of the recipes, all seeds."""
    from training.recipe import all_recipes

    return [recipe_id for recipe_id in all_recipes() if recipe_id.startswith(PREFIX)]


def kind_of(model_id: str) -> str:
    """Which of KINDS a training is.

    Raises:
        StudyError: for another training.
    """
    kind = model_id.removeprefix(PREFIX).partition("-seed")[0]
    if not model_id.startswith(PREFIX) or kind not in KINDS:
        raise StudyError(f"{model_id} is no training of the scaling experiment.")
    return kind


def marks(checkpoint: "Checkpoint", pets: "Pets", batch: int = 8) -> dict[str, dict | None]:
    """A training's figures on the marked pictures.

    Args:
        checkpoint: a model of cats and dogs.
        pets: the pictures.
        batch: how many at once.

    Returns:
        {name of MARKS: figure}; None where no map has heat.
    """
    from training.data.dataset import progress

    rows = []
    for first in progress(range(0, len(pets), batch), f"{checkpoint.model_id}, heads and animals"):
        some = [pets[place] for place in range(first, min(first + batch, len(pets)))]
        explanation = checkpoint.explain([pet.pixels for pet in some], "predicted", RULE, layers="last")
        maps = explanation.maps[RULE][explanation.layers[-1].address]
        rows += [mark(heatmap, pet.animal, pet.head) for heatmap, pet in zip(maps, some, strict=True)]
    return {name: statistics.bootstrap(numbers(row and row[name] for row in rows)) for name in MARKS}


def mark(heatmap: np.ndarray, animal: np.ndarray, head: np.ndarray) -> dict[str, float] | None:
    """The MARKS of one map.

    Args:
        heatmap: float h x w, GRID or more to a side.
        animal: bool H x W.
        head: bool H x W.

    Returns:
        None without heat.
    """
    heat = resize(np.maximum(heatmap, 0).astype(np.float32), (GRID, GRID))
    if not heat.sum() > 0:
        return None
    inside = resize(animal.astype(np.float32), (GRID, GRID))
    return {
        "animal": share_inside(heat, animal) - animal.mean(),
        "head": share_inside(heat, head) - head.mean(),
        "covered": float(inside[heat > heat.mean()].sum() / inside.sum()),
    }


def training(folder: Path, card: Card, marked: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a training.

    Args:
        folder: of its checkpoint.
        card: its card.
        marked: what `marks` gave.

    Raises:
        StudyError: for a trial of the machinery, a card of another experiment or without a test accuracy.
    """
    kind = kind_of(card.model_id)
    if card.smoke or card.test.accuracy is None:
        raise StudyError(f"{card.model_id} is a trial of the machinery, or its card gives no test accuracy.")
    return {
        "id": card.model_id,
        "kind": kind,
        "seed": (card.recipe or {}).get("seed"),
        "model": card.digests.model,
        "parameters": card.parameters,
        "multiply_adds": card.multiply_adds,
        "size": card.input_size[0],
        "test": figures(card.test),
        "validation": figures(card.splits["validation"]) if "validation" in card.splits else None,
        "epochs": epochs(folder, card),
        "seconds": card.seconds,
        "hardware": card.hardware,
        "marks": dict(marked),
    }


def measured(checkpoints: Sequence["Checkpoint"], pets: "Pets", before: Mapping[str, Any] | None) -> dict[str, Any]:
    """scaling.json's content: of these trainings, and of those that were measured before and are not here.

    Args:
        checkpoints: trainings of the experiment.
        pets: the marked pictures.
        before: an earlier content; a training whose file and pictures are the same is not measured again.

    Raises:
        StudyError: where none is left, and as `training` does.
    """
    heads = {"name": pets.folder.name, "n": len(pets), "digest": pets.digest}
    rows = (before or {}).get("trainings", []) if (before or {}).get("heads") == heads else []
    kept = {row["id"]: row for row in rows}
    for checkpoint in checkpoints:
        known_row = kept.get(checkpoint.model_id)
        if known_row is None or known_row["model"] != checkpoint.card.digests.model:
            kind_of(checkpoint.model_id)
            kept[checkpoint.model_id] = training(checkpoint.folder, checkpoint.card, marks(checkpoint, pets))
    if not kept:
        raise StudyError("There is no finished training of the scaling experiment: python -m training run scaling-…")
    trainings = sorted(kept.values(), key=lambda row: (KINDS.index(row["kind"]), natural_order(row["id"])))
    some = [pets[place] for place in range(len(pets))]
    areas = {name: statistics.bootstrap(np.array([getattr(pet, name).mean() for pet in some])) for name in MARKS[:2]}
    verdicts = [judge(claim, trainings) for claim in CLAIMS]
    return {"heads": heads, "grid": GRID, "areas": areas, "trainings": trainings, "verdicts": verdicts}


def value(kept: Mapping[str, Any], name: str) -> float | None:
    """A training's figure: "accuracy" of the test split, or one of MARKS."""
    if name == "accuracy":
        return kept["test"]["accuracy"]
    figure = kept["marks"].get(name)
    return figure and figure["mean"]


def judge(claim: Claim, trainings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A claim with its figure and verdict.

    Args:
        claim: one of CLAIMS.
        trainings: as `training` gives them.

    Returns:
        {id, kind, others, of: the claim's figure, figure: {mean, low, high, n} of the difference, or null, p: share of
        labellings that reach it, or null, verdict, counts: {kind: trainings}, pairs: [{other, figure or null}]}.
    """
    values = {kind: _values(trainings, kind, claim.figure) for kind in (claim.kind, *claim.others)}
    counts = {kind: len(numbers) for kind, numbers in values.items()}
    told: dict[str, Any] = {"id": claim.id, "kind": claim.kind, "others": list(claim.others), "of": claim.figure}
    if min(counts.values()) < FEWEST:
        pairs = [{"other": other, "figure": None} for other in claim.others]
        return told | {"figure": None, "p": None, "verdict": TOO_FEW, "counts": counts, "pairs": pairs}
    left, right = values[claim.kind], np.concatenate([values[other] for other in claim.others])
    figure, above, below = statistics.one_sided(left, right)
    verdict = HOLDS if above <= ALPHA else FAILS if below <= ALPHA else OPEN
    pairs = [{"other": other, "figure": statistics.one_sided(left, values[other])[0]} for other in claim.others]
    return told | {"figure": figure, "p": round(above, 6), "verdict": verdict, "counts": counts, "pairs": pairs}


ALPHA = 1 - statistics.LEVEL


def _values(trainings: Sequence[Mapping[str, Any]], kind: str, name: str) -> np.ndarray:
    known = [value(kept, name) for kept in trainings if kept["kind"] == kind]
    return np.array([number for number in known if number is not None], float)
