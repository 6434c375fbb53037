"""Methods that take long in Chromium: chosen with what they take, told how far they are, cancelled; and the others."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from judges import ROOT, STARTING, wait_until
from playwright.sync_api import expect
from test_page_browser import PHONE, RED, Visit, browser, fits  # noqa: F401  browser is a fixture
from test_page_http import ask

from explain import checkpoints
from explain.rules import RULES, Passes, register
from page import layout
from page.folder import Folder
from page.server import Server
from page.service import Service

pytest_plugins = ["page_fixtures"]
FREE = 2  # seconds after which nothing of what was cancelled goes on


@contextlib.contextmanager
def served(folder: Path, *arguments: Path) -> Iterator[SimpleNamespace]:
    """The page in this process, so that its lanes can be looked at; its models loaded."""
    checkpoints._kept.clear()
    service, uploads = Service(*arguments), Folder(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads.uploads))
        patch.setattr("tempfile.tempdir", str(uploads.scratch))
        server = Server(layout.build(service), service.texts, uploads, port=0)
        server.start()
        loading = threading.Thread(target=service.run, daemon=True)
        loading.start()
        try:
            wait_until(lambda: service.state()["ready"], STARTING, "the models are ready")
            yield SimpleNamespace(url=server.url, lane=server.page.gate.lanes[True], service=service)
        finally:
            service.stop()
            server.close()
            loading.join(60)
            uploads.close()


@pytest.fixture(scope="module")
def slow(weights: Path, evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The judges, and a method that goes on for minutes, a short pass after the other."""

    @register(
        "creeping", title="Creeping", equation="x", source="none", level="input", passes=lambda *_: Passes(900, 0)
    )
    def creeping(classifier, pixels, targets):
        for _ in range(900):
            classifier.scores(pixels, targets)
            time.sleep(0.1)
        return pixels[..., 0]

    try:
        with served(tmp_path_factory.mktemp("slow"), weights, evidence) as server:
            yield server
    finally:
        del RULES["creeping"]


@pytest.fixture
def visit(browser, slow) -> Iterator[Visit]:  # noqa: F811
    visit = Visit(browser, slow.url)
    yield visit
    visit.close()


def choose(visit: Visit, rule: str) -> None:
    visit.page.select_option("[data-ref=rule]", label="All methods …")
    visit.page.click(f"[data-ref=methods-list] [data-rule={rule}]")


def begun(visit: Visit, title: str) -> None:
    """It is told how far it is, and that is some of it."""
    expect(visit.page.locator("[data-ref=status]")).to_have_text(title)
    visit.page.wait_for_function("document.querySelector('[data-ref=share]').value > 0")


def cancelled(visit: Visit, lane) -> float:
    """Cancel; seconds until nothing runs any more."""
    pressed = time.monotonic()
    visit.page.click("[data-ref=give-up]")
    wait_until(lambda: not lane.busy, 30, "nothing runs any more")
    return time.monotonic() - pressed


def test_a_method_that_takes_long_is_cancelled_and_holds_nobody_up(visit, slow):
    visit.give(RED)
    before = visit.drawn(0).tobytes()
    choose(visit, "creeping")
    begun(visit, "Creeping")
    expect(visit.page.locator("[data-ref=left]")).to_contain_text("left")
    asked = {"ask": 1, "example": "cow", "models": ["judge-mild", "judge-steep"], "rule": "gradcam", "target": "own"}
    for rule in ("gradcam", "fem"):  # neither what is answered at once waits, nor what takes but a pass
        assert ask(slow, asked | {"rule": rule})["rule"] == rule
    assert slow.lane.busy
    assert cancelled(visit, slow.lane) < FREE
    visit.page.wait_for_selector(".tm[data-state=result]:not([data-busy]):not([data-status]):not([data-error])")
    assert visit.page.input_value("[data-ref=rule]") == "gradcam"
    assert visit.drawn(0).tobytes() == before
    visit.answered(lambda: choose(visit, "occlusion"))  # the next one has its turn
    assert visit.drawn(0).tobytes() != before
    assert visit.page.input_value("[data-ref=rule]") == "occlusion"
    assert visit.page.text_content("[data-ref=chip-0]") == "the picture · 48 × 48"
    assert "method=occlusion" in visit.page.url


def test_who_wishes_for_something_else_or_leaves_has_given_up(browser, slow):  # noqa: F811
    visit = Visit(browser, slow.url)
    visit.give(RED)
    choose(visit, "creeping")
    begun(visit, "Creeping")
    visit.answered(lambda: visit.page.select_option("[data-ref=rule]", "layercam"))
    assert visit.page.input_value("[data-ref=rule]") == "layercam"
    wait_until(lambda: not slow.lane.busy, FREE, "it has ended")
    choose(visit, "creeping")
    begun(visit, "Creeping")
    visit.close()
    wait_until(lambda: not slow.lane.busy, 20, "it is noticed that nobody is there")


