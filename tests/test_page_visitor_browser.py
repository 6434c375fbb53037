"""The page as a first-time visitor meets it, in headless Chromium: what it is, what is explained, where to go on."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from judges import EXPERIMENTS, STARTING, Server, again, colour_judge, encoded, picture, ship, start, stop, wait_until
from PIL import Image, ImageCms
from playwright.sync_api import expect
from studied import save
from test_page_browser import BLUE, PHONE, RED, SHOWN, Visit, browser, fits, settle  # noqa: F401  browser is a fixture
from test_pictures import DISPLAY_P3, GAMMA_22, rgb_profile

from explain.pictures import read

pytest_plugins = ["page_fixtures"]
ROOMS = {
    "laptop": {"viewport": {"width": 1280, "height": 720}},
    "small": {"viewport": {"width": 1024, "height": 600}},
    "zoomed": {"viewport": {"width": 640, "height": 360}},  # 1280 x 720 at 200 %
    "phone": PHONE,
}


@pytest.fixture(scope="module")
def twin_server(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with two networks that began with the same weights, of which it is known how rarely they disagree."""
    folder = tmp_path_factory.mktemp("twins")
    began = {"initial_weights": "drawn once"}
    rng = np.random.default_rng(0)
    for name, seed in (("mild", 1), ("steep", 2), ("biased", 6)):
        model_id = f"judge-{name}"
        ship(
            folder,
            model_id,
            f"Judge, {name}",
            colour_judge(seed, {"steep": 40.0}.get(name, 4.0), bias=3.0 * (name == "biased")),
        )
        path = folder / model_id / "card.json"
        card = json.loads(path.read_text())
        if name != "biased":
            card |= began
            card["recipe"]["model"] = {"name": "judge", "weights": "drawn"}
        card["recipe"]["optimizer"] = {"name": name}  # no two trainings of one recipe
        path.write_text(json.dumps(card))
        keys = np.array([f"cat/{k}" for k in range(400)])
        dogs = np.full(400, 0.1)
        dogs[: {"mild": 3, "steep": 0, "biased": 400}[name]] = 0.9
        save(
            folder / model_id / "evaluation/predictions.npz",
            identities=keys,
            digests=keys,
            labels=rng.integers(0, 2, 400),
            probabilities=np.stack([1 - dogs, dogs], 1),
        )
    entries = [EXPERIMENTS[0] | {"question": "**One** thing differs?"}]
    entries += [
        {"id": "apart", "title": "Mild or biased?", "question": "Why?", "models": ["judge-mild", "judge-biased"]}
    ]
    (folder / "experiments.json").write_text(json.dumps(entries))
    work = tmp_path_factory.mktemp("twin-server")
    server = start(work, "--weights", str(folder), "--evidence", str(evidence))
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)


@pytest.fixture
def visit(browser, twin_server) -> Iterator[Visit]:  # noqa: F811
    visit = Visit(browser, twin_server.url)
    yield visit
    visit.close()


def box(visit: Visit, selector: str) -> dict[str, float]:
    return visit.page.locator(selector).first.bounding_box()


# --- what it is -------------------------------------------------------------------------------------------------------


def test_the_empty_page_says_what_the_models_know_and_shows_the_experiments(visit):
    page = visit.page
    assert "They know only cat and dog" in page.inner_text(".tm-lead")
    cards = page.locator(".tm-experiment")
    assert cards.locator(".tm-pick > strong").all_inner_texts() == ["Mild or steep?", "Mild or biased?"]
    assert cards.locator(".tm-asks").all_inner_texts() == ["One thing differs?", "Why?"]
    for image in cards.locator(".tm-seen > span").all():
        assert image.evaluate("node => getComputedStyle(node).backgroundImage").startswith('url("data:image/')
    assert cards.first.locator(".tm-seen").inner_text().split() == ["Mild", "Steep"]
    assert page.get_attribute(".tm-experiment[data-id=pair] .tm-pick", "aria-pressed") == "true"
    visit.choose("apart")
    assert page.get_attribute(".tm-experiment[data-id=apart] .tm-pick", "aria-pressed") == "true"
    assert page.inner_text("[data-ref=neither] h4").startswith("None of these: what will they say?")
    expect(page.locator("[data-ref=rarely]")).to_have_text(
        "The two give different answers to 397 of 400 test pictures."
    )
    visit.choose("pair")
    expect(page.locator("[data-ref=rarely]")).to_have_text("The two give different answers to 3 of 400 test pictures.")


