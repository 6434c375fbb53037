"""Where models of one's own differ on a folder: what comes first, what survives a kill, what strangers get."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from explain.cards import Card, Digests
from explain.measures import divergence
from page.errors import PageError
from page.service import Refused, Service
from page.survey import BATCH, COLUMNS, LISTS, PAGE, Survey
from page.texts import PageTexts

PETS = ("Cat", "Dog")


class Model:
    """Says by how red a picture is that it is of the first class; `sure` of 1 keeps to that, of 0 to the others."""

    def __init__(self, name, classes=PETS, sure=1.0, size=8):
        self.card = Card(
            model_id=name,
            title=name,
            description="",
            classes=classes,
            input_size=(size, size),
            digests=Digests(model=f"{name}{sure}"),
        )
        self.model_id, self.classes, self.input_size, self.sure, self.calls = name, classes, (size, size), sure, 0

    def predict(self, pictures):
        self.calls += 1
        red = np.array([picture[..., 0].mean() / 255 for picture in pictures(self.input_size)])
        first = self.sure * red + (1 - self.sure) * (1 - red)
        rest = np.tile((1 - first)[:, None] / (len(self.classes) - 1), len(self.classes) - 1)
        return np.concatenate([first[:, None], rest], 1).astype(np.float32)


REDS = {"cat/a.png": 240, "cat/b.png": 140, "dog/a.png": 10, "dog/deep/b.jpg": 110, "other/c.webp": 200}


@pytest.fixture
def folder(tmp_path):
    for name, red in REDS.items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((12, 16, 3), np.uint8)
        pixels[..., 0] = red
        Image.fromarray(pixels).save(path)
    (tmp_path / "pets" / "cat" / "broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "pets" / ".hidden").mkdir()
    (tmp_path / "pets" / ".hidden" / "a.png").write_bytes(b"")
    (tmp_path / "pets" / "loose.png").write_bytes((tmp_path / "pets" / "cat" / "a.png").read_bytes())
    return tmp_path / "pets"


def surveyed(folder, *models, runs=10**6, cache="cache"):
    """A survey that has run until it was told to end."""
    survey = Survey(models, folder, cache=folder.parent / cache)
    left = iter(range(runs))
    survey.run(lambda: next(left, None) is not None)
    return survey


def names(survey, name="all"):
    return [row["identity"] for row in survey.answer("listed", {"list": name, "from": 0})["rows"]]


def test_disagreements_come_first_then_the_largest_differences(folder):
    survey = surveyed(folder, Model("a"), Model("b", sure=0.6))
    answer = survey.answer("listed", {})
    assert answer["progress"]["finished"]
    assert answer["progress"]["text"] == "All 6 pictures have been looked at; 1 of them cannot be read."
    assert answer["counts"] == {"all": 5, "disagree": 0}
    rows = [row["identity"] for row in answer["rows"]]
    differences = [float(row["agreement"]) for row in answer["rows"]]
    assert differences == sorted(differences, reverse=True)
    assert set(rows[:2]) == {"dog/a.png", "cat/a.png"}  # the farthest from the middle
    against = surveyed(folder, Model("a"), Model("b", sure=0.45))
    assert names(against, "disagree") == names(against)[: against.answer("listed", {})["counts"]["disagree"]]
    assert against.answer("listed", {})["counts"]["disagree"] == 5
    told = next(row for row in against.answer("listed", {})["rows"] if row["identity"] == "cat/a.png")
    assert (told["truth"], [side["right"] for side in told["sides"]]) == ("cat", [True, False])  # "Cat" is its class
    other = next(row for row in against.answer("listed", {})["rows"] if row["identity"] == "other/c.webp")
    assert [side["right"] for side in other["sides"]] == [None, None]


def test_the_difference_is_the_divergence_of_the_probabilities(folder):
    models = Model("a"), Model("b", sure=0.6), Model("c", sure=0.1)
    survey = surveyed(folder, *models)
    for looked in survey.order():
        red = REDS[looked.picture]
        if looked.picture.endswith((".jpg", ".webp")):
            continue
        first = [model.sure * red / 255 + (1 - model.sure) * (1 - red / 255) for model in models]
        assert looked.difference == pytest.approx(divergence(*(np.array([p, 1 - p]) for p in first)), abs=1e-5)


def test_of_different_classes_the_label_is_held_against_those_that_know_it(folder):
    survey = surveyed(folder, Model("a"), Model("b", ("Thing", "cat", "Cow"), 0.9))
    looked = {each.picture: each for each in survey.order()}
    assert survey.disagree(looked["cat/a.png"])  # one says cat, the other says thing
    assert looked["cat/a.png"].difference == pytest.approx(240 / 255 - (1 - (0.9 * 240 + 0.1 * 15) / 255) / 2, abs=1e-4)
    assert not survey.disagree(looked["dog/a.png"])  # which one alone knows
    assert looked["dog/a.png"].difference is None
    assert not survey.disagree(looked["other/c.webp"])
    assert names(survey)[0] == "cat/a.png"
    assert "know different classes" in survey.catalog()["about"]
    assert survey.answer("listed", {})["rows"][-1]["agreement"] == ""


def test_what_was_looked_at_is_not_looked_at_again(folder, monkeypatch):
    monkeypatch.setattr("page.survey.BATCH", 2)
    first = Model("a"), Model("b", sure=0.4)
    part = surveyed(folder, *first, runs=1)
    assert part.answer("listed", {})["progress"]["done"] == 2
    assert "about" in part.answer("listed", {})["progress"]["text"]
    (path,) = (folder.parent / "cache").iterdir()
    with open(path, "a") as file:
        file.write('["cat/a.png", 1, 2, [[0, 0.')  # killed in the middle of a line
    again = Model("a"), Model("b", sure=0.4)
    whole = surveyed(folder, *again)
    assert whole.answer("listed", {})["progress"]["finished"]
    assert again[0].calls == 2  # of three batches of two
    direct = surveyed(folder, Model("a"), Model("b", sure=0.4), cache="other")
    assert whole.order() == direct.order()
    third = Model("a"), Model("b", sure=0.4)
    assert surveyed(folder, *third).order() == direct.order()
    assert third[0].calls == 0
    # another model, or a picture that has changed, is looked at
    assert surveyed(folder, Model("a"), Model("b", sure=0.3)).order() != direct.order()
    Image.fromarray(np.full((9, 9, 3), 255, np.uint8)).save(folder / "cat" / "a.png")
    fourth = Model("a"), Model("b", sure=0.4)
    surveyed(folder, *fourth)
    assert fourth[0].calls == 1


def test_where_nothing_can_be_kept_it_goes_on_all_the_same(folder, caplog):
    (folder.parent / "cache").write_text("a file where the folder would be")
    survey = surveyed(folder, Model("a"), Model("b"))
    assert survey.answer("listed", {})["progress"]["finished"]
    assert "cannot be kept" in caplog.text


def test_the_csv_has_a_row_for_each_picture_and_model(folder):
    survey = surveyed(folder, Model("a"), Model("b", sure=0.45))
    answer = survey.answer("table", {})
    assert answer["name"] == "a--b.csv"
    rows = list(csv.DictReader(io.StringIO(answer["csv"], newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["picture"] for row in rows[::2]] == names(survey)
    row = next(row for row in rows if row["picture"] == "cat/a.png" and row["model"] == "b")
    assert (row["label"], row["says"], row["right"], row["disagree"]) == ("cat", "Dog", "0", "1")
    assert float(row["label_share"]) == pytest.approx(0.45 * 240 / 255 + 0.55 * 15 / 255, abs=1e-4)


ODD = [None, {}, [], 7, "x", {"list": "nothing"}, {"list": ["all"]}, {"from": -1}, {"from": 99}, {"from": True}]
ODD += [{"from": "0"}, {"identities": "cat/a.png"}, {"identities": ["cat/a.png"] * (PAGE + 1)}]
ODD += [
    {"identities": [name]} for name in ("../cat/a.png", "loose.png", "cat/notes.txt", ".hidden/a.png", None, 3, [], "")
]


def test_strangers_get_what_is_listed_and_nothing_else(folder, caplog):
    survey = surveyed(folder, Model("a"), Model("b"))
    good = {"listed": ({}, {"list": LISTS[1]}), "thumbnails": ({"identities": ["cat/a.png"]},)}
    for name, asked in good.items():
        assert all("kind" not in survey.answer(name, each) for each in asked)
    for name in Survey.names:
        for asked in ODD:
            answer = survey.answer(name, asked)
            assert json.dumps(answer)
            assert answer.get("code", "evidence_unknown") == "evidence_unknown"
            assert str(folder) not in json.dumps(answer)
    assert caplog.text == ""
    broken = survey.answer("thumbnails", {"identities": ["cat/broken.png"]})["thumbnails"]["cat/broken.png"]
    assert broken == {"sentence": "This file cannot be read."}
    assert [function.__name__ for function in survey.served()] == list(Survey.names)


def test_compare_opens_a_picture_of_the_folder(folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    service = Service(opened=[Model("a"), Model("b", ("cat", "other"))], data=folder)
    assert service.example("cat/a.png").pixels.shape == (12, 16, 3)
    assert service.shows("cat/a.png") == "Cat"  # as the first that knows it spells it
    assert service.shows("other/c.webp") == "other"
    for name in ("cat/none.png", "../pets/cat/a.png", "loose.png", "/etc/passwd"):
        with pytest.raises(Refused):
            service.example(name)
        assert service.shows(name) == "?"
    assert service.example("cat-yarn").pixels.ndim == 3
    assert Service(opened=[Model("a"), Model("b")]).survey is None


def test_a_folder_without_labelled_pictures_is_said_to_be_so(folder):
    for path, code in ((folder / "none", "survey_no_folder"), (folder / "cat", "survey_no_pictures")):
        with pytest.raises(PageError) as error:
            Survey((Model("a"), Model("b")), path, PageTexts())
        assert error.value.code == code
        assert path.name in str(error.value)


def test_it_stands_back_while_somebody_asks(folder):
    survey = Survey((Model("a"), Model("b")), folder, cache=folder.parent / "cache")
    asked = []
    survey.run(lambda: asked.append(None) or False)
    assert len(asked) == 1
    assert survey.answer("listed", {})["progress"]["done"] == 0
    assert survey.answer("listed", {})["progress"]["text"] == "0 of 6 pictures looked at"
    assert BATCH <= 16  # between two looks
