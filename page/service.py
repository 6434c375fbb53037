"""What stands behind the page: from a visitor's question to a message. It keeps models, and nothing about visitors."""

import functools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explain import checkpoints
from explain.align import common_target, compare
from explain.cams import RULES
from explain.engine import explain
from explain.pictures import Picture, PictureError, fit, read
from explain.view.message import Side, message
from page import uploads
from page.evidence import Findings, NotThere
from page.experiments import Experiment, read_experiments, yardstick
from page.texts import WORDS, say, told

log = logging.getLogger("two-minds")

ROOT = Path(__file__).resolve().parent.parent
FEATURES = 12  # feature maps a layer
PREDICTED = "predicted"

# All rules of one pass are traced together: the second costs next to nothing, and no change of rule traces anew.
ONE_PASS = tuple(name for name, rule in RULES.items() if tuple(rule.cost) == (1, 1))


class Refused(ValueError):
    """What was asked for does not exist or cannot be done. `str(error)` is one sentence, `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Service:
    """Models, experiments, examples and evidence, each a closed list of ids, and the one question asked of them.

    Args:
        weights: folder of checkpoints.
        evidence: folder with what `study compare` wrote.
        examples: folder of example pictures.
        data: folder of a data set's pictures, if there is one.
    """

    def __init__(
        self,
        weights: Path = checkpoints.DEFAULT,
        evidence: Path = ROOT / "evidence",
        examples: Path = ROOT / "examples",
        data: Path | None = None,
    ) -> None:
        self.weights, self.evidence = Path(weights), Path(evidence)
        found = checkpoints.available(self.weights)
        self.cards: dict[str, dict[str, Any]] = {card["id"]: card for card in found.cards}
        self.problems: list[tuple[str, str]] = found.problems
        for folder, sentence in self.problems:
            log.warning("Passed over %s: %s", folder, sentence)
        self.experiments: list[Experiment] = read_experiments(self.weights / "experiments.json", self.cards)
        self.examples: dict[str, Path] = {path.stem: path for path in sorted(Path(examples).glob("*.jpg"))}
        self.findings = Findings(self.weights, self.evidence, self.cards, self.experiments, data)
        self.problem = ""  # a sentence when the models could not be loaded
        self._ready = threading.Event()
        self._warm: OrderedDict[str, None] = OrderedDict()  # ids that answer at once, least recently used first
        self._seconds: list[float] = []  # that loading a model took
        self._guard = threading.Lock()

    @property
    def start(self) -> tuple[str, str]:
        """The pair to begin with: the first experiment's, else the first two checkpoints."""
        if self.experiments:
            return self.experiments[0].left, self.experiments[0].right
        ids = list(self.cards)
        return ids[0], ids[min(1, len(ids) - 1)]

    # --- loading ----------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Import TensorFlow and make the first pair ready to answer; what comes in meanwhile waits. Call it once."""
        try:
            import keras  # noqa: F401  so that its import does not count as a model's

            for id in dict.fromkeys(self.start if self.cards else ()):
                began = time.perf_counter()
                self._explained(id, _grey, PREDICTED)
                self._seconds.append(time.perf_counter() - began)
            log.info("The models are ready.")
        except Exception:
            log.exception("The first pair cannot be loaded.")
            self.problem = say("start_fails")
        finally:
            self._ready.set()

    def state(self, *_: object) -> dict[str, Any]:
        """For the browser: whether the first pair is there, which models are, seconds that one takes as a rule."""
        with self._guard:
            seconds = sum(self._seconds) / len(self._seconds) if self._seconds else 0.0
            return {
                "ready": self._ready.is_set(),
                "loaded": list(self._warm),
                "seconds": seconds,
                "problem": self.problem,
            }

    # --- answering --------------------------------------------------------------------------------------------------

    def answer(
        self, picture: Picture, left: object, right: object, rule: object = "gradcam", target: object = PREDICTED
    ) -> dict[str, Any]:
        """The message for a picture and two models.

        Args:
            picture: as it was read.
            left, right: ids of checkpoints.
            rule: name of a rule.
            target: a class's name, or "predicted": that with the higher mean probability.

        Raises:
            Refused: for anything that does not exist, and for two models of different classes.
        """
        left, right, rule, target = self.checked(left, right, rule, target)
        self._ready.wait()
        began = time.perf_counter()
        squashed = functools.cache(lambda size: fit(picture.pixels, size))  # once where both take one size
        sides = [self._explained(id, squashed, target) for id in (left, right)]
        others = []  # explanations of a class that the other model does not find likelier
        common = common_target(*(side.explanation.probabilities[0] for side in sides))
        if target == PREDICTED:
            others = [side for side in sides if side.explanation.targets[0] != common]
            name = sides[0].explanation.classes[common]
            sides = [self._explained(side.card["id"], squashed, name) if side in others else side for side in sides]
        compared = compare(*(side.explanation for side in sides), rule=rule)
        measured = sides[0].explanation.targets[0] == common  # the yardstick is for the class that both find likelier
        band = yardstick((left, right), rule, self.experiments, self.evidence, self.cards) if measured else None
        along = band and band.along(stop.depth for stop in compared.stops)
        answer = message(picture, *sides, compared, target, along, WORDS)
        answer["loaded"] = self.state()["loaded"]
        for side in others:
            cost = side.explanation.cost[rule]
            answer["cost"]["passes"] += cost.forward + cost.backward
            answer["cost"]["explain"] += cost.milliseconds
        answer["cost"]["milliseconds"] = 1000 * (time.perf_counter() - began)
        return answer

    def checked(self, left: object, right: object, rule: object, target: object) -> tuple[str, str, str, str]:
        """The same, if all of it exists and goes together; Refused if not."""
        for asked, known, key in (
            (left, self.cards, "unknown_model"),
            (right, self.cards, "unknown_model"),
            (rule, ONE_PASS, "unknown_rule"),
        ):
            if not isinstance(asked, str) or asked not in known:
                raise Refused(key, say(key, asked=_short(asked), known=", ".join(known)))
        classes = self.cards[left]["classes"]
        if classes != self.cards[right]["classes"]:
            raise Refused("other_classes", say("other_classes"))
        if not isinstance(target, str) or target not in (PREDICTED, *classes):
            raise Refused("unknown_target", say("unknown_target", asked=_short(target), known=", ".join(classes)))
        return left, right, rule, target

    def example(self, id: object) -> Picture:
        """An example by its id, or a picture of the test split by its identity; Refused for any other."""
        if isinstance(id, str) and "/" in id:  # no example has one
            try:
                return self.findings.picture(id)
            except NotThere as error:
                if error.code != "evidence_unknown":
                    raise Refused(error.code, str(error)) from None
        if not isinstance(id, str) or id not in self.examples:
            raise Refused("unknown_example", say("unknown_example"))
        return read(self.examples[id])

    def ask(self, asked: object) -> dict[str, Any]:
        """What the browser asks for, as it sends it; a message, or {"kind": "error", "ask", "code", "sentence"}.

        `asked` comes from outside and may be anything; a good one holds ask (a number, which comes back), upload (its
        path) or example (an id), left, right, rule, target.
        """
        try:
            asked = asked if isinstance(asked, Mapping) else {}
            choice = [asked.get(key) for key in ("left", "right", "rule", "target")]
            self.checked(*choice)  # before anything is opened
            self._ready.wait()
            began = time.perf_counter()
            if asked.get("upload") is not None:
                picture = uploads.picture(asked["upload"])
            elif asked.get("example") is not None:
                picture = self.example(asked["example"])
            else:
                raise Refused("no_picture", say("no_picture"))
            answer = self.answer(picture, *choice)
            answer["cost"]["milliseconds"] = 1000 * (time.perf_counter() - began)
            return {**answer, "ask": _number(asked)}
        except (Refused, uploads.NotUploaded) as error:
            return refused(asked, error.code, str(error))
        except PictureError as error:
            return refused(asked, error.code, told(error))
        except Exception:
            log.exception("A request failed.")
            return refused(asked, "internal")

    def _explained(self, id: str, squashed: Callable[[tuple[int, int]], np.ndarray], target: str) -> Side:
        try:
            checkpoint = checkpoints.load(id, self.weights)
        except checkpoints.CheckpointError as error:
            log.warning("%s cannot be loaded: %s", id, error)
            sentence = say("model_fails", title=self.cards[id]["title"], reason=told(error))
            raise Refused("model_fails", sentence) from error
        began = time.perf_counter()
        explanation = explain(
            checkpoint.model,
            squashed(checkpoint.input_size),
            target=target,
            rules=ONE_PASS,
            features=FEATURES,
            classes=checkpoint.classes,
        )
        log.debug("%s explained in %.0f ms", id, 1000 * (time.perf_counter() - began))
        with self._guard:
            self._warm[id] = None
            self._warm.move_to_end(id)
            while len(self._warm) > checkpoints.KEPT:
                self._warm.popitem(last=False)
        return Side(checkpoint.card, explanation)


def refused(asked: object, code: str, sentence: str = "") -> dict[str, Any]:
    """The answer that is none, with one sentence: by default that of the code."""
    return {"kind": "error", "ask": _number(asked), "code": code, "sentence": sentence or say(code)}


def commands() -> str:
    """How to get the first pair, for a page without any."""
    return "\n".join(
        line
        for id in ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
        for line in (f"python -m training run {id} --data-dir DIR", f"python -m training ship {id}")
    )


def _number(asked: object) -> int | None:
    """A question's number, if it is one that JSON and the browser can take back."""
    number = asked.get("ask") if isinstance(asked, Mapping) else None
    return number if type(number) is int and 0 <= number < 2**53 else None


def _grey(size: tuple[int, int]) -> np.ndarray:
    return np.full((*size, 3), 127, np.uint8)


def _short(asked: object) -> str:
    text = asked if isinstance(asked, str) else type(asked).__name__
    return text if len(text) <= 40 else text[:40] + "…"
