"""Two checkpoints over many pictures: how alike their maps and features are, and how their measures differ.

`compare` gives one JSON-able dict (`evidence/pairs/LEFT--RIGHT/comparison.json`) from what was measured of each side
(see `study.measure`). It speaks of *these two files*; two recipes are judged by all of their trainings, in
`study.recipes`.

    left, right     {id, title, model: digest of the file}
    dataset, split, n, data, pictures   the pictures, as in measures.json; pictures.npz beside it names them
    heads           as in measures.json: of the pictures whose heads and animals are marked, or null
    bootstrap       {resamples, cka_resamples, level}
    percentiles     of agreement
    stops           [{depth, left, right: addresses}, ...]: the layers of both models paired by depth
    agreement       {rule: {n, stops: [{depth, rank, overlap: [10th, 50th, 90th percentile over pictures],
                     rank_n, overlap_n, rank_mean, overlap_mean: figure}, ...], all: {rank_mean, overlap_mean},
                     below: see `below`}, ...}
    measures        {name: {stops: [{left, right, difference: figure}, ...], last, all, deep: the same}, ...}; see
                     `study.measure.MEASURES`. At `all` and `deep` each side's mean is over its own layers, so that it
                     does not depend on what stands beside it; of a difference, over those where both are defined.
    areas           {head, animal: figure}: share of the picture, null without marked pictures
    cka             {left, right: addresses, values: [[...], ...] left x right, stops: [figure, ...], all: figure}

A figure is {mean, low, high, n}: the mean over the n pictures where it is defined, with a 95 % interval over pictures:
by the percentile bootstrap, of shares by Wilson and Newcombe (see `study.statistics`). CKA is debiased (see
`explain.agreement.cka`). Null: nowhere defined.

Agreement is of maps of one class for both sides: each picture's true one, which depends on no model. A measure of one
model's maps is of the class that this model predicts.
"""

import json
import math
from collections.abc import Iterator

import numpy as np

from explain.agreement import agreement, cka, finite
from explain.align import align
from explain.rules import paired_rules
from study import StudyError, statistics
from study.measure import LIFTS, MARKED, MEASURES, PLACES, RULE, SHARES, Maps, at, mean, numbers
from training.data.dataset import progress

PERCENTILES = (10, 50, 90)
CKA_RESAMPLES = 200


def compare(
    measured: tuple[dict, dict], pictures: tuple[dict, dict], maps: tuple[Maps, Maps], inputs: tuple
) -> tuple[dict, dict[str, np.ndarray]]:
    """Compare two measured checkpoints.

    Args:
        measured: both sides' measures.json.
        pictures: both sides' pictures.npz.
        maps: both sides' part of the cache.
        inputs: (height, width) of both sides' input.

    Returns:
        The comparison (see the top of this module), and the arrays of its pictures.npz: identities, digests,
        rank_last, rank_mean.

    Raises:
        StudyError: when the two were not measured on the same pictures.
    """
    left, right = measured
    for key, what in (("pictures", "pictures"), ("heads", "marked pictures")):
        if left[key] != right[key]:
            raise StudyError(f"{left['id']} and {right['id']} were measured on different {what}.")
    places = align(*(side.layers for side in maps), inputs=inputs)
    depths = [np.array([layer.depth for layer in side.layers]) for side in maps]
    names = [name for name in MEASURES if name in left["measures"] and name not in LIFTS]
    ranks, alike = {}, {}
    for rule in progress(paired_rules(), f"{left['id']} and {right['id']}"):
        tables = single_agreements(maps, places, rule)
        alike[rule] = _agreement(tables, places, depths)
        ranks[rule] = tables["rank"]
    comparison = {
        "left": {key: left[key] for key in ("id", "title", "model")},
        "right": {key: right[key] for key in ("id", "title", "model")},
        **{key: left[key] for key in ("dataset", "split", "n", "data", "pictures", "heads")},
        "bootstrap": left["bootstrap"] | {"cka_resamples": CKA_RESAMPLES},
        "percentiles": PERCENTILES,
        "stops": [
            {
                "depth": _depth(depths, i, j),
                "left": maps[0].layers[i].address,
                "right": maps[1].layers[j].address,
            }
            for i, j in places
        ],
        "agreement": alike,
        "measures": {
            name: differing(name, *(side[name].astype(float) for side in pictures), places, *depths) for name in names
        },
        "areas": left["areas"],
        "cka": likeness(*([side.means(k) for k in range(len(side.layers))] for side in maps), places)
        | {name: [layer.address for layer in side.layers] for name, side in zip(("left", "right"), maps, strict=True)},
    }
    return comparison, {
        "identities": pictures[0]["identities"],
        "digests": pictures[0]["digests"],
        "rank_last": ranks[RULE][:, -1].astype(np.float32),
        "rank_mean": mean(ranks[RULE]).astype(np.float32),
    }


