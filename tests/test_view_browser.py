"""The view by itself in headless Chromium: messages that the page does not ask for are drawn without an error."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from test_page_browser import settle
from test_page_payload import RISING, explanation, message

from explain import compare, view
from explain.rules import RULES, paired_rules
from explain.tables import COMPARISON_COLUMNS, comparison_rows
from explain.view.texts import texts

FALLING = [[4.0, 2.0], [1.0, 0.0]]
MOUNT = """([html, body, props]) => {
    document.body.innerHTML = html;
    const mount = new Function('element', 'props', body + ';\\nreturn { show, moveTo, openFeature };');
    window.mounted = mount(document.body, props);
}"""


@pytest.fixture
def draw(chromium) -> Iterator[Callable[[dict], Page]]:
    """draw(message): the page on which the view has drawn it; whatever is done there, it makes no complaint."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page, complaints = browser.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_content(f"<style>{view.STYLE.read_text()}</style>")
        html, scripts = f'<div class="tm">{view.template()}</div>', view.joined(view.SCRIPTS)
        page.evaluate(MOUNT, [html, scripts, {"catalog": view.catalog(texts())}])

        def draw(answer: dict) -> Page:
            answer["cost"]["milliseconds"] = 1.0
            page.evaluate("message => mounted.show(message)", json.loads(json.dumps(answer)))
            page.wait_for_timeout(200)  # two frames
            return page

        yield draw
        browser.close()
        assert complaints == []


def width(page: Page, name: object) -> int:
    """Of a stage's canvas; 1 where nothing is drawn."""
    return page.evaluate(f"document.querySelector('[data-ref=stage-{name}] canvas').width")


def agreement(page: Page) -> str:
    """What stands at the curve."""
    return " ".join(page.inner_text(f"[data-ref={name}]") for name in ("where", "rank"))


def test_three_models_are_drawn_in_a_row_and_two_again_beside_their_difference(draw):
    sides = explanation([RISING, FALLING]), explanation([FALLING, RISING])
    page = draw(message(*sides, explanation([RISING, RISING], dog=0.2, target=0)))
    assert [page.text_content(f"[data-ref=title-{place}]") for place in range(3)] == [
        "SGD",
        "Adam",
        "More 0",
    ]
    assert min(width(page, place) for place in range(3)) > 1
    assert not page.locator(".tm-third").is_visible()
    assert agreement(page) == "Adam: \N{MINUS SIGN}1.00"  # only the third explains cat
    assert page.text_content("[data-ref=heard]").startswith("They disagree. dog: SGD · Adam")
    page.click("[data-ref=against-2]")
    settle(page)
    assert agreement(page) == "more 0: two different answers"
    page = draw(message(sides[0], explanation([RISING, RISING], dog=0.2, target=0), sides[1]))
    assert agreement(page).startswith("more 0: ")  # that of which a number is told
    assert float(agreement(page).split(": ")[1].replace("\N{MINUS SIGN}", "-"))
    page = draw(message(*sides))
    assert min(width(page, name) for name in (0, 1, "difference")) > 1
    assert page.inner_text("[data-ref=end-first]") == "5× more SGD"  # the scale fits, so that it can be seen
    drawn = """canvas => Math.max(...canvas.getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height).data.filter((_, place) => place % 4 === 3))"""
    assert page.locator("[data-ref=stage-difference] canvas").evaluate(drawn) > 140
    assert page.locator("[data-ref=models] > article").nth(2).is_hidden()
    assert agreement(page) == "block 1b · 2 × 2 cells: \N{MINUS SIGN}1.00"


def numbers(page: Page) -> list[list[str]]:
    """The table beside the curve, as it is read out: its caption, its head, its rows."""
    table = page.locator("[data-ref=numbers] table")
    cells = "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    return [[table.locator("caption").text_content()], *table.locator("tr").evaluate_all(cells)]


