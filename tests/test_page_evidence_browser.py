"""The Evidence tab as it is served, with and without the data: in headless Chromium, desk and phone, and over HTTP."""

import io
import itertools
import json
import re
import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from judges import ROOT
from PIL import Image
from playwright.sync_api import expect
from studied import CLAIMS, IDENTITIES, LEFT, MISSING, OTHER, RIGHT, drawn
from test_page_browser import PHONE, RED, SHOWN, Visit, browser  # noqa: F401  browser is a fixture
from test_page_evidence import STRANGE
from test_page_http import ask, get, post

from page.evidence import LISTS, PLOTS
from study.texts.en import TEXTS

pytest_plugins = ["page_fixtures", "evidence_fixtures"]


class Look(Visit):
    """A visit that goes to the Evidence tab."""

    def open(self, experiment: str = "") -> None:
        self.page.click("button[role=tab]:has-text('Evidence')")
        for part in (".tm-plot", ".tm-claim", "[data-ref=models] table"):
            self.page.wait_for_selector(f".tm-evidence {part}")
        if experiment:
            self.choose(experiment)
        self.page.wait_for_selector("[data-ref=pictures-body]")

    def choose(self, experiment: str) -> None:
        self.page.check(f".tm-evidence [data-ref=experiments] input[value={experiment}]", force=True)
        self.page.wait_for_selector(f"[data-ref=plots-body][data-shown='{experiment}']")

    def list(self, name: str) -> list[str]:
        """Choose a list, where there are no pictures by names alone; its identities."""
        if self.page.locator(".tm-by-name:not([open]) > summary").is_visible():
            self.page.click(".tm-by-name > summary")
            self.page.wait_for_selector(".tm-lists")  # it unfolds a moment later
        self.page.check(f".tm-lists input[value={name}]", force=True)
        self.page.wait_for_selector(f"[data-ref=listing][data-shown$=':{name}:0']")
        return [text.strip() for text in self.page.locator(".tm-tested .tm-identity").all_inner_texts()]

    def asks(self) -> int:
        return sum("component_server" in url for url in self.requests)


@pytest.fixture
def bare(browser, bare_server) -> Iterator[Look]:  # noqa: F811
    look = Look(browser, bare_server.url)
    yield look
    look.close()
    assert "Traceback" not in bare_server.log()


@pytest.fixture
def rich(browser, data_server) -> Iterator[Look]:  # noqa: F811
    look = Look(browser, data_server.url)
    yield look
    look.close()
    assert "Traceback" not in data_server.log()


def test_nothing_is_asked_before_the_tab_is_opened_and_once_then(bare):
    page = bare.page
    page.wait_for_timeout(500)
    assert page.locator(".tm-evidence:not(.tm-job)").count() == 0
    before = bare.asks()
    bare.open()
    page.wait_for_timeout(300)
    opened = bare.asks() - before
    assert opened == 3  # models, claims, the pair; its lists where there are pictures
    page.click("button[role=tab]:has-text('Compare')")
    page.click("button[role=tab]:has-text('Evidence')")
    page.wait_for_timeout(300)
    assert bare.asks() - before == opened
    assert page.locator(".tm-plot").count() == len(PLOTS)
    assert page.locator(".tm-evidence .tm-many:visible, .tm-ladder, .tm-jumps [data-jump=many]:visible").count() == 0


def test_plots_of_a_pair_are_drawn_and_named(bare):
    bare.open()
    page = bare.page
    assert page.locator(".tm-plot > svg[role=img][aria-label]").count() == len(PLOTS)
    assert [plot.get_attribute("data-plot") for plot in page.locator(".tm-plot").all()] == list(PLOTS)
    for svg in page.locator(".tm-plot > svg").all():
        box = svg.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 80
    words = page.locator("[data-plot=confusion] svg text").all_text_contents()
    assert any(f"{LEFT} & <b>" in word for word in words)  # as text, not as an element
    ids = page.evaluate("[...document.querySelectorAll('.tm-evidence svg [id]')].map(node => node.id)")
    assert len(ids) == len(set(ids)) > 20
    dangling = page.evaluate("""() => [...document.querySelectorAll('.tm-evidence svg use')]
        .filter(node => !document.getElementById(node.getAttribute('href').slice(1))).length""")
    assert dangling == 0
    used = page.locator(".tm-plot svg use").first.bounding_box()
    assert used["width"] + used["height"] > 0  # a reference that finds its shape


