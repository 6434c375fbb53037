"""The static site: every experiment over the examples as files that a browser opens from disk."""

import json
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from judges import ROOT, encoded, picture
from playwright.sync_api import sync_playwright

from explain import view
from explain.errors import UserError
from page import static
from page.service import Service

pytest_plugins = ["page_fixtures"]
LIVE = "https://minds.example/try?a=1&b=2"


@pytest.fixture(scope="module")
def service(weights, evidence, tmp_path_factory) -> Service:
    """Two experiments, two examples; the names of one are such as no address may hold as they are."""
    folder = tmp_path_factory.mktemp("static")
    (folder / "weights").mkdir()
    for name in ("judge-mild", "judge-steep", "judge-biased"):
        shutil.copytree(weights / name, folder / "weights" / name)
    pair = {"id": "pair", "title": "Mild or <b>steep</b>?", "question": "One & other?"}
    experiments = [pair | {"models": ["judge-mild", "judge-steep"]}]
    experiments += [{"id": "../a row?#", "title": "Three", "models": ["judge-mild", "judge-steep", "judge-biased"]}]
    (folder / "weights" / "experiments.json").write_text(json.dumps(experiments))
    examples = folder / "examples"
    examples.mkdir()
    for name, colour in (("red", {"red": 255}), ("it's blue", {"blue": 255})):
        (examples / f"{name}.jpg").write_bytes(encoded(picture(**colour), "JPEG"))
    told = [{"id": "red", "title": "a <red> one", "shows": "Cat", "author": "A. Painter", "licence": "CC BY 4.0"}]
    (examples / "examples.json").write_text(json.dumps(told))
    service = Service(folder / "weights", evidence, examples)
    service.load()
    return service


@pytest.fixture(scope="module")
def site(service, tmp_path_factory) -> Path:
    """The site of it."""
    out = tmp_path_factory.mktemp("site")
    made = static.make(service, out, LIVE)
    assert made == 5
    return out


