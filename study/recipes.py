"""Whether two recipes differ, judged by trainings: every measure by depth, agreement of maps and likeness of features.

`judge` gives `evidence/pairs/LEFT--RIGHT/recipes.json`:

    left, right     ids of the trainings of either side's recipe that were measured on the same pictures: at most ten,
                    the compared one and the first ones by id
    left_out        {left, right: ids of those beyond ten, which are not looked at}
    enough          whether there are at least four of each; if not, everything below is null
    measures        {name: {statistic, p: [... by stop of the comparison]}, ...}
    agreement       {rank, overlap: {statistic, p}}, cka {statistic, p}: null while a pair of the trainings is not
                    compared (see `missing`)
    missing         [[id, id], ...]

`statistic` and `p` are `statistics.test_means`'s and `test_pairs`'s: two-sided, exact, corrected over the stops. Null:
undefined there.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from study import statistics
from study.measure import LIFTS, RULE
from study.store import Store, same_recipe

SIGNIFICANT = 0.05


def judge(store: Store, left: str, right: str) -> dict | None:
    """The test of two checkpoints' recipes.

    Args:
        store: the evidence.
        left: id of a compared checkpoint.
        right: id of the other.

    Returns:
        recipes.json's content (see the top of this module); None for two trainings of one recipe, and where the two
        were not compared or measured.
    """
    comparison, sides = store.comparison(left, right), [store.measures(model_id) for model_id in (left, right)]
    if comparison is None or None in sides or same_recipe(*(side.get("recipe") for side in sides)):
        return None
    groups, others = zip(*(divided(store, model_id, comparison["pictures"]) for model_id in (left, right)), strict=True)
    enough = statistics.enough(*map(len, groups))
    result = {"left": groups[0], "right": groups[1], "left_out": {"left": others[0], "right": others[1]}}
    result |= {"enough": enough, "measures": None, "agreement": None, "cka": None, "missing": []}
    if not enough:
        return result
    stops = comparison["stops"]
    result["measures"] = {
        name: _told(statistics.test_means(*(_by_stop(store, ids, name, stops, side) for ids, side in _sides(groups))))
        for name in comparison["measures"]
        if name not in LIFTS
    }
    result["missing"] = missing(store, [*groups[0], *groups[1]])
    if not result["missing"]:
        tested = {
            name: _told(statistics.test_pairs(pair_table(store, *groups, name, stops), len(groups[0])))
            for name in ("rank", "overlap", "cka")
        }
        result |= {"cka": tested.pop("cka"), "agreement": tested}
    return result


def trainings(store: Store, model_id: str, pictures: str) -> list[str]:
    """A training's recipe's trainings that were measured on the pictures of that digest, `MOST_TRAININGS` at most."""
    return divided(store, model_id, pictures)[0]


def divided(store: Store, model_id: str, pictures: str) -> tuple[list[str], list[str]]:
    """Those `trainings`, itself first; and those that are too many, so that all labellings can be looked at."""
    ids = [other for other in store.trainings(model_id) if store.measures(other)["pictures"] == pictures]
    return ids[: statistics.MOST_TRAININGS], ids[statistics.MOST_TRAININGS :]


def missing(store: Store, ids: list[str]) -> list[list[str]]:
    """Pairs of trainings that are not compared, or were compared before one of them was trained anew."""
    return [list(pair) for pair in itertools.combinations(ids, 2) if _comparison(store, *pair) is None]


def pair_table(store: Store, left: list[str], right: list[str], name: str, stops: list[dict] | None) -> np.ndarray:
    """What all pairs of trainings have in common, trainings x trainings x stops (one, the mean of all, if None).

    Args:
        store: the evidence; it holds all pairs.
        left: ids of one recipe's trainings.
        right: of the other's.
        name: "rank" or "overlap" (mean over pictures of Grad-CAM's) or "cka".
        stops: of the comparison of the two recipes: a pair within a recipe has the value where its own two layers are.
    """
    ids = [*left, *right]
    table = np.full((len(ids), len(ids), len(stops) if stops else 1), np.nan)
    for i, j in itertools.combinations(range(len(ids)), 2):
        comparison = _comparison(store, ids[i], ids[j])
        sides = ["left" if k < len(left) else "right" for k in (i, j)]
        if comparison["left"]["id"] != ids[i]:
            sides.reverse()
        table[i, j] = table[j, i] = _values(comparison, name, sides, stops)
    return table


def _values(comparison: dict, name: str, sides: list[str], stops: list[dict] | None) -> list[float]:
    likeness = comparison["cka"] if name == "cka" else comparison["agreement"][RULE]

    def value(part: dict | None) -> float:
        figure = part if name == "cka" else part and part[f"{name}_mean"]
        return math.nan if figure is None else figure["mean"]

    if stops is None:
        return [value(likeness["all"])]
    places = {(stop["left"], stop["right"]): k for k, stop in enumerate(comparison["stops"])}
    indices = [places.get((stop[sides[0]], stop[sides[1]])) for stop in stops]
    return [math.nan if k is None else value(likeness["stops"][k]) for k in indices]


def _comparison(store: Store, first: str, second: str) -> dict | None:
    """A pair's comparison, whichever side either stands on, if it is of the files and pictures that were measured."""
    for pair in ((first, second), (second, first)):
        comparison = store.comparison(*pair)
        if comparison and all(
            (comparison[side]["model"], comparison["pictures"])
            == (store.measures(model_id)["model"], store.measures(model_id)["pictures"])
            for side, model_id in zip(("left", "right"), pair, strict=True)
        ):
            return comparison
    return None


def _sides(groups: Sequence[list[str]]) -> list[tuple[list[str], str]]:
    return list(zip(groups, ("left", "right"), strict=True))


def _by_stop(store: Store, ids: list[str], name: str, stops: list[dict], side: str) -> np.ndarray:
    """Figures of trainings at the stops of a comparison, trainings x stops; NaN where one has none."""
    rows = []
    for model_id in ids:
        measures = store.measures(model_id)
        layers = measures["measures"].get(name, {}).get("layers", [])
        by_address = {layer["address"]: figure for layer, figure in zip(measures["layers"], layers, strict=False)}
        figures = [by_address.get(stop[side]) for stop in stops]
        rows.append([math.nan if figure is None else figure["mean"] for figure in figures])
    return np.array(rows)


def _told(tested: statistics.Tested) -> dict:
    """JSON has neither NaN nor infinity: a spread of zero has no statistic, but a p."""
    return {
        "statistic": [round(float(value), 6) if math.isfinite(value) else None for value in tested.statistic],
        "p": [round(float(value), 6) if math.isfinite(value) else None for value in tested.p],
    }
