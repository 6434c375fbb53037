"""Evidence of the shipped form, made of random numbers: trainings of recipes, and every pair of them."""

import csv
import itertools

import numpy as np

from explain.rules import paired_rules
from study import recipes
from study.measure import LIFTS, MEASURES, PLACES
from study.store import Store

DEPTHS = np.round(np.linspace(0, 1, 6), 4)
LAYERS = [f"block{place}" for place in range(len(DEPTHS))]
FORM = {"dataset": "drawn", "split": "test", "n": 9, "data": "d", "pictures": "p"}
HEADS = {"name": "pets", "n": 5, "digest": "h"}
AREAS = {
    "head": {"mean": 0.21, "low": 0.2, "high": 0.22, "n": 5},
    "animal": {"mean": 0.41, "low": 0.4, "high": 0.42, "n": 5},
}


def figure(mean, half=0.01, n=9):
    return {"mean": round(float(mean), 6), "low": round(mean - half, 6), "high": round(mean + half, 6), "n": n}


def recipe(name, seed=1):
    """As on a card: what a name stands for is its optimizer."""
    return {"id": f"{name}-{seed}", "seed": seed, "optimizer": {"name": name}, "batch": 32}


def measures(model_id, values, of=None, history=(), model=None):
    """measures.json of a training. `values`: {name: one figure a layer}; what is not named is 0.3."""
    table = {}
    for name in MEASURES:
        column = np.broadcast_to(values.get(name, 0.3), len(DEPTHS))
        means = {"last": column[-1], "all": column.mean(), "deep": column[DEPTHS >= 0.5].mean()}
        table[name] = {"layers": [figure(mean) for mean in column], **{place: figure(means[place]) for place in PLACES}}
    return {
        "id": model_id,
        "title": f"{model_id} & <b>",
        "model": model or f"digest of {model_id}",
        "recipe": of,
        "history": [{"epoch": k + 1, "size": size, "accuracy": value} for k, (size, value) in enumerate(history)],
        **FORM,
        "heads": HEADS,
        "layers": [{"address": a, "depth": float(d)} for a, d in zip(LAYERS, DEPTHS, strict=True)],
        "measures": table,
        "areas": AREAS,
    }


def comparison(left, right, rank=0.5, likeness=0.9):
    """comparison.json of two measured trainings. `rank`, `likeness`: one figure, or one a stop."""
    rank, likeness = (np.broadcast_to(value, len(DEPTHS)) for value in (rank, likeness))
    rows = [
        {"depth": float(depth), "rank_n": 9, "overlap_n": 9}
        | {name: [round(float(value + k), 4) for k in (-0.1, 0, 0.1)] for name in ("rank", "overlap")}
        | {f"{name}_mean": figure(value) for name in ("rank", "overlap")}
        for depth, value in zip(DEPTHS, rank, strict=True)
    ]
    values = np.full((len(DEPTHS), len(DEPTHS)), 0.5)
    np.fill_diagonal(values, likeness)

    def row(a, b):
        return {"left": a, "right": b, "difference": figure(a["mean"] - b["mean"])}

    tables = {}
    for name in MEASURES:
        if name not in LIFTS:
            a, b = left["measures"][name], right["measures"][name]
            stops = [row(x, y) for x, y in zip(a["layers"], b["layers"], strict=True)]
            tables[name] = {"stops": stops, **{place: row(a[place], b[place]) for place in PLACES}}
    return {
        "left": {key: left[key] for key in ("id", "title", "model")},
        "right": {key: right[key] for key in ("id", "title", "model")},
        **FORM,
        "heads": HEADS,
        "stops": [{"depth": float(d), "left": a, "right": a} for a, d in zip(LAYERS, DEPTHS, strict=True)],
        "agreement": {
            rule: {"n": 9, "stops": rows, "all": {f"{n}_mean": figure(rank.mean()) for n in ("rank", "overlap")}}
            | {"below": 0.2}
            for rule in paired_rules()
        },
        "measures": tables,
        "areas": AREAS,
        "cka": {
            "left": LAYERS,
            "right": LAYERS,
            "values": values.round(4).tolist(),
            "stops": [figure(value) for value in likeness],
            "all": figure(likeness.mean()),
        },
    }


PICTURES = {"identities": np.array(["cat/1"]), "digests": np.array(["0"]), "rank_last": np.zeros(1, np.float32)}
MARKED = {"marked_labels": np.zeros(5, np.int32), "marked_predicted": np.zeros(5, np.int32)}


def lay(store: Store, numbers, planted=None, gap=0.0, seed=0, names=None):
    """Trainings of recipes, all measured and compared with one another, and the first two recipes judged.

    `numbers`: {recipe's name: how many}. `planted`: {measure: {layer: by how much the first recipe has more}}.
    `gap`: by how much trainings of different recipes agree less. `names`: {recipe's name: the first one's id}.
    Returns the ids, by recipe.
    """
    rng = np.random.default_rng(seed)
    names = names or {name: name for name in numbers}
    ids = {
        name: [names[name] + (f"-seed{k}" if k > 1 else "") for k in range(1, number + 1)]
        for name, number in numbers.items()
    }
    trainings = {}
    for name, models in ids.items():
        for k, model_id in enumerate(models):
            values = {measure: 0.3 + np.cumsum(rng.normal(0, 0.003, len(DEPTHS))) for measure in MEASURES}
            if name == next(iter(ids)):
                for measure, shifts in (planted or {}).items():
                    for layer, shift in shifts.items():
                        values[measure][layer] += shift
            history = [(160, 0.95 + rng.normal(0, 0.001)), (160, 0.97), (192, 0.99)]
            store.write_model(measures(model_id, values, recipe(name, k + 1), history), MARKED)
            trainings[model_id] = name, rng.normal(0, 0.02)
    for left, right in itertools.combinations(trainings, 2):
        (name, a), (other, b) = trainings[left], trainings[right]
        alike = a + b - (gap if name != other else 0) + rng.normal(0, 0.002, len(DEPTHS))
        pair = comparison(store.measures(left), store.measures(right), 0.5 + alike, 0.9 + alike)
        store.write_pair(pair, PICTURES)
    if len(ids) > 1:
        pair = [models[0] for models in ids.values()][:2]
        store.write_recipes(*pair, recipes.judge(store, *pair))
    return ids


def table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def evaluated(folder, place=0):
    """A checkpoint's history.csv and evaluation/."""
    names = ("accuracy", "log_loss", "val_accuracy", "val_log_loss")
    rows = [{"epoch": e, "size": 160, **dict.fromkeys(names, 0.9 + e / 100 + place / 1000)} for e in (1, 2)]
    table(folder / "history.csv", rows)
    inside = folder / "evaluation"
    table(inside / "confusion.csv", [{"true": "Cat", "Cat": 1234, "Dog": 5}, {"true": "Dog", "Cat": 7, "Dog": 890}])
    points = [(0, 0), (0.02, 0.97), (1, 1)]
    table(inside / "roc.csv", [{"class": "Dog", "false_positive": f, "true_positive": t} for f, t in points])
    bins = [{"confidence_low": c - 0.1, "confidence": c, "accuracy": c - 0.05, "n": 30} for c in (0.6, 0.9)]
    table(inside / "reliability.csv", bins)
