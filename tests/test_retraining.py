"""Training as people do it: stages that unfreeze, plateau, early stopping, TensorBoard, cards, devices, refusals."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import training.__main__
import training.export
import training.run
from explain.cards import Card
from training import data, hardware, needs
from training.board import Board, BoardError
from training.data import cats_dogs
from training.data.dataset import read_split
from training.hardware import HardwareError
from training.models import train_from
from training.models.ends import classifier, mean_over_places
from training.needs import NeedsError
from training.recipe import Augment, Data, Model, Optimizer, Recipe, RecipeError, Schedule, all_recipes, from_settings
from training.run import State, _Keeper, ended, plateau, train

ROOT = Path(__file__).parents[1]
STAGED = Recipe(
    id="staged",
    title="Staged",
    description="A tiny net, its head first.",
    model=Model("tiny", dropout=0.3),
    optimizer=Optimizer("adam", 0.01),
    augment=Augment(flip=True),
    stages=((24, 2), (24, 2)),
    trained=("head", "block2"),
    rates=(1.0, 0.1),
    batch=4,
    steps_per_epoch=5,
)


def tiny(model, classes, size, training=False):
    """Two blocks of a convolution and BatchNormalization, a head with BatchNormalization of its own."""
    x = image = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 255)(x)
    for block in (1, 2):
        x = keras.layers.Conv2D(6, 3, 2, "same", use_bias=False, name=f"block{block}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"block{block}_bn")(x)
        x = keras.layers.ReLU(name=f"block{block}_relu")(x)
    return keras.Model(image, classifier(mean_over_places(x, model.dropout, norm_first=True), 1, 0.0))


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch):
    monkeypatch.setattr(training.run, "build", tiny)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    split = cats_dogs._handful(read_split(cats_dogs.SPLIT_FILE), 6)
    return data.load("cats-dogs", cats_dogs.draw(folder, split), folder / "cache", handful=6)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


class Killed(BaseException):
    pass


# -- stages ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("average", [0.0, 0.8])
def test_a_staged_training_killed_in_each_stage_and_between_them_ends_where_an_undisturbed_one_ends(
    average, dataset, cache, tmp_path, monkeypatch
):
    recipe, left = replace(STAGED, average=average), [3, 13]
    whole = train(recipe, dataset, tmp_path / "whole", cache)
    original = _Keeper.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        original(self, batch, logs)
        if left and self.state.step == left[0]:
            left.pop(0)
            raise Killed

    compiled = training.run.compiled

    def between(recipe, dataset, stage, *args):
        if stage == 1 and not seen:
            seen.append(stage)
            raise Killed
        return compiled(recipe, dataset, stage, *args)

    seen = []
    monkeypatch.setattr(_Keeper, "on_train_batch_end", on_train_batch_end)
    monkeypatch.setattr(training.run, "compiled", between)
    for _ in range(3):
        with pytest.raises(Killed):
            train(recipe, dataset, tmp_path / "killed", cache, 0)
    state = train(recipe, dataset, tmp_path / "killed", cache, 0)
    assert not left
    assert state.step == whole.step == 20
    for group in whole.variables:
        for a, b in zip(state.variables[group], whole.variables[group], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert [row["learning_rate"] for row in state.history] == pytest.approx([0.01, 0.01, 0.001, 0.001])


def test_each_stage_moves_what_it_should(dataset, cache, tmp_path):
    keras.utils.set_random_seed(STAGED.seed)
    fresh = tiny(STAGED.model, dataset.classes, 24)
    drawn = {weight.path: weight.numpy() for weight in fresh.weights}
    short = replace(STAGED, stages=((24, 1), (24, 1)))
    states = []
    for recipe in (replace(short, stages=((24, 1),), trained=("head",), rates=(1.0,)), short):
        train(recipe, dataset, tmp_path / str(len(states)), cache)
        kept = State.load(tmp_path / str(len(states)) / "best.npz").variables["weights"]
        states.append(dict(zip(drawn, kept, strict=True)))
    for path, value in drawn.items():
        head, second = path.startswith(("head", "predictions")), path.startswith("block2_conv")
        assert (np.abs(states[0][path] - value).max() > 0) == head, path
        assert (np.abs(states[1][path] - value).max() > 0) == (head or second), path


def test_the_cosine_goes_on_where_an_optimizer_begins_anew(dataset, cache, tmp_path):
    recipe = replace(STAGED, schedule=Schedule("cosine"), rates=())
    rates = [row["learning_rate"] for row in train(recipe, dataset, tmp_path, cache).history]
    # of the step after each epoch: 5, 10, 15 and 20 of 20, the first being the rise's
    expected = [0.01 * 0.5 * (1 + np.cos(np.pi * (step - 1) / 19)) for step in (5, 10, 15, 20)]
    assert rates == pytest.approx(expected, rel=1e-4, abs=1e-7)


ORDER = """
import sys
from dataclasses import replace
from pathlib import Path
import keras
import numpy as np
import training.run
from tests.test_retraining import STAGED, tiny
from training import data
training.run.build = tiny
folder = Path(sys.argv[1])
dataset = data.load("cats-dogs", None, folder / "cache", handful=6)
recipe = replace(STAGED, stages=((24, 1), (24, 1)))
whole = training.run.train(recipe, dataset, folder / "whole", folder / "cache")
step, left = training.run._Keeper.on_train_batch_end, [3, 7]
def on_train_batch_end(self, batch, logs=None):
    step(self, batch, logs)
    if left and self.state.step == left[0]:
        left.pop(0)
        raise KeyboardInterrupt
