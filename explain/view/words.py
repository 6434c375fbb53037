"""What was measured on one picture, in words; nothing is said that was not measured on it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from explain.agreement import together
from explain.align import Stop
from explain.cards import Card
from explain.explanation import COMPLETE, Explanation
from explain.view.texts import Texts, texts

ALIKE = 1.2  # ratio of two areas that is still "about as much"
EVEN = 0.5  # a share below is less often so than not
FEW = 3  # classes that a sentence names
LIKENESS = ((0.95, "channels_equal"), (0.8, "channels_alike"), (0.5, "channels_partly"), (-1.0, "channels_hardly"))


class Words:
    """Sentences and names in one language.

    Args:
        sentences: the language's; by default English.
    """

    def __init__(self, sentences: Texts | None = None) -> None:
        self.texts = sentences or texts()
        self.say = self.texts.say

    def names(self, *titles: str) -> tuple[str, ...]:
        """Short names of titles: without what they all begin with, as "SGD" and "Adam"; by number where alike."""
        parts = [title.split(", ") for title in titles]
        while all(len(rest) > 1 for rest in parts) and len({rest[0] for rest in parts}) == 1:
            parts = [rest[1:] for rest in parts]
        short = [", ".join(rest) for rest in parts]
        return tuple(
            self.say("nth_model", place=place) if short.count(name) > 1 else name
            for place, name in enumerate(short, start=1)
        )

    def class_names(self, explanation: Explanation) -> tuple[str, ...]:
        """What the classes are called, which every checkpoint gives to its explanations."""
        assert explanation.classes is not None
        return tuple(map(self.texts.class_name, explanation.classes))

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

    def accuracy(self, card: Card) -> tuple[str, str]:
        """A card's accuracy on its test split, and what that means; empty where the card does not say."""
        test = card.test
        if test.accuracy is None:
            return "", ""
        facts = {"value": f"{100 * test.accuracy:.1f}", "count": "?" if test.n is None else f"{test.n:,}"}
        if test.accuracy_interval is None:
            return self.say("accuracy", **facts), self.say("accuracy_title", **facts)
        low, high = (100 * bound for bound in test.accuracy_interval)
        text = self.say("accuracy_interval", half=f"{(high - low) / 2:.1f}", **facts)
        return text, self.say("accuracy_title_interval", low=f"{low:.1f}", high=f"{high:.1f}", **facts)

    def population(self, cards: Sequence[Card]) -> str:
        """What the test pictures are that rates and yardsticks of these models were measured on."""
        return self._population(cards, self.texts["populations"])

    def population_short(self, cards: Sequence[Card]) -> str:
        """The same in fewer words, where it is clear what the models know."""
        return self._population(cards, self.texts["populations_short"])

    def _population(self, cards: Sequence[Card], known: Mapping[str | None, str]) -> str:
        names = {card.dataset.name if card.dataset else None for card in cards}
        return known.get(names.pop(), known[None]) if len(names) == 1 else known[None]

    def verdict(
        self,
        explanations: Sequence[Explanation],
        asked: str,
        targets: Sequence[str],
        names: Sequence[str],
        same_classes: bool = True,
    ) -> list[str]:
        """Who says what, and how sure.

        Args:
            explanations: of two models, of one picture.
            asked: "own", "common" or the class asked for.
            targets: the explained classes.
            names: of the models.
            same_classes: whether both tell the same classes apart.
        """
        choices, sure = [], []
        for explanation in explanations:
            choice = int(explanation.answers[0])
            choices.append(self.class_names(explanation)[choice].lower())
            sure.append(float(explanation.probabilities[0, choice]))
        shares = dict(zip(("first_share", "second_share"), map(self.confidence, sure), strict=True))
        if not _one_class(*choices, same_classes=same_classes):
            facts = {"first": names[0], "first_name": choices[0], "second": names[1], "second_name": choices[1]}
            told = [self.say("other_class" if same_classes else "other_classes_known", **facts, **shares)]
            if not _one_class(*targets, same_classes=same_classes):
                told.append(self.say("own"))
            elif asked == "common":
                told.append(self.say("common", name=targets[0].lower()))
            else:
                told.append(self.say("asked", name=targets[0].lower()))
            return told
        facts = {"name": choices[0], "first": names[0], "second": names[1], **shares}
        told = [self.say("same_class", **facts)]
        if targets[0].lower() != choices[0]:
            told.append(self.say("asked", name=targets[0].lower()))
        return told

    def contrast(self, names: Sequence[str], targets: Sequence[str], classes: int, nothing: bool = False) -> list[str]:
        """What is drawn where two models that disagree are contrasted.

        `targets`: their answers, of so many `classes`. `nothing`: whether no pixel has a part in it.
        """
        facts = {"first": names[0], "second": names[1], "name": targets[0], "other": targets[1]}
        told = [self.say("contrast_nothing") if nothing else self.say("contrast_drawn", **facts)]
        return [*told, self.say("contrast_maps_two" if classes == 2 else "contrast_maps", **facts)]

    def answers(self, explanations: Sequence[Explanation], names: Sequence[str], same_classes: bool = True) -> str:
        """Who of more than two says what, and how sure: the class that most say first."""
        choices = [self.class_names(each)[int(each.answers[0])].lower() for each in explanations]
        sure = [float(each.probabilities[0].max()) for each in explanations]
        groups: dict[tuple[str, int], list[int]] = {}
        for place, choice in enumerate(choices):
            mixed = same_classes or not choice.isdecimal()  # a number is another class in each
            groups.setdefault((choice, 0 if mixed else place), []).append(place)
        told = []
        for (choice, _), places in sorted(groups.items(), key=lambda group: -len(group[1])):
            shares = sorted(sure[place] for place in places)
            facts = {"name": choice, "low": self.confidence(shares[0]), "high": self.confidence(shares[-1])}
            if len(groups) == 1:
                told.append(self.say("answers_same", count=len(names), **facts))
            elif len(places) == 1:
                told.append(self.say("answers_single", sides=names[places[0]], **facts))
            else:
                told.append(self.say("answers_some", sides=listed(names[place] for place in places), **facts))
        if len(groups) == 1:
            return told[0]
        return " ".join([self.say("answers_differ" if same_classes else "answers_apart"), *told])

    def reliance(
        self,
        explanations: Sequence[Explanation],
        names: Sequence[str],
        population: str,
        rates: Sequence[float | None],
        ceilings: Sequence[float | None],
    ) -> str:
        """How far the answers can be relied on: by how often each is right where it is about as sure.

        Who is wrong more often than right there is told so. Of whom that is not measured, it is told where the first
        guess has less than half of the probability. `rates`, `ceilings`: see `message`.
        """
        sure = [float(each.probabilities[0].max()) for each in explanations]
        measured = {name: ceiling for name, ceiling in zip(names, ceilings, strict=True) if ceiling is not None}
        wrong = {name: ceiling for name, ceiling in measured.items() if ceiling < EVEN}
        unlikely = [name for name, share in zip(names, sure, strict=True) if name not in measured and share < EVEN]
        right = [None if name in wrong else rate for name, rate in zip(names, rates, strict=True)]
        told = [self.rates(right, names, population)]
        if wrong:
            facts = {"population": population, "rate": self.percent(max(wrong.values())), "sides": listed(wrong)}
            if len(wrong) == 1:
                told.append(capital(self.say("wrong", **facts)))
            elif len(wrong) < len(names):
                told.append(self.say("wrong_each", **facts))
            else:
                told.append(self.say("wrong_both" if len(wrong) == 2 else "wrong_all", **facts))
        if unlikely:
            told.append(self.say("unlikely", sides=listed(unlikely)))
        return " ".join(filter(None, told))

    def incomplete(self, explanations: Sequence[Explanation], names: Sequence[str], rule: str) -> str:
        """Whose map does not add up to what it should, and by how much; nothing of a rule that need not."""
        told = []
        for explanation, name in zip(explanations, names, strict=True):
            share = float(explanation.residuals[rule][0]) if rule in explanation.residuals else 0.0
            if share > 1:
                told.append(self.say("incomplete_all", side=name))
            elif share > COMPLETE:
                told.append(self.say("incomplete", side=name, rate=self.confidence(share)))
        return " ".join(told)

    def closest(self, ranks: Mapping[str, float], reference: str) -> str:
        """Whose map of several agrees most, and whose least, with the reference's; `ranks`: by name."""
        if not ranks:
            return ""
        most, least = max(ranks, key=ranks.__getitem__), min(ranks, key=ranks.__getitem__)
        facts = {"reference": reference, "most": most, "most_rank": number(ranks[most])}
        if len(ranks) == 1:
            return self.say("closest_single", **facts)
        return self.say("closest", least=least, least_rank=number(ranks[least]), **facts)

    def rates(self, rates: Sequence[float | None], names: Sequence[str], population: str) -> str:
        """How often each is right where it is about as sure, as far as that is known; `rates`: see `message`."""
        measured = {name: rate for name, rate in zip(names, rates, strict=False) if rate is not None}
        known = [(name, self.percent(rate)) for name, rate in measured.items()]
        if not known:
            return ""
        (side, rate), *others = known
        if len(known) > 2:
            facts = {"population": population, "rate": self.percent(min(measured.values()))}
            everyone = len(known) == len(names)
            return self.say("rate_each" if everyone else "rate_row", sides=listed(measured), **facts)
        if not others:
            return self.say("rate", population=population, side=side, rate=rate)
        other, other_rate = others[0]
        if other_rate == rate:
            return self.say("rate_each", population=population, rate=rate)
        return self.say("rates", population=population, side=side, rate=rate, other=other, other_rate=other_rate)

    def heat(
        self,
        stop: Stop,
        names: Sequence[str],
        targets: Sequence[str],
        zero: Sequence[bool],
        same: bool = True,
        still: bool = False,
    ) -> str:
        """Where the two maps of a stop peak and how widely they spread; of two classes only which are zero everywhere.

        `zero`: which of them are. `same`: whether both explain one class. `still`: whether they are of the input, and
        the same at every stop.
        """
        if all(zero) and same:
            return self.say("zero_both_input" if still else "zero_both", name=targets[0].lower())
        if any(zero) or not same:
            facts = zip(names, targets, zero, strict=True)
            key = "zero_one_input" if still else "zero_one"
            told = [self.say(key, side=name, name=target.lower()) for name, target, none in facts if none]
            return " ".join(map(capital, told))
        first, second = stop.heats
        if first is None and second is None:
            return self.say("heat_both")
        if first is None or second is None:
            return self.say("heat_one", side=names[0 if first is None else 1])
        near = together(first, second)
        if still:
            peaks = self.say("peaks_same_input" if near else "peaks_apart_input")
        else:
            peaks = self.say("peaks_same" if near else "peaks_apart")
        areas = first.spread, second.spread
        ratio = max(areas) / min(areas)
        if ratio < ALIKE:
            return self.say(
                "spread_alike", peaks=peaks, first_share=self.percent(areas[0]), second_share=self.percent(areas[1])
            )
        wider = names[int(areas[1] > areas[0])]
        how = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
        return self.say("spread_wider_same" if near else "spread_wider_apart", peaks=peaks, wider=wider, ratio=how)

    def agreement(
        self,
        ranks: Sequence[float | None],
        yardstick: Mapping[str, Any] | None,
        layers: Sequence[str],
        population: str,
        outside: bool = False,
    ) -> list[str]:
        """For each stop: whether the maps agree as two seeds do, there and over all depths; empty where undefined.

        At one depth, 1 of 10 pictures lies below the band by luck, so the number of such depths is held against that
        of two seeds. `ranks`: of the stops. `yardstick`: see `message`. `layers`: names of the stops' first layers.
        `population`: what the yardstick was measured on. `outside`: whether it was not measured on such pictures.
        """
        if yardstick is None:
            key = "no_yardstick_neither" if outside else "no_yardstick"
            return ["" if rank is None else self.say(key, population=population) for rank in ranks]
        if yardstick.get("same_recipe"):
            return self._luck(ranks, yardstick, population)
        bands = [band["rank"] for band in yardstick["bands"]]
        defined = {place: rank for place, rank in enumerate(ranks) if rank is not None}
        short = {place: bands[place][0] - rank for place, rank in defined.items() if rank < bands[place][0]}
        told = [""] * len(ranks)
        if not short:
            course = "course_none"
        elif yardstick["below"] is None:
            course = "course_some"
        else:
            course = "course_less" if len(short) / len(defined) > yardstick["below"] else "course_luck"
        worst = layers[max(short, key=lambda place: short[place])] if short else ""
        for place, rank in defined.items():
            low, _, high = bands[place]
            key = "agree_less" if rank < low else "agree_more" if rank > high else "agree_within"
            here = self.say(key, population=population)
            told[place] = self.say(course, here=here, count=len(short), of=len(defined), layer=worst)
        return told

    def _luck(self, ranks: Sequence[float | None], yardstick: Mapping[str, Any], population: str) -> list[str]:
        """For each stop of two trainings of one recipe: how far they agree, and how far they do on other pictures."""
        told = []
        for rank, band in zip(ranks, yardstick["bands"], strict=True):
            low, _, high = band["rank"]
            facts = {"low": number(low), "high": number(high), "population": population}
            told.append("" if rank is None else self.say("agree_luck", **facts))
        return told

    def silent(self, shares: Sequence[float | None], names: Sequence[str]) -> str:
        """Shares of the channels of two models that are silent on this picture; empty where none are or is known."""
        known = [share for share in shares if share is not None]
        if len(known) < len(shares) or not any(known):
            return ""
        first, second = map(self.percent, known)
        return self.say("silent", first=names[0], second=names[1], first_share=first, second_share=second)

    def channels(self, twins: Mapping[str, Any] | None, features: Sequence[Mapping[str, Any] | None]) -> list[str]:
        """What the feature maps of a stop are; `twins`, `features`: see `message`."""
        if not any(features):
            return [self.say("channels_none")]
        told = [self.say("channels_what")]
        if twins is None:
            return [*told, self.say("channels_own")]
        if twins["typical"] is None:
            return [*told, self.say("channels_silent")]
        key = next(key for least, key in LIKENESS if twins["typical"] >= least)
        return [*told, self.say("channels_same", likeness=self.say(key), typical=number(twins["typical"]))]

    def outside(self, classes: Sequence[str]) -> str:
        """That a picture shows none of these classes."""
        if len(classes) > FEW:
            return self.say("outside", count=len(classes))
        return self.say("outside_few", classes=self.say("either").join(name.lower() for name in classes))


def _one_class(first: str, second: str, *, same_classes: bool) -> bool:
    """Whether two names are one class's: of models of different classes a mere number is none."""
    return first.lower() == second.lower() and (same_classes or not first.isdecimal())


def listed(names: Iterable[str]) -> str:
    """Names in a row; there are commas in them."""
    return " · ".join(names)


def number(value: float) -> str:
    """With two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def capital(sentence: str) -> str:
    """With a capital letter at its beginning, behind stars."""
    return re.sub(r"^(\**)(\w)", lambda match: match[1] + match[2].upper(), sentence)


def sentences(*texts: str, warning: str = "") -> list[dict[str, str]]:
    """[{"text", "tone"}], without the empty ones; the tone is "warn" for the warning, else empty."""
    return [
        {"text": capital(text), "tone": tone}
        for text, tone in [*((text, "") for text in texts), (warning, "warn")]
        if text
    ]
