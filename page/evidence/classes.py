"""Many classes: what a checkpoint gets wrong on the test split, and how far it may be believed.

All of it is counted from `evaluation/predictions.npz`, of any number of classes above two; what speaks of groups is
left out where a card names none.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explain.cards import Card
from explain.measures import Z, wilson
from page.asked import NotThere
from page.evidence.testset import PREDICTIONS
from page.texts import PageTexts
from study.files import read_rows, version_of

MANY = 3  # classes or more
MOST = 10  # classes at either end of the list
PAIRS = 12
BINS = 15  # of confidence, as on the cards
FEWEST = 20  # test pictures in a bin, for a thin line
LINES = 8  # models in the plot of reliability
MEMBERS = "evaluation/members.csv"
SAME = 0.0005  # of accuracy: processors differ in the last bits


# --- counting ---------------------------------------------------------------------------------------------------------


class Group(NamedTuple):
    """A larger class, and where its classes stand in the matrix: from `first` to before `end`."""

    name: str
    first: int
    end: int


class Errors(NamedTuple):
    """Wrong answers within and across groups.

    `within` of `wrong` name another class of the true group; `chance` is the share, 0 to 1, that would if each wrong
    answer fell on any of the other classes alike. `right`, `kept` and `total` (groups each): pictures called by their
    own class, by another of their group, and all.
    """

    wrong: int
    within: int
    chance: float
    right: np.ndarray
    kept: np.ndarray
    total: np.ndarray


class Bin(NamedTuple):
    """Test pictures about as sure: mean confidence and share that is right (0 to 1), its interval, how many."""

    confidence: float
    accuracy: float
    low: float
    high: float
    n: int


def arranged(classes: Sequence[str], groups: Sequence[str]) -> tuple[list[int], list[Group]]:
    """The order in which classes are drawn, and their groups.

    Args:
        classes: names.
        groups: of each class, or none.

    Returns:
        Places of the classes, by group where there are groups; and these, none where there are none.

    Example:
        >>> arranged(["ant", "cat", "bee"], ["insects", "mammals", "insects"])
        ([0, 2, 1], [Group(name='insects', first=0, end=2), Group(name='mammals', first=2, end=3)])
    """
    if len(groups) != len(classes):
        return list(range(len(classes))), []
    order = sorted(range(len(classes)), key=lambda place: (groups[place], classes[place]))
    drawn = [groups[place] for place in order]
    return order, [
        Group(name, drawn.index(name), drawn.index(name) + drawn.count(name)) for name in dict.fromkeys(drawn)
    ]


def confusion(labels: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """How many pictures of each class (rows) are called which (columns), int count x count."""
    return np.bincount(labels.astype(int) * count + predicted, minlength=count * count).reshape(count, count)


def confused(counts: np.ndarray, most: int = PAIRS) -> list[tuple[int, int]]:
    """The pairs of classes that are most often taken for one another, both ways together, most often first.

    The first of each is the one that is more often taken for the other; pairs that are never confused are left out.
    """
    both = np.triu(counts + counts.T, 1)
    places = np.argsort(-both, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(counts)) for place in places if both.flat[place]]
    return [(a, b) if counts[a, b] >= counts[b, a] else (b, a) for a, b in pairs]


def errors(counts: np.ndarray, groups: Sequence[Group]) -> Errors:
    """Wrong answers within and across groups; `counts`: of classes in the groups' order."""
    size = len(counts)
    member = np.repeat(np.arange(len(groups)), [group.end - group.first for group in groups])
    same = member[:, None] == member[None]
    wrong = counts - np.diag(np.diag(counts))
    others = (same.sum(1) - 1) / (size - 1)  # share of the other classes that are of the own group
    total = int(wrong.sum())

    def by_group(values: np.ndarray) -> np.ndarray:
        return np.bincount(member, values, minlength=len(groups)).astype(int)

    return Errors(
        wrong=total,
        within=int(wrong[same].sum()),
        chance=float((wrong.sum(1) * others).sum() / total) if total else math.nan,
        right=by_group(np.diag(counts)),
        kept=by_group((wrong * same).sum(1)),
        total=by_group(counts.sum(1)),
    )


def reliability(sure: np.ndarray, right: np.ndarray) -> tuple[list[Bin], float]:
    """How often a model is right when it is that sure.

    Args:
        sure: float n, the predicted class's probability, 0 to 1.
        right: bool n.

    Returns:
        Bins of equal width without empty ones, and the expected calibration error, 0 to 1 (Guo et al., arXiv
        1706.04599): the mean gap of confidence and accuracy.
    """
    place = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    bins = []
    for chosen in (place == k for k in np.unique(place)):
        n, count = int(chosen.sum()), int(right[chosen].sum())
        bins.append(Bin(float(sure[chosen].mean()), count / n, *wilson(count, n), n))
    return bins, sum(each.n * abs(each.confidence - each.accuracy) for each in bins) / len(sure)


class Tested(NamedTuple):
    """What a checkpoint said of n test pictures: true and predicted class (int n each), probability of that (n)."""

    labels: np.ndarray
    predicted: np.ndarray
    sure: np.ndarray


