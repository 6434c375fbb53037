"""What stands behind the page: from a visitor's question to a message. It keeps models, and nothing about visitors."""

import copy
import functools
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explain import checkpoints
from explain.align import FEWEST, MOST, Comparison, common_target, compare, shared_classes
from explain.cards import Card
from explain.contrast import contrast
from explain.ensembles import Ensemble
from explain.errors import ModelError, UserError
from explain.explanation import Cost, Explanation
from explain.pictures import Picture, fit, read
from explain.preprocessing import preprocessing
from explain.rules import RULES, paired_rules
from explain.targets import Finer
from explain.view.message import Explained, message
from explain.view.words import Words
from page import uploads
from page.background import Background
from page.decoding import Decoders
from page.errors import PageError
from page.evidence import Findings, NotThere
from page.examples import UNKNOWN, Example, belongs, read_examples
from page.experiments import yardstick
from page.faithful import PASSES, faithful
from page.jobs import Task, Tell
from page.kept import Kept
from page.log import described
from page.pace import Pace
from page.rates import right_at_least, right_at_most
from page.survey import Survey
from page.texts import TABLES, PageTexts
from study.experiments import Experiment, read_experiments
from study.store import same_recipe

log = logging.getLogger("two-minds")

ROOT = Path(__file__).resolve().parent.parent
FEATURES = 2**16  # feature maps a layer: all; the message takes those that are shown
AHEAD = 3  # experiments of the chooser whose models are made ready unasked
OWN, COMMON = "own", "common"  # what is explained, if no class is asked for
FINER = "finer"  # of each model its own answer, and not the classes nearest to it: takes three of them
CONTRAST = "contrast"  # of two that disagree each one's answer, and not the other's
TARGETS = (OWN, COMMON, FINER, CONTRAST)
BESIDE = 2  # seconds that a step of what takes long waits for questions that are answered at once
MINUTE = 60  # seconds from which on a rule takes minutes
SOME_PASSES = 300  # forward passes that count as seconds, where no pace is known yet

# They are traced together: the second costs next to nothing, and no change of rule traces anew.
ONE_PASS = paired_rules()


class Refused(PageError):
    """A question that names something that does not exist, or things that do not go together."""


