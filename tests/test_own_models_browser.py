"""Models of one's own from one command: two networks that a script has saved, opened in Chromium."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from judges import ROOT, STARTING, Server, start, stop, wait_until
from PIL import Image
from playwright.sync_api import expect
from test_page_browser import Visit, browser  # noqa: F401  a fixture
from test_page_http import get, post

SAVE = """
import sys, keras
keras.utils.set_random_seed(1)
keras.applications.MobileNetV2(weights=None, classes=10, input_shape=(96, 96, 3), alpha=0.35).save(sys.argv[1])
keras.applications.MobileNetV3Small(weights=None).save(sys.argv[2])
"""
PHOTO = np.random.default_rng(3).integers(0, 256, (120, 160, 3), np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    """Ten classes that need their pictures prepared, a thousand that do not."""
    folder = tmp_path_factory.mktemp("own")
    paths = [str(folder / name) for name in ("Ten things.keras", "Thousand.keras")]
    subprocess.run([sys.executable, "-c", SAVE, *paths], check=True, capture_output=True, timeout=STARTING)
    return paths


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Labelled pictures: two folders of 8."""
    folder = tmp_path_factory.mktemp("data") / "pets"
    random = np.random.default_rng(5)
    for name in (f"{label}/{number}.png" for label in ("cat", "dog") for number in range(8)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (60, 80, 3), np.uint8)).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def server(files, data, tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        arguments = ("--preprocess", "tf", "none", "--size", "96x96", "--data-dir", str(data))
        server = start(folder, "--models", *files, *arguments)
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)


@pytest.mark.slow
def test_two_applications_that_a_script_saved_are_compared(browser, server):  # noqa: F811
    visit = Visit(browser, server.url)
    page = visit.page
    expect(page.locator(".tm-experiment strong").first).to_have_text("Your models")
    assert page.locator(".tm-experiment").count() == 1
    expect(page.locator("#tm-evidence-button")).to_have_count(0)
    expect(page.locator("[data-ref=lead]")).to_contain_text("10 classes, or 1000 classes")
    assert page.locator("[data-ref=also]").is_hidden()
    visit.give(PHOTO)
    assert [page.text_content(f"[data-ref=title-{place}]") for place in (0, 1)] == ["Ten things", "Thousand"]
    assert "different classes" in page.inner_text("[data-ref=words]")
    assert "disagree" not in page.inner_text("[data-ref=words]")
    expect(page.locator("[data-ref=rank]")).to_have_text("two different answers")
    expect(page.locator("[data-ref=third-title]")).to_have_text("Two different answers")
    assert page.locator("[data-ref=target] label").all_inner_texts() == ["each its own"]
    assert page.locator("[data-ref=apart]").is_hidden()
    assert "Ten things: 10 classes · Thousand: 1000 classes" in page.inner_text("[data-ref=known]")
    assert len(visit.bars(0)) == len(visit.bars(1)) == 10  # five names, five shares
    assert visit.drawn(0)[..., 3].any()
    assert "experiment=yours" in page.url
    visit.example("cat-yarn")
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")
    visit.close()
    # the models stay where they are, and nothing of the host's path is told
    kept = {str(path) for path in ROOT.rglob("*.keras") if "weights" not in path.parts}
    assert not kept
    assert "Traceback" not in server.log()


@pytest.mark.slow
def test_a_click_in_the_list_of_pictures_compares_one(browser, server):  # noqa: F811
    visit = Visit(browser, server.url)
    page = visit.page
    page.click("#tm-pictures-button")
    expect(page.locator("[data-ref=progress]")).to_have_text("All 16 pictures have been looked at.", timeout=120_000)
    rows = page.locator(".tm-survey tbody tr")
    expect(rows).to_have_count(12)
    expect(page.locator(".tm-survey thead th")).to_have_text(
        ["Picture", "Label", "Ten things", "Thousand", "Difference"]
    )
    page.wait_for_selector(".tm-survey .tm-open img")
    assert "know different classes" in page.inner_text(".tm-survey [data-ref=about]")
    page.click(".tm-survey .tm-pager button:last-child")
    expect(rows).to_have_count(4)
    with page.expect_download() as download:
        page.click(".tm-survey .tm-csv")
    text = Path(download.value.path()).read_text()
    assert text.startswith("picture,label,model,says,share,right,label_share,disagree,difference")
    assert text.count("\n") == 1 + 2 * 16
    name = page.locator(".tm-survey .tm-open .tm-identity").first.inner_text()
    page.click(".tm-survey .tm-open >> nth=0")
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")
    assert page.get_attribute("#tm-compare-button", "aria-selected") == "true"
    assert f"example={name.replace('/', '%2F')}" in page.url
    page.reload()
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")
    page.click("#tm-pictures-button")
    assert page.url.endswith("tab=pictures")
    page.wait_for_selector(".tm-survey .tm-open img")
    visit.close()
    assert "Traceback" not in server.log()


@pytest.mark.slow
def test_a_stranger_gets_what_the_list_has_and_nothing_else(server, data):
    (data / "cat" / "later.png").write_bytes((data / "cat" / "0.png").read_bytes())  # not there when it was listed
    config = json.loads(get(server.url + "config")[1])
    catalogs = {each["id"]: each["props"].get("props", {}).get("catalog", {}) for each in config["components"]}
    view = next(number for number, catalog in catalogs.items() if "about" in catalog)

    def call(name, asked):
        body = {"data": asked, "component_id": view, "fn_name": name, "session_hash": "abc"}
        status, text = post(server.url + "gradio_api/component_server", body)
        return json.loads(text) if status == 200 else {"kind": "error", "status": status}

    assert call("thumbnails", {"identities": ["cat/1.png"]})["thumbnails"]["cat/1.png"]["src"]
    for name in ("cat/later.png", "../pets/cat/1.png", "/etc/passwd", None, 3):
        answer = call("thumbnails", {"identities": [name]})
        assert answer["code"] == "evidence_unknown"
    for name in ("picture", "order", "run", "__init__", "catalog"):
        assert call(name, {})["kind"] == "error"
    assert not [path for path in server.opened() if path.endswith(("later.png", "etc/passwd"))]
    assert "Traceback" not in server.log()


@pytest.mark.slow
def test_what_cannot_be_told_is_asked_for_in_one_sentence(files, tmp_path):
    told = subprocess.run(
        [sys.executable, "app.py", "--models", *files, "--size", "96x96"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=STARTING,
    )
    assert told.returncode == 2
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("How ten-things was given its pictures cannot be told")
    assert last.endswith("one for each model, in their order.")
    assert "Traceback" not in told.stderr
    assert Path(files[0]).exists()