def test_the_question_stands_in_every_state(visit):
    page = visit.page
    page.route("**/queue/join*", lambda route: (time.sleep(0.6), route.continue_()))
    expect(page.locator(".tm-asks").first).to_have_text("One thing differs?")
    visit.example("cow")
    page.wait_for_selector(".tm[data-state=waiting]")
    question = page.locator("[data-ref=question]")
    expect(question).to_be_visible()
    expect(question).to_have_text("One thing differs?")
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")
    expect(question).to_be_visible()
    visit.answered(lambda: visit.choose("apart"))
    expect(question).to_have_text("Why?")
    visit.answered(lambda: visit.choose("free"))
    expect(question).to_contain_text("Any two models")
    assert page.inner_text(".tm-known").startswith("They know only cat and dog")


def test_what_shows_none_of_the_classes_is_said_to_show_none(visit):
    visit.answered(lambda: visit.example("cow"))
    words = visit.page.inner_text("[data-ref=words]")
    assert "The picture shows none of these: the models can only choose between cat and dog." in words
    assert "right" not in words
    visit.answered(lambda: visit.example("cat-yarn"))
    assert "none of these" not in visit.page.inner_text("[data-ref=words]")


# --- what is explained ------------------------------------------------------------------------------------------------


def test_a_class_chosen_by_hand_does_not_stay_when_picture_or_models_change(visit):
    visit.give(RED)
    visit.answered(lambda: visit.ask_for("Dog"))
    for model in (0, 1):
        assert visit.evidence(model).startswith("evidence for dog; it says cat")
    assert "the class that was asked about" in visit.page.inner_text("[data-ref=words]")
    visit.give(picture(red=250))
    assert visit.target() == "own"
    assert [visit.evidence(model) for model in (0, 1)] == ["evidence for cat"] * 2
    visit.answered(lambda: visit.ask_for("Dog"))
    visit.answered(lambda: visit.choose("apart"))
    assert visit.target() == "own"
    assert visit.evidence(1).startswith("its own answer: evidence for dog")
    visit.answered(lambda: visit.ask_for("Cat"))
    visit.answered(lambda: visit.page.select_option("[data-ref=rule]", "layercam"))
    assert visit.target() == "Cat"  # the same picture, the same models


# --- feature maps -----------------------------------------------------------------------------------------------------


def test_feature_maps_are_a_view_of_the_stages_and_the_same_channels_stand_at_the_same_place(visit):
    visit.give(RED)
    page = visit.page
    before = len(visit.asked())
    page.focus("[data-ref=track]")
    page.keyboard.press("f")
    expect(page.locator(".tm")).to_have_attribute("data-mode", "features")
    tiles = [page.locator(f"[data-ref=tiles-{place}] button") for place in (0, 1)]
    assert tiles[0].count() == tiles[1].count() == 8
    numbers = [
        [name.split()[1] for name in side.evaluate_all("all => all.map(node => node.ariaLabel)")] for side in tiles
    ]
    assert numbers[0] == numbers[1]
    assert all(text.startswith(("alike", "silent")) for text in tiles[1].locator(":scope > span").all_inner_texts())
    for place in (0, 1):
        stage, tile = box(visit, f"[data-ref=stage-{place}]"), tiles[place].last.bounding_box()
        assert stage["y"] <= tile["y"] < tile["y"] + tile["height"] <= stage["y"] + stage["height"] + 1 <= 720
    assert page.inner_text("[data-ref=legend]") == "How alike the same channels are, layer by layer"
    seen = {tiles[0].nth(1).locator("canvas").evaluate("node => node.toDataURL()")}
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(150)
    seen.add(tiles[0].nth(1).locator("canvas").evaluate("node => node.toDataURL()"))
    assert len(seen) == 2  # the scrubber drives them
    tiles[1].nth(2).click()
    settle(page)
    assert page.inner_text("[data-ref=third-title]").endswith("in both")
    pressed = [side.nth(2).get_attribute("aria-pressed") for side in tiles]
    assert pressed == ["true", "true"]
    page.click("label:has-text('each its most important')")
    settle(page)
    assert page.inner_text("[data-ref=third-title]").endswith("of steep")
    assert all(text.startswith("no. ") for text in tiles[1].locator(":scope > span").all_inner_texts())
    page.click(".tm-segments label:has-text('overlay')")
    assert tiles[0].count() == 0 or not tiles[0].first.is_visible()
    assert len(visit.asked()) == before


def test_what_did_not_begin_alike_shows_each_its_own_channels(visit):
    visit.choose("apart")
    visit.give(RED)
    page = visit.page
    page.click(".tm-segments label:has-text('features')")
    expect(page.locator("[data-ref=channel-choice]")).to_be_hidden()
    assert "no known counterpart" in page.inner_text("[data-ref=words]")
    assert page.inner_text("[data-ref=legend]") == "How alike the two maps are, layer by layer"


# --- the difference ---------------------------------------------------------------------------------------------------


