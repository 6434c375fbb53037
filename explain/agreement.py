"""Agreement: pure numbers on two maps, or on two layers' features. No models, no pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from explain.overlay import stretch
from explain.pictures import resize

TOP = 0.2  # the hottest share of a map whose overlap is taken


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far a model's map agrees with the reference model's, on the finer of both grids.

    Attributes:
        rank: `rank_correlation`, -1 to 1; None where a map is the same everywhere.
        overlap: `overlap`, 0 to 1; None where a map is the same everywhere.
        difference: float32 height x width, `density` of the reference's map minus that of the model's. Its mean is 0;
            1 is as much as an even spread would put everywhere. None where a map has no mass, and where the two maps
            explain different classes.
    """

    rank: float | None
    overlap: float | None
    difference: np.ndarray | None


@dataclass(frozen=True)
class Heat:
    """Where a map is hot and how widely.

    Attributes:
        peak: (y, x) of the centre of its greatest value, as shares of height and width, 0 to 1; of a plateau its
            middle, of several the first.
        spread: share of the picture, 0 to 1, where it is above half of its greatest value.
        cell: (height, width) of one of its cells, as shares of the picture: no peak is known better.
    """

    peak: tuple[float, float]
    spread: float
    cell: tuple[float, float]


def agreement(reference: np.ndarray, heatmap: np.ndarray, same_target: bool = True) -> Agreement:
    """Rank correlation, overlap and difference of two maps of any sizes.

    Args:
        reference: float h x w, finite.
        heatmap: float h x w, finite, of any size.
        same_target: whether both explain one class; without that there is no difference of the two.

    Returns:
        The agreement, on the grid of the greater height and the greater width.

    Example:
        >>> agreement(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]])).difference.tolist()
        [[-0.5, 0.5]]
    """
    grid = common_grid(reference, heatmap)
    flat = is_flat(reference) or is_flat(heatmap)
    drawn = resize(reference, grid), resize(heatmap, grid)
    difference = None
    if same_target:
        first, second = density(reference, grid), density(heatmap, grid)
        if first is not None and second is not None:
            difference = (first - second).astype(np.float32)
    return Agreement(
        rank=None if flat else rank_correlation(*drawn),
        overlap=None if flat else overlap(*drawn),
        difference=difference,
    )


def common_grid(*heatmaps: np.ndarray) -> tuple[int, int]:
    """(height, width) on which maps are compared: the greatest of their heights and of their widths.

    Args:
        heatmaps: h x w each.

    Returns:
        The grid.

    Example:
        >>> common_grid(np.zeros((2, 6)), np.zeros((4, 3)))
        (4, 6)
    """
    return tuple(max(sides) for sides in zip(*(heatmap.shape for heatmap in heatmaps), strict=True))


def finite(heatmap: np.ndarray) -> np.ndarray:
    """The map, or zeros where it holds anything that is not finite.

    Args:
        heatmap: float h x w.

    Returns:
        Of the same shape.

    Example:
        >>> finite(np.array([[1.0, np.nan]])).tolist()
        [[0.0, 0.0]]
    """
    return heatmap if np.isfinite(heatmap).all() else np.zeros_like(heatmap)


def is_flat(heatmap: np.ndarray) -> bool:
    """Whether a map is the same everywhere, zero for example, but for rounding.

    Args:
        heatmap: float h x w, finite.

    Returns:
        True for a map without anything to see.

    Raises:
        ValueError: for values that are not finite.

    Example:
        >>> is_flat(np.full((2, 2), 0.3)), is_flat(np.array([[0.0, 1.0]]))
        (True, False)
    """
    return not stretch(heatmap).any()


# --- two maps ---------------------------------------------------------------------------------------------------------


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two maps of one shape; equal values share their mean rank.

    Args:
        first: float, any shape.
        second: float, the same shape.

    Returns:
        -1 to 1; unrelated maps have 0. NaN where a map is the same everywhere.

    Example:
        >>> rank_correlation(np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 4000]]))
        1.0
    """
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / scale, -1, 1)) if scale else math.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    # scipy.stats has this, but takes two seconds to import
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places.ravel()]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """How much the hottest fifths of two maps have in common (Dice: 2 |A and B| / (|A| + |B|)).

    As both have as many cells as a rule, this is the share of either that is also the other's. Where a fifth would end
    amid equal values, as in a map with few values above zero, it ends before them, so that nothing is hot by chance;
    amid the greatest values it takes all of those.

    Args:
        first: float, any shape.
        second: float, the same shape.

    Returns:
        0 to 1; unrelated maps have 0.2 (less where a fifth ends early).

    Example:
        >>> overlap(np.arange(10.0), np.array([0, 1, 2, 3, 4, 5, 6, 9, 7, 8.0]))
        0.5
    """
    a, b = _hottest(first), _hottest(second)
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _hottest(heatmap: np.ndarray) -> np.ndarray:
    """The hottest fifth: bool of the map's shape."""
    descending = np.sort(heatmap, axis=None)[::-1]
    number = max(1, round(TOP * heatmap.size))
    least = descending[number - 1]
    if number < heatmap.size and descending[number] == least and least < descending[0]:
        return heatmap > least
    return heatmap >= least