training.run._Keeper.on_train_batch_end = on_train_batch_end
for _ in range(2):
    try:
        training.run.train(recipe, dataset, folder / "killed", folder / "cache", 0)
    except KeyboardInterrupt:
        pass
state = training.run.train(recipe, dataset, folder / "killed", folder / "cache")
for a, b in zip(whole.variables["network"], state.variables["network"], strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
print(keras.backend.backend(), "same")
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX")
def test_on_jax_too_a_killed_training_ends_where_an_undisturbed_one_ends(tmp_path):
    """Keras' JAX trainer builds a model with the first batch of its first `fit`, which then comes last."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", ORDER, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("jax same\n")


# -- plateau and early stopping --------------------------------------------------------------------------------------


def rows(losses, accuracies=None):
    accuracies = accuracies or [0.5] * len(losses)
    pairs = zip(losses, accuracies, strict=True)
    return [{"epoch": k, "val_log_loss": loss, "val_accuracy": a} for k, (loss, a) in enumerate(pairs, 1)]


def test_the_rate_falls_at_each_plateau_of_the_validation_loss():
    schedule = Schedule("plateau", patience=2, factor=0.1)
    falls = [plateau(rows([0.9, 0.8, 0.8, 0.85, 0.9, 0.81, 0.7, 0.6][:k]), schedule) for k in range(9)]
    assert falls == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01])
    halves = [{**row, "epoch": row["epoch"] - 0.5} for row in rows([9, 9, 9, 9])]
    assert plateau(halves, schedule) == 1  # parts of epochs are none


@pytest.mark.slow
def test_a_run_with_a_plateau_takes_its_rates_from_its_history_also_after_a_kill(dataset, cache, tmp_path, monkeypatch):
    losses = iter([0.5, 0.6, 0.7, 0.7])
    original = _Keeper.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        original(self, epoch, {**logs, "val_log_loss": next(losses)})

    monkeypatch.setattr(_Keeper, "on_epoch_end", on_epoch_end)
    recipe = replace(STAGED, stages=((24, 4),), trained=(), rates=(), schedule=Schedule("plateau", patience=1))
    step, left = _Keeper.on_train_batch_end, [13]

    def on_train_batch_end(self, batch, logs=None):
        step(self, batch, logs)
        if left and self.state.step == left[0]:
            left.pop()
            raise Killed

    monkeypatch.setattr(_Keeper, "on_train_batch_end", on_train_batch_end)
    with pytest.raises(Killed):
        train(recipe, dataset, tmp_path, cache, 0)
    state = train(recipe, dataset, tmp_path, cache, 0)
    assert [row["learning_rate"] for row in state.history] == pytest.approx([0.01, 0.01, 0.005, 0.0025])


def test_early_stopping_counts_epochs_of_the_last_stage_since_the_best():
    recipe = replace(STAGED, stages=((24, 2), (24, 9)), early_stopping=2)
    accuracies = [0.9, 0.9, 0.5, 0.6, 0.6, 0.55]
    losses = [0.1, 0.1, 0.7, 0.6, 0.5, 0.5]  # at equal accuracy the lower loss is better
    assert [ended(recipe, rows(losses[:k], accuracies[:k])) for k in range(7)] == [False] * 7
    assert ended(recipe, rows([*losses, 0.5], [*accuracies, 0.6]))
    assert not ended(replace(recipe, early_stopping=0), rows([*losses, 0.5], [*accuracies, 0.6]))


@pytest.mark.slow
def test_a_run_that_early_stopping_ended_stays_ended(dataset, cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training.run, "_goodness", lambda row: -row["epoch"])  # each epoch is worse
    recipe = replace(STAGED, stages=((24, 8),), trained=(), rates=(), early_stopping=2)
    state = train(recipe, dataset, tmp_path, cache)
    assert len(state.history) == 3
    assert state.best["epoch"] == 1
    assert "2 epochs were no better than epoch 1" in "".join(capsys.readouterr())
    monkeypatch.setattr(keras.Model, "fit", lambda *a, **k: pytest.fail("trained on"))
    assert train(recipe, dataset, tmp_path, cache).history == state.history


# -- precision -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("speeds", "chosen"), [((2.0, 3.0), "bfloat16"), ((3.0, 2.0), "float32")])
def test_bfloat16_is_taken_where_some_steps_on_trial_gain_by_it(
    speeds, chosen, dataset, cache, tmp_path, monkeypatch, capsys
):
    used, tried = [], []

    def noting(*args, **kwargs):
        used.append(keras.config.dtype_policy().compute_dtype)
        return tiny(*args, **kwargs)

    def probe(recipe, *_):
        tried.append(recipe.precision)
        return speeds[len(tried) - 1]

    monkeypatch.setattr(training.run, "build", noting)
    monkeypatch.setattr(training.run, "probe", probe)
    monkeypatch.setattr(training.run, "WORTH_A_PROBE", 1)
    recipe = replace(STAGED, stages=((24, 1), (24, 1)), precision="auto")
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: False)
    train(recipe, dataset, tmp_path / "no", cache)
    assert (used, tried) == (["float32"] * 2, [])  # nothing to try
    used.clear()
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: True)
    train(recipe, dataset, tmp_path / "yes", cache)
    assert tried == ["float32", "mixed_bfloat16"]
    monkeypatch.setattr(training.run, "WORTH_A_PROBE", 10**6)  # a run too short for it
    train(recipe, dataset, tmp_path / "short", cache)
    assert tried == ["float32", "mixed_bfloat16"]
    assert used[2:] == ["bfloat16"] * 2
    del used[2:]
    assert used == [chosen] * 2
    text = "".join(capsys.readouterr())
    assert f"{speeds[1]:.3g} steps a second in bfloat16, {speeds[0]:.3g} in float32: {chosen} it is" in text


@pytest.mark.slow
def test_what_a_trial_chose_is_kept_when_a_run_goes_on(dataset, cache, tmp_path, monkeypatch):
    tried, end = [], _Keeper.on_epoch_end
    monkeypatch.setattr(training.run, "build", tiny)
    monkeypatch.setattr(training.run, "probe", lambda recipe, *_: tried.append(recipe.precision) or len(tried))
    monkeypatch.setattr(training.run, "WORTH_A_PROBE", 1)
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: True)
    recipe = replace(STAGED, stages=((24, 1), (24, 1)), precision="auto")

    def killed(self, epoch, logs=None):
        end(self, epoch, logs)
        if epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Keeper, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "run", cache)
    monkeypatch.setattr(_Keeper, "on_epoch_end", end)
    monkeypatch.setattr(training.run, "probe", None)  # whoever calls it fails
    state = train(recipe, dataset, tmp_path / "run", cache)
    assert tried == ["float32", "mixed_bfloat16"]
    assert list(state.precisions.values()) == ["mixed_bfloat16"]


@pytest.mark.slow
def test_the_trial_changes_nothing_of_the_training(dataset, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(training.run, "PROBE", 0.1)
    monkeypatch.setattr(training.run, "WORTH_A_PROBE", 1)
    monkeypatch.setattr(training.run, "GAIN", 1e9)  # float32 in any case
    recipe = replace(STAGED, stages=((24, 1),), trained=("head",), rates=())
    plain = train(recipe, dataset, tmp_path / "plain", cache)
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: True)
    tried = train(replace(recipe, precision="auto"), dataset, tmp_path / "tried", cache)
    for a, b in zip(plain.variables["network"], tried.variables["network"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_xla_is_keras_choice_with_a_gpu_and_off_without(monkeypatch):
    asked = []
    monkeypatch.setattr(keras.Model, "compile", lambda self, **settings: asked.append(settings["jit_compile"]))
    for gpus in ([], [("H100", 9.0)]):
        monkeypatch.setattr(training.run, "accelerators", lambda gpus=gpus: gpus)
        training.run._compile(tiny(STAGED.model, ("a", "b"), 24), STAGED, None, 2)
    assert asked == [False, "auto"]


# -- TensorBoard -----------------------------------------------------------------------------------------------------


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


@pytest.mark.slow
def test_tensorboard_shows_the_history_once_also_of_a_run_taken_up_again(dataset, cache, tmp_path, monkeypatch):
    recipe = replace(STAGED, stages=((24, 1), (24, 2)))
    compiled = training.run.compiled

    def killed(recipe, dataset, stage, *args):
        if stage == 1:
            raise Killed
        return compiled(recipe, dataset, stage, *args)

    monkeypatch.setattr(training.run, "compiled", killed)
    with pytest.raises(Killed):
        train(recipe, dataset, tmp_path, cache, tensorboard=True)
    monkeypatch.setattr(training.run, "compiled", compiled)
    history = train(recipe, dataset, tmp_path, cache, tensorboard=True).history
    curves = {name: events(tmp_path / "tensorboard" / name) for name in ("train", "validation")}
    assert curves["train"].keys() == {"loss", "accuracy", "log_loss", "learning_rate"}
    assert curves["validation"].keys() == {"loss", "accuracy", "log_loss"}
    assert [step for step, _ in curves["train"]["loss"]] == [1000, 2000, 3000]
    for name, prefix in (("train", ""), ("validation", "val_")):
        for tag, points in curves[name].items():
            assert [value for _, value in points] == pytest.approx([row[prefix + tag] for row in history], rel=1e-5)


@pytest.mark.slow
def test_maps_of_fixed_pictures_stand_beside_the_curves(dataset, cache, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    pictures = {"0-dog": np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)}
    recipe = replace(STAGED, stages=((24, 1), (24, 2)), average=0.9)
    compiled = training.run.compiled
    seen, values = [], training.run._values

    def killed(recipe, dataset, stage, *args):
        if stage == 1:
            raise Killed
        return compiled(recipe, dataset, stage, *args)

    from explain.callbacks import TensorBoardMaps

    write = TensorBoardMaps.write
    monkeypatch.setattr(
        TensorBoardMaps,
        "write",
        lambda maps, model, step: (seen.append(values(model.trainable_variables)), write(maps, model, step)),
    )
    monkeypatch.setattr(training.run, "compiled", killed)
    with pytest.raises(Killed):
        train(recipe, dataset, tmp_path, cache, pictures=pictures)
    monkeypatch.setattr(training.run, "compiled", compiled)
    state = train(recipe, dataset, tmp_path, cache, pictures=pictures)
    accumulator = EventAccumulator(str(tmp_path / "tensorboard" / "maps")).Reload()
    assert accumulator.Tags()["images"] == ["0-dog/gradcam"]
    assert [event.step for event in accumulator.Images("0-dog/gradcam")] == [1000, 2000, 3000]
    assert (tmp_path / "tensorboard" / "train").is_dir()
    # what is drawn are the averages, and the training goes on with its own weights, as without maps
    plain = train(recipe, dataset, tmp_path / "plain", cache)
    for one, other in zip(state.variables["network"], plain.variables["network"], strict=True):
        np.testing.assert_array_equal(one, other)
    with np.load(tmp_path / "state.npz") as stored:
        assert not any(np.array_equal(seen[-1][0], stored[name]) for name in stored.files if name.startswith("network"))


def test_a_broken_picture_for_maps_is_refused_at_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"")
    monkeypatch.setattr(
        sys,
        "argv",
        ["training", "run", "cats-dogs-effnet-sgd", "--maps", str(tmp_path / "broken.jpg"), "--runs-dir", "x"],
    )
    assert training.__main__.main() == 2
    assert "broken.jpg: This file is empty" in capsys.readouterr().err


def test_without_tensorboard_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(BoardError, match="pip install tensorboard"):
        Board(tmp_path, [])


# -- cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", all_recipes().values(), ids=lambda recipe: recipe.id)
def test_a_recipe_comes_back_from_its_settings(recipe):
    assert from_settings(json.loads(json.dumps(recipe.settings()))) == recipe


@pytest.mark.parametrize("card", sorted((ROOT / "weights").glob("*/card.json")), ids=lambda path: path.parent.name)
def test_every_shipped_card_gives_its_recipe(card):
    said = Card.read(card.parent)
    if said.members:
        pytest.skip("an ensemble")
    recipe = training.__main__._of_card(card)
    assert recipe.id == said.model_id
    settings = recipe.settings()
    for key, value in said.recipe.items():
        assert (settings[key] | value if isinstance(value, dict) else value) == settings[key]


def test_settings_of_another_version_are_refused():
    settings = STAGED.settings()
    for wrong, message in (
        (settings | {"speed": 3}, "no setting speed: the recipe is of another version"),
        (settings | {"optimizer": settings["optimizer"] | {"gamma": 1}}, r"no setting optimizer\.gamma"),
        ({key: value for key, value in settings.items() if key != "stages"}, "lacks stages"),
        (settings | {"model": 3}, "model holds no settings"),
        (settings | {"batch": 0}, "batch must be 1 or more"),
    ):
        with pytest.raises(RecipeError, match=message):
            from_settings(wrong)


def test_a_shipped_card_is_trained_again_by_its_settings(dataset, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "weights" / "mine"
    folder.mkdir(parents=True)
    card = json.loads((ROOT / "weights" / "cats-dogs-effnet-sgd" / "card.json").read_text())
    card |= {"id": "mine", "recipe": replace(STAGED, id="mine", stages=((24, 1),), trained=(), rates=()).settings()}
    (folder / "card.json").write_text(json.dumps(card))
    photographs = next(iter(dataset.items["train"])).path.parents[2]
    monkeypatch.setattr(training.export, "build", tiny)

    def command(*arguments):
        places = ["--runs-dir", str(tmp_path / "runs"), "--data-dir", str(photographs)]
        monkeypatch.setattr("sys.argv", ["training", "run", *arguments, *places])
        code = training.__main__.main()
        return code, "".join(capsys.readouterr())

    code, text = command("--card", str(folder / "card.json"), "--smoke")
    assert code == 0, text
    again = Card.read(tmp_path / "runs" / "mine-smoke")
    assert again.recipe["optimizer"] == card["recipe"]["optimizer"]
    for arguments, message in (
        ((), "Name a recipe"),
        (("staged", "--card", str(folder / "card.json")), "not both"),
        (("--card", str(tmp_path / "nowhere" / "card.json")), "card of nowhere is missing"),
        (("--card", str(folder)), "is no card"),
    ):
        code, text = command(*arguments)
        assert code == 2
        assert message in text


# -- what the machine has --------------------------------------------------------------------------------------------


def test_a_run_that_needs_more_disk_or_memory_than_there_is_says_so_before_it_decodes_a_picture(
    dataset, cache, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(training.run, "training_batches", lambda *_: pytest.fail("it began"))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage(9e9, 9e9, 1000))
        with pytest.raises(NeedsError, match=r"needs \d MB of disk .* 0 MB are free in .*--runs-dir"):
            train(STAGED, dataset, tmp_path / "new" / "run", tmp_path / "empty")
    monkeypatch.setattr(needs, "memory", lambda: 100_000)
    with pytest.raises(NeedsError, match=r"A step of 64 pictures needs \d MB of memory.*--set batch=\d"):
        train(replace(STAGED, batch=64), dataset, tmp_path / "other", cache)


def test_disk_is_asked_for_what_is_not_there_yet(dataset, tmp_path):
    network = tiny(STAGED.model, dataset.classes, 24)
    before = needs.disk(STAGED, dataset, network, tmp_path)
    side = round(24 * 8 / 7)
    states = 4 * network.count_params() * 8  # weights and Adam's two, twice; the best weights and the model
    assert before == 12 * 3 * (side**2 + 24**2 + 24**2) + 12 * 24**2 * 3 + states
    train(replace(STAGED, stages=((24, 1),), trained=(), rates=()), dataset, tmp_path / "run", tmp_path)
    after = needs.disk(STAGED, dataset, network, tmp_path)
    assert before - after == 12 * 3 * (side**2 + 24**2)  # the test split is still to come


def test_memory_counts_what_trained_layers_give_at_the_largest_stage():
    network = tiny(STAGED.model, ("Cat", "Dog"), 24)
    train_from(network, "head")
    recipe = replace(STAGED, stages=((24, 1), (48, 1)), trained=("head", "head"))
    weights = 4 * network.count_params() + 4 * 3 * sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    assert needs.step_memory(recipe, network, 1) == weights + (6 + 1) * 4 * 4
    train_from(network, "block2")
    second = needs.step_memory(replace(recipe, trained=("block2", "block2")), network, 1)
    train_from(network, "head")
    assert second > needs.step_memory(recipe, network, 1) + 4 * 4 * 2 * 6 * 6 * 6 - 1
    larger = needs.step_memory(recipe, network, 0)
    assert larger == weights + 4 * (6 + 1) * 4 * 4


def test_this_machine_s_memory_is_known():
    assert 1e8 < hardware.memory() < 1e15


# -- devices ---------------------------------------------------------------------------------------------------------

SEVERAL = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
import training.run
from tests.test_retraining import STAGED, tiny
from training import data, hardware
training.run.build = tiny
folder = Path(sys.argv[1])
dataset = data.load("cats-dogs", None, folder / "cache", handful=6)

def train(recipe, name, devices):
    return training.run.train(recipe, dataset, folder / name, folder / "cache", 0, devices=devices)

# by SGD: Adam makes of a gradient that is zero but for rounding, as a first bias has it, a whole step either way
sgd = replace(STAGED.optimizer, name="sgd", decay=1e-4)
short = replace(STAGED, stages=((24, 1), (24, 1)), steps_per_epoch=3)
staged = replace(short, model=replace(STAGED.model, dropout=0.0), optimizer=sgd)
whole = replace(
    staged, stages=((24, 1),), trained=(), rates=(), optimizer=replace(sgd, layer_decay=0.9), average=0.8
)
for name, recipe in {"staged": staged, "whole": whole}.items():
    one, several = (train(recipe, f"{name}{devices}", devices) for devices in (1, 2))
    for a, b in zip(one.history, several.history, strict=True):
        for key in ("loss", "val_loss", "log_loss", "val_log_loss"):
            assert abs(a[key] - b[key]) < 1e-4, (name, key, a, b)
    # statistics of BatchNormalization are those of the whole batch
    for a, b in zip(one.variables["network"], several.variables["network"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
# begun on one device it goes on on two, with dropout too
step = training.run._Keeper.on_train_batch_end
def on_train_batch_end(self, batch, logs=None):
    step(self, batch, logs)
    if self.state.step == 2:
        raise KeyboardInterrupt
training.run._Keeper.on_train_batch_end = on_train_batch_end
try:
    train(short, "moved", 1)
except KeyboardInterrupt:
    training.run._Keeper.on_train_batch_end = step
assert np.isfinite([row["loss"] for row in train(short, "moved", 2).history]).all()
try:
    train(replace(staged, batch=5), "uneven", 2)
except hardware.HardwareError as error:
    assert "cannot be dealt out" in str(error)
else:
    raise AssertionError
print("same")
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_devices_train_as_one_does(tmp_path):
    program = tmp_path / "several.py"
    program.write_text(SEVERAL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], env=environment, capture_output=True, text=True, timeout=1700
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("same\n")


def test_devices_that_are_not_there_are_refused(monkeypatch):
    with pytest.raises(HardwareError, match="can be 1 to 1 here"):
        hardware.scope(2, 32)
    with pytest.raises(HardwareError, match="can be 1 to"):
        hardware.scope(0, 32)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(HardwareError, match="TensorFlow backend"):
        hardware.scope(2, 32)


DETERMINISTIC = """
import sys
from pathlib import Path
import numpy as np
from training import data, hardware
hardware.make_deterministic()
import training.run
from tests.test_retraining import STAGED, tiny
training.run.build = tiny
folder = Path(sys.argv[1])
dataset = data.load("cats-dogs", None, folder / "cache", handful=6)
states = [training.run.train(STAGED, dataset, folder / str(k), folder / "cache") for k in (1, 2)]
for a, b in zip(*(state.variables["network"] for state in states), strict=True):
    np.testing.assert_array_equal(a, b)
import tensorflow as tf
from tensorflow.python.framework import config
assert config.is_op_determinism_enabled()
"""


@pytest.mark.slow
def test_a_deterministic_training_gives_the_same_bits(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", DETERMINISTIC, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# -- the split -------------------------------------------------------------------------------------------------------


def test_more_pictures_of_each_class_validate_and_twins_do_not():
    cifar = data.load("cifar-100", None, Path("unused"), handful=4)
    more = data.split(cifar, Data(validation=6))
    labels = np.bincount(more.labels("validation"))
    assert set(labels) == {6}
    assert len(more.items["train"]) == 200
    assert more.items["validation"][:400] == cifar.items["validation"]
    assert not {i.identity for i in more.items["train"]} & {i.identity for i in more.items["validation"]}
    assert more.items["test"] == cifar.items["test"]
    assert more.digest == cifar.digest
    first = cifar.items["train"][0]
    twin = replace(cifar.items["train"][1], digest=first.digest)
    twins = replace(cifar, items={**cifar.items, "train": (first, twin, *cifar.items["train"][2:])})
    moved = {item.digest for item in data.split(twins, Data(validation=6)).items["validation"]}
    assert first.digest not in moved
    with pytest.raises(data.DataError, match="cannot have 8 validating"):
        data.split(cifar, Data(validation=8))
    assert data.split(cifar, Data()) is cifar
