"""The experiments that the page has words for, and the yardsticks: how far two trainings of one recipe agree.

Which checkpoints are trainings of one recipe, their cards say (`study.store.same_recipe`). What `study compare` found
of two of them is the yardstick: in its comparison.json

    {"left": {"id": ID, "model": sha256 of its file, ...}, "right": the same,
     "agreement": {"gradcam": {"n": 1000, "stops":
        [{"depth": 0.0, "rank": [p10, p50, p90], "overlap": [p10, p50, p90], ...}, ...], "below": share}}, ...}

"below" is the 90th percentile, over the pictures, of the share of depths at which a picture's rank lies below p10.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explain.cards import Card
from study.store import Store, outdated, same_recipe

log = logging.getLogger("two-minds")

SHIPPED = {  # the models that the page's words for an experiment's id speak of
    "sgd-adam": ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"),
    "high-low": ("cats-dogs-vgg16-high", "cats-dogs-vgg16-low"),
    "plain-pretrained": ("cifar100-cnn", "cifar100-effnet-finetuned"),
    "frozen-finetuned": ("cifar100-effnet-frozen", "cifar100-effnet-finetuned"),
    "one-five": (
        "cifar100-ensemble",
        "cifar100-cnn",
        "cifar100-effnet-finetuned",
        "cifar100-effnet-lite1",
        "cifar100-effnet-lite2",
        "cifar100-effnet-finetuned-seed2",
    ),
    "luck-sgd": ("cats-dogs-effnet-sgd", "cats-dogs-effnet-sgd-seed2"),
    "luck-adam": ("cats-dogs-effnet-adam", "cats-dogs-effnet-adam-seed2"),
}


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
        values = self.at(list(depths))
        pairs = zip(values["rank"].tolist(), values["overlap"].tolist(), strict=True)
        bands = [{"rank": rank, "overlap": overlap} for rank, overlap in pairs]
        return {"n": self.n, "pairs": self.pairs, "below": self.below, "bands": bands}

    def at(self, depths: float | Sequence[float] | np.ndarray) -> dict[str, np.ndarray]:
        """Percentiles of rank and overlap (each ... x 3) at depths, linear between those measured."""
        bands = {"rank": self.rank, "overlap": self.overlap}
        return {
            name: np.stack([np.interp(depths, self.depths, band[:, i]) for i in range(3)], axis=-1)
            for name, band in bands.items()
        }


def yardstick(pair: Sequence[str], rule: str, store: Store, cards: Mapping[str, Card]) -> Yardstick | None:
    """The band for a pair and a rule, or None unless trainings of either side's recipe were compared with one another.

    Two trainings of one recipe that were compared themselves are measured by their own band alone. Where several pairs
    of trainings measure a pair, the wider one counts at every depth: "less than two seeds do" then holds for each of
    them.
    """
    recipes = {model_id: (store.measures(model_id) or {}).get("recipe") for model_id in store.models()}
    recipes |= {model_id: card.recipe for model_id, card in cards.items()}
    seeds = [
        two for two in store.pairs() if two[0] != two[1] and same_recipe(*(recipes.get(model_id) for model_id in two))
    ]
    if this_pair := [two for two in seeds if set(two) == set(pair)]:
        chosen = this_pair
    else:
        chosen = [two for two in seeds if any(same_recipe(recipes.get(side), recipes.get(two[0])) for side in pair)]
    digests = {model_id: card.digests.model for model_id, card in cards.items()}
    bands = {two: band for two in chosen if (band := _measured(store, two, rule, digests)) is not None}
    for side in pair:
        if not any(same_recipe(recipes.get(side), recipes.get(two[0])) for two in bands):
            return None
    measured = list(bands.values())
    depths = np.unique(np.concatenate([band.depths for band in measured]))
    values, merged = [band.at(depths) for band in measured], {}
    for name in ("rank", "overlap"):
        table = np.array([each[name] for each in values])
        merged[name] = np.stack([table[..., 0].min(0), table[..., 1].mean(0), table[..., 2].max(0)], axis=1)
    below = None if any(band.below is None for band in measured) else max(band.below for band in measured)
    return Yardstick(min(band.n for band in measured), depths, **merged, below=below, pairs=len(measured))


def _measured(store: Store, seeds: tuple[str, str], rule: str, digests: Mapping[str, str]) -> Yardstick | None:
    whole = store.comparison(*seeds)
    try:
        if whole is None or outdated(whole, digests) or rule not in whole["agreement"]:
            return None
        agreement = whole["agreement"][rule]
        rows = sorted((stop for stop in agreement["stops"] if _whole(stop)), key=lambda stop: stop["depth"])
        if not rows:
            return None
        depths, rank, overlap = (np.array([row[name] for row in rows], float) for name in ("depth", "rank", "overlap"))
        if rank.shape != (len(rows), 3) or overlap.shape != rank.shape:
            raise ValueError("three percentiles are needed")
        below = agreement.get("below")
        return Yardstick(int(agreement["n"]), depths, rank, overlap, None if below is None else float(below))
    except (ValueError, KeyError, TypeError):
        log.warning("The agreement of %s and %s cannot be read.", *seeds)
        return None


def _whole(stop: dict[str, Any]) -> bool:
    """Whether a stop has numbers: where all maps are zero there are none."""
    values = [*(stop["rank"] or [None]), *(stop["overlap"] or [None])]
    return all(isinstance(value, (int, float)) and math.isfinite(value) for value in values)
