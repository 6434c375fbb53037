"""The one training loop: `model.fit`, an epoch at a time, from wherever the run folder says it stopped.

A run folder holds `recipe.json` (every setting), `state.npz` (all variables, written every two minutes and after each
epoch), `best.npz` (the weights that validation likes best in the last stage), `history.csv`, and in the end the
exported checkpoint. Every step's pictures and draws follow from its number, so nothing else needs saving.
"""

import csv
import gc
import io
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from explain.callbacks import TensorBoardMaps
from explain.cards import Card
from training import TrainingError, needs
from training.board import FOLDER, MAPS, Board, step
from training.data.dataset import Dataset, atomically, progress
from training.data.pipeline import steps_per_epoch, targets, training_batches, validation_batches
from training.evaluate import write_evaluation
from training.export import export
from training.features import Features, cut
from training.hardware import accelerators, describe, multiplies_bfloat16, scope, versions
from training.models import assign_initial, build, train_from
from training.recipe import Recipe, Schedule, defaults

SHOW_EVERY = 1  # seconds
WORTH_A_PROBE = 100  # steps of a whole run; building two networks on trial takes longer than fewer of them
PROBE = 3.0  # seconds of steps on trial
GAIN = 1.05  # times as fast: what bfloat16 must be to be chosen
ANEW = "Start it anew (--fresh), or give this run another name (--name)."


class RunError(TrainingError):
    """A run folder does not fit the recipe or the data, or a setting means nothing; the message says what to do."""


