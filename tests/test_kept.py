"""Answers that are asked for again: made once for all who want them, and not kept for long."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from judges import encoded, picture, wait_until

from page import kept
from page.kept import Kept
from page.service import Service

pytest_plugins = ["page_fixtures"]


def test_an_answer_is_made_once_for_all_who_want_it():
    answers, go, made = Kept(), threading.Event(), []

    def make():
        made.append(None)
        assert go.wait(20)
        return {"kind": "result"}

    with ThreadPoolExecutor(4) as pool:
        wanted = [pool.submit(answers.get, "same", make) for _ in range(4)]
        wait_until(lambda: made, 30, "it is being made")
        go.set()
        assert [future.result(10) for future in wanted] == [{"kind": "result"}] * 4
    assert answers.get("same", make) == {"kind": "result"}
    assert len(made) == 1
    answers.get("other", make)
    assert len(made) == 2


def test_what_fails_is_told_and_asked_anew():
    answers, made = Kept(), []

    def fails():
        made.append(None)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            answers.get("bad", fails)
    assert len(made) == 2
    assert answers.get("bad", lambda: {"good": True}) == {"good": True}


def test_no_answer_is_kept_for_long_nor_are_many(monkeypatch):
    answers, made = Kept(), []
    make = lambda: made.append(None) or {}  # noqa: E731
    monkeypatch.setattr(kept, "MOST", 2)
    for key in ("a", "b", "a", "c", "a", "b"):  # b has left for c, a was used
        answers.get(key, make)
    assert len(made) == 4
    monkeypatch.setattr(kept, "AGE", 0)
    answers.forget()
    assert not answers._answers


def test_a_question_that_is_asked_again_is_computed_once(weights, evidence, tmp_path, monkeypatch):
    """By example, by the bytes of a photo, models, rule, class and language: whatever is another one is computed."""
    service = Service(weights, evidence)
    service.load()
    counted, answer = [], service.answer
    for each in (service, service.spoken("ko")):
        monkeypatch.setattr(each, "answer", lambda *given, **named: counted.append(None) or answer(*given, **named))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    for name, red in (("first", 255), ("same", 255), ("other", 250)):
        (tmp_path / name).write_bytes(encoded(picture(red=red)))
    asked = {"ask": 1, "models": ["judge-mild", "judge-steep"], "rule": "gradcam", "target": "own", "example": "cow"}
    first, again = service.ask(asked), service.ask(asked | {"ask": 2})
    assert (first["ask"], again["ask"], len(counted)) == (1, 2, 1)
    assert first["cost"] == again["cost"]
    photo = asked | {"example": None}
    others = [photo | {"upload": str(tmp_path / "first")}, photo | {"upload": str(tmp_path / "other")}]
    others += [
        asked | {"example": "panda"},
        asked | {"target": "Dog"},
        asked | {"rule": "layercam"},
        asked | {"language": "ko"},
    ]
    others += [asked | {"models": ["judge-steep", "judge-mild"]}]
    for number, other in enumerate(others):
        assert service.ask(other)["kind"] == "result"
        assert len(counted) == number + 2, other
    assert service.ask(photo | {"upload": str(tmp_path / "same")})["kind"] == "result"
    assert len(counted) == len(others) + 1
    service.decoders.close()
