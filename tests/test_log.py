"""The log: nobody writes lines of it but the server, and none of them floods it."""

import io
import logging

import pytest

from page import log


@pytest.fixture
def logged():
    stream = io.StringIO()
    handler = log.Sparing(stream)
    handler.setFormatter(log.Lines("%(levelname)s: %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, handler, lambda: stream.getvalue().splitlines()


def test_no_line_is_forged(logged):
    logger, _, lines = logged
    logger.warning("name %s", "a\r\nERROR: forged\x1b[2J\u2028\u202e\x85\0\ud800ä 猫")
    assert lines() == ["WARNING: name a\\r\\nERROR: forged\\x1b[2J\\u2028\\u202e\\x85\\x00\\ud800ä 猫"]


def test_a_line_has_an_end(logged):
    logger, _, lines = logged
    logger.warning("x" * 10**6)
    assert len(lines()[0]) < 2 * log.LONGEST


def test_a_traceback_stays_readable(logged):
    logger, _, lines = logged
    try:
        raise ValueError("x")
    except ValueError:
        logger.exception("It failed.")
    assert lines()[0] == "ERROR: It failed."
    assert len(lines()) > 3


def test_the_same_line_is_counted(logged, monkeypatch):
    logger, _, lines = logged
    for _ in range(1000):
        logger.error("It failed.")
    assert lines() == ["ERROR: It failed."]
    monkeypatch.setattr(log, "WHILE", -1.0)
    logger.error("Another thing.")
    assert lines() == ["ERROR: It failed.", "ERROR: 999 more like this: It failed.", "ERROR: Another thing."]


def test_like_ones_are_bounded(logged):
    logger, handler, lines = logged
    for number in range(1000):
        logger.error("%d failed.", number)
    assert len(lines()) == log.LIKE
    handler.close()
    assert lines()[-1] == f"ERROR: {1000 - log.LIKE} more like this: 0 failed."
    assert len(handler._counts) == 0


def test_the_same_text_from_two_places_is_two_lines(logged):
    logger, _, lines = logged
    for kind in (ValueError, KeyError):
        try:
            if kind is ValueError:
                raise ValueError("x")
            raise KeyError("x")
        except (ValueError, KeyError):
            logger.exception("It failed.")
    assert sum("It failed." in line for line in lines()) == 2