def test_the_difference_has_a_scale_and_nothing_lies_over_it(visit):
    visit.give(RED)
    page = visit.page
    limits = set()
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
        settle(page)
        first, second = (page.inner_text(f"[data-ref=end-{name}]") for name in ("first", "second"))
        assert first.endswith("× more mild")
        assert second == first.replace("mild", "steep")
        limits.add(first)
    expect(page.locator("[data-ref=ends-bar]")).to_be_visible()
    over = page.evaluate("""() => {
        const stage = document.querySelector('[data-ref=stage-difference]'), box = stage.getBoundingClientRect();
        const found = new Set();
        for (let x = 0.02; x < 1; x += 0.06) for (let y = 0.02; y < 1; y += 0.06) {
            const node = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
            if (!stage.querySelector('.tm-plane').contains(node) && node !== stage) found.add(node.className);
        }
        return [...found];
    }""")
    assert over == []


# --- the first screen -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("experiment", ["pair", "apart"])
def test_on_the_first_screen_are_both_overlays_the_class_the_curve_and_the_way_to_feature_maps(
    browser,  # noqa: F811
    twin_server,
    experiment,
    dark,
):
    visit = Visit(browser, twin_server.url, color_scheme="dark" if dark else "light")
    visit.choose(experiment)
    visit.give(RED)
    assert visit.page.evaluate("scrollY") == 0
    names = [
        "stage-0",
        "stage-1",
        "stage-difference",
        "evidence-0",
        "evidence-1",
        "track",
        "modes",
        "question",
        "knows",
    ]
    for name in names[:-1]:
        inside = box(visit, f"[data-ref={name}]")
        assert 0 <= inside["y"] < inside["y"] + inside["height"] <= 720, name
    sizes = {round(box(visit, f"[data-ref=stage-{name}]")["y"]) for name in (0, 1, "difference")}
    assert max(sizes) - min(sizes) <= 2  # in one line
    assert box(visit, "[data-ref=curve]")["height"] >= 120
    expect(visit.page.locator("label:has-text('features')")).to_be_visible()
    visit.close()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in ("laptop", "small") else ()) for name in ROOMS]
)
def test_the_scrubber_panel_never_covers_the_pictures(browser, twin_server, name):  # noqa: F811
    visit = Visit(browser, twin_server.url, **ROOMS[name])
    page = visit.page
    page.set_input_files("input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": encoded(RED)})
    page.wait_for_selector(".tm[data-state=result]:not([data-busy])")
    page.wait_for_timeout(500)
    assert fits(visit)
    sticky = page.evaluate("getComputedStyle(document.querySelector('.tm-panel')).position") == "sticky"
    limit = box(visit, ".tm-panel")["y"] if sticky else page.viewport_size["height"]
    for place in (0, 1):
        stage = box(visit, f"[data-ref=stage-{place}]")
        assert stage["y"] >= 0, name
        assert stage["y"] + stage["height"] <= limit + 1, name
        assert stage["height"] > 90, name
    track = box(visit, "[data-ref=track]")
    assert track["y"] + track["height"] <= page.viewport_size["height"]
    visit.close()


def test_where_little_is_left_all_controls_are_behind_one_button(browser, twin_server):  # noqa: F811
    visit = Visit(browser, twin_server.url, **PHONE)
    visit.give(RED)
    page = visit.page
    expect(page.locator("[data-ref=rule]")).to_be_hidden()
    page.tap("[data-ref=fold]")
    for name in ("rule", "colours", "opacity", "save"):
        expect(page.locator(f"[data-ref={name}]")).to_be_visible()
    assert page.get_attribute("[data-ref=fold]", "aria-expanded") == "true"
    page.tap("[data-ref=fold]")
    expect(page.locator("[data-ref=rule]")).to_be_hidden()
    visit.close()


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_term_is_explained_by_hover_and_by_focus_where_it_stands(visit):
    visit.give(RED)
    page = visit.page
    note = page.locator(".tm-tip")
    expect(note).to_be_hidden()
    page.hover("[data-ref=third-about]")
    expect(note).to_contain_text("1× is the heat that a map has everywhere that is spread evenly")
    page.mouse.move(5, 5)
    expect(note).to_be_hidden()
    page.focus("[data-ref=track]")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.dataset.ref") == "rank"
    expect(note).to_contain_text("Spearman's rank correlation")
    assert page.get_attribute("[data-ref=rank]", "aria-describedby") == note.get_attribute("id")
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    page.hover("[data-ref=accuracy-0]")
    expect(note).to_contain_text("4,000 test pictures it never saw; 95 % interval")


