"""A checkpoint's card: what it is, how it came about and how well it does, as `card.json` says it.

Read with care, as it may be a stranger's: what nobody can do without must be right, what else is missing or of an odd
kind counts as not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from explain.errors import CheckpointError
from explain.files import parse_json, read_bytes, writable

_MOST = 2**20  # bytes of a card
_SIDE = 4096  # pixels of a model's input
_GREATEST = 2**53  # number; JSON would allow any


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Pictures whose winning probability lies in an interval, and the share of them that is classified right.

    Attributes:
        confidence_low: where the interval begins, 0 to 1, itself left out.
        confidence_high: where it ends, 0 to 1.
        n: how many pictures.
        confidence: their mean winning probability, 0 to 1.
        accuracy: share that is right, 0 to 1.

    Example:
        >>> Bin(confidence_low=0.5, confidence_high=0.6, n=40, accuracy=0.55).n
        40
    """

    confidence_low: float
    confidence_high: float
    n: int
    confidence: float | None = None
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well a model does on one split; what is not known is None.

    Attributes:
        n: pictures.
        log_loss: mean of -log of the true class's probability.
        accuracy: share that is right, 0 to 1.
        accuracy_interval: its 95 % interval.
        precision, recall, f1: means over classes, 0 to 1.
        auc: of one class against the others, mean over classes, 0 to 1.
        calibration_error: mean gap of confidence and accuracy over bins, 0 to 1.
        reliability: the bins, without empty ones.
        top_5: share whose true class is among the five likeliest, 0 to 1.
        more: what else the card says of the split.

    Example:
        >>> Figures.from_json({"n": 40, "accuracy": 0.9, "auc": "?"})
        Figures(n=40, accuracy=0.9)
    """

    n: int | None = None
    log_loss: float | None = None
    accuracy: float | None = None
    accuracy_interval: tuple[float, float] | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    auc: float | None = None
    calibration_error: float | None = None
    reliability: tuple[Bin, ...] = ()
    top_5: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Figures:
        """Figures from a card's JSON object; what is of an odd kind or out of range counts as not there.

        Args:
            values: as it stands in the card, of any kind.
        """
        rows = values.get("reliability")
        shares = ("accuracy", "precision", "recall", "f1", "auc", "calibration_error", "top_5")
        return cls(
            n=_count(values.get("n")),
            log_loss=_number(values.get("log_loss")),
            accuracy_interval=_interval(values.get("accuracy_interval")),
            reliability=tuple(filter(None, map(_bin, rows))) if isinstance(rows, (list, tuple)) else (),
            **{name: _share(values.get(name)) for name in shares},
            more=_unknown(cls, values),
        )

    def to_json(self) -> dict[str, Any]:
        """The card's JSON object."""
        return _jsonable(self)

    def __repr__(self) -> str:
        return f"Figures({', '.join(f'{name}={value!r}' for name, value in vars(self).items() if value)})"


@dataclass(frozen=True, kw_only=True)
class TrainedOn:
    """The data set that a model was trained and measured on.

    Attributes:
        name: of the data set, as `training.data` knows it.
        edition: which of several published ones.
        problems: files that were left out or converted.
    """

    name: str
    edition: str | None = None
    problems: int | None = None