def test_all_methods_are_there_with_what_they_take_and_why_not(visit, slow):
    visit.give(RED)
    page = visit.page
    assert page.locator("[data-ref=rule] option").all_inner_texts()[-2:] == ["XGrad-CAM", "All methods …"]
    page.select_option("[data-ref=rule]", label="All methods …")
    page.wait_for_function("document.querySelector('[data-rule=rise] span').textContent !== ''")
    assert (
        page.locator("[data-ref=methods-list] [data-rule]").count() == len(RULES) + 1
    )  # Finer-CAM is one of another target
    assert page.locator("[data-rule=creeping] span").inner_text().startswith("about ")
    groups = {"pass": "One pass", "seconds": "Some seconds", "minutes": "Minutes"}
    for offer in slow.service.offered(["judge-mild", "judge-steep"])[:3]:
        section = page.locator("[data-ref=methods-list] section", has=page.locator(f"[data-rule='{offer['name']}']"))
        assert section.locator("h4").inner_text().startswith(groups[offer["group"]])
    legrad = page.locator("[data-rule=legrad]")
    expect(legrad).to_be_disabled()
    assert "no attention over patches" in legrad.inner_text()
    assert page.get_attribute("[data-rule=gradcam]", "aria-pressed") == "true"
    page.keyboard.press("Escape")
    expect(page.locator("[data-ref=methods]")).to_be_hidden()
    assert page.input_value("[data-ref=rule]") == "gradcam"


@pytest.mark.slow
def test_all_methods_fit_on_a_phone_and_axe_finds_nothing(browser, slow):  # noqa: F811
    visit = Visit(browser, slow.url, **PHONE)
    visit.give(RED)
    visit.page.click("[data-ref=fold]")
    visit.page.select_option("[data-ref=rule]", label="All methods …")
    visit.page.wait_for_function("document.querySelector('[data-rule=rise] span').textContent !== ''")
    assert fits(visit)
    last = visit.page.locator("[data-ref=methods-list] section:visible [data-rule]").last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 844
    found = Axe().run(visit.page, context="[data-ref=methods]").response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
    visit.close()


@pytest.mark.slow
def test_two_that_disagree_are_asked_why(visit):
    page = visit.page
    page.goto(visit.url + "#models=judge-steep,judge-biased")
    page.reload()
    visit.give(RED)
    expect(page.locator("[data-ref=third-title]")).to_have_text("Two different answers")
    visit.answered(lambda: page.click("[data-ref=apart] [data-target=contrast]"))
    expect(page.locator("[data-ref=third-title]")).to_have_text("What sets them apart")
    assert visit.evidence(0) == "for cat rather than dog"
    drawn = visit.drawn("difference")
    assert drawn[..., 3].max() > 200
    assert page.locator("[data-ref=target] label").all_inner_texts() == ["each its own", "cat, not dog"]
    assert "class=contrast" in page.url
    visit.answered(lambda: visit.ask_for("own"))
    expect(page.locator("[data-ref=third-title]")).to_have_text("Two different answers")


@pytest.mark.slow
def test_whether_the_maps_are_faithful_is_measured_when_asked_for(visit, slow):
    visit.give(RED)
    page = visit.page
    before = len(visit.asked())
    assert not slow.lane.busy
    page.click(".tm-faithful")
    expect(page.locator("[data-ref=faithful-shown] section > canvas")).to_have_count(2)
    expect(page.locator("[data-ref=faithful-wait]")).to_be_hidden()
    assert page.locator(".tm-random figure").count() == 2 * 5
    assert "Each loses its answer" in page.inner_text(".tm-said") or "loses its answer as fast" in page.inner_text(
        ".tm-said"
    )
    found = Axe().run(page, context="[data-ref=faithfulness]").response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
    page.keyboard.press("Escape")
    expect(page.locator("[data-ref=faithfulness]")).to_be_hidden()
    assert sum("queue/join" in url for url in visit.asked()[before:]) == 1


@pytest.mark.slow
def test_with_the_shipped_models_too_the_server_is_free_two_seconds_after_rise_is_cancelled(browser, tmp_path):  # noqa: F811
    if not (ROOT / "weights/cats-dogs-effnet-sgd/model.keras").is_file():
        pytest.skip("the checkpoints are not there")
    with served(tmp_path) as server:
        visit = Visit(browser, server.url)
        visit.answered(lambda: visit.example("dog-shepherd"))
        choose(visit, "rise")
        begun(visit, "RISE")
        assert cancelled(visit, server.lane) < FREE
        visit.close()
