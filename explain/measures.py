"""Figures of one explanation: how its feature maps vary, how narrowly its heat lies, and how much of it in a region.

And the interval of a share, wherever one is told.
"""

from __future__ import annotations

import math

import numpy as np

from explain.explanation import Features
from explain.pictures import resize

LEVELS = 32  # grey levels among which a feature map's entropy is taken
Z = 1.959963984540054  # the normal distribution's 97.5 % quantile: of an interval that holds 95 %


def feature_figures(features: Features) -> dict[str, np.ndarray]:
    """How the channels kept of a layer vary over each picture.

    Means over those that are live (see `Features`), each stretched to 0 to 1 from its least to its greatest value, as a
    feature map is looked at.

    Args:
        features: of n pictures.

    Returns:
        float64 (n,) each, NaN where no channel varies:
        contrast: standard deviation of its values, 0 to 0.5 (Peli, J. Opt. Soc. Am. A 7, 1990: RMS contrast).
        entropy: of its values in 32 equal steps, in bits, 0 to 5.
        roughness: mean difference of neighbouring cells, 0 to 1: smooth maps have little. NaN for a single cell.

    Example:
        >>> maps = np.array([[0, 1], [1, 0]], np.float32)[None, :, :, None]
        >>> deviations = np.array([[0.5]], np.float32)
        >>> features = Features(np.array([[0]]), deviations, maps, deviations, deviations)
        >>> {name: values.tolist() for name, values in feature_figures(features).items()}
        {'contrast': [0.5], 'entropy': [1.0], 'roughness': [1.0]}
    """
    maps = features.maps.astype(np.float64)
    low, span = maps.min((1, 2), keepdims=True), np.ptp(maps, axis=(1, 2), keepdims=True)
    live = features.live & (span[:, 0, 0] > 0)
    stretched = (maps - low) / np.where(span > 0, span, 1)
    steps = [np.abs(np.diff(stretched, axis=axis)) for axis in (1, 2)]
    neighbours = sum(step.shape[1] * step.shape[2] for step in steps)
    return {
        "contrast": _mean(stretched.std((1, 2)), live),
        "entropy": _mean(_entropies(stretched), live),
        "roughness": _mean(sum(step.sum((1, 2)) for step in steps) / (neighbours or np.nan), live),
    }


def _mean(values: np.ndarray, live: np.ndarray) -> np.ndarray:
    """Over the live channels of each picture."""
    number = live.sum(1)
    return np.where(live, values, 0).sum(1) / np.where(number, number, np.nan)


def _entropies(stretched: np.ndarray) -> np.ndarray:
    """Entropy in bits of each channel's values in `LEVELS` steps, n x k."""
    n, height, width, k = stretched.shape
    levels = np.minimum(stretched * LEVELS, LEVELS - 1).astype(np.int64)
    levels += LEVELS * (np.arange(k) + k * np.arange(n)[:, None, None, None])
    counts = np.bincount(levels.ravel(), minlength=n * k * LEVELS).reshape(n, k, LEVELS)
    shares = counts / (height * width)
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(2)


def focus_entropy(heatmap: np.ndarray) -> float | None:
    """How evenly a map's positive heat is spread over its cells.

    Entropy of the cells' shares of the heat over that of even shares.

    Args:
        heatmap: float h x w.

    Returns:
        0 where all heat is in a single cell to 1 where it is the same everywhere. None without heat, or for a single
        cell.

    Example:
        >>> round(focus_entropy(np.array([[1, 0], [1, 0]])), 3)
        0.5
    """
    heat = np.maximum(heatmap, 0).astype(np.float64).ravel()
    if heat.size < 2 or not heat.sum() > 0:
        return None
    shares = heat / heat.sum()
    return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum() / math.log(heat.size))


def share_inside(heatmap: np.ndarray, region: np.ndarray) -> float | None:
    """Share of a map's positive heat that lies in a region of its picture.

    Each cell's heat lies evenly over the part of the picture it stands for, squashed or not.

    Args:
        heatmap: float h x w.
        region: bool H x W over the whole picture, at any size not below the map's.

    Returns:
        0 to 1; None without heat.

    Example:
        >>> share_inside(np.array([[3, 1], [0, 0]]), np.array([[True, False], [True, False]]))
        0.75
    """
    heat = np.maximum(heatmap, 0).astype(np.float64)
    if not heat.sum() > 0:
        return None
    inside = resize(region.astype(np.float32), heatmap.shape)
    return float((heat * inside).sum() / heat.sum())


def divergence(*rows: np.ndarray) -> float:
    """How far several models' probabilities are from one another: Jensen and Shannon's divergence (Lin, IEEE Trans.
    Inf. Theory 37, 1991), as a share of the most that it can be.

    Args:
        rows: 2 or more, float (classes,) each, of the same classes; negative values count as zero, and each row is
            divided by its own sum.

    Returns:
        0: all alike, to 1: no class has a probability in two of them.

    Raises:
        ValueError: for fewer than two rows, for rows of other lengths, and for one without any probability.

    Example:
        >>> divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])), divergence(np.ones(3), np.ones(3))
        (1.0, 0.0)
    """
    if len(rows) < 2 or len({np.shape(row) for row in rows}) > 1:
        raise ValueError("two rows or more of the same classes are needed")
    table = np.maximum(np.asarray(rows, np.float64), 0)
    sums = table.sum(1, keepdims=True)
    if not (sums > 0).all():
        raise ValueError("a row without any probability")
    table = table / sums

    def entropy(shares: np.ndarray) -> np.ndarray:
        return -(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1)

    apart = (entropy(table.mean(0)) - entropy(table).mean()) / math.log(len(table))
    return float(min(1.0, max(0.0, apart)))


def wilson(events: float, n: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score (J. Am. Stat. Assoc. 22, 1927, p. 209).

    It never leaves 0 to 1, and has a width also where all of n are alike.

    Args:
        events: how many of n, 0 to n.
        n: 1 or more.

    Returns:
        Its lower and its upper end, 0 to 1.

    Raises:
        ValueError: for no n, and for events that are not among them.

    Example:
        >>> [round(end, 3) for end in wilson(8, 10)]
        [0.49, 0.943]
    """
    if n < 1 or not 0 <= events <= n:
        raise ValueError(f"{events} of {n} is no share.")
    share, room = float(events / n), float(Z * Z / n)
    middle = (share + room / 2) / (1 + room)
    half = math.sqrt(share * (1 - share) * room + room * room / 4) / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)
