"""Intervals over pictures, which speak of files; and exact permutation tests over trainings, which speak of recipes.

A figure is a dict {mean, low, high, n}, rounded to six digits, with a 95 % interval; None where nothing is defined.

Two files differ significantly as soon as there are enough pictures, also two trainings of one recipe. So a statement
about a recipe needs trainings as its replicates: under the null hypothesis that two recipes give trainings of one
distribution, every way of calling `a` of the `a + b` trainings the left ones is as likely as the true one. All of them
are looked at, so the tests are exact whatever the distribution (Fisher 1935; Good, Permutation, Parametric and
Bootstrap Tests of Hypotheses, 2005), two-sided, and where there are several depths their greatest statistic counts
(Westfall and Young 1993), so that among all depths of a null at most 5 % of the studies mark anything.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import special

from explain.measures import wilson

LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)  # quantiles
RESAMPLES = 2000
ENOUGH = 4  # trainings of each recipe: of four against four there are 70 labellings, and 2/70 is below 5 %
MOST_TRAININGS = 10  # of each recipe that are looked at
MOST_LABELLINGS = 200_000  # ten against ten
FEWEST_PICTURES = 5  # of each of two groups of pictures that are held against each other
_TIE = 1e-9  # statistics nearer than this share of the greatest are equal but for rounding


# --- over pictures ----------------------------------------------------------------------------------------------------


def draws(n: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each of n pictures is drawn, float64 resamples x n; the same for the same n."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)


def bootstrap(values: np.ndarray, drawn: np.ndarray | None = None) -> dict | None:
    """Figure of the mean of n values by the percentile bootstrap over pictures (Efron 1979).

    Args:
        values: float n; NaN is undefined and left out.
        drawn: see `draws`, which it is by default.
    """
    known = np.isfinite(values)
    if not known.any():
        return None
    drawn = draws(len(values)) if drawn is None else drawn
    number = drawn @ known
    means = (drawn @ np.where(known, values, 0))[number > 0] / number[number > 0]
    return figure(values[known].mean(), *np.quantile(means, ENDS), int(known.sum()))


def share(values: np.ndarray) -> dict | None:
    """Figure of the share of ones among n values of 0 and 1 by Wilson's score; NaN is undefined and left out."""
    known = values[np.isfinite(values)]
    return figure(known.mean(), *wilson(known.sum(), len(known)), len(known)) if len(known) else None


def share_difference(left: np.ndarray, right: np.ndarray) -> dict | None:
    """Figure of left's share of ones minus right's over the same pictures (Newcombe, Stat. Med. 17, 1998, method 10).

    Args:
        left, right: float n each, 0 or 1; a picture that is NaN on one side is left out.
    """
    known = np.isfinite(left) & np.isfinite(right)
    if not known.any():
        return None
    a, b = left[known], right[known]
    n, both, only_left, only_right, none = (
        len(a),
        (a * b).sum(),
        (a * (1 - b)).sum(),
        ((1 - a) * b).sum(),
        ((1 - a) * (1 - b)).sum(),
    )
    p, q = a.mean(), b.mean()
    (low_p, high_p), (low_q, high_q) = wilson(a.sum(), n), wilson(b.sum(), n)
    margins = a.sum() * (n - a.sum()) * b.sum() * (n - b.sum())
    surplus = both * none - only_left * only_right
    if surplus > 0:
        surplus = max(surplus - n / 2, 0)
    phi = surplus / math.sqrt(margins) if margins else 0.0

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))

    return figure(p - q, p - q - reach(p - low_p, high_q - q), p - q + reach(high_p - p, q - low_q), n)


def student(values: np.ndarray, level: float = LEVEL) -> dict | None:
    """Figure of the mean of n values by Student's t at a level; NaN is undefined and left out.

    Far out in the tails `RESAMPLES` draws of the bootstrap are too few. None with fewer than `FEWEST_PICTURES`.
    """
    known = values[np.isfinite(values)]
    if len(known) < FEWEST_PICTURES:
        return None
    half = special.stdtrit(len(known) - 1, (1 + level) / 2) * known.std(ddof=1) / math.sqrt(len(known))
    return figure(known.mean(), known.mean() - half, known.mean() + half, len(known))