def test_who_does_not_see_the_curve_has_its_numbers_as_a_table(draw):
    sides = explanation([RISING, FALLING]), explanation([FALLING, RISING])
    page = draw(message(*sides))
    assert numbers(page) == [
        ["How alike the two maps are, layer by layer: the numbers"],
        ["no.", "depth", "layer of SGD", "layer of Adam", "agreement, Adam"],
        ["1", "0\N{NO-BREAK SPACE}%", "block 1a", "block 1a", "\N{MINUS SIGN}1.00"],
        ["2", "100\N{NO-BREAK SPACE}%", "block 1b", "block 1b", "\N{MINUS SIGN}1.00"],
    ]
    track = page.locator("[data-ref=track]")
    described = page.locator("#" + track.get_attribute("aria-details"))
    assert described.bounding_box()["width"] <= 1  # for reading out alone
    assert described.evaluate("node => node.checkVisibility({ visibilityProperty: true })")
    page = draw(message(*sides, explanation([RISING, RISING], dog=0.2, target=0)))
    caption, head, *rows = numbers(page)
    assert caption == ["How alike each map is to that of SGD, layer by layer: the numbers"]
    assert head[-2:] == ["agreement, Adam", "agreement, more 0"]
    assert {row[-1] for row in rows} == {"two different answers"}
    assert page.locator("[data-ref=numbers] tbody th[scope=row]").count() == len(rows)
    for place in range(3):
        assert (
            page.locator(f"[data-ref=stage-{place}] [role=img]")
            .get_attribute("aria-label")
            .startswith("The photo, with")
        )


def test_an_enlarged_map_of_a_model_that_leaves_is_closed(draw):
    sides = explanation([RISING, FALLING]), explanation([FALLING, RISING])
    page = draw(message(*sides, sides[0]))
    page.evaluate("mounted.openFeature(2, 1)")
    assert page.locator("[data-ref=enlarged]").is_visible()
    assert Axe().run(page, context="[data-ref=enlarged]").response["violations"] == []
    page = draw(message(*sides))
    assert not page.locator("[data-ref=enlarged]").is_visible()


GREEN, BLUE, AMBER, GREY = "rgb(43, 138, 87)", "rgb(59, 91, 219)", "rgb(201, 138, 18)", "rgb(180, 191, 214)"


@pytest.mark.parametrize(
    ("truth", "colours", "text"),
    [
        (None, [GREY] * 5, ""),
        ("a", [BLUE, *[GREY] * 4], "Right: a"),
        ("c", [GREY, GREY, GREEN, GREY, GREY], "Right: c, guess 3"),
        ("g", [AMBER, *[GREY] * 4], "Right: g, not among these"),
    ],
)
def test_of_many_classes_colours_tell_where_the_right_one_stands(draw, truth, colours, text):
    many = replace(
        explanation([RISING]),
        classes=tuple("abcdefg"),
        probabilities=np.array([[0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02]], np.float32),
        targets=np.array([0]),
    )
    page = draw(message(many, many, truth=truth))
    bars = page.locator("[data-ref=bars-1] i")
    assert bars.evaluate_all("all => all.map((bar) => getComputedStyle(bar, '::before').backgroundColor)") == colours
    assert page.inner_text("[data-ref=truth-1]") == text
    names = page.locator("[data-ref=bars-1] span").all_inner_texts()
    assert [name[0] for name in names if name.endswith("\N{NO-BREAK SPACE}✓")] == [
        name for name in "abcde" if name == truth
    ]


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=pytest.mark.slow if index else ()) for index, rule in enumerate(paired_rules())]
)
def test_what_is_on_the_screen_can_be_saved_without_a_page_around_it(draw, rule):
    answer = message(explanation([RISING]), explanation([FALLING]))
    page = draw(answer | {"rule": rule})
    page.evaluate(
        """() => {
            window.written = [];
            const fillText = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
                window.written.push(text);
                fillText.call(this, text, ...more);
            };
        }"""
    )
    page.click("[data-ref=save]")
    with page.expect_download() as download:
        page.click("[data-ref=save-picture]")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    assert f"{RULES[rule].title} · {answer['target']['text']}" in page.evaluate("written")


