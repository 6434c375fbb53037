"""Rows of models, a hundred classes and small pictures: in headless Chromium, at a desk and on a phone; over HTTP."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from crowd import MEMBERS, ROW
from gradio_client import Client
from judges import picture
from PIL import Image
from playwright.sync_api import expect
from test_page_browser import PHONE, RED, Visit, browser, fits, settle  # noqa: F401  browser is a fixture
from test_page_http import red  # noqa: F401  a fixture
from test_page_payload import agreement_of, unpacked

from explain.agreement import density
from training.data.cifar100 import CLASSES

pytest_plugins = ["crowd_fixtures"]
SMALL = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)


@pytest.fixture
def visit(browser, crowd_server) -> Iterator[Visit]:  # noqa: F811
    visit = Visit(browser, crowd_server.url)
    yield visit
    visit.close()


@pytest.fixture
def phone(browser, crowd_server) -> Iterator[Visit]:  # noqa: F811
    visit = Visit(browser, crowd_server.url, **PHONE)
    yield visit
    visit.close()


PLACES = "all => all.map((node) => [node.offsetLeft, node.offsetTop])"


def joins(visit: Visit) -> int:
    return sum("queue/join" in url for url in visit.requests)


def evidence(visit: Visit, count: int) -> list[str]:
    """What the maps say they are of."""
    return [visit.page.text_content(f"[data-ref=evidence-{place}]") for place in range(count)]


def box(visit: Visit, name: str) -> dict:
    return visit.page.locator(f"[data-ref={name}]").bounding_box()


# --- a hundred classes ------------------------------------------------------------------------------------------------


def test_a_class_is_found_by_three_letters_with_the_keyboard_alone(visit):
    visit.give(RED)
    page = visit.page
    before = joins(visit)
    page.focus("[data-ref=class]")
    page.keyboard.press("Enter")
    expect(page.locator("[data-ref=classes]")).to_be_visible()
    options = page.locator("[data-ref=class-list] [role=option]")
    assert options.count() == 103  # each its own, one for both, why the two answers differ, a hundred
    groups = page.locator("[data-ref=class-list] [role=group]")
    assert groups.count() == 21
    places = options.evaluate_all(PLACES)
    page.keyboard.type("rac")
    active = page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    assert page.text_content(f"#{active}") == "raccoon"
    assert page.locator(".tm-found").all_inner_texts() == ["raccoon", "tractor"]
    expect(page.locator("[data-ref=class-count]")).to_contain_text("2 of 100")
    assert options.evaluate_all(PLACES) == places  # the rest is dimmed where it is
    visit.answered(lambda: page.keyboard.press("Enter"))
    expect(page.locator("[data-ref=classes]")).to_be_hidden()
    assert joins(visit) == before + 1
    assert evidence(visit, 2) == ["evidence for raccoon", "evidence for raccoon; it says fox"]
    assert page.inner_text("[data-ref=class]") == "raccoon"
    assert page.evaluate("document.activeElement.dataset.ref") == "class"  # the focus is where it was


def test_escape_asks_nothing_and_arrows_go_through_what_was_found(visit):
    visit.give(RED)
    page = visit.page
    before = joins(visit)
    page.click("[data-ref=class]")
    page.keyboard.type("ra")
    active = page.locator(".tm-active")
    found = page.locator(".tm-found").all_inner_texts()
    assert len(found) == 8
    assert active.inner_text() in ("ray", "raccoon", "rabbit")  # not what holds it elsewhere
    seen = set()
    for _ in found:
        page.keyboard.press("ArrowDown")
        seen.add(active.inner_text())
    assert seen == set(found)
    page.keyboard.type("zz")
    expect(active).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("[data-ref=classes]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-ref=classes]")).to_be_hidden()
    assert joins(visit) == before
    assert page.inner_text("[data-ref=class]") == "each its own"


def test_another_picture_is_asked_for_its_own_answer_again(visit):
    visit.give(RED)
    page = visit.page
    page.click("[data-ref=class]")
    visit.answered(lambda: page.click("[data-ref=class-list] >> text='lawn mower'"))
    asked = [f"evidence for lawn mower; it says {name}" for name in ("raccoon", "fox")]
    assert evidence(visit, 2) == asked
    visit.answered(lambda: page.select_option("[data-ref=rule]", "layercam"))
    assert evidence(visit, 2) == asked  # of the same picture it stays
    visit.give(picture(red=250))
    assert evidence(visit, 2) == [f"its own answer: evidence for {name}" for name in ("raccoon", "fox")]
    assert page.inner_text("[data-ref=class]") == "each its own"


def test_what_the_models_know_is_a_click_away(visit):
    page = visit.page
    assert "know only 100 everyday things" in page.inner_text(".tm-lead")
    page.click(".tm-experiment[data-id=pair] .tm-link >> text='100 everyday things'")
    expect(page.locator("[data-ref=classes] h3")).to_have_text("These models know only these 100 classes")
    assert "raccoon" in page.inner_text("[data-ref=class-list]")
    page.keyboard.press("Escape")
    visit.give(RED)
    page.click(".tm-known >> text='100 everyday things'")
    expect(page.locator("[data-ref=find]")).to_be_focused()
    page.mouse.click(5, 5)  # beside it
    expect(page.locator("[data-ref=classes]")).to_be_hidden()


COLOURS = {"accent": "rgb(59, 91, 219)", "second": "rgb(180, 191, 214)", "among": "rgb(43, 138, 87)"}


def test_bars_are_coloured_by_where_the_right_class_stands(visit):
    page = visit.page

    def bars(place: int) -> list[str]:
        return page.locator(f"[data-ref=bars-{place}] i").evaluate_all(
            "all => all.map((bar) => getComputedStyle(bar, '::before').backgroundColor)"
        )

    visit.give(RED)
    assert set(bars(0)) == {COLOURS["second"]}  # what it shows is not known
    visit.answered(lambda: visit.example("rocket"))
    for place in (0, 1):
        assert page.inner_text(f"[data-ref=truth-{place}]") == "Right: rocket, not among these"
        assert bars(place)[0] not in COLOURS.values()
        assert set(bars(place)[1:]) == {COLOURS["second"]}


def test_the_empty_page_shows_what_fits_the_experiment(visit):
    page = visit.page
    ids = "all => all.map((node) => node.dataset.id)"
    known = ["raccoon", "coffee-cup", "rocket", "cow", "crocodile", "polar-bear"]
    within, neither = page.locator(".tm-large button:visible"), page.locator(".tm-small button:visible")
    assert [name for name in within.evaluate_all(ids) if name in known] == known
    assert page.inner_text("[data-ref=within-title]") == "100 everyday things"
    assert {"koala", "panda", "dog-shepherd"} <= set(neither.evaluate_all(ids))
    visit.choose("row")
    assert within.evaluate_all(ids)[:3] == ["rocket", "raccoon", "coffee-cup"]
    assert page.locator(".tm-examples button").first.get_attribute("data-id") == "rocket"
    assert page.locator(".tm-experiment > button > strong").all_inner_texts() == ["Sure or faint?", "One or five?"]


# --- small pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_small_pictures_are_shown_without_blur_and_photos_are_not(visit):
    page = visit.page

    def rendering() -> set[str]:
        return set(
            page.locator(".tm-plane img").evaluate_all(
                "all => all.map((image) => getComputedStyle(image).imageRendering)"
            )
        )

    visit.give(SMALL)
    assert rendering() == {"pixelated"}
    assert page.evaluate("document.querySelector('[data-ref=stage-0] img').naturalWidth") == 32
    assert page.get_attribute(".tm", "data-mode") == "overlay"
    page.locator("[data-ref=opacity]").fill("0")
    settle(page)
    with Image.open(io.BytesIO(page.locator("[data-ref=stage-0]").screenshot())) as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    height, width = drawn.shape[:2]
    rows, columns = (((np.arange(8, 24) + 0.5) / 32 * side).astype(int) for side in (height, width))
    assert np.abs(drawn[np.ix_(rows, columns)] - SMALL[8:24, 8:24]).max() <= 2  # each pixel is a square of its colour
    visit.give(RED)
    assert rendering() == {"auto"}


# --- rows -------------------------------------------------------------------------------------------------------------


def test_six_models_stand_in_a_row_and_one_scrubber_moves_them(visit):
    page = visit.page
    visit.give(RED)
    before = joins(visit)
    visit.answered(lambda: visit.choose("row"))
    assert joins(visit) == before + 1
    assert page.locator("[data-ref=models] > article:visible").count() == 6
    assert evidence(visit, 6) == [
        f"evidence for {name}" for name in ("raccoon", "raccoon", "fox", "camel", "raccoon", "raccoon")
    ]
    assert [visit.bars(place)[0] for place in range(6)] == ["raccoon", "raccoon", "fox", "camel", "raccoon", "raccoon"]
    expect(page.locator(".tm-difference")).to_be_hidden()
    expect(page.locator("[data-ref=model-0]")).to_be_hidden()
    assert fits(visit)
    for name in [
        *(f"stage-{place}" for place in range(6)),
        *(f"against-{place}" for place in range(6)),
        "track",
        "save",
    ]:
        inside = box(visit, name)
        assert 0 <= inside["x"] < inside["x"] + inside["width"] <= 1280, name
        assert inside["y"] + inside["height"] <= 720, name
    tops = {round(box(visit, f"stage-{place}")["y"]) for place in range(6)}
    assert len(tops) == 1  # in one line
    asked = len(visit.asked())
    last = [visit.drawn(place).tobytes() for place in range(6)]
    alike = page.inner_text("[data-ref=against-1]")
    page.keyboard.press("Home")
    page.wait_for_timeout(150)
    assert {page.text_content(f"[data-ref=chip-{place}]").split(" · ")[0] for place in range(6)} == {"block 1"}
    assert all(visit.drawn(place).tobytes() != before for place, before in enumerate(last) if place != 2)
    assert page.inner_text("[data-ref=against-1]") != alike
    assert len(visit.asked()) == asked


def test_what_explains_another_class_has_no_agreement_and_any_other_can_be_chosen(visit):
    page = visit.page
    visit.choose("row")
    visit.give(RED)
    assert page.inner_text("[data-ref=against-0]") == "the others are held against it"
    assert page.inner_text("[data-ref=against-3]").split("\n")[-1] == "–"
    assert page.get_attribute("[data-ref=against-3]", "title") == "explains another class"
    pressed = [page.get_attribute(f"[data-ref=against-{place}]", "aria-pressed") for place in range(6)]
    assert pressed == [None, "true", "false", "false", "false", "false"]
    assert page.inner_text("[data-ref=where]") == "sure:"
    assert float(page.inner_text("[data-ref=rank]"))
    page.click("[data-ref=against-5]")
    settle(page)
    assert page.inner_text("[data-ref=where]") == "other:"
    told = page.get_attribute("[data-ref=track]", "aria-valuetext")
    assert told.startswith("3 of 3, 100 % of the depth; agreement with all: sure ")
    assert "camel explains another class" in told
    page.click("[data-ref=class]")
    page.keyboard.type("racc")
    visit.answered(lambda: page.keyboard.press("Enter"))
    assert "–" not in page.inner_text("[data-ref=against-3]")
    assert page.get_attribute("[data-ref=against-5]", "aria-pressed") == "true"  # the choice stays
    visit.give(picture(red=255, size=(80, 30)))
    for place in range(6):  # a narrow picture's chip tells its class in full
        chip = page.locator(f"[data-ref=evidence-{place}]")
        assert chip.evaluate("node => node.scrollWidth <= node.clientWidth"), place


@pytest.mark.slow
def test_from_a_row_back_to_two(visit):
    page = visit.page
    visit.choose("row")
    visit.give(RED)
    visit.answered(lambda: visit.choose("pair"))
    assert page.locator("[data-ref=models] > article:visible").count() == 2
    for name in ("model-0", "model-1", "third", "zoom-reset"):
        expect(page.locator(f"[data-ref={name}]")).to_be_visible()
    expect(page.locator("[data-ref=against-0]")).to_be_hidden()
    page.keyboard.press("Home")
    settle(page)
    assert visit.place() == 1
    visit.answered(lambda: visit.choose("row"))
    box_of = page.locator("[data-ref=stage-4]").bounding_box()
    page.mouse.dblclick(box_of["x"] + 40, box_of["y"] + 40)
    settle(page)
    moves = page.locator("[data-ref=models] .tm-plane").evaluate_all("all => all.map((plane) => plane.style.transform)")
    assert len(set(moves)) == 1
    assert "scale(2.5)" in moves[0]


@pytest.mark.slow
def test_a_row_can_be_saved(visit, tmp_path):
    page = visit.page
    visit.choose("row")
    visit.give(SMALL)
    page.click("[data-ref=save]")
    with page.expect_download() as download:
        page.click("[data-ref=save-picture]")
    download.value.save_as(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as image:
        assert image.width == 2400
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 1000


def test_on_a_phone_the_row_is_swiped_and_the_page_is_not(phone):
    page = phone.page
    assert fits(phone)
    phone.choose("row")
    phone.give(RED)
    assert fits(phone)
    row = page.locator("[data-ref=models]")
    assert row.evaluate("row => row.scrollWidth > 2 * row.clientWidth")
    first, second = (page.locator("[data-ref=models] > article").nth(place).bounding_box() for place in (0, 1))
    assert first["x"] + first["width"] <= 390
    assert second["x"] < 390  # the next one peeks in
    row.evaluate("row => row.scrollTo({ left: row.scrollWidth })")
    page.wait_for_timeout(200)
    last = page.locator("[data-ref=stage-5]").bounding_box()
    assert 0 <= last["x"] < last["x"] + last["width"] <= 390
    assert phone.drawn(5).shape[1] > 1
    track = page.locator("[data-ref=track]").bounding_box()
    assert 844 / 2 < track["y"] < track["y"] + track["height"] <= 844
    page.touchscreen.tap(track["x"] + 42, track["y"] + 20)
    page.wait_for_timeout(150)
    assert phone.place() == 1
    page.tap("[data-ref=fold]")
    page.click("[data-ref=class]")
    assert fits(phone)
    page.fill("[data-ref=find]", "rac")
    phone.answered(lambda: page.click(".tm-active"))
    assert all(text.startswith("evidence for raccoon") for text in evidence(phone, 6))


def test_every_control_of_a_row_has_a_name_and_is_large_enough(visit):
    page = visit.page
    visit.choose("row")
    visit.give(RED)
    page.click("[data-ref=class]")
    unnamed = page.evaluate("""() => [...document.querySelectorAll('.tm :is(button, select, input, [role])')]
        .filter(node => node.offsetParent && !node.getAttribute('aria-label') && !node.innerText.trim() && !node.alt
            && !node.querySelector('img[alt]:not([alt=""])') && !node.closest('label') && !node.labels?.length)
        .map(node => node.outerHTML.slice(0, 120))""")
    assert unnamed == []
    small = page.evaluate("""() => [
        ...document.querySelectorAll('.tm-classes :is(button, [role=option]), .tm-against, .tm-choice')]
        .filter(node => node.getBoundingClientRect().height < 24).map(node => node.outerHTML.slice(0, 90))""")
    assert small == []


@pytest.mark.slow
def test_three_models_stand_in_a_row_too(visit):
    """Asked as a program would."""
    page = visit.page
    visit.give(RED)
    asked = {"models": MEMBERS[:3], "target": "own"}
    visit.answered(
        lambda: page.evaluate(
            "detail => document.dispatchEvent(new CustomEvent('tm-open', { detail: { id: 'raccoon', ...detail } }))",
            asked,
        )
    )
    assert page.locator("[data-ref=models] > article:visible").count() == 3
    assert fits(visit)
    assert len(ROW) == 6


def test_evidence_of_a_row_says_where_figures_of_such_stand(visit):
    page = visit.page
    visit.choose("row")
    page.click("#tm-evidence-button")
    expect(page.locator(".tm-evidence [data-ref=experiments] :checked + span")).to_have_text("One or five?")
    expect(page.locator(".tm-evidence [data-ref=of-a-row]")).to_contain_text("at the experiments of two")
    for place in ("plots", "pictures"):
        expect(page.locator(f".tm-evidence [data-ref={place}]")).to_be_hidden()
        expect(page.locator(f".tm-evidence [data-jump={place}]")).to_be_hidden()
    page.click(".tm-evidence [data-ref=experiments] label:has([value=pair])")
    expect(page.locator(".tm-evidence [data-ref=plots]")).to_be_visible()
    expect(page.locator(".tm-evidence [data-ref=of-a-row]")).to_be_hidden()


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(crowd_server):
    return Client(crowd_server.url, verbose=False)


def test_three_and_six_models_answer_over_http(client, red):  # noqa: F811
    three = client.predict(red, MEMBERS[:3], "gradcam", "own", api_name="/compare")
    six = client.predict(red, ROW, "gradcam", "own", api_name="/compare")
    assert [[model["id"] for model in answer["models"]] for answer in (three, six)] == [MEMBERS[:3], ROW]
    assert six["models"][0]["bars"][0]["name"] == "raccoon"
    assert len(six["models"][0]["bars"]) == 5
    whole = client.predict(red, ROW, "layercam", "raccoon", api_name="/compare")
    last = [
        unpacked(model["layers"][-1]["map"])[0] / 255 * model["layers"][-1]["map"]["max"] for model in whole["models"]
    ]
    mean = sum(density(heat, heat.shape) if heat.any() else heat for heat in last[1:]) / 5
    np.testing.assert_allclose(last[0], mean, atol=0.03 * mean.max())
    pair = client.predict(red, ["crowd-all", "crowd-sure"], "gradcam", "common", api_name="/compare")
    assert agreement_of(pair["stops"][-1])["rank"] is not None
    assert set(pair["target"]["options"]) == set(CLASSES)
