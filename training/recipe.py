"""What a recipe is: one frozen description of a whole training. Finding recipes, and overriding their settings.

Reading a recipe tells the experiment; `training/recipes/` holds one file a family, its variants being entries.
"""

import ast
import dataclasses
import difflib
import importlib
import json
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import TrainingError

TRIALS = Path(__file__).parent / "recipes" / "trials.json"


class RecipeError(TrainingError):
    """There is no such recipe or setting, or its value does not fit; the message names those there are."""


@dataclass(frozen=True)
class Data:
    """Which pictures.

    Attributes:
        name: the data set.
        per_class: only the first so many training pictures of each class; 0: all.
        labels: of the training pictures: "true", "swapped" (each class called the next one) or "random" (drawn once,
            by the run's seed).
        validate: so many pictures after each epoch, the next ones of the shuffled split; 0: all of it.
        validation: so many pictures of each class validate: those of the data set's split, and then training pictures;
            0: as the data set is split.
        copies: augmented copies of each training picture beside it, made once and kept as files (`data/offline.py`);
            0.5: of every second one.
    """

    name: str = "cats-dogs"
    per_class: int = 0
    labels: str = "true"
    validate: int = 0
    validation: int = 0
    copies: float = 0.0


@dataclass(frozen=True)
class Model:
    """Which network.

    Attributes:
        name: family and variant.
        weights: "imagenet", or "" for fresh ones.
        dropout: share dropped before the head.
        drop_connect: stochastic depth: share of pictures that skip the last block, growing from 0.
        frozen_statistics: BatchNormalization uses its stored statistics while training; scale and offset are trained.
        preprocessing: of the 0 to 255 that come in, inside the network: "" for the family's own, "unit" for 0 to 1.
        input: height and width of the pictures that come in, resized inside the network to the stage's; 0: the stage's.
        hidden: units of a hidden layer in the classifier; 0: none.
        frozen: only the classifier is trained, on standardised features that the network gives once for each picture.
        norm_first: BatchNormalization and dropout stand before the mean over places ("head_norm", "head_dropout"), not
            dropout behind it.
    """

    name: str
    weights: str = ""
    dropout: float = 0.2
    drop_connect: float = 0.0
    frozen_statistics: bool = False
    preprocessing: str = ""
    input: int = 0
    hidden: int = 0
    frozen: bool = False
    norm_first: bool = False


@dataclass(frozen=True)
class Optimizer:
    """How weights move.

    Attributes:
        name: "sgd" (with momentum) or "adam".
        learning_rate: the peak's.
        momentum: SGD's; Adam's beta 1.
        nesterov: for SGD.
        decay: decoupled weight decay: the share that a kernel loses in one step at the peak. Keras multiplies its own
            `weight_decay` by the learning rate; this is the product, so that it means the same at every rate.
        layer_decay: the learning rate's factor from one block to the one before it; the classifier has the whole rate.
    """

    name: str
    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.0
    layer_decay: float = 1.0


@dataclass(frozen=True)
class Schedule:
    """The learning rate over all steps of a run: a linear rise, then "cosine" to zero or "constant"; or "plateau".

    Attributes:
        name: what follows the rise.
        warmup: share of all steps in which the rate rises from zero; not with "plateau".
        patience: of "plateau": epochs without a lower validation loss after which the rate falls.
        factor: of "plateau": what it is multiplied by then.
    """

    name: str = "constant"
    warmup: float = 0.0
    patience: int = 3
    factor: float = 0.5


