"""Which checkpoints stand side by side, and the yardsticks: how far two trainings of one recipe agree.

`weights/experiments.json` is a list, in the order of the chooser:

    [{"id": "sgd-adam", "left": ID, "right": ID, "seeds": false, "title": "...", "question": "..."}, ...]

Title and question may be left out where the page has words for the id (`page/texts`). "seeds" marks a pair that differs
by luck alone. What `training compare` found for it lies in `evidence/LEFT--RIGHT/comparison.json`:

    {"left": {"model": sha256 of its file, ...}, "right": {"model": sha256 of its file, ...},
     "agreement": {"gradcam": {"n": 1000, "stops":
        [{"depth": 0.0, "rank": [p10, p50, p90], "overlap": [p10, p50, p90], ...}, ...], "below": share}}, ...}

"below" is the 90th percentile, over the pictures, of the share of depths at which a picture's rank lies below p10.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from explain.cards import Card

log = logging.getLogger("two-minds")


@dataclass(frozen=True)
class Experiment:
    """Two checkpoints and what their comparison asks."""

    id: str
    left: str
    right: str
    title: str = ""
    question: str = ""
    seeds: bool = False


KINDS = {field.name: field.type for field in fields(Experiment)}


@dataclass(frozen=True)
class Yardstick:
    """The band of two seeds: 10th, 50th and 90th percentile (stops x 3) of rank and overlap at `depths` (ascending).

    n: pictures. below: share of depths, 0 to 1, at which a picture may lie below the band by luck alone: 9 of 10
    pictures of two seeds lie below at no more; None if unknown. pairs: of seeds, of which this is the wider band.
    """

    n: int
    depths: np.ndarray
    rank: np.ndarray
    overlap: np.ndarray
    below: float | None = None
    pairs: int = 1

    def along(self, depths: Iterable[float]) -> dict[str, Any]:
        """As `explain.view.message` takes it, for stops at these depths."""
        bands = [self.at(depth) for depth in depths]
        return {"n": self.n, "pairs": self.pairs, "below": self.below, "bands": bands}

    def at(self, depth: float) -> dict[str, list[float]]:
        """Percentiles of rank and overlap at a depth, linear between those measured."""
        bands = {"rank": self.rank, "overlap": self.overlap}
        return {
            name: [float(np.interp(depth, self.depths, band[:, i])) for i in range(3)] for name, band in bands.items()
        }


def read_experiments(path: Path, ids: Iterable[str]) -> list[Experiment]:
    """The experiments whose checkpoints are there. A broken entry, or file, is reported in the log and passed over."""
    ids, found = set(ids), []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("experiments.json cannot be read; models can still be chosen freely.")
        return []
    for entry in entries if isinstance(entries, list) else []:
        try:
            experiment = Experiment(**entry)
            if not all(isinstance(value, KINDS[name]) for name, value in vars(experiment).items()):
                raise TypeError("a field of another kind")
        except TypeError:
            log.warning("An entry of experiments.json is not understood and is passed over.")
            continue
        if {experiment.left, experiment.right} <= ids:
            found.append(experiment)
    return found


def seeds_of(pair: Sequence[str], experiments: Iterable[Experiment]) -> list[Experiment]:
    """The pairs of seeds that measure a pair: of these very two, else all that one of the two belongs to."""
    seeds = [experiment for experiment in experiments if experiment.seeds]
    own = [experiment for experiment in seeds if {experiment.left, experiment.right} == set(pair)]
    return own or [experiment for experiment in seeds if {experiment.left, experiment.right} & set(pair)]


def outdated(found: Any, left: str, right: str, cards: Mapping[str, Card]) -> list[str]:
    """Those of the two checkpoints that were trained anew since they were compared, by the digests of their files."""
    ids = []
    for side, model_id in (("left", left), ("right", right)):
        try:
            digest = found[side]["model"]
        except (KeyError, TypeError):
            continue
        if model_id in cards and cards[model_id].digests.model != digest:
            ids.append(model_id)
    return ids


def yardstick(
    pair: Sequence[str],
    rule: str,
    experiments: Iterable[Experiment],
    evidence: Path,
    cards: Mapping[str, Card],
) -> Yardstick | None:
    """The band for a pair and a rule, or None unless each side belongs to a pair of seeds that was measured as it is.

    Where several pairs of seeds measure it, the wider one counts at every depth: "less than two seeds do" then holds
    for each of them.
    """
    bands = [(one, _measured(evidence, one, rule, cards)) for one in seeds_of(pair, experiments)]
    measured = [band for _, band in bands if band is not None]
    if not set(pair) <= {side for one, band in bands if band is not None for side in (one.left, one.right)}:
        return None
    depths = np.unique(np.concatenate([one.depths for one in measured]))
    merged = {}
    for name in ("rank", "overlap"):
        bands = np.array([[one.at(depth)[name] for depth in depths] for one in measured])
        merged[name] = np.stack([bands[..., 0].min(0), bands[..., 1].mean(0), bands[..., 2].max(0)], axis=1)
    below = None if any(one.below is None for one in measured) else max(one.below for one in measured)
    return Yardstick(min(one.n for one in measured), depths, **merged, below=below, pairs=len(measured))


def _measured(evidence: Path, seeds: Experiment, rule: str, cards: Mapping[str, Card]) -> Yardstick | None:
    path = evidence / f"{seeds.left}--{seeds.right}" / "comparison.json"
    try:
        whole: Any = json.loads(path.read_text(encoding="utf-8"))
        if outdated(whole, seeds.left, seeds.right, cards):
            return None
        found = whole["agreement"][rule]
        rows = sorted((stop for stop in found["stops"] if _whole(stop)), key=lambda stop: stop["depth"])
        if not rows:
            return None
        depths, rank, overlap = (np.array([row[name] for row in rows], float) for name in ("depth", "rank", "overlap"))
        if rank.shape != (len(rows), 3) or overlap.shape != rank.shape:
            raise ValueError("three percentiles are needed")
        below = found.get("below")
        return Yardstick(int(found["n"]), depths, rank, overlap, None if below is None else float(below))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if not (isinstance(error, KeyError) and error.args == (rule,)):
            log.warning("The agreement of %s and %s cannot be read.", seeds.left, seeds.right)
        return None


def _whole(stop: dict[str, Any]) -> bool:
    """Whether a stop has numbers: where all maps are zero there are none."""
    values = [*(stop["rank"] or [None]), *(stop["overlap"] or [None])]
    return all(isinstance(value, (int, float)) and math.isfinite(value) for value in values)
