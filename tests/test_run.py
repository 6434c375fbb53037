"""The training loop on a tiny net: interrupted anywhere it gives the same weights; and its parts by closed form."""

import csv
import datetime
import json
import os
import subprocess
import types
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest

import training.__main__
import training.export
import training.run
import training.search
from explain.cards import Card
from explain.checkpoints import CheckpointError, load
from training import TrainingError, data
from training.data import cats_dogs
from training.data.dataset import atomically, pixels, read_split
from training.evaluate import check, measure, multiply_adds, reliability
from training.export import ShipError, export, round_mantissa, ship
from training.models import assign_initial, build
from training.models.efficientnet import efficientnet
from training.models.folded import FoldedConvolution
from training.recipe import Augment, Model, Optimizer, Recipe, RecipeError, Schedule, Search
from training.run import Rate, RunError, State, _Keeper, claim, finish, train

TINY = Recipe(
    id="tiny",
    title="Tiny",
    description="A tiny net.",
    model=Model("tiny", frozen_statistics=True, dropout=0.3),
    optimizer=Optimizer("adam", 0.003, decay=1e-5),
    schedule=Schedule("cosine", warmup=0.2),
    augment=Augment(crop=0.6, flip=True, rotation=20, mixup=0.2),
    stages=((24, 2), (32, 2)),
    batch=4,
    steps_per_epoch=5,
)
SHORT = replace(TINY, augment=Augment(), stages=((32, 1),), steps_per_epoch=2)


def tiny(model, classes, size, training=False):
    """One convolution with BatchNormalization, dropout, one sigmoid unit: quickly traced."""
    image = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    if training:
        x = FoldedConvolution(6, 3, 2, "glorot_uniform")(x)
    else:
        x = keras.layers.Conv2D(6, 3, 2, "same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(image, keras.layers.Dense(1, "sigmoid")(keras.layers.Dropout(model.dropout)(x)))


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch):
    monkeypatch.setattr(training.run, "build", tiny)
    monkeypatch.setattr(training.export, "build", tiny)


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


def killed_at(steps, monkeypatch):
    """Break off after each of these numbers of steps, as a kill does: nothing is tidied up."""
    original = _Keeper.on_train_batch_end
    left = list(steps)

    def on_train_batch_end(self, batch, logs=None):
        original(self, batch, logs)
        if left and self.state.step == left[0]:
            left.pop(0)
            raise Killed

    monkeypatch.setattr(_Keeper, "on_train_batch_end", on_train_batch_end)