@dataclass(frozen=True, kw_only=True)
class Digests:
    """Hex sha256 of what a checkpoint is and comes from.

    Attributes:
        data: of the data set's files.
        split: of the file that says which picture belongs to which split.
        model: of model.keras; of an ensemble, of its members' digests and its temperature.
    """

    data: str | None = None
    split: str | None = None
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a checkpoint says of itself.

    Attributes:
        model_id: name of its folder: small letters, digits and hyphens ("id" in the file).
        title: a few words.
        description: a sentence.
        dataset: what it was trained on.
        classes: names, in the order of the probabilities' columns.
        input_size: height and width that pictures are squashed to ("input" in the file).
        parameters: number of weights.
        multiply_adds: of one forward pass of one picture.
        splits: figures by split ("train", "validation", "test").
        tested: when they were measured, ISO 8601.
        seconds: that the training took.
        best: epoch and validation figures of the weights that were kept.
        initial_weights: their source and licence.
        smoke: whether it is but a trial of the machinery.
        recipe: every setting of its training; the properties below read it.
        search: the trials that its learning rate comes from; None where the rate was given.
        revision: of the code.
        versions: of Python and libraries, by name.
        hardware: what it was trained on.
        digests: of its files.
        members: ids of an ensemble's checkpoints; empty for a single model.
        temperature: above 0; of an ensemble, what the log of the mean probability is divided by.
        groups: of many classes, the larger class that each belongs to, in the order of `classes`; else empty.
        more: what else the file says.

    Example:
        >>> from explain.checkpoints import DEFAULT
        >>> card = Card.read(DEFAULT / "cats-dogs-effnet-sgd")
        >>> card.title, card.classes, card.input_size, card.optimizer
        ('EfficientNet, SGD', ('Cat', 'Dog'), (192, 192), 'sgd')
        >>> card.test.n
        4000
    """

    model_id: str = field(metadata={"key": "id"})
    title: str
    description: str
    dataset: TrainedOn | None = None
    classes: tuple[str, ...]
    input_size: tuple[int, int] = field(metadata={"key": "input"})
    parameters: int | None = None
    multiply_adds: int | None = None
    splits: Mapping[str, Figures] = field(default_factory=dict)
    tested: str | None = None
    seconds: float | None = None
    best: Mapping[str, Any] | None = None
    initial_weights: str | None = None
    smoke: bool = False
    recipe: Mapping[str, Any] | None = None
    search: Mapping[str, Any] | None = field(default=None, metadata={"null": True})
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str | None = None
    digests: Digests = field(default_factory=Digests)
    members: tuple[str, ...] = ()
    temperature: float = 1.0
    groups: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: str | Path) -> Card:
        """The card that lies in a folder as `card.json`.

        Args:
            folder: a checkpoint's, or that of a finished run.

        Raises:
            CheckpointError: "card", where it is missing, cannot be read, or lacks what every checkpoint needs: id,
                title, description, two classes or more, input size, and the model's digest or the names of members.

        Example:
            >>> Card.read("nowhere")
            Traceback (most recent call last):
            explain.errors.CheckpointError: The card of nowhere is missing.
        """
        folder = Path(folder)
        try:
            values = parse_json(read_bytes(folder / "card.json", _MOST), lenient=True)
        except FileNotFoundError:
            raise _wrong(folder.name, "card.json", "is missing") from None
        except (OSError, ValueError):
            raise _wrong(folder.name, "card.json", "cannot be read") from None
        if not isinstance(values, dict) or not writable(values):
            raise _wrong(folder.name, "card.json", "cannot be read")
        return cls.from_json(values, folder.name)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], name: str = "") -> Card:
        """A card from a JSON object.

        Args:
            values: the object.
            name: what a sentence calls the checkpoint; by default its id.

        Raises:
            CheckpointError: as `read` does.

        Example:
            >>> Card.from_json({"id": "my-net", "title": "Mine"})
            Traceback (most recent call last):
            explain.errors.CheckpointError: The card of my-net has no description.
        """
        _check(values, name or str(values.get("id")))
        digests, splits = _mapping(values.get("digests")), _mapping(values.get("splits"))
        return cls(
            model_id=values["id"],
            title=values["title"],
            description=values["description"],
            dataset=_trained_on(values.get("dataset")),
            classes=tuple(values["classes"]),
            input_size=tuple(values["input"]),
            parameters=_count(values.get("parameters")),
            multiply_adds=_count(values.get("multiply_adds")),
            splits={name: Figures.from_json(figures) for name, figures in splits.items() if isinstance(figures, dict)},
            tested=_text(values.get("tested")),
            seconds=_number(values.get("seconds")),
            best=_mapping(values.get("best")) or None,
            initial_weights=_text(values.get("initial_weights")),
            smoke=values.get("smoke") is True,
            recipe=_mapping(values.get("recipe")) or None,
            search=_mapping(values.get("search")) or None,
            revision=_text(values.get("revision")),
            versions={name: text for name, text in _mapping(values.get("versions")).items() if _text(text)},
            hardware=_text(values.get("hardware")),
            digests=Digests(
                data=_text(digests.get("data")), split=_text(digests.get("split")), model=digests.get("model", "")
            ),
            members=tuple(values.get("members", ())),
            temperature=values.get("temperature", 1.0),
            groups=_groups(values.get("groups"), len(values["classes"])),
            more=_unknown(cls, values),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads back to an equal card; what is not known is left out.

        Example:
            >>> card = Card(model_id="net", title="Net", description="A net.", classes=("a", "b"), input_size=(8, 8))
            >>> card.to_json()["input"]
            [8, 8]
        """
        return _jsonable(self)

    def write(self, path: Path) -> None:
        """Write the card into a file.

        Args:
            path: of the file; a checkpoint's is called card.json.
        """
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n")

    @property
    def test(self) -> Figures:
        """Figures of the test split; nothing in them where the card doesn't say."""
        return self.splits.get("test", Figures())

    @property
    def network(self) -> str | None:
        """Name of the network, "efficientnet-lite0" for example."""
        return _text(self._setting("model", "name"))

    @property
    def pretrained(self) -> str | None:
        """What its weights had learned from before, "imagenet" for example; None for weights drawn at random."""
        return _text(self._setting("model", "weights")) or None

    @property
    def optimizer(self) -> str | None:
        """Name of the optimizer that trained it."""
        return _text(self._setting("optimizer", "name"))

    @property
    def learning_rate(self) -> float | None:
        """Peak learning rate of its training."""
        return _number(self._setting("optimizer", "learning_rate"))

    def _setting(self, part: str, name: str) -> object:
        return _mapping(_mapping(self.recipe).get(part)).get(name)