@dataclass(frozen=True)
class Augment:
    """What is done to training pictures; 0 or False means not at all.

    Attributes:
        rotation: up to this many degrees either way.
        shear: up to this many degrees either way.
        zoom: height and width each scaled by a factor of 1 - zoom to 1 + zoom.
        crop: a window of at least this share of the area (1: the whole), of up to a quarter's change in aspect.
        shift: moved by up to this share of height and width, in whole pixels; what comes in is mirrored at the edge.
        flip: mirrored left to right, every second picture.
        randaugment: operations of RandAugment on each picture.
        magnitude: of these, 0 to 1 (the paper's 30).
        brightness, contrast, saturation: scaled by a factor of 1 - x to 1 + x, each drawn apart.
        noise: standard deviation of normal noise on every value, each picture's drawn up to this (of 0 to 255).
        erase: probability that a rectangle of 2 to 20 % of the area is filled with the picture's mean colour.
        mixup: alpha of the beta distribution by which two pictures and their labels are mixed.
        cutmix: the same for the area of a rectangle cut out of one picture and put into the other; with mixup, too,
            each step draws which of the two it does.
        mixed: share of steps in which mixup or cutmix is done.
    """

    rotation: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    crop: float = 1.0
    shift: float = 0.0
    flip: bool = False
    randaugment: int = 0
    magnitude: float = 0.3
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    noise: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mixed: float = 1.0


@dataclass(frozen=True)
class Search:
    """The trials by which the learning rate was chosen: one short run a rate, judged on validation.

    Attributes:
        rates: learning rates tried.
        steps: length of each, with the schedule's whole shape.
    """

    rates: tuple[float, ...] = ()
    steps: int = 0


@dataclass(frozen=True)
class Recipe:
    """One training.

    Attributes:
        id: of recipe and checkpoint.
        title, description: for people; the description is one sentence.
        stages: (pixels, epochs) one after another; the last is the checkpoint's.
        batch: pictures a step.
        steps_per_epoch: 0: as many as whole batches fit into the data.
        seed: of fresh weights, data order, augmentation and dropout.
        head_epochs: the classifier alone is trained for so many before the first step, on features of the first
            stage's size that the network gives once for each picture.
        label_smoothing: of the loss.
        average: decay of a running average of all weights over the steps, which is validated and kept; 0: none.
        precision: "float32", "mixed_bfloat16" (dense nets on a CPU with AMX: nearly three times as fast), or "auto":
            bfloat16 where the hardware multiplies it and some steps on trial are faster by it (depthwise convolutions
            on a CPU may be slower). A run may go on where another one was chosen.
        trained: for each stage how the name begins of the layer from which on weights are trained ("head": the
            classifier and what `model.norm_first` puts before it); "": all. BatchNormalization before the head is in
            inference mode then, and keeps its scale and offset. Where it changes, the optimizer begins anew. Empty:
            all are trained in all stages.
        rates: for each stage the factor of the learning rate; empty: 1.
        early_stopping: epochs of the last stage without better validation after which the run ends; 0: none.
        search: how the learning rate was chosen.
    """

    id: str
    title: str
    description: str
    model: Model
    optimizer: Optimizer
    stages: tuple[tuple[int, int], ...]
    data: Data = Data()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    batch: int = 32
    steps_per_epoch: int = 0
    seed: int = 1
    head_epochs: int = 0
    label_smoothing: float = 0.0
    average: float = 0.0
    precision: str = "float32"
    trained: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    early_stopping: int = 0
    search: Search = Search()

    @property
    def size(self) -> int:
        """Height and width in pixels that the checkpoint's network sees."""
        return self.stages[-1][0]

    @property
    def input_size(self) -> int:
        """Height and width of the checkpoint's input in pixels."""
        return self.model.input or self.size

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(epochs for _, epochs in self.stages)

    def with_seed(self, seed: int) -> "Recipe":
        """The same recipe by another seed, at the learning rate that the first one's search gave."""
        if seed == self.seed:
            return self
        return dataclasses.replace(
            self,
            id=f"{self.id}-seed{seed}",
            title=f"{self.title}, seed {seed}",
            description=f"{self.description[:-1]}; another seed.",
            seed=seed,
            search=Search(),
        )

    def settings(self) -> dict:
        """Every setting, as JSON can hold it."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def stage_trained(self, stage: int) -> str:
        """How the name begins of the layer from which on a stage (0, 1 ...) trains; "": all of them."""
        return self.trained[stage] if self.trained else ""

    def stage_rate(self, stage: int) -> float:
        """The factor of a stage's learning rate."""
        return self.rates[stage] if self.rates else 1.0

    def begins_anew(self, stage: int) -> bool:
        """Whether a stage's optimizer remembers nothing of the stage before."""
        return stage > 0 and self.stage_trained(stage) != self.stage_trained(stage - 1)

    def trials(self) -> dict | None:
        """What the search for the learning rate gave, with the first seed where there are several; or None."""
        recorded = json.loads(TRIALS.read_text()) if TRIALS.exists() else {}
        return recorded.get(self.id, recorded.get(re.sub(r"-seed\d+$", "", self.id)))