@pytest.mark.parametrize(
    ("recipe", "kills", "save_every"),
    [
        (TINY, [3, 5, 11, 18], 0),  # within an epoch, at its end, in the second stage
        pytest.param(  # states of epochs' ends only: steps are done again
            replace(TINY, average=0.8), [4, 18], 1e9, marks=pytest.mark.slow
        ),
        pytest.param(
            replace(TINY, optimizer=Optimizer("sgd", 0.02, nesterov=True, decay=1e-5)),
            [7, 16],
            0,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["adam", "average-from-epochs", "sgd"],
)
def test_a_killed_training_ends_where_an_undisturbed_one_ends(
    recipe, kills, save_every, dataset, cache, tmp_path, monkeypatch
):
    whole = train(recipe, dataset, tmp_path / "whole", cache)
    killed_at(kills, monkeypatch)
    for _ in kills:
        with pytest.raises(Killed):
            train(recipe, dataset, tmp_path / "killed", cache, save_every)
    state = train(recipe, dataset, tmp_path / "killed", cache, save_every)
    assert state.step == whole.step == 20
    assert [row["epoch"] for row in state.history] == [1, 2, 3, 4]
    assert state.variables.keys() == whole.variables.keys()
    for group in state.variables:
        for a, b in zip(state.variables[group], whole.variables[group], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    for mine, its in zip(state.history, whole.history, strict=True):
        assert mine | {"seconds": 0} == pytest.approx(its | {"seconds": 0}, rel=1e-3, abs=1e-5)
    assert state.best == pytest.approx(whole.best, rel=1e-3)


@pytest.mark.slow
def test_a_training_goes_on_on_a_machine_of_another_precision(dataset, cache, tmp_path, monkeypatch):
    recipe, used = replace(TINY, precision="auto"), []

    def noting(*args, **kwargs):
        used.append(keras.config.dtype_policy().compute_dtype)
        return tiny(*args, **kwargs)

    monkeypatch.setattr(training.run, "build", noting)
    whole = train(replace(TINY, precision="float32"), dataset, tmp_path / "whole", cache)
    killed_at([7], monkeypatch)
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(training.run, "probe", lambda recipe, *_: 1 + (recipe.precision == "mixed_bfloat16"))
    with pytest.raises(Killed):
        train(recipe, dataset, tmp_path / "moved", cache, save_every=0)
    monkeypatch.setattr(training.run, "multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(training.run, "describe", lambda: "another machine")
    state = train(recipe, dataset, tmp_path / "moved", cache, save_every=0)
    assert used == ["float32", "float32", "bfloat16", "float32", "float32"]  # by stage; the killed one's, twice
    assert keras.config.dtype_policy().name == "float32"
    differences = []
    for a, b in zip(state.variables["network"], whole.variables["network"], strict=True):
        if a.dtype == np.float32:
            np.testing.assert_allclose(a, b, atol=0.02)
            differences.append(np.abs(a - b).max())
    assert max(differences) > 1e-6  # bfloat16 has been at work


@pytest.mark.slow
def test_killed_after_any_file_was_written_it_ends_with_all_of_them(dataset, cache, tmp_path, monkeypatch):
    written, bars = [], []

    def killed_after(path, write):
        atomically(path, write)
        name = f"state.npz of step {State.load(path).step}" if path.name == "state.npz" else path.name
        if name not in written:
            written.append(name)
            raise Killed

    original = training.run.progress
    monkeypatch.setattr(training.run, "atomically", killed_after)
    monkeypatch.setattr(training.run, "progress", lambda *a, **k: bars.append(original(*a, **k)) or bars[-1])
    order = ["recipe.json", "state.npz of step 1", "best.npz", "history.csv", "state.npz of step 2"]
    for _ in order:
        with pytest.raises(Killed):
            train(SHORT, dataset, tmp_path, cache, save_every=0)
    assert written == order
    train(SHORT, dataset, tmp_path, cache)
    state, best = State.load(tmp_path / "state.npz"), State.load(tmp_path / "best.npz")
    assert (state.step, state.best) == (2, best.best)
    weights = [value for value in state.variables["network"] if value.dtype == np.float32]  # no dropout's seed
    for a, b in zip(best.variables["weights"], weights, strict=True):
        np.testing.assert_array_equal(a, b)
    with open(tmp_path / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]
    # what was done before an interruption is no speed to foretell the end from
    assert [(bar.initial, bar.total) for bar in bars] == [(0, 2), (1, 2), (1, 2), (1, 2)]


def test_the_average_is_what_validation_sees_and_what_is_kept(dataset, cache, tmp_path):
    seen = []

    class Spy(training.run._Keeper):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            seen.append([variable.numpy() for variable in self.model.trainable_variables])

    recipe = replace(TINY, average=0.8, stages=((32, 1),), steps_per_epoch=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.run, "_Keeper", Spy)
        state = train(recipe, dataset, tmp_path, cache)
    expected = seen[0]
    for weights in seen[1:]:
        expected = [0.8 * a + 0.2 * w for a, w in zip(expected, weights, strict=True)]
    kept = State.load(tmp_path / "best.npz").variables["weights"]
    network = tiny(recipe.model, dataset.classes, 32)
    network.set_weights(kept)
    for a, b in zip(network.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-4, atol=1e-6)
    shown = np.asarray(network(np.asarray(pixels(dataset.items["validation"], 32, cache), "float32")))
    labels = dataset.labels("validation")
    loss = -np.log(np.where(labels == 1, shown[:, 0], 1 - shown[:, 0])).mean()
    assert state.history[-1]["val_log_loss"] == pytest.approx(loss, rel=1e-4)


def test_a_finished_training_is_not_done_again(dataset, cache, tmp_path, monkeypatch):
    first = train(TINY, dataset, tmp_path, cache)
    monkeypatch.setattr(keras.Model, "fit", lambda *a, **k: pytest.fail("trained again"))
    assert train(TINY, dataset, tmp_path, cache).history == first.history


def test_a_run_folder_of_other_settings_is_refused(dataset, cache, tmp_path):
    train(TINY, dataset, tmp_path, cache)
    with pytest.raises(RunError, match=r"other settings \(batch, optimizer.decay\)"):
        train(replace(TINY, batch=2, optimizer=replace(TINY.optimizer, decay=0.0)), dataset, tmp_path, cache)
    train(replace(TINY, title="Another title"), dataset, tmp_path, cache)


def test_a_run_folder_of_other_pictures_is_refused(dataset, cache, tmp_path):
    State(step=1, data="another digest").save(tmp_path / "state.npz")
    claim(SHORT, tmp_path)
    with pytest.raises(RunError, match="other pictures"):
        train(SHORT, dataset, tmp_path, cache)


def test_settings_that_mean_nothing_are_refused_and_do_not_claim_the_folder(dataset, cache, tmp_path, monkeypatch):
    for wrong, message in (
        (replace(SHORT, schedule=Schedule("cosin")), "no schedule 'cosin'. There are: constant, cosine, plateau"),
        (replace(SHORT, optimizer=Optimizer("adm", 0.1)), "no optimizer 'adm'. There are: adam, sgd"),
        (replace(SHORT, model=Model("vgg17")), "no network 'vgg17'. There are: efficientnet-b0"),
        (replace(SHORT, model=Model("efficientnet-lite9")), "no network 'efficientnet-lite9'"),
    ):
        if wrong.model != SHORT.model:
            monkeypatch.setattr(training.run, "build", build)
        with pytest.raises((RunError, RecipeError), match=message):
            train(wrong, dataset, tmp_path, cache)
    with pytest.raises(RecipeError, match="no 'imagnet' weights for efficientnet-lite0"):
        assign_initial(None, Model("efficientnet-lite0", weights="imagnet"), dataset.classes, 32)
    monkeypatch.setattr(training.run, "build", tiny)
    assert train(SHORT, dataset, tmp_path, cache).step == 2


def test_a_run_folder_older_than_a_setting_goes_on_at_its_default(tmp_path):
    claim(TINY, tmp_path)
    State(step=1).save(tmp_path / "state.npz")
    settings = json.loads((tmp_path / "recipe.json").read_text())
    del settings["average"], settings["model"]["drop_connect"]
    (tmp_path / "recipe.json").write_text(json.dumps(settings))
    claim(TINY, tmp_path)
    with pytest.raises(RunError, match=r"\(average\)"):
        claim(replace(TINY, average=0.5), tmp_path)


def test_a_half_written_state_is_never_seen(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    State(step=3, variables={"network": [np.arange(3.0)]}).save(path)
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        State(step=4).save(path)
    assert State.load(path).step == 3
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_what_a_killed_process_left_half_written_goes_and_a_living_one_s_stays(tmp_path):
    with subprocess.Popen(["true"]) as gone:
        pass
    for process in (gone.pid, os.getppid()):
        (tmp_path / f".state.npz.{process}").write_text("half")
    atomically(tmp_path / "state.npz", lambda draft: draft.write_text("whole"))
    assert {file.name for file in tmp_path.iterdir()} == {"state.npz", f".state.npz.{os.getppid()}"}


def test_the_best_epoch_of_the_last_stage_is_kept(dataset, cache, tmp_path, monkeypatch):
    figures = iter([(0.9, 0.3), (0.99, 0.1), (0.7, 0.5), (0.8, 0.4), (0.8, 0.35), (0.75, 0.1)])

    def on_epoch_end(self, epoch, logs=None):
        accuracy, loss = next(figures)
        self.figures = {"val_accuracy": accuracy, "val_log_loss": loss}
        self._collect()

    monkeypatch.setattr(_Keeper, "on_epoch_end", on_epoch_end)
    state = train(replace(TINY, stages=((24, 2), (32, 4)), steps_per_epoch=1), dataset, tmp_path, cache)
    assert state.best == {"epoch": 5, "val_accuracy": 0.8, "val_log_loss": 0.35}
    assert State.load(tmp_path / "best.npz").best == state.best


@pytest.mark.slow
def test_more_validations_make_a_finer_history_of_the_same_training(dataset, cache, tmp_path, monkeypatch):
    recipe = replace(TINY, average=0.8)
    plain = train(recipe, dataset, tmp_path / "plain", cache)
    killed_at([7], monkeypatch)
    with pytest.raises(Killed):
        train(recipe, dataset, tmp_path / "finer", cache, 0, validations=4)
    finer = train(recipe, dataset, tmp_path / "finer", cache, validations=4)
    assert [row["epoch"] for row in finer.history] == [k / 4 for k in range(1, 17)]
    for group in plain.variables:
        for a, b in zip(plain.variables[group], finer.variables[group], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    whole = [row for row in finer.history if row["epoch"] == int(row["epoch"])]
    for mine, its in zip(whole, plain.history, strict=True):
        for key in ("val_log_loss", "loss", "accuracy"):  # of the whole epoch
            assert mine[key] == pytest.approx(its[key], rel=1e-3)
    assert {row["accuracy"] for row in finer.history if row not in whole} == {None}
    with open(tmp_path / "finer" / "history.csv", newline="") as file:
        assert next(csv.DictReader(file))["accuracy"] == ""
    assert finer.best == pytest.approx(plain.best, rel=1e-3)  # among whole epochs
    assert finish(recipe, dataset, finer, tmp_path / "finer", cache).model_id == recipe.id  # its curves are drawn
    some = replace(recipe, data=replace(recipe.data, validate=4))  # the same pictures at the ends of epochs
    once, often = (train(some, dataset, tmp_path / f"some{n}", cache, validations=n) for n in (1, 2))
    for mine, its in zip(often.history[1::2], once.history, strict=True):
        assert mine["val_log_loss"] == pytest.approx(its["val_log_loss"], rel=1e-3)
    steps = train(replace(TINY, stages=((24, 2),), steps_per_epoch=1), dataset, tmp_path / "short", cache, 0, 4)
    assert [row["epoch"] for row in steps.history] == [1, 2]  # no part without a step


def test_finish_exports_a_plain_file_whose_figures_the_card_holds(dataset, cache, tmp_path):
    state = train(TINY, dataset, tmp_path, cache)
    card = finish(TINY, dataset, state, tmp_path, cache)
    network = keras.models.load_model(tmp_path / "model.keras", compile=False)
    kinds = {type(layer).__module__.partition(".")[0] for layer in network.layers}
    assert kinds == {"keras"}
    assert network.input_shape == (None, 32, 32, 3)
    assert all(w.dtype == "float32" for w in network.weights)
    assert card == Card.read(tmp_path)
    assert card.to_json() == json.loads((tmp_path / "card.json").read_text())
    assert (card.model_id, card.classes, card.input_size) == ("tiny", ("Cat", "Dog"), (32, 32))
    assert card.splits["train"].n == 12
    assert card.parameters == network.count_params()
    assert card.digests.data == dataset.digest
    stored = np.load(tmp_path / "evaluation" / "predictions.npz")
    np.testing.assert_array_equal(stored["labels"], dataset.labels("test"))
    again = measure(stored["labels"], stored["probabilities"])
    assert again.accuracy == card.test.accuracy
    assert again.log_loss == pytest.approx(card.test.log_loss, abs=2e-6)
    with open(tmp_path / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]
    for name in ("confusion", "roc", "reliability", "curves"):
        assert (tmp_path / "evaluation" / f"{name}.png").stat().st_size > 5000


def test_ship_takes_finished_runs_only_and_replaces_in_one_step(dataset, cache, tmp_path):
    run, weights = tmp_path / "run", tmp_path / "weights"
    state = train(TINY, dataset, run, cache)
    with pytest.raises(ShipError, match="not finished"):
        ship(run, weights)
    finish(TINY, dataset, state, run, cache)
    (weights / "tiny").mkdir(parents=True)
    (weights / "tiny" / "old.txt").write_text("old")
    folder = ship(run, weights)
    checkpoint = load("tiny", weights)
    assert [row.agrees for row in check(checkpoint, dataset, ["validation", "test"], cache)] == [True, True]
    other = replace(checkpoint, card=replace(checkpoint.card, splits={"test": replace(checkpoint.card.test, n=3)}))
    assert [row.agrees for row in check(other, dataset, ["test"], cache)] == [False]
    with pytest.raises(TrainingError, match="gives no accuracy on the train split"):
        check(other, dataset, ["train"], cache)
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "evaluation", "history.csv", "model.keras"]
    assert [path.name for path in weights.iterdir()] == ["tiny"]
    finish(TINY, dataset, state, run, cache, smoke=True)
    with pytest.raises(ShipError, match="smoke"):
        ship(run, weights)


def test_ship_leaves_the_old_checkpoint_where_the_new_one_does_not_load(dataset, cache, tmp_path, monkeypatch):
    run, weights = tmp_path / "run", tmp_path / "weights"
    finish(SHORT, dataset, train(SHORT, dataset, run, cache), run, cache)
    ship(run, weights)
    (weights / "tiny" / "old.txt").write_text("old")
    good = (run / "model.keras").read_bytes()
    (run / "model.keras").write_bytes(good[:-1])
    with pytest.raises(CheckpointError, match="not the one that its card speaks of"):
        ship(run, weights)
    assert (weights / "tiny" / "old.txt").exists()
    (run / "model.keras").write_bytes(good)
    original = os.replace

    def full(source, target):
        if target == weights / "tiny" and source.name == "tiny":
            raise OSError("disk full")
        original(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        ship(run, weights)
    assert [path.name for path in weights.iterdir()] == ["tiny"]
    assert (weights / "tiny" / "old.txt").exists()


def test_equal_weights_give_equal_files_on_any_day(tmp_path, monkeypatch):
    def named(model, classes, size):
        return keras.Sequential([keras.Input((4,), name="image"), keras.layers.Dense(1, name="dense")], name="named")

    monkeypatch.setattr(training.export, "build", named)
    for year in (2030, 2031):
        day = types.SimpleNamespace(now=lambda: datetime.datetime(year, 1, 1))  # noqa: B023
        monkeypatch.setattr(keras.src.saving.saving_lib, "datetime", types.SimpleNamespace(datetime=day))
        export(TINY, ("Cat", "Dog"), [np.ones((4, 1)), np.zeros(1)], tmp_path / f"{year}.keras")
    assert (tmp_path / "2030.keras").read_bytes() == (tmp_path / "2031.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "2030.keras") as archive:
        assert json.loads(archive.read("metadata.json")) == {"keras_version": keras.__version__}


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def command(dataset, tmp_path, monkeypatch, capsys):
    """python -m training run tiny ...: its exit code and all it prints."""
    monkeypatch.setattr(training.__main__, "find", lambda recipe_id: SHORT)

    def run(*arguments, data_dir=None):
        folder = data_dir or next(iter(dataset.items["train"])).path.parents[2]
        places = ["--runs-dir", str(tmp_path), "--data-dir", str(folder)]
        monkeypatch.setattr("sys.argv", ["training", "run", "tiny", *arguments, *places])
        code = training.__main__.main()
        return code, "".join(capsys.readouterr())

    return run


def test_a_finished_run_is_not_measured_again(command, tmp_path, monkeypatch):
    assert command("--smoke")[0] == 0
    card = (tmp_path / "tiny-smoke" / "card.json").read_text()
    monkeypatch.setattr(training.run, "finish", lambda *a: pytest.fail("the test split was touched again"))
    code, text = command("--smoke")
    assert code == 0
    assert f"measured before ({json.loads(card)['tested']}); --fresh" in text
    assert f"accuracy {json.loads(card)['splits']['test']['accuracy']:.4f}" in text
    assert (tmp_path / "tiny-smoke" / "card.json").read_text() == card


def test_fresh_deletes_nothing_before_the_data_are_there_and_nothing_but_a_run(command, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "state.npz").write_text("an hour's work")
    assert command("--fresh", data_dir=tmp_path / "nowhere")[0] == 2
    assert (tmp_path / "tiny" / "state.npz").exists()
    for name in (".", "..", "cache", "search", "a/b", "../a"):
        code, text = command("--fresh", "--name", name)
        assert code == 2
        assert "cannot be called" in text
        assert (tmp_path / "tiny" / "state.npz").exists()


# -- the search ------------------------------------------------------------------------------------------------------


def test_search_tries_every_rate_and_takes_the_lowest_loss(dataset, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(training.search, "TRIALS", tmp_path / "trials.json")
    tried = []

    def pretend(recipe, *_):
        rate = recipe.optimizer.learning_rate
        tried.append((recipe.stages, recipe.steps_per_epoch, rate))
        loss = {0.9: float("nan"), 0.1: 0.3, 0.01: 0.2}[rate]
        return State(history=[{"val_accuracy": 0.5, "val_log_loss": loss}])

    monkeypatch.setattr(training.search, "train", pretend)
    recipe = replace(TINY, search=Search((0.9, 0.1, 0.01), 7))
    record = training.search.search(recipe, dataset, tmp_path, cache)
    assert tried == [(((24, 1),), 7, rate) for rate in (0.9, 0.1, 0.01)]
    assert record["best"] == 0.01  # a rate that diverged is never the best, wherever it stands
    assert [trial["log_loss"] for trial in record["trials"][1:]] == [0.3, 0.2]
    with pytest.raises(RunError, match="too high"):
        training.search.search(replace(recipe, search=Search((0.9,), 7)), dataset, tmp_path, cache)


def test_a_trial_of_other_settings_is_not_taken_for_one_of_these(dataset, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(training.search, "TRIALS", tmp_path / "trials.json")
    recipe = replace(SHORT, search=Search((0.01,), 2))
    first = training.search.search(recipe, dataset, tmp_path, cache)
    monkeypatch.setattr(keras.Model, "fit", lambda *a, **k: pytest.fail("trained again"))
    assert training.search.search(recipe, dataset, tmp_path, cache) == first
    with pytest.raises(RunError, match=r"other settings \(batch\)"):
        training.search.search(replace(recipe, batch=2), dataset, tmp_path, cache)
    monkeypatch.undo()
    monkeypatch.setattr(training.search, "TRIALS", tmp_path / "trials.json")
    monkeypatch.setattr(training.run, "build", tiny)
    other = training.search.search(replace(recipe, batch=2), dataset, tmp_path, cache, fresh=True)
    assert other["batch"] == 2


# -- closed forms ----------------------------------------------------------------------------------------------------


def test_the_rate_rises_and_falls_as_written():
    rate = Rate(peak=2.0, steps=100, warmup=0.2, cosine=True)
    np.testing.assert_allclose([rate(0), rate(9), rate(19), rate(20)], [0.1, 1.0, 2.0, 2.0])
    np.testing.assert_allclose([rate(60), rate(100)], [1.0, 0.0], atol=1e-6)
    flat = Rate(peak=2.0, steps=100, warmup=0, cosine=False)
    assert [float(flat(step)) for step in (0, 50, 99)] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_decay_takes_the_same_share_at_every_rate(name):
    for rate in (0.001, 0.1):
        recipe = replace(TINY, optimizer=Optimizer(name, rate, decay=0.01), schedule=Schedule())
        optimizer = training.run.build_optimizer(recipe, 10, None)
        kernel, beta = keras.Variable([2.0, -4.0], name="kernel"), keras.Variable([2.0], name="beta")
        optimizer.apply([np.zeros(2, "float32"), np.zeros(1, "float32")], [kernel, beta])
        np.testing.assert_allclose(kernel.numpy(), [1.98, -3.96], rtol=1e-5)
        assert beta.numpy() == 2.0


def test_rounding_keeps_ten_bits_and_goes_to_the_nearest_even():
    ulp = 2.0**-10
    values = np.array([1.0, 1 + ulp, 1 + 0.4 * ulp, 1 + 0.6 * ulp, 1 + 0.5 * ulp, 1 + 1.5 * ulp, -3.1415927, 0, 1e-30])
    rounded = round_mantissa(values.astype("float32"))
    np.testing.assert_array_equal(rounded[:6], [1, 1 + ulp, 1, 1 + ulp, 1, 1 + 2 * ulp])
    assert rounded[6] == np.float32(np.float16(-3.1415927))
    assert rounded[7] == 0
    assert rounded[8] == pytest.approx(1e-30, rel=ulp)
    assert (rounded.view(np.uint32) & 0x1FFF == 0).all()
    rng = np.random.default_rng(0).normal(size=1000).astype("float32")
    np.testing.assert_array_equal(round_mantissa(rng), rng.astype("float16").astype("float32"))


def test_figures_of_a_hand_worked_table():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    figures = measure(labels, probabilities)
    assert figures.accuracy == 0.75
    assert figures.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean(), abs=1e-6)
    assert figures.precision == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert figures.recall == 0.75
    assert figures.auc == 1.0  # every dog above every cat
    # bins of a fifteenth: 0.9 right; 0.6 wrong; 0.8 right; 0.7 right
    assert figures.calibration_error == pytest.approx((0.1 + 0.6 + 0.2 + 0.3) / 4, abs=1e-6)
    assert [row["n"] for row in reliability(labels, probabilities)] == [1, 1, 1, 1]
    assert figures.top_5 is None


def test_multiply_adds_of_the_published_nets():
    assert multiply_adds(efficientnet("b0", 1000)) == pytest.approx(0.39e9, rel=0.02)  # the paper's table 2
    assert multiply_adds(efficientnet("lite0", 1000)) == pytest.approx(407e6, rel=0.06)  # the authors' table