def test_two_columns_at_a_desk_and_the_words_follow_light_and_dark(browser, bare_server):  # noqa: F811
    colours = {}
    for scheme in ("light", "dark"):
        look = Look(browser, bare_server.url, color_scheme=scheme)
        look.open()
        boxes = [plot.bounding_box() for plot in look.page.locator(".tm-plot").all()[:2]]
        assert boxes[0]["y"] == boxes[1]["y"]
        assert boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"]
        script = "getComputedStyle(document.querySelector('[data-plot=roc] svg text')).fill"
        line = "getComputedStyle(document.querySelector('[data-plot=curves] svg [style*=plot-left]')).stroke"
        colours[scheme] = (look.page.evaluate(script), look.page.evaluate(line))
        look.close()
    light, dark = colours["light"], colours["dark"]
    assert sum(map(int, re.findall(r"\d+", light[0])[:3])) < 200 < 600 < sum(map(int, re.findall(r"\d+", dark[0])[:3]))
    assert light[1] != dark[1]


def test_a_plots_data_is_one_click_away(bare, bare_server, studied):
    bare.open()
    page = bare.page
    for button, path in (
        ("[data-plot=agreement] .tm-csv", f"pairs/{LEFT}--{RIGHT}/agreement.csv"),
        ("[data-claim=low-dead] .tm-csv", "claims/low-dead.csv"),
    ):
        with page.expect_download() as waiting:
            page.click(button)
        assert waiting.value.suggested_filename.endswith(".csv")
        with open(waiting.value.path()) as file:
            assert file.read() == (studied.evidence / path).read_text()


def test_claims_are_told_by_word_and_shape(bare):
    bare.open()
    page = bare.page
    marks = {}
    for claim in CLAIMS:
        card = page.locator(f"[data-claim={claim['id']}]")
        expect(card.locator("h4")).to_have_text(TEXTS["evidence_claims"][claim["id"]][0])
        mark = card.locator(".tm-verdict")
        marks[claim["id"]] = (mark.inner_text(), mark.locator("svg").inner_html())
    assert [word for word, _ in marks.values()] == [
        "holds",
        "does not hold",
        "too few to tell",
        "nothing to tell",
        "cannot be told",
        "cannot be told",
    ]
    assert len({shape for _, shape in marks.values()}) == 3
    assert "0.035, 95 % interval 0.020 to 0.049" in page.inner_text("[data-claim=low-dead]")
    assert "Not judged" in page.inner_text("[data-claim=high-face]")
    assert page.locator("[data-claim=low-dead] > svg").count() == 1
    measured = page.locator("[data-ref=plots-body] > .tm-fine")
    expect(measured.locator("strong").last).to_have_text("too few to tell")
    assert "*" not in measured.inner_text()
    page.click("[data-ref=claims] .tm-rule summary")
    assert "cannot be told when the margin lies within" in page.inner_text("[data-ref=claims] .tm-rule")


def test_models_stand_in_a_table_with_heads(bare):
    bare.open()
    table = bare.page.locator("[data-ref=models] table")
    assert table.locator("thead th[scope=col]").all_inner_texts() == ["Model", "Training", "Validation", "Test"]
    first = table.locator("tbody").first
    assert first.locator("th[scope=rowgroup] strong").inner_text() == "Judge, mild"
    assert first.locator("th[scope=row]").all_inner_texts() == ["ours", "original"]
    assert "98.48 to 99.12" in first.inner_text()
    assert "94.56" in first.inner_text()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_figures_of_models_are_text_that_nothing_lies_over(browser, bare_server, options):  # noqa: F811
    look = Look(browser, bare_server.url, **options)
    look.open()
    crossed = look.page.evaluate("""() => [...document.querySelectorAll('[data-ref=models] td')].flatMap(cell => {
        const spans = [...cell.querySelectorAll('span')];
        const rects = spans.map(span => {
            const range = document.createRange();
            range.selectNodeContents(span);
            return [...range.getClientRects()]; });
        const meets = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
        const drawn = spans.filter(span => getComputedStyle(span, '::before').position === 'absolute');
        const met = spans.filter((_, i) => rects.slice(i + 1).flat().some(b => rects[i].some(a => meets(a, b))));
        return [...drawn, ...met].map(span => span.outerHTML); })""")
    assert look.page.locator("[data-ref=models] td .tm-interval").count() > 1
    look.close()
    assert crossed == []


