"""Evidence of many classes in headless Chromium: pointing, tapping, keys, zoom, at a desk and on a phone."""

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest
from judges import ROOT, STARTING, Server, start, stop, wait_until
from many_classes import CLASSES, EACH, PAIR, PICTURES, STEPS, crowd, drawn, flat
from playwright.sync_api import expect
from test_page_browser import PHONE, Visit, browser  # noqa: F401  browser is a fixture

from page.evidence.classes import confusion
from study.store import Store

FIRST, SECOND, THERE, BACK = PAIR
SHEET, TOLD = "[data-classes=confusion] .tm-sheet", "[data-classes=confusion] output"


@pytest.fixture(scope="module")
def many_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with checkpoints of many classes, and three steps of the ladder."""
    folder = tmp_path_factory.mktemp("many")
    weights, store = folder / "weights", Store(folder / "evidence")
    weights.mkdir()
    crowd(weights)
    flat(weights)
    (weights / "originals.json").write_text((ROOT / "weights/originals.json").read_text())
    store.write_ladder(STEPS)
    server = start(folder, "--weights", str(weights), "--evidence", str(store.folder))
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """Of many-plain, in the order in which classes are drawn."""
    labels, predicted, _ = drawn(0.4, 0)
    for a, b, count in ((FIRST, SECOND, THERE), (SECOND, FIRST, BACK)):
        predicted[labels == a] = np.where(np.arange(PICTURES) < count, b, a)
    return confusion(labels, predicted, len(CLASSES))


class Look(Visit):
    """A visit of the many classes."""

    def open(self, model: str = "many-plain") -> None:
        self.page.click("button[role=tab]:has-text('Evidence')")
        self.page.wait_for_selector("[data-classes=reliability]")
        self.page.select_option("[data-ref=many-model]", model)
        self.page.wait_for_selector(f"[data-ref=many-body][data-shown='{model}']")

    def place(self, row: int, column: int) -> dict[str, float]:
        """Where a cell lies in the sheet."""
        painted = self.page.locator(f"{SHEET} canvas[style]")  # until then it has a canvas' own 300 pixels
        step = painted.bounding_box()["width"] / len(CLASSES)
        return {"x": (column + 0.5) * step + 1, "y": (row + 0.5) * step + 1}  # within its border

    def colour(self, row: int, column: int) -> list[int]:
        """Red, green, blue and opacity of a cell's middle."""
        script = """(canvas, [row, column]) => { const each = canvas.width / 100;
            return [...canvas.getContext('2d').getImageData((column + .5) * each, (row + .5) * each, 1, 1).data]; }"""
        return self.page.locator(f"{SHEET} canvas").evaluate(script, [row, column])

    def table(self) -> list[list[str]]:
        rows = self.page.locator("[data-classes=confusion] table tr").all()
        return [[text.strip() for text in row.locator("th, td").all_inner_texts()] for row in rows]


@pytest.fixture
def look(browser, many_server) -> Iterator[Look]:  # noqa: F811
    look = Look(browser, many_server.url)
    yield look
    look.close()
    assert "Traceback" not in many_server.log()


@pytest.fixture
def phone(browser, many_server) -> Iterator[Look]:  # noqa: F811
    look = Look(browser, many_server.url, **PHONE)
    yield look
    look.close()


def sentence(row: int, column: int, counts: np.ndarray) -> str:
    right = ", right" if row == column else ""
    return f"True {CLASSES[row]}, predicted {CLASSES[column]}: {counts[row, column]} of {PICTURES}{right}"


def test_the_matrix_is_one_picture_and_a_cell_tells_its_number(look, counts):
    look.open()
    page = look.page
    expect(page.locator(TOLD)).to_have_text(sentence(FIRST, SECOND, counts))  # at first the most frequent error
    empty = tuple(int(k) for k in np.argwhere(counts == 0)[50])
    for row, column in ((FIRST, SECOND), (SECOND, FIRST), (42, 42), (99, 99), (0, 0), empty):
        page.locator(SHEET).hover(position=look.place(row, column))
        expect(page.locator(TOLD)).to_have_text(sentence(row, column, counts))
    assert look.colour(*empty)[3] == 0
    red, _, blue, opacity = look.colour(FIRST, SECOND)
    assert red > blue + 60
    assert opacity == 255
    assert look.colour(SECOND, FIRST)[3] < opacity
    red, _, blue, _ = look.colour(42, 42)
    assert blue > red + 60
    assert page.locator("[data-ref=many-body] .tm-group-names button").count() == 20