def test_a_term_is_explained_by_touch(browser, twin_server):  # noqa: F811
    visit = Visit(browser, twin_server.url, **PHONE)
    visit.give(RED)
    page = visit.page
    note = page.locator(".tm-tip")
    for name, text in (
        ("accuracy-1", "test pictures"),
        ("legend-about", "Each point is a layer"),
        ("rank", "rank corr"),
    ):
        page.tap(f"[data-ref={name}]")
        expect(note).to_contain_text(text)
        inside = note.bounding_box()
        assert 0 <= inside["x"] < inside["x"] + inside["width"] <= 390
    page.tap("[data-ref=bars-0]")
    expect(note).to_be_hidden()
    visit.close()


# --- hairlines and shapes ---------------------------------------------------------------------------------------------


def test_hairlines_stay_thin_in_the_zoom_and_leave_with_the_finger(browser, twin_server):  # noqa: F811
    visit = Visit(browser, twin_server.url)
    visit.give(RED)
    page = visit.page
    stage, plane = box(visit, "[data-ref=stage-0]"), box(visit, "[data-ref=stage-0] .tm-plane")
    page.mouse.dblclick(stage["x"] + 50, stage["y"] + 50)
    page.wait_for_function(
        "width => document.querySelector('[data-ref=stage-0] .tm-plane').getBoundingClientRect().width > width",
        arg=plane["width"] + 1,
    )
    page.mouse.move(stage["x"] + 60, stage["y"] + 60)
    page.wait_for_timeout(150)
    line = box(visit, "[data-ref=stage-0] .tm-v")
    assert line["width"] == 1
    assert line["x"] == pytest.approx(stage["x"] + 60, abs=1.5)
    visit.close()
    visit = Visit(browser, twin_server.url, **PHONE)
    visit.give(BLUE)
    visit.page.tap("[data-ref=stage-0]")
    visit.page.wait_for_timeout(150)
    assert visit.page.get_attribute(".tm", "data-hair") is None
    visit.close()


@pytest.mark.parametrize("size", [(300, 30), (30, 300)])
def test_a_long_picture_leaves_room_for_what_stands_on_it(visit, size):
    visit.give(picture(red=255, size=size))
    for place in (0, 1):
        stage = box(visit, f"[data-ref=stage-{place}]")
        assert min(stage["width"], stage["height"]) >= 120
        chip = visit.page.locator(f"[data-ref=evidence-{place}]")
        assert chip.evaluate("node => node.scrollWidth <= node.clientWidth")
    visit.page.click("[data-ref=zoom-in]")
    settle(visit.page)
    inner, stage = box(visit, "[data-ref=stage-0] .tm-plane"), box(visit, "[data-ref=stage-0]")
    middle = inner["x"] + inner["width"] / 2, inner["y"] + inner["height"] / 2
    assert middle == pytest.approx((stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2), abs=2)


# --- the tour ---------------------------------------------------------------------------------------------------------

OFFER = ".tm-tour-offer:visible"


def in_view(visit: Visit, selector: str) -> dict[str, float]:
    """Its place, which is wholly on the screen, once it has come to rest."""
    before = None
    for _ in range(20):
        inside = visit.page.locator(selector).first.bounding_box()
        if inside == before:
            break
        before = inside
        settle(visit.page)
    size = visit.page.viewport_size
    assert inside["x"] >= 0
    assert inside["y"] >= 0
    assert inside["x"] + inside["width"] <= size["width"] + 1
    assert inside["y"] + inside["height"] <= size["height"] + 1
    return inside


@pytest.mark.parametrize(
    "room",
    [
        pytest.param({}, id="desktop", marks=pytest.mark.slow),
        pytest.param(PHONE | {"reduced_motion": "reduce"}, id="phone"),
    ],
)
def test_the_tour_is_offered_once_and_leads_through_five_steps(browser, twin_server, room):  # noqa: F811
    visit = Visit(browser, twin_server.url, **room)
    page, told = visit.page, set()
    page.click(f"{OFFER} .tm-link")
    expect(page.locator("[data-ref=tour-on]")).to_be_focused()
    page.wait_for_selector(SHOWN)  # of an example, as nothing was shown
    assert "example=" in page.url
    for number in range(1, 6):
        expect(page.locator("[data-ref=tour-place]")).to_have_text(f"Step {number} of 5")
        told.add(page.inner_text("[data-ref=tour-title]"))
        in_view(visit, ".tm-tour")
        if number > 1:  # the first is shown while it is still being answered
            ringed = visit.page.locator(".tm-toured:visible").first.bounding_box()
            assert ringed["y"] < page.viewport_size["height"] - 20
            assert ringed["y"] + ringed["height"] > 20
        if number == 3:
            before = visit.place()
            page.keyboard.press("ArrowLeft")  # as it says there
            expect(page.locator("[data-ref=track]")).to_have_attribute("aria-valuenow", str(before - 1))
            found = Axe().run(page, context=".tm-tour").response["violations"]
            assert found == []
        if number < 5:
            page.keyboard.press("Enter")
    assert len(told) == 5
    assert page.locator(".tm-toured").count() == 2  # how to save, and Evidence
    page.click("[data-ref=tour-back]")
    expect(page.locator("[data-ref=tour-place]")).to_have_text("Step 4 of 5")
    page.keyboard.press("Escape")
    expect(page.locator(".tm-tour")).to_be_hidden()
    assert page.locator(".tm-toured").count() == 0
    assert page.evaluate("document.activeElement.dataset.ref") == "result"
    assert fits(visit)
    page.reload()
    page.wait_for_selector(SHOWN)
    assert page.locator(OFFER).count() == 0
    visit.close()