def group_difference(some: np.ndarray, others: np.ndarray) -> dict | None:
    """Figure of the difference of the means of two groups of pictures by Welch's t (Biometrika 34, 1947).

    None with fewer than `FEWEST_PICTURES` in one of them. `n` is the number of the smaller group.
    """
    some, others = some[np.isfinite(some)], others[np.isfinite(others)]
    if min(len(some), len(others)) < FEWEST_PICTURES:
        return None
    difference = some.mean() - others.mean()
    parts = [group.var(ddof=1) / len(group) for group in (some, others)]
    half = 0.0
    if sum(parts):
        freedom = sum(parts) ** 2 / sum(p * p / (len(g) - 1) for p, g in zip(parts, (some, others), strict=True))
        half = special.stdtrit(freedom, ENDS[1]) * math.sqrt(sum(parts))
    return figure(difference, difference - half, difference + half, min(len(some), len(others)))


def figure(mean: float, low: float, high: float, n: int) -> dict:
    """A figure, rounded."""
    return {"mean": round(float(mean), 6), "low": round(float(low), 6), "high": round(float(high), 6), "n": int(n)}


# --- over trainings ---------------------------------------------------------------------------------------------------


class Tested(NamedTuple):
    """What a permutation test over trainings gave, by depths (d values each).

    statistic: what the test is of, signed. p: two-sided, corrected over the depths: of all labellings the share whose
    greatest statistic over the depths is at least the one here. NaN where a figure is undefined.
    """

    statistic: np.ndarray
    p: np.ndarray


def labellings(a: int, b: int) -> np.ndarray:
    """All ways of calling `a` of `a + b` trainings the left ones, bool labellings x trainings; the first is the true
    one: the first `a`.

    Raises:
        ValueError: where there are more than `MOST_LABELLINGS`.
    """
    if (count := math.comb(a + b, a)) > MOST_LABELLINGS:
        raise ValueError(f"{a} against {b} trainings have {count:,} labellings, more than are looked at.")
    chosen = np.array(list(itertools.combinations(range(a + b), a)))
    marks = np.zeros((len(chosen), a + b), bool)
    np.put_along_axis(marks, chosen, True, axis=1)
    return marks


def enough(a: int, b: int) -> bool:
    """Whether trainings of two recipes can differ significantly at all: four of each."""
    return min(a, b) >= ENOUGH