@keras.saving.register_keras_serializable("training")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise over the first share of all steps, then constant, or a cosine to zero.

    `begun`: the step of the run at which the optimizer began, which counts from 0.
    """

    def __init__(self, peak: float, steps: int, warmup: float, cosine: bool, begun: int = 0) -> None:
        self.peak, self.steps, self.warmup, self.cosine = peak, steps, max(1.0, warmup * steps), cosine
        self.begun = begun

    def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
        step = ops.cast(step, "float32") + self.begun
        rise = ops.minimum(1.0, (step + 1) / self.warmup)
        if not self.cosine:
            return self.peak * rise
        share = ops.clip((step - self.warmup) / max(1.0, self.steps - self.warmup), 0.0, 1.0)
        return self.peak * rise * 0.5 * (1 + ops.cos(math.pi * share))


@dataclass
class State:
    """How far a run has come: steps done, the figures of an epoch begun, history rows, the best validation figures,
    the data's digest, the machines and versions of libraries it ran on, the precision that "auto" came to on each
    machine, variables by group ("network", "optimizer")."""

    step: int = 0
    begun: dict[str, float] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    best: dict | None = None
    initial_weights: str = ""
    seconds: float = 0.0
    data: str = ""
    hardware: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    precisions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        meta = {key: value for key, value in vars(self).items() if key != "variables"}
        arrays = {f"{group}/{i}": v for group, values in self.variables.items() for i, v in enumerate(values)}
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)

        def write(draft: Path) -> None:
            with open(draft, "wb") as file:
                np.savez(file, **arrays)

        atomically(path, write)

    @classmethod
    def load(cls, path: Path) -> "State":
        with np.load(path) as stored:
            state = cls(**json.loads(bytes(stored["meta"])))
            for name in stored.files:
                if name != "meta":
                    state.variables.setdefault(name.partition("/")[0], []).append(stored[name])
        return state


def train(
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    cache: Path,
    save_every: float = 120,
    validations: int = 1,
    devices: int = 1,
    tensorboard: bool = False,
    pictures: Mapping[str, np.ndarray] | None = None,
) -> State:
    """Train to the end, from the beginning or from where the run folder stopped.

    Args:
        recipe: what to do.
        dataset: its data.
        folder: the run folder; made when missing.
        cache: where decoded pictures are kept.
        save_every: seconds between savings of the state; it is saved after each validation in any case.
        validations: how often an epoch, at equal distances, for a finer history. The training is the same, and the best
            epoch is chosen among whole ones.
        devices: of this machine to train on; statistics of BatchNormalization are taken over all of them.
        tensorboard: write the history for TensorBoard, too.
        pictures: by name, uint8 H x W x 3, whose Grad-CAMs are written for TensorBoard at every epoch, by the weights
            that validation sees.

    Returns:
        The final state. Best weights lie in `folder/best.npz`.

    Raises:
        RunError: when the folder holds a run of other settings or on other pictures.
        HardwareError: when there are not so many devices.
        NeedsError: when the machine has less memory or disk than the run needs.
    """
    within = scope(devices, recipe.batch)
    claim(recipe, folder)
    saved = folder / "state.npz"
    state = State.load(saved) if saved.exists() else State()
    if state.data not in ("", dataset.digest):
        raise RunError(f"The run folder {folder.name} holds a run on other pictures than these. {ANEW}")
    state.data = dataset.digest
    per_epoch = steps_per_epoch(dataset, recipe)
    total = per_epoch * recipe.epochs
    board = Board(folder, state.history) if tensorboard or pictures else None
    if state.step >= total or ended(recipe, state.history):
        return state
    maps = _maps(dataset, folder, pictures) if pictures else None
    machines = [*filter(None, state.hardware.split("; ")), describe()]
    state.hardware, state.versions = "; ".join(dict.fromkeys(machines)), versions()
    first = next(k for k in range(len(recipe.stages)) if state.step < per_epoch * _epochs_before(recipe, k + 1))
    with within():
        settled = _settled(recipe, dataset, first, per_epoch, state.precisions)
    keras.utils.set_random_seed(recipe.seed)
    if state.step:
        tqdm.write(f"{recipe.id}: going on at step {state.step:,} of {total:,}")
    with progress(None, recipe.id, total, initial=state.step) as bar:
        for stage in range(first, len(recipe.stages)):
            size, epochs = recipe.stages[stage]
            start = _epochs_before(recipe, stage)
            end = start + epochs
            with within():
                network, fitted = compiled(settled, dataset, stage, per_epoch, state, cache, devices)
            if stage == first:
                needs.check(settled, dataset, fitted, stage, folder, cache)
            features = Features(cut(network)[0], dataset, recipe, cache) if recipe.model.frozen else None
            side = recipe.model.input or size
            parts = range(start * validations, end * validations + 1)
            borders = [part * per_epoch // validations for part in parts]
            for part, last in enumerate(borders[1:], parts[0]):
                if state.step >= last or ended(recipe, state.history):
                    continue
                if recipe.schedule.name == "plateau":
                    peak = recipe.optimizer.learning_rate * recipe.stage_rate(stage)
                    fitted.optimizer.learning_rate = peak * plateau(state.history, recipe.schedule)
                epoch = (part + 1) / validations
                done = state.step - part // validations * per_epoch  # of this epoch
                keeper = _Keeper(state, saved, bar, last, done, save_every)
                fitted.fit(
                    features.training_batches(state.step, last)
                    if features
                    else training_batches(dataset, recipe, side, state.step, last, cache),
                    initial_epoch=part,
                    epochs=part + 1,
                    validation_data=features.validation_batches()
                    if features
                    else validation_batches(dataset, recipe, side, part // validations, cache),
                    callbacks=[*([_Averaged()] if recipe.average else []), keeper],
                    shuffle=False,  # the order is the pipeline's
                    verbose=0,
                )
                whole = epoch == int(epoch)
                row = {"epoch": int(epoch) if whole else epoch, "size": size, "learning_rate": _rate(fitted)}
                row |= keeper.figures if whole else keeper.figures | dict.fromkeys(state.begun)  # those are of epochs
                state.history.append({**row, "seconds": round(state.seconds, 1)})
                if end == recipe.epochs and whole:
                    _keep_best(state, row, _weights(network, fitted), folder)
                if whole:
                    state.begun = {}
                _write_history(state.history, folder / "history.csv")
                state.save(saved)  # last: from here on this is never done again
                if board:
                    board.write(state.history[-1])
                if maps and whole:
                    with _averages(fitted):
                        maps.write(network, step(epoch))
                tqdm.write(
                    f"epoch {epoch:g}/{recipe.epochs} at {size} pixels: "
                    + ", ".join(f"{key} {value:.4f}" for key, value in keeper.figures.items())
                )
    if state.step < total:
        tqdm.write(
            f"{recipe.id}: ended, as {recipe.early_stopping} epochs were no better than epoch {state.best['epoch']}"
        )
    if board:
        board.close()
    if maps:
        maps.close()
    return state


def _maps(dataset: Dataset, folder: Path, pictures: Mapping[str, np.ndarray]) -> TensorBoardMaps:
    """What writes maps of fixed pictures."""
    if keras.backend.backend() != "tensorflow":
        raise RunError("--maps takes TensorFlow (KERAS_BACKEND=tensorflow); a run goes on on either.")
    where = folder / FOLDER / MAPS
    return TensorBoardMaps(list(pictures.values()), where, list(pictures), classes=dataset.classes)


@contextmanager
def _averages(fitted: keras.Model) -> Iterator[None]:
    """Running averages in the variables' place, where there are any."""
    if not fitted.optimizer.use_ema:
        yield
        return
    kept = _values(fitted.trainable_variables)
    fitted.optimizer.write_averages(fitted.trainable_variables)
    try:
        yield
    finally:
        _assign(fitted.trainable_variables, kept)


