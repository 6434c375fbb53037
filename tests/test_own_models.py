"""Models of one's own behind the page: opened from files, answered like any others, and asked for what they lack."""

import re
import shutil
import sys

import keras
import numpy as np
import pytest
from judges import ROOT, colour_judge, picture
from PIL import Image
from test_command import nested

import app
from explain.models import open_model
from explain.pictures import Picture
from page.layout import about, catalog
from page.service import Service

RED = Picture(picture(red=200))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two judges of one make, one that knows three things, one with a Lambda, one whose preparation is not told."""
    folder = tmp_path_factory.mktemp("own")
    colour_judge(1, 4.0).save(folder / "Mild one.keras")
    colour_judge(2, 40.0).save(folder / "steep.h5")
    colour_judge(4, 4.0, 3).save(folder / "three.keras")
    (folder / "again").mkdir()
    colour_judge(3, 4.0).save(folder / "again" / "Mild one.keras")
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(2, 3)(keras.layers.Lambda(lambda x: x / 255, output_shape=(16, 16, 3))(image))
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(image, x).save(folder / "code.keras")
    (folder / "saved").mkdir()
    (folder / "saved" / "saved_model.pb").write_bytes(b"")
    (folder / "names.txt").write_text("Cat\nDog\n")
    (folder / "three.json").write_text('["Dog", "Red", "Other"]')
    return folder


def opened(folder, monkeypatch, *arguments):
    """What app.py makes of a command line whose words that name a file there are taken for it."""
    words = [str(folder / word) if (folder / word).exists() else word for word in arguments]
    monkeypatch.setattr(sys, "argv", ["app.py", *words])
    return app.parsed()


@pytest.fixture(scope="module")
def service(folder):
    models = [open_model(folder / "Mild one.keras", ["Cat", "Dog"]), open_model(folder / "steep.h5", ["Cat", "Dog"])]
    service = Service(opened=models)
    service.load()
    return service


def test_a_command_line_opens_models_as_they_are(folder, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    options = opened(
        folder, monkeypatch, "--models", "Mild one.keras", "again/Mild one.keras", "--classes", "names.txt"
    )
    first, second = options["opened"]
    assert (first.model_id, second.model_id) == ("mild-one", "mild-one-2")
    assert (first.card.title, second.card.title) == ("Mild one", "Mild one (2)")
    assert first.classes == second.classes == ("Cat", "Dog")
    assert options.keys() == {"opened", "proxies"}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_of_other_classes_names_are_given_one_by_one(folder, monkeypatch):
    options = opened(
        folder, monkeypatch, "--models", "steep.h5", "three.keras", "--classes", "numbers", "three.json", "--trust"
    )
    assert [model.classes for model in options["opened"]] == [("0", "1"), ("Dog", "Red", "Other")]


SENTENCES = {
    ("--models", "Mild one.keras", "code.keras"): "asks for code (keras.layers.Lambda)",
    ("--models", "Mild one.keras", "saved"): "saved is a SavedModel folder",
    ("--models", "Mild one.keras", "nowhere.keras"): "There is no file nowhere.keras",
    ("--models", "steep.h5", "three.keras", "--classes", "names.txt"): "three tells 3 classes apart, and 2 different",
    ("--models", "steep.h5", "three.keras", "--preprocess", *["tf"] * 3): "given once, or once for each of 2 models",
    ("--models", "steep.h5", "three.keras", "--size", "9x9"): "steep takes pictures of 48 x 48 pixels alone, not 9 x 9",
    ("--models", "steep.h5"): "--models takes 2 to 6 files",
    ("--models", "steep.h5", "three.keras", "--weights", "saved"): "--models and --weights do not go together",
    ("--classes", "names.txt"): "--classes speaks of models of your own: name them by --models",
}


@pytest.mark.parametrize("arguments", SENTENCES, ids=lambda words: " ".join(words)[9:40])
def test_what_does_not_open_is_said_in_one_sentence(arguments, folder, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        opened(folder, monkeypatch, *arguments)
    assert ended.value.code == 2
    assert SENTENCES[arguments] in capsys.readouterr().err


def test_code_runs_for_who_trusts_it(folder, monkeypatch):
    arguments = ("--models", "Mild one.keras", "code.keras", "--trust", "--preprocess", "none", "none")
    assert len(opened(folder, monkeypatch, *arguments)["opened"]) == 2


def test_the_page_shows_one_experiment_and_no_evidence(service):
    choices = catalog(service)
    assert [(each["id"], each["title"], each["models"]) for each in choices["experiments"]] == [
        ("yours", "Your models", ["mild-one", "steep"])
    ]
    assert [entry["id"] for entry in choices["models"]] == ["mild-one", "steep"]
    assert choices["examples"]
    assert choices["experiments"][0]["preview"]["cells"] == 1  # an example: nothing is drawn beforehand
    assert service.state()["loaded"] == ["mild-one", "steep"]
    assert service.rarely() == {}
    assert "Mild one" in about(service)
    assert "cats-dogs" not in about(service)


def test_an_answer_is_that_of_the_models(service):
    answer = service.answer(RED, ["mild-one", "steep"], target="common")
    direct = [model.explain(RED.pixels, rules="gradcam") for model in service.opened.values()]
    for told, explanation in zip(answer["models"], direct, strict=True):
        assert told["says"] == told["target"] == "Cat"
        assert told["layers"][-1]["map"]["max"] == pytest.approx(float(explanation.map().max()), rel=1e-4)
        assert told["yardstick"] is None or told["yardstick"]["luck"] == ""
    assert "at least" not in answer["stops"][0]["words"][0]["text"]  # how often they are right is not known


def test_an_id_of_ours_borrows_no_figures(folder):
    """A file may be called as a checkpoint of ours is."""
    name = "cats-dogs-effnet-sgd"
    nested(0, units=2).save(folder / f"{name}.keras")
    nested(1, units=2).save(folder / "cats-dogs-effnet-adam.keras")
    models = [open_model(folder / f"{each}.keras", ["Cat", "Dog"]) for each in (name, "cats-dogs-effnet-adam")]
    service = Service(opened=models)
    service._ready.set()
    answer = service.answer(RED, [model.model_id for model in models], shows="Cat")
    assert {model["accuracy"] for model in answer["models"]} == {""}
    assert "at least" not in answer["stops"][0]["words"][0]["text"]
    assert not answer["models"][1]["yardstick"]["luck"]
    assert service.rarely() == {}
    assert np.isfinite(answer["stops"][-1]["versus"][1]["rank"] or 0)


def test_the_three_lines_of_the_readme_run(folder, tmp_path, monkeypatch):
    (block,) = re.findall(r"^```python notebook\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for line in block.splitlines() if line]
    assert len(lines) == 3
    shutil.copy(folder / "three.keras", tmp_path / "A.keras")
    nested(0, units=2).save(tmp_path / "B.keras")
    Image.fromarray(RED.pixels).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    space: dict = {}
    exec("\n".join(lines[:-1]), space)
    comparison = eval(lines[-1], space)
    assert comparison.model_ids == ("a", "b")
    shown = comparison._repr_html_()
    assert shown.startswith("<iframe")
    assert "different classes" in shown  # three and two: each its own answer
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.keras", "B.keras", "photo.jpg"]
