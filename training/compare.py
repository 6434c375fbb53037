"""Two checkpoints over many pictures: how far their maps agree, depth by depth."""

import json
from pathlib import Path

import numpy as np

from explain.cams import RULES
from explain.checkpoints import Checkpoint
from explain.engine import explain
from explain.pairs import Comparison, common_target, compare
from training import TrainingError
from training.data.dataset import Dataset, atomically, pixels, progress

BATCH = 8
PERCENTILES = (10, 50, 90)


class CompareError(TrainingError):
    """Two checkpoints cannot be compared; the message says why."""


def agreement(left: Checkpoint, right: Checkpoint, dataset: Dataset, split: str, count: int, cache: Path) -> dict:
    """Agreement of two checkpoints' maps by depth, over `count` pictures of a split, for every one-pass rule.

    The pictures are spread evenly over the split, so that all classes have their share.

    Each picture is explained for one class on both sides, that with the higher mean probability.

    Returns:
        left, right: ids and model digests; dataset, split, n; rules: by name, `stops` with the depth, both layers, and
        for rank correlation and overlap of the top 20 % the 10th, 50th and 90th percentile over pictures, and the
        number of pictures for which they are defined.

    Raises:
        CompareError: when the two tell other classes apart.
    """
    if left.classes != right.classes:
        raise CompareError(f"{left.id} and {right.id} tell different classes apart.")
    whole = dataset.items[split]
    count = min(count, len(whole))
    items = [whole[i * len(whole) // count] for i in range(count)]
    comparisons: dict[str, list[Comparison]] = {rule: [] for rule in RULES}
    sides = {side.id: pixels(items, side.input_size[0], cache) for side in (left, right)}
    for first in progress(range(0, len(items), BATCH), f"{left.id} and {right.id}"):
        batches = [np.asarray(sides[side.id][first : first + BATCH]) for side in (left, right)]
        probabilities = [side.predict(batch) for side, batch in zip((left, right), batches, strict=True)]
        targets = [common_target(a, b) for a, b in zip(*probabilities, strict=True)]
        explanations = [
            explain(side.model, batch, target=targets, rules=tuple(RULES), classes=side.classes)
            for side, batch in zip((left, right), batches, strict=True)
        ]
        for rule, found in comparisons.items():
            found += [compare(*explanations, rule=rule, picture=picture) for picture in range(len(targets))]
    return {
        "left": {"id": left.id, "model": left.card["digests"]["model"]},
        "right": {"id": right.id, "model": right.card["digests"]["model"]},
        "dataset": dataset.name,
        "split": split,
        "n": len(items),
        "percentiles": PERCENTILES,
        "rules": {rule: {"n": len(found), "stops": _stops(found)} for rule, found in comparisons.items()},
    }


def _stops(comparisons: list[Comparison]) -> list[dict]:
    rows = []
    for stops in zip(*(comparison.stops for comparison in comparisons), strict=True):
        row = {
            "depth": round(stops[0].depth, 4),
            "left": stops[0].left.address,
            "right": stops[0].right.address,
        }
        for measure in ("rank", "overlap"):
            values = [value for stop in stops if (value := getattr(stop, measure)) is not None]
            row[measure] = [round(float(p), 4) for p in np.percentile(values, PERCENTILES)] if values else None
            row[f"{measure}_n"] = len(values)
        rows.append(row)
    return rows


def write(found: dict, evidence: Path) -> Path:
    """Put the agreement into `evidence/LEFT--RIGHT/agreement.json`; returns the file."""
    path = evidence / f"{found['left']['id']}--{found['right']['id']}" / "agreement.json"
    atomically(path, lambda draft: draft.write_text(json.dumps(found, indent=1) + "\n"))
    return path
