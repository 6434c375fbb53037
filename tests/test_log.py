"""The log: nobody writes lines of it but the server, and none of them floods it."""

import io
import json
import logging

import pytest
from patient import multipart, say

from page import log
from page.door.routes import told

pytest_plugins = ["patient_fixtures"]


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


def test_as_json_every_line_is_an_object(capsys, monkeypatch):
    monkeypatch.setenv("TWO_MINDS_LOG", "json")
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.INFO))
    log.set_up()
    logging.root.warning("name %s", "a\nb")
    try:
        raise ValueError("x")
    except ValueError:
        logging.root.exception("It failed.")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.items() >= {"level": "warning", "message": "name a\\nb"}.items()
    assert first["time"].endswith("Z")
    assert (second["error"], second["message"]) == ("ValueError: x", "It failed.")
    assert "test_log.py" in second["places"][0]


def test_an_address_is_told_without_what_a_visitor_put_into_it():
    assert told("/gradio_api/heartbeat/secret-session") == "/gradio_api/heartbeat/…"
    assert told("/gradio_api/queue/data") == "/gradio_api/queue/data"
    assert told("/assets/../x y") == "/assets/…/…"
    assert log.described(KeyError("secret")).startswith("KeyError (")


def test_what_visitors_send_is_not_in_the_log(small, caplog, monkeypatch):
    """Whatever fails, and wherever it stands in a request."""
    secret = "S3cr3tOfAVisitor"

    def fault(*_, **__):
        raise RuntimeError(secret)

    caplog.set_level(logging.DEBUG)
    headers = {"User-Agent": secret, "X-Forwarded-For": f"{secret}, 203.0.113.9", "Cookie": f"a={secret}"}
    body = {"data": [secret], "event_data": {"ask": 1, "upload": secret}, "fn_index": 0, "session_hash": secret}
    for monkey in (False, True):
        if monkey:
            monkeypatch.setattr(small.service, "ask", fault)
            monkeypatch.setattr(small.server.app, "get_blocks", fault)
        for method, path in (
            ("GET", f"/gradio_api/heartbeat/{secret}/x"),
            ("GET", "/config"),
            ("GET", f"/{secret}?{secret}"),
            ("POST", "/gradio_api/queue/join"),
            ("POST", f"/describe?target={secret}"),
            ("POST", "/mcp"),
        ):
            say(small.url, method, path, body if method == "POST" else None, headers)
        name, kind = multipart(("files", f"{secret}.png", secret.encode()))
        say(small.url, "POST", "/gradio_api/upload", name, headers | kind)
    assert "failed" in caplog.text
    assert secret not in caplog.text