def test_the_offer_can_be_put_away_and_the_tour_be_had_from_about(visit):
    page = visit.page
    page.click(f"{OFFER} .tm-away")
    assert page.locator(OFFER).count() == 0
    page.reload()
    page.wait_for_selector(".tm[data-state=empty]")
    assert page.locator(OFFER).count() == 0
    page.click("#tm-about-button")
    page.click(".tm-tour-again:visible")
    expect(page.locator("[data-ref=tour-place]")).to_have_text("Step 1 of 5")
    page.wait_for_selector(SHOWN)
    page.go_back()  # to where nothing is shown
    expect(page.locator(".tm-tour")).to_be_hidden()


def test_the_offer_stands_beside_what_is_shown_too_and_leaves_with_another_tab(visit):
    page = visit.page
    visit.give(RED)
    before = box(visit, "[data-ref=stage-0]")
    page.click(f"{OFFER} .tm-link")
    expect(page.locator("[data-ref=tour-place]")).to_have_text("Step 1 of 5")
    assert box(visit, "[data-ref=stage-0]") == before  # nothing has moved
    page.click("#tm-evidence-button")
    expect(page.locator(".tm-tour")).to_be_hidden()
    assert page.locator(".tm-toured").count() == 0


# --- nothing is lost --------------------------------------------------------------------------------------------------

STATUS = "[data-ref=status]"


def entries(visit: Visit) -> dict[str, str]:
    """What the address says behind its #."""
    return dict(parse_qsl(urlsplit(visit.page.url).fragment))


def settled(visit: Visit) -> None:
    visit.page.wait_for_timeout(150)
    visit.page.wait_for_selector(SHOWN)
    visit.page.wait_for_timeout(450)


def test_the_view_is_in_the_address_and_back_and_reload_restore_it(visit):
    page = visit.page
    visit.answered(lambda: visit.example("cat-chelsea"))
    assert entries(visit) == {"experiment": "pair", "example": "cat-chelsea"}
    page.keyboard.press("Home")
    page.focus("[data-ref=track]")
    page.keyboard.press("m")
    visit.answered(lambda: visit.ask_for("Dog"))
    visit.answered(lambda: page.select_option("[data-ref=rule]", "layercam"))
    settled(visit)
    shown = entries(visit)
    depth = float(shown.pop("depth"))
    assert shown == {
        "experiment": "pair",
        "example": "cat-chelsea",
        "class": "Dog",
        "method": "layercam",
        "view": "map",
    }
    assert 0 <= depth < 0.5
    page.reload()
    settled(visit)
    assert (visit.place(), visit.target(), page.input_value("[data-ref=rule]")) == (1, "Dog", "layercam")
    assert page.get_attribute(".tm", "data-mode") == "map"
    assert page.locator(".tm-examples [aria-pressed=true]").get_attribute("data-id") == "cat-chelsea"
    visit.answered(lambda: visit.choose("apart"))
    assert entries(visit)["experiment"] == "apart"
    page.click("#tm-about-button")
    assert entries(visit)["tab"] == "about"
    page.go_back()
    expect(page.locator("[data-ref=stage-0]")).to_be_visible()
    page.go_back()
    settled(visit)
    assert (visit.experiment(), visit.target()) == ("Mild or steep?", "Dog")
    page.go_back()
    expect(page.locator(".tm-empty")).to_be_visible()
    page.go_forward()
    settled(visit)
    assert visit.target() == "Dog"


def test_a_link_opens_what_it_shows_and_nonsense_in_it_is_passed_over(browser, twin_server):  # noqa: F811
    link = "#experiment=apart&example=cat-yarn&view=features&depth=0.5&class=Cat&method=hirescam"
    visit = Visit(browser, twin_server.url + link)
    settled(visit)
    assert (visit.experiment(), visit.place(), visit.target()) == ("Mild or biased?", 2, "Cat")
    assert visit.page.get_attribute(".tm", "data-mode") == "features"
    visit.close()
    nonsense = "#experiment=__proto__&models=a,b&view=constructor&depth=NaN&tab=x&method=&photo=abc"
    visit = Visit(browser, twin_server.url + nonsense)
    expect(visit.page.locator(".tm-empty")).to_be_visible()
    expect(visit.page.locator("[data-ref=error]")).to_contain_text("is not in this tab any more")
    visit.close()
    visit = Visit(browser, twin_server.url + "#models=judge-biased,judge-steep&example=cow")
    settled(visit)
    assert [visit.page.input_value(f"[data-ref=model-{place}]") for place in (0, 1)] == ["judge-biased", "judge-steep"]
    visit.close()