def test_a_click_zooms_into_a_superclass_then_a_pair_and_back_again(look, counts):
    look.open()
    page = look.page
    page.locator(SHEET).click(position=look.place(FIRST, SECOND))
    block = range(FIRST // EACH * EACH, FIRST // EACH * EACH + EACH)
    rows = look.table()
    assert rows[0][1:] == [CLASSES[k] for k in block] + ["others"]
    for row, cells in zip(block, rows[1:], strict=True):
        assert cells[0] == CLASSES[row]
        assert list(map(int, cells[1:6])) == counts[row, block].tolist()
        assert sum(map(int, cells[1:])) == PICTURES
    assert (
        page.locator("[data-classes=confusion] select").evaluate("node => node.selectedOptions[0].text") == "b things"
    )
    page.click(f"button[aria-label='{sentence(FIRST, SECOND, counts)}']")
    assert look.table() == [
        ["true ↓ predicted →", CLASSES[FIRST], CLASSES[SECOND], "others"],
        [CLASSES[FIRST], str(PICTURES - THERE), str(THERE), "0"],
        [CLASSES[SECOND], str(BACK), str(PICTURES - BACK), "0"],
    ]
    page.click("text=← All classes")
    expect(page.locator(SHEET)).to_be_visible()
    expect(page.locator("text=← All classes")).to_be_hidden()
    page.locator(SHEET).click(position=look.place(2, 97))  # across: true of the first, predicted of the last
    rows = look.table()
    assert [rows[1][0], rows[0][1]] == [CLASSES[0], CLASSES[95]]
    page.select_option("[data-classes=confusion] select", label="t things")
    assert look.table()[1][0] == CLASSES[95]
    page.select_option("[data-classes=confusion] select", label="all 100 classes")
    expect(page.locator(SHEET)).to_be_visible()


@pytest.mark.slow
def test_keys_move_zoom_and_go_back(look, counts):
    look.open()
    page = look.page
    page.focus(SHEET)
    for key, (row, column) in (
        ("ArrowDown", (FIRST + 1, SECOND)),
        ("ArrowLeft", (FIRST + 1, SECOND - 1)),
        ("ArrowUp", (FIRST, SECOND - 1)),
        ("PageDown", (10, SECOND - 1)),
        ("PageUp", (5, SECOND - 1)),
        ("Home", (5, 0)),
        ("ArrowLeft", (5, 0)),
        ("End", (5, 99)),
        ("ArrowRight", (5, 99)),
    ):
        page.keyboard.press(key)
        expect(page.locator(TOLD)).to_have_text(sentence(row, column, counts))
    spot = page.locator(".tm-spot").bounding_box()
    sheet = page.locator(f"{SHEET} canvas[style]").bounding_box()
    assert spot["x"] + spot["width"] == pytest.approx(sheet["x"] + sheet["width"], abs=1)
    page.keyboard.press("Enter")
    assert look.table()[0][1] == CLASSES[95]
    assert page.evaluate("document.activeElement.textContent") == "← All classes"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "tm-sheet"
    scrolled = page.evaluate("scrollY")
    page.keyboard.press("PageDown")
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == scrolled  # the keys are the matrix'


@pytest.mark.slow
def test_pairs_open_in_the_matrix(look):
    look.open()
    page = look.page
    first = page.locator("[data-classes=pairs] li").first
    expect(first.locator("b")).to_have_text(f"{CLASSES[FIRST]} → {CLASSES[SECOND]}")
    expect(first.locator("small")).to_have_text(f"{THERE} there, {BACK} back, of {2 * PICTURES}")
    assert page.locator("[data-classes=pairs] li").count() == 12
    first.locator("button").click()
    assert look.table()[1][:3] == [CLASSES[FIRST], str(PICTURES - THERE), str(THERE)]
    expect(page.locator("[data-classes=confusion]")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.textContent") == "← All classes"
    page.keyboard.press("Escape")


def test_lists_and_shares_say_what_the_predictions_say(look, counts):
    look.open()
    page = look.page
    best = page.locator("[data-classes=best] li").first.inner_text()
    place = max(range(100), key=lambda k: counts[k, k])
    assert best.startswith(CLASSES[place])
    assert f"{counts[place, place]} / {PICTURES}" in best
    worst = page.locator("[data-classes=worst] li").first.inner_text()
    assert f"{np.diag(counts).min()} / {PICTURES}" in worst
    inside = page.locator("[data-classes=inside]")
    assert inside.locator("tbody tr").count() == 20
    for row in inside.locator("tbody tr").all()[:3]:
        shares = [float(text.split()[0]) for text in row.locator("td").all_inner_texts()[1:]]
        assert sum(shares) == pytest.approx(100, abs=0.2)
    assert page.locator("[data-classes=members]").count() == 0


def test_an_ensemble_stands_among_its_members(look):
    look.open("many-together")
    page = look.page
    lines = page.locator("[data-classes=reliability] .tm-keys li span")
    assert lines.all_inner_texts() == ["Two together", "EfficientNet, first", "EfficientNet, second"]
    assert page.locator("[data-classes=reliability] svg g").count() == 3
    assert "Thin lines: its members" in page.inner_text("[data-classes=reliability] figcaption")
    strokes = page.locator("[data-classes=reliability] svg g path:first-child").evaluate_all(
        "nodes => nodes.map(node => getComputedStyle(node).stroke)"
    )
    assert len(set(strokes)) == 3
    rows = page.locator("[data-classes=members] tbody tr")
    assert [text.strip() for text in rows.nth(0).locator("th, td").all_inner_texts()] == [
        "EfficientNet, first",
        "75.0\xa0%",
        "70.0\xa0%",
        "+10.00 points",
    ]
    assert "−1.00 points" in rows.nth(1).inner_text()


@pytest.mark.slow
def test_without_groups_the_group_parts_are_absent(look):
    look.open("flat-thirty")
    page = look.page
    assert page.locator("[data-classes=inside]").count() == 0
    assert page.locator(".tm-group-names button").count() == 0
    assert "superclass" not in page.inner_text("[data-ref=many-body]")
    assert "superclass" not in page.get_attribute(SHEET, "aria-label")
    page.focus(SHEET)
    page.keyboard.press("Enter")
    assert look.table()[1:] == [["kind 00", "7", "3", "0"], ["kind 01", "0", "7", "3"]]
    look.open("flat-three")
    assert page.locator(SHEET).count() == 0  # few enough for numbers
    assert [row[1:] for row in look.table()[1:]] == [["7", "3", "0"], ["0", "7", "3"], ["3", "0", "7"]]
    assert page.locator("[data-classes=worst]").count() == 0
    expect(page.locator("[data-classes=best] h3")).to_have_text("Class by class")


def test_the_ladder_stands_beside_the_original_with_time_and_machine(look):
    look.open()
    rows = look.page.locator(".tm-ladder tbody tr")
    assert rows.count() == len(STEPS)
    simple = rows.first.inner_text()
    for text in ("Simple", "41.00", "40.00 to 42.00", "30\xa0%", "123,456", "10 epochs, 13 min, A processor, 2 cores"):
        assert text in simple
    assert "barely better" in rows.nth(1).inner_text()
    assert "58 to 62 %" in rows.nth(2).inner_text()
    assert rows.nth(2).locator(".tm-diamond").count() == 2
    box = rows.first.locator("circle").bounding_box()
    assert 0 < box["width"] < 14


def test_a_tap_tells_the_strongest_cell_under_the_finger_and_a_button_zooms(phone, counts):
    phone.open()
    page = phone.page
    place = phone.place(FIRST, SECOND)
    page.locator(SHEET).tap(position={"x": place["x"] + 4, "y": place["y"] - 3})  # a little beside it
    expect(page.locator(TOLD)).to_have_text(sentence(FIRST, SECOND, counts))
    expect(page.locator(SHEET)).to_be_visible()
    page.locator("[data-classes=confusion] .tm-told button").tap()
    assert phone.table()[1][0] == CLASSES[5]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("text=← All classes").tap()
    expect(page.locator(SHEET)).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["many-together", "flat-thirty", "flat-three"])
def test_a_phone_never_scrolls_sideways(phone, model):
    phone.open(model)
    page = phone.page
    outside = page.evaluate("""() => [...document.querySelectorAll('.tm-evidence *')].filter(node =>
        node.getClientRects().length && !node.closest('.tm-hidden') && !node.closest('.tm-cells')
        && (node.getBoundingClientRect().right > 391 || node.getBoundingClientRect().left < -1))
        .map(node => node.outerHTML.slice(0, 80))""")
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_everything_has_a_name_and_headings_follow_one_another(look):
    look.open("many-together")
    page = look.page
    unnamed = page.evaluate("""() => [...document.querySelectorAll('.tm-many :is(button, select, svg, [role])')]
        .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.length
            || node.closest('[aria-hidden]'))).map(node => node.outerHTML.slice(0, 90))""")
    assert unnamed == []
    levels = page.evaluate("""() => [...document.querySelectorAll('h1, .tm-evidence :is(h2, h3, h4)')]
        .filter(node => node.offsetParent || node.tagName === 'H1').map(node => Number(node.tagName[1]))""")
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    page.click(".tm-jumps button:has-text('Classes')")
    expect(page.locator("[data-ref=many] h2")).to_be_in_viewport()


def test_the_words_in_light_and_dark_can_be_read(browser, many_server):  # noqa: F811
    for scheme in ("light", "dark"):
        look = Look(browser, many_server.url, color_scheme=scheme)
        look.open("many-together")
        strokes = look.page.locator("[data-classes=reliability] .tm-chosen path").first.evaluate(
            "node => getComputedStyle(node).stroke"
        )
        bright = sum(map(int, re.findall(r"\d+", strokes)[:3]))
        assert bright < 200 if scheme == "light" else bright > 600
        look.close()
