"""The original experiments' claims, each with the figure that tests it, and its verdict by one rule.

**The rule.** A claim's figure is taken from a comparison of two checkpoints (see `compare`) with its 95 % interval, and
signed so that the claim asks for more of it. The threshold is the larger of

- the claim's own margin: what it takes to be worth speaking of, and
- luck: the greatest end, by absolute value, of the intervals of the same difference between two seeds of one recipe,
  over all such pairs of the experiment. (Claims on one model's figure alone, and experiments without a second seed,
  have only the margin.)

A claim that two things differ *holds* when the whole interval lies above the threshold, *does not hold* when it lies
below, and *cannot be told* when the threshold lies within. A claim that there is no difference to speak of holds when
the interval lies below the threshold, and does not hold when it lies above. Where a comparison that the rule needs is
missing, the claim cannot be told.

This rule, the figures and the margins were written down before any of the figures was computed; see the history of
this file. Two faults in computing the figures were put right after SGD and Adam had been compared, before VGG16 was:
maps are now those for the class that a model predicts itself, and a mean difference over all depths is of the depths
where both models have a map.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from training.data.dataset import atomically

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"


@dataclass(frozen=True)
class Claim:
    """A sentence of an original experiment and what would show it.

    Attributes:
        id: of the claim.
        sentence: the claim, in the original's sense.
        test: the figure, in words.
        left, right: the checkpoints compared.
        measure: of `compare.MEASURES`, or "cka" (then 1 - CKA: how different the features are).
        place: "last" stop, or "all": the mean over stops.
        side: "difference" (left minus right), "left" or "right".
        sign: 1 or -1: the claim asks for more, or for less, of it.
        margin: least size worth speaking of, in the measure's unit.
        same: the claim says that there is no more than that.
        seeds: pairs of checkpoints that differ by luck alone.
    """

    id: str
    sentence: str
    test: str
    left: str
    right: str
    measure: str
    place: str
    side: str
    sign: int
    margin: float
    same: bool = False
    seeds: tuple[tuple[str, str], ...] = ()


EFFNET = {
    "left": "cats-dogs-effnet-sgd",
    "right": "cats-dogs-effnet-adam",
    "seeds": tuple((id, f"{id}-seed2") for id in ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")),
}
VGG16 = {"left": "cats-dogs-vgg16-high", "right": "cats-dogs-vgg16-low"}

CLAIMS = (
    Claim(
        "adam-distinct",
        "Adam's maps are more distinct.",
        "Grad-CAM's heat is less evenly spread for Adam than for SGD, mean over all depths.",
        **EFFNET,
        measure="focus_entropy",
        place="all",
        side="difference",
        sign=1,
        margin=0.02,
    ),
    Claim(
        "sgd-hard",
        "SGD's maps are sometimes hard to understand.",
        "More of SGD's maps at the last layer than of Adam's have less heat on the animal than its share of the area.",
        **EFFNET,
        measure="astray",
        place="last",
        side="difference",
        sign=1,
        margin=0.02,
    ),
    Claim(
        "features-alike",
        "The feature maps of SGD and Adam can't be told apart by eye.",
        "1 - CKA of the two models' features, mean over all depths, is at most 0.05, or as large as between two seeds.",
        **EFFNET,
        measure="cka",
        place="all",
        side="difference",
        sign=1,
        margin=0.05,
        same=True,
    ),
    Claim(
        "high-face",
        "The high model looks at nose, ears and face.",
        "At the last layer the head has more of the high model's heat than its share of the area.",
        **VGG16,
        measure="head_lift",
        place="last",
        side="left",
        sign=1,
        margin=0.05,
    ),
    Claim(
        "high-face-more",
        "The high model looks at nose, ears and face; the low one at everything.",
        "At the last layer more of the heat lies in the head for the high model than for the low one.",
        **VGG16,
        measure="head_share",
        place="last",
        side="difference",
        sign=1,
        margin=0.05,
    ),
    Claim(
        "low-everything",
        "The low model looks at everything at once.",
        "Grad-CAM's heat at the last layer is more evenly spread for the low model than for the high one.",
        **VGG16,
        measure="focus_entropy",
        place="last",
        side="difference",
        sign=-1,
        margin=0.02,
    ),
    Claim(
        "low-smooth",
        "The low model's feature maps are smooth.",
        "Neighbouring cells of feature maps differ less in the low model than in the high one, mean over all depths.",
        **VGG16,
        measure="roughness",
        place="all",
        side="difference",
        sign=1,
        margin=0.01,
    ),
    Claim(
        "low-dead",
        "Some of the low model's feature maps are dead.",
        "A larger share of channels is dead in the low model than in the high one, mean over all depths.",
        **VGG16,
        measure="dead",
        place="all",
        side="difference",
        sign=-1,
        margin=0.01,
    ),
    Claim(
        "high-contrast",
        "The high model's feature maps are contrasty.",
        "The contrast of feature maps is higher in the high model than in the low one, mean over all depths.",
        **VGG16,
        measure="contrast",
        place="all",
        side="difference",
        sign=1,
        margin=0.01,
    ),
    Claim(
        "high-alive",
        "The high model's feature maps are nearly all alive.",
        "At most 5 % of the high model's channels are dead, mean over all depths.",
        **VGG16,
        measure="dead",
        place="all",
        side="left",
        sign=1,
        margin=0.05,
        same=True,
    ),
)


def figure(comparison: dict, claim: Claim) -> dict | None:
    """The claim's figure in a comparison, signed: mean, low, high, n; None where it was not measured."""
    if claim.measure == "cka":
        table = comparison["cka"]
        cka = table["all"] if claim.place == "all" else table["stops"][-1]
        if cka is None:
            return None
        return {"mean": 1 - cka["mean"], "low": 1 - cka["high"], "high": 1 - cka["low"], "n": cka["n"]}
    if claim.measure not in comparison["measures"]:
        return None
    table = comparison["measures"][claim.measure]
    found = (table["all"] if claim.place == "all" else table["stops"][-1])[claim.side]
    if found is None:
        return None
    low, high = sorted(claim.sign * found[end] for end in ("low", "high"))
    return {"mean": claim.sign * found["mean"], "low": low, "high": high, "n": found["n"]}


