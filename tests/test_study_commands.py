"""`python -m study`: what is measured is kept and reused, and comes out again."""

import json
import sys
from dataclasses import replace

import pytest
from judges import colour_judge, ship, unexplained

from study import __main__ as command
from study import measure
from study.store import Store

pytest_plugins = ["study_fixtures"]


@pytest.fixture
def run(dataset, tmp_path, monkeypatch, capsys):
    """Calls the command line over two small checkpoints and drawn pictures; returns exit code and what was printed."""
    weights = tmp_path / "weights"
    for model_id, seed in (("judge-mild", 1), ("judge-mild-seed2", 3)):
        ship(weights, model_id, model_id, colour_judge(seed, 4.0), tuple(dataset.classes))
        path = weights / model_id / "card.json"
        card = json.loads(path.read_text()) | {"dataset": {"name": dataset.name, "edition": dataset.edition}}
        card["digests"]["data"] = dataset.digest
        path.write_text(json.dumps(card))
    monkeypatch.setattr("training.data.load", lambda *arguments: dataset)
    monkeypatch.setattr("os.fsync", lambda file: None)

    def call(*arguments):
        folders = ["--weights", str(weights), "--evidence", str(tmp_path / "evidence")]
        if arguments[0] != "claims":
            folders += ["--runs-dir", str(tmp_path / "runs")]
        monkeypatch.setattr(sys, "argv", ["study", *arguments, *folders])
        code = command.main()
        printed = capsys.readouterr()
        return code, printed.err + printed.out

    call.store = Store(tmp_path / "evidence")
    call.weights = weights
    return call


PAIR = "judge-mild", "judge-mild-seed2"


def test_a_pair_of_measured_trainings_costs_no_pass_and_comes_out_again(run, marked, monkeypatch):
    heads = ("--heads-dir", str(marked.folder))
    code, said = run("measure", *PAIR, "--count", "6", *heads)
    assert code == 0
    assert run.store.models() == list(PAIR)
    assert run.store.pairs() == []
    with monkeypatch.context() as patch:
        patch.setattr(measure, "measure", None)  # whoever calls it fails
        code, said = run("compare", *PAIR, "--count", "6", *heads)
    assert code == 0, said
    assert run.store.pairs() == [PAIR]
    assert "The page shows it once" in said
    assert run.store.measures(PAIR[0])["heads"]["n"] == 5
    assert run.store.recipes(*PAIR) is None

    code, said = run("check", *heads)
    assert (code, said.splitlines()[-1]) == (0, "agrees")
    assert "greatest difference 0.000000" in said
    other = run.store.measures(PAIR[1])
    run.store.write_model(other | {"id": "elsewhere"}, run.store.model_pictures(PAIR[1]))
    other["measures"]["dead"]["all"]["mean"] += 0.01
    run.store.write_model(other, run.store.model_pictures(PAIR[1]))
    code, said = run("check", *heads)
    assert code == 1
    assert "elsewhere: rests on a checkpoint that is not here." in said
    assert "/measures/dead/all/mean) DIFFERS" in said
    assert run("check", PAIR[0], *heads)[0] == 0


def test_what_is_kept_in_part_or_of_other_layers_is_measured_again(run):
    assert run("measure", PAIR[0], "--count", "4")[0] == 0
    measures, folder = run.store.measures(PAIR[0]), run.store.folder / "models" / PAIR[0]
    (folder / "pictures.npz").unlink()
    assert run("compare", *PAIR, "--count", "4")[0] == 0
    assert (folder / "pictures.npz").exists()
    [layers] = (run.store.folder.parent / "runs").glob(f"cache/maps/{measures['model'][:16]}-*/layers.json")
    content = json.loads(layers.read_text())
    content["layers"].pop()
    layers.write_text(json.dumps(content))
    assert run("compare", *PAIR, "--count", "4")[0] == 0
    assert len(json.loads(layers.read_text())["layers"]) == len(measures["layers"])


def test_evidence_without_heads_agrees_when_heads_are_there(run, marked):
    assert run("compare", *PAIR, "--count", "4")[0] == 0
    code, said = run("check", "--heads-dir", str(marked.folder))
    assert (code, said.splitlines()[-1]) == (0, "agrees")


def test_of_other_classes_than_cat_and_dog_no_heads_are_measured_kept_or_checked(run, dataset, marked, monkeypatch):
    others = replace(dataset, classes=("Cow", "Horse"))
    monkeypatch.setattr("training.data.load", lambda *arguments: others)
    path = run.weights / PAIR[0] / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"classes": others.classes}))
    heads = ("--heads-dir", str(marked.folder))
    assert run("measure", PAIR[0], "--count", "4", *heads)[0] == 0
    measures, arrays = run.store.measures(PAIR[0]), run.store.model_pictures(PAIR[0])
    assert measures["heads"] is measures["areas"] is None
    with monkeypatch.context() as patch:
        patch.setattr(measure, "measure", None)  # whoever calls it fails
        assert run("measure", PAIR[0], "--count", "4", *heads)[0] == 0
    assert run("check", *heads)[1].splitlines()[-1] == "agrees"
    run.store.write_model(measures | {"heads": {"name": "five", "n": 5, "digest": marked.digest}}, arrays)
    assert run("measure", PAIR[0], "--count", "4", *heads)[0] == 0
    assert run.store.measures(PAIR[0]) == measures


def test_an_ensemble_is_refused_in_a_sentence(run):
    card = json.loads((run.weights / PAIR[0] / "card.json").read_text())
    (run.weights / "both").mkdir()
    (run.weights / "both" / "card.json").write_text(
        json.dumps(card | {"id": "both", "members": list(PAIR), "digests": {}})
    )
    for arguments in (("measure", "both"), ("compare", "both", PAIR[0])):
        code, said = run(*arguments)
        assert (code, said.splitlines()[-1]) == (2, "both is an ensemble; its members are measured one by one.")


def test_a_model_that_cannot_be_explained_is_refused_in_a_sentence(run, dataset):
    ship(run.weights, "odd", "Odd", unexplained()["head"], tuple(dataset.classes))
    path = run.weights / "odd" / "card.json"
    name = {"dataset": {"name": dataset.name, "edition": dataset.edition}}
    path.write_text(json.dumps(json.loads(path.read_text()) | name))
    code, said = run("measure", "odd", "--count", "4")
    assert code == 2
    assert "\nodd cannot be explained. The model ends in the operation " in said
    assert "Traceback" not in said
    assert run.store.models() == []


def test_less_replaces_more_only_when_forced(run):
    assert run("measure", PAIR[0], "--count", "6")[0] == 0
    code, said = run("measure", PAIR[0], "--count", "4")
    assert (code, run.store.measures(PAIR[0])["n"]) == (2, 6)
    assert "--force" in said
    assert run("measure", PAIR[0], "--count", "4", "--force")[0] == 0
    assert run.store.measures(PAIR[0])["n"] == 4


def test_what_cannot_be_done_is_said_in_a_sentence(run):
    for arguments in (("compare", PAIR[0], "nothing"), ("compare", PAIR[0]), ("compare", PAIR[0], PAIR[0])):
        code, said = run(*arguments)
        assert code == 2
        assert "Traceback" not in said
    assert run("claims")[0] == 0
    assert len(run.store.claims()) > 10


def test_another_edition_is_said_of_either_side(run):
    for model_id in PAIR:
        path = run.weights / model_id / "card.json"
        card = json.loads(path.read_text())
        card["digests"]["data"] = "0" * 64
        path.write_text(json.dumps(card))
        _, said = run("compare", *PAIR, "--count", "4")
        assert f"{model_id} was trained and tested on other files" in said