def _epochs_before(recipe: Recipe, stage: int) -> int:
    return sum(epochs for _, epochs in recipe.stages[:stage])


def _whole(history: list[dict]) -> list[dict]:
    """Rows of whole epochs."""
    return [row for row in history if row["epoch"] == int(row["epoch"])]


def ended(recipe: Recipe, history: list[dict]) -> bool:
    """Whether early stopping has ended a run: so many epochs of the last stage without better validation."""
    last = [row for row in _whole(history) if row["epoch"] > _epochs_before(recipe, len(recipe.stages) - 1)]
    if not recipe.early_stopping or not last:
        return False
    best = max(range(len(last)), key=lambda k: _goodness(last[k]))
    return len(last) - 1 - best >= recipe.early_stopping


def plateau(history: list[dict], schedule: Schedule) -> float:
    """The learning rate's factor after a history: it falls at each plateau of the validation loss."""
    lowest, waited, factor = math.inf, 0, 1.0
    for row in _whole(history):
        if row["val_log_loss"] < lowest:
            lowest, waited = row["val_log_loss"], 0
            continue
        waited += 1
        if waited == schedule.patience:
            factor, waited = factor * schedule.factor, 0
    return factor


def _goodness(row: dict) -> tuple[float, float]:
    """What is compared of two epochs: validation accuracy, at equal accuracy the lower loss."""
    return row["val_accuracy"], -row["val_log_loss"]


def finish(recipe: Recipe, dataset: Dataset, state: State, folder: Path, cache: Path, smoke: bool = False) -> Card:
    """Export the best weights of a finished training, measure the file on every split, and write its card.

    Returns:
        The card.
    """
    best = State.load(folder / "best.npz")
    network = export(recipe, dataset.classes, best.variables["weights"], folder / "model.keras")
    about = {"seconds": round(state.seconds), "best": best.best, "initial_weights": state.initial_weights}
    about |= {"smoke": smoke, "hardware": state.hardware, "versions": state.versions}
    return write_evaluation(folder, recipe, network, dataset, about, cache)


def claim(recipe: Recipe, folder: Path) -> None:
    """Make the folder this recipe's, or see that it is.

    Raises:
        RunError: when it holds a run of other settings.
    """
    path = folder / "recipe.json"
    if not path.exists() or not (folder / "state.npz").exists():  # nothing is lost
        atomically(path, lambda draft: draft.write_text(json.dumps(recipe.settings(), indent=2) + "\n"))
        return
    # a setting that the program has learned since had its default then
    old, new = _flat(defaults()) | _flat(json.loads(path.read_text())), _flat(recipe.settings())
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    free = ("title", "description", "precision", "early_stopping", "search.")  # none changes a step
    changed = [key for key in changed if not key.startswith(free)]
    if changed:
        raise RunError(f"The run folder {folder.name} holds a run with other settings ({', '.join(changed)}). {ANEW}")