def test_means(left: np.ndarray, right: np.ndarray) -> Tested:
    """Whether a figure of single trainings differs between two recipes, by depth.

    The statistic is the difference of the means (left minus right) over the pooled spread within the recipes: infinite
    where that is zero and the means differ, 0 where all trainings are alike.

    Args:
        left, right: float trainings x depths.
    """
    a, b = len(left), len(right)
    values = np.concatenate([left, right]).astype(float)
    known = np.isfinite(values).all(0)
    values = np.where(known, values, 0)
    scale = np.abs(values).max(0)
    centred = values - values.mean(0)
    total = np.square(centred).sum(0)
    differs = total > np.square(_TIE * scale) * len(values)
    marks = labellings(a, b)
    differences = marks @ centred / a - ~marks @ centred / b
    # The share of the variance that lies between the groups orders labellings and depths as the statistic does (the
    # pooled spread is the rest of it), and is never infinite.
    between = np.where(differs, np.square(differences) * a * b / (a + b) / np.where(differs, total, 1), 0)
    inside = [group - group.mean(0) for group in (values[:a], values[a:])]
    spread = np.sqrt(sum(np.square(group).sum(0) for group in inside) / (a + b - 2))
    spread = np.where(spread > _TIE * scale, spread, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(differs, differences[0] / spread, 0)
    return Tested(np.where(known, statistic, np.nan), _corrected(between, known))


def test_pairs(values: np.ndarray, a: int) -> Tested:
    """Whether trainings of two recipes are less (or more) alike than trainings of one, by depth.

    The statistic is the mean over pairs of one training of each recipe less the mean over pairs within a recipe. The
    trainings are relabelled, not the pairs, which share trainings and are not independent.

    Args:
        values: float trainings x trainings x depths, symmetric; the diagonal is not looked at.
        a: how many of the trainings, the first ones, are of the left recipe.
    """
    rows, columns = np.triu_indices(len(values), 1)
    pairs = values[rows, columns].astype(float)
    known = np.isfinite(pairs).all(0)
    excess = _excess(np.where(known, pairs, 0), a, len(values) - a)
    noise = _TIE * np.abs(np.where(known, pairs, 0)).max(0)
    excess = np.where(np.abs(excess) > noise, excess, 0)
    return Tested(np.where(known, excess[0], np.nan), _corrected(np.abs(excess), known))


def shift(left: np.ndarray, right: np.ndarray) -> dict:
    """Figure of the difference of two recipes' means, left minus right, with the interval of `test_means`.

    The interval holds the differences that the test does not reject at 5 %: those by which the left trainings have to
    be moved so that all could be of one distribution. `n` is the number of the smaller recipe's trainings.

    Args:
        left, right: float, one figure of each training; at least `ENOUGH`.
    """
    a, b = len(left), len(right)
    values = np.concatenate([left, right]).astype(float)
    marks = labellings(a, b)
    moved = np.arange(a + b) < a
    return _inverted(_difference(marks, values), _difference(marks, moved.astype(float)), min(a, b))


def one_sided(left: np.ndarray, right: np.ndarray) -> tuple[dict, float, float]:
    """The difference of two groups' means, tested in either direction by itself.

    Args:
        left, right: float, one figure of each training.

    Returns:
        The figure of left minus right, whose interval ends where a one-sided test at 5 % begins to reject the
        difference, below and above; of fewer than twenty labellings none is rejected, and it ends where the last
        labelling is reached. Then the shares of labellings whose difference is at least, and at most, this one.
    """
    a = len(left)
    values = np.concatenate([left, right]).astype(float)
    marks = labellings(a, len(right))
    differences = _difference(marks, values)
    noise = _TIE * max(np.abs(values).max(), np.abs(differences).max())
    above = float((differences >= differences[0] - noise).mean())
    below = float((differences <= differences[0] + noise).mean())
    # Without the effect e labelling l has s_l - e m_l and the true one s_0 - e: as great where e is at least
    # (s_0 - s_l) / (1 - m_l)
    moved = _difference(marks, (np.arange(len(values)) < a).astype(float))[1:]
    reached = np.sort((differences[0] - differences[1:]) / (1 - moved))
    most = math.floor((1 - LEVEL) * len(marks) + _TIE) - 1  # so many of the others may reach what is rejected
    low, high = (reached[most], reached[::-1][most]) if most >= 0 else (reached[0], reached[-1])
    return figure(differences[0], low, high, min(a, len(right))), above, below


def excess(values: np.ndarray, a: int) -> dict:
    """Figure of the mean of pairs between two recipes less that within, with the interval of `test_pairs`.

    Args:
        values: float trainings x trainings, symmetric.
        a: how many of the trainings, the first ones, are of the left recipe; at least `ENOUGH`, as of the right one.
    """
    n = len(values)
    rows, columns = np.triu_indices(n, 1)
    between = ((rows < a) != (columns < a)).astype(float)
    pairs = values[rows, columns].astype(float)
    return _inverted(_excess(pairs[:, None], a, n - a)[:, 0], _excess(between[:, None], a, n - a)[:, 0], min(a, n - a))


def _difference(marks: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of the means of the marked and of the others, by labelling."""
    number = marks.sum(1)
    return marks @ values / number - ~marks @ values / (marks.shape[1] - number)


def _excess(pairs: np.ndarray, a: int, b: int) -> np.ndarray:
    """Mean of the pairs between less that of the pairs within, labellings x depths."""
    marks = labellings(a, b)
    rows, columns = np.triu_indices(a + b, 1)
    between = marks[:, rows] != marks[:, columns]
    number = a * b
    return between @ pairs / number - ~between @ pairs / (len(rows) - number)


def _corrected(statistics: np.ndarray, known: np.ndarray) -> np.ndarray:
    """p by depth, from statistics labellings x depths whose first row is the true labelling's."""
    if not known.any():
        return np.full(len(known), np.nan)
    greatest = statistics[:, known].max(1)
    reached = greatest[:, None] >= statistics[0] - _TIE * greatest.max()
    return np.where(known, reached.mean(0), np.nan)


def _inverted(statistics: np.ndarray, moved: np.ndarray, n: int) -> dict:
    """The interval of true effects that are not rejected.

    With the effect e taken out of the data, labelling l has the statistic s_l - e m_l and the true one s_0 - e, as
    m_0 is 1. With x = s_0 - e, labelling l is at least as great by absolute value where |c + m_l x| >= |x|,
    c = s_l - m_l s_0: an interval around 0. p(x) is the share of intervals that hold x, so the 95 % interval ends
    where it falls to 5 %.

    Args:
        statistics: of the data, by labelling, the true one first.
        moved: of an effect of 1 in the true labelling, -1 to 1.
        n: for the figure.
    """
    offset = statistics - moved * statistics[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([offset / (1 - moved), -offset / (1 + moved)])
    same = np.abs(moved) > 1 - _TIE  # the true labelling, or its mirror image: as great whatever x is
    low = np.where(same, -np.inf, ends.min(0))
    high = np.where(same, np.inf, ends.max(0))
    most = math.floor((1 - LEVEL) * len(statistics) + _TIE)  # so many labellings may reach what is rejected
    reach_low, reach_high = np.sort(low)[most], np.sort(high)[::-1][most]
    return figure(statistics[0], statistics[0] - reach_high, statistics[0] - reach_low, n)