def test_own_photos_come_back_with_one_click_and_after_a_reload(visit):
    page = visit.page
    visit.give(RED, "one.png")
    visit.give(BLUE, "two.png")
    visit.answered(lambda: visit.example("koala"))
    own = page.locator(".tm-photo")
    assert own.evaluate_all("all => all.map(node => node.title)") == ["Your photo two.png", "Your photo one.png"]
    first = page.locator(".tm-examples :is(button, .tm-photo) img").first.bounding_box()
    assert first["x"] == own.first.bounding_box()["x"]
    visit.answered(lambda: own.nth(1).click())
    assert visit.bars(0)[0] == "Cat"
    assert own.nth(1).get_attribute("aria-pressed") == "true"
    page.reload()
    settled(visit)
    assert visit.bars(0)[0] == "Cat"
    visit.answered(lambda: own.first.click())
    assert [visit.bars(0)[0], own.count()] == ["Dog", 2]
    page.go_back()
    settled(visit)
    assert visit.bars(0)[0] == "Cat"
    page.click(".tm-away >> nth=0")
    assert own.count() == 1
    page.reload()
    settled(visit)
    assert own.count() == 1


def lose(visit: Visit, server: Server, when: str, how: Callable[[], object]) -> None:
    """End the server without a word at the next request for an address."""

    def end(route) -> None:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        route.continue_()

    visit.page.route(when, end, times=1)
    how()


@pytest.mark.slow
@pytest.mark.parametrize(
    "when",
    [
        pytest.param("**/queue/data*", id="awaiting"),
        pytest.param("**/upload*", id="sending"),
    ],
)
def test_a_server_that_ends_is_told_of_and_asked_again_with_the_very_photo(browser, twin_server, when):  # noqa: F811
    visit = Visit(browser, twin_server.url)
    page = visit.page
    visit.give(BLUE)
    page.evaluate("window.same = true")
    file = {"name": "photo.png", "mimeType": "image/png", "buffer": encoded(RED)}
    lose(visit, twin_server, when, lambda: page.set_input_files("input[type=file]", file))
    expect(page.locator(STATUS)).to_have_text(
        "The server does not answer; your photo is kept here and sent again when it is back"
    )
    page.wait_for_timeout(4000)
    assert page.locator(".toast-wrap > *").count() == 0  # none of Gradio's own, which lie over the tabs
    for name in ("about", "compare"):
        page.click(f"#tm-{name}-button")
    expect(page.locator(STATUS)).to_be_visible()
    again(twin_server)
    page.wait_for_selector(SHOWN)
    assert visit.bars(0)[0] == "Cat"
    assert page.evaluate("window.same")  # the page was not loaded anew
    expect(page.locator(".tm-status")).to_be_hidden()
    visit.answered(lambda: visit.example("cow"))
    visit.complaints = [text for text in visit.complaints if "net::ERR_" not in text]  # the browser's own
    visit.close()


@pytest.mark.slow
def test_what_is_wished_for_while_the_server_is_away_is_asked_when_it_is_back(browser, twin_server):  # noqa: F811
    visit = Visit(browser, twin_server.url)
    page = visit.page
    twin_server.process.kill()
    twin_server.process.wait()
    visit.example("cow")
    expect(page.locator(STATUS)).to_have_text("The server does not answer; it is asked again when it is back")
    page.click(".tm-examples button[data-id=koala]")
    again(twin_server)
    page.wait_for_selector(SHOWN)
    page.wait_for_timeout(300)
    assert page.locator(".tm-examples [aria-pressed=true]").get_attribute("data-id") == "koala"
    wait_until(lambda: "The models are ready" in twin_server.log(), STARTING, "the models are ready")
    visit.complaints = [text for text in visit.complaints if "net::ERR_" not in text]
    visit.close()


def test_waiting_is_told_by_its_cause(visit):
    page = visit.page
    page.clock.install()
    visit.again = False  # a clock stays
    told = {"ready": True, "loaded": [], "seconds": 3.0, "problem": ""}
    page.route("**/component_server**", lambda route: route.fulfill(json=told))
    page.route("**/queue/join*", lambda route: None)
    visit.example("cow")
    page.wait_for_selector(".tm[data-busy]")
    page.clock.run_for(12_500)
    expect(page.locator(STATUS)).to_have_text("Still loading Judge, mild · Judge, steep")
    told["loaded"] = ["judge-mild", "judge-steep"]
    page.clock.run_for(12_500)
    expect(page.locator(STATUS)).to_have_text("Still at it; this takes longer than usual")
    page.clock.run_for(121_000)
    expect(page.locator("[data-ref=error]")).to_have_text("The server has not answered; please try again.")


