"""What was measured on one picture, in words; nothing is said that was not measured on it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from explain.agreement import together
from explain.align import Stop
from explain.explanation import Explanation
from page.experiments import Yardstick
from page.texts import say

LEAST_IN_BIN = 20  # test pictures at a level of confidence, for a claim about it
ALIKE = 1.2  # ratio of two areas that is still "about as much"
SURE = 0.1  # difference of two confidences that is worth a word


class Names(NamedTuple):
    """What the two sides are called in sentences."""

    left: str
    right: str


def names(left: str, right: str) -> Names:
    """Short names of two titles: without what they begin with in common, as "SGD" and "Adam"."""
    if left == right:
        return Names(say("the_left"), say("the_right"))
    ours, theirs = left.split(", "), right.split(", ")
    while len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    return Names(", ".join(ours), ", ".join(theirs))


def percent(share: float) -> str:
    """A share that was counted, 0 to 1, as percent; all and none alone are 100 and 0."""
    return say("percent", value=round(100 * share)) if share in (0, 1) else confidence(share)


def confidence(share: float) -> str:
    """A model's probability, 0 to 1, as percent: never certainty, also where its 32 bits are full."""
    if share >= 0.9995:
        return say("above")
    if share <= 0.0005:
        return say("below")
    value = 100 * share
    return say("percent", value=f"{value:.{int(value > 99 or value < 1)}f}")


def number(value: float) -> str:
    """With two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def capital(sentence: str) -> str:
    """With a capital letter at its beginning, behind stars."""
    return re.sub(r"^(\**)(\w)", lambda found: found[1] + found[2].upper(), sentence)


def layer_names(addresses: Sequence[str]) -> list[str]:
    """What layers are called on the page: "block 2b" for "block2b_add"; addresses where two would be the same."""
    short = [re.sub(r"_(add|project_bn|activation|bn|out|relu|act|drop)$", "", one.split("/")[-1]) for one in addresses]
    short = [re.sub(r"^([a-z]+)_?(\d\w*)$", r"\1 \2", one).replace("_", " ") for one in short]
    short = [say("layer_top") if one == "top" else one for one in short]
    return short if len(set(short)) == len(short) else list(addresses)


def accuracy(card: dict[str, Any]) -> tuple[str, str]:
    """A card's accuracy on its test split, and what that means; empty where the card does not say."""
    test = test_split(card)
    value, interval, count = test.get("accuracy"), test.get("accuracy_interval"), test.get("n")
    if not _is_share(value):
        return "", ""
    facts = {"value": f"{100 * value:.1f}", "count": f"{count:,}" if isinstance(count, int) else "?"}
    if not (isinstance(interval, list) and len(interval) == 2 and all(map(_is_share, interval))):
        return say("accuracy", **facts), say("accuracy_title", **facts)
    low, high = (100 * bound for bound in interval)
    text = say("accuracy_interval", half=f"{(high - low) / 2:.1f}", **facts)
    return text, say("accuracy_title_interval", low=f"{low:.1f}", high=f"{high:.1f}", **facts)


def right_at(card: dict[str, Any], confidence: float) -> float | None:
    """How often the model is right when it is that sure, from its reliability on test pictures; None if unknown."""
    bins = test_split(card).get("reliability")
    for row in bins if isinstance(bins, list) else []:
        try:
            if row["confidence_low"] <= confidence <= row["confidence_high"] and row["n"] >= LEAST_IN_BIN:
                return float(row["accuracy"])
        except (KeyError, TypeError):
            continue
    return None


