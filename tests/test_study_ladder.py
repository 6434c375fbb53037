"""`python -m study ladder`: the ladder's figures are kept without their weights."""

import csv
import json
import sys

import pytest

from page.evidence.ladder import told
from page.texts import PageTexts
from study import __main__ as command
from study.ladder import known
from study.store import Store


def finished(runs, recipe_id, accuracy=0.4, rows=10, **more) -> None:
    """A run folder with a card and a history, as `training run` leaves them."""
    folder = runs / recipe_id
    folder.mkdir(parents=True)
    figures = {
        "n": 10000,
        "accuracy": accuracy,
        "accuracy_interval": [round(accuracy - 0.01, 4), round(accuracy + 0.01, 4)],
    }
    card = {
        "id": recipe_id,
        "title": f"Ladder: {recipe_id.rpartition('-')[2]}",
        "description": "A step of the ladder on CIFAR-100, ten epochs: the same with shortcuts.",
        "classes": ["a", "b", "c"],
        "input": [32, 32],
        "parameters": 1234,
        "splits": {"test": figures | {"log_loss": 2.0, "f1": 0.4}, "validation": figures | {"n": 5000}},
        "seconds": 600,
        "hardware": "A processor",
        "revision": "abc",
        "recipe": {"stages": [[32, 10]]},
        "digests": {"model": "0" * 64},
    }
    (folder / "card.json").write_text(json.dumps(card | more))
    if rows:
        with open(folder / "history.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([["epoch", "val_accuracy"], *([k / 2, 0.1] for k in range(1, 2 * rows + 1))])


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    def call():
        folders = ["--runs-dir", str(tmp_path / "runs"), "--evidence", str(tmp_path / "evidence")]
        monkeypatch.setattr(sys, "argv", ["study", "ladder", *folders])
        code = command.main()
        printed = capsys.readouterr()
        return code, printed.err + printed.out

    call.runs, call.store = tmp_path / "runs", Store(tmp_path / "evidence")
    return call


FIRST, SECOND, *_, LAST = known()


def test_the_ladder_begins_with_the_plainest_and_ends_with_augmentation():
    assert (FIRST, LAST) == ("cifar100-ladder-simple", "cifar100-ladder-offline")


def test_finished_runs_are_read_in_the_recipes_order(run):
    finished(run.runs, LAST, 0.6)
    finished(run.runs, FIRST, 0.4, rows=7)
    code, said = run()
    assert code == 0, said
    first, last = run.store.ladder()
    assert first == {
        "id": FIRST,
        "title": "Ladder: simple",
        "adds": "the same with shortcuts",
        "test": {"n": 10000, "accuracy": 0.4, "accuracy_interval": [0.39, 0.41], "log_loss": 2.0},
        "validation": {"n": 5000, "accuracy": 0.4, "accuracy_interval": [0.39, 0.41], "log_loss": None},
        "parameters": 1234,
        "seconds": 600,
        "epochs": 7,
        "hardware": "A processor",
        "revision": "abc",
    }
    assert last["id"] == LAST
    assert f"The card of {SECOND} is missing." in said
    assert [step["title"] for step in told(run.store.ladder(), {}, lambda figures: None, PageTexts())] == [
        "Simple",
        "Offline",
    ]


def test_steps_of_earlier_runs_stay_and_are_replaced_by_new_ones(run):
    finished(run.runs, FIRST, 0.4)
    finished(run.runs, SECOND, 0.45)
    run()
    for path in (run.runs / FIRST / "card.json", run.runs / SECOND / "card.json"):
        path.unlink()
    finished(run.runs.parent / "new", SECOND, 0.5)
    (run.runs.parent / "new" / SECOND / "card.json").rename(run.runs / SECOND / "card.json")
    code, _ = run()
    assert code == 0
    assert [(step["id"], step["test"]["accuracy"]) for step in run.store.ladder()] == [(FIRST, 0.4), (SECOND, 0.5)]


def test_epochs_come_from_the_recipe_where_there_is_no_history(run):
    finished(run.runs, FIRST, rows=0)
    finished(run.runs, SECOND, rows=0, recipe=None)
    run()
    assert [step["epochs"] for step in run.store.ladder()] == [10, None]


@pytest.mark.parametrize("more", [{"smoke": True}, {"id": "other"}, {"splits": {}}, {"title": ""}, None])
def test_nothing_to_keep_is_one_sentence_and_writes_nothing(run, more):
    if more is not None:
        finished(run.runs, FIRST, **more)
    code, said = run()
    assert code == 2
    assert "There is no finished training of the ladder" in said
    assert not (run.store.folder / "ladder.json").exists()