# --- photos -----------------------------------------------------------------------------------------------------------


def sent_by(visit: Visit, name: str, mime: str, data: bytes) -> tuple[str, bytes]:
    """What the browser sends of a file: its type and content."""
    bodies = []

    def see(route) -> None:
        bodies.append(route.request.post_data_buffer)
        route.continue_()

    visit.page.route("**/upload*", see)
    file = {"name": name, "mimeType": mime, "buffer": data}
    visit.answered(lambda: visit.page.set_input_files("input[type=file]", file))
    visit.page.unroute("**/upload*")
    head, _, rest = bodies[-1].partition(b"\r\n\r\n")
    return head.decode().rpartition("Content-Type: ")[2], rest[: rest.rindex(b"\r\n--")]


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), id="sRGB", marks=pytest.mark.slow
        ),
        pytest.param(rgb_profile(DISPLAY_P3, GAMMA_22), id="wide"),
    ],
)
def test_a_large_photo_is_made_smaller_before_it_is_sent_upright_and_in_its_colours(visit, profile):
    """A camera's photo: turned by its EXIF, with a colour profile, 12 megapixels; read as the server reads it whole."""
    pixels = np.full((3000, 4000, 3), 60, np.uint8)
    pixels[:, :2000] = (160, 90, 80)  # shown upright, the upper half; within sRGB by both profiles
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif, icc_profile=profile)
    kind, data = sent_by(visit, "camera.jpg", "image/jpeg", file.getvalue())
    assert kind.strip() == "image/jpeg"
    assert len(data) < len(file.getvalue())
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (1536, 2048)
        assert image.getexif().get(0x0112, 1) == 1
        sent = np.asarray(image.convert("RGB")).astype(int)
    whole = read(file.getvalue()).pixels.astype(int)
    for half in (slice(0.1, 0.45), slice(0.55, 0.9)):
        here, at_once = (image[int(half.start * len(image)) : int(half.stop * len(image))] for image in (sent, whole))
        assert np.abs(here[:, 100:-100] - np.median(at_once, (0, 1))).max() < 12
    assert visit.bars(0)[0] == "Cat"


@pytest.mark.parametrize("kind", ["small", "sixteen bits", "gif"])
def test_what_is_small_or_read_otherwise_by_the_server_is_sent_as_it_is(visit, kind):
    file = io.BytesIO()
    if kind == "small":
        Image.fromarray(picture(red=255, size=(600, 800))).save(file, "PNG")
    elif kind == "gif":
        Image.fromarray(picture(red=255, size=(600, 2400))).convert("P").save(file, "GIF")
    else:
        Image.fromarray(np.full((2200, 2200), 900, np.uint16)).save(file, "PNG")
    name, mime = ("a.gif", "image/gif") if kind == "gif" else ("a.png", "image/png")
    assert sent_by(visit, name, mime, file.getvalue())[1] == file.getvalue()


# --- files that are dropped -------------------------------------------------------------------------------------------

DROP = """([type, names, uri]) => {
    const t = new DataTransfer(), how = { bubbles: true, cancelable: true, dataTransfer: t };
    for (const name of names) t.items.add(new File([window.photo], name, { type: 'image/png' }));
    if (uri) t.setData('text/uri-list', uri);
    return ['dragenter', 'dragover', 'drop'].map((each) => !document.body.dispatchEvent(new DragEvent(each, how)));
}"""


def test_whatever_is_dropped_on_any_tab_never_leaves_the_page(visit):
    page = visit.page
    page.evaluate(
        "data => { window.photo = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)); }",
        base64.b64encode(encoded(RED)).decode(),
    )
    page.click("#tm-about-button")
    assert page.evaluate(DROP, ["", [], "http://example.org/cat.jpg"])[1:] == [True, True]
    expect(page.locator("[data-ref=error]")).to_contain_text("That is no file")
    assert page.get_attribute("#tm-compare-button", "aria-selected") == "true"
    page.click("#tm-about-button")
    page.evaluate(DROP, ["", ["a.png", "b.png"], ""])
    assert page.get_attribute("#tm-compare-button", "aria-selected") == "true"
    expect(page.locator("[data-ref=job-told]")).to_have_text("All 2 looked at")
    assert page.locator("[data-ref=job-table] .tm-identity").all_inner_texts() == ["a.png", "b.png"]


# --- taken along ------------------------------------------------------------------------------------------------------