# --- one map ----------------------------------------------------------------------------------------------------------


def density(heatmap: np.ndarray, grid: tuple[int, int]) -> np.ndarray | None:
    """The map as density of heat over the picture: its mean is 1, and 3 is three times what an even spread puts there.

    Each map is divided by its sum, so two of them share one scale, whatever the scores and grids they come from.

    Args:
        heatmap: float h x w; what is negative counts as zero.
        grid: (height, width) of the result.

    Returns:
        float64 of the grid's shape, or None for a map without any heat.

    Example:
        >>> density(np.array([[-5.0, 1.0, 3.0, 0.0]]), (1, 4)).tolist()
        [[0.0, 1.0, 3.0, 0.0]]
    """
    positive = resize(np.maximum(heatmap, 0), grid).astype(np.float64)
    mean = positive.mean()
    return positive / mean if mean > 0 else None


def heat(heatmap: np.ndarray, grid: tuple[int, int] | None = None) -> Heat | None:
    """Peak and spread of a map.

    Args:
        heatmap: float h x w, finite.
        grid: (height, width) on which the spread is taken, by default the map's.

    Returns:
        None where the map is the same everywhere or nowhere positive.

    Example:
        >>> heat(np.array([[0, 0, 0, 0], [0, 4, 2.1, 0]]))
        Heat(peak=(0.75, 0.375), spread=0.25, cell=(0.5, 0.25))
    """
    if is_flat(heatmap) or heatmap.max() <= 0:
        return None
    height, width = heatmap.shape
    y, x = hottest(heatmap)
    drawn = resize(heatmap, grid or heatmap.shape)
    return Heat(
        peak=((y + 0.5) / height, (x + 0.5) / width),
        spread=float((drawn > drawn.max() / 2).mean()),
        cell=(1 / height, 1 / width),
    )


def hottest(heatmap: np.ndarray) -> tuple[float, float]:
    """Row and column where a map is hottest: of a plateau, such as a window of occlusion, the middle, not the corner.

    Args:
        heatmap: float h x w, finite.

    Returns:
        Places from 0; of several plateaus, that of the first.

    Example:
        >>> hottest(np.array([[0, 3, 3, 3], [0, 3, 3, 3], [0, 0, 0, 0]]))
        (0.5, 2.0)
    """
    first = np.unravel_index(np.argmax(heatmap), heatmap.shape)
    _, plateaus = cv2.connectedComponents((heatmap == heatmap.max()).astype(np.uint8))
    rows, columns = np.nonzero(plateaus == plateaus[first])
    return float(rows.mean()), float(columns.mean())


def together(first: Heat | None, second: Heat | None) -> bool | None:
    """Whether two maps peak at one place as far as can be told: not farther apart than a cell of the coarser map.

    Args:
        first: of a map.
        second: of another map of the same picture.

    Returns:
        None where there is no peak.

    Example:
        >>> fine, coarse = np.zeros((8, 8)), np.array([[1, 0], [0, 0.0]])
        >>> fine[3, 3] = 1
        >>> together(heat(fine), heat(coarse))
        True
    """
    if first is None or second is None:
        return None
    axes = zip(first.peak, second.peak, first.cell, second.cell, strict=True)
    return all(abs(a - b) <= max(cells) + 1e-9 for a, b, *cells in axes)


# --- features ---------------------------------------------------------------------------------------------------------


