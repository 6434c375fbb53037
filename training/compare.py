"""Two checkpoints over many pictures: how alike their maps and features are, and how each one's differ, with intervals.

`measure` gives one JSON-able dict (`evidence/LEFT--RIGHT/comparison.json`). All of it stands by "stops": the layers of
both models paired by depth.

    left, right     {id, model: digest, title}
    dataset, split, n        the pictures; pictures.npz beside it names them, with what the browser of pictures needs
    heads           {name, n, digest} of the pictures whose heads and animals are marked, or null
    bootstrap       {resamples, cka_resamples, level}
    stops           [{depth, left, right: addresses}, ...]
    agreement       {rule: {stops: [{depth, rank, overlap: [10th, 50th, 90th percentile over pictures],
                     rank_n, overlap_n, rank_mean, overlap_mean: figure}, ...], all: {rank_mean, overlap_mean},
                     below: see _below}, ...}
    measures        {name: {title, about, pictures, stops: [{left, right: figure, difference: figure and p}, ...],
                     all: the same for each picture's mean over stops (of a difference: those where both sides are
                     defined)}, ...}; see MEASURES
    areas           {head, animal: figure}: share of the picture, null without marked pictures
    cka             {left, right: addresses, values: [[...], ...] left x right, stops: [figure, ...], all: figure}

A figure is {mean, low, high, n}: the mean over the n pictures where it is defined, with a 95 % interval by the
percentile bootstrap over pictures (Efron 1979). CKA is debiased (see `explain.agreement.cka`). `p` is of Wilcoxon's
signed-rank test of left against right, picture by picture. Null: nowhere defined.

Agreement is of maps of one class for both sides, that with the higher mean probability, as on the page. A measure of
one model's maps is of the class that this model predicts: what a model looks at for its own answer must not depend on
what stands beside it. (At first both used the common class. It was changed before VGG16 was compared, whose low model
is often sure of the wrong one.)
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from explain.agreement import cka, heat
from explain.align import Comparison, align, common_target, compare
from explain.cams import RULES
from explain.checkpoints import Checkpoint
from explain.explanation import Explanation
from explain.measures import feature_figures, focus_entropy, share_inside
from training import TrainingError
from training.data.dataset import Dataset, Item, atomically, pixels, progress
from training.data.pets import Pets

BATCH = 8
PERCENTILES = (10, 50, 90)
RESAMPLES = 2000
CKA_RESAMPLES = 200  # each is a matrix product per stop
LEVEL = 0.95
RULE = "gradcam"  # of all measures of maps
ALL_CHANNELS = 1 << 20


class CompareError(TrainingError):
    """Two checkpoints cannot be compared; the message says why."""


class Measure(NamedTuple):
    """A figure of one picture, one model and one layer: its title and one sentence for people."""

    title: str
    about: str
    marked: bool = False  # needs pictures whose heads and animals are marked


MEASURES = {
    "dead": Measure("Dead channels", "Share of a layer's channels that hardly vary over the picture."),
    "contrast": Measure(
        "Contrast of feature maps", "Standard deviation of a live feature map's values, stretched to 0 to 1."
    ),
    "entropy": Measure("Entropy of feature maps", "Of a live feature map's values in 32 steps, in bits, 0 to 5."),
    "roughness": Measure(
        "Roughness of feature maps", "Mean step between neighbouring cells of a live feature map, stretched to 0 to 1."
    ),
    "focus_entropy": Measure(
        "Spread of Grad-CAM", "How evenly the heat lies: 0 in a single cell, 1 the same everywhere."
    ),
    "focus_area": Measure("Hot area of Grad-CAM", "Share of the map above half of its greatest value."),
    "head_share": Measure("Heat in the head", "Share of Grad-CAM's heat inside the head's box.", True),
    "animal_share": Measure("Heat in the animal", "Share of Grad-CAM's heat inside the animal's outline.", True),
    "head_lift": Measure(
        "Heat in the head beyond its area",
        "Share of heat inside the head's box less the box's share of the area.",
        True,
    ),
    "animal_lift": Measure(
        "Heat in the animal beyond its area", "Share of heat inside the animal less its share of the area.", True
    ),
    "astray": Measure(
        "Maps that miss the animal", "1 where the animal has less of the heat than its share of the area, else 0.", True
    ),
}


def measure(
    left: Checkpoint, right: Checkpoint, dataset: Dataset, split: str, count: int, cache: Path, pets: Pets | None = None
) -> tuple[dict, dict[str, np.ndarray]]:
    """Compare two checkpoints over `count` pictures, spread evenly over a split so that all classes have their share.

    Args:
        left, right: of the same classes.
        dataset: where the pictures are from.
        split: which part of it.
        count: how many.
        cache: where decoded pictures are kept.
        pets: pictures whose heads and animals are marked.

    Returns:
        The comparison (see the top of this module), and what is known of each picture: arrays of n, as pictures.npz
        holds them.

    Raises:
        CompareError: when the two tell other classes apart.
    """
    if left.classes != right.classes:
        raise CompareError(f"{left.model_id} and {right.model_id} tell different classes apart.")
    sides = left, right
    items = _evenly(dataset.items[split], count)
    arrays = {side.model_id: pixels(items, side.input_size[0], cache) for side in sides}
    comparisons: dict[str, list[Comparison]] = {rule: [] for rule in RULES}
    values, features = [[], []], [[], []]
    targets: list[int] = []
    for first in progress(range(0, len(items), BATCH), f"{left.model_id} and {right.model_id}"):
        batches = [np.asarray(arrays[side.model_id][first : first + BATCH]) for side in sides]
        explanations = _explain(sides, batches, tuple(RULES), ALL_CHANNELS)
        owns = _explain(sides, batches, (RULE,), common=False)
        targets += explanations[0].targets.tolist()
        for rule, found in comparisons.items():
            found += [compare(*explanations, rule=rule, picture=i) for i in range(len(batches[0]))]
        for explanation, own, own_values, own_features in zip(explanations, owns, values, features, strict=True):
            own_values.append(_measured(explanation, own, FIGURES))
            own_features.append([_pooled(explanation, layer.address) for layer in explanation.layers])
    layers = [explanation.layers for explanation in explanations]
    places = align(*layers, inputs=[side.input_size for side in sides])
    tables = {name: _table(values, name, places) for name in FIGURES}
    areas = None
    if pets is not None:
        marked, areas = _marked(sides, pets)
        tables |= {name: _table(marked, name, places) for name in marked[0][0]}
    pooled = [[np.concatenate(layer) for layer in zip(*own, strict=True)] for own in features]
    found = {
        **{
            name: {"id": side.model_id, "model": side.card.digests.model, "title": side.card.title}
            for name, side in zip(("left", "right"), sides, strict=True)
        },
        "dataset": dataset.name,
        "split": split,
        "n": len(items),
        "heads": None if pets is None else {"name": pets.folder.name, "n": len(pets), "digest": pets.digest},
        "bootstrap": {"resamples": RESAMPLES, "cka_resamples": CKA_RESAMPLES, "level": LEVEL},
        "percentiles": PERCENTILES,
        "stops": [
            {
                "depth": round((layers[0][i].depth + layers[1][j].depth) / 2, 4),
                "left": layers[0][i].address,
                "right": layers[1][j].address,
            }
            for i, j in places
        ],
        "agreement": {rule: _agreement(found) for rule, found in comparisons.items()},
        "measures": {name: {**MEASURES[name]._asdict(), **_differing(*table)} for name, table in tables.items()},
        "areas": areas,
        "cka": _cka(layers, pooled, places),
    }
    return found, _pictures(items, targets, comparisons[RULE])


def _evenly(items: Sequence[Item], count: int) -> list[Item]:
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def _explain(
    sides: tuple[Checkpoint, Checkpoint],
    pictures: Sequence,
    rules: tuple[str, ...],
    features: int = 0,
    common: bool = True,
) -> list[Explanation]:
    """Both sides' explanations of one batch, for common targets or for what each predicts.

    `pictures`: one batch a side.
    """
    targets = "predicted"
    if common:
        probabilities = [side.predict(batch) for side, batch in zip(sides, pictures, strict=True)]
        targets = [common_target(a, b) for a, b in zip(*probabilities, strict=True)]
    return [
        side.explain(batch, target=targets, rules=rules, features=features)
        for side, batch in zip(sides, pictures, strict=True)
    ]


# -- one model, one picture, one layer -------------------------------------------------------------------------------

FIGURES = [name for name, one in MEASURES.items() if not one.marked]


def _measured(explanation: Explanation, own: Explanation, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Every measure of feature maps, and of the maps of `own`: float n x layers each, NaN where undefined."""
    columns: dict[str, list] = {name: [] for name in names}
    for layer in explanation.layers:
        features, maps = explanation.features[layer.address], own.maps[RULE][layer.address]
        heats = [heat(map) for map in maps]
        figures = {
            **feature_figures(features),
            "dead": features.dead,
            "focus_entropy": _numbers(focus_entropy(map) for map in maps),
            "focus_area": _numbers(one and one.spread for one in heats),
        }
        for name in names:
            columns[name].append(figures[name])
    return {name: np.stack(column, axis=1).astype(float) for name, column in columns.items()}