def judge(claim: Claim, evidence: Path) -> dict:
    """The claim with its figure, threshold and verdict.

    Args:
        claim: one of `CLAIMS`.
        evidence: where comparisons lie.
    """
    seen = _read(evidence, claim.left, claim.right)
    found = None if seen is None else figure(seen, claim)
    luck = {}  # title: figure
    for pair in claim.seeds if claim.side == "difference" else ():
        two = _read(evidence, *pair)
        luck[f"{two['left']['title'] if two else pair[0]} twice"] = two and figure(two, claim)
    threshold, verdict = None, OPEN
    if found is not None and None not in luck.values():
        threshold = max([claim.margin, *(abs(one[end]) for one in luck.values() for end in ("low", "high"))])
        above, below = found["low"] > threshold, found["high"] < threshold
        if above or below:
            verdict = HOLDS if above != claim.same else FAILS
    return {
        **{key: value for key, value in vars(claim).items() if key != "seeds"},
        "figure": found,
        "luck": luck,
        "threshold": threshold,
        "verdict": verdict,
    }


def _read(evidence: Path, left: str, right: str) -> dict | None:
    path = evidence / f"{left}--{right}" / "comparison.json"
    return json.loads(path.read_text()) if path.exists() else None


def write(evidence: Path) -> list[dict]:
    """Judge every claim by the comparisons there are; `evidence/claims.json`."""
    judged = [judge(claim, evidence) for claim in CLAIMS]
    atomically(evidence / "claims.json", lambda draft: draft.write_text(json.dumps(judged, indent=1) + "\n"))
    return judged
