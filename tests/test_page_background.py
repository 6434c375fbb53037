"""Models are made ready before anybody asks for them, and nobody who asks waits for that."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from judges import EXPERIMENTS, STARTING, Server, start, stop, wait_until
from test_page_http import get, post

from explain import checkpoints
from explain.pictures import Picture
from page.background import Background
from page.service import AHEAD, Service

pytest_plugins = ["page_fixtures"]
FIRST = ["judge-mild", "judge-steep", "judge-mild-seed2", "judge-steep-seed2"]  # of the first three experiments
FOURTH = {"id": "biased", "title": "Biased?", "question": "?", "left": "judge-mild", "right": "judge-biased"}
ASKED = {"models": ["judge-mild", "judge-steep"], "rule": "gradcam", "target": "own", "example": "cow"}


@pytest.fixture
def started() -> Iterator[Callable[[Service | Background], None]]:
    """started(what): its `run` in a thread, until the test has ended."""
    threads = []

    def start(what: Service | Background) -> None:
        threads.append((what, threading.Thread(target=what.run, daemon=True)))
        threads[-1][1].start()

    yield start
    for what, thread in threads:
        what.stop()
        thread.join(60)
        assert not thread.is_alive()


class Done:
    """What a background has done, step by step; a step named in `held` waits until it is let go."""

    def __init__(self, started: Callable[[Background], None], fits: set[str] | None = None) -> None:
        self.steps: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.background = Background(self.of, lambda name: fits is None or name in fits)
        started(self.background)

    def of(self, name: str) -> list:
        return [lambda step=step: self.do(step) for step in (f"{name} read", f"{name} traced")]

    def do(self, step: str) -> None:
        self.steps.append(step)
        if step.startswith("bad"):
            raise OSError("no such file")
        if step in self.held:
            assert self.held[step].wait(20)


def steps(*names: str) -> list[str]:
    return [f"{name} {what}" for name in names for what in ("read", "traced")]


def test_what_is_wanted_last_is_done_first(started):
    done = Done(started)
    done.held["a read"] = threading.Event()
    done.background.want(["a", "b", "c"])
    wait_until(lambda: done.steps, 30, "it begins")
    done.background.want(["d", "c"])
    done.held["a read"].set()
    wait_until(lambda: len(done.steps) == 8, 30, "all is done")
    assert done.steps == steps("a", "d", "c", "b")


def test_nothing_is_begun_while_a_question_is_being_answered(started):
    done = Done(started)
    with done.background.question():
        with done.background.question():
            done.background.want(["a"])
        threading.Event().wait(0.3)
        assert done.steps == []
    wait_until(lambda: len(done.steps) == 2, 30, "it is done afterwards")


def test_a_question_comes_between_two_steps(started):
    done = Done(started)
    done.held["a read"] = threading.Event()
    done.background.want(["a"])
    wait_until(lambda: done.steps, 30, "it begins")
    with done.background.question():
        done.held["a read"].set()
        threading.Event().wait(0.3)
        assert done.steps == ["a read"]
    wait_until(lambda: len(done.steps) == 2, 30, "it is done afterwards")


def test_what_fails_or_does_not_fit_is_passed_over(started):
    done = Done(started, fits={"bad", "b"})
    done.background.want(["bad", "large", "b"])
    wait_until(lambda: len(done.steps) == 3, 30, "the last is done")
    assert done.steps == ["bad read", *steps("b")]


# --- the service ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def four_experiments(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judges, with a fourth experiment."""
    folder = tmp_path_factory.mktemp("own") / "weights"
    shutil.copytree(weights, folder)
    (folder / "experiments.json").write_text(json.dumps([*EXPERIMENTS, FOURTH]))
    return folder


@pytest.fixture
def service(four_experiments: Path, evidence: Path) -> Service:
    checkpoints._kept.clear()
    return Service(four_experiments, evidence)


def loaded(service: Service) -> set[str]:
    return set(service.state()["loaded"])


def test_the_first_experiments_are_made_ready_and_the_others_once_asked_for(service, started):
    assert len(service.experiments) == AHEAD + 1
    started(service)
    wait_until(lambda: loaded(service) == set(FIRST), STARTING, "the first three experiments")
    threading.Event().wait(0.5)
    assert loaded(service) == set(FIRST)
    state = service.prepare(["biased", "nothing", 3, None, ["x"]])
    assert set(state) == {"ready", "loaded", "seconds", "problem"}
    wait_until(lambda: "judge-biased" in loaded(service), 60, "the fourth")
    assert "judge-three" not in loaded(service)  # of no experiment


def test_what_is_read_but_has_explained_nothing_yet_does_not_answer_at_once(service):
    service.load()
    model_id = "judge-biased"
    checkpoints.load(model_id, service.weights)
    assert model_id not in loaded(service)
    for step in service._steps(model_id):
        assert model_id not in loaded(service)
        step()
    assert model_id in loaded(service)
    assert not service._steps(model_id)
    checkpoints._kept.clear()  # it has left memory, and is read anew
    assert len(service._steps(model_id)) == 2
    service._steps(model_id)[0]()
    assert model_id not in loaded(service)


