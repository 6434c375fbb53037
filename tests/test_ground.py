"""The promises of the clone itself: requirement files, rooms, scripts, examples."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from explain.cards import Card
from page.evidence import LISTS, PLOTS, Findings
from study import claims, recipes
from study.experiments import read_experiments
from study.store import Store, same_recipe
from study.texts.en import TEXTS

ROOT = Path(__file__).parent.parent


def requirements(name: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def names(lines: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", line)[0] for line in lines} - {"tensorflow", "tensorflow-cpu"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-training.txt", "requirements-test.txt"])
def test_every_requirement_is_pinned(name):
    assert [line for line in requirements(name) if "==" not in line] == []


def test_gpu_requirements_name_the_same_packages():
    assert names(requirements("requirements-gpu.txt")) == names(requirements("requirements.txt"))


# What a room may import of the others, at any place of a module: a module, and all that lies in it. No cycles.
ROOMS = {
    "explain": (),
    "training": ("explain",),
    "study": ("explain", "training.data", "training.recipe"),  # of recipes what a setting's default is, to tell seeds
    "page": (
        "explain",
        "study.experiments",
        "study.files",
        "study.store",
        "study.texts",
        "training.data",
    ),
}


def imported(path: Path) -> set[str]:
    """What a file imports, by full names: `from a import b` is a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parent.parts[: 1 - node.level or None]) if node.level else ""
            names |= {".".join(filter(None, (package, node.module, alias.name))) for alias in node.names}
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_more_of_the_others_than_it_may(room):
    paths = sorted((ROOT / room).rglob("*.py"))
    assert paths
    for path in paths:
        others = {name for name in imported(path) if name.split(".")[0] in ROOMS.keys() - {room}}
        beyond = {name for name in others if not f"{name}.".startswith(tuple(f"{part}." for part in ROOMS[room]))}
        assert not beyond, path


