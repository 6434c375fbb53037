"""Explanations of one picture side by side: the layers of n models paired by depth, and how far their maps agree."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.agreement import Agreement, Heat, agreement, common_grid, finite, heat
from explain.explanation import Explanation, Layer
from explain.pictures import Picture, fit, read, resize

if TYPE_CHECKING:
    from explain.checkpoints import Checkpoint
    from explain.ensembles import Ensemble

OCTAVE = 0.1  # of the depth: what a map of twice the side weighs when layers are paired
FEWEST, MOST = 2, 6  # explanations in one comparison
FEATURES = 16  # feature maps of a layer that models keep that are compared


@dataclass(frozen=True, eq=False)
class Stop:
    """One place of the scrubber: a layer of each model, and what their maps have in common.

    By a rule that attributes to the input, agreement and heats are the same at every stop.

    Attributes:
        layers: one of each model.
        depth: mean of the layers' depths, 0 to 1.
        grid: (height, width), the greatest height and width of the maps; on it the heats' spreads are taken.
        versus: agreement of each model with the reference model, None for the reference itself. It depends on these
            two alone, whatever stands beside them.
        heats: of each model's map; None where it is the same everywhere or nowhere positive.
    """

    layers: tuple[Layer, ...]
    depth: float
    grid: tuple[int, int]
    versus: tuple[Agreement | None, ...]
    heats: tuple[Heat | None, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Explanations of one picture by one rule, stop by stop from shallow to deep.

    Attributes:
        rule: its name.
        targets: the explained class of each model (-1: a function of the logits), among its own classes.
        classes: their names; None where there are none, and where the models tell different classes apart.
        reference: place of the model that the others are held against.
        stops: from all first layers to all last ones.
        explanations: what is compared.
        picture: its place in them.
    """

    rule: str
    targets: tuple[int, ...]
    classes: tuple[str, ...] | None
    reference: int
    stops: tuple[Stop, ...]
    explanations: tuple[Explanation, ...] = ()
    picture: int = 0

    @property
    def same_classes(self) -> bool:
        """Whether all models tell the same classes apart."""
        return _same_classes(self.explanations)

    @property
    def alike(self) -> tuple[bool, ...]:
        """Of each model, whether its map explains the class that the reference's explains.

        Of models that tell different classes apart, where both are called by one name that is no mere number.
        """
        if self.same_classes:
            return tuple(target == self.targets[self.reference] for target in self.targets)
        named = [
            explanation.classes[target] if explanation.classes and target >= 0 else ""
            for explanation, target in zip(self.explanations, self.targets, strict=True)
        ]
        name = named[self.reference]
        return tuple(
            place == self.reference or (named[place] == name and _is_name(name)) for place in range(len(named))
        )

    @property
    def same_target(self) -> bool:
        """Whether all maps explain one class."""
        return all(self.alike)

    def ranks(self, place: int) -> list[float | None]:
        """Rank correlations of a model's maps with the reference's, stop by stop.

        Args:
            place: of the model.

        Returns:
            -1 to 1; None where a map is the same everywhere, and for the reference itself.

        Raises:
            IndexError: for a model that does not exist.
        """
        agreements = [stop.versus[place] for stop in self.stops]
        return [None if agreement is None else agreement.rank for agreement in agreements]

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Ids of the models, their places where they come from no checkpoint or share an id."""
        origins = [explanation.origin for explanation in self.explanations]
        known = [origin.model_id for origin in origins if origin is not None]
        if len(set(known)) < len(self.targets):
            return tuple(map(str, range(len(self.targets))))
        return tuple(known)

    def overlay(self, stop: int = -1, opacity: float = 0.5, name: str = "viridis") -> np.ndarray:
        """The models' maps at one stop over the picture, side by side; of two that explain one class, the difference.

        Args:
            stop: its place, the last by default.
            opacity: of the maps, 0 to 1.
            name: of a table of Matplotlib's colours.

        Returns:
            uint8 RGB, height x width x 3: as high as the highest of the models' inputs. The difference, behind the
            maps, is red where the reference has more heat and blue where the other has.

        Raises:
            IndexError: for a stop that does not exist.
            ValueError: as `Explanation.overlay` does.

        Example:
            >>> from explain.explanation import Layer
            >>> explanation = Explanation(
            ...     pictures=np.zeros((1, 8, 8, 3), np.uint8),
            ...     probabilities=np.array([[0.5, 0.5]], np.float32),
            ...     scores=np.zeros(1, np.float32),
            ...     targets=np.array([1]),
            ...     classes=("cat", "dog"),
            ...     layers=(Layer("conv", 1.0, (1, 2, 4)),),
            ...     maps={"gradcam": {"conv": np.array([[[0, 3]]], np.float32)}},
            ... )
            >>> compare(explanation, explanation).overlay().shape
            (8, 28, 3)
        """
        from explain.overlay import tiles

        drawn = self._drawn(stop, opacity, name)
        return tiles(drawn, columns=len(drawn))

    def _drawn(self, stop: int, opacity: float = 0.5, name: str = "viridis") -> list[np.ndarray]:
        from explain.overlay import difference

        chosen = self.stops[stop]
        drawn = [
            explanation.overlay(layer.address, self.rule, self.picture, opacity, name)
            for explanation, layer in zip(self.explanations, chosen.layers, strict=True)
        ]
        signed = [agreement.difference for agreement in chosen.versus if agreement is not None]
        if len(self.targets) == 2 and signed[0] is not None:
            limit = float(np.quantile(np.abs(signed[0]), 0.98)) or float(np.abs(signed[0]).max())
            drawn.append(resize(difference(signed[0], limit), self.explanations[self.reference].pictures.shape[1:3]))
        return drawn

    def save(self, folder: str | Path, about: Mapping[str, Any] | None = None) -> list[Path]:
        """Write a PNG with a row for each stop, the numbers as CSV and .npz, and a manifest last.

        `comparison.png`: see `overlay`. `comparison.csv`: `tables.COMPARISON_COLUMNS`. `comparison.npz`: `depths`
        (stops,), `ranks` and `overlaps` (stops, models; NaN where undefined), and `difference/STOP` (h, w) of two
        models that explain one class. `manifest.json`: as that of `Explanation.save`, with `models`.

        Args:
            folder: where to; it is made if need be.
            about: what else the manifest shall say, able to be JSON.

        Returns:
            The files written, the manifest last.
        """
        from PIL import Image

        from explain.overlay import tiles
        from explain.saving import begun, write_manifest
        from explain.tables import COMPARISON_COLUMNS, comparison_rows, write_csv

        folder = begun(folder)
        rows = [self._drawn(stop) for stop in range(len(self.stops))]
        labels = [
            [*(layer.address for layer in stop.layers), "difference"][: len(row)]
            for stop, row in zip(self.stops, rows, strict=True)
        ]
        width = max(map(len, rows))
        blank = [np.full_like(rows[0][0], 255)]
        drawn = [tile for row in rows for tile in row + blank * (width - len(row))]
        told = [label for row in labels for label in row + [""] * (width - len(row))]
        files = [folder / "comparison.png", folder / "comparison.csv", folder / "comparison.npz"]
        Image.fromarray(tiles(drawn, width, labels=told)).save(files[0])
        write_csv(files[1], comparison_rows(self), COMPARISON_COLUMNS)
        raw: dict[str, Any] = {
            f"difference/{place}": agreement.difference
            for place, stop in enumerate(self.stops)
            for agreement in stop.versus
            if len(self.targets) == 2 and agreement is not None and agreement.difference is not None
        }
        for name in ("rank", "overlap"):
            figures = [[getattr(versus, name, None) for versus in stop.versus] for stop in self.stops]
            raw[f"{name}s"] = np.array(figures, np.float64)
        raw["depths"] = np.array([stop.depth for stop in self.stops], np.float32)
        np.savez_compressed(files[2], **raw)
        content = {
            "kind": "comparison",
            "rule": self.rule,
            "picture": self.picture,
            "reference": self.reference,
            "models": [explanation.manifest() for explanation in self.explanations],
        }
        files.append(write_manifest(folder, {**content, **(about or {})}, files))
        return files

    def _repr_html_(self) -> str:
        """What a notebook shows: the page's own view."""
        from explain.view.notebook import of_comparison

        return of_comparison(self)

    def __repr__(self) -> str:
        classes = [explanation.classes for explanation in self.explanations] or [self.classes] * len(self.targets)
        said = [str(names[k] if names and k >= 0 else k) for names, k in zip(classes, self.targets, strict=True)]
        names = list(dict.fromkeys(said))
        lines = [
            f"Comparison of {len(self.targets)} models: {self.rule} for {' and '.join(names)} "
            f"at {len(self.stops)} stop{'s' * (len(self.stops) != 1)}"
        ]
        for place in range(len(self.targets)):
            if place != self.reference:
                told = ", ".join("none" if rank is None else f"{rank:.2f}" for rank in self.ranks(place))
                lines.append(f"  rank correlation of {place} with {self.reference}: {told}")
        return "\n".join(lines)