def _flat(settings: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _built(recipe: Recipe, dataset: Dataset, stage: int, devices: int = 1) -> tuple[keras.Model, keras.Model]:
    """The network at a stage's size with fresh weights, and the part of it to be fitted."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        network = build(recipe.model, dataset.classes, recipe.stages[stage][0], training=True)
        train_from(network, recipe.stage_trained(stage))
        fitted = cut(network)[1] if recipe.model.frozen else network
    finally:
        keras.config.set_dtype_policy(policy)
    if devices > 1:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
    return network, fitted


def compiled(
    recipe: Recipe, dataset: Dataset, stage: int, per_epoch: int, state: State, cache: Path, devices: int = 1
) -> tuple[keras.Model, keras.Model]:
    """The network of a stage, with the state's variables or initial weights; and the part of it to be fitted.

    Args:
        recipe: its precision decided.
        dataset: its data.
        stage: 0, 1 ...
        per_epoch: steps of an epoch.
        state: how far the run has come.
        cache: where decoded pictures are kept.
        devices: that it is built for, within their `hardware.scope`.
    """
    network, fitted = _built(recipe, dataset, stage, devices)
    _compile(fitted, recipe, build_optimizer(recipe, per_epoch, fitted, stage), len(dataset.classes))
    fitted.optimizer.build(fitted.trainable_variables)
    if recipe.model.frozen or not state.variables:
        state.initial_weights = assign_initial(network, recipe.model, dataset.classes, recipe.stages[stage][0])
    if state.variables:
        _assign(fitted.variables, state.variables["network"])
        if not (recipe.begins_anew(stage) and state.step == per_epoch * _epochs_before(recipe, stage)):
            _assign(fitted.optimizer.variables, state.variables["optimizer"])
    elif recipe.head_epochs:
        _fit_head(network, recipe, dataset, cache)
    return network, fitted


def _settled(recipe: Recipe, dataset: Dataset, stage: int, per_epoch: int, known: dict[str, str]) -> Recipe:
    """The recipe with its precision decided: "auto" is what some steps on trial say, where a run is long enough.

    Args:
        recipe: with any precision.
        dataset: its data.
        stage: whose steps are tried.
        per_epoch: steps of an epoch.
        known: what trials said before, by machine; what this one says is added. So a run that goes on goes on alike.
    """
    if recipe.precision != "auto":
        return recipe
    machine = describe()
    if machine not in known:
        known[machine] = _by_trial(recipe, dataset, stage, per_epoch)
    return replace(recipe, precision=known[machine])


def _by_trial(recipe: Recipe, dataset: Dataset, stage: int, per_epoch: int) -> str:
    if recipe.model.frozen or not multiplies_bfloat16():
        return "float32"
    if recipe.epochs * per_epoch < WORTH_A_PROBE:
        return "mixed_bfloat16"
    speeds = {}
    for precision in ("float32", "mixed_bfloat16"):
        speeds[precision] = probe(replace(recipe, precision=precision), dataset, stage, per_epoch)
        gc.collect()
    gains = speeds["mixed_bfloat16"] >= GAIN * speeds["float32"]
    tqdm.write(
        f"{recipe.id}: {speeds['mixed_bfloat16']:.3g} steps a second in bfloat16, {speeds['float32']:.3g} in float32: "
        f"{'bfloat16' if gains else 'float32'} it is"
    )
    return "mixed_bfloat16" if gains else "float32"


def probe(recipe: Recipe, dataset: Dataset, stage: int, per_epoch: int) -> float:
    """Steps a second of a stage, by some on trial with drawn pictures and fresh weights."""
    _, fitted = _built(recipe, dataset, stage)
    _compile(fitted, recipe, build_optimizer(recipe, per_epoch, fitted, stage), len(dataset.classes))
    rng = np.random.default_rng(0)
    pictures = rng.uniform(0, 255, (recipe.batch, *fitted.input_shape[1:])).astype(np.float32)
    labels = targets(rng.integers(len(dataset.classes), size=recipe.batch), len(dataset.classes))
    for _ in range(2):  # tracing, and what else is done once
        fitted.train_on_batch(pictures, labels)
    steps, begun = 0, time.perf_counter()
    while steps < 3 or time.perf_counter() - begun < PROBE:
        fitted.train_on_batch(pictures, labels)
        steps += 1
    return steps / (time.perf_counter() - begun)


def _compile(model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer, classes: int) -> None:
    kind = "Binary" if classes == 2 else "Categorical"
    model.compile(
        optimizer=optimizer,
        loss=getattr(keras.losses, f"{kind}Crossentropy")(label_smoothing=recipe.label_smoothing),
        metrics=[
            getattr(keras.metrics, f"{kind}Accuracy")("accuracy"),
            getattr(keras.metrics, f"{kind}Crossentropy")("log_loss"),
        ],
        # TensorFlow's XLA makes depthwise convolutions twelve times slower on a CPU
        jit_compile="auto" if keras.backend.backend() != "tensorflow" or accelerators() else False,
    )
    if keras.backend.backend() == "jax":  # else its first `fit` takes the first batch for that, and ends with it
        pictures = np.zeros((1, *model.input_shape[1:]), np.float32)
        model._symbolic_build(data_batch=(pictures, targets([0], classes)))


def _fit_head(network: keras.Model, recipe: Recipe, dataset: Dataset, cache: Path) -> None:
    """Train the classifier alone for the recipe's `head_epochs`, before the first step."""
    half, head = cut(network)
    features = Features(half, dataset, recipe, cache)
    steps = recipe.head_epochs * steps_per_epoch(dataset, recipe)
    _compile(head, recipe, keras.optimizers.AdamW(Rate(1e-3, steps, 0.05, True), 0.01), len(dataset.classes))
    head.fit(
        features.training_batches(0, steps), validation_data=features.validation_batches(), shuffle=False, verbose=0
    )
    figures = head.evaluate(features.validation_batches(), verbose=0, return_dict=True)
    tqdm.write(f"classifier alone: validation accuracy {figures['accuracy']:.4f}")


def _weights(network: keras.Model, fitted: keras.Model) -> list[np.ndarray]:
    """The whole network's, averages in place of what was averaged."""
    with _averages(fitted):
        return network.get_weights()


class _Moves:
    """Mixed into an optimizer: each variable has a learning rate of its own, `factors` times the optimizer's, and its
    running averages stay beside the variables until they are asked for (`fit` writes them at its end)."""

    factors: tuple[float, ...] = ()  # by place among the variables; empty: all 1

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        factor = self.factors[self._get_variable_index(variable)] if self.factors else 1
        super().update_step(gradient, variable, learning_rate * factor)

    def finalize_variable_values(self, variables: list[keras.Variable]) -> None:
        pass

    def write_averages(self, variables: list[keras.Variable]) -> None:
        """Put the averages in the variables' place."""
        super().finalize_variable_values(variables)
        _assign(variables, _values(variables))  # not the averages' own memory


class Adam(_Moves, keras.optimizers.Adam):
    """Adam with a learning rate for each variable."""


class SGD(_Moves, keras.optimizers.SGD):
    """SGD with a learning rate for each variable."""


def layer_factors(network: keras.Model, decay: float) -> tuple[float, ...]:
    """For each trainable variable `decay` to the power of its block's distance from the classifier.

    A block is what stands before the first underscore of a layer's name: block3b, stem, top; the classifier is one.
    """
    head = {id(layer) for layer in cut(network)[1].layers}
    block = {
        id(variable): "classifier" if id(layer) in head else layer.name.partition("_")[0]
        for layer in network.layers
        for variable in layer.trainable_variables
    }
    blocks = list(dict.fromkeys(block[id(variable)] for variable in network.trainable_variables))
    last = len(blocks) - 1
    return tuple(decay ** (last - blocks.index(block[id(variable)])) for variable in network.trainable_variables)


def build_optimizer(recipe: Recipe, per_epoch: int, network: keras.Model, stage: int = 0) -> keras.optimizers.Optimizer:
    settings, schedule = recipe.optimizer, recipe.schedule
    if schedule.name not in ("constant", "cosine", "plateau"):
        raise RunError(f"There is no schedule {schedule.name!r}. There are: constant, cosine, plateau.")
    rate = peak = settings.learning_rate * recipe.stage_rate(stage)
    if schedule.name != "plateau":
        anew = max((k for k in range(stage + 1) if recipe.begins_anew(k)), default=0)
        steps, begun = (per_epoch * epochs for epochs in (recipe.epochs, _epochs_before(recipe, anew)))
        rate = Rate(peak, steps, schedule.warmup, schedule.name == "cosine", begun)
    decay = settings.decay / settings.learning_rate or None
    average = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    if settings.name == "adam":
        optimizer = Adam(rate, beta_1=settings.momentum, weight_decay=decay, **average)
    elif settings.name == "sgd":
        optimizer = SGD(rate, settings.momentum, settings.nesterov, weight_decay=decay, **average)
    else:
        raise RunError(f"There is no optimizer {settings.name!r}. There are: adam, sgd.")
    if settings.layer_decay != 1:
        optimizer.factors = layer_factors(network, settings.layer_decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def _values(variables: list) -> list[np.ndarray]:
    """Copies: JAX gives a variable's memory to the next step."""
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _rate(network: keras.Model) -> float:
    return float(network.optimizer.learning_rate)


def _keep_best(state: State, row: dict, weights: list[np.ndarray], folder: Path) -> None:
    """Keep the weights if validation has never been better: by accuracy, at equal accuracy by loss."""
    figures = {key: row[key] for key in ("epoch", "val_accuracy", "val_log_loss")}
    if state.best is None or _goodness(figures) > _goodness(state.best):
        state.best = figures
        State(best=figures, variables={"weights": weights}).save(folder / "best.npz")


def _write_history(history: list[dict], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, history[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in history)
    atomically(path, lambda draft: draft.write_text(text.getvalue()))


class _Averaged(keras.callbacks.Callback):
    """Validation sees the running averages in the variables' place."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        model = self.model
        self.kept = _values(model.trainable_variables)
        model.optimizer.write_averages(model.trainable_variables)

    def on_test_end(self, logs: dict | None = None) -> None:
        _assign(self.model.trainable_variables, self.kept)


class _Keeper(keras.callbacks.Callback):
    """Counts steps and seconds, moves the bar, saves the state now and then."""

    def __init__(
        self,
        state: State,
        path: Path,
        bar: tqdm,
        last: int,
        done: int,
        save_every: float,
    ) -> None:
        super().__init__()
        self.state, self.path, self.bar, self.last = state, path, bar, last
        self.save_every = save_every
        self.done, self.before = done, dict(state.begun)  # steps of this epoch before an interruption, their figures
        self.figures: dict[str, float] = {}
        self.saved = self.counted = self.shown = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.state.step += 1
        self.bar.update()
        now, ended = time.monotonic(), self.state.step == self.last
        saving = now - self.saved > self.save_every and not ended  # an epoch ends with its validation
        if not (saving or ended or now - self.shown > SHOW_EVERY):
            return  # to look at figures means to wait for the device
        self.shown = now
        self.state.begun = self._of_whole_epoch(logs, batch + 1)
        self.bar.set_postfix({key: f"{self.state.begun[key]:.3f}" for key in ("loss", "accuracy")}, refresh=False)
        if saving:
            self._collect()
            self.state.save(self.path)
            self.saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        validation = {key: float(value) for key, value in logs.items() if key.startswith("val_")}
        self.figures = self.state.begun | validation
        self._collect()

    def _of_whole_epoch(self, logs: dict, steps: int) -> dict[str, float]:
        """Keras' running means count from the interruption; batches are equal, so means weigh by steps."""
        weight = steps / (self.done + steps)
        return {key: weight * float(v) + (1 - weight) * self.before.get(key, 0.0) for key, v in logs.items()}

    def _collect(self) -> None:
        now, model = time.monotonic(), self.model
        self.state.seconds, self.counted = self.state.seconds + now - self.counted, now
        self.state.variables = {
            "network": _values(model.variables),
            "optimizer": _values(model.optimizer.variables),
        }