@dataclass(frozen=True)
class EnsembleRecipe:
    """Several checkpoints that answer together.

    Attributes:
        id: of the checkpoint.
        title, description: for people; the description is one sentence.
        members: ids of shipped checkpoints of one data set; the first one's layers are shown.
    """

    id: str
    title: str
    description: str
    members: tuple[str, ...]


def defaults() -> dict:
    """What every setting is unless a recipe says otherwise: what one had that was written before the setting was."""
    return Recipe("", "", "", Model(""), Optimizer("", 0.0), ()).settings()


def all_recipes() -> dict[str, Recipe]:
    """Every recipe by its id, in the order of the files and of their entries."""
    return _table("RECIPES")


def all_ensembles() -> dict[str, EnsembleRecipe]:
    """Every ensemble by its id."""
    return _table("ENSEMBLES")


def _table(name: str) -> dict:
    """What the recipe files hold under a name, by id."""
    import training.recipes

    entries: dict = {}
    for module in sorted(pkgutil.iter_modules(training.recipes.__path__), key=lambda module: module.name):
        for entry in getattr(importlib.import_module(f"training.recipes.{module.name}"), name, ()):
            if entry.id in entries:
                raise RecipeError(f"Two recipes are called {entry.id}.")
            entries[entry.id] = entry
    return entries


def find(recipe_id: str) -> Recipe:
    """The recipe of that id.

    Raises:
        RecipeError: when there is none, with the nearest ids.
    """
    return _find(recipe_id, all_recipes(), "recipe")


def find_ensemble(ensemble_id: str) -> EnsembleRecipe:
    """The ensemble of that id.

    Raises:
        RecipeError: when there is none, with the nearest ids.
    """
    return _find(ensemble_id, all_ensembles(), "ensemble")


def _find(wanted: str, entries: dict, kind: str) -> object:
    if wanted not in entries:
        raise RecipeError(f"There is no {kind} {wanted!r}. {_nearest(wanted, entries)}")
    return entries[wanted]


def from_settings(settings: Mapping, kind: type = Recipe, prefix: str = "") -> Any:
    """The recipe that settings are of, as `Recipe.settings` gives them and a card holds them.

    A setting that is missing has its default: it was written before the setting was.

    Raises:
        RecipeError: for a setting that does not exist, or that must be there and is not.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(settings.keys() - fields.keys()):
        raise RecipeError(f"There is no setting {prefix}{unknown[0]}: the recipe is of another version.")
    values = {}
    for name, field in fields.items():
        part = KINDS.get(name) if kind is Recipe else None
        if name in settings:
            value = settings[name]
            if part and not isinstance(value, Mapping):
                raise RecipeError(f"{prefix}{name} holds no settings.")
            values[name] = from_settings(value, part, f"{name}.") if part else _tuples(value)
        elif field.default is dataclasses.MISSING:
            raise RecipeError(f"The recipe lacks {prefix}{name}.")
    made = kind(**values)
    if kind is Recipe:
        _check(made)
    return made


KINDS = {"data": Data, "model": Model, "optimizer": Optimizer, "schedule": Schedule}
KINDS |= {"augment": Augment, "search": Search}


def _tuples(value: object) -> object:
    """JSON's lists are tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


PRECISIONS = ("float32", "mixed_bfloat16", "auto")