def test_what_the_page_reads_evidence_by_needs_neither_tensorflow_nor_gradio():
    code = f"import sys, {', '.join(ROOMS['page'][1:5])}\nprint({{'tensorflow', 'gradio', 'scipy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def test_every_example_has_its_source_and_licence():
    rows = re.findall(r"^\| (\S+\.jpg) \|", (ROOT / "examples/README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in (ROOT / "examples").glob("*.jpg"))


CARDS = sorted((ROOT / "weights").glob("*/card.json"))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_the_readme_says_what_the_cards_say(path):
    card = json.loads(path.read_text())
    test = card["splits"]["test"]
    low, high = test["accuracy_interval"]
    row = f"| `{path.parent.name}` | {test['accuracy']:.2%} ({low:.2%} to {high:.2%}) | {test['log_loss']:.3f} |"
    assert row.replace("%", " %") in (ROOT / "README.md").read_text()


STORE = Store(ROOT / "evidence")


@pytest.mark.parametrize("model_id", STORE.models())
def test_measures_are_of_the_shipped_checkpoints_over_enough_pictures(model_id):
    measures = STORE.measures(model_id)
    if (path := ROOT / "weights" / model_id / "card.json").exists():
        card = json.loads(path.read_text())
        assert card["digests"]["model"] == measures["model"]
        assert same_recipe(card["recipe"], measures["recipe"])
    assert measures["n"] >= 1000
    if model_id.startswith("cats-dogs-"):
        assert measures["heads"]["n"] >= 300


@pytest.mark.parametrize("pair", STORE.pairs(), ids="--".join)
def test_comparisons_are_of_the_measured_trainings(pair):
    comparison = STORE.comparison(*pair)
    for side, model_id in zip(("left", "right"), pair, strict=True):
        measured = STORE.measures(model_id)
        assert (comparison[side]["id"], comparison[side]["model"]) == (model_id, measured["model"])
        assert comparison["pictures"] == measured["pictures"]


# Of two models each, and offered: an experiment may be listed before its checkpoints are there
PAIRS = [
    experiment
    for experiment in read_experiments(ROOT / "weights/experiments.json", [path.parent.name for path in CARDS])
    if len(experiment.models) == 2
]


def test_every_experiment_s_comparison_is_shipped():
    assert {"sgd-adam", "high-low"} <= {experiment.id for experiment in PAIRS}
    assert {experiment.models for experiment in PAIRS} <= set(STORE.pairs())


# by the id's beginning: accuracy and top 5, from and to; the originals' best are 0.9505, 0.67, 0.7206, 0.7695, 0.8199
LEAST = {
    "cats-dogs-effnet": (0.985, 1, 1),
    "cats-dogs-vgg16-high": (0.9505, 1, 1),
    "cats-dogs-vgg16-low": (0.3, 0.7, 1),
    "cifar100-cnn": (0.74, 1, 0.93),
    "cifar100-effnet-frozen": (0.7206, 1, 0.93),
    "cifar100-effnet": (0.83, 1, 0.965),
    "cifar100-ensemble": (0.855, 1, 0.965),
    "scaling": (0.75, 1, 1),
}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_the_checkpoints_are_as_accurate_as_they_must_be(path):
    low, high, top_5 = next(ends for start, ends in LEAST.items() if path.parent.name.startswith(start))
    card = json.loads(path.read_text())
    test = card["splits"]["test"]
    assert test["n"] == (10_000 if len(card["classes"]) == 100 else 4000)
    assert low <= test["accuracy"] <= high
    assert test.get("top_5", 1) >= top_5


@pytest.fixture(scope="module")
def shipped() -> Findings:
    cards = {path.parent.name: Card.read(path.parent) for path in CARDS}
    return Findings(ROOT / "weights", ROOT / "evidence", cards, PAIRS)


@pytest.mark.parametrize("experiment_id", [experiment.id for experiment in PAIRS])
def test_every_experiment_is_shipped_with_all_of_its_evidence(shipped, experiment_id):
    answer = shipped.pair({"experiment": experiment_id})
    pets = all(model_id.startswith("cats-dogs-") for model_id in shipped.experiments[experiment_id].models)
    plots = [plot for plot in PLOTS if pets or plot != "heads"]  # that only animals have
    assert [entry["name"] for entry in answer["plots"]] == plots
    assert (answer["missing"], answer["commands"], answer["no_lists"]) == ([], [], "")
    assert {entry["name"] for entry in answer["lists"]} == set(LISTS)
    for plot in plots:
        assert shipped.table({"experiment": experiment_id, "plot": plot})["csv"].count("\n") > 1


def test_the_shipped_claims_are_judged_by_the_shipped_evidence(shipped):
    judged = [claims.judge(claim, STORE) for claim in claims.CLAIMS]
    assert json.loads(json.dumps(judged)) == STORE.claims()
    shown = [claim for group in shipped.claims() for claim in group["claims"]]
    words = {claim["id"]: TEXTS["evidence_verdicts"][claim["verdict"]] for claim in judged}
    assert {claim["id"]: claim["word"] for claim in shown} == words
    assert {claim["id"] for claim in shown if claim["svg"]} == {claim["id"] for claim in judged if claim["figure"]}


@pytest.mark.parametrize("pair", STORE.pairs(), ids="--".join)
def test_the_shipped_recipes_are_judged_by_the_shipped_evidence(pair):
    assert recipes.judge(STORE, *pair) == STORE.recipes(*pair)


def script(folder: Path, name: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs a script of a copied clone, with nothing but the named environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment
    command = ["bash", str(folder / "scripts" / name), "an argument", "--flag"]
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a space in its path, whose environment is made by a stand-in for Python."""
    folder = tmp_path / "a clone"
    (folder / "scripts").mkdir(parents=True)
    for name in ("run", "_environment"):
        (folder / "scripts" / name).write_bytes((ROOT / "scripts" / name).read_bytes())
    (folder / "requirements.txt").write_text("package==1\n")
    (folder / "python").write_text(
        f"""#!/bin/bash
        case "$1 $2 $3" in
          "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
          "-m pip install")
            echo "pip ${{*: -1}}" >> "{folder}/calls"
            echo "Collecting package"
            [ ! -e "{folder}/offline" ] || {{ echo "ERROR: no network"; exit 1; }}
            echo "Installing collected packages: package"
            [ ! -e "{folder}/killed" ] || kill -9 $$ ;;
          *app.py*) echo "app: $2, $3" ;;
        esac
        """
    )
    (folder / "python").chmod(0o755)
    return folder


def calls(clone: Path) -> int:
    return len((clone / "calls").read_text().splitlines()) if (clone / "calls").exists() else 0


def test_installs_once_then_only_what_changed(clone):
    python = str(clone / "python")
    first = script(clone, "run", PYTHON=python)
    assert (first.returncode, first.stdout) == (0, "app: an argument, --flag\n")
    assert calls(clone) == 1
    again = script(clone, "run")
    assert (again.returncode, again.stderr, calls(clone)) == (0, "", 1)
    (clone / "requirements.txt").write_text("package==2\n")
    assert script(clone, "run").returncode == 0
    assert calls(clone) == 2


def test_an_installation_without_network_fails_clearly_and_leaves_what_there_is(clone):
    script(clone, "run", PYTHON=str(clone / "python"))
    (clone / "requirements.txt").write_text("package==2\n")
    (clone / "offline").touch()
    (clone / ".venv" / "kept").touch()
    failed = script(clone, "run", PYTHON=str(clone / "python"))
    assert failed.returncode == 1
    assert "ERROR: no network" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("Installing failed")
    (clone / "offline").unlink()
    assert script(clone, "run").returncode == 0
    assert (clone / ".venv" / "kept").exists()


def test_an_installation_killed_half_way_starts_afresh(clone):
    (clone / "killed").touch()
    assert script(clone, "run", PYTHON=str(clone / "python")).returncode == 1
    (clone / "killed").unlink()
    (clone / ".venv" / "half").touch()
    again = script(clone, "run", PYTHON=str(clone / "python"))
    assert (again.returncode, again.stdout) == (0, "app: an argument, --flag\n")
    assert "interrupted" in again.stderr
    assert not (clone / ".venv" / "half").exists()


def test_without_a_fit_python_it_says_which_are(clone):
    missing = script(clone, "run", PYTHON="/nowhere/python")
    assert missing.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in missing.stderr
    assert "/nowhere/python" in missing.stderr
    assert not (clone / ".venv").exists()
