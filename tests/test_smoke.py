"""The command line, whole: one smoke training, killed in the middle and taken up again; and its refusals."""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from explain import checkpoints
from training.__main__ import main
from training.models.imagenet_weights import WeightsError, lite_file
from training.recipe import all_recipes

ROOT = Path(__file__).parents[1]
SMALL = ("cifar100-ladder-lenet", ["--set", "stages=((32,2),(32,2))"])
STAGED = ("cats-dogs-effnet-adam", [])
UNFROZEN = ("original-cifar100-effnet-b0-finetuned", [])  # its second stage trains other layers, on augmented copies
# The other families, made small: where, and what their table of blocks becomes. The rest is slow.
QUICK = {
    "cats-dogs-vgg16-low": (
        "vgg16",
        "BLOCKS",
        lambda blocks: tuple((channels // 8, count) for channels, count in blocks),
    ),
    "scaling-baseline": ("efficientnet", "STAGES", lambda stages: tuple((1, *block) for _, *block in stages[:3])),
}


def command(*arguments, runs):
    environment = {**os.environ, "TWO_MINDS_RUNS": str(runs), "PYTHONPATH": str(ROOT)}
    environment.pop("TWO_MINDS_DATA", None)
    return subprocess.Popen(
        [sys.executable, "-m", "training", *arguments],
        cwd=runs,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process, code=0):
    text, _ = process.communicate(timeout=900)
    assert process.returncode == code, text
    return text


def weights(recipe):
    """Arguments that leave out what would be downloaded; a skip where a package is not installed."""
    if recipe.model.weights != "imagenet":
        return []
    if "lite" not in recipe.model.name:
        return ["--set", "model.weights="]
    try:
        lite_file(recipe.model.name.partition("-")[2])
    except WeightsError as error:
        pytest.skip(str(error))
    return []


def check_run(folder, recipe_id):
    card = json.loads((folder / "card.json").read_text())
    assert card["id"] == recipe_id
    assert card["smoke"] is True
    count = 8 * len(card["classes"])
    assert {split: figures["n"] for split, figures in card["splits"].items()} == {
        "train": count,
        "validation": count,
        "test": count,
    }
    assert card["revision"] or not (ROOT / ".git").exists()
    for key in ("versions", "hardware", "seconds", "parameters", "multiply_adds", "initial_weights"):
        assert card[key], key
    return card


def stored_step(folder):
    """How far the state in a run folder has come; 0 where there is none."""
    if not (folder / "state.npz").exists():
        return 0
    with np.load(folder / "state.npz") as state:
        return json.loads(bytes(state["meta"]))["step"]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("recipe_id", "settings"),
    [
        pytest.param(*SMALL, marks=pytest.mark.smoke),
        pytest.param(*STAGED, marks=pytest.mark.slow),
        pytest.param(*UNFROZEN, marks=pytest.mark.slow),
    ],
)
def test_a_smoke_training_killed_in_each_stage_goes_on_and_ends_in_a_card_and_a_loadable_checkpoint(
    recipe_id, settings, tmp_path, monkeypatch, capsys
):
    recipe = all_recipes()[recipe_id]
    arguments = ["run", recipe_id, "--smoke", *weights(recipe), *settings]
    folder = tmp_path / f"{recipe_id}-smoke"
    stages = 2
    steps, step = 6 * stages, 0  # two epochs of three steps in each stage
    for stage in range(stages):
        process = command(*arguments, "--save-every", "0", runs=tmp_path)
        while stored_step(folder) <= max(step, 6 * stage) and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.stdout.read()
        os.kill(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
        if stage:
            assert f"going on at step {step} of {steps}" in said
        step = stored_step(folder)
        assert 6 * stage < step < 6 * (stage + 1)
    monkeypatch.delenv("TWO_MINDS_DATA", raising=False)
    monkeypatch.setenv("TWO_MINDS_RUNS", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    assert main() == 0
    text = "".join(capsys.readouterr())
    assert f"going on at step {step} of {steps}" in text
    assert "accuracy" in text
    card = check_run(folder, recipe_id)
    checkpoint_folder = tmp_path / "weights"
    checkpoint_folder.mkdir()
    (checkpoint_folder / recipe_id).symlink_to(folder)
    checkpoint = checkpoints.load(recipe_id, checkpoint_folder)
    picture = np.full((50, 80, 3), 128, np.uint8)
    assert checkpoint.predict([picture]).shape == (1, len(card["classes"]))
    assert checkpoint.predict([picture]).sum() == pytest.approx(1, abs=1e-5)
    monkeypatch.setattr(sys, "argv", ["training", "ship", folder.name])
    assert main() == 2
    assert "smoke run" in capsys.readouterr().err


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "recipe_id",
    [
        pytest.param(recipe_id, marks=pytest.mark.smoke if recipe_id in QUICK else pytest.mark.slow)
        for recipe_id in all_recipes()
    ],
)
def test_every_recipe_runs_as_a_smoke_training(recipe_id, tmp_path, monkeypatch):
    arguments = weights(all_recipes()[recipe_id])
    if recipe_id in QUICK:
        name, table, smaller = QUICK[recipe_id]
        module = importlib.import_module(f"training.models.{name}")  # the package has functions of those names
        monkeypatch.setattr(module, table, smaller(getattr(module, table)))
        arguments = [*arguments, "--set", "stages=((32,1),)"]
    monkeypatch.delenv("TWO_MINDS_DATA", raising=False)
    monkeypatch.setenv("TWO_MINDS_RUNS", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["training", "run", recipe_id, "--smoke", *arguments])
    try:
        assert main() == 0
    finally:
        import keras

        keras.utils.clear_session()  # one recipe after the other kept 11 GB
        gc.collect()
    check_run(tmp_path / f"{recipe_id}-smoke", recipe_id)


def test_list_names_every_recipe(tmp_path):
    text = output(command("list", runs=tmp_path))
    for recipe in all_recipes().values():
        assert recipe.id in text
        assert recipe.description in text


def test_what_is_refused_at_once_does_not_wait_for_tensorflow(tmp_path):
    program = """
import sys
from training.__main__ import main
for arguments in (
    ["run", "none"],
    ["run", "cats-dogs-effnet-adam", "--data-dir", "."],
    ["search", "cats-dogs-effnet-adam-seed2"],
    ["evaluate", "none", "--data-dir", "."],
):
    sys.argv[1:] = arguments
    assert main() == 2
    assert "tensorflow" not in sys.modules, arguments
"""
    environment = {**os.environ, "TWO_MINDS_RUNS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "cats-dogs-effnet"], "There is no recipe 'cats-dogs-effnet'. Did you mean cats-dogs-effnet-"),
        (["run", "cats-dogs-effnet-adam", "--set", "optimizer.rate=1"], "There is no setting 'optimizer.rate'"),
        (["run", "cats-dogs-effnet-adam", "--data-dir", "."], "PetImages/Cat/0.jpg"),
        (["search", "cats-dogs-effnet-adam-seed2"], "has no search"),
        (["evaluate", "cats-dogs-effnet-none", "--data-dir", "."], "There is no model of that name"),
        (["ship", "nothing"], "not finished"),
        (["run", "cats-dogs-effnet-adam", "--smoke", "--devices", "2"], "--devices can be 1 to 1 here"),
        (["run", "--card", "card.json"], "missing"),
    ],
)
def test_refusals_are_one_sentence(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TWO_MINDS_DATA", raising=False)
    monkeypatch.setenv("TWO_MINDS_RUNS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    assert main() == 2
    assert message in capsys.readouterr().err


def test_a_refusal_is_all_that_the_command_says(tmp_path):
    text = output(command("run", "cats-dogs-effnet", runs=tmp_path), code=2)
    assert text.startswith("There is no recipe 'cats-dogs-effnet'.")
    assert text.count("\n") == 1
