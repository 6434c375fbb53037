"""The page in headless Chromium: what a visitor does, and what must not happen meanwhile."""

import base64
import csv
import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
from judges import ROOT, encoded, picture, start, stop
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from explain.overlay import colours
from explain.pictures import resize

pytest_plugins = ["page_fixtures"]
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
SHOWN = ".tm[data-state=result]:not([data-busy])"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
WAIT = 60_000  # milliseconds; other work may share the machine


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # another process of the suite may keep both cores busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def settle(page):
    """Wait until what was asked is drawn: two frames, however late a busy machine makes them, and a moment."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn, 100)))"
    page.evaluate(f"() => new Promise(drawn => {frames})")


class Visit:
    """A page as a visitor has it, and all it asked for and complained about.

    A window that was left is taken again for the next visit of its kind, without its storage: a browser that has read
    the page's scripts opens it with a quarter of the work. Where a test leaves more behind, `again` is set to False.
    """

    left: ClassVar[dict[tuple[Browser, str], list[Page]]] = {}

    def __init__(self, browser: Browser, url: str, **options: object) -> None:
        options = {"viewport": {"width": 1280, "height": 720}, "accept_downloads": True} | options
        self.windows = self.left.setdefault((browser, json.dumps(options, sort_keys=True)), [])
        self.url, self.requests, self.complaints, self.again = url.split("#")[0], [], [], True
        self.page = self.windows.pop() if self.windows else self._window(browser, options)
        self.context = self.page.context
        self.listeners = {
            "request": lambda request: self.requests.append(request.url),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "console": lambda line: line.type == "error" and self.complaints.append(line.text),
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)
        self.page.goto(url)
        self.page.wait_for_selector(".tm[data-state]:not([data-status])")

    @staticmethod
    def _window(browser: Browser, options: dict[str, object]) -> Page:
        page = browser.new_context(permissions=["camera"], **options).new_page()
        page.set_default_timeout(WAIT)
        return page

    def asked(self) -> list[str]:
        """Requests but for data that is already in the browser."""
        return [url for url in self.requests if not url.startswith(("data:", "blob:"))]

    def give(self, pixels: np.ndarray, name: str = "photo.png") -> None:
        file = {"name": name, "mimeType": "image/png", "buffer": encoded(pixels)}
        self.answered(lambda: self.page.set_input_files("input[type=file]", file))

    def answered(self, action) -> None:
        """Do something that asks the server, and wait for its answer."""
        action()
        self.page.wait_for_function("document.querySelector('.tm').hasAttribute('data-busy') || true")
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(SHOWN)
        self.page.wait_for_timeout(150)

    def bars(self, model: int) -> list[str]:
        return self.page.locator(f"[data-ref=bars-{model}]").inner_text().split("\n")

    def drawn(self, name: int | str) -> np.ndarray:
        """The map's canvas on a stage, uint8 h x w x 4."""
        url = self.page.evaluate(f"document.querySelector('[data-ref=stage-{name}] canvas').toDataURL()")
        with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as image:
            return np.asarray(image.convert("RGBA"))

    def choose(self, experiment: str) -> None:
        """An experiment by its tab, or by what stands behind the tabs; on the empty page by its card or link."""
        page = self.page
        if page.get_attribute(".tm", "data-state") == "empty":
            page.click(f".tm-experiment[data-id={experiment}] .tm-pick, .tm-also [data-id={experiment}]")
        elif page.locator(f"[data-ref=experiments] input[value={experiment}]").count():
            page.click(f"[data-ref=experiments] label:has([value={experiment}])")
        else:
            page.select_option("[data-ref=more]", experiment)

    def example(self, example_id: str) -> None:
        """An example, on the empty page or in the bar."""
        self.page.click(f":is(.tm-offered, .tm-examples) button[data-id={example_id}]:visible")

    def experiment(self) -> str:
        """The title of the chosen one."""
        return self.page.evaluate(
            """() => (document.querySelector('[data-ref=experiments] :checked + span')
                || document.querySelector('[data-ref=more]').selectedOptions[0]).textContent"""
        )

    def ask_for(self, target: str) -> None:
        """The class that is explained, of few."""
        self.page.click(f"[data-ref=target] label:has([value={target}])")

    def target(self) -> str:
        return self.page.input_value("[data-ref=target] :checked")

    def evidence(self, model: int) -> str:
        """What stands on a picture."""
        return self.page.locator(f"[data-ref=evidence-{model}]").inner_text()

    def place(self) -> int:
        return int(self.page.get_attribute("[data-ref=track]", "aria-valuenow"))

    def drop(self, pixels: np.ndarray) -> None:
        self._transfer(pixels, "['dragenter','dragover','drop'].map(e => new DragEvent(e, {dataTransfer: t, ...how}))")

    def paste(self, pixels: np.ndarray) -> None:
        self._transfer(pixels, "[new ClipboardEvent('paste', {clipboardData: t, ...how})]")

    def _transfer(self, pixels: np.ndarray, events: str) -> None:
        script = f"""data => {{
            const how = {{bubbles: true, cancelable: true}}, t = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            t.items.add(new File([bytes], 'photo.png', {{type: 'image/png'}}));
            for (const event of {events}) document.body.dispatchEvent(event);
        }}"""
        data = base64.b64encode(encoded(pixels)).decode()
        self.answered(lambda: self.page.evaluate(script, data))

    def close(self) -> None:
        """Whatever was done: no complaint in the console, nothing asked of another host."""
        if self.again:
            for event, listener in self.listeners.items():
                self.page.remove_listener(event, listener)
            self.page.unroute_all()
            self.page.goto("about:blank")  # the page stores something as it goes
            self.page.route("**", lambda route: route.fulfill(body=""))
            self.page.goto(self.url)
            self.page.evaluate("[sessionStorage, localStorage].forEach(storage => storage.clear())")
            self.page.unroute_all()
            self.page.goto("about:blank")
            self.page.mouse.move(0, 0)
            self.windows.append(self.page)
        else:
            self.context.close()
        assert self.complaints == []
        assert [url for url in self.asked() if not url.startswith(self.url)] == []