def test_a_model_without_feature_maps_says_so(draw):
    plain = explanation([RISING])
    ensemble = replace(plain, features={}, layers=(replace(plain.layers[0], shape=(9, 9, 2)),))
    page = draw(message(plain, plain))
    page.click(".tm-segments label:has-text('features')")
    left, right = (page.locator(f"[data-ref=tiles-{place}]") for place in (0, 1))
    assert left.locator("button").count() == right.locator("button").count() == 2
    page.evaluate("mounted.openFeature(0, 1)")
    assert page.locator("[data-ref=enlarged]").is_visible()
    page = draw(message(ensemble, plain))
    assert not page.locator("[data-ref=enlarged]").is_visible()
    assert left.inner_text() == "An ensemble has no feature maps of its own."
    assert right.locator("button").count() == 2
    assert page.inner_text("[data-ref=third-title]") == "Channel 1 of Adam"
    assert page.text_content("[data-ref=chip-0]") == "block 1a · 2 × 2"  # the map, not the layer
    draw(message(plain, ensemble))
    assert (left.locator("button").count(), right.locator("button").count()) == (2, 0)
    page.click(".tm-segments label:has-text('overlay')")
    settle(page)
    assert width(page, 1) > 1


@pytest.mark.parametrize("count", [2, 3])
def test_a_document_opens_from_disk_and_asks_for_nothing(chromium, tmp_path, count):
    sides = [explanation([RISING, FALLING]), explanation([FALLING, RISING]), explanation([RISING, RISING], dog=0.2)]
    about = {"picture": "</script><b>dog", "question": "**One** thing differs?", "date": "2026-01-02"}
    answer = message(*sides[:count])  # as the library makes it: no server has added to it
    text = view.document(answer, about=about, view={"depth": 0.0, "mode": "map", "opacity": 0.3})
    (tmp_path / "comparison.html").write_text(text, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page, complaints, asked = browser.new_page(viewport={"width": 1280, "height": 720}), [], []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "comparison.html").as_uri())
        page.wait_for_timeout(400)
        assert "</script><b>dog" in page.inner_text("h1")
        assert page.inner_text("main > header p >> nth=0") == "One thing differs?"
        assert page.inner_text("main > header p >> nth=1").startswith("Grad-CAM · explained: ")
        assert page.inner_text("main > header p >> nth=1").endswith("2026-01-02")
        assert page.get_attribute(".tm", "data-mode") == "map"
        assert page.get_attribute("[data-ref=track]", "aria-valuenow") == "1"
        assert min(width(page, place) for place in range(count)) > 1
        page.keyboard.press("End")
        track = page.locator("[data-ref=track]")
        expect(track).to_have_attribute("aria-valuenow", track.get_attribute("aria-valuemax"))
        page.click("[data-ref=save]")
        assert not page.locator("[data-ref=save-page]").is_visible()
        with page.expect_download() as download:
            page.click("[data-ref=save-numbers]")
        with download.value.path().open(newline="") as file:
            rows = list(csv.DictReader(file))
        ids = [model["id"] for model in answer["models"]]
        expected = comparison_rows(compare(*sides[:count]), ids, about["picture"])
        assert len(rows) == len(expected) == count * len(answer["stops"])
        assert tuple(rows[0]) == COMPARISON_COLUMNS
        for row, wanted in zip(rows, expected, strict=True):  # the columns and values of the library and the command
            assert {name: row[name] == "" for name in row} == {name: wanted[name] == "" for name in row}
            for name in filter(row.get, row):
                if name in ("depth", "share", "maximum", "rank", "overlap"):
                    assert float(row[name]) == pytest.approx(float(wanted[name]), abs=1e-5)
                else:
                    assert row[name] == wanted[name]
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert sum(url.startswith("file:") for url in asked) == 1
        browser.close()
    assert complaints == []