def override(recipe: Recipe, assignments: list[str]) -> Recipe:
    """A recipe with settings replaced, each given as "optimizer.learning_rate=3e-4".

    Raises:
        RecipeError: for a setting that does not exist (naming those that do) or a value of another kind or
            range.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise RecipeError(f"{assignment!r} sets nothing; write it as key=value, e.g. optimizer.learning_rate=3e-4.")
        recipe = _replace(recipe, key.strip().split("."), text.strip(), key.strip())
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """Refuse values that would fail only after minutes, with a message that says what may stand there."""
    pairs = [
        isinstance(stage, tuple) and len(stage) == 2 and all(type(n) is int and n > 0 for n in stage)
        for stage in recipe.stages
    ]
    for good, key, wanted in (
        (recipe.batch > 0, "batch", "1 or more"),
        (recipe.steps_per_epoch >= 0, "steps_per_epoch", "1 or more, or 0 for all pictures"),
        (recipe.optimizer.learning_rate > 0, "optimizer.learning_rate", "above 0"),
        (pairs and all(pairs), "stages", "pairs of pixels and epochs, as ((64, 24), (128, 3))"),
        (recipe.precision in PRECISIONS, "precision", " or ".join(PRECISIONS)),
        (0 <= recipe.average < 1, "average", "0 (none) or more, below 1"),
        (0 < recipe.optimizer.layer_decay <= 1, "optimizer.layer_decay", "above 0, at most 1"),
        (0 <= recipe.augment.magnitude <= 1, "augment.magnitude", "0 to 1"),
        (recipe.data.copies >= 0, "data.copies", "0 (none) or more"),
        (recipe.data.validation >= 0, "data.validation", "1 or more, or 0 for the data set's own split"),
        (recipe.early_stopping >= 0, "early_stopping", "1 or more epochs, or 0 for never"),
        (recipe.schedule.patience > 0, "schedule.patience", "1 or more"),
        (0 < recipe.schedule.factor < 1, "schedule.factor", "above 0, below 1"),
        (len(recipe.trained) in (0, len(recipe.stages)), "trained", "empty, or a name for each stage"),
        (len(recipe.rates) in (0, len(recipe.stages)), "rates", "empty, or a factor for each stage"),
        (not (recipe.model.frozen and recipe.trained), "trained", "empty where model.frozen"),
        (all(rate > 0 for rate in recipe.rates), "rates", "above 0"),
        (
            recipe.schedule.name != "plateau" or not recipe.schedule.warmup,
            "schedule.warmup",
            "0 where the schedule is plateau",
        ),
    ):
        if not good:
            raise RecipeError(f"{key} must be {wanted}.")


def keys(settings: object, prefix: str = "") -> list[str]:
    """The dotted names of all settings below a recipe or a part of it."""
    names = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        name = prefix + field.name
        names += keys(value, name + ".") if dataclasses.is_dataclass(value) else [name]
    return names


def _replace(settings: object, path: list[str], text: str, key: str) -> object:
    names = [field.name for field in dataclasses.fields(settings)]
    if path[0] not in names:
        raise RecipeError(f"There is no setting {key!r}. {_nearest(path[0], names)}")
    value = getattr(settings, path[0])
    if dataclasses.is_dataclass(value) != (len(path) > 1):
        known = keys(value, path[0] + ".") if len(path) == 1 else names
        raise RecipeError(f"There is no setting {key!r}. {_nearest(key, known)}")
    new = _replace(value, path[1:], text, key) if len(path) > 1 else _value(text, value, key)
    return dataclasses.replace(settings, **{path[0]: new})


def _value(text: str, old: object, key: str) -> object:
    if isinstance(old, str):
        return text
    try:
        new = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise RecipeError(f"{key} cannot be {text!r}; it is now {old!r}.") from error
    if type(old) is float and type(new) is int:
        new = float(new)
    if type(new) is not type(old):
        raise RecipeError(f"{key} cannot be {text!r}; it is now {old!r}, a {type(old).__name__}.")
    return new


def _nearest(wanted: str, known: object) -> str:
    close = difflib.get_close_matches(wanted, known, 3, 0.5)
    start = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{start}There are: {', '.join(known)}."
