"""What was measured on one picture, in words; nothing is said that was not measured on it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from explain.agreement import together
from explain.align import Stop
from explain.explanation import Explanation
from explain.view.texts import Texts, texts

LEAST_IN_BIN = 20  # test pictures at a level of confidence, for a claim about it
ALIKE = 1.2  # ratio of two areas that is still "about as much"
SURE = 0.1  # difference of two confidences that is worth a word


class Names(NamedTuple):
    """What the two sides are called in sentences."""

    left: str
    right: str


class Words:
    """Sentences and names in one language.

    Args:
        sentences: the language's; by default English.
    """

    def __init__(self, sentences: Texts | None = None) -> None:
        self.texts = sentences or texts()
        self.say = self.texts.say

    def names(self, left: str, right: str) -> Names:
        """Short names of two titles: without what they begin with in common, as "SGD" and "Adam"."""
        if left == right:
            return Names(self.say("the_left"), self.say("the_right"))
        ours, theirs = left.split(", "), right.split(", ")
        while len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0]:
            ours, theirs = ours[1:], theirs[1:]
        return Names(", ".join(ours), ", ".join(theirs))

    def percent(self, share: float) -> str:
        """A share that was counted, 0 to 1, as percent; all and none alone are 100 and 0."""
        return self.say("percent", value=round(100 * share)) if share in (0, 1) else self.confidence(share)

    def confidence(self, share: float) -> str:
        """A model's probability, 0 to 1, as percent: never certainty, also where its 32 bits are full."""
        if share >= 0.9995:
            return self.say("above")
        if share <= 0.0005:
            return self.say("below")
        value = 100 * share
        return self.say("percent", value=f"{value:.{int(value > 99 or value < 1)}f}")

    def layer_names(self, addresses: Sequence[str]) -> list[str]:
        """What layers are called on the page: "block 2b" for "block2b_add"; addresses where two would be the same."""
        last = [address.split("/")[-1] for address in addresses]
        short = [re.sub(r"_(add|project_bn|activation|bn|out|relu|act|drop)$", "", name) for name in last]
        short = [re.sub(r"^([a-z]+)_?(\d\w*)$", r"\1 \2", name).replace("_", " ") for name in short]
        short = [self.say("layer_top") if name == "top" else name for name in short]
        return short if len(set(short)) == len(short) else list(addresses)

    def accuracy(self, card: dict[str, Any]) -> tuple[str, str]:
        """A card's accuracy on its test split, and what that means; empty where the card does not say."""
        test = test_split(card)
        value, interval, count = test.get("accuracy"), test.get("accuracy_interval"), test.get("n")
        if not _is_share(value):
            return "", ""
        facts = {"value": f"{100 * value:.1f}", "count": f"{count:,}" if isinstance(count, int) else "?"}
        if not (isinstance(interval, list) and len(interval) == 2 and all(map(_is_share, interval))):
            return self.say("accuracy", **facts), self.say("accuracy_title", **facts)
        low, high = (100 * bound for bound in interval)
        text = self.say("accuracy_interval", half=f"{(high - low) / 2:.1f}", **facts)
        return text, self.say("accuracy_title_interval", low=f"{low:.1f}", high=f"{high:.1f}", **facts)

    def verdict(
        self,
        cards: Sequence[dict[str, Any]],
        explanations: Sequence[Explanation],
        asked: str,
        target: str,
        called: Names,
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
        facts |= dict(zip(("left_share", "right_share"), map(self.confidence, sure), strict=True))
        if known:
            facts |= dict(zip(("left_right", "right_right"), map(self.percent, right), strict=True))
        if choices[0] != choices[1]:
            told = [
                self.say("other_class" + known, left_name=choices[0].lower(), right_name=choices[1].lower(), **facts)
            ]
            return told + ([self.say("common", name=target.lower())] if asked != target else [])
        if abs(sure[0] - sure[1]) < SURE:
            return [self.say("same_class" + known, name=choices[0].lower(), **facts)]
        least = int(sure[1] < sure[0])
        return [
            self.say(
                "same_class_unsure" + known,
                name=choices[0].lower(),
                unsure=called[least],
                share=self.confidence(sure[least]),
                right=self.percent(right[least]) if known else "",
                other=called[1 - least],
                other_share=self.confidence(sure[1 - least]),
                other_right=self.percent(right[1 - least]) if known else "",
            )
        ]

    def heat(self, stop: Stop, called: Names, target: str, zero: Sequence[bool]) -> str:
        """Where the two maps of a stop peak and how widely they spread. `zero`: which of them are zero everywhere."""
        if all(zero):
            return self.say("zero_both", name=target.lower())
        if any(zero):
            return self.say("zero_one", side=called[list(zero).index(True)], name=target.lower())
        if not any(stop.heats):
            return self.say("heat_both")
        if None in stop.heats:
            return self.say("heat_one", side=called[stop.heats.index(None)])
        same = together(*stop.heats)
        peaks = self.say("peaks_same" if same else "peaks_apart")
        areas = [heat.spread for heat in stop.heats]
        ratio = max(areas) / min(areas)
        if ratio < ALIKE:
            return self.say(
                "spread_alike", peaks=peaks, left_share=self.percent(areas[0]), right_share=self.percent(areas[1])
            )
        wider = called[int(areas[1] > areas[0])]
        how = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
        return self.say("spread_wider_same" if same else "spread_wider_apart", peaks=peaks, wider=wider, ratio=how)

    def agreement(self, stops: Sequence[Stop], yardstick: Mapping[str, Any] | None, layers: Sequence[str]) -> list[str]:
        """For each stop: whether the maps agree as two seeds do, there and over all depths; empty where undefined.

        At one depth, 1 of 10 pictures lies below the band by luck, so the number of such depths is held against that
        of two seeds. `yardstick`: see `message`. `layers`: names of the stops' left layers.
        """
        ranks = [stop.versus[1].rank for stop in stops]
        if yardstick is None:
            return ["" if rank is None else self.say("no_yardstick", rank=number(rank)) for rank in ranks]
        bands = [band["rank"] for band in yardstick["bands"]]
        defined = [place for place, rank in enumerate(ranks) if rank is not None]
        short = {place: bands[place][0] - ranks[place] for place in defined if ranks[place] < bands[place][0]}
        told = [""] * len(stops)
        if not short:
            course = "course_none"
        elif yardstick["below"] is None:
            course = "course_some"
        else:
            course = "course_less" if len(short) / len(defined) > yardstick["below"] else "course_luck"
        worst = layers[max(short, key=short.get)] if short else ""
        for place in defined:
            rank, (low, _, high) = ranks[place], bands[place]
            key = "agree_less" if rank < low else "agree_more" if rank > high else "agree_within"
            here = self.say(key, rank=number(rank), low=number(low), high=number(high))
            told[place] = self.say(course, here=here, count=len(short), of=len(defined), layer=worst)
        return told

    def dead(self, shares: Sequence[float | None], called: Names) -> str:
        """Shares of dead channels, left and right; empty where there are none or they are unknown."""
        if None in shares or not any(shares):
            return ""
        left, right = map(self.percent, shares)
        return self.say("dead", left=called.left, right=called.right, left_share=left, right_share=right)


def number(value: float) -> str:
    """With two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def capital(sentence: str) -> str:
    """With a capital letter at its beginning, behind stars."""
    return re.sub(r"^(\**)(\w)", lambda found: found[1] + found[2].upper(), sentence)


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