class Service:
    """Models, experiments, examples and evidence, each a closed list of ids, and the one question asked of them.

    Args:
        weights: folder of checkpoints.
        evidence: folder with what `study compare` wrote.
        examples: folder of example pictures.
        data: folder of a data set's pictures, if there is one; of opened models labelled folders, one a class.
        language: what the page says is said in.
        opened: models of the host's own, which then are the only experiment; there is no evidence of them.
    """

    def __init__(
        self,
        weights: Path = checkpoints.DEFAULT,
        evidence: Path = ROOT / "evidence",
        examples: Path = ROOT / "examples",
        data: Path | None = None,
        language: str = "en",
        opened: Sequence[checkpoints.Checkpoint | Ensemble] = (),
    ) -> None:
        self.texts = PageTexts(language)
        self.words = Words(self.texts)
        self.weights, self.evidence = Path(weights), Path(evidence)
        self.opened = {model.model_id: model for model in opened}
        cards, self.problems = ([model.card for model in opened], []) if opened else checkpoints.available(self.weights)
        self.cards: dict[str, Card] = {card.model_id: card for card in cards}
        for folder, sentence in self.problems:
            log.warning("Passed over %s: %s", folder, sentence)
        known = [self._yours()] if opened else read_experiments(self.weights / "experiments.json", self.cards)
        self._experiments = known
        self.experiments: list[Experiment] = [self.texts.titled(experiment) for experiment in known]
        self.pictures = Path(examples)
        self.examples: dict[str, Example] = read_examples(self.pictures)
        evidence_of = {} if opened else self.cards
        data_set, self.survey = data, None
        if opened:
            data_set, self.survey = None, Survey(list(opened), data, self.texts) if data else None
        self.findings = Findings(self.weights, self.evidence, evidence_of, self.experiments, data_set, self.texts)
        self.decoders = Decoders()
        self._background = Background(self._steps, self._fits)
        self._ready = threading.Event()
        self._pace = Pace()
        self.kept = Kept()
        self._failed = threading.Event()  # the models could not be loaded
        self._spoken = {language: self}
        self._unfit: dict[tuple[str, str], UserError] = {}  # why a model is not explained by a rule, where tried
        self._seconds: list[float] = []  # that loading a model took
        self._traced: set[str] = set()  # have explained since they were read
        self._guard = threading.Lock()

    @property
    def start(self) -> tuple[str, ...]:
        """The models to begin with: the first experiment's, else the first two checkpoints."""
        if self.experiments:
            return self.experiments[0].models
        ids = list(self.cards)
        return ids[0], ids[min(1, len(ids) - 1)]

    @property
    def problem(self) -> str:
        """A sentence where the models could not be loaded."""
        return self.texts.say("start_fails") if self._failed.is_set() else ""

    def _yours(self) -> Experiment:
        """The opened models side by side."""
        apart = len({card.classes for card in self.cards.values()}) > 1
        question = self.texts.say("yours_apart" if apart else "yours_question")
        return Experiment("yours", tuple(self.cards), self.texts.say("yours"), question)

    def spoken(self, language: object) -> "Service":
        """The same models, examples and evidence, and all that is said in a language; itself for an unknown one."""
        if not isinstance(language, str) or language not in TABLES:
            return self
        with self._guard:
            if language not in self._spoken:
                self._spoken[language] = self._translated(PageTexts(language))
            return self._spoken[language]

    def _translated(self, texts: PageTexts) -> "Service":
        other = copy.copy(self)
        other.texts, other.words = texts, Words(texts)
        other.cards = {model_id: texts.card(card) for model_id, card in self.cards.items()}
        other.experiments = [other._yours()] if self.opened else [*map(texts.titled, self._experiments)]
        other.examples = {example_id: texts.example(example) for example_id, example in self.examples.items()}
        titles = {card.title: other.cards[model_id].title for model_id, card in self.cards.items()}
        cards = {} if self.opened else other.cards
        data = self.findings.data
        other.findings = Findings(self.weights, self.evidence, cards, other.experiments, data, texts, titles)
        return other

    # --- loading ----------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Import TensorFlow and make the first pair ready to answer; what comes in meanwhile waits. Call it once."""
        try:
            import keras  # noqa: F401  so that its import does not count as a model's

            for model_id in dict.fromkeys(self.start if self.cards else ()):
                if self._background.stopped:
                    return
                began = time.perf_counter()
                self._explained(model_id, _grey)
                self._seconds.append(time.perf_counter() - began)
            log.info("The models are ready.")
        except Exception:
            log.exception("The first pair cannot be loaded.")
            self._failed.set()
        finally:
            self._ready.set()

    def run(self) -> None:
        """`load`, and from then on, until `stop`, make models ready before they are asked for; for a thread.

        Those who read uploads are started first: they are ready long before TensorFlow is.
        """
        self.decoders.start()
        self.load()
        self.prepare([experiment.id for experiment in self.experiments[:AHEAD]])
        if self.survey and not self.problem:
            self.survey.run(self._background.idle)
        self._background.run()

    def stop(self) -> None:
        """Make nothing ready any more, and end those who read uploads."""
        self._background.stop()
        self.decoders.close()

    def prepare(self, experiment_ids: object) -> dict[str, Any]:
        """Make the models of experiments ready, in this order, when there is time and room; `state`.

        `experiment_ids` comes from outside and may be anything; what is no experiment's id is passed over.
        """
        asked = experiment_ids if isinstance(experiment_ids, list) else []
        known = {experiment.id: experiment for experiment in self.experiments}
        experiments = [known[name] for name in asked if isinstance(name, str) and name in known]
        ids = [model_id for experiment in experiments for model_id in experiment.models]
        self._background.want(sorted(ids, key=lambda model_id: bool(self.cards[model_id].members)))  # members first
        return self.state()

    def _steps(self, model_id: str) -> list[Callable[[], object]]:
        """What makes a model ready: it is read, then traced."""
        if model_id in self._at_once():
            return []
        return [
            lambda: self._read(model_id),
            lambda: self._explained(model_id, _grey),
        ]

    def _at_once(self) -> list[str]:
        """Ids of the models that answer at once: they are in memory, and they, or all members, have explained there."""
        ids = list(self.opened) or checkpoints.loaded(self.cards.values(), self.weights)
        return [model_id for model_id in ids if self._traced.issuperset(self._networks(model_id))]

    def _networks(self, model_id: str) -> Sequence[str]:
        """A model's id, or those of an ensemble's members."""
        return [model_id] if self.opened else self.cards[model_id].members or [model_id]

    def _read(self, model_id: str) -> checkpoints.Checkpoint | Ensemble:
        """A model from memory or disk; what comes from disk has yet to be traced."""
        if self.opened:
            return self.opened[model_id]
        networks = self._networks(model_id)
        cards = [self.cards[name] for name in networks if name in self.cards]
        gone = set(networks) - set(checkpoints.loaded(cards, self.weights))
        self._traced.difference_update(gone)
        if gone:
            self._pace.forget(model_id)
        return checkpoints.load(model_id, self.weights)

    def _fits(self, model_id: str) -> bool:
        """Whether a model finds room in memory without another leaving it, as far as its card tells."""
        if self.opened:
            return True
        ids = {*checkpoints.loaded(self.cards.values(), self.weights), model_id}
        members = {name for card in map(self.cards.get, ids) for name in card.members or [card.model_id]}
        cards = [self.cards[name] for name in members if name in self.cards]
        size = sum(4 * (card.parameters or 0) + checkpoints.TRACE_BYTES for card in cards)
        return size <= checkpoints.KEPT_BYTES

    def state(self, *_: object) -> dict[str, Any]:
        """For the browser: whether the first pair is there, which models answer at once, seconds that others take."""
        with self._guard:
            seconds = sum(self._seconds) / len(self._seconds) if self._seconds else 0.0
            return {
                "ready": self._ready.is_set(),
                "loaded": self._at_once(),
                "seconds": seconds,
                "problem": self.problem,
            }

    def rarely(self) -> dict[str, str]:
        """How rarely each experiment's models disagree on the test split, as a sentence, where that is known."""
        told = {}
        for experiment in self.experiments if not self.opened else ():
            counted = self.findings.disagreements(experiment.models)
            if counted is not None:
                cards = [self.cards[model_id] for model_id in experiment.models]
                facts = {
                    "count": f"{counted[0]:,}",
                    "of": f"{counted[1]:,}",
                    "population": self.words.population_short(cards),
                }
                key = "rarely" if len(cards) == 2 else "rarely_row"
                told[experiment.id] = self.texts.say(key, models=len(cards), **facts)
        return told

    # --- answering --------------------------------------------------------------------------------------------------

    def answer(
        self,
        picture: Picture,
        models: object,
        rule: object = "gradcam",
        target: object = OWN,
        shows: str | None = UNKNOWN,
        tell: Tell = lambda share: None,
    ) -> dict[str, Any]:
        """The message for a picture and 2 to 6 models.

        Args:
            picture: as it was read.
            models: ids of checkpoints; the others are held against the first.
            rule: name of a rule.
            target: "own" (of each model its own answer), "common" (the class with the highest mean probability) or a
                class's name.
            shows: the class that the picture shows, None for a class of no data set, `UNKNOWN` where that is not known.
            tell: is called with the share that is done, 0 to 1; what it raises ends the work.

        Raises:
            Refused: for anything that does not exist, for fewer or more models, for what models of different classes
                have not in common, and for a model that cannot be loaded or explained.
        """
        models, rule, target = self.checked(models, rule, target)
        self._ready.wait()
        began = time.perf_counter()
        squashed = functools.cache(lambda size: fit(picture.pixels, size))  # once for all that take one size
        explained, spent = self._of_target(models, squashed, target)
        rows = [explanation.probabilities[0] for _, explanation in explained]
        drawn = None
        if target == CONTRAST:
            explained, drawn = self._contrasted(models, explained, rule, tell)
        elif rule not in ONE_PASS or target == FINER:
            explained = self._further(models, explained, squashed, rule, tell, target == FINER)
        comparison = compare(*(explanation for _, explanation in explained), rule=rule)
        measured = target not in (FINER, CONTRAST)  # as the yardsticks were
        yardsticks = [
            self._yardstick(models, place, rows, comparison, shows) if measured else None
            for place in range(len(models))
        ]
        rates, ceilings = zip(*(self.right(*pair) for pair in explained), strict=True)
        inside = [belongs(shows, self.cards[model_id].classes) for model_id in models]
        within = inside[0] if len(set(inside)) == 1 else None
        known: dict[str, Any] = {"belongs": within, "truth": shows if True in inside else None, "difference": drawn}
        answer = message(
            picture, explained, comparison, target, yardsticks, self.words, rates, ceilings=ceilings, **known
        )
        answer["loaded"] = self.state()["loaded"]
        answer["target"]["why_not"] = self._why_not(models, rows)
        answer["cost"]["passes"] += sum(cost.forward + cost.backward for cost in spent)
        answer["cost"]["explain"] += sum(cost.milliseconds for cost in spent)
        answer["cost"]["milliseconds"] = 1000 * (time.perf_counter() - began)
        return answer

    def _of_target(
        self, models: Sequence[str], squashed: Callable[[tuple[int, int]], np.ndarray], target: str
    ) -> tuple[list[Explained], list[Cost]]:
        """What models see, and what was spent on another class than the one that is explained."""
        asked = "predicted" if target in TARGETS else target
        explained, spent = [self._explained(model_id, squashed, asked) for model_id in models], []
        if target == COMMON:
            common = common_target(*(explanation.probabilities[0] for _, explanation in explained))
            name = self.cards[models[0]].classes[common]
            for place, model_id in enumerate(models):
                if explained[place].explanation.targets[0] != common:
                    spent.append(explained[place].explanation.cost[ONE_PASS[0]])
                    explained[place] = self._explained(model_id, squashed, name)
        return explained, spent

    def _further(
        self,
        models: Sequence[str],
        explained: Sequence[Explained],
        squashed: Callable[[tuple[int, int]], np.ndarray],
        rule: str,
        tell: Tell,
        finer: bool = False,
    ) -> list[Explained]:
        """The same models with maps by a rule, or of a target, that is not traced with the others."""
        expected = [self._expected(model_id, rule) or 1.0 for model_id in models]
        further = []
        for place, (model_id, (card, known)) in enumerate(zip(models, explained, strict=True)):
            before, part = sum(expected[:place]) / sum(expected), expected[place] / sum(expected)

            def progress(done: int, total: int, before: float = before, part: float = part) -> None:
                tell(before + part * (done / total if total else 0))

            tell(before)
            checkpoint, began = self._read(model_id), time.perf_counter()
            try:
                own = int(known.targets[0])
                made = checkpoint.explain(squashed, Finer(own) if finer else own, rule, progress=progress)
            except ModelError as error:
                log.info("%s is not explained by %s: %s", model_id, rule, error)
                self._unfit[model_id, rule] = error
                raise Refused("not_explained", title=card.title, reason=self.texts.told(error)) from error
            if not finer:
                self._pace.learn(model_id, made, rule, time.perf_counter() - began)
            merged = replace(
                known,
                maps={**known.maps, **made.maps},
                attributions={**known.attributions, **made.attributions},
                residuals={**known.residuals, **made.residuals},
                cost={**known.cost, **made.cost},
            )
            further.append(Explained(card, merged))
        return further

    def _contrasted(
        self, models: Sequence[str], explained: Sequence[Explained], rule: str, tell: Tell
    ) -> tuple[list[Explained], np.ndarray]:
        """Two models that disagree with maps of their answers rather than the other's, and what sets them apart."""
        if explained[0].explanation.targets[0] == explained[1].explanation.targets[0]:
            raise Refused("contrast_agree")
        both = [self._read(model_id) for model_id in models]
        assert all(isinstance(each, checkpoints.Checkpoint) for each in both)
        made = contrast(
            [each.model for each in both],  # type: ignore[union-attr]
            [explanation for _, explanation in explained],
            rule,
            [preprocessing(each.preprocess) for each in both],  # type: ignore[union-attr]
            [each.head for each in both],  # type: ignore[union-attr]
            lambda: tell(0),
        )
        pairs = zip(explained, made.explanations, strict=True)
        return [Explained(card, explanation) for (card, _), explanation in pairs], made.difference[0]

    def _why_not(self, models: Sequence[str], rows: Sequence[np.ndarray]) -> str | None:
        """Why two models cannot be contrasted: a sentence, empty where they can; None where there is no question."""
        if len(models) != 2 or len({self.cards[model_id].classes for model_id in models}) > 1:
            return None
        if len({int(row.argmax()) for row in rows}) == 1:
            return None
        return self.texts.say("contrast_ensemble") if any(self.cards[name].members for name in models) else ""

    def _expected(self, model_id: str, rule: str) -> float | None:
        """Seconds that a rule will take for a model, if any pace is known."""
        card = self.cards[model_id]
        traced = ONE_PASS[0] if rule in ONE_PASS else rule  # those are traced together
        return self._pace.seconds(model_id, traced, card.input_size, len(self._networks(model_id)))

    def offered(self, models: object) -> list[dict[str, Any]]:
        """All rules for some models: how long each will take here, and why it cannot be had, where it cannot.

        Args:
            models: ids of models; comes from outside and may be anything.

        Returns:
            name, group ("pass", "seconds" or "minutes"), seconds or None, and reason, a sentence or empty; in the order
            of the registry. Nothing for what is no list of known ids.
        """
        if not isinstance(models, list) or not all(isinstance(name, str) and name in self.cards for name in models):
            return []
        ids = list(dict.fromkeys(models))[:MOST]
        return [*(self._offer(name, ids) for name in RULES), self._offer_finer(ids)]

    def _offer_finer(self, ids: Sequence[str]) -> dict[str, Any]:
        """Finer-CAM: the first rule, of another target."""
        cards, offer = [self.cards[model_id] for model_id in ids], self._offer("fem", ids)
        reason = ""
        if any(len(card.classes) < 3 for card in cards):
            reason = self.texts.say("lacks_classes")
        elif any(card.members for card in cards):
            reason = self.texts.say("lacks_logits")
        return {**offer, "name": FINER, "reason": reason}

    def _offer(self, rule: str, ids: Sequence[str]) -> dict[str, Any]:
        known = [seconds for seconds in (self._expected(model_id, rule) for model_id in ids) if seconds is not None]
        seconds = sum(known) if len(known) == len(ids) else None
        if not RULES[rule].probes:
            group = "pass"
        elif seconds is None:
            passes = RULES[rule].cost((), self.cards[ids[0]].input_size) if ids else None
            group = "seconds" if passes is None or sum(passes) < SOME_PASSES else "minutes"
        else:
            group = "seconds" if seconds < MINUTE else "minutes"
        reasons = [reason for reason in (self._reason(model_id, rule) for model_id in ids) if reason]
        return {"name": rule, "group": group, "seconds": seconds, "reason": reasons[0] if reasons else ""}

    def _reason(self, model_id: str, rule: str) -> str:
        """Why a model cannot be explained by a rule, as far as that is known."""
        if (model_id, rule) in self._unfit:
            return self.texts.told(self._unfit[model_id, rule])
        needs, title = RULES[rule].needs, self.cards[model_id].title
        if not {"guided", "attention"} & set(needs) or model_id not in self._at_once():
            return ""
        lacking = self._read(model_id).lacking & set(needs)
        if not lacking:
            return ""
        return self.texts.say("lacks_guided" if "guided" in lacking else "lacks_attention", title=title)

    def _yardstick(
        self,
        models: Sequence[str],
        place: int,
        rows: Sequence[np.ndarray],
        comparison: Comparison,
        shows: str | None,
    ) -> dict[str, Any] | None:
        """How far two seeds agree, for a model and the reference, if both explain the class that it is measured for.

        It is measured on maps of each picture's true class. Where that is not known, the class that both find likelier
        stands in for it.
        """
        pair = comparison.reference, place
        ids = [models[k] for k in pair]
        classes = self.cards[ids[0]].classes
        if any(self.cards[model_id].classes != classes for model_id in ids):
            return None
        explained = {comparison.targets[k] for k in pair}
        if place == comparison.reference or len(explained) > 1:
            return None
        within = belongs(shows, classes)
        true = classes.index(shows) if within else common_target(*(rows[k] for k in pair))
        if within is not False and explained != {true}:  # of a picture that is none of these no band is told anyway
            return None
        band = yardstick(ids, comparison.rule, self.findings.store, self.cards)
        alike = ids[0] != ids[1] and same_recipe(*(self.cards[model_id].recipe for model_id in ids))
        return band and {**band.along(stop.depth for stop in comparison.stops), "same_recipe": alike}

    def checked(self, models: object, rule: object, target: object) -> tuple[list[str], str, str]:
        """The same, if all of it exists and goes together; Refused if not."""
        if not isinstance(models, (list, tuple)) or not FEWEST <= len(models) <= MOST:
            raise Refused("model_count", fewest=FEWEST, most=MOST)
        for asked, known, key in (
            *((model_id, self.cards, "unknown_model") for model_id in models),
            (rule, RULES, "unknown_rule"),
        ):
            if not isinstance(asked, str) or asked not in known:
                raise Refused(key, asked=_short(asked), known=", ".join(known))
        classes = shared_classes(*(self.cards[model_id].classes for model_id in models))
        if target in (COMMON, CONTRAST) and any(self.cards[model_id].classes != classes for model_id in models):
            raise Refused("other_classes")
        named = {self.texts.class_name(name): name for name in classes}  # as it is called, or as the data set has it
        target = named.get(target, target) if isinstance(target, str) else target
        if not isinstance(target, str) or target not in (*TARGETS, *classes):
            raise Refused("unknown_target", asked=_short(target), known=", ".join(classes) or "–")
        members = any(self.cards[model_id].members for model_id in models)
        if target == FINER and (members or any(len(self.cards[model_id].classes) < 3 for model_id in models)):
            raise Refused("lacks_logits" if members else "lacks_classes")
        if target == CONTRAST and (members or len(models) != 2):
            raise Refused("contrast_ensemble" if members else "contrast_pair")
        if target == CONTRAST and rule not in ONE_PASS:
            raise Refused("contrast_rule", known=", ".join(RULES[name].title for name in ONE_PASS))
        return list(models), rule, target

    def example(self, name: object) -> Picture:
        """An example by its id, or a picture of the test split by its identity; Refused or NotThere for any other."""
        if isinstance(name, str) and "/" in name:  # no example has one
            try:
                if self.survey:
                    return self.survey.picture(name)
                return self.findings.picture(name)
            except NotThere as error:
                if error.code != "evidence_unknown":
                    raise
        if not isinstance(name, str) or name not in self.examples:
            raise Refused("unknown_example")
        return read(self.examples[name].path)

    def shows(self, name: object) -> str | None:
        """The class that an example, or a picture of the test split, shows; None for none, `UNKNOWN` if not known."""
        if name in self.examples:
            return self.examples[name].shows
        truth = (self.survey or self.findings).truth(name)
        return UNKNOWN if truth is None else truth

    def right(self, card: Card, explanation: Explanation) -> tuple[float | None, float | None]:
        """What share of test pictures that a model is about as sure of it is at least, and at most, right for.

        None and None if that is not known.
        """
        predictions = None if self.opened else self.findings.predictions(card.model_id)
        if predictions is None:
            return None, None
        probabilities = predictions["probabilities"]
        among = probabilities.max(1), probabilities.argmax(1) == predictions["labels"]
        confidence = float(explanation.probabilities[0].max())
        return right_at_least(*among, confidence), right_at_most(*among, confidence)

    def ask(self, asked: object) -> dict[str, Any] | Task:
        """What the browser asks for, as it sends it; a message, or {"kind": "error", "ask", "code", "sentence"}.

        `asked` comes from outside and may be anything; a good one holds ask (a number, which comes back), upload (its
        path) or example (an id), models (ids), rule, target, language; and about "faithfulness", where it is of that,
        depth. What takes long is a `Task`, whose picture is read already; its answer has to be given the number by
        `numbered`.
        """
        with self._background.question():
            return self._of(asked)._asked(asked)

    def _of(self, asked: object) -> "Service":
        """This in the language of a question."""
        return self.spoken(asked.get("language") if isinstance(asked, Mapping) else None)

    def give_way(self) -> None:
        """Return when no question is being answered that is answered at once, but before long."""
        self._background.give_way(BESIDE)

    def _task(self, picture: Picture, choice: tuple[list[str], str, str], shows: str | None) -> Task:
        models, rule, target = choice
        digest = hashlib.sha256(np.ascontiguousarray(picture.pixels)).hexdigest()
        known = [self._expected(model_id, rule) for model_id in models]

        def work(tell: Tell) -> dict[str, Any]:
            began = time.perf_counter()
            answer = self.answer(picture, models, rule, target, shows, tell)
            answer["cost"]["milliseconds"] = 1000 * (time.perf_counter() - began)
            return answer

        return Task(
            (digest, picture.pixels.shape, picture.notes, tuple(models), rule, target, shows, self.texts.language),
            work,
            None if None in known else sum(seconds for seconds in known if seconds is not None),
            RULES[rule].probes,
        )

    def _faithfulness(self, picture: Picture, choice: tuple[list[str], str, str], depth: object) -> Task:
        """How far two models' maps are what these rest on."""
        models, rule, target = choice
        if len(models) != 2:
            raise Refused("faithful_pair")
        if target in (FINER, CONTRAST):
            raise Refused("faithful_target")
        place = float(depth) if isinstance(depth, (int, float)) and 0 <= depth <= 1 else 1.0
        digest = hashlib.sha256(np.ascontiguousarray(picture.pixels)).hexdigest()

        def work(tell: Tell) -> dict[str, Any]:
            self._ready.wait()
            squashed = functools.cache(lambda size: fit(picture.pixels, size))
            explained = self._of_target(models, squashed, target)[0]
            if rule not in ONE_PASS:
                explained = self._further(models, explained, squashed, rule, tell)
            comparison = compare(*(explanation for _, explanation in explained), rule=rule)
            names = self.words.names(*(card.title for card, _ in explained))
            both = [self._read(model_id) for model_id in models]
            return faithful(both, explained, comparison, place, self.words, names, tell)

        key = ("faithfulness", digest, picture.pixels.shape, tuple(models), rule, target, place, self.texts.language)
        paces = [self._pace.forward(model_id) for model_id in models]
        return Task(key, work, None if None in paces else sum(PASSES * pace for pace in paces if pace is not None))

    def _asked(self, asked: object) -> dict[str, Any] | Task:
        try:
            asked = asked if isinstance(asked, Mapping) else {}
            choice = self.checked(*(asked.get(key) for key in ("models", "rule", "target")))  # before opening anything
            self._ready.wait()
            began = time.perf_counter()
            key, read_it = self._source(asked)
            if asked.get("about") == "faithfulness":
                return self._faithfulness(read_it()[0], choice, asked.get("depth"))
            if choice[1] not in ONE_PASS or choice[2] in (FINER, CONTRAST):
                picture, shows = read_it()
                return self._task(picture, choice, shows)

            def made() -> dict[str, Any]:
                picture, shows = read_it()
                answer = self.answer(picture, *choice, shows)
                answer["cost"]["milliseconds"] = 1000 * (time.perf_counter() - began)
                return answer

            answer = self.kept.get((*key, tuple(choice[0]), *choice[1:], self.texts.language), made)
            return self.numbered(asked, answer | {"loaded": self.state()["loaded"]})
        except Exception as error:
            return self.failed(asked, error)

    def _source(self, asked: Mapping[str, Any]) -> tuple[tuple[str, object], Callable[[], tuple[Picture, str | None]]]:
        """What a question's picture is known by, and how to read it, with the class that it shows (`shows`)."""
        if asked.get("upload") is not None:
            path = uploads.uploaded(asked["upload"])
            return ("upload", uploads.digest(path)), lambda: (self.decoders.read(path), UNKNOWN)
        if asked.get("example") is not None:
            name = asked["example"]
            return ("example", name if isinstance(name, str) else ""), lambda: (self.example(name), self.shows(name))
        raise Refused("no_picture")

    def numbered(self, asked: object, answer: Mapping[str, Any]) -> dict[str, Any]:
        """An answer with its question's number."""
        return {**answer, "ask": _number(asked)}

    def failed(self, asked: object, error: Exception) -> dict[str, Any]:
        """What is answered to a question that failed."""
        if isinstance(error, UserError):
            return self.refused(asked, error.code, self._of(asked).texts.told(error))
        log.error("A request failed: %s", described(error))
        return self.refused(asked, "internal")

    def refused(self, asked: object, code: str, sentence: str = "") -> dict[str, Any]:
        """The answer that is none, with one sentence: by default that of the code."""
        return {
            "kind": "error",
            "ask": _number(asked),
            "code": code,
            "sentence": sentence or self._of(asked).texts.say(code),
        }

    def _explained(
        self, model_id: str, squashed: Callable[[tuple[int, int]], np.ndarray], target: str = "predicted"
    ) -> Explained:
        try:
            checkpoint = self._read(model_id)
        except checkpoints.CheckpointError as error:
            log.warning("%s cannot be loaded: %s", model_id, error)
            raise Refused("model_fails", title=self.cards[model_id].title, reason=self.texts.told(error)) from error
        began = time.perf_counter()
        try:
            explanation = checkpoint.explain(squashed, target=target, rules=ONE_PASS, features=FEATURES)
        except ModelError as error:
            log.warning("%s cannot be explained: %s", model_id, error)
            raise Refused("not_explained", title=self.cards[model_id].title, reason=self.texts.told(error)) from error
        self._traced.update(self._networks(model_id))
        self._pace.learn(model_id, explanation, ONE_PASS[0], time.perf_counter() - began)
        log.debug("%s explained in %.0f ms", model_id, 1000 * (time.perf_counter() - began))
        return Explained(self.cards.get(model_id, checkpoint.card), explanation)


def commands() -> str:
    """How to get the first pair, for a page without any."""
    return "\n".join(
        line
        for recipe in ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
        for line in (f"python -m training run {recipe} --data-dir DIR", f"python -m training ship {recipe}")
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
