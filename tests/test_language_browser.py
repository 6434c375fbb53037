"""The page in Korean, as a browser that asks for it gets it: all that can be read of it, and what the server says."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from test_page_browser import PHONE, RED, Visit, browser, fits  # noqa: F401  browser is a fixture

pytest_plugins = ["page_fixtures"]
# Names of models, methods, colour tables and people, files and keys; all other words with Latin letters are left over
KEPT = (
    *(
        "Two Minds",
        "JPEG",
        "PNG",
        "WebP",
        "GIF",
        "TIFF",
        "BMP",
        "AVIF",
        "MB",
        "px",
        "CSV",
        "HTML",
        "English",
        "photo.png",
    ),
    *("Home", "End", "Space", "Ctrl", "Enter", "viridis", "magma", "cividis", "Gradient", "FEM", "block", "features"),
    *("Mild or steep?", "Mild or biased?", "Luck", "Free", "Judge", "mild", "steep", "biased", "seed", "of three"),
    *("Mild", "Steep", "Biased", "Red", "Blue", "Other", "Why?"),
)
VISIBLE = """() => [...document.querySelectorAll('.tm *, .tm-head *, [role=tab]')]
    .filter((node) => node.checkVisibility() && !node.children.length && !node.closest('pre, code, .tm-languages'))
    .flatMap((node) => [node.textContent, node.title, node.ariaLabel, node.placeholder]).filter(Boolean)"""


def left_over(visit: Visit) -> set[str]:
    """Words with Latin letters that can be read and are no names."""
    kept = re.compile("|".join([*map(re.escape, sorted(KEPT, key=len, reverse=True)), r"[A-Za-z]*-?CAM\b[+]*"]))
    texts = visit.page.evaluate(VISIBLE)
    return {text for text in texts if re.search(r"[A-Za-z]{2,}", kept.sub("", text))}


@pytest.fixture
def korean(browser, server) -> Iterator[Visit]:  # noqa: F811
    visit = Visit(browser, server.url, locale="ko-KR")
    yield visit
    visit.close()


def test_a_browser_that_asks_for_korean_gets_it(korean):
    page = korean.page
    assert page.evaluate("document.documentElement.lang") == "ko"
    expect(page.locator("#tm-compare-button")).to_have_text("비교")
    assert left_over(korean) == set()
    korean.give(RED)
    assert korean.bars(0)[0] == "고양이"
    assert korean.evidence(0) == "고양이의 근거"
    assert "고양이" in page.inner_text("[data-ref=words]")
    assert left_over(korean) == set()
    korean.answered(lambda: korean.ask_for("개"))
    assert korean.target() == "개"
    assert "개에 유리한 것" in page.inner_text("[data-ref=words]")


def test_an_error_is_said_in_the_language_of_the_page(korean):
    file = {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    korean.page.set_input_files("input[type=file]", file)
    expect(korean.page.locator("[data-ref=error]")).to_contain_text(re.compile("[가-힣]"))


def test_the_language_is_chosen_at_the_top_and_kept(browser, server):  # noqa: F811
    visit = Visit(browser, server.url)
    page = visit.page
    visit.answered(lambda: visit.example("cow"))
    assert page.evaluate("document.documentElement.lang") == "en"
    with page.expect_navigation():
        page.select_option(".tm-languages", "ko")
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")  # what was shown is shown again
    expect(page.locator("#tm-about-button")).to_have_text("소개")
    page.click("#tm-about-button")
    expect(page.locator(".tm-about:visible h2").first).to_have_text("읽는 법")
    page.reload()
    expect(page.locator("#tm-about-button")).to_have_text("소개")
    assert page.evaluate("document.documentElement.lang") == "ko"
    with page.expect_navigation():
        page.select_option(".tm-languages", "en")
    expect(page.locator("#tm-about-button")).to_have_text("About")
    visit.close()


@pytest.mark.parametrize("width", [pytest.param(390, marks=pytest.mark.slow), 360])
@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
def test_on_a_phone_the_choice_leaves_room_for_the_tabs(browser, server, locale, width):  # noqa: F811
    visit = Visit(browser, server.url, locale=locale, **PHONE | {"viewport": {"width": width, "height": 740}})
    title, choice, tab = (
        visit.page.locator(place).bounding_box() for place in (".tm-head h1", ".tm-languages", "#tm-compare-button")
    )
    assert title["x"] + title["width"] <= choice["x"]
    assert choice["x"] + choice["width"] <= tab["x"]
    assert choice["width"] >= 24
    visit.give(RED)
    assert fits(visit)
    visit.close()