def _numbers(values: Iterator[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)


def _pooled(explanation: Explanation, address: str) -> np.ndarray:
    """A layer's channels, in their own order, averaged over space: n x channels."""
    features = explanation.features[address]
    pooled = np.empty(features.channels.shape, np.float32)
    np.put_along_axis(pooled, features.channels, features.maps.mean((1, 2)), axis=1)
    return pooled


def _marked(sides: tuple[Checkpoint, Checkpoint], pets: Pets) -> tuple[list[list[dict]], dict]:
    """What of each map lies in heads and animals, by side; and how large those are."""
    values, areas = [[], []], {"head": [], "animal": []}
    for first in progress(range(0, len(pets), BATCH), "heads and animals"):
        batch = [pets[place] for place in range(first, min(first + BATCH, len(pets)))]
        for name, found in areas.items():
            found += [getattr(pet, name).mean() for pet in batch]
        explanations = _explain(sides, [[pet.pixels for pet in batch]] * 2, (RULE,), common=False)
        for explanation, own in zip(explanations, values, strict=True):
            own.append(_inside(explanation, batch))
    draws = _draws(len(pets), RESAMPLES)
    return values, {name: _figure(np.array(found), draws) for name, found in areas.items()}


def _inside(explanation: Explanation, batch: Sequence) -> dict[str, np.ndarray]:
    figures = {}
    for name in ("head", "animal"):
        regions = [getattr(pet, name) for pet in batch]
        area = np.array([region.mean() for region in regions])[:, None]
        share = np.stack(
            [
                _numbers(share_inside(map, region) for map, region in zip(maps, regions, strict=True))
                for maps in (explanation.maps[RULE][layer.address] for layer in explanation.layers)
            ],
            axis=1,
        )
        figures |= {f"{name}_share": share, f"{name}_lift": share - area}
    lift = figures["animal_lift"]
    figures["astray"] = np.where(np.isnan(lift), np.nan, lift < 0)
    return figures


# -- over pictures ---------------------------------------------------------------------------------------------------


def _draws(n: int, resamples: int) -> np.ndarray:
    """How often each of n pictures is drawn, resamples x n; the same for the same n."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)


def _figure(values: np.ndarray, draws: np.ndarray) -> dict | None:
    """Mean of n values with its interval; NaN is undefined."""
    there = np.isfinite(values)
    if not there.any():
        return None
    number = draws @ there
    means = (draws @ np.where(there, values, 0))[number > 0] / number[number > 0]
    return _interval(values[there].mean(), means, int(there.sum()))


def _interval(value: float, resampled: np.ndarray, n: int) -> dict:
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"mean": round(float(value), 6), "low": round(float(low), 6), "high": round(float(high), 6), "n": n}


def _table(values: list[list[dict]], name: str, places: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """A measure of left and right by stops, n x stops each."""
    left, right = (np.concatenate([part[name] for part in own]) for own in values)
    return left[:, [i for i, _ in places]], right[:, [j for _, j in places]]


def _differing(left: np.ndarray, right: np.ndarray) -> dict:
    """Figures of both sides and of their difference by stops, and for each picture's mean over stops."""
    draws = _draws(len(left), RESAMPLES)

    def row(a: np.ndarray, b: np.ndarray, differences: np.ndarray) -> dict:
        difference = _figure(differences, draws)
        if difference is not None:
            difference["p"] = signed_rank(differences)
        return {"left": _figure(a, draws), "right": _figure(b, draws), "difference": difference}

    return {
        "stops": [row(a, b, a - b) for a, b in zip(left.T, right.T, strict=True)],
        "all": row(_mean(left), _mean(right), _mean(left - right)),  # at the same depths, also where a map is zero
    }


def _mean(values: np.ndarray) -> np.ndarray:
    """Of each row, over what is defined."""
    number = np.isfinite(values).sum(1)
    return np.nansum(values, 1) / np.where(number, number, np.nan)


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (Biometrics Bulletin 1, 1945); 1 where nothing differs."""
    differences = differences[np.isfinite(differences)]
    if not differences.any():
        return 1.0
    return float(f"{stats.wilcoxon(differences).pvalue:.3g}")


def _agreement(comparisons: list[Comparison]) -> dict:
    """Percentiles and means over pictures of rank correlation and overlap."""
    draws = _draws(len(comparisons), RESAMPLES)
    tables = {
        name: np.stack([_numbers(getattr(stop.versus[1], name) for stop in one.stops) for one in comparisons])
        for name in ("rank", "overlap")
    }
    rows = []
    for place, stop in enumerate(comparisons[0].stops):
        row = {"depth": round(stop.depth, 4)}
        for name, table in tables.items():
            values = table[:, place][np.isfinite(table[:, place])]
            row[name] = [round(float(p), 4) for p in np.percentile(values, PERCENTILES)] if len(values) else None
            row[f"{name}_n"] = len(values)
            row[f"{name}_mean"] = _figure(table[:, place], draws)
        rows.append(row)
    means = {f"{name}_mean": _figure(_mean(table), draws) for name, table in tables.items()}
    return {"n": len(comparisons), "stops": rows, "all": means, "below": _below(tables["rank"])}


def _below(ranks: np.ndarray) -> float | None:
    """90th percentile over pictures of the share of stops at which a picture is below the 10th percentile there."""
    columns = [column[np.isfinite(column)] for column in ranks.T]
    lows = [np.percentile(column, PERCENTILES[0]) if len(column) else np.nan for column in columns]
    shares = _mean(np.where(np.isfinite(ranks), ranks < lows, np.nan))
    known = shares[np.isfinite(shares)]
    return round(float(np.percentile(known, PERCENTILES[-1])), 4) if len(known) else None


def _cka(layers: list[tuple], pooled: list[list[np.ndarray]], places: list[tuple[int, int]]) -> dict:
    """Debiased linear CKA of all pairs of layers; with intervals for those that stand at one stop."""
    values = [[cka(a, b) for b in pooled[1]] for a in pooled[0]]
    draws = _draws(len(pooled[0][0]), CKA_RESAMPLES)
    at_stops = np.array([values[i][j] for i, j in places])
    known = np.isfinite(at_stops)  # not where a layer says the same of all pictures
    resampled = np.array([cka(pooled[0][i], pooled[1][j], draws) for i, j in progress(places, "CKA")])[known]
    n = len(pooled[0][0])
    figures = iter([_interval(value, row, n) for value, row in zip(at_stops[known], resampled, strict=True)])
    return {
        "left": [layer.address for layer in layers[0]],
        "right": [layer.address for layer in layers[1]],
        "values": [[round(value, 4) if math.isfinite(value) else None for value in row] for row in values],
        "stops": [next(figures) if there else None for there in known],
        "all": _interval(at_stops[known].mean(), resampled.mean(0), n) if known.any() else None,
    }


def _pictures(items: Sequence[Item], targets: list[int], comparisons: list[Comparison]) -> dict[str, np.ndarray]:
    ranks = np.stack([_numbers(stop.versus[1].rank for stop in one.stops) for one in comparisons])
    return {
        "identities": np.array([item.identity for item in items]),
        "digests": np.array([item.digest for item in items]),
        "targets": np.array(targets, np.int32),
        "rank_last": ranks[:, -1].astype(np.float32),
        "rank_mean": _mean(ranks).astype(np.float32),
    }


def reproduced(shipped: dict, found: dict) -> tuple[int, float, str]:
    """How far a comparison differs from one that was made before.

    Args:
        shipped: an earlier `measure`'s.
        found: a new one. Where it has no figures on heads and animals, those of `shipped` are passed over.

    Returns:
        How many figures were compared, their greatest difference, and where it is. Infinite where what is no figure
        differs: checkpoints, layers, counts, a figure that only one of the two has.
    """
    if found["heads"] is None:
        measures = {name: table for name, table in shipped["measures"].items() if not table["marked"]}
        shipped = shipped | {"heads": None, "areas": found["areas"], "measures": measures}
    old, new = (dict(_leaves(json.loads(json.dumps(one)))) for one in (shipped, found))
    if other := old.keys() ^ new.keys():
        return 0, math.inf, min(other)
    figures = {where for where, value in old.items() if type(value) is float and type(new[where]) in (int, float)}
    apart = {
        where: abs(value - new[where]) if where in figures else 0.0 if value == new[where] else math.inf
        for where, value in old.items()
    }
    worst = max(apart, key=apart.__getitem__)
    return len(figures), apart[worst], worst if apart[worst] else ""


def _leaves(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """What JSON holds that is neither object nor array, each with its place."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, f"{where}/{key}")
    else:
        yield where, value


def keep(evidence: Path, left: str, right: str, count: int, pets: Pets | None) -> None:
    """See that a comparison would not replace one of more pictures.

    Raises:
        CompareError: when it would; the message says how to go on.
    """
    path = evidence / f"{left}--{right}" / "comparison.json"
    if not path.exists():
        return
    old = json.loads(path.read_text())
    lost = [f"{old['n']:,} pictures, not {count:,} (--count)"] if count < old["n"] else []
    if old["heads"] and (pets is None or len(pets) < old["heads"]["n"]):
        lost.append(f"{old['heads']['n']} pictures with marked heads (--heads-dir)")
    if lost:
        raise CompareError(
            f"{path.parent} was measured on {', and '.join(lost)}. "
            "To replace it by less, add --force; to keep both, name another folder (--evidence)."
        )


def write(found: dict, pictures: dict[str, np.ndarray], evidence: Path) -> Path:
    """Put a comparison into `evidence/LEFT--RIGHT/`; returns the folder."""
    folder = evidence / f"{found['left']['id']}--{found['right']['id']}"

    def save(draft: Path) -> None:
        with open(draft, "wb") as file:
            np.savez_compressed(file, **pictures)

    atomically(folder / "pictures.npz", save)
    atomically(folder / "comparison.json", lambda draft: draft.write_text(json.dumps(found, indent=1) + "\n"))
    return folder
