"""The command line, whole: one smoke training, killed in the middle and taken up again; and its refusals."""

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
from training.models.imagenet_weights import WeightsError, lite_file
from training.recipe import all_recipes

ROOT = Path(__file__).parents[1]
KILLED = "cats-dogs-effnet-adam"
# with the killed one, a recipe of each family; the others are slow
QUICK = {"cats-dogs-vgg16-high", "cifar100-ladder-lenet"}


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


def needs_weights(recipe):
    if recipe.model.weights == "imagenet" and "lite" in recipe.model.name:
        try:
            lite_file(recipe.model.name.partition("-")[2])
        except WeightsError as error:
            pytest.skip(str(error))


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


@pytest.mark.smoke
@pytest.mark.timeout(1200)
def test_a_killed_smoke_training_goes_on_and_ends_in_a_card_and_a_loadable_checkpoint(tmp_path):
    recipe_id = KILLED
    needs_weights(all_recipes()[recipe_id])
    folder = tmp_path / f"{recipe_id}-smoke"
    process = command("run", recipe_id, "--smoke", "--save-every", "0", runs=tmp_path)
    while not (folder / "state.npz").exists() and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, process.stdout.read()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with np.load(folder / "state.npz") as state:
        step = json.loads(bytes(state["meta"]))["step"]
    assert 0 < step < 12
    text = output(command("run", recipe_id, "--smoke", runs=tmp_path))
    assert f"going on at step {step} of 12" in text
    assert "accuracy" in text
    card = check_run(folder, recipe_id)
    checkpoint_folder = tmp_path / "weights"
    checkpoint_folder.mkdir()
    (checkpoint_folder / recipe_id).symlink_to(folder)
    checkpoint = checkpoints.load(recipe_id, checkpoint_folder)
    picture = np.full((50, 80, 3), 128, np.uint8)
    assert checkpoint.predict([picture]).shape == (1, 2)
    assert checkpoint.predict([picture]).sum() == pytest.approx(1)
    assert card["classes"] == ["Cat", "Dog"]
    assert "smoke run" in output(command("ship", folder.name, runs=tmp_path), code=2)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "recipe_id",
    [
        pytest.param(recipe_id, marks=pytest.mark.smoke if recipe_id in QUICK else pytest.mark.slow)
        for recipe_id in all_recipes()
    ],
)
def test_every_recipe_runs_as_a_smoke_training(recipe_id, tmp_path):
    needs_weights(all_recipes()[recipe_id])
    output(command("run", recipe_id, "--smoke", runs=tmp_path))
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
    ],
)
def test_refusals_are_one_sentence(arguments, message, tmp_path):
    text = output(command(*arguments, runs=tmp_path), code=2)
    assert message in text
    assert "Traceback" not in text