# --- what every checkpoint needs --------------------------------------------------------------------------------------


def natural_order(model_id: str) -> tuple[Any, ...]:
    """What to sort ids by, so that the numbers in them count as numbers.

    Args:
        model_id: or another name.

    Returns:
        A key for `sorted`.

    Example:
        >>> sorted(["net-seed10", "net-seed2", "net"], key=natural_order)
        ['net', 'net-seed2', 'net-seed10']
    """
    parts = re.split(r"(\d+)", model_id)  # text and digits by turns
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), model_id


def _wrong(name: str, part: str, what: str) -> CheckpointError:
    return CheckpointError("card", "The card of {model_id} " + what + ".", model_id=name, part=part)


def _check(values: Mapping[str, Any], name: str) -> None:
    if not _text(values.get("id")):
        raise _wrong(name, "id", "names no id")
    for key in ("title", "description"):
        if not _text(values.get(key)):
            raise _wrong(name, key, f"has no {key}")
    classes, size = values.get("classes"), values.get("input")
    if not isinstance(classes, list) or not all(map(_text, classes)):
        raise _wrong(name, "classes", "names no classes")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise _wrong(name, "classes", "names fewer than two classes, or one of them twice")
    if not (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int and 1 <= side <= _SIDE for side in size)
    ):
        raise _wrong(name, "input", "gives no input size, which is [height, width]")
    if "members" in values:
        members, temperature = values["members"], _number(values.get("temperature", 1.0))
        if not isinstance(members, list) or not members or not all(map(_text, members)):
            raise _wrong(name, "members", "names no members")
        if len(set(members)) < len(members):
            raise _wrong(name, "members", "names a member twice")
        if temperature is None or temperature <= 0:
            raise _wrong(name, "temperature", "gives a temperature that is no number above zero")
        return
    digest = _mapping(values.get("digests")).get("model")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise _wrong(name, "digests", "gives no digest of its model")


# --- from and to JSON: what is of an odd kind is None -----------------------------------------------------------------


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if abs(value) <= _GREATEST else None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= _GREATEST else None


def _share(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _interval(value: object) -> tuple[float, float] | None:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    low, high = map(_share, value)
    return None if low is None or high is None else (low, high)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _bin(row: object) -> Bin | None:
    values = _mapping(row)
    low, high = _share(values.get("confidence_low")), _share(values.get("confidence_high"))
    n, accuracy = _count(values.get("n")), _share(values.get("accuracy"))
    if low is None or high is None or n is None or accuracy is None:
        return None
    confidence = _share(values.get("confidence"))
    return Bin(confidence_low=low, confidence_high=high, n=n, confidence=confidence, accuracy=accuracy)


def _groups(value: object, classes: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) != classes or not all(map(_text, value)):
        return ()
    return tuple(value)


def _trained_on(value: object) -> TrainedOn | None:
    values = _mapping(value)
    name, edition, problems = _text(values.get("name")), _text(values.get("edition")), _count(values.get("problems"))
    return None if name is None else TrainedOn(name=name, edition=edition, problems=problems)


def _key(part: Any) -> str:
    return part.metadata.get("key", part.name)


def _unknown(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    known = {_key(part) for part in fields(kind)}
    return {key: value for key, value in values.items() if key not in known}


def _jsonable(value: Any) -> Any:
    """Dataclasses as objects, without what stands at its default, tuples as lists."""
    if is_dataclass(value):
        result = {}
        for part in fields(value):
            content = getattr(value, part.name)
            if part.name != "more" and (part.metadata.get("null") or content != _default(part)):
                result[_key(part)] = _jsonable(content)
        return result | _jsonable(getattr(value, "more", {}))
    if isinstance(value, Mapping):
        return {key: _jsonable(content) for key, content in value.items()}
    return [_jsonable(content) for content in value] if isinstance(value, (list, tuple)) else value


def _default(part: Any) -> object:
    make: Callable[[], object] | Any = part.default_factory
    return part.default if make is MISSING else make()
