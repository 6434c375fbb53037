"""Rows for CSV: what stands in them, worked out by hand, and that a result says and saves what it is."""

import csv
import doctest
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explain import compare, saving, tables
from explain.agreement import agreement
from explain.explanation import Cost, Explanation, Layer, Origin
from explain.saving import digest
from explain.tables import COMPARISON_COLUMNS, MAP_COLUMNS, comparison_rows, map_rows, to_csv


def explanation(model_id, maps, target=1, share=0.75):
    probabilities = np.array([[1 - share, share]], np.float32)
    maps = [np.array(rows, np.float32) for rows in maps]
    layers = tuple(
        Layer(f'conv "{place}", last', place / (len(maps) - 1), (*rows.shape, 4)) for place, rows in enumerate(maps)
    )
    return Explanation(
        pictures=np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3),
        probabilities=probabilities,
        scores=np.array([1.5], np.float32),
        targets=np.array([target]),
        classes=("a cat", "a dog, or none"),
        layers=layers,
        maps={"gradcam": {layer.address: rows[None] for layer, rows in zip(layers, maps, strict=True)}},
        attributions={"gradient": np.full((1, 8, 8), -2.0, np.float32)},
        cost={"gradcam": Cost(1, 1, 12.5, 1)},
        origin=Origin(model_id, "0" * 64),
    )


FIRST = explanation("first", [[[0, 4], [0, 0]], [[1, 1], [1, 1]]])
SECOND = explanation("second", [[[0, 1], [2, 3]], [[0, 0], [0, 1]]])
OTHER = explanation("other", [[[0, 1], [2, 3]], [[0, 0], [0, 1]]], target=0)


def test_rows_of_maps():
    rows = map_rows(FIRST, ["cat, 1.jpg"])
    common = {"target": "a dog, or none", "probability": "0.750000", "says": "a dog, or none", "score": "1.5"}
    first = {"picture": "cat, 1.jpg", "model": "first", "rule": "gradcam", "layer": 'conv "0", last'}
    first |= {"depth": "0.000000", "height": "2", "width": "2", **common, "maximum": "4", "concentration": "1.000000"}
    assert rows[0] == first
    assert rows[1]["concentration"] == "0.000000"
    last = {"rule": "gradient", "layer": "", "depth": "", "height": "8", "width": "8", "maximum": "-2"}
    assert rows[2] == {**first, **last, "concentration": ""}
    assert [tuple(row) for row in rows] == [MAP_COLUMNS] * 3
    with pytest.raises(ValueError, match="1 pictures need as many names, not 2"):
        map_rows(FIRST, ["one", "two"])


def test_rows_of_a_comparison():
    comparison = compare(FIRST, SECOND)
    bands = [{"rank": [0.1, 0.2, 0.3], "overlap": [0, 0, 0]}] * 2
    rows = comparison_rows(comparison, picture="cat.jpg", yardsticks=[None, {"bands": bands}])
    assert [(row["stop"], row["model"]) for row in rows] == [(s, m) for s in "12" for m in ("first", "second")]
    reference, other = rows[:2]
    assert [reference[name] for name in COMPARISON_COLUMNS[-6:]] == [""] * 6
    told = agreement(FIRST.map(FIRST.layers[0].address), SECOND.map(SECOND.layers[0].address))
    assert [other[name] for name in COMPARISON_COLUMNS[-6:]] == [
        *("first", f"{told.rank:.6f}", f"{told.overlap:.6f}", "0.100000", "0.200000", "0.300000")
    ]
    assert (other["maximum"], other["share"], other["layer"]) == ("3", "0.750000", 'conv "0", last')
    assert rows[3]["rank"] == ""  # the reference's map is the same everywhere


def test_of_different_classes_no_agreement_is_told():
    rows = comparison_rows(compare(FIRST, SECOND, OTHER))
    assert all(row["rank"] == "" == row["reference"] for row in rows if row["model"] == "other")
    assert {row["target"] for row in rows if row["model"] == "other"} == {"a cat"}
    assert all(row["reference"] == "first" for row in rows if row["model"] == "second")


def test_cells_survive_a_csv_file():
    text = "".join(to_csv(map_rows(FIRST, ['a "b"\n, c']), MAP_COLUMNS))
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == map_rows(FIRST, ['a "b"\n, c'])