def compare(
    *explanations: Explanation | Checkpoint | Ensemble,
    rule: str | None = None,
    picture: int | str | os.PathLike[str] | Picture | np.ndarray = 0,
    reference: int = 0,
) -> Comparison:
    """What the maps of 2 to 6 models of one picture have in common, depth by depth.

    Each model may explain a class of its own, as `explain` does by default. Two maps of different classes have no
    difference: it would not tell whether the models look elsewhere or the classes lie elsewhere. For one class on all
    sides see `common_target`. The same goes for models that tell different classes apart.

    Args:
        explanations: what is compared; or models, opened or loaded, each of which then explains the picture.
        rule: one that all were explained by; by default the first one's first, of models Grad-CAM.
        picture: its place in all explanations; of models the picture itself: a file's path, as it was read, or
            uint8 H x W x 3.
        reference: place of the explanation that the others are held against.

    Returns:
        The comparison. A map that is not finite counts as zero.

    Raises:
        ValueError: for other than 2 to 6 explanations.
        TypeError: for models without a picture, and for explanations with one.
        KeyError: for a rule by which one was not explained.
        IndexError: for a picture or a reference that does not exist.
        PictureError, ModelError: of models, as `read` and their `explain` do.

    Example:
        >>> def explanation(heatmap, target):
        ...     return Explanation(
        ...         pictures=np.zeros((1, 8, 8, 3), np.uint8),
        ...         probabilities=np.array([[0.5, 0.5]], np.float32),
        ...         scores=np.zeros(1, np.float32),
        ...         targets=np.array([target]),
        ...         classes=("cat", "dog"),
        ...         layers=(Layer("conv", 1.0, (1, 2, 4)),),
        ...         maps={"gradcam": {"conv": np.array([[heatmap]], np.float32)}},
        ...     )
        >>> comparison = compare(explanation([1, 3], 1), explanation([3, 1], 1), explanation([1, 2], 0))
        >>> comparison
        Comparison of 3 models: gradcam for dog and cat at 1 stop
          rank correlation of 1 with 0: -1.00
          rank correlation of 2 with 0: 1.00
        >>> comparison.stops[0].versus[1].difference.tolist()
        [[-1.0, 1.0]]
    """
    if not FEWEST <= len(explanations) <= MOST:
        raise ValueError(f"{FEWEST} to {MOST} explanations can be compared, not {len(explanations)}")
    if not 0 <= reference < len(explanations):
        raise IndexError(f"there are {len(explanations)} explanations, none at {reference}")
    given, picture = _explained(explanations, rule, picture)
    rule = _common_rule(given, rule)
    targets = tuple(int(explanation.targets[picture]) for explanation in given)
    comparison = Comparison(rule, targets, _common_classes(given), reference, (), given, picture)
    alike = comparison.alike
    still = rule in given[0].attributions  # one map of the input, whatever the layer

    @functools.cache
    def heatmap(model: int, place: int) -> np.ndarray:
        explanation = given[model]
        return finite(explanation.map(explanation.layers[place].address, rule, picture))

    @functools.cache
    def of_pair(place: int, first: int, second: int) -> Agreement:
        return agreement(heatmap(reference, first), heatmap(place, second), same_target=alike[place])

    @functools.cache
    def of_row(*places: int) -> tuple[tuple[int, int], tuple[Heat | None, ...]]:
        maps = [heatmap(model, k) for model, k in enumerate(places)]
        grid = common_grid(*maps)
        return grid, tuple(heat(single, grid) for single in maps)

    def versus(place: int, places: Sequence[int]) -> Agreement | None:
        return None if place == reference else of_pair(place, places[reference], places[place])

    layers = [explanation.layers for explanation in given]
    inputs = [explanation.pictures.shape[1:3] for explanation in given]
    stops = []
    for places in align(*layers, inputs=inputs, reference=reference):
        row = tuple(model[k] for model, k in zip(layers, places, strict=True))
        shown = (0,) * len(places) if still else places
        grid, heats = of_row(*shown)
        stops.append(
            Stop(
                layers=row,
                depth=sum(layer.depth for layer in row) / len(row),
                grid=grid,
                versus=tuple(versus(place, shown) for place in range(len(row))),
                heats=heats,
            )
        )
    return replace(comparison, stops=tuple(stops))