def test_the_whole_comparison_is_one_file_that_works_without_a_server(browser, twin_server, tmp_path):  # noqa: F811
    visit = Visit(browser, twin_server.url)
    page = visit.page
    visit.choose("apart")
    visit.answered(lambda: visit.example("cow"))
    page.keyboard.press("ArrowLeft")
    page.click(".tm-segments label:has-text('features')")
    page.click("[data-ref=save]")
    with page.expect_download() as download:
        page.click("[data-ref=save-page]")
    assert download.value.suggested_filename.startswith("two-minds_judge-mild-judge-biased_holstein-cow_")
    download.value.save_as(tmp_path / "saved.html")
    assert (tmp_path / "saved.html").stat().st_size < 3e6
    visit.close()
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    saved, asked, complaints = context.new_page(), [], []
    saved.on("request", lambda request: asked.append(request.url))
    saved.on("pageerror", lambda error: complaints.append(str(error)))
    saved.on("console", lambda line: complaints.append(line.text))
    saved.goto((tmp_path / "saved.html").as_uri())
    saved.wait_for_selector(".tm[data-mode=features]")
    saved.wait_for_timeout(300)
    assert saved.get_attribute("[data-ref=track]", "aria-valuenow") == "2"
    saved.click(".tm-segments label:has-text('overlay')")
    seen = set()
    for key in ("Home", "ArrowRight", "End"):
        saved.keyboard.press(key)
        saved.wait_for_timeout(120)
        seen.add(saved.locator("[data-ref=stage-0] canvas").first.evaluate("node => node.toDataURL()"))
    assert len(seen) == 3
    assert saved.inner_text("h1") == "Judge, mild | Judge, biased: Holstein cow"
    assert saved.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [(tmp_path / "saved.html").as_uri()]
    assert complaints == []
    context.close()


def test_a_link_to_the_view_can_be_copied(browser, twin_server):  # noqa: F811
    visit = Visit(browser, twin_server.url)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.again = False
    visit.answered(lambda: visit.example("cow"))
    visit.page.keyboard.press("Home")
    visit.page.click("[data-ref=save]")
    visit.page.click("text=Copy a link to this view")
    expect(visit.page.locator("[data-ref=save-told]")).to_contain_text("not your own photos")
    link = visit.page.evaluate("navigator.clipboard.readText()")
    assert link == visit.page.url
    assert "example=cow" in link
    assert "depth=" in link
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator("[data-ref=save-menu]")).to_be_hidden()
    visit.close()


# --- hands ------------------------------------------------------------------------------------------------------------


def test_while_it_is_held_the_photo_stands_there_alone(visit):
    visit.give(RED)
    page = visit.page
    heat = page.locator("[data-ref=stage-0] .tm-plane canvas")
    for mode in ("overlay", "map", "features"):
        page.click(f".tm-segments label:has-text('{mode}') >> nth=0")
        page.focus("[data-ref=track]")
        page.keyboard.down(" ")
        expect(heat).to_have_css("visibility", "hidden")
        expect(page.locator("[data-ref=stage-1] img")).to_be_visible()
        page.keyboard.up(" ")
        expect(heat).to_have_css("visibility", "visible")
    assert page.evaluate("scrollY") == 0
    page.click(".tm-segments label:has-text('overlay')")
    stage = box(visit, "[data-ref=stage-1]")
    page.mouse.move(stage["x"] + 40, stage["y"] + 40)
    page.mouse.down()
    expect(heat).to_have_css("visibility", "hidden")
    page.mouse.up()
    expect(heat).to_have_css("visibility", "visible")
    page.mouse.down()
    page.mouse.move(stage["x"] + 90, stage["y"] + 60, steps=4)  # that is no holding still
    page.wait_for_timeout(400)
    expect(heat).to_have_css("visibility", "visible")
    page.mouse.up()


def test_left_and_right_blink_in_place_by_a_key(visit):
    visit.give(RED)
    page = visit.page
    before = [box(visit, f"[data-ref=stage-{place}]") for place in (0, 1)]
    page.focus("[data-ref=track]")
    page.keyboard.down("b")
    page.wait_for_timeout(80)
    assert [box(visit, f"[data-ref=stage-{place}]") for place in (1, 0)] == before
    assert box(visit, "[data-ref=title-1]")["x"] < box(visit, "[data-ref=title-0]")["x"]  # names go with the maps
    page.keyboard.up("b")
    page.wait_for_timeout(80)
    assert [box(visit, f"[data-ref=stage-{place}]") for place in (0, 1)] == before
    page.hover(".tm-keys")
    for part in ("hold Space", "hold B"):
        expect(page.locator(".tm-tip")).to_contain_text(part)
    page.click("#tm-about-button")
    assert "while you hold B, left and right change places" in page.inner_text(".tm-about")