def test_lists_without_data_offer_the_free_examples(bare):
    bare.open()
    page = bare.page
    assert bare.list("right_wrong") == ["cat/3", "cat/2"]
    row = page.locator(".tm-tested tbody tr").first
    assert row.locator("td").first.inner_text() == "Cat"
    assert "wrong" in row.locator("td").nth(1).text_content()
    assert row.locator("td").nth(3).inner_text() == "−0.20"
    assert page.locator(".tm-tested img, .tm-tested button").count() == 0
    assert "not be passed on" in page.inner_text("[data-ref=free]")
    free, counts = page.locator("[data-ref=freely]").bounding_box(), page.locator("[data-ref=counts]").bounding_box()
    assert free["y"] < counts["y"] < page.locator(".tm-by-name").bounding_box()["y"]
    told = dict(reversed(line.split(" ", 1)) for line in page.locator("[data-ref=counts] li").all_inner_texts())
    assert told["steep is wrong"] == "2"
    bare.choose("luck")
    bare.answered(lambda: page.click("[data-ref=freely] button >> nth=1"))
    assert page.get_attribute("button[role=tab]:has-text('Compare')", "aria-selected") == "true"
    assert bare.experiment() == "Luck?"
    assert page.text_content("[data-ref=title-1]") == "Mild, seed 2"


def test_long_lists_have_pages(bare):
    bare.open()
    page = bare.page
    assert len(bare.list("unsure")) == 12
    expect(page.locator(".tm-pager")).to_contain_text("1 to 12 of 14")
    expect(page.locator(".tm-pager button").first).to_be_disabled()
    page.locator(".tm-pager button", has_text="Next").press("Enter")
    expect(page.locator(".tm-pager")).to_contain_text("13 to 14 of 14")
    assert page.locator(".tm-tested tbody tr").count() == 2
    assert page.evaluate("document.activeElement.textContent") == "Previous"  # the keyboard is not lost
    page.keyboard.press("Enter")
    expect(page.locator(".tm-pager")).to_contain_text("1 to 12 of 14")


def test_pairs_without_evidence_say_how_it_is_made(bare):
    bare.open()
    bare.choose("luck")
    assert "Heads and animals" in bare.page.inner_text(".tm-lacking")
    bare.choose("bare")
    page = bare.page
    assert "have not been compared yet" in page.inner_text(".tm-lacking")
    command = f"python -m study compare {RIGHT} judge-biased --data-dir DIR --heads-dir DIR"
    assert page.locator(".tm-lacking pre").text_content() == command
    assert page.locator(".tm-plot").count() == 0
    expect(page.locator("[data-ref=no-lists]")).to_be_visible()
    expect(page.locator(".tm-by-name")).to_be_hidden()
    bare.choose("pair")
    assert page.locator(".tm-plot").count() == len(PLOTS)
    expect(page.locator(".tm-by-name")).to_be_visible()


def test_a_failing_server_is_a_sentence_and_trying_again_helps(bare):
    page = bare.page
    page.route("**/component_server**", lambda route: route.abort())
    page.click("button[role=tab]:has-text('Evidence')")
    expect(page.locator(".tm-trouble")).to_have_count(3)  # models, claims, plots
    bare.complaints.clear()  # the browser tells of requests that were cut off
    page.unroute("**/component_server**")
    for button in page.locator(".tm-trouble button").all()[::-1]:
        button.click()
    page.wait_for_selector(".tm-evidence .tm-plot")
    expect(page.locator(".tm-trouble")).to_have_count(0)