def common_target(*probabilities: np.ndarray) -> int:
    """One class for several models: that with the highest mean probability, the first of equal ones.

    Args:
        probabilities: float (classes,) each, of one picture.

    Returns:
        The class's place.

    Raises:
        ValueError: unless all are rows of one number of classes.

    Example:
        >>> common_target(np.array([0.5, 0.1, 0.4]), np.array([0.1, 0.5, 0.4]))
        2
    """
    rows = [np.asarray(row, np.float64) for row in probabilities]
    if not rows or rows[0].ndim != 1 or any(row.shape != rows[0].shape for row in rows):
        shapes = ", ".join(str(row.shape) for row in rows) or "none"
        raise ValueError(f"rows of probabilities of the same classes are needed, not {shapes}")
    return int(np.argmax(sum(rows)))


def shared_classes(*classes: Sequence[str]) -> tuple[str, ...]:
    """The classes that can be asked of several models.

    Args:
        classes: of each model, its names.

    Returns:
        All, where they tell the same apart; else the names that all know, in the first one's order. A mere number is no
        name: it stands for something else in each.

    Example:
        >>> shared_classes(("cat", "dog"), ("cow", "dog", "cat")), shared_classes(("0", "1"), ("0", "1", "2"))
        (('cat', 'dog'), ())
    """
    first, *others = map(tuple, classes)
    if all(names == first for names in others):
        return first
    return tuple(name for name in first if _is_name(name) and all(name in names for names in others))


