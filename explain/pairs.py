"""Two explanations of one picture side by side: layers paired by depth, how far their maps agree, where they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explain.explanation import Explanation, Layer
from explain.overlay import stretch
from explain.pictures import resize

OCTAVE = 0.1  # of the depth: what a map of twice the side weighs when layers are paired
TOP = 0.2  # the hottest share of a map whose overlap is taken


@dataclass(frozen=True)
class Heat:
    """Where a map is hot and how widely.

    peak: (y, x) of the centre of its greatest value, as shares of height and width, 0 to 1; the first of equal ones.
    spread: share of the picture, 0 to 1, where it is above half of its greatest value, on the stop's grid.
    cell: (height, width) of one of its own cells, as shares of the picture: no peak is known better.
    """

    peak: tuple[float, float]
    spread: float
    cell: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Stop:
    """One place of the scrubber: a layer of either side, and what their maps have in common.

    depth: mean of both layers' depths, 0 to 1.
    grid: (height, width) on which the maps are compared: the larger of the two, side by side.
    rank: `rank_correlation`, -1 to 1; overlap: `overlap`, 0 to 1; None where a map is the same everywhere.
    difference: float32 of the grid's shape, `density` of the left map minus that of the right; None where a map has no
        mass. Its mean is 0. 1 is as much as an even spread would put everywhere.
    left_heat, right_heat: None where the map is the same everywhere or nowhere positive.
    """

    left: Layer
    right: Layer
    depth: float
    grid: tuple[int, int]
    rank: float | None
    overlap: float | None
    difference: np.ndarray | None
    left_heat: Heat | None
    right_heat: Heat | None

    @property
    def distance(self) -> float | None:
        """Between both peaks, in sides of the squashed picture (0 to 1.41); None where there is no peak."""
        if self.left_heat is None or self.right_heat is None:
            return None
        return math.dist(self.left_heat.peak, self.right_heat.peak)

    @property
    def together(self) -> bool | None:
        """Whether both peaks are one as far as can be told: not farther apart than a cell of the coarser map."""
        if self.left_heat is None or self.right_heat is None:
            return None
        axes = zip(self.left_heat.peak, self.right_heat.peak, self.left_heat.cell, self.right_heat.cell, strict=True)
        return all(abs(left - right) <= max(cells) + 1e-9 for left, right, *cells in axes)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two explanations by one rule, for one class (-1: a function of the logits), stop by stop from shallow to deep."""

    rule: str
    target: int
    classes: tuple[str, ...] | None
    stops: tuple[Stop, ...]

    def __repr__(self) -> str:
        target = self.classes[self.target] if self.classes and self.target >= 0 else self.target
        ranks = ", ".join("none" if stop.rank is None else f"{stop.rank:.2f}" for stop in self.stops)
        return f"Comparison of {self.rule} for {target} at {len(self.stops)} stops, rank correlation {ranks}"


def compare(left: Explanation, right: Explanation, rule: str | None = None, picture: int = 0) -> Comparison:
    """What two models' maps of one picture have in common, depth by depth.

    `rule`: one that both were explained by; by default the left one's first. `picture`: its place in both explanations.
    Both must explain the same class of the same classes (see `common_target`): what two models see for two classes
    differs by construction. Raises ValueError otherwise, KeyError for a rule and IndexError for a picture that is not
    there. A map that is not finite counts as zero.
    """
    classes = _common_classes(left, right)
    target, other = int(left.targets[picture]), int(right.targets[picture])
    if target != other:
        raise ValueError(
            f"the left explanation is of class {target}, the right one of {other}: explain one class on both sides, "
            "for example that of common_target"
        )
    if rule is None:
        rule = next(iter(left.maps))
    for explanation in (left, right):
        if rule not in explanation.maps:
            common = ", ".join(name for name in left.maps if name in right.maps)
            raise KeyError(f"no rule {rule!r} on both sides" + (f", but {common}" if common else ""))
    stops = [
        _stop(
            left.layers[i],
            right.layers[j],
            left.map(left.layers[i].address, rule, picture),
            right.map(right.layers[j].address, rule, picture),
        )
        for i, j in align(left.layers, right.layers)
    ]
    return Comparison(rule, target, classes, tuple(stops))


def common_target(left_probabilities: np.ndarray, right_probabilities: np.ndarray) -> int:
    """ "Predicted" for a pair: the class with the higher mean probability, the first of equal ones.

    Both float (classes,), of one picture. Raises ValueError unless both have the same classes' number.
    """
    left, right = np.asarray(left_probabilities), np.asarray(right_probabilities)
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(
            f"two rows of probabilities of the same classes are needed, not {left.shape} and {right.shape}"
        )
    return int(np.argmax(left.astype(np.float64) + right))


def _common_classes(left: Explanation, right: Explanation) -> tuple[str, ...] | None:
    numbers = left.probabilities.shape[1], right.probabilities.shape[1]
    named = left.classes is not None and right.classes is not None
    if numbers[0] != numbers[1] or (named and tuple(left.classes) != tuple(right.classes)):
        raise ValueError("the two models tell different classes apart, so their maps cannot be compared")
    return left.classes if left.classes is not None else right.classes


# --- depth ------------------------------------------------------------------------------------------------------------


