"""python -m explain: folders of pictures, killed and gone on, broken ones listed, what cannot be done said."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from explain import RULES, compare, open_model, read
from explain.__main__ import _Bar, listed, main, parser
from explain.saving import MANIFEST, digest
from explain.tables import COMPARISON_COLUMNS, MAP_COLUMNS, comparison_rows, map_rows

ROOT = Path(__file__).parents[1]
MANY = 60


def nested(seed, units=3):
    """A model of another origin: a prepared backbone in a Sequential."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((16, 16, 3))
    y = layers.Rescaling(1 / 255)(x)
    for channels in (4, 6):
        y = layers.Conv2D(channels, 3, activation="relu", name=f"conv{channels}")(y)
    backbone = keras.Model(x, y, name="backbone")
    end = [layers.GlobalAveragePooling2D(), layers.Dense(units, activation="softmax")]
    return keras.Sequential([keras.Input((16, 16, 3)), backbone, *end])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two models, `MANY` pictures in folders, names of the classes."""
    folder = tmp_path_factory.mktemp("command")
    for seed, name in enumerate(("A", "B")):
        nested(seed).save(folder / f"{name}.keras")
    random = np.random.default_rng(0)
    for number in range(MANY):
        path = folder / "pictures" / ("sub" if number % 2 else "") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    (folder / "few").mkdir()
    for number in (1, 2):
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(folder / "few" / f"{number}.png")
    (folder / "names.txt").write_text("first\nsecond, too\nthird\n")
    return folder


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def times(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob(MANIFEST)}


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(folder, tmp_path):
    out = tmp_path / "out"
    command = [str(folder / "pictures"), "--model", str(folder / "A.keras"), "--out", str(out), "--csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "explain", *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while len(times(out)) < 5:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = times(out)
    assert 5 <= len(before) < MANY
    assert not (out / "maps.csv").exists()
    assert main(command) == 0
    after = times(out)
    assert len(after) == MANY
    assert {path: after[path] for path in before} == before
    assert not list(out.rglob(".*"))
    for path in after:
        manifest = json.loads(path.read_text())
        assert all(digest(path.parent / file["name"]) == file["sha256"] for file in manifest["files"])
    opened = open_model(folder / "A.keras")
    paths = sorted((folder / "pictures").rglob("*.png"))
    expected = []
    for path in (paths[0], paths[-1]):
        name = str(path.relative_to(folder / "pictures"))
        expected += map_rows(opened.explain(read(path)), [name])
    rows = rows_of(out / "maps.csv")
    assert len(rows) == 2 * MANY
    assert tuple(rows[0]) == MAP_COLUMNS
    assert rows[:2] + rows[-2:] == expected
    assert main(command) == 0
    assert times(out) == after


def test_two_models_are_compared(folder, tmp_path):
    out = tmp_path / "out"
    models = [str(folder / "A.keras"), str(folder / "B.keras")]
    command = [str(folder / "few"), "--model", *models, "--out", str(out), "--csv"]
    command += [
        "--html",
        "--rule",
        "gradcam",
        "gradient",
        "--classes",
        str(folder / "names.txt"),
        "--target",
        "second, too",
    ]
    assert main(command) == 0
    opened = [open_model(path, folder / "names.txt") for path in models]
    explanations = [
        model.explain(read(folder / "few" / "1.png"), "second, too", ["gradcam", "gradient"]) for model in opened
    ]
    expected = comparison_rows(compare(*explanations), picture="1.png")
    assert len(expected) == 2 * 2
    rows = rows_of(out / "comparison.csv")
    assert tuple(rows[0]) == COMPARISON_COLUMNS
    assert rows[: len(expected)] == expected
    assert {row["target"] for row in rows} == {"second, too"}
    maps = rows_of(out / "maps.csv")
    assert [row["model"] for row in maps[:6]] == ["a"] * 3 + ["b"] * 3
    assert {(row["rule"], row["layer"]) for row in maps} >= {("gradient", ""), ("gradcam", "backbone/conv6")}
    picture = out / "1.png"
    assert {path.name for path in picture.iterdir()} == {"a", "b", "comparison-gradcam", MANIFEST}
    together = json.loads((picture / "comparison-gradcam" / MANIFEST).read_text())
    assert [model["model"]["model_id"] for model in together["models"]] == ["a", "b"]
    assert Image.open(picture / "comparison-gradcam" / "comparison.png").width > 3 * 16
    page = (picture / "comparison-gradcam" / "comparison.html").read_text()
    kept = json.loads(re.search(r'<script[^>]*id="kept"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert [model["id"] for model in kept["message"]["models"]] == ["a", "b"]
    assert kept["message"]["picture"]["width"] == 30  # as it was read, not as a model sees it
    assert kept["message"]["target"]["asked"] == "second, too"
    with np.load(picture / "comparison-gradcam" / "comparison.npz") as raw:
        assert raw["ranks"].shape == (2, 2)


def test_broken_pictures_are_listed_and_not_fatal(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(b"\xff\xd8\xff")
    (pictures / "b.png").write_bytes((folder / "few" / "1.png").read_bytes())
    (pictures / "c.webp").write_bytes(b"")
    (pictures / "notes.txt").write_text("no picture, and not named as one")
    out = tmp_path / "out"
    command = [str(pictures), "--model", str(folder / "A.keras"), "--out", str(out), "--csv"]
    assert main(command) == 1
    told = capsys.readouterr()
    assert "1 made" in told.out
    problems = told.err.strip().splitlines()[-3:]
    assert [line.split(":")[0] for line in problems[:2]] == [str(pictures / "a.jpg"), str(pictures / "c.webp")]
    assert problems[2] == "2 of 3 could not be read."
    assert {row["picture"] for row in rows_of(out / "maps.csv")} == {"b.png"}
    # mended, it is made; changed, it is made anew
    (pictures / "c.webp").write_bytes((folder / "few" / "2.png").read_bytes())
    (pictures / "b.png").write_bytes((folder / "few" / "2.png").read_bytes())
    assert main(command) == 1
    assert "2 made" in capsys.readouterr().out


def test_other_settings_are_not_mixed_in(folder, tmp_path, capsys):
    out = tmp_path / "out"
    command = [str(folder / "few"), "--model", str(folder / "A.keras"), "--out", str(out)]
    assert main(command) == 0
    before = times(out)
    assert main([*command, "--rule", "layercam", "--layers", "last"]) == 2
    assert "made otherwise (rules, layers)" in capsys.readouterr().err
    assert times(out) == before
    assert main([*command, "--rule", "layercam", "--fresh"]) == 0
    assert (out / "1.png" / "layercam-0.png").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--rule", "gradcan"], "There is no rule 'gradcan'. Nearest: gradcam"),
        (["--target", "fourth"], "There is no class 'fourth'"),
        (["--target", "7"], "The target 7 does not exist"),
        (["--layers", "conv9"], "conv9"),
        (["--set", "rise.masks=2"], "of a rule asked for"),
        (["--rule", "rise", "--set", "rise.mask=2"], "no parameter 'mask'"),
        (["--rule", "rise", "--set", "rise.masks=many"], "of another kind, 1000"),
        (["--preprocess", "none", "unit"], "--preprocess is given once, or once for each of 1"),
        (["--size", "20x20"], "16 x 16 pixels alone, not 20 x 20"),
        (["--head", "logits"], "leave out head"),
        (["--classes", "nowhere.txt"], "class names for a cannot be read"),
        (["--html"], "--html writes a comparison"),
        (["missing.jpg"], "There is no missing.jpg."),
    ],
)
def test_what_cannot_be_done_is_said(more, sentence, folder, tmp_path, capsys):
    assert main([str(folder / "few"), *more, "--model", str(folder / "A.keras"), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert sentence in told[-1]
    assert not any("Traceback" in line for line in told)


def test_models_of_different_classes_each_explain_their_own_answer(folder, tmp_path, capsys):
    nested(0, units=2).save(tmp_path / "C.keras")
    (tmp_path / "two.json").write_text('["second, too", "other"]')
    command = [str(folder / "few" / "1.png"), "--model", str(folder / "A.keras"), str(tmp_path / "C.keras"), "--csv"]
    names = ["--classes", str(folder / "names.txt"), str(tmp_path / "two.json")]
    assert main([*command, *names, "--html", "--out", str(tmp_path / "own")]) == 0
    rows = rows_of(tmp_path / "own" / "comparison.csv")
    assert {row["says"] for row in rows if row["model"] == "c"} < {"second, too", "other"}
    assert main([*command, *names, "--target", "second, too", "--out", str(tmp_path / "shared")]) == 0
    rows = rows_of(tmp_path / "shared" / "comparison.csv")
    assert {row["target"] for row in rows} == {"second, too"}
    assert all(row["rank"] for row in rows if row["model"] == "c")
    assert main([*command, "--classes", str(folder / "names.txt"), "numbers", "--out", str(tmp_path / "numbers")]) == 0
    rows = rows_of(tmp_path / "numbers" / "comparison.csv")
    assert {row["target"] for row in rows if row["model"] == "c"} < {"0", "1"}
    assert not any(row["rank"] for row in rows)
    capsys.readouterr()
    assert main([*command, "--target", "common", "--out", str(tmp_path / "common")]) == 2
    assert "different classes" in capsys.readouterr().err
    assert main([*command, *names, "--target", "first", "--out", str(tmp_path / "first")]) == 2
    assert "There is no class 'first'" in capsys.readouterr().err


def test_models_that_are_not_there(folder, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main([str(folder / "few"), "--model", str(tmp_path / "D.keras"), *out]) == 2
    assert "no file d.keras" in capsys.readouterr().err


def test_names_of_pictures_are_their_own(tmp_path):
    for name in ("a/cat.jpg", "b/cat.jpg", "a/.hidden/cat.jpg", "a/maps.csv/x.PNG", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    sources = listed([tmp_path / "a", tmp_path / "b", tmp_path / "b" / "cat.jpg"])
    assert [name for name, _ in sources] == ["cat.jpg", "maps.csv/x.PNG", "cat.jpg-2"]


def test_the_help_comes_from_the_registry():
    told = parser().format_help()
    for name, rule in RULES.items():
        assert f"  {name} " in told
        assert rule.title in told


def test_the_help_needs_no_tensorflow():
    script = (
        "import sys; from explain.__main__ import parser; parser().format_help(); print('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True).stdout == "False\n"


def test_progress_tells_the_time_left(monkeypatch):
    import io

    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with _Bar(5, stream) as bar:
        for seconds in (60, 20, 20, 20):  # the first traces
            now[0] += seconds
            bar.done()
        now[0] += 10
        bar.part(1, 2)(0, 4)
        now[0] += 10
        bar.done()
    assert stream.getvalue().splitlines() == [
        "1 of 5 pictures",
        "2 of 5 pictures, 1:00 left",
        "3 of 5 pictures, 0:40 left",
        "4 of 5 pictures, 0:20 left",
        "4 of 5 pictures, 0:10 left",
        "5 of 5 pictures",
    ]