def test_with_data_pictures_are_shown_and_open_in_compare(rich):
    rich.open("luck")
    page = rich.page
    rich.choose("pair")
    identities = rich.list("unsure")
    page.wait_for_selector(".tm-tested img")
    assert page.locator(".tm-tested img").count() == sum(identity not in (OTHER, MISSING) for identity in identities)
    assert page.locator(f".tm-tested th[data-identity='{OTHER}']").inner_text().startswith("Another edition")
    assert page.locator(f".tm-tested th[data-identity='{MISSING}']").inner_text().startswith("Not in the data folder")
    assert page.locator(f".tm-tested th[data-identity='{OTHER}'] button").count() == 0
    expect(page.locator("[data-ref=free]")).to_be_hidden()
    rich.list("disagree")
    page.wait_for_selector(".tm-tested img")
    rich.answered(lambda: page.click("button[aria-label='Open dog/4 in Compare']"))
    assert page.get_attribute("button[role=tab]:has-text('Compare')", "aria-selected") == "true"
    assert [rich.bars(place)[0] for place in (0, 1)] == ["Dog", "Dog"]  # what the judges say of its blue
    assert page.text_content("[data-ref=title-0]") == "Mild"
    assert page.text_content("[data-ref=title-1]") == "Steep"
    page.click("button[role=tab]:has-text('Evidence')")
    assert page.locator(".tm-lists input:checked").get_attribute("value") == "disagree"
    rich.answered(lambda: page.click("button[aria-label='Open cat/2 in Compare']"))
    assert rich.bars(0)[0] == "Cat"
    page.wait_for_selector(SHOWN)


@pytest.mark.parametrize("served", ["bare_server", "data_server"])
def test_a_phone_shows_one_column_and_never_scrolls_sideways(browser, served, request):  # noqa: F811
    look = Look(browser, request.getfixturevalue(served).url, **PHONE)
    look.open()
    page = look.page
    for name in LISTS:
        look.list(name)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    boxes = [plot.bounding_box() for plot in page.locator(".tm-plot").all()[:2]]
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
    outside = page.evaluate("""() => [...document.querySelectorAll('.tm-evidence *')].filter(node =>
        !node.closest('svg') && node.getClientRects().length && !node.closest('.tm-hidden')
        && (node.getBoundingClientRect().right > 391 || node.getBoundingClientRect().left < -1)
        && getComputedStyle(node).position !== 'absolute').map(node => node.outerHTML.slice(0, 80))""")
    assert outside == []
    for experiment in ("luck", "bare"):
        look.choose(experiment)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    look.close()