@pytest.fixture
def visit(browser, server) -> Iterator[Visit]:
    visit = Visit(browser, server.url)
    yield visit
    visit.close()


@pytest.fixture
def phone(browser, server) -> Iterator[Visit]:
    visit = Visit(browser, server.url, **PHONE)
    yield visit
    visit.close()


RED, BLUE = picture(red=255), picture(blue=255)


def test_an_upload_gives_two_predictions_and_two_stacks(visit):
    expect(visit.page.locator(".tm-empty h2")).to_be_visible()
    expect(visit.page.locator(".tm-empty > .tm-fine")).to_contain_text("deleted within 30 minutes")
    visit.give(RED)
    assert visit.bars(0)[0] == visit.bars(1)[0] == "Cat"
    assert visit.bars(0)[1] != visit.bars(1)[1]  # mild and steep
    assert visit.page.get_attribute("[data-ref=track]", "aria-valuemax") == "3"
    for place in (0, 1):
        heat = visit.drawn(place)
        height, width = heat.shape[:2]
        assert (width, height) == (384, 288)
        assert heat[height // 8, width // 8, 3] > 200  # the red quarter is covered
        assert heat[-height // 8, -width // 8, 3] < 60  # the rest hardly
        assert visit.page.text_content(f"[data-ref=chip-{place}]") == "block 3 · 6 × 6"
    visit.give(BLUE)
    assert visit.bars(0)[0] == visit.bars(1)[0] == "Dog"


def test_scrubbing_moves_both_sides_and_asks_nothing(visit):
    visit.give(RED)
    page = visit.page
    before, seen = len(visit.asked()), []

    def look(place: int) -> None:
        page.wait_for_function(f"document.querySelector('[data-ref=track]').ariaValueNow == {place}")
        page.wait_for_timeout(60)
        chips = [page.text_content(f"[data-ref=chip-{model}]") for model in (0, 1)]
        assert chips[0].split(" · ")[0] == chips[1].split(" · ")[0] == f"block {place}"
        seen.append((place, visit.drawn(0).tobytes(), visit.drawn(1).tobytes()))

    look(3)
    page.keyboard.press("ArrowLeft")  # without any focus
    look(2)
    page.focus("[data-ref=track]")
    page.keyboard.press("Home")
    look(1)
    page.keyboard.press("ArrowUp")
    look(2)
    page.keyboard.press("End")
    look(3)
    box = page.locator("[data-ref=track]").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 50, box["y"] + 20, steps=12)
    look(1)
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 20)
    look(1)  # the button is up
    page.mouse.click(box["x"] + 92 + (box["width"] - 104) / 2, box["y"] + box["height"] - 24)  # a small map
    look(2)
    for k in (1, 2):  # each side has three different maps
        assert len({frame[k] for frame in seen}) == 3
    assert len(visit.asked()) == before