def verdict(
    cards: Sequence[dict[str, Any]], explanations: Sequence[Explanation], asked: str, target: str, called: Names
) -> list[str]:
    """Who says what, how sure, and how often each is right when it is that sure.

    Args:
        cards, explanations: left and right, of one picture.
        asked: the class asked for, or "predicted".
        target: the explained class.
        called: names of the sides.
    """
    choices, sure = [], []
    for explanation in explanations:
        choice = int(np.argmax(explanation.probabilities[0]))
        choices.append(explanation.classes[choice])
        sure.append(float(explanation.probabilities[0, choice]))
    right = [right_at(card, confidence) for card, confidence in zip(cards, sure, strict=True)]
    known = "" if None in right else "_right"
    facts: dict[str, str] = {"left": called.left, "right": called.right}
    facts |= dict(zip(("left_share", "right_share"), map(confidence, sure), strict=True))
    if known:
        facts |= dict(zip(("left_right", "right_right"), map(percent, right), strict=True))
    if choices[0] != choices[1]:
        told = [say("other_class" + known, left_name=choices[0].lower(), right_name=choices[1].lower(), **facts)]
        return told + ([say("common", name=target.lower())] if asked != target else [])
    if abs(sure[0] - sure[1]) < SURE:
        return [say("same_class" + known, name=choices[0].lower(), **facts)]
    least = int(sure[1] < sure[0])
    return [
        say(
            "same_class_unsure" + known,
            name=choices[0].lower(),
            unsure=called[least],
            share=confidence(sure[least]),
            right=percent(right[least]) if known else "",
            other=called[1 - least],
            other_share=confidence(sure[1 - least]),
            other_right=percent(right[1 - least]) if known else "",
        )
    ]


def heat(stop: Stop, called: Names, target: str, zero: Sequence[bool]) -> str:
    """Where the two maps of a stop peak and how widely they spread. `zero`: which of them are zero everywhere."""
    if all(zero):
        return say("zero_both", name=target.lower())
    if any(zero):
        return say("zero_one", side=called[list(zero).index(True)], name=target.lower())
    if not any(stop.heats):
        return say("heat_both")
    if None in stop.heats:
        return say("heat_one", side=called[stop.heats.index(None)])
    same = together(*stop.heats)
    peaks = say("peaks_same" if same else "peaks_apart")
    areas = [heat.spread for heat in stop.heats]
    ratio = max(areas) / min(areas)
    if ratio < ALIKE:
        return say("spread_alike", peaks=peaks, left_share=percent(areas[0]), right_share=percent(areas[1]))
    wider = called[int(areas[1] > areas[0])]
    how = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
    return say("spread_wider_same" if same else "spread_wider_apart", peaks=peaks, wider=wider, ratio=how)


def agreement(stops: Sequence[Stop], yardstick: Yardstick | None, layers: Sequence[str]) -> list[str]:
    """For each stop: whether the maps agree as two seeds do, there and over all depths; empty where undefined.

    At one depth, 1 of 10 pictures lies below the band by luck, so the number of such depths is held against that of two
    seeds. `layers`: names of the stops' left layers.
    """
    ranks = [stop.versus[1].rank for stop in stops]
    if yardstick is None:
        return ["" if rank is None else say("no_yardstick", rank=number(rank)) for rank in ranks]
    bands = [yardstick.at(stop.depth)["rank"] for stop in stops]
    defined = [place for place, rank in enumerate(ranks) if rank is not None]
    short = {place: bands[place][0] - ranks[place] for place in defined if ranks[place] < bands[place][0]}
    told = [""] * len(stops)
    if not short:
        course = "course_none"
    elif yardstick.below is None:
        course = "course_some"
    else:
        course = "course_less" if len(short) / len(defined) > yardstick.below else "course_luck"
    worst = layers[max(short, key=short.get)] if short else ""
    for place in defined:
        rank, (low, _, high) = ranks[place], bands[place]
        key = "agree_less" if rank < low else "agree_more" if rank > high else "agree_within"
        here = say(key, rank=number(rank), low=number(low), high=number(high))
        told[place] = say(course, here=here, count=len(short), of=len(defined), layer=worst)
    return told


def dead(shares: Sequence[float | None], called: Names) -> str:
    """Shares of dead channels, left and right; empty where there are none or they are unknown."""
    if None in shares or not any(shares):
        return ""
    left, right = map(percent, shares)
    return say("dead", left=called.left, right=called.right, left_share=left, right_share=right)


def sentences(*texts: str, warning: str = "") -> list[dict[str, str]]:
    """[{"text", "tone"}], without the empty ones; the tone is "warn" for the warning, else empty."""
    return [
        {"text": capital(text), "tone": tone}
        for text, tone in [*((text, "") for text in texts), (warning, "warn")]
        if text
    ]


def test_split(card: dict[str, Any]) -> dict[str, Any]:
    """What a card says of its test split; empty where it says nothing."""
    splits = card.get("splits")
    test = splits.get("test") if isinstance(splits, dict) else None
    return test if isinstance(test, dict) else {}


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1