def _depth(depths: list[np.ndarray], i: int, j: int) -> float:
    return round(float(depths[0][i] + depths[1][j]) / 2, 4)


# --- maps -------------------------------------------------------------------------------------------------------------


def single_agreements(maps: tuple[Maps, Maps], places: list[tuple[int, int]], rule: str) -> dict[str, np.ndarray]:
    """Rank correlation and overlap of the single pictures' maps, n x stops each; NaN where a map is flat."""
    columns: dict[str, list] = {"rank": [], "overlap": []}
    for i, j in places:
        heatmaps = zip(maps[0].heatmaps(rule, i), maps[1].heatmaps(rule, j), strict=True)
        alike = [agreement(finite(a), finite(b), same_target=False) for a, b in heatmaps]
        for name, column in columns.items():
            column.append(numbers(getattr(single, name) for single in alike))
    return {name: np.stack(column, axis=1) for name, column in columns.items()}


def _agreement(tables: dict[str, np.ndarray], places: list[tuple[int, int]], depths: list[np.ndarray]) -> dict:
    """Percentiles and means over pictures of rank correlation and overlap."""
    n = len(tables["rank"])
    drawn = statistics.draws(n)
    rows = []
    for place, (i, j) in enumerate(places):
        row = {"depth": _depth(depths, i, j)}
        for name, table in tables.items():
            values = table[:, place][np.isfinite(table[:, place])]
            row[name] = [round(float(p), 4) for p in np.percentile(values, PERCENTILES)] if len(values) else None
            row[f"{name}_n"] = len(values)
            row[f"{name}_mean"] = statistics.bootstrap(table[:, place], drawn)
        rows.append(row)
    means = {f"{name}_mean": statistics.bootstrap(mean(table), drawn) for name, table in tables.items()}
    return {"n": n, "stops": rows, "all": means, "below": below(tables["rank"])}


def below(ranks: np.ndarray) -> float | None:
    """90th percentile over pictures of the share of stops at which a picture is below the 10th percentile there.

    Args:
        ranks: n x stops, NaN where undefined.
    """
    columns = [column[np.isfinite(column)] for column in ranks.T]
    lows = [np.percentile(column, PERCENTILES[0]) if len(column) else np.nan for column in columns]
    shares = mean(np.where(np.isfinite(ranks), ranks < lows, np.nan))
    known = shares[np.isfinite(shares)]
    return round(float(np.percentile(known, PERCENTILES[-1])), 4) if len(known) else None


# --- measures ---------------------------------------------------------------------------------------------------------


def differing(
    name: str,
    left: np.ndarray,
    right: np.ndarray,
    places: list[tuple[int, int]],
    left_depths: np.ndarray,
    right_depths: np.ndarray,
) -> dict:
    """Figures of both sides and of their difference by stops, and at each of `PLACES`.

    Args:
        name: of the measure.
        left, right: n x layers, NaN where undefined.
        places: pairs of layers that stand at one stop.
        left_depths, right_depths: of the layers.
    """
    drawn = statistics.draws(len(left))

    def row(a: np.ndarray, b: np.ndarray, differences: np.ndarray, single: bool) -> dict:
        if single and name in SHARES:
            figures = statistics.share(a), statistics.share(b), statistics.share_difference(a, b)
        else:
            figures = (statistics.bootstrap(values, drawn) for values in (a, b, differences))
        return dict(zip(("left", "right", "difference"), figures, strict=True))

    sides = list(zip((left, right), (left_depths, right_depths), strict=True))
    shared = list(zip(_where_both(left, right, places), (left_depths, right_depths), strict=True))
    rows = {}
    for place in PLACES:
        a, b = (at(values, place, depths) for values, depths in sides)
        both_a, both_b = (at(values, place, depths) for values, depths in shared)
        rows[place] = row(a, b, both_a - both_b, place == "last")
    return {
        "stops": [row(left[:, i], right[:, j], left[:, i] - right[:, j], True) for i, j in places],
        **rows,
    }