def test_drawing_asks_nothing(visit):
    visit.give(RED)
    page = visit.page
    before = len(visit.asked())
    viridis = visit.drawn(0)
    page.select_option("[data-ref=colours]", "jet")
    settle(page)
    assert not np.array_equal(visit.drawn(0), viridis)
    page.locator("[data-ref=opacity]").fill("0.25")
    assert page.evaluate("document.querySelector('[data-ref=stage-0] canvas').style.opacity") == "0.25"
    page.keyboard.press("Tab")
    page.click(".tm-segments label:has-text('map')")
    settle(page)
    assert visit.drawn(0).shape == (6, 6, 4)  # the true cells
    page.click(".tm-segments label:has-text('what it saw')")
    settle(page)
    assert visit.evidence(0) == "what it saw · 48 × 48"
    box = page.locator("[data-ref=stage-0]").bounding_box()
    inner = page.locator("[data-ref=stage-0] .tm-plane").bounding_box()
    assert inner["width"] == pytest.approx(box["height"], abs=1)  # squashed to a square
    page.keyboard.press("o")  # the click has left the focus in the comparison
    settle(page)
    assert visit.drawn(0).shape == (288, 384, 4)
    page.keyboard.press("ArrowLeft")  # a click on a choice does not keep the keys
    settle(page)
    assert (visit.place(), page.get_attribute(".tm", "data-mode")) == (2, "overlay")
    assert len(visit.asked()) == before


def test_maps_are_enlarged_as_the_library_does(visit):
    visit.give(RED)
    visit.page.focus("[data-ref=track]")
    visit.page.keyboard.press("m")
    settle(visit.page)
    cells = visit.drawn(0)[..., :3].astype(int)
    table = colours(np.linspace(0, 1, 256)[None])[0].astype(int)
    apart = np.abs(cells[:, :, None] - table).sum(-1)
    assert apart.min(-1).max() == 0  # colours of the table and no others
    values = apart.argmin(-1).astype(np.float32)
    assert values.max() == 255
    visit.page.keyboard.press("o")
    settle(visit.page)
    drawn = visit.drawn(0)
    expected = colours(resize(values, drawn.shape[:2]) / 255).astype(int)
    covered = drawn[..., 3] == 255
    assert covered.sum() > 10_000
    assert np.abs(drawn[..., :3].astype(int) - expected)[covered].max() <= 3  # a level apart at most