def test_keyboard_and_screen_readers_find_everything(rich):
    rich.open()
    page = rich.page
    page.wait_for_selector(".tm-tested img")
    unnamed = page.evaluate("""() => [...document.querySelectorAll('.tm-evidence :is(button, select, input, svg, img)')]
        .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.length
            || node.getAttribute('aria-hidden') || node.getAttribute('alt') === '' || node.closest('[aria-hidden]')))
        .map(node => node.outerHTML.slice(0, 90))""")
    assert unnamed == []
    levels = page.evaluate("""() => [...document.querySelectorAll('h1, .tm-evidence :is(h2, h3, h4)')]
        .filter(node => node.offsetParent || node.tagName === 'H1').map(node => Number(node.tagName[1]))""")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    page.focus(".tm-lists input:checked")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement.checked")
    page.click(".tm-jumps button:has-text('Test pictures')")
    expect(page.locator("[data-ref=pictures] > h3")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.textContent") == "Test pictures"


def test_the_evidence_is_read_by_the_page_itself_alone(bare, studied):
    """No picture of the data set travels where there is none to show; what travels is the lists' numbers."""
    answers = []
    bare.page.on("response", lambda response: answers.append(response) if "component_server" in response.url else None)
    bare.open()
    bare.list("unsure")
    messages = [json.loads(response.text()) for response in answers]
    rows = [row["identity"] for message in messages if "rows" in message for row in message["rows"]]
    assert set(rows) <= set(IDENTITIES)
    assert "data:image/jpeg" not in json.dumps(messages)
    assert str(studied.evidence) not in json.dumps(messages)


# --- read from the top ------------------------------------------------------------------------------------------------


def test_verdicts_stand_at_the_top_a_line_each(bare):
    bare.open()
    page = bare.page
    lines = page.locator(".tm-verdicts [data-verdict-of]:visible")
    ids = [claim["id"] for claim in CLAIMS if (claim["left"], claim["right"]) == (LEFT, RIGHT)]
    assert lines.evaluate_all("all => all.map(node => node.dataset.verdictOf)") == ids
    for line in lines.all():
        inside = line.bounding_box()
        assert inside["y"] + inside["height"] <= 720
        assert inside["height"] < 60
    assert page.inner_text(".tm-tally").startswith("1 holds · 1 does not hold · ")
    order = [page.locator(f"[data-ref={name}]").first.bounding_box()["y"] for name in ("verdicts", "plots", "claims")]
    assert order == sorted(order)
    page.click(".tm-verdicts .tm-sentence >> nth=1")
    expect(page.locator(f"[data-claim={CLAIMS[1]['id']}]")).to_be_in_viewport()
    bare.choose("luck")
    assert page.inner_text(".tm-tally").startswith("The original experiments claim nothing of these two")
    assert f"Claims of other experiments ({len(CLAIMS)})" in page.inner_text(".tm-verdicts")
    unjudged = page.locator(".tm-unjudged")
    unjudged.locator("summary").click()
    assert unjudged.locator("dt").count() == unjudged.locator("dd").count() > 3
    assert "a person is in the picture" in unjudged.locator("dt").first.inner_text()
    expect(unjudged.locator("dd").first).to_have_text("It is not known in which of the pictures people are.")


@pytest.mark.slow
def test_from_a_claim_to_a_picture_and_back_to_the_same_place(rich):
    rich.open("pair")
    page = rich.page
    page.wait_for_selector(".tm-verdicts .tm-link")
    rich.answered(lambda: page.click(".tm-verdicts .tm-link >> nth=0"))
    assert rich.experiment() == "Mild or steep?"
    assert page.get_attribute("#tm-compare-button", "aria-selected") == "true"
    seen = page.evaluate("location.hash")
    assert page.get_attribute(".tm", "data-mode") == "features"  # the claim is of dead channels, over all layers
    assert "depth=0.5" in seen
    assert rich.place() == 2
    page.go_back()
    expect(page.locator(".tm-verdicts")).to_be_visible()
    rich.list("disagree")
    page.wait_for_selector(".tm-tested img")
    page.evaluate("document.querySelector('.tm-tested').scrollIntoView()")
    page.wait_for_timeout(200)
    place = page.evaluate("scrollY")
    assert place > 400
    rich.answered(lambda: page.click("button[aria-label='Open dog/4 in Compare']"))
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == place
    assert page.locator(".tm-lists input:checked").get_attribute("value") == "disagree"
    page.go_forward()
    page.wait_for_selector(SHOWN)
    page.click("#tm-evidence-button")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == place
    page.reload()
    page.wait_for_selector(".tm-evidence .tm-plot")
    page.wait_for_timeout(800)
    assert page.evaluate("scrollY") == pytest.approx(place, abs=400)


def test_there_is_one_experiment_for_the_whole_page(bare):
    page = bare.page
    bare.answered(lambda: bare.example("cow"))
    bare.answered(lambda: page.select_option("[data-ref=more]", "luck"))
    bare.open()
    assert page.locator(".tm-evidence [data-ref=experiments] input:checked").get_attribute("value") == "luck"
    bare.choose("pair")
    bare.answered(lambda: page.click("#tm-compare-button"))
    assert bare.experiment() == "Mild or steep?"
    assert page.text_content("[data-ref=title-1]") == "Steep"
    bare.answered(lambda: page.select_option("[data-ref=more]", "luck"))
    page.click("#tm-evidence-button")
    page.wait_for_selector("[data-ref=plots-body][data-shown='luck']")


# --- for everybody ----------------------------------------------------------------------------------------------------


def violations(page) -> list[tuple[str, str]]:
    """What axe-core finds, by all its rules: WCAG 2.2 A and AA, and best practice."""
    found = Axe().run(page).response["violations"]
    return [(each["id"], node["html"][:160]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param("desk", False, id="desk-light"),
        pytest.param("phone", True, id="phone-dark", marks=pytest.mark.slow),
        pytest.param("desk", True, id="desk-dark", marks=pytest.mark.slow),
        pytest.param("phone", False, id="phone-light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_on_any_tab(browser, data_server, dark, size):  # noqa: F811
    options = PHONE if size == "phone" else {}
    look = Look(browser, data_server.url, color_scheme="dark" if dark else "light", reduced_motion="reduce", **options)
    page = look.page
    found = {"empty": violations(page)}
    look.give(RED)
    found["result"] = violations(page)
    page.click(".tm-segments label:has-text('features')")
    page.wait_for_timeout(150)
    found["features"] = violations(page)
    if size == "phone":
        page.click("[data-ref=fold]")
    page.click("[data-ref=save]")
    found["save"] = violations(page)
    page.keyboard.press("Escape")
    look.open()
    page.wait_for_selector(".tm-tested img")
    found["evidence"] = violations(page)
    page.click("#tm-about-button")
    page.wait_for_selector(".tm-about")
    found["about"] = violations(page)
    look.close()
    assert {name: each for name, each in found.items() if each} == {}


def ink(locator) -> float:
    """How far what is drawn there stands out from its ground, 0 to 255."""
    with Image.open(io.BytesIO(locator.screenshot())) as image:
        grey = np.asarray(image.convert("L")).astype(float)
    return float(np.abs(grey - np.median(grey)).max())


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_forced_colours_leave_bars_slider_curve_and_choices(browser, data_server, scheme):  # noqa: F811
    look = Look(browser, data_server.url, forced_colors="active", color_scheme=scheme)
    look.give(RED)
    page = look.page
    bars = page.locator("[data-ref=bars-0] i")
    for place in range(2):
        assert ink(bars.nth(place)) > 60
    for part in ("[data-ref=opacity]", "[data-ref=curve]"):
        assert ink(page.locator(part)) > 100, part
    grounds = page.locator("[data-ref=modes] label").evaluate_all(
        "all => all.map(node => getComputedStyle(node).backgroundColor)"
    )
    assert grounds.count(grounds[1]) == len(grounds) - 1  # the chosen one has another
    look.close()


# --- over HTTP --------------------------------------------------------------------------------------------------------


def call(server, name: str, asked: object) -> dict:
    config = json.loads(get(server.url + "config")[1])
    views = [
        component
        for component in config["components"]
        if "rules" in component["props"].get("props", {}).get("catalog", {})
    ]
    view = next(component["id"] for component in views if "page" in component["props"]["props"]["catalog"])
    body = {"data": asked, "component_id": view, "fn_name": name, "session_hash": uuid.uuid4().hex}
    status, text = post(server.url + "gradio_api/component_server", body)
    return json.loads(text) if status == 200 else {"kind": "error", "status": status}


def test_the_page_is_served_without_what_the_tab_shows(data_server):
    text = get(data_server.url + "config")[1]
    assert "evidence" in text.lower()
    assert "This <b>holds" not in text
    assert "cat/3" not in text
    assert str(data_server.temporary) not in text


def test_a_stranger_gets_what_is_on_a_list_and_nothing_else(data_server, studied):
    canary = studied.data / "PetImages" / "Cat" / "99.jpg"
    canary.write_bytes(drawn("cat/30"))
    try:
        assert call(data_server, "table", {"experiment": "pair", "plot": "roc"})["csv"].startswith("model,")
        assert call(data_server, "thumbnails", {"identities": ["cat/1"]})["thumbnails"]["cat/1"]["src"]
        for name, asked in [
            *STRANGE,
            ("thumbnails", {"identities": ["cat/99"]}),
            ("picture", "cat/1"),
            ("__init__", {}),
        ]:
            answer = call(data_server, name, asked)
            assert answer["kind"] == "error", (name, asked)
            assert str(ROOT) not in json.dumps(answer)
        opened = data_server.opened()
        assert [path for path in opened if path.endswith("Cat/1.jpg")]
        assert not [path for path in opened if path.endswith(("99.jpg", "etc/passwd", "one.csv"))]
    finally:
        canary.unlink()
    assert "Traceback" not in data_server.log()


CHOICE = {"ask": 1, "models": [LEFT, RIGHT], "rule": "gradcam", "target": "own"}


def test_compare_opens_a_test_picture_by_its_identity(data_server):
    answer = ask(data_server, CHOICE | {"example": "dog/2"})
    assert answer["kind"] == "result"
    assert answer["models"][0]["bars"][0]["name"] == "Dog"
    assert (answer["picture"]["width"], answer["picture"]["height"]) == (80, 60)


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        ("cat/8", "unknown_example"),
        ("../../cat/1", "unknown_example"),
        ("PetImages/Cat/1.jpg", "unknown_example"),
        ("/etc/passwd", "unknown_example"),
        (OTHER, "evidence_other_edition"),
        (MISSING, "evidence_no_file"),
    ],
)
def test_compare_opens_no_other(data_server, identity, code):
    assert ask(data_server, CHOICE | {"example": identity})["code"] == code


def test_compare_opens_none_without_data(bare_server):
    assert ask(bare_server, CHOICE | {"example": "dog/2"})["code"] == "evidence_no_data"
    answer = call(bare_server, "listed", {"experiment": "pair", "list": LISTS[0]})
    assert [row["identity"] for row in answer["rows"]] == ["cat/3", "dog/4"]
    assert "Traceback" not in bare_server.log()