def _is_name(name: str) -> bool:
    return bool(name) and not name.isdecimal()


def _explained(given: Sequence[Any], rule: str | None, picture: Any) -> tuple[tuple[Explanation, ...], int]:
    """Explanations and the picture's place in them; of models, what they explain of it."""
    models = [hasattr(each, "explain") for each in given]
    place = isinstance(picture, (int, np.integer))
    if not any(models) and place:
        return tuple(given), int(picture)
    if not all(models) or place:
        raise TypeError("a picture goes with models, its place with explanations")
    known: Any = read(picture) if isinstance(picture, (str, os.PathLike)) else picture
    pixels = getattr(known, "pixels", known)
    squashed = functools.cache(lambda size: fit(pixels, size))  # once for all that take one size
    return tuple(model.explain(squashed, rules=rule or "gradcam", features=FEATURES) for model in given), 0


def _same_classes(explanations: Sequence[Explanation]) -> bool:
    numbers = {explanation.probabilities.shape[1] for explanation in explanations}
    named = {tuple(explanation.classes) for explanation in explanations if explanation.classes is not None}
    return len(numbers) <= 1 and len(named) <= 1


def _common_classes(explanations: Sequence[Explanation]) -> tuple[str, ...] | None:
    known = (tuple(explanation.classes) for explanation in explanations if explanation.classes is not None)
    return next(known, None) if _same_classes(explanations) else None


def _common_rule(explanations: Sequence[Explanation], rule: str | None) -> str:
    rules = [explanation.rules for explanation in explanations]
    rule = rules[0][0] if rule is None else rule
    if not all(rule in maps for maps in rules):
        common = ", ".join(name for name in rules[0] if all(name in maps for maps in rules))
        raise KeyError(f"not all were explained by the rule {rule!r}" + (f", but by {common}" if common else ""))
    return rule


# --- depth ------------------------------------------------------------------------------------------------------------

Point = tuple[float, float]  # a layer's depth, and the size of its map in octaves below the input's