def test_a_manifest_is_written_last_and_says_what_was_done(tmp_path):
    files = FIRST.save(tmp_path / "maps", about={"source": {"path": "cat.jpg"}})
    assert files[-1].name == saving.MANIFEST
    manifest = json.loads(files[-1].read_text())
    assert manifest["model"] == {"model_id": "first", "digest": "0" * 64}
    [picture] = manifest["pictures"]
    assert picture == {
        "size": [8, 8],
        "sha256": digest(FIRST.pictures.tobytes()),
        "target": 1,
        "name": "a dog, or none",
        "probability": 0.75,
        "score": 1.5,
    }
    assert manifest["rules"]["gradcam"] == {"forward": 1, "backward": 1, "milliseconds": 12.5, "batch": 1}
    assert manifest["source"] == {"path": "cat.jpg"}
    assert {"python", "keras", "numpy"} <= manifest["versions"].keys()
    assert any(name.startswith("tensorflow") for name in manifest["versions"])
    assert [file["name"] for file in manifest["files"]] == [file.name for file in files[:-1]]
    for file in manifest["files"]:
        path = tmp_path / "maps" / file["name"]
        assert (path.stat().st_size, digest(path)) == (file["bytes"], file["sha256"])


def test_a_folder_that_could_not_be_written_whole_has_no_manifest(tmp_path, monkeypatch):
    FIRST.save(tmp_path)

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        FIRST.save(tmp_path)
    assert not (tmp_path / saving.MANIFEST).exists()


def test_a_comparison_is_drawn_and_saved(tmp_path):
    comparison = compare(FIRST, SECOND)
    row = comparison.overlay(0)
    assert row.shape == (8, 3 * 8 + 2 * 2, 3)
    assert np.array_equal(row[:, :8], FIRST.overlay(FIRST.layers[0].address))
    assert np.array_equal(row[:, 10:18], SECOND.overlay(SECOND.layers[0].address))
    files = comparison.save(tmp_path)
    assert [file.name for file in files] == ["comparison.png", "comparison.csv", "comparison.npz", saving.MANIFEST]
    assert Image.open(files[0]).size[0] == 3 * 8 + 2 * 2
    with open(files[1], newline="") as file:
        assert list(csv.DictReader(file)) == comparison_rows(comparison)
    with np.load(files[2]) as raw:
        assert np.isnan(raw["ranks"][:, 0]).all()
        assert np.array_equal(raw["difference/0"], comparison.stops[0].versus[1].difference)
    manifest = json.loads(files[3].read_text())
    assert [model["model"]["model_id"] for model in manifest["models"]] == ["first", "second"]
    # of different classes there is no difference, and three models stand in a row
    assert compare(FIRST, OTHER).overlay().shape == (8, 2 * 8 + 2, 3)
    assert compare(FIRST, SECOND, OTHER).overlay().shape == (8, 3 * 8 + 2 * 2, 3)
    compare(FIRST, OTHER).save(tmp_path / "other")


def test_a_notebook_shows_every_rule_and_runs_nothing():
    text = replace(FIRST, classes=("<script>", "<b>"))._repr_html_()
    assert text.count("<img ") == 2
    assert text.count('src="data:image/png;base64,') == 2
    assert "&lt;b&gt; 75.0%" in text
    assert "<script" not in text
    many = replace(FIRST, **{name: np.repeat(getattr(FIRST, name), 9, 0) for name in ("pictures", "targets", "scores")})
    many = replace(many, probabilities=np.repeat(FIRST.probabilities, 9, 0), attributions={})
    many = replace(many, maps={"gradcam": {key: np.repeat(maps, 9, 0) for key, maps in FIRST.maps["gradcam"].items()}})
    assert many._repr_html_().count("<img ") == 3


def test_a_notebook_shows_a_comparison_by_the_pages_own_view(tmp_path, chromium):
    from playwright.sync_api import sync_playwright

    text = compare(FIRST, SECOND)._repr_html_()
    assert text.startswith("<iframe srcdoc=")
    (tmp_path / "notebook.html").write_text(f"<!doctype html><body>{text}", encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto((tmp_path / "notebook.html").as_uri())
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="first").first.wait_for(timeout=20000)
        assert frame.locator("canvas").count() >= 2
        assert problems == []
        browser.close()


@pytest.mark.parametrize("module", [tables, saving])
def test_examples(module):
    assert doctest.testmod(module).failed == 0
