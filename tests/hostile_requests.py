"""Requests that no browser sends: hundreds of them, made by rule, each to be answered by a sentence and a code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from patient import multipart

API = "/gradio_api"
DEEP = "[" * 900 + "]" * 900
VALUES = {
    "null": None,
    "true": True,
    "number": 7,
    "below": -1,
    "huge": 10**30,
    "fraction": 1.5,
    "text": "x",
    "nothing": "",
    "surrogate": "\ud800",
    "control": "a\r\nERROR: forged\x1b[2J",
    "zero": "a\0b",
    "long": "x" * 5000,
    "list": [1, [2]],
    "object": {"a": {"b": 1}},
}


@dataclass(frozen=True)
class Hostile:
    """A request, and what it is called."""

    name: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    harmless: bool = False  # may be answered with 200


def requests(small: SimpleNamespace) -> list[Hostile]:
    """All of them, against a page."""
    return [*_questions(small), *_raw(), *_uploads(), *_addresses(), *_headers(), *_programs()]


def _good(small: SimpleNamespace) -> dict[str, dict[str, Any]]:
    """A right question for each address."""
    page = small.page
    index = next(number for number, made in page.fns.items() if made.targets[0][1] == "ask")
    compare = next(number for number, made in page.fns.items() if made.api_name == "compare")
    component = next(number for number, block in page.blocks.items() if hasattr(block, "state"))
    values = [None, ["a", "b"], "gradcam", "own"]
    return {
        "queue/join": {"data": [], "event_data": {"ask": 1}, "fn_index": index, "session_hash": "abc"},
        "queue/join?compare": {"data": values, "fn_index": compare, "session_hash": "abc"},
        "call/compare": {"data": values},
        "call/v2/compare": {"picture": None, "models": [], "rule": "x", "target": "own"},
        "component_server": {"data": [], "component_id": component, "fn_name": "state", "session_hash": "abc"},
        "cancel": {"session_hash": "abc", "fn_index": 0, "event_id": "abc"},
        "reset": {"event_id": "abc"},
    }


def _questions(small: SimpleNamespace) -> Iterator[Hostile]:
    free = {"event_data", "data@component_server", "picture", "models", "rule", "target"}  # may hold anything
    for path, body in _good(small).items():
        address = f"{API}/{path.partition('?')[0]}"
        for key in body:
            harmless = key in free or f"{key}@{path}" in free
            for name, value in VALUES.items():
                if value == body[key] or (harmless and name not in ("surrogate", "control", "long", "object")):
                    continue
                if (key, name) in {("fn_index", "number"), ("component_id", "number")}:
                    continue
                plain = isinstance(body[key], str) and name in ("text",)  # a name like another
                number = isinstance(body[key], int) and name in ("below",) and path == "cancel"
                ok = harmless or plain or number or path == "cancel"
                yield Hostile(f"{path} {key} {name}", "POST", address, body | {key: value}, harmless=ok)
            missing = {name: value for name, value in body.items() if name != key}
            yield Hostile(f"{path} no {key}", "POST", address, missing, harmless=harmless)
        yield Hostile(
            f"{path} more", "POST", address, body | {"data": [1] * 9}, harmless="data" not in body or "comp" in path
        )


def _raw() -> Iterator[Hostile]:
    typed = {"Content-Type": "application/json"}
    bodies = {
        "empty": b"",
        "cut": b'{"data": [',
        "no utf-8": b'{"data": "\xff\xfe"}',
        "NaN": b'{"data": [NaN]}',
        "deep": DEEP.encode(),
        "deep inside": b'{"data": ' + DEEP.encode() + b"}",
        "wide": b'{"data": [' + b"[]," * 5000 + b"[]]}",
        "long": b'{"data": ["' + b"x" * (2 * 2**20) + b'"]}',
        "list": b"[]",
        "text": b'"x"',
    }
    for address in ("queue/join", "call/compare", "call/v2/compare", "component_server", "cancel"):
        for name, body in bodies.items():
            yield Hostile(f"{address} {name}", "POST", f"{API}/{address}", body, typed)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            yield Hostile(f"{address} as {kind}", "POST", f"{API}/{address}", b'{"data": []}', {"Content-Type": kind})


def _uploads() -> Iterator[Hostile]:
    file = ("files", "a.png", b"x")
    body, headers = multipart(file)
    end = b"\r\n\r\n"
    twice = b'\r\nContent-Disposition: form-data; name="x"' + end
    made = {
        "other field": multipart(("x", "a.png", b"x")),
        "no file": multipart(("files", None, b"x")),
        "two": multipart(file, file),
        "thousand": multipart(*[file] * 1000),
        "nothing in it": multipart(),
        "with a text": multipart(file, ("more", None, b"x" * 100_000)),
        "cut": (body[:-12], headers),
        "cut early": (body[:30], headers),
        "of nothing": (b"", headers),
        "begun by other text": (b"hello\r\n" + body, headers),
        "long head": (body.replace(end, b"\r\nX: " + b"y" * 9000 + end), headers),
        "disposed twice": (body.replace(end, twice, 1), headers),
        "no boundary": (body, {"Content-Type": "multipart/form-data"}),
        "long boundary": (body, {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}),
        "as JSON": (b"{}", {"Content-Type": "application/json"}),
    }
    for name, (sent, said) in made.items():
        yield Hostile(f"upload {name}", "POST", f"{API}/upload", sent, said)
    yield Hostile("upload bad id", "POST", f"{API}/upload?upload_id=a%0Ab", body, headers)
    names = ("a" * 400, "..", ".", "../../etc/passwd", "\\\\host\\x", "%00", "a\0b", "\udcff", " ", "con", "ä" * 200)
    for name in names:
        sent, said = multipart(("files", name.encode("utf-8", "surrogateescape").decode("latin-1"), b"x"))
        yield Hostile(f"upload named {name[:9]!a}", "POST", f"{API}/upload", sent, said, harmless=True)


def _addresses() -> Iterator[Hostile]:
    paths = """
        /nosuch // /./ /..%2f..%2fetc/passwd /assets/../../x /assets/%2e%2e/x /static//x /assets/no.js /monitoring
        /monitoring/summary /monitoring/x /docs /redoc /logout /login /svelte/x /pwa_icon
        API/call/nosuch/x API/call/compare/nosuch API/heartbeat/a%0Ab API/upload_progress API/upload_progress?upload_id=
        API/queue/data API/queue/data?session_hash=a%00 API/file=/etc/passwd API/file=http://127.0.0.1/
        API/proxy=http://127.0.0.1/ API/deep_link?session_hash=abc API/dev/reload API/openapi.json
        API/custom_component/a%0AINFO%3A%20forged/client/x/y API/startup-events API/queue/status API/runs API/token
        API/user
        API/stream/a/b/c/playlist.m3u8 API/vibe-code API/mcp/
    """.replace("API", API).split()
    paths += [f"{API}/heartbeat/{'x' * 99}", "/" + "x" * 8000]
    for path in paths:
        yield Hostile(f"GET {path[:60]}", "GET", path)
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "FOO", "HEAD"):
        yield Hostile(f"{method} join", method, f"{API}/queue/join")
    posts = """
        run/compare run/predict api/compare api/predict process_recording login vibe-edit call/nosuch call/v2/nosuch
        stream/x stream/x/close profiling/clear
    """
    for path in posts.split():
        yield Hostile(f"POST {path}", "POST", f"{API}/{path}", {"data": [None] * 4})


def _programs() -> Iterator[Hostile]:
    for name, value in VALUES.items():
        for part in ("id", "method", "params", "jsonrpc"):
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x"}} | {part: value}
            yield Hostile(f"mcp {part} {name}", "POST", "/mcp", body, harmless=True)
        tool = {"name": "describe", "arguments": {"picture": value}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool}
        if name not in ("null", "nothing", "long"):  # no picture, which the stand-in does not mind; base64
            yield Hostile(f"mcp picture {name}", "POST", "/mcp", body, harmless=True)
    for raw in (b"", b"{", b"\xff", DEEP.encode(), b"[" * 10**6):
        yield Hostile(f"mcp {raw[:3]!a} {len(raw)}", "POST", "/mcp", raw, harmless=True)
    for path in ("/overlay?depth=x", "/overlay?depth=nan", "/overlay?depth=1e400", f"/describe?models={'x' * 5000}"):
        yield Hostile(f"POST {path[:30]}", "POST", path, b"x")
    for path in ("/describe", "/overlay", "/mcp"):
        long = {"Content-Length": "99999999"}
        yield Hostile(f"POST {path} long", "POST", path, b"x", long)
        yield Hostile(f"PUT {path}", "PUT", path, b"x")
        yield Hostile(f"GET {path}", "GET", path)
    for path in ("/healthz/x", "/readyz?x", "//healthz"):
        yield Hostile(f"POST {path}", "POST", path, b"x")


def _headers() -> Iterator[Hostile]:
    yield Hostile("range", "GET", "/theme.css", None, {"Range": "bytes=1-2-3"}, harmless=True)
    yield Hostile("range of an asset", "GET", "/static/img/logo.svg", None, {"Range": "bytes=1-2-3"}, harmless=True)
    yield Hostile("forwarded", "GET", "/", None, {"X-Forwarded-For": "\xff, ::::, [x"}, harmless=True)
    yield Hostile("forwarded host", "GET", "/", None, {"X-Forwarded-Host": "a b<script>"}, harmless=True)
    yield Hostile("forwarded proto", "GET", "/", None, {"X-Forwarded-Proto": "x,y"}, harmless=True)
    yield Hostile("origin", "GET", "/config", None, {"Origin": "null"}, harmless=True)
    yield Hostile("bad host", "GET", "/config", None, {"Host": "[::1", "Origin": "http://x"}, harmless=True)
    yield Hostile("deep link", "GET", "/?deep_link=..%2f..", None, {}, harmless=True)
    yield Hostile("deep link config", "GET", "/config?deep_link=AAAAAAAAAAA", None, {}, harmless=True)
    yield Hostile("length", "POST", f"{API}/call/compare", json.dumps({"data": []}).encode(),
                  {"Content-Type": "application/json", "Content-Length": "99999999"})  # fmt: skip
