"""What takes long: done once for all, told how far it is, ended when nobody wants it; and how long it will take."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from judges import picture, wait_until

from explain import checkpoints
from explain.explanation import Cost, Explanation, Layer
from explain.pictures import Picture
from explain.rules import RULES, Passes, register
from page import faithful, jobs
from page.errors import PageError
from page.jobs import Lane, Task
from page.layout import catalog
from page.pace import Pace
from page.service import ONE_PASS, Refused, Service

pytest_plugins = ["page_fixtures"]
PAIR = ["judge-mild", "judge-steep"]


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane()
    yield lane
    lane.stop()
    assert lane._thread is None or not lane._thread.is_alive()


class Work:
    """A task that goes on, step by step, until it is let go; counts how often it was begun."""

    def __init__(self) -> None:
        self.go, self.begun, self.ended = threading.Event(), 0, 0.0

    def __call__(self, tell: Callable[[float], None]) -> dict:
        self.begun += 1
        try:
            for step in range(3000):
                tell(min(step / 100, 0.5))
                if self.go.wait(0.01):
                    return {"kind": "result"}
        finally:
            self.ended = time.monotonic()
        raise AssertionError("never let go")


def test_equal_questions_are_answered_once_also_afterwards(lane):
    work = Work()
    wanted = [lane.join(Task("same", work), f"ticket-{number}", f"client-{number}") for number in range(3)]
    work.go.set()
    assert [future.result(10) for future in wanted] == [{"kind": "result"}] * 3
    assert lane.join(Task("same", work), "later", "late").result(10) == {"kind": "result"}
    assert work.begun == 1


def test_an_answer_is_not_kept_for_long(lane, monkeypatch):
    work = Work()
    work.go.set()
    lane.join(Task("same", work), "first", "one").result(10)
    monkeypatch.setattr(jobs, "AGE", 0)
    lane.join(Task("same", work), "second", "one").result(10)
    assert work.begun == 2


def test_what_nobody_wants_any_more_is_ended_at_once_and_the_next_begins(lane):
    first, second = Work(), Work()
    futures = [lane.join(Task(work, work), name, name) for work, name in ((first, "first"), (second, "second"))]
    wait_until(lambda: first.begun, 30, "it runs")
    assert lane.told("second")["ahead"] == 1
    left = time.monotonic()
    assert lane.leave("first")
    assert futures[0].result(1) is None
    wait_until(lambda: second.begun, 30, "the next one runs")
    assert first.ended - left < 1
    assert not lane.leave("first")
    second.go.set()
    assert futures[1].result(10) == {"kind": "result"}


def test_one_who_leaves_does_not_end_it_for_another(lane):
    work = Work()
    first, second = (lane.join(Task("same", work), name, name) for name in ("first", "second"))
    wait_until(lambda: work.begun, 30, "it runs")
    lane.leave("first")
    assert first.result(1) is None
    work.go.set()
    assert second.result(10) == {"kind": "result"}


def test_who_comes_when_it_is_just_being_given_up_has_it_begun_anew(lane):
    held, begun = threading.Event(), []

    def work(tell):
        begun.append(None)
        held.wait(10)
        tell(0.5)
        return {"kind": "result"}

    lane.join(Task("same", work), "first", "one")
    wait_until(lambda: begun, 30, "it runs")
    lane.leave("first")
    again = lane.join(Task("same", work), "second", "two")
    held.set()
    assert again.result(10) == {"kind": "result"}
    assert len(begun) == 2


def test_too_much_is_refused_and_of_one_client_less(lane, monkeypatch):
    works = [Work() for _ in range(20)]
    for number in range(jobs.MANY):
        lane.join(Task(number, works[number]), f"mine-{number}", "mine")
    with pytest.raises(PageError, match="waiting"):
        lane.join(Task("more", works[-1]), "mine-more", "mine")
    for number in range(jobs.MANY, jobs.WAITING + 1):
        lane.join(Task(number, works[number]), f"other-{number}", f"other-{number}")
    with pytest.raises(PageError, match="waiting"):
        lane.join(Task("more", works[-1]), "other-more", "other-more")
    lane.join(Task(0, works[0]), "the-same", "other-more")  # it costs nothing
    with pytest.raises(PageError):
        lane.join(Task(0, works[0]), "the-same", "thief")  # a ticket is somebody's


def test_what_never_ends_is_ended(lane, monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST", 0)
    with pytest.raises(PageError, match="takes longer"):
        lane.join(Task("long", Work()), "ticket", "one").result(10)


def test_a_fault_is_told_to_all_who_wait_and_the_lane_goes_on(lane):
    def fails(tell):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lane.join(Task("bad", fails), "ticket", "one").result(10)
    work = Work()
    work.go.set()
    assert lane.join(Task("good", work), "ticket", "one").result(10)


def test_time_left_is_what_is_expected_until_some_is_done(lane, monkeypatch):
    work = Work()
    lane.join(Task("long", work, seconds=40.0), "ticket", "one")
    lane.join(Task("next", Work(), seconds=7.0), "other", "two")
    assert lane.told("other") == {"ahead": 1, "share": 0.0, "seconds": 7.0}
    wait_until(lambda: lane.told("ticket")["share"] == 0.5, 30, "half is done")
    told = lane.told("ticket")
    passed = time.monotonic() - lane._jobs[0].began
    assert told["seconds"] == pytest.approx(passed, abs=0.3)  # as much again
    assert lane.told("nobody") is None
    assert lane.told(["ticket"]) is None


# --- how long ---------------------------------------------------------------------------------------------------------


def explained(forward: int, backward: int, milliseconds: float, rule: str = "gradcam") -> Explanation:
    return Explanation(
        pictures=np.zeros((1, 8, 8, 3), np.uint8),
        probabilities=np.array([[0.1, 0.9]], np.float32),
        scores=np.zeros(1, np.float32),
        targets=np.array([1]),
        classes=("Cat", "Dog"),
        layers=(Layer("a", 0.0, (4, 4, 8)), Layer("b", 1.0, (2, 2, 100))),
        maps={},
        cost={rule: Cost(forward, backward, milliseconds, 1)},
    )


def test_seconds_are_declared_passes_times_the_measured_pace():
    pace = Pace()
    assert pace.seconds("one", "rise", (8, 8)) is None
    pace.learn("one", explained(1, 1, 20.0), "gradcam", 2.02)  # 10 ms a forward pass, 2 s of tracing
    assert pace.seconds("one", "rise", (8, 8)) == pytest.approx(2 + 1000 * 0.01)
    assert pace.seconds("one", "rise", (8, 8), networks=5) == pytest.approx(2 + 5000 * 0.01)
    assert pace.seconds("one", "scorecam", (8, 8)) == pytest.approx(2 + (1 + 8 + 64 + 1) * 0.01)
    assert pace.seconds("one", "ablationcam", (8, 8)) == pytest.approx(2 + 0.2 * (2 + 8 + 64 + 1) * 0.01)
    assert pace.seconds("other", "rise", (8, 8)) == pytest.approx(12)  # as the others
    pace.learn("one", explained(1000, 0, 20_000.0, "rise"), "rise", 21)
    assert pace.seconds("one", "rise", (8, 8)) == 20  # as it was
    pace.forget("one")
    assert pace.seconds("one", "rise", (8, 8)) > 12


# --- the service ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(weights: Path, evidence: Path) -> Service:
    checkpoints._kept.clear()
    service = Service(weights, evidence)
    service.load()
    return service


def test_every_rule_is_offered_in_a_group_with_its_seconds_and_why_not(service):
    offers = {offer["name"]: offer for offer in service.offered(PAIR)}
    assert list(offers) == [*RULES, "finer"]
    assert {offers[name]["group"] for name in ONE_PASS} == {"pass"}
    assert offers["rise"]["group"] in ("seconds", "minutes")
    assert all(offer["seconds"] > 0 for offer in offers.values())
    assert "no attention" in offers["legrad"]["reason"]
    assert [name for name, offer in offers.items() if offer["reason"]] == ["legrad", "finer"]
    slow = [rule["name"] for rule in catalog(service)["rules"] if rule["slow"]]
    assert slow == [name for name, rule in RULES.items() if rule.probes]
    assert all(rule["sentence"] for rule in catalog(service)["rules"])


@pytest.mark.parametrize("asked", [None, 3, "judge-mild", [3], ["nobody"], {"a": 1}, [[]]])
def test_of_no_models_no_rules_are_offered(service, asked):
    assert service.offered(asked) == []


def test_grouped_by_what_they_take_here(service, monkeypatch):
    monkeypatch.setattr(service._pace, "seconds", lambda *_: 31.0)
    offers = {offer["name"]: offer for offer in service.offered(PAIR)}
    assert (offers["occlusion"]["group"], offers["occlusion"]["seconds"]) == ("minutes", 62.0)
    assert offers["fem"]["group"] == "pass"
    monkeypatch.setattr(service._pace, "seconds", lambda *_: 10.0)
    assert {offer["group"] for offer in service.offered(PAIR)} == {"pass", "seconds"}


def test_a_rule_of_one_decorated_function_is_in_the_pages_catalog_and_is_answered(service):
    @register("reds", title="Reds", equation="x", source="none", level="input", passes=Passes(2, 0))
    def reds(classifier, pixels, targets):
        classifier.scores(pixels, targets)
        classifier.scores(pixels, targets)
        return pixels[..., 0]

    try:
        assert "reds" in [rule["name"] for rule in catalog(service)["rules"]]
        assert "reds" in [offer["name"] for offer in service.offered(PAIR)]
        told: list[float] = []
        answer = service.answer(Picture(picture(red=255)), PAIR, "reds", tell=told.append)
        assert (answer["rule"], answer["level"]) == ("reds", "input")
        assert told == sorted(told)
        assert told[0] == 0
        assert told[-1] == pytest.approx(1)
    finally:
        del RULES["reds"]


def test_of_a_map_of_the_input_the_message_holds_one_for_all_layers(service):
    answer = service.answer(Picture(picture(red=255)), PAIR, "gradient")
    for model in answer["models"]:
        assert model["attribution"]["size"] == [48, 48]
        assert {layer["map"] for layer in model["layers"]} == {None}
        assert all(layer["features"] for layer in model["layers"])
    first, *others = answer["stops"]
    assert first["versus"][1]["rank"] is not None
    assert [stop["versus"] for stop in others] == [None] * len(others)
    assert "In the picture as a whole" in answer["stops"][-1]["words"][-2]["text"]
    layered = service.answer(Picture(picture(red=255)), PAIR, "fem")
    assert (layered["level"], layered["models"][0]["attribution"]) == ("layer", None)
    assert layered["models"][0]["layers"][0]["map"]["size"] == [24, 24]


def test_a_rule_that_a_model_cannot_have_is_one_sentence_and_not_offered_again(service):
    service._unfit.clear()
    with pytest.raises(Refused, match="attention"):
        service.answer(Picture(picture(red=255)), PAIR, "legrad")
    assert "attention" in str(service._unfit["judge-mild", "legrad"])


def test_what_takes_long_is_a_task_with_the_picture_read(service):
    asked = {"ask": 3, "example": "cow", "models": PAIR, "target": "own"}
    assert service.ask(asked | {"rule": "gradcam"})["kind"] == "result"
    tasks = [service.ask(asked | {"rule": "occlusion"}) for _ in range(2)]
    assert tasks[0].key == tasks[1].key
    assert tasks[0].seconds > 0
    assert tasks[0].passes
    assert not service.ask(asked | {"rule": "fem"}).passes
    assert service.ask(asked | {"rule": "occlusion", "target": "Dog"}).key != tasks[0].key
    assert service.ask(asked | {"rule": "nothing"})["code"] == "unknown_rule"
    answer = service.numbered(asked, tasks[0].work(lambda share: None))
    assert (answer["ask"], answer["rule"], answer["level"]) == (3, "occlusion", "input")


# --- faithfulness, and what sets two models apart ---------------------------------------------------------------------


def test_faithfulness_of_two_maps_is_told_in_curves_and_words(service, monkeypatch):
    monkeypatch.setattr(faithful, "FILL", "black")  # a blur takes no red away, which is all that these look for
    asked = {"ask": 3, "models": PAIR, "rule": "gradcam", "target": "own", "about": "faithfulness", "depth": 1.0}
    task = service._faithfulness(Picture(picture(red=255)), (PAIR, "gradcam", "own"), 1.0)
    told: list[float] = []
    answer = task.work(told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert (answer["kind"], answer["depth"], len(answer["shares"])) == ("faithfulness", 1.0, 11)
    for side in answer["models"]:  # red is all there is for Cat, and the map lies on it
        assert side["target"] == "Cat"
        assert side["srg"] > side["baselines"]
        assert np.mean(side["most"]) < np.mean(side["least"])
        assert side["most"][0] == side["cross"]["most"][0] == side["band"]["most"][0][0]
        assert [len(band) for band in side["band"].values()] == [11, 11]
        assert side["randomised"][-1]["layer"] == "block 1"
        assert side["map"]["size"] == [6, 6]
    text = " ".join(sentence["text"] for sentence in answer["words"])
    assert text.count("better than knowing nothing") == 2
    assert "as fast by the other's map" in text
    assert service.ask(asked | {"example": "cow"}).key == service.ask(asked | {"example": "cow"}).key
    assert service.ask(asked | {"example": "cow", "depth": 0}).key != service.ask(asked | {"example": "cow"}).key
    assert service.ask(asked | {"example": "cow", "models": [*PAIR, "judge-biased"]})["code"] == "faithful_pair"


def test_two_models_that_disagree_are_contrasted(service):
    disagree = ["judge-steep", "judge-biased"]
    red = Picture(picture(red=255))
    own = service.answer(red, disagree)
    assert [model["says"] for model in own["models"]] == ["Cat", "Dog"]
    assert own["target"]["why_not"] == ""
    assert service.answer(red, PAIR)["target"]["why_not"] is None  # they agree
    answer = service.answer(red, disagree, target="contrast")
    assert answer["contrast"]["size"] == [12, 12]
    assert [model["evidence"]["text"] for model in answer["models"]] == [
        "for **cat** rather than dog",
        "for **dog** rather than cat",
    ]
    told = " ".join(sentence["text"] for sentence in answer["stops"][-1]["words"])
    assert "sets the two apart" in told
    assert "only two classes" in told
    alike = service.answer(red, ["judge-mild", "judge-biased"], target="contrast")  # but for what no pixel changes
    assert "no place of it" in " ".join(sentence["text"] for sentence in alike["stops"][-1]["words"])
    for place in (0, 1):  # with two classes the same maps, but for their scale
        first, second = (each["models"][place]["layers"][-1]["map"] for each in (own, answer))
        assert first["data"] == second["data"]
    with pytest.raises(Refused, match="same answer"):
        service.answer(red, PAIR, target="contrast")
    for models, rule, code in (([*disagree, PAIR[1]], "gradcam", "two"), (disagree, "rise", "methods")):
        with pytest.raises(Refused, match=code):
            service.answer(red, models, rule, "contrast")


def test_finer_cam_takes_three_classes(service):
    with pytest.raises(Refused, match="three or more"):
        service.answer(Picture(picture(red=255)), PAIR, target="finer")
    offers = {offer["name"]: offer["reason"] for offer in service.offered(PAIR)}
    assert "three or more" in offers["finer"]
    three = ["judge-three"] * 2
    assert {offer["name"]: offer["reason"] for offer in service.offered(three)}["finer"] == ""
    answer = service.answer(Picture(picture(red=255)), three, target="finer")
    assert answer["models"][0]["evidence"]["text"] == "for **red**, not its nearest others"
    assert "nearest to it" in " ".join(sentence["text"] for sentence in answer["stops"][-1]["words"])