def test_once_stopped_no_further_model_of_the_first_pair_is_read(service, monkeypatch):
    explained, begun = service._explained, []

    def stopping(model_id: str, *rest: object) -> object:
        begun.append(model_id)
        service.stop()
        return explained(model_id, *rest)

    monkeypatch.setattr(service, "_explained", stopping)
    service.run()
    assert begun == [service.start[0]]
    assert service.state()["ready"]  # nobody waits for ever


@pytest.mark.parametrize("asked", [None, 3, "biased", {"biased": 1}, [["biased"]], ["../weights"], []])
def test_whatever_is_asked_for_that_is_no_list_of_experiments_makes_nothing_ready(service, asked):
    service.prepare(asked)
    assert not service._background._wanted


def test_background_loading_pushes_no_model_out_of_memory(service, started, monkeypatch):
    service.load()
    sizes = [kept.size for kept in checkpoints._kept.values()]
    monkeypatch.setattr(checkpoints, "KEPT_BYTES", sum(sizes) + max(sizes) // 2)
    started(service._background)
    service.prepare(["luck", "l2", "biased"])
    wait_until(lambda: not service._background._wanted, 60, "all is looked at")
    threading.Event().wait(0.5)
    assert loaded(service) == {"judge-mild", "judge-steep"}
    monkeypatch.setattr(checkpoints, "KEPT_BYTES", sum(sizes) + 2 * max(sizes))
    service.prepare(["luck"])
    wait_until(lambda: "judge-mild-seed2" in loaded(service), 60, "there is room now")


def test_a_question_for_models_that_are_ready_does_not_wait_for_one_that_is_being_loaded(service, started, monkeypatch):
    service.load()
    begun, go, load = threading.Event(), threading.Event(), checkpoints._load

    def slow(folder: Path) -> object:
        begun.set()
        assert go.wait(60)
        return load(folder)

    monkeypatch.setattr(checkpoints, "_load", slow)
    started(service._background)
    service.prepare(["biased"])
    assert begun.wait(20)
    assert service.ask(ASKED)["kind"] == "result"  # with the other still at it
    assert "judge-biased" not in loaded(service)
    go.set()
    wait_until(lambda: "judge-biased" in loaded(service), 60, "it is ready")


def test_no_model_is_begun_while_a_question_is_answered(service, started, monkeypatch):
    service.load()
    begun, go = threading.Event(), threading.Event()

    def slow(example: object) -> Picture:
        begun.set()
        assert go.wait(60)
        return Service.example(service, example)

    monkeypatch.setattr(service, "example", slow)
    started(service._background)
    question = threading.Thread(target=service.ask, args=[ASKED])
    question.start()
    assert begun.wait(20)
    service.prepare(["biased"])
    threading.Event().wait(0.5)
    assert "judge-biased" not in loaded(service)
    go.set()
    question.join(60)
    wait_until(lambda: "judge-biased" in loaded(service), 60, "it is ready afterwards")


# --- the browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ahead(four_experiments: Path, evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("ahead"), "--weights", str(four_experiments), "--evidence", str(evidence))
    try:
        yield server
    finally:
        stop(server)


@pytest.mark.slow
def test_switching_shows_no_loading(chromium, ahead):
    from playwright.sync_api import sync_playwright

    config = json.loads(get(ahead.url + "config")[1])
    view = next(
        part["id"] for part in config["components"] if "start" in part["props"].get("props", {}).get("catalog", {})
    )
    body = {"data": [], "component_id": view, "fn_name": "state", "session_hash": "x"}

    def read() -> set[str]:
        return set(json.loads(post(ahead.url + "gradio_api/component_server", body)[1])["loaded"])

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(ahead.url)
        page.click(".tm-offered button[data-id=cow]:visible")
        shown = ".tm[data-state=result]:not([data-busy])"
        page.wait_for_selector(shown)
        wait_until(lambda: read() == set(FIRST), STARTING, "the first experiments' models are read")
        page.hover("[data-ref=more]")
        wait_until(lambda: "judge-biased" in read(), 60, "the fourth experiment's models are read")
        page.wait_for_timeout(3000)  # traced, too
        page.mouse.move(5, 5)
        page.hover("[data-ref=more]")  # the view hears what is ready
        page.wait_for_timeout(500)
        page.evaluate("""() => {
          window.told = [];
          const status = document.querySelector('[data-ref=status]');
          new MutationObserver(() => told.push(status.textContent)).observe(status, {childList: true});
        }""")
        for experiment_id in ("luck", "l2", "biased"):
            if experiment_id == "biased":
                page.click("[data-ref=experiments] label:has([value=biased])")
            else:  # luck
                page.select_option("[data-ref=more]", experiment_id)
            page.wait_for_timeout(150)
            page.wait_for_selector(shown)
        assert page.text_content("[data-ref=title-1]") == "Biased"
        told = page.evaluate("told.filter(Boolean)")
        assert told
        assert not [text for text in told if "Loading" in text], told
        browser.close()
