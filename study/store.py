"""The files of `evidence/`: where they lie and what they hold. Nobody else knows.

    models/ID/measures.json     one training's measures (form: see `study.measure`)
    models/ID/pictures.npz      the same, picture by picture, and what the model says of each
    pairs/LEFT--RIGHT/comparison.json   two checkpoints side by side (form: see `study.compare`)
    pairs/LEFT--RIGHT/pictures.npz      identities, digests and agreement of the single pictures
    pairs/LEFT--RIGHT/recipes.json      whether the two recipes differ, by trainings (form: see `study.recipes`)
    pairs/LEFT--RIGHT/PLOT.svg, .csv    drawn by `study.plots`
    claims.json                 the judged claims (form: see `study.claims`)
    claims/ID.svg, .csv
    ladder.json                 figures of the ladder's trainings (form: see `study.ladder`)
    scaling.json                figures and verdicts of compound scaling (form: see `study.scaling`)

A training need not be shipped: its figures stay when its weights do not. Reading gives None for what is not there; what
is broken is reported in the log and passed over.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explain.cards import natural_order
from study.files import read_arrays, read_json, read_text, version_of

NOT_THE_RECIPE = ("seed", "id", "title", "description", "search")  # what two seeds of one recipe may differ in

COLOURS = {"left": "#d0453e", "right": "#3d6fd9", "luck": "#8a8f98"}
"""In plots: left model, right model, two seeds of one recipe. The page puts its own in their place."""
SCALING_COST = "scaling-cost"  # of claims/: the scaling experiment's accuracy against cost
PET_CLASSES = ("cat", "dog")  # in the order of the marked pictures' labels
PICTURES = ("identities", "digests", "rank_last")  # of pairs/LEFT--RIGHT/pictures.npz
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


def same_recipe(first: object, second: object) -> bool:
    """Whether two recipes, as cards hold them, are one but for the seed (and id, title, description, search).

    A setting that a card does not know is newer than the card, and had its default then.
    """
    if not all(isinstance(recipe, Mapping) and recipe.keys() - set(NOT_THE_RECIPE) for recipe in (first, second)):
        return False
    from training.recipe import defaults  # plain dataclasses: the page, too, can afford it

    left, right = (
        {key: value for key, value in _filled(recipe, defaults()).items() if key not in NOT_THE_RECIPE}
        for recipe in (first, second)
    )
    return left == right


def _filled(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Settings, and the defaults of those that are missing, at any depth."""
    filled = {**defaults, **settings}
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(filled[key], Mapping):
            filled[key] = _filled(filled[key], value)
    return filled


def of_pets(classes: Sequence[str]) -> bool:
    """Whether these are the classes of the marked pictures: heads and animals say nothing about others."""
    return tuple(name.lower() for name in classes) == PET_CLASSES