def align(
    *models: Sequence[Layer], inputs: Sequence[tuple[int, int]] | None = None, reference: int = 0
) -> list[tuple[int, ...]]:
    """Stops: rows with one layer's place of each model, from all first layers to all last ones.

    *Two models* go on by one layer on one side or on both; of all such ways, that whose pairs are nearest in sum is
    taken (dynamic time warping, Sakoe and Chiba, IEEE Trans. ASSP 26, 1978). Two layers are as far apart as their
    depths, plus a tenth for each factor of two between the sides of their maps, as shares of the input's: depth leads,
    and size decides between neighbours. Swapping the two swaps the pairs.

    *Several*: each is paired with the reference model, which leads (as in center-star alignment, Gusfield, Bull. Math.
    Biol. 55, 1993). So with each layer of the reference stands a run of layers of each other model. Where one of these
    runs is longer than one layer, the same is done again among the runs, the longest leading (of equally long ones, the
    first in depth and size).

    So every layer of every model has its turn, none goes back, equal architectures go one to one, the layers that
    stand with the reference's are those that would without the others, and their order means nothing. There are at most
    as many stops as layers in all, less one for each further model.

    Args:
        models: each one's layers, in order.
        inputs: (height, width) of each model's input. None: all alike.
        reference: place of the model that leads.

    Returns:
        Rows of places.

    Raises:
        ValueError: for a model without layers, and for other than one input a model.
        IndexError: for a reference that does not exist.

    Example:
        >>> def net(*sides):
        ...     return [Layer(f"conv{k}", k / (len(sides) - 1), (s, s, 8)) for k, s in enumerate(sides)]
        >>> align(net(32, 16, 8), net(32, 8))
        [(0, 0), (1, 0), (2, 1)]
        >>> align(net(32, 16, 8), net(32, 8), net(64, 32, 16), inputs=[(64, 64), (64, 64), (128, 128)])
        [(0, 0, 0), (1, 0, 1), (2, 1, 2)]
    """
    if not models or not all(models):
        raise ValueError("an explanation without layers cannot be compared")
    inputs = [(1, 1)] * len(models) if inputs is None else inputs
    if len(inputs) != len(models):
        raise ValueError(f"{len(models)} models have as many inputs, not {len(inputs)}")
    points = [
        [(layer.depth, _octaves(layer.shape, size)) for layer in layers]
        for layers, size in zip(models, inputs, strict=True)
    ]
    runs = {place: range(len(layers)) for place, layers in enumerate(models)}
    if reference not in runs:
        raise IndexError(f"there are {len(models)} models, none at {reference}")
    return [tuple(row[place] for place in runs) for row in _rows(runs, points, reference)]


def _octaves(shape: tuple[int, ...], size: tuple[int, int]) -> float:
    """How often the side of a map was doubled, as it were, from the input's."""
    return math.log2(shape[0] * shape[1] / (size[0] * size[1])) / 2


def _rows(runs: dict[int, range], points: Sequence[Sequence[Point]], leader: int) -> Iterator[dict[int, int]]:
    """Rows of the models' runs of layers: each model paired with the leader, the rest again among themselves."""
    others = {model: run for model, run in runs.items() if model != leader}
    paired = {
        model: _pairs([points[leader][k] for k in runs[leader]], [points[model][k] for k in run])
        for model, run in others.items()
    }
    for i, place in enumerate(runs[leader]):
        if not others:
            yield {leader: place}
            continue
        beside = {}
        for model, pairs in paired.items():
            partners = [j for k, j in pairs if k == i]
            beside[model] = others[model][partners[0] : partners[-1] + 1]
        longest = min(beside, key=lambda model: (-len(beside[model]), [points[model][k] for k in beside[model]]))
        for row in _rows(beside, points, longest):
            yield {leader: place, **row}


def _pairs(first: Sequence[Point], second: Sequence[Point]) -> list[tuple[int, int]]:
    """The nearest way through two runs of layers, as pairs of places."""
    if (len(first), first) < (len(second), second):  # of equally near ways the same, whichever comes first
        return [(i, j) for j, i in _pairs(second, first)]
    apart = np.array([[abs(a - b) + OCTAVE * abs(c - d) for b, d in second] for a, c in first])
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    total[0, 0] = 0
    for i in range(len(first)):
        for j in range(len(second)):
            total[i + 1, j + 1] = apart[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    pairs = [(len(first) - 1, len(second) - 1)]
    while pairs[-1] != (0, 0):
        i, j = pairs[-1]
        before = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]  # where equal, both sides go on
        pairs.append(min(before, key=lambda pair: total[pair[0] + 1, pair[1] + 1]))
    return pairs[::-1]