# --- telling ----------------------------------------------------------------------------------------------------------


class Classes:
    """What is told of checkpoints of many classes.

    Args:
        weights: folder of checkpoints.
        cards: of those that can be used, by id.
        predictions: of a checkpoint, see `Findings.predictions`.
        texts: of the page's language.
    """

    def __init__(
        self,
        weights: Path,
        cards: Mapping[str, Card],
        predictions: Callable[[str], dict[str, np.ndarray] | None],
        texts: PageTexts,
    ) -> None:
        self.weights, self.predictions, self.say, self.called = weights, predictions, texts.say, texts.class_name
        self.cards = {model_id: card for model_id, card in cards.items() if len(card.classes) >= MANY}

    def models(self) -> list[dict[str, str]]:
        """Those that say what they predicted, [{id, title, classes}], the most accurate first."""
        known = [
            card
            for model_id, card in self.cards.items()
            if version_of(self.weights / model_id / PREDICTIONS) is not None
        ]
        known.sort(key=lambda card: -(card.test.accuracy or 0))
        return [{"id": card.model_id, "title": card.title, "classes": len(card.classes)} for card in known]

    def told(self, model_id: object) -> dict[str, Any]:
        """All that is shown of a checkpoint.

        Returns:
            model: its id; told: a sentence; classes: names, in the matrix' order; groups: [{name, from, to}] or [];
            counts: of the matrix, rows (true) one after the other; most: the greatest share of a class that is called
            another one; best, worst: see `_class`; pairs: [{first, second: places, there, back, of}]; errors: see
            `_errors`, or null; reliability: see `_reliability`; members: see `_members`, or null.

        Raises:
            NotThere: for any other id, and where the predictions cannot be read.
        """
        if not isinstance(model_id, str) or model_id not in self.cards:
            raise NotThere("evidence_unknown")
        card = self.cards[model_id]
        answers = self._tested(model_id)
        if answers is None:
            raise NotThere("evidence_no_predictions")
        order, groups = arranged(card.classes, card.groups)
        counts = confusion(answers.labels, answers.predicted, len(order))[np.ix_(order, order)]
        names, totals = [self.called(card.classes[place]) for place in order], counts.sum(1)
        off = counts - np.diag(np.diag(counts))
        best, worst = self._ends(counts, names)
        return {
            "model": model_id,
            "told": self._summary(answers, card.title),
            "classes": names,
            "groups": [{"name": self.called(group.name), "from": group.first, "to": group.end} for group in groups],
            "counts": counts.ravel().tolist(),
            "most": float((off / np.maximum(totals, 1)[:, None]).max()),
            "best": best,
            "worst": worst,
            "pairs": [
                {
                    "first": a,
                    "second": b,
                    "there": int(counts[a, b]),
                    "back": int(counts[b, a]),
                    "of": int(totals[a] + totals[b]),
                }
                for a, b in confused(counts)
            ],
            "errors": self._errors(counts, groups) if groups else None,
            "reliability": self._reliability(card),
            "members": self._members(card),
        }

    def _tested(self, model_id: str) -> Tested | None:
        arrays = self.predictions(model_id)
        if arrays is None or not len(arrays["labels"]):
            return None
        probabilities = arrays["probabilities"].astype(float)
        sure = probabilities.max(1) / probabilities.sum(1)  # float32 leaves 1e-7
        return Tested(arrays["labels"], probabilities.argmax(1), sure)

    def _percent(self, share: float) -> str:
        return self.say("percent", value=f"{100 * share:.1f}")

    def _summary(self, answers: Tested, title: str) -> str:
        n, right = len(answers.labels), int((answers.labels == answers.predicted).sum())
        low, high = (f"{100 * end:.1f}" for end in wilson(right, n))
        facts = {"right": f"{right:,}", "count": f"{n:,}", "share": self._percent(right / n)}
        return self.say("classes_right", title=title, low=low, high=high, **facts)

    def _ends(self, counts: np.ndarray, names: Sequence[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The best classes, best first, and the worst, worst first; where there are few all in the first list."""
        present = [place for place in range(len(names)) if counts[place].sum()]
        ranked = sorted(present, key=lambda place: -counts[place, place] / counts[place].sum())
        few = len(ranked) <= 2 * MOST
        ends = (ranked, []) if few else (ranked[:MOST], ranked[: -MOST - 1 : -1])
        best, worst = ([self._class(counts, names, place) for place in end] for end in ends)
        return best, worst

    def _class(self, counts: np.ndarray, names: Sequence[str], place: int) -> dict[str, Any]:
        """A class: {place, share, low, high: of its pictures that are right, right, of: how many, precise: share of
        those called so that are, in words or "", taken: {place, count} for what it is taken for most, twice or more, or
        null}."""
        row, right = counts[place], int(counts[place, place])
        n, called = int(row.sum()), int(counts[:, place].sum())
        low, high = wilson(right, n)
        other = int(np.delete(row, place).argmax())
        other += other >= place
        return {
            "place": place,
            "share": right / n,
            "low": low,
            "high": high,
            "right": right,
            "of": n,
            "precise": self._percent(right / called) if called else "",
            "taken": {"place": other, "count": int(row[other])} if row[other] > 1 else None,
        }

    def _errors(self, counts: np.ndarray, groups: Sequence[Group]) -> dict[str, Any]:
        """Within and across: {told: sentences, groups: [{name, right, within, across: shares, of}]}, the group that is
        told best first."""
        found = errors(counts, groups)
        n = int(counts.sum())
        told = [self.say("classes_groups_right", share=self._percent((found.right + found.kept).sum() / n))]
        if found.wrong:
            low, high = (f"{100 * end:.1f}" for end in wilson(found.within, found.wrong))
            facts = {"wrong": f"{found.wrong:,}", "share": self._percent(found.within / found.wrong)}
            facts |= {"low": low, "high": high, "chance": self._percent(found.chance)}
            told.insert(0, self.say("classes_within", **facts))
        rows = [
            {
                "name": self.called(group.name),
                "right": right / total,
                "within": kept / total,
                "across": (total - right - kept) / total,
                "of": total,
            }
            for group, right, kept, total in zip(
                groups, found.right.tolist(), found.kept.tolist(), found.total.tolist(), strict=True
            )
            if total
        ]
        return {"told": told, "groups": sorted(rows, key=lambda row: row["across"])}

    def _reliability(self, card: Card) -> list[dict[str, Any]]:
        """A line for a checkpoint and for its members, or for others of the same classes: [{title, bins: [{confidence,
        accuracy, low, high, n}], error: calibration error in words}], itself first."""
        others = card.members or [
            model["id"] for model in self.models() if self.cards[model["id"]].classes == card.classes
        ]
        ids = [card.model_id, *(other for other in others if other in self.cards and other != card.model_id)]
        lines = []
        for model_id in ids:
            if (answers := self._tested(model_id)) is None:
                continue
            bins, error = reliability(answers.sure, answers.predicted == answers.labels)
            kept = [each for each in bins if not lines or each.n >= FEWEST]
            lines.append(
                {
                    "title": self.cards[model_id].title,
                    "bins": [each._asdict() for each in kept],
                    "error": f"{error:.3f}",
                }
            )
        return lines[:LINES]

    def _members(self, card: Card) -> dict[str, Any] | None:
        """What each member adds: {told: a sentence, rows: [{title, alone, without: in words, adds: points, text}]},
        who adds most first; None where that was not measured."""
        rows = [row for row in map(_member, read_rows(self.weights / card.model_id / MEMBERS) or []) if row]
        if not card.members or [row["member"] for row in rows] != list(card.members):
            return None
        together, best = rows[0]["together"], max(row["accuracy"] for row in rows)
        facts = {"count": len(rows), "together": self._percent(together), "best": self._percent(best)}
        intervals = self._intervals(card.members, rows)
        told = [
            {
                "title": self.cards[row["member"]].title if row["member"] in self.cards else row["member"],
                "alone": self._percent(row["accuracy"]),
                "without": self._percent(row["without"]),
                "adds": 100 * (together - row["without"]),
                "text": self._points(100 * (together - row["without"]), intervals.get(row["member"])),
            }
            for row in sorted(rows, key=lambda row: row["without"])
        ]
        return {"told": self.say("classes_together", **facts), "rows": told}

    def _points(self, value: float, interval: tuple[float, float] | None) -> str:
        """A difference in points, with its interval where it is known."""
        facts = {"value": _signed(value)}
        if interval is None:
            return self.say("classes_points", **facts)
        low, high = map(_signed, interval)
        return self.say("classes_points_interval", low=low, high=high, **facts)

    def _intervals(self, members: Sequence[str], rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, float]]:
        """95 % intervals, over pictures, of what members add, in points; none where predictions of members are missing
        or do not give the accuracies that were measured."""
        tables = [self.predictions(member) if member in self.cards else None for member in members]
        known = [table for table in tables if table is not None and len(table["labels"])]
        if len(known) < len(tables) or len({tuple(table["digests"]) for table in known}) > 1:
            return {}
        labels, total = known[0]["labels"], sum(table["probabilities"].astype(float) for table in known)
        right, intervals = total.argmax(1) == labels, {}
        for row, table in zip(rows, known, strict=True):
            without = (total - table["probabilities"]).argmax(1) == labels
            if max(abs(right.mean() - row["together"]), abs(without.mean() - row["without"])) <= SAME:
                gains = right.astype(float) - without
                half = Z * gains.std() / math.sqrt(len(gains))
                intervals[row["member"]] = (100 * (gains.mean() - half), 100 * (gains.mean() + half))
        return intervals


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


_SHARES = ("accuracy", "without", "together")


def _member(row: Mapping[str, str]) -> dict[str, Any] | None:
    """A row of members.csv with its numbers; None for what is none."""
    try:
        shares = {name: float(row[name]) for name in _SHARES}
        known = all(0 <= share <= 1 for share in shares.values())
    except (KeyError, TypeError, ValueError):
        return None
    return {"member": row["member"], **shares} if known and row.get("member") else None