class Store:
    """A folder of evidence."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    # --- models -------------------------------------------------------------------------------------------------------

    def models(self) -> list[str]:
        """Ids of all trainings that were measured, seed 2 before seed 10."""
        names = (path.parent.name for path in self.folder.glob("models/*/measures.json"))
        return sorted(filter(_ID.fullmatch, names), key=natural_order)

    def measures(self, model_id: str) -> dict[str, Any] | None:
        """One training's measures."""
        return _object(read_json(self.folder / "models" / model_id / "measures.json"))

    def model_pictures(self, model_id: str) -> dict[str, np.ndarray] | None:
        """Its arrays, picture by picture."""
        return read_arrays(self.folder / "models" / model_id / "pictures.npz")

    def write_model(self, measures: dict[str, Any], pictures: dict[str, np.ndarray]) -> Path:
        """Put one training's measures in place of what there was; returns its folder."""
        folder = self.folder / "models" / measures["id"]
        _write_arrays(folder / "pictures.npz", pictures)
        _write_json(folder / "measures.json", measures)
        return folder

    def trainings(self, model_id: str) -> list[str]:
        """All trainings of a training's recipe that were measured, itself first; none if itself was not."""
        measures = self.measures(model_id)
        if measures is None:
            return []
        recipes = {other: (self.measures(other) or {}).get("recipe") for other in self.models()}
        return [model_id] + [
            other
            for other, recipe in recipes.items()
            if other != model_id and same_recipe(measures.get("recipe"), recipe)
        ]

    # --- pairs --------------------------------------------------------------------------------------------------------

    def pairs(self) -> list[tuple[str, str]]:
        """Ids of all pairs that were compared."""
        names = (path.parent.name for path in self.folder.glob("pairs/*--*/comparison.json"))
        names = filter(_ID.fullmatch, names)
        return sorted((tuple(name.split("--", 1)) for name in names), key=lambda pair: [*map(natural_order, pair)])

    def pair(self, left: str, right: str) -> Path:
        """A pair's folder."""
        return self.folder / "pairs" / f"{left}--{right}"

    def comparison(self, left: str, right: str) -> dict[str, Any] | None:
        """What the comparison of two checkpoints gave."""
        return _object(read_json(self.pair(left, right) / "comparison.json"))

    def pair_pictures(self, left: str, right: str) -> Path:
        """The file that holds the agreement of the single pictures: `PICTURES`."""
        return self.pair(left, right) / "pictures.npz"

    def recipes(self, left: str, right: str) -> dict[str, Any] | None:
        """Whether the recipes of two checkpoints differ, judged by all of their trainings."""
        return _object(read_json(self.pair(left, right) / "recipes.json"))

    def write_pair(self, comparison: dict[str, Any], pictures: dict[str, np.ndarray]) -> Path:
        """Put a comparison in place of what there was; returns its folder."""
        folder = self.pair(comparison["left"]["id"], comparison["right"]["id"])
        _write_arrays(folder / "pictures.npz", pictures)
        _write_json(folder / "comparison.json", comparison)
        return folder

    def write_recipes(self, left: str, right: str, tested: dict[str, Any] | None) -> None:
        """Put the test of two recipes in place of what there was; None: of one recipe, there is none."""
        path = self.pair(left, right) / "recipes.json"
        path.unlink(missing_ok=True) if tested is None else _write_json(path, tested)

    # --- claims -------------------------------------------------------------------------------------------------------

    def claims(self) -> list[Any]:
        """The judged claims, as they stand in the file."""
        content = read_json(self.folder / "claims.json")
        return content if isinstance(content, list) else []

    def write_claims(self, judged: list[dict[str, Any]]) -> None:
        """Put judged claims in place of those there were."""
        _write_json(self.folder / "claims.json", judged)

    # --- the ladder ---------------------------------------------------------------------------------------------------

    def ladder(self) -> list[Any]:
        """The ladder's steps, as they stand in the file."""
        content = read_json(self.folder / "ladder.json")
        return content if isinstance(content, list) else []

    def write_ladder(self, steps: list[dict[str, Any]]) -> Path:
        """Put the ladder's steps in place of those there were; returns the file."""
        path = self.folder / "ladder.json"
        _write_json(path, steps)
        return path

    # --- scaling ------------------------------------------------------------------------------------------------------

    def scaling(self) -> dict[str, Any] | None:
        """Figures and verdicts of compound scaling, as they stand in the file."""
        return _object(read_json(self.folder / "scaling.json"))

    def write_scaling(self, content: dict[str, Any]) -> Path:
        """Put them in place of those there were; returns the file."""
        path = self.folder / "scaling.json"
        _write_json(path, content)
        return path

    # --- plots --------------------------------------------------------------------------------------------------------

    def claim_plot(self, claim_id: str) -> Path:
        """A claim's plot, without suffix."""
        return self.folder / "claims" / claim_id

    def pair_plot(self, left: str, right: str, name: str) -> Path:
        """A plot of a pair, without suffix."""
        return self.pair(left, right) / name

    def svg(self, plot: Path) -> str | None:
        """A plot's drawing."""
        return read_text(plot.with_suffix(".svg"))

    def csv(self, plot: Path) -> str | None:
        """A plot's numbers."""
        return read_text(plot.with_suffix(".csv"))

    def write_plot(self, plot: Path, svg: str, csv: str) -> None:
        """Put a drawing and its numbers in place of what there was."""
        _write_text(plot.with_suffix(".svg"), svg)
        _write_text(plot.with_suffix(".csv"), csv)

    def remove_plot(self, plot: Path) -> None:
        """What was drawn once and can be no longer."""
        for suffix in (".svg", ".csv"):
            plot.with_suffix(suffix).unlink(missing_ok=True)


def outdated(comparison: Mapping[str, Any] | None, digests: Mapping[str, str]) -> list[str]:
    """Those of a comparison's two checkpoints that were trained anew since, by the digests of their files.

    Args:
        comparison: a pair's comparison.
        digests: of the checkpoints there are, by id. A training without weights here cannot be outdated.
    """
    sides = [(comparison or {}).get(side) for side in ("left", "right")]
    sides = [side for side in sides if isinstance(side, Mapping)]
    sides = [side for side in sides if isinstance(side.get("id"), str)]
    return [side["id"] for side in sides if "model" in side and digests.get(side["id"], side["model"]) != side["model"]]


def _object(content: Any) -> dict[str, Any] | None:
    return content if isinstance(content, dict) else None


def _write_json(path: Path, content: object) -> None:
    _write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    _atomically(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    def save(draft: Path) -> None:
        with open(draft, "wb") as file:
            np.savez_compressed(file, **arrays)

    _atomically(path, save)


def _atomically(path: Path, write: Callable[[Path], object]) -> None:
    from training.data.dataset import atomically  # the page, which only reads, does without

    atomically(path, write)


__all__ = ["PICTURES", "Store", "outdated", "same_recipe", "version_of"]