def align(left: Sequence[Layer], right: Sequence[Layer]) -> list[tuple[int, int]]:
    """Pairs (place in `left`, place in `right`), from both first layers to both last ones.

    Of all ways that go on by one layer on one side or on both, the one whose pairs are nearest in sum (dynamic time
    warping, Sakoe and Chiba 1978). Two layers are as far apart as their depths, plus a tenth for each factor of two
    between the sides of their maps: depth leads, and size decides between neighbours. So every layer of either side has
    its turn, none goes back, equal architectures pair one to one, and swapping the sides swaps the pairs.

    Raises ValueError for a side without layers.
    """
    if not left or not right:
        raise ValueError("an explanation without layers cannot be compared")
    ours, theirs = ([(layer.depth, _octaves(layer)) for layer in side] for side in (left, right))
    if (len(ours), ours) < (len(theirs), theirs):  # of equally near ways the same, whichever side is called left
        return [(i, j) for j, i in align(right, left)]
    apart = np.array([[abs(a - b) + OCTAVE * abs(c - d) for b, d in theirs] for a, c in ours])
    total = np.full((len(ours) + 1, len(theirs) + 1), np.inf)
    total[0, 0] = 0
    for i in range(len(ours)):
        for j in range(len(theirs)):
            total[i + 1, j + 1] = apart[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    pairs = [(len(ours) - 1, len(theirs) - 1)]
    while pairs[-1] != (0, 0):
        i, j = pairs[-1]
        before = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]  # where equal, both sides go on
        pairs.append(min(before, key=lambda pair: total[pair[0] + 1, pair[1] + 1]))
    return pairs[::-1]


def _octaves(layer: Layer) -> float:
    """How often the side of the map was doubled, as it were, from a single cell."""
    height, width = layer.shape[:2]
    return math.log2(height * width) / 2


# --- agreement --------------------------------------------------------------------------------------------------------


def _stop(left: Layer, right: Layer, left_map: np.ndarray, right_map: np.ndarray) -> Stop:
    left_map, right_map = (map if np.isfinite(map).all() else np.zeros_like(map) for map in (left_map, right_map))
    grid = tuple(max(sides) for sides in zip(left_map.shape, right_map.shape, strict=True))
    flat = is_flat(left_map) or is_flat(right_map)
    maps = resize(left_map, grid), resize(right_map, grid)
    densities = density(left_map, grid), density(right_map, grid)
    some = all(one is not None for one in densities)
    return Stop(
        left=left,
        right=right,
        depth=(left.depth + right.depth) / 2,
        grid=grid,
        rank=None if flat else rank_correlation(*maps),
        overlap=None if flat else overlap(*maps),
        difference=(densities[0] - densities[1]).astype(np.float32) if some else None,
        left_heat=heat(left_map, grid),
        right_heat=heat(right_map, grid),
    )


def is_flat(map: np.ndarray) -> bool:
    """Whether a map is the same everywhere, zero for example, but for rounding."""
    return not stretch(map).any()


def rank_correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Spearman's rank correlation of two maps of one shape, -1 to 1; equal values share their mean rank.

    Unrelated maps have 0. NaN where a map is the same everywhere.
    """
    a, b = _ranks(left), _ranks(right)
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / scale, -1, 1)) if scale else math.nan


def cka(left: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Linear centred kernel alignment of two layers' features, 0 to 1 (Kornblith et al., arXiv 1905.00414, section 3).

    1: one is a rotation and scaling of the other. `left`, `right`: float pictures x channels, the same pictures in
    rows, any channels. `weights`: how often each picture counts (a bootstrap's draws). NaN where nothing varies.
    """
    weights = np.ones(len(left)) if weights is None else weights
    root = np.sqrt(weights / weights.sum())[:, None]
    x, y = (root * (side - np.average(side, axis=0, weights=weights)) for side in (left, right))
    scale = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.square(x.T @ y).sum() / scale) if scale else math.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    # scipy.stats has this, but takes two seconds to import
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places.ravel()]


def overlap(left: np.ndarray, right: np.ndarray) -> float:
    """How much the hottest fifths of two maps of one shape have in common, 0 to 1 (Dice: 2 |A and B| / (|A| + |B|)).

    As both have as many cells as a rule, this is the share of either that is also the other's; unrelated maps have 0.2.
    Where a fifth would end amid equal values, as in a map with few values above zero, it ends before them, so that
    nothing is hot by chance (and unrelated maps have less than 0.2); amid the greatest values it takes all of those.
    """
    a, b = _hottest(left), _hottest(right)
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _hottest(map: np.ndarray) -> np.ndarray:
    """The hottest fifth: bool of the map's shape."""
    descending = np.sort(map, axis=None)[::-1]
    number = max(1, round(TOP * map.size))
    least = descending[number - 1]
    if number < map.size and descending[number] == least and least < descending[0]:
        return map > least
    return map >= least


def density(map: np.ndarray, grid: tuple[int, int]) -> np.ndarray | None:
    """The map as density of heat over the picture, float64 on `grid` (height, width): its mean is 1.

    Each map is divided by its own sum, so two of them share one scale, whatever the scores and grids they come from. 3
    means three times what an even spread would put there. What is negative counts as zero. None without any heat.
    """
    positive = resize(np.maximum(map, 0), grid).astype(np.float64)
    mean = positive.mean()
    return positive / mean if mean > 0 else None


def heat(map: np.ndarray, grid: tuple[int, int] | None = None) -> Heat | None:
    """Peak and spread of a map; spread is taken on `grid` (height, width), by default the map's own.

    None where the map is the same everywhere or nowhere positive.
    """
    if is_flat(map) or map.max() <= 0:
        return None
    height, width = map.shape
    y, x = np.unravel_index(np.argmax(map), map.shape)
    drawn = resize(map, grid or map.shape)
    return Heat(
        peak=(float(y + 0.5) / height, float(x + 0.5) / width),
        spread=float((drawn > drawn.max() / 2).mean()),
        cell=(1 / height, 1 / width),
    )