def test_hairlines_and_zoom_are_the_same_on_all_pictures(visit):
    visit.give(RED)
    page = visit.page
    before = len(visit.asked())
    box = page.locator("[data-ref=stage-0]").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    settle(page)
    lines = page.evaluate("[...document.querySelectorAll('.tm-v')].map(line => parseFloat(line.style.left))")
    assert lines == pytest.approx([25, 25, 25], abs=0.5)
    assert "% of its peak" in visit.evidence(1)
    page.mouse.dblclick(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    settle(page)
    moves = page.evaluate("[...document.querySelectorAll('.tm-plane')].map(plane => plane.style.transform)")
    assert len(set(moves)) == 1
    assert "scale(2.5)" in moves[0]
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"], steps=5)
    page.mouse.up()
    settle(page)
    moved = page.evaluate("document.querySelector('.tm-plane').style.transform")
    assert moved != moves[0]
    page.click("[data-ref=zoom-reset]")
    settle(page)
    assert page.evaluate("document.querySelector('.tm-plane').style.transform") == ""
    assert len(visit.asked()) == before


def test_models_experiments_rules_and_classes_are_one_request_each(visit):
    visit.give(RED)
    page = visit.page

    def joins() -> int:
        return sum("queue/join" in url for url in visit.requests)

    before = joins()
    visit.answered(lambda: visit.choose("luck"))
    assert page.text_content("[data-ref=title-1]") == "Mild, seed 2"
    visit.answered(lambda: page.select_option("[data-ref=model-1]", "judge-steep"))
    assert page.text_content("[data-ref=title-1]") == "Steep"
    assert visit.experiment() == "Mild or steep?"
    visit.answered(lambda: page.select_option("[data-ref=rule]", "layercam"))
    assert page.text_content("[data-ref=luck]") == ""  # no yardstick
    visit.answered(lambda: visit.ask_for("Dog"))
    assert joins() == before + 4
    visit.answered(lambda: page.select_option("[data-ref=model-0]", "judge-biased"))
    assert visit.experiment() == "Any two models"


def test_beside_a_model_of_other_classes_stands_one_of_its_own(visit):
    visit.give(RED)
    page = visit.page
    visit.answered(lambda: visit.ask_for("Dog"))
    visit.answered(lambda: page.select_option("[data-ref=model-1]", "judge-three"))
    assert [page.input_value(f"[data-ref=model-{place}]") for place in (0, 1)] == ["judge-three"] * 2
    assert visit.target() == "own"
    assert page.locator("[data-ref=target] label").all_inner_texts() == [
        "each its own",
        "both: red",
        "both: blue",
        "both: other",
    ]
    expect(page.locator("[data-ref=error]")).to_be_hidden()
    visit.answered(lambda: page.select_option("[data-ref=model-0]", "judge-mild"))
    pair = {page.input_value(f"[data-ref=model-{place}]") for place in (0, 1)}
    assert pair == {"judge-mild", "judge-steep"}
    assert page.text_content("[data-ref=title-1]") == "Steep"


def ink(visit: Visit) -> tuple[int, int]:
    """How many pixels of the curve are of the accent's blue, and how many of its band."""
    url = visit.page.evaluate("document.querySelector('[data-ref=curve]').toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as image:
        pixels = np.asarray(image.convert("RGBA")).astype(int)
    pixels = pixels[: len(pixels) * 2 // 5]  # without the small maps and their frame
    return tuple(
        int((np.abs(pixels - colour).max(-1) < 4).sum()) for colour in ((59, 91, 219, 255), (227, 223, 214, 255))
    )


def test_where_the_answers_differ_each_picture_says_what_it_is_evidence_for(visit):
    visit.give(RED)
    page = visit.page
    assert [visit.evidence(model) for model in (0, 1)] == ["evidence for cat"] * 2
    assert min(ink(visit)) > 50
    expect(page.locator("[data-ref=apart]")).to_be_hidden()
    visit.answered(lambda: page.select_option("[data-ref=model-1]", "judge-biased"))
    assert visit.evidence(0) == "its own answer: evidence for cat"
    assert visit.evidence(1) == "its own answer: evidence for dog: none here"
    expect(page.locator("[data-ref=third-title]")).to_have_text("Two different answers")
    sides = [page.inner_text(f"[data-ref=end-{name}]") for name in ("first", "middle", "second")]
    assert sides == ["cat: mild", "", "dog: biased"]
    drawn = visit.drawn("difference")
    tinted = drawn[drawn[..., 3] > 0]
    assert len(tinted) > 1000
    assert (tinted[:, 0] > tinted[:, 2]).all()  # where the first one's evidence is; the second has none here
    assert "Evidence for different things is not compared" in page.inner_text("[data-ref=words]")
    assert page.text_content("[data-ref=rank]") == "two different answers"
    assert ink(visit) == (0, 0)  # grey and dashed, without a band
    assert page.get_attribute("[data-ref=track]", "aria-valuetext").endswith("the two maps explain different classes")
    options = page.locator("[data-ref=target] label").all_inner_texts()
    assert options == ["each its own", "both: cat", "both: dog"]
    visit.answered(lambda: page.click("[data-ref=apart] button >> text=dog"))  # one click
    assert visit.target() == "Dog"
    assert [visit.evidence(model) for model in (0, 1)] == [
        "evidence for dog; it says cat: none here",
        "evidence for dog: none here",
    ]
    assert "Both maps show what speaks for dog, the class that was asked about" in page.inner_text("[data-ref=words]")
    visit.answered(lambda: visit.ask_for("own"))
    assert visit.evidence(1).startswith("its own answer: evidence for dog")


@pytest.mark.slow
def test_the_shepherd_is_a_dog_to_the_high_model_and_a_cat_to_the_low_one(browser, tmp_path):
    if not (ROOT / "weights/cats-dogs-vgg16-low/model.keras").is_file():
        pytest.skip("the checkpoints are not there")
    server = start(tmp_path)
    try:
        for options in ({}, PHONE):
            visit = Visit(browser, server.url, **options)
            page = visit.page
            visit.choose("high-low")
            visit.answered(lambda visit=visit: visit.example("dog-shepherd"))
            for model, name in enumerate(("dog", "cat")):
                stage, chip = (page.locator(f"[data-ref={part}-{model}]") for part in ("stage", "evidence"))
                assert chip.inner_text() == f"its own answer: evidence for {name}"
                outer, inner = stage.bounding_box(), chip.bounding_box()
                for start_of, size in (("x", "width"), ("y", "height")):  # it lies on the picture
                    assert outer[start_of] <= inner[start_of]
                    assert inner[start_of] + inner[size] <= outer[start_of] + outer[size]
            assert fits(visit)
            if not options:  # all of it is in view on a small laptop
                box = page.locator("[data-ref=save]").bounding_box()
                assert box["y"] + box["height"] <= 720
                words = page.locator(".tm-words").bounding_box()
                assert words["y"] + words["height"] <= 722
            visit.close()
    finally:
        stop(server)


def test_a_bad_file_is_one_sentence_and_the_next_one_works(visit):
    page = visit.page
    bad = {"name": "my secret name.jpg", "mimeType": "image/jpeg", "buffer": b"this is no picture"}
    page.set_input_files("input[type=file]", bad)
    expect(page.locator("[data-ref=error]")).to_contain_text("This file holds text, not a picture")
    assert "secret" not in page.inner_text(".tm-notices")
    assert page.get_attribute(".tm", "data-state") == "empty"
    visit.give(RED)
    expect(page.locator(".tm-error")).to_be_hidden()
    page.set_input_files("input[type=file]", bad)
    expect(page.locator("[data-ref=error]")).to_contain_text("holds text")
    assert visit.bars(0)[0] == "Cat"  # what was there is still there
    page.click("[data-ref=dismiss]")
    expect(page.locator(".tm-error")).to_be_hidden()


def test_too_large_a_file_is_not_even_sent(visit):
    page = visit.page
    before = len(visit.asked())
    page.evaluate("""() => {
        const t = new DataTransfer();
        t.items.add(new File([new Uint8Array(21 * 2 ** 20)], 'large.png', {type: 'image/png'}));
        document.querySelector('input[type=file]').files = t.files;
        document.querySelector('input[type=file]').dispatchEvent(new Event('change'));
    }""")
    expect(page.locator("[data-ref=error]")).to_contain_text("larger than 20 MB")
    assert len(visit.asked()) == before


def test_a_photo_can_be_dropped_and_pasted_anywhere(visit):
    visit.drop(RED)
    assert visit.bars(0)[0] == "Cat"
    assert visit.page.get_attribute(".tm", "data-dragging") is None
    visit.paste(BLUE)
    assert visit.bars(0)[0] == "Dog"


def test_a_photo_can_be_taken(visit):
    page = visit.page
    page.click("[data-ref=camera2]")  # of the empty page
    expect(page.locator("[data-ref=shoot]")).to_be_enabled()
    page.wait_for_function("document.querySelector('[data-ref=video]').videoWidth > 0")
    visit.answered(lambda: page.click("[data-ref=shoot]"))
    assert visit.bars(0)[0] in ("Cat", "Dog")
    expect(page.locator("[data-ref=camera-dialog]")).to_be_hidden()
    assert page.evaluate("document.querySelector('[data-ref=video]').srcObject") is None  # the camera is off again


def test_a_photo_that_the_server_has_deleted_is_sent_again(visit, server):
    visit.give(picture(red=250))
    page = visit.page
    deleted = [path for path in server.temporary.rglob("photo.png") if path.is_file()]
    assert deleted
    for path in deleted:
        path.unlink()
    before = sum("/upload" in url for url in visit.requests)
    visit.answered(lambda: page.select_option("[data-ref=rule]", "hirescam"))
    assert sum("/upload" in url for url in visit.requests) == before + 1
    expect(page.locator(".tm-error")).to_be_hidden()
    assert page.input_value("[data-ref=rule]") == "hirescam"


@pytest.mark.slow
def test_a_photo_that_is_not_taken_is_given_up_after_a_while(visit):
    """And whoever chooses something else meanwhile does not wait for it."""
    page = visit.page
    page.clock.install()
    page.route("**/upload*", lambda route: None)
    file = {"name": "photo.png", "mimeType": "image/png", "buffer": encoded(RED)}
    page.set_input_files("input[type=file]", file)
    expect(page.locator("[data-ref=status]")).to_have_text("Sending the photo")
    page.clock.run_for(121_000)
    expect(page.locator("[data-ref=error]")).to_have_text("The photo could not be sent; please try again.")
    assert page.get_attribute(".tm", "data-busy") is None
    page.set_input_files("input[type=file]", file)
    expect(page.locator("[data-ref=status]")).to_have_text("Sending the photo")
    visit.example("koala")
    for _ in range(100):
        page.clock.run_for(100)
        if page.locator(SHOWN).count():
            break
        time.sleep(0.1)
    assert page.locator(".tm-examples [aria-pressed=true]").get_attribute("data-id") == "koala"


def test_a_photo_is_sent_once_whatever_is_chosen_meanwhile(visit):
    page = visit.page
    page.route("**/upload*", lambda route: (time.sleep(0.7), route.continue_()))
    page.set_input_files("input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": encoded(RED)})
    page.evaluate("""() => {
        const rule = document.querySelector('[data-ref=rule]');
        rule.value = 'layercam';
        rule.dispatchEvent(new Event('change'));
    }""")
    page.wait_for_selector(SHOWN)
    assert page.input_value("[data-ref=rule]") == "layercam"
    assert visit.bars(0)[0] == "Cat"
    assert sum("/upload" in url for url in visit.requests) == 1
    assert sum("queue/join" in url for url in visit.requests) == 1


def test_single_characters_act_only_where_the_focus_is_in_the_comparison(visit):
    visit.give(RED)
    page = visit.page

    def mode(key: str) -> tuple[str, str]:
        page.keyboard.press(key)
        settle(page)
        return page.get_attribute(".tm", "data-mode"), page.text_content("[data-ref=zoom-reset]")

    page.evaluate("document.activeElement.blur()")
    assert mode("m") == mode("+") == ("overlay", "1×")
    page.focus("[data-ref=choose]")
    assert mode("m") == mode("+") == ("overlay", "1×")
    page.click("[data-ref=stage-0]")
    assert mode("m") == ("map", "1×")
    assert mode("+") == ("map", "1.6×")
    names = [page.get_attribute(f"[data-ref=stage-{name}] .tm-plane", "aria-label") for name in (0, 1, "difference")]
    assert names == [
        "mild's evidence for cat alone, cell by cell",
        "steep's evidence for cat alone, cell by cell",
        "The photo, with the difference of the two maps over it",
    ]
    mode("s")
    assert page.get_attribute("[data-ref=stage-1] .tm-plane", "aria-label") == "The photo as steep saw it"


def test_examples_are_one_click(visit):
    visit.answered(lambda: visit.page.click(".tm-large button:first-child"))
    assert visit.page.locator(".tm-examples [aria-pressed=true]").get_attribute("data-id") == "dog-shepherd"
    assert visit.page.evaluate("document.querySelector('[data-ref=stage-0] img').naturalWidth") == 720


def test_while_it_waits_the_page_is_dimmed_and_says_what_it_does(visit):
    page = visit.page
    page.route("**/queue/join*", lambda route: (time.sleep(0.7), route.continue_()))
    visit.example("dog-shepherd")
    expect(page.locator("[data-ref=status]")).to_have_text("Both models are looking")
    assert page.get_attribute(".tm", "data-state") == "waiting"  # the skeleton, with the photo in it
    assert page.evaluate("document.querySelector('[data-ref=stage-0] img').src").startswith("data:image/webp")
    page.wait_for_selector(SHOWN)
    page.click(".tm-examples > button:nth-of-type(2)")
    assert page.get_attribute(".tm", "data-busy") == ""
    page.click(".tm-examples > button:nth-of-type(3)")  # the last wish counts
    page.wait_for_selector(SHOWN)
    assert page.locator(".tm-examples [aria-pressed=true]").get_attribute("data-id") == "cat-chelsea"
    expect(page.locator(".tm-status")).to_be_hidden()


@pytest.mark.slow
def test_the_saved_png_shows_what_is_on_the_screen(visit, tmp_path):
    visit.give(RED)
    visit.page.click("[data-ref=save]")
    with visit.page.expect_download() as download:
        visit.page.click("[data-ref=save-picture]")
    download.value.save_as(tmp_path / "saved.png")
    assert download.value.suggested_filename == "two-minds_judge-mild-judge-steep_photo-png_cat_gradcam_block-3.png"
    with Image.open(tmp_path / "saved.png") as image:
        saved = np.asarray(image.convert("RGB")).astype(int)
    assert saved.shape[1] == 2400
    assert saved.shape[0] > 1500
    assert len(np.unique(saved.reshape(-1, 3), axis=0)) > 1000
    # the red quarter under viridis' yellow at 60 %
    hot = np.abs(saved - (254, 139, 22)).max(-1) < 25
    left, right = hot[:, :1200].sum(), hot[:, 1200:].sum()
    assert min(left, right) > 1000  # both overlays are in it


def test_all_can_be_reached_by_keys(visit):
    visit.give(RED)
    page = visit.page
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.ref || document.activeElement.value || ''"))
    wanted = {"more", "model-0", "model-1", "choose", "camera", "track", "rule", "opacity", "colours", "accuracy-1"}
    assert wanted | {"save", "third-about", "legend-about", "rank"} <= reached
    assert {"overlay", "pair", "own"} <= reached  # one of a radio group, the others by arrows
    page.focus(".tm-segments input[value=overlay]")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute(".tm", "data-mode") in ("map", "overlay")
    settle(page)
    assert page.get_attribute(".tm", "data-mode") == "map"
    assert visit.place() == 3


def test_every_control_has_a_name(visit):
    visit.give(RED)
    unnamed = visit.page.evaluate("""() => [...document.querySelectorAll('.tm :is(button, select, input, [role])')]
        .filter(node => node.offsetParent && !node.getAttribute('aria-label') && !node.innerText.trim() && !node.alt
            && !node.querySelector('img[alt]:not([alt=""])') && !node.closest('label') && !node.labels?.length)
        .map(node => node.outerHTML.slice(0, 120))""")
    assert unnamed == []
    assert visit.page.get_attribute("[data-ref=track]", "aria-valuetext").startswith("3 of 3: block 3 and block 3")


def fits(visit: Visit) -> bool:
    return visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_on_a_desktop_the_scrubber_is_in_view_and_nothing_sticks_out(browser, server, dark):
    visit = Visit(browser, server.url, color_scheme="dark" if dark else "light")
    assert fits(visit)
    visit.give(RED)
    assert fits(visit)
    page = visit.page
    assert page.evaluate("document.body.classList.contains('dark')") is dark
    for name in ("bars-0", "stage-0", "stage-1", "stage-difference", "evidence-0", "modes", "track", "rule", "save"):
        box = page.locator(f"[data-ref={name}]").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720, name
    for place in range(3):  # all the words are in view
        page.keyboard.press("ArrowLeft")
        settle(page)
        words = page.locator(".tm-words").bounding_box()
        assert words["y"] + words["height"] <= 722, place
    light = page.evaluate("""() => getComputedStyle(document.querySelector('.tm-card')).backgroundColor""")
    assert light == ("rgb(25, 27, 32)" if dark else "rgb(255, 255, 255)")
    visit.close()


def test_on_a_phone_the_scrubber_is_under_the_thumb(phone):
    assert fits(phone)
    phone.give(RED)
    assert fits(phone)
    page = phone.page
    for place in (0, 300, 10_000):
        page.evaluate(f"scrollTo(0, {place})")
        settle(page)
        box = page.locator("[data-ref=track]").bounding_box()
        assert 844 / 2 < box["y"] < box["y"] + box["height"] <= 844
    titles = "() => [...document.querySelectorAll('.tm-result h2')].filter((title) => title.checkVisibility())"
    cut = page.evaluate(f"({titles})().filter((h) => h.scrollWidth > h.clientWidth).map((h) => h.textContent)")
    assert page.evaluate(f"({titles})().length") >= 3
    assert cut == []
    before = len(phone.asked())
    x, y = box["x"] + 50, box["y"] + 20
    page.touchscreen.tap(x, y)
    page.wait_for_timeout(150)
    assert phone.place() == 1
    session = phone.context.new_cdp_session(page)
    points = [(x, "touchStart"), (x + 80, "touchMove"), (box["x"] + box["width"] - 10, "touchMove")]
    for at, kind in points:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(150)
    assert phone.place() == 3
    assert len(phone.asked()) == before
    page.click("button[role=tab]:has-text('About')")
    page.wait_for_selector(".tm-about")
    assert fits(phone)


def test_on_a_small_phone_the_pictures_keep_most_of_the_screen(browser, server):
    visit = Visit(browser, server.url, **PHONE | {"viewport": {"width": 360, "height": 640}})
    assert fits(visit)
    visit.give(RED)
    assert fits(visit)
    assert visit.page.locator(".tm-scrub").bounding_box()["height"] < 130
    small = visit.page.evaluate("""() => [...document.querySelectorAll('.tm :is(button, select, input), .tm label')]
        .filter(node => node.offsetParent && !node.closest('.tm-segments input, .tm-pill, .tm-tiles'))
        .filter(node => Math.min(node.getBoundingClientRect().width, node.getBoundingClientRect().height) < 24)
        .map(node => node.outerHTML.slice(0, 90))""")
    assert small == []
    visit.close()


def test_about_tells_of_the_models_and_of_the_broken_one(visit):
    page = visit.page
    page.click("button[role=tab]:has-text('About')")
    text = page.inner_text(".tm-about")
    for part in (
        "Judge, mild",
        "98.8\N{NO-BREAK SPACE}% ±\N{NO-BREAK SPACE}0.3",
        "broken: The model file of broken is not the one",
        "Grad-CAM++",
        "CC BY-SA",
    ):
        assert part in text
    page.click("button[role=tab]:has-text('Compare')")
    expect(page.locator(".tm-empty h2")).to_be_visible()


def test_a_result_survives_a_look_at_about(visit):
    visit.give(RED)
    page = visit.page
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.click("button[role=tab]:has-text('About')")
    page.wait_for_selector(".tm-about")
    page.click("button[role=tab]:has-text('Compare')")
    expect(page.locator("[data-ref=stage-0]")).to_be_visible()
    assert visit.place() == 2
    assert visit.bars(0)[0] == "Cat"


@pytest.mark.slow
def test_names_from_data_are_never_run(browser, weights, evidence, tmp_path):
    """A checkpoint's title, class names and descriptions are text, whatever they look like."""
    import json
    import shutil

    evil = "<img src=x onerror=window.hacked=1>${window.hacked=1}{{window.hacked=1}}`"
    for model_id in ("judge-mild", "judge-steep"):
        shutil.copytree(weights / model_id, tmp_path / "weights" / model_id)
        card = json.loads((tmp_path / "weights" / model_id / "card.json").read_text())
        card |= {"title": model_id + evil, "description": evil, "classes": [f"Cat{evil}", f"Dog{evil}"]}
        (tmp_path / "weights" / model_id / "card.json").write_text(json.dumps(card))
    server = start(tmp_path, "--weights", str(tmp_path / "weights"), "--evidence", str(evidence))
    try:
        visit = Visit(browser, server.url)
        visit.give(RED)
        assert visit.page.text_content("[data-ref=title-0]") == "Judge-mild" + evil
        assert visit.bars(0)[0] == "Cat" + evil
        visit.page.click("button[role=tab]:has-text('About')")
        assert evil in visit.page.inner_text(".tm-about")
        assert visit.page.evaluate("window.hacked") is None
        visit.close()
    finally:
        stop(server)


@pytest.mark.slow
def test_without_models_the_page_says_what_to_do(browser, empty_server):
    visit = Visit(browser, empty_server.url)
    expect(visit.page.locator(".tm-none h2")).to_have_text("There are no trained models yet")
    assert "python -m training run cats-dogs-effnet-sgd" in visit.page.inner_text(".tm-none pre")
    visit.close()


def test_many_photos_become_a_table_that_begins_with_disagreements(visit):
    page = visit.page
    visit.answered(lambda: visit.give(RED))
    visit.answered(lambda: page.select_option("[data-ref=model-1]", "judge-biased"))  # says dog to what is a bit red
    reds = {"grey.png": picture(), "blue.png": picture(blue=250), "red.png": picture(red=250)}
    files = [{"name": name, "mimeType": "image/png", "buffer": encoded(pixels)} for name, pixels in reds.items()] + [
        {"name": "none.png", "mimeType": "image/png", "buffer": b"no picture"}
    ]
    page.set_input_files("input[type=file]", files)
    expect(page.locator("[data-ref=job-told]")).to_have_text("All 4 looked at")
    rows = [line.split("\t") for line in page.locator("[data-ref=job-table] tbody tr").all_inner_texts()]
    assert rows[-1][0] == "none.png"
    assert "text" in rows[-1][1]
    parted = page.locator("[data-ref=job-table] .tm-parted").count()
    assert 0 < parted < 3
    assert page.inner_text("[data-ref=job-count]") == f"{parted} of 4: they disagree"
    assert {row[3] for row in rows[:parted]} == {"–"}  # of two answers there is no agreement
    page.click("[data-ref=job-filters] label:has([value=disagree])")
    assert page.locator("[data-ref=job-table] tbody tr").count() == parted
    with page.expect_download() as download:
        page.click("[data-ref=job-csv]")
    with open(download.value.path(), newline="") as file:
        told = list(csv.DictReader(file))
    assert len(told) == 2 * 4
    assert [row["disagree"] for row in told] == ["1"] * 2 * parted + ["0"] * 2 * (4 - parted)
    assert told[0]["says"] != told[1]["says"]
    with page.expect_download() as download:
        page.click("[data-ref=job-zip]")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["blue.png", "grey.png", "red.png", "table.csv"]
        rows = list(csv.DictReader(archive.read("table.csv").decode().splitlines()))
        assert [{key: row[key] for key in told[0]} for row in rows] == told
        assert {row["picture"]: row["sheet"] for row in rows} == {name: name for name in reds} | {"none.png": ""}
        sheets = {name: np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in reds}
    assert {sheet.shape for sheet in sheets.values()} == {(346, 798, 3)}  # two of 384 x 288, with words above
    left, right = (sheets["red.png"][60:190, x : x + 180].astype(int) for x in (15, 409))
    assert left.std() > 5  # the photo is covered by its map
    assert (left != right).any()  # each model's own
    visit.answered(lambda: page.click("[data-ref=job-table] .tm-open >> nth=0"))
    assert "photo=" in page.url
    assert [bar.split("\n")[0].lower() for bar in (visit.evidence(0), visit.evidence(1))]
    page.click("[data-ref=job-close]")
    expect(page.locator("[data-ref=job]")).to_be_hidden()


def test_many_photos_can_be_stopped(visit):
    page = visit.page
    file = {"mimeType": "image/png", "buffer": encoded(RED)}
    page.set_input_files("input[type=file]", [{"name": f"{number}.png", **file} for number in range(30)])
    page.wait_for_selector("[data-ref=job-table] tbody tr")
    page.click("[data-ref=job-cancel]")
    expect(page.locator("[data-ref=job-told]")).to_contain_text("Stopped: ")
    before = sum("queue/join" in url for url in visit.requests)
    page.wait_for_timeout(1500)
    assert sum("queue/join" in url for url in visit.requests) <= before + 1 < 30