def test_all_links_lead_to_a_page_or_to_the_live_one(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 5
    assert {page.parent.parent for page in pages} <= {site, site.parent}  # no name leads out of it
    for page in pages:
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', page.read_text())]
        assert links.count(next(link for link in links if link.startswith(LIVE))) >= 1
        for link in links:
            if not link.startswith(LIVE):
                assert (page.parent / unquote(urlsplit(link).path)).is_file(), link
        assert "<red>" not in page.read_text()
        assert ("A. Painter" in page.read_text()) == (page.stem in ("index", "red"))


def test_it_goes_on_where_it_was_left_and_makes_anew_what_has_changed(service, site, tmp_path):
    out = tmp_path / "site"
    shutil.copytree(site, out)
    (out / "notes.html").write_text("mine")
    assert static.make(service, out, LIVE) == 0
    pages = [page for page in out.rglob("*.html") if page.parent != out]
    pages[0].unlink()
    pages[1].write_text(pages[1].read_text()[:-40])  # a write broken off
    assert static.make(service, out, LIVE) == 2
    assert static.make(service, out, None) == 5
    stale = out / "pair" / "gone.html"
    shutil.copy(pages[0], stale)
    assert static.make(service, out, None) == 0
    assert not stale.exists()  # of an example that is there no more
    assert (out / "notes.html").read_text() == "mine"
    assert not list(out.rglob("*.part"))


def test_each_language_has_its_pages_and_each_page_leads_to_the_other(service, tmp_path):
    assert static.make(service, tmp_path, LIVE, languages=["en", "ko"]) == 10
    assert static.make(service, tmp_path, LIVE, languages=["en", "ko"]) == 0
    for path in tmp_path.rglob("*.html"):
        text, place = path.read_text(), path.relative_to(tmp_path)
        other = tmp_path / (place.relative_to("ko") if place.parts[0] == "ko" else "ko" / place)
        language = "ko" if place.parts[0] == "ko" else "en"
        assert f'<html lang="{language}">' in text
        links = [unquote(urlsplit(link).path) for link in re.findall(r'lang="\w+" href="([^"]+)"', text)]
        assert [(path.parent / link).resolve() for link in links] == [other]
        if place.name != "index.html":
            kept = re.search(r'<script type="application/json" id="kept">(.*?)</script>', text, re.DOTALL)[1]
            words = " ".join(word["text"] for word in json.loads(kept)["message"]["stops"][-1]["words"])
            assert bool(re.search("[가-힣]", words)) == (language == "ko")
    assert "층별로" in (tmp_path / "ko/index.html").read_text()
    assert static.make(service, tmp_path, LIVE, languages=["ko"]) == 5  # at the top now, and nothing beside it
    assert len(list(tmp_path.rglob("*.html"))) == 5
    assert static._names(["ko", "KO", "pair"]) == ["ko-2", "KO-3", "pair"]


def test_a_link_of_another_kind_is_refused(service, tmp_path):
    for address in ("javascript:alert(1)", "minds.example", "file:///etc/passwd"):
        with pytest.raises(UserError, match="http"):
            static.make(service, tmp_path, address)
    assert not list(tmp_path.iterdir())


def test_it_opens_from_disk_without_a_network(chromium, site):
    """The one page leads to all others, what is shown goes along, and nothing is asked of anybody."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
        page, complaints, asked, failed = context.new_page(), [], [], []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.goto((site / "index.html").as_uri())
        assert page.locator("article h2").all_inner_texts() == ["Mild or <b>steep</b>?", "Three"]
        assert Axe().run(page).response["violations"] == []
        page.click("article a[href] >> nth=1")
        page.wait_for_selector("canvas[width]:not([width='1'])")
        assert "a <red> one" in page.inner_text("h1")
        assert page.inner_text(".tm-credit") == "Photo: A <red> one, A. Painter, CC BY 4.0."
        assert page.locator("main > header > p").all_inner_texts()[0] == "One & other?"
        assert page.locator("[data-ref=words]").inner_text()
        page.click(".tm-segments label:has-text('map')")
        page.locator("[data-ref=track]").press("Home")
        page.wait_for_timeout(300)
        name = page.inner_text("[data-ref=chip-0]")
        page.click(".tm-ways a >> nth=1")
        page.wait_for_selector("[data-ref=stage-2] canvas")
        assert page.inner_text("[data-ref=chip-0]") == name
        assert page.locator("[data-ref=modes] :checked").get_attribute("value") == "map"
        page.click(".tm-pictures a:not([aria-current])")
        assert page.locator("[data-ref=modes] :checked").get_attribute("value") == "map"
        assert Axe().run(page).response["violations"] == []
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1]
        live = page.get_attribute(".tm-live", "href")
        assert live.startswith(LIVE)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert (complaints, failed) == ([], [])
    assert all(url.startswith(("file://", "data:")) for url in asked)


@pytest.mark.slow
def test_the_whole_shipped_site(chromium, tmp_path):
    """All that is shipped, by the command, opened page by page."""
    import subprocess

    command = [sys.executable, "-m", "page.static", "--out", str(tmp_path / "site")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=1800)
    entries = json.loads((ROOT / "weights/experiments.json").read_text())
    pages = [path for path in (tmp_path / "site").rglob("*.html") if path.parent != tmp_path / "site"]
    assert len(pages) == len(entries) * len(list((ROOT / "examples").glob("*.jpg")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page, complaints = browser.new_context(offline=True).new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        for path in pages:
            page.goto(path.as_uri())
            page.wait_for_selector("[data-ref=stage-0] canvas:not([width='1'])")
        browser.close()
    assert complaints == []


def test_the_shell_of_a_saved_comparison_is_as_it_was():
    from page.texts import PageTexts

    assert "tm-site" not in view.shell(PageTexts())