def _where_both(left: np.ndarray, right: np.ndarray, places: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Both sides' measures, NaN where no layer at the same stop of the other side has one of the same picture."""
    seen = np.zeros(left.shape, bool), np.zeros(right.shape, bool)
    for i, j in places:
        both = np.isfinite(left[:, i]) & np.isfinite(right[:, j])
        seen[0][:, i] |= both
        seen[1][:, j] |= both
    return np.where(seen[0], left, np.nan), np.where(seen[1], right, np.nan)


# --- features ---------------------------------------------------------------------------------------------------------


def likeness(left: list[np.ndarray], right: list[np.ndarray], places: list[tuple[int, int]]) -> dict:
    """Debiased linear CKA of all pairs of layers; with intervals for those that stand at one stop.

    Args:
        left, right: of each layer the channels averaged over space, n x channels.
        places: pairs of layers that stand at one stop.

    Returns:
        values, stops and all (see the top of this module).
    """
    values = np.array([[cka(a, b) for b in right] for a in left])
    n = len(left[0])
    drawn = statistics.draws(n, CKA_RESAMPLES)
    at_stops = np.array([values[i, j] for i, j in places])
    known = np.isfinite(at_stops)  # not where a layer says the same of all pictures
    resampled = np.array([cka(left[i], right[j], drawn) for i, j in progress(places, "CKA")])[known]

    def figure(value: float, draws: np.ndarray) -> dict:
        return statistics.figure(value, *np.nanquantile(draws, statistics.ENDS), n)

    figures = iter([figure(value, row) for value, row in zip(at_stops[known], resampled, strict=True)])
    return {
        "values": [[round(float(value), 4) if math.isfinite(value) else None for value in row] for row in values],
        "stops": [next(figures) if defined else None for defined in known],
        "all": figure(at_stops[known].mean(), resampled.mean(0)) if known.any() else None,
    }


# --- the same again ---------------------------------------------------------------------------------------------------


def reproduced(shipped: dict, repeated: dict) -> tuple[int, float, str]:
    """How far measures or a comparison differ from those that were made before.

    Of a share of pictures, what one picture makes does not count: by a rounding it can lie on the other side.

    Args:
        shipped: an earlier measures.json or comparison.json.
        repeated: a new one. Where one of the two has no figures on heads and animals, those of the other are passed
            over.

    Returns:
        How many figures were compared, their greatest difference, and where it is. Infinite where what is no figure
        differs: checkpoints, layers, counts, a figure that only one of the two has.
    """
    if None in (shipped["heads"], repeated["heads"]):
        shipped, repeated = (_without_heads(content) for content in (shipped, repeated))
    old, new = (dict(_leaves(json.loads(json.dumps(content)))) for content in (shipped, repeated))
    if other := old.keys() ^ new.keys():
        return 0, math.inf, min(other)
    figures = {where for where, value in old.items() if type(value) is float and type(new[where]) in (int, float)}
    apart = {
        where: max(0.0, abs(value - new[where]) - _of_a_picture(where, old))
        if where in figures
        else 0.0
        if value == new[where]
        else math.inf
        for where, value in old.items()
    }
    worst = max(apart, key=apart.__getitem__)
    return len(figures), apart[worst], worst if apart[worst] else ""


def _of_a_picture(where: str, leaves: dict[str, object]) -> float:
    """By how much one picture moves a figure: nothing but shares, with their intervals' ends."""
    folder, _, _ = where.rpartition("/")
    share = any(where.startswith(f"/measures/{name}/") for name in SHARES)
    return 1.1 / leaves[f"{folder}/n"] if share else 0.0  # an end moves a little more than the share


def _without_heads(content: dict) -> dict:
    measures = {name: table for name, table in content["measures"].items() if name not in MARKED}
    return content | {"heads": None, "areas": None, "measures": measures}


def _leaves(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """What JSON holds that is neither object nor array, each with its place."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, f"{where}/{key}")
    else:
        yield where, value
