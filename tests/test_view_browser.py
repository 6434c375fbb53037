"""The view by itself in headless Chromium: messages that the page does not ask for are drawn without an error."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, sync_playwright
from test_page_payload import RISING, explanation, message

from explain import view
from explain.cams import RULES
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


def test_of_three_models_the_first_two_are_drawn(draw):
    sides = explanation([RISING, FALLING]), explanation([FALLING, RISING])
    page = draw(message(*sides, explanation([RISING, RISING], dog=0.2, target=0)))
    assert page.text_content("[data-ref=title-1]") == "Net, Adam"
    assert min(width(page, name) for name in (0, 1, "difference")) > 1
    assert page.text_content("[data-ref=rank]") == "rank correlation \N{MINUS SIGN}1.00"  # only the third explains cat
    assert page.text_content("[data-ref=heard]") == ""
    page = draw(message(sides[0], explanation([RISING, RISING], dog=0.2, target=0), sides[1]))
    assert (width(page, 1) > 1, width(page, "difference")) == (True, 1)
    assert page.text_content("[data-ref=rank]") == ""


@pytest.mark.parametrize("rule", RULES)
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
    with page.expect_download() as download:
        page.click("[data-ref=save]")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    assert f"{RULES[rule].title} · {answer['target']['text']}" in page.evaluate("written")


def test_a_model_without_feature_maps_has_no_panel_of_them(draw):
    plain = explanation([RISING])
    ensemble = replace(plain, features={}, layers=(replace(plain.layers[0], shape=(9, 9, 2)),))
    page = draw(message(plain, plain))
    left, right = (page.locator(".tm-features").nth(place) for place in (0, 1))
    where = right.bounding_box()["x"]
    page.evaluate("mounted.openFeature(0, 1)")
    assert page.locator("[data-ref=enlarged]").is_visible()
    page = draw(message(ensemble, plain))
    assert not page.locator("[data-ref=enlarged]").is_visible()
    assert (left.is_visible(), right.is_visible()) == (False, True)
    assert right.bounding_box()["x"] == where  # under its own model
    assert page.text_content("[data-ref=chip-0]") == "block 1a · 2 × 2"  # the map, not the layer
    draw(message(plain, ensemble))
    assert (left.is_visible(), right.is_visible()) == (True, False)