def channel_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each channel's two feature maps, over the places of one picture.

    Args:
        first: float height x width x channels, finite.
        second: float of the same shape; its channels are those of the first, in the same order.

    Returns:
        float64 (channels,), -1 to 1; NaN where a map is the same everywhere.

    Raises:
        ValueError: for other shapes.

    Example:
        >>> first = np.array([[[0.0, 1.0], [1.0, 1.0]]])
        >>> channel_correlations(first, 3 - 2 * first).round(6).tolist()
        [-1.0, nan]
    """
    if first.ndim != 3 or first.shape != second.shape:
        raise ValueError(f"two layers of one shape are needed, not {first.shape} and {second.shape}")
    scaled = []
    for maps in (first, second):
        flat = maps.reshape(-1, maps.shape[-1]).astype(np.float64)
        centred = flat - flat.mean(0)
        spread = np.sqrt((centred**2).sum(0))
        even = spread <= 1e-6 * np.sqrt((flat**2).sum(0))  # but for float32's rounding
        scaled.append(centred / np.where(even, np.nan, spread))
    return np.clip((scaled[0] * scaled[1]).sum(0), -1, 1)


def cka(first: np.ndarray, second: np.ndarray, weights: np.ndarray | None = None) -> float | np.ndarray:
    """Linear centred kernel alignment of two layers' features, debiased: 0 where unrelated, whatever the channels.

    HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al., arXiv 1905.00414) of the Gram matrices K = first
    first^T and L = second second^T, with the unbiased HSIC_1 (Song et al., JMLR 13, 2012, equation 4; its mean over
    all (i, j, q, r) of four *different* pictures):

        HSIC_1 = mean of K_ij (L_ij + L_qr - 2 L_iq)

    The usual estimator takes each picture with itself as a pair, too, and rises with the number of channels.

    With weights it is the same mean, each four weighed by w_i w_j w_q w_r. A picture that a bootstrap has drawn twice
    counts twice, but is never a pair with itself: the four are different *pictures*, not draws. So the draws' values
    lie around the value of the sample (repeated rows would lie above: a picture is most like itself), and their
    percentiles are an interval as they are, nothing need be moved. Where the true value is 0 the interval is wider than
    it need be (the statistic is degenerate there, Arcones and Giné, Ann. Stat. 20, 1992).

    Args:
        first: float pictures x channels.
        second: float pictures x channels, the same pictures in rows, any channels.
        weights: float or int, not negative, (pictures,) or (draws, pictures): how often each picture counts.

    Returns:
        At most 1 (one is a rotation and scaling of the other), about 0 for unrelated features, by chance a little
        below. Of several draws, float64 (draws,). NaN where nothing varies, and with fewer than four different
        pictures. Takes memory for six matrices of pictures x pictures.

    Raises:
        ValueError: unless all have the same number of pictures.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 300))
        >>> round(cka(features[:, :100], features[:, 100:]), 1)
        0.0
        >>> draws = np.random.default_rng(0).multinomial(100, [1 / 100] * 100, size=200)
        >>> low, high = np.quantile(cka(features[:, :200], features[:, 100:], draws), [0.025, 0.975])
        >>> bool(low < cka(features[:, :200], features[:, 100:]) < high)
        True
    """
    draws = np.atleast_2d(np.ones(len(first)) if weights is None else np.asarray(weights, np.float64))
    if not len(first) == len(second) == draws.shape[1]:
        raise ValueError(
            f"features and weights of the same pictures are needed, not {len(first)}, {len(second)}, {draws.shape[1]}"
        )
    a, b = _gram(first), _gram(second)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = _hsic(a, b, draws) / np.sqrt(_hsic(a, a, draws) * _hsic(b, b, draws))
    values[(draws > 0).sum(1) < 4] = np.nan
    values = np.minimum(values, 1)  # but for rounding
    return float(values[0]) if weights is None or np.ndim(weights) < 2 else values


def _gram(features: np.ndarray) -> np.ndarray:
    """Products of different pictures' features; what a picture has with itself is zero."""
    centred = np.asarray(features, np.float64) - np.mean(features, axis=0, dtype=np.float64)  # for precision alone
    products = centred @ centred.T
    np.fill_diagonal(products, 0)
    return products


def _hsic(a: np.ndarray, b: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The sum of w_i w_j w_q w_r a_ij (b_ij + b_qr - 2 b_iq) over all four different pictures, for each draw.

    The sums over q and r are taken over all pictures, and those with q or r among i and j taken off, so that only
    products of a matrix with w, w^2 and w^3 are left. NaN where it is zero but for rounding.
    """
    w = draws.T
    total, squares = w.sum(0), (w**2).sum(0)
    p = a * b
    aw, bw, pw = a @ w, b @ w, p @ w
    aw2, bw2, pw2, pw3 = a @ w**2, b @ w**2, p @ w**2, p @ w**3

    pairs = (total**2 - squares) * (w * pw).sum(0)
    ij = pairs - 4 * total * (w**2 * pw).sum(0) + 4 * (w**3 * pw).sum(0) + 2 * (w**2 * pw2).sum(0)
    qr = (w * aw).sum(0) * (w * bw).sum(0) - 4 * (w**2 * aw * bw).sum(0) + 2 * (w**2 * pw2).sum(0)
    iq = (w * ((total - w) * (aw * bw - pw2) - aw2 * bw - aw * bw2 + 2 * pw3)).sum(0)
    value = ij + qr - 2 * iq
    if a is b:
        value[~(value > 1e-12 * pairs)] = np.nan
    return value
