"""The front door: only what the page uses gets through, in measure, in time; and whatever is wrong is one sentence."""

import json
import logging
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from hostile_requests import Hostile, requests
from judges import wait_until
from patient import fetch, join, multipart, refusal, say, served

from page import door, limits, server
from page.door import answers, bodies, network, route_of, shares
from page.door.routes import ROUTES
from page.errors import Shut
from page.layout import build
from page.texts import PageTexts

pytest_plugins = ["patient_fixtures"]
API = "/gradio_api"
# What Gradio serves and the page uses, as Gradio writes it
USED = {
    "GET /", "HEAD /", "GET /assets/{path:path}", "GET /static/{path:path}", "GET /theme.css", f"GET {API}/theme.css",
    "GET /favicon.ico", "GET /robots.txt", "GET /manifest.json", "GET /config", "GET /config/", f"GET {API}/info",
    f"GET {API}/info/", f"GET {API}/app_id", f"GET {API}/app_id/", f"GET {API}/heartbeat/{{session_hash}}",
    f"GET {API}/upload_progress", f"GET {API}/queue/data", f"GET {API}/call/{{api_name}}/{{event_id}}",
    f"GET {API}/call/v2/{{api_name}}/{{event_id}}", f"POST {API}/upload", f"POST {API}/queue/join",
    f"POST {API}/call/{{api_name}}", f"POST {API}/call/{{api_name}}/", f"POST {API}/call/v2/{{api_name}}",
    f"POST {API}/call/v2/{{api_name}}/", f"POST {API}/component_server", f"POST {API}/component_server/",
    f"POST {API}/cancel", f"POST {API}/reset", f"POST {API}/reset/",
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A page for tests that leave it as it was."""
    with served(tmp_path_factory.mktemp("shared")) as page:
        yield page


@pytest.fixture
def quiet(caplog, capfd) -> SimpleNamespace:
    """What the server logs and prints in the meantime."""
    caplog.set_level(logging.INFO)
    printed = []

    def text() -> str:
        printed.extend(capfd.readouterr())
        return "".join(printed) + caplog.text

    return SimpleNamespace(text=text)


# --- which addresses ------------------------------------------------------------------------------------------------


def routes(app) -> Iterator[tuple[str, str]]:
    """Every method and path that an app serves, those of what is mounted in it included."""
    for route in app.routes:
        if hasattr(route, "methods"):
            yield from ((method, route.path) for method in route.methods or ["GET"])
        elif inside := getattr(route, "original_router", None) or getattr(route, "app", None):
            yield from routes(inside)
        else:
            pytest.fail(f"a kind of route that this test does not know: {route!r}")


def test_every_route_of_gradio_is_guarded_or_not_there(shared):
    served_paths = {f"{method} {path}" for method, path in routes(shared.server.app)}
    assert len(served_paths) > 70
    assert served_paths >= USED
    for route in sorted(served_paths):
        method, path = route.split(" ", 1)
        path = re.sub(r"{\w+(:\w+)?}", "compare", path)
        scope = {"method": method, "path": path}
        if route in USED:
            assert route_of(scope)
            if method == "POST":
                long = say(
                    shared.url, method, path, b"x", {"Content-Type": "application/json", "Content-Length": "99999999"}
                )
                assert refusal(long) in ("long", "one_file"), route
                assert refusal(say(shared.url, method, path, {"x": 1})) in ("not_known", "one_file", "arguments"), route
            elif "{" in path or "data" in path or "progress" in path:
                assert refusal(say(shared.url, method, path)) in ("not_known", "no_question"), route
        else:
            with pytest.raises(Shut):
                route_of(scope)
            if method != "HEAD":
                assert refusal(say(shared.url, method, path, {} if method == "POST" else None)) == "no_address", route


def test_every_route_of_the_table_is_one_of_gradios():
    used = [route.split(" ", 1) for route in USED | {"HEAD /assets/x", "HEAD /static/x", "HEAD /theme.css"}]
    examples = [(method, re.sub(r"{\w+(:\w+)?}", "x", path)) for method, path in used]
    for route in ROUTES:
        for method in route.methods:
            assert any(used == method and route.match(method, path) for used, path in examples), route


def test_a_preflight_is_gradios_where_the_address_is_open(shared):
    asked = {"Origin": "http://localhost", "Access-Control-Request-Method": "POST"}
    said = say(shared.url, "OPTIONS", f"{API}/queue/join", None, asked)
    assert (said.status, said.headers["access-control-allow-origin"]) == (200, "http://localhost")
    foreign = say(shared.url, "OPTIONS", f"{API}/queue/join", None, asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    assert refusal(say(shared.url, "OPTIONS", f"{API}/process_recording", None, asked)) == "no_address"


def test_a_page_of_another_host_cannot_ask_by_a_plain_form(shared):
    """Such a form sends no JSON; what says that it is JSON, a browser asks about first."""
    body = json.dumps({"data": [None, [], "x", "y"]}).encode()
    said = say(
        shared.url,
        "POST",
        f"{API}/call/compare",
        body,
        {"Content-Type": "text/plain", "Origin": "https://evil.example"},
    )
    assert refusal(said) == "not_json"


# --- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/theme.css", "/config", "/nosuch", f"{API}/call/compare"])
def test_every_answer_has_the_headers(shared, path):
    headers = say(shared.url, "GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]
    assert "object-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_nothing_tells_gradios_version(shared):
    import gradio

    assert gradio.__version__.count(".") == 2
    for path in ("/", "/config", f"{API}/info"):
        assert gradio.__version__ not in say(shared.url, "GET", path).text
    told = say(shared.url, "POST", f"{API}/upload", *multipart(("files", "a.png", b"x"))).json
    assert not re.search(r"two-minds-\d+-", told[0])


# --- bodies ---------------------------------------------------------------------------------------------------------


def raw(page, lines: list[str], body: Iterator[bytes], seconds: float = 30) -> bytes:
    """What comes back for a request that is written by hand; its body is sent as far as anybody takes it."""
    parts = urlsplit(page.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        connection.sendall("\r\n".join([*lines, "Host: here", "", ""]).encode())
        try:
            for piece in body:
                connection.sendall(piece)
        except OSError:
            pass
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and b"\r\n0\r\n" not in answer and b'"code"' in answer:
                    break
        except OSError:
            pass
        return answer


def chunks(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"


CHUNKED = "Transfer-Encoding: chunked"


def test_a_body_is_counted_while_it_comes_in_whatever_it_says(shared):
    question = [f"POST {API}/call/compare HTTP/1.1", "Content-Type: application/json", CHUNKED]
    assert b" 413 " in raw(shared, question, chunks(65536, 100))
    upload = [f"POST {API}/upload HTTP/1.1", "Content-Type: multipart/form-data; boundary=limit", CHUNKED]
    head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'

    def endless() -> Iterator[bytes]:
        yield f"{len(head):x}\r\n".encode() + head + b"\r\n"
        yield from chunks(2**20, 40)

    assert b" 413 " in raw(shared, upload, endless())


def test_a_file_of_just_the_limit_gets_through(shared):
    from explain.pictures import MAX_BYTES

    body, headers = multipart(("files", "a.png", b"\0" * MAX_BYTES))
    assert say(shared.url, "POST", f"{API}/upload", body, headers).status == 200
    body, headers = multipart(("files", "a.png", b"\0" * (MAX_BYTES + 1)))
    assert refusal(say(shared.url, "POST", f"{API}/upload", body, headers)) == "long"


def test_a_question_of_just_under_the_limit_gets_through(shared):
    body = {"data": [None, ["x" * (bodies.QUESTION - 200)], "gradcam", "own"]}
    assert "event_id" in say(shared.url, "POST", f"{API}/call/compare", body).text


def test_a_file_that_holds_what_stands_between_parts_is_refused(shared):
    body, headers = multipart(("files", "a.png", b"x\r\n--limit\r\nContent-Disposition: form-data; name=y\r\n\r\nz"))
    assert refusal(say(shared.url, "POST", f"{API}/upload", body, headers)) == "one_file"


def test_marks_are_counted_across_pieces(shared):
    body, _ = multipart(("files", "a.png", b"x"), ("files", "b.png", b"y"))
    pieces = (b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body)
    head = [f"POST {API}/upload HTTP/1.1", "Content-Type: multipart/form-data; boundary=limit", CHUNKED]
    assert b"one_file" in raw(shared, head, pieces)


# --- wrong arguments ------------------------------------------------------------------------------------------------

FEW = {
    "queue/join fn_index text",
    "queue/join no session_hash",
    "queue/join event_data object",
    "queue/join deep inside",
    "call/compare data object",
    "call/compare more",
    "call/compare NaN",
    "call/v2/compare more",
    "component_server fn_name zero",
    "component_server as multipart/form-data; boundary=x",
    "upload other field",
    "upload cut",
    "upload named 'a\\x00b'",
    "GET /gradio_api/call/compare/nosuch",
    "POST run/compare",
    "PUT join",
    "range of an asset",
}


def fails(page, hostile: Hostile) -> str | None:
    """What is wrong with the answer to such a request."""
    try:
        said = say(page.url, hostile.method, hostile.path, hostile.body, hostile.headers, seconds=10)
    except (ConnectionError, ValueError, UnicodeEncodeError):  # not to be sent at all, or not to be answered
        return None
    if said.status == 400 and said.text.startswith("Invalid HTTP"):
        return None
    if hostile.harmless and said.status < 400:
        return None
    if hostile.method == "HEAD":
        return None if said.status == 404 else str(said.status)
    try:
        assert refusal(said) != "internal"
    except AssertionError as error:
        return f"{said.status} {said.text[:200]} {error}"
    return None


def check(page, chosen: list[Hostile], quiet) -> None:
    wrong = {hostile.name: wrong for hostile in chosen if (wrong := fails(page, hostile))}
    assert not wrong
    assert say(page.url, "GET", "/config").status == 200
    text = quiet.text()
    assert "Traceback" not in text
    assert "\nERROR: forged" not in text
    assert "ERROR" not in text, text


def test_a_wrong_request_is_one_sentence_and_leaves_no_trace(shared, quiet):
    few = [hostile for hostile in requests(shared) if hostile.name in FEW]
    assert len(few) == len(FEW)
    check(shared, few, quiet)


@pytest.mark.slow
def test_so_are_all_the_others(shared, quiet):
    every = requests(shared)
    assert len(every) >= 100
    check(shared, every, quiet)


def test_wrong_values_of_the_endpoint_are_one_sentence(shared, quiet):
    pictures = [
        {"path": "/proc/self/environ", "meta": {"_type": "gradio.FileData"}},
        *({"path": ""}, {"path": "a\0b"}, {"url": "http://x"}, {"path": {"path": "x"}}, {"a": 1}),
        *("text", 7, [1], True),
    ]
    for picture in pictures:
        said = say(shared.url, "POST", f"{API}/call/compare", {"data": [picture, ["a", "b"], "gradcam", "own"]})
        answer = say(shared.url, "GET", f"{API}/call/compare/{said.json['event_id']}").text
        told = json.loads(re.search(r"event: error\ndata: (.*)", answer).group(1))
        assert re.fullmatch(r"[A-Z][^\n]+\.", told["error"])
        assert told["title"] in ("not_uploaded", "argument", "gone")
    assert "Traceback" not in quiet.text()


def test_a_session_that_is_not_there_is_told_in_the_words_of_the_browsers_code(shared, quiet):
    said = say(shared.url, "GET", f"{API}/queue/data?session_hash=nosuch")
    event = json.loads(said.text.removeprefix("data: "))
    assert event["msg"] == "unexpected_error"
    assert event["session_not_found"] is True
    assert event["message"] == PageTexts().say("no_question")
    assert quiet.text() == ""


def test_who_leaves_in_the_middle_of_an_upload_is_no_error(shared, quiet):
    from test_folder import break_off

    break_off(shared, f"{API}/upload")
    break_off(shared, f"{API}/queue/join")
    time.sleep(0.5)
    assert quiet.text() == ""


def test_a_fault_of_ours_is_one_line(shared, quiet, monkeypatch):
    def fault(*_):
        raise RuntimeError("odd\nERROR: forged")

    monkeypatch.setattr(shared.server.app, "get_blocks", fault)
    assert say(shared.url, "GET", "/config").json["code"] == "internal"
    monkeypatch.undo()
    wait_until(lambda: "GET /config failed: RuntimeError (" in quiet.text(), 30, "it is logged")
    text = quiet.text()
    assert "test_door.py" in text
    assert "Traceback" not in text
    assert "odd" not in text  # it may hold what a visitor has sent


# --- shares, and time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("x" * 500, "x" * 64),
        ("", ""),
    ],
)
def test_one_client_is_one_network(address, known):
    assert network(address) == known


@pytest.mark.parametrize(
    ("proxies", "forwarded", "known"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "forged, 198.51.100.7", "198.51.100.7"),
        (2, "forged, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_a_proxy_is_believed_as_far_as_the_host_says(proxies, forwarded, known):
    guard = door.Door(None, None, PageTexts(), proxies)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert guard.client({"client": ("192.0.2.1", 1), "headers": headers}) == known


def try_to_join(page, client: str):
    body = {"data": [], "event_data": {"ask": 1}, "fn_index": 0, "session_hash": "s"}
    return say(page.url, "POST", f"{API}/queue/join", body, client=client)


def test_a_forged_header_gives_nobody_a_second_share(tmp_path):
    with served(tmp_path, proxies=0) as page:
        page.service.go.clear()
        for number in range(limits.SHARE):
            join(page, client=f"198.51.100.{number}")
        wait_until(lambda: page.page.gate.full("127.0.0.1"), 20, "they are inside")
        assert refusal(try_to_join(page, "198.51.100.99")) == "busy"
        assert page.service.asked == 1


def test_one_client_does_not_keep_others_out(small):
    """Its questions wait for each other; the next client's is taken at once."""
    small.service.go.clear()
    mine = [join(small) for _ in range(limits.SHARE)]
    wait_until(lambda: small.page.gate.full("203.0.113.1"), 20, "they are inside")
    assert refusal(try_to_join(small, "203.0.113.1")) == "busy"
    assert small.service.asked == 1
    join(small, client="203.0.113.2")
    wait_until(lambda: small.service.asked == 2, 30, "the other one's is, too")
    small.service.go.set()
    assert "PICTURE" in fetch(small, mine[-1])


def test_a_newcomer_goes_before_who_has_had_much(small):
    small.service.go.clear()
    order = []
    ask = small.service.ask
    small.service.ask = lambda asked: (order.append(asked["ask"]), ask(asked))[1]
    index = next(number for number, made in small.page.fns.items() if made.targets[0][1] == "ask")
    for number, client in enumerate("AAAABBBBC"):
        body = {"data": [], "event_data": {"ask": client}, "fn_index": index, "session_hash": f"s{number}"}
        say(small.url, "POST", f"{API}/queue/join", body, client=client)
        time.sleep(0.05)
    small.service.go.set()
    wait_until(lambda: len(order) == 9, 20, "all are answered")
    assert sorted(order[:2]) == ["A", "B"]
    assert order[2] == "C"
    assert small.service.most == limits.AT_ONCE


def test_who_asks_much_goes_on_when_nobody_else_is_being_answered(small, monkeypatch):
    """So another's question has the machine for itself, once the one that was running has ended."""
    gates, running = {}, []

    def ask(asked: dict) -> dict:
        name = asked["ask"]
        running.append(name)
        gates.setdefault(name, threading.Event()).wait(30)
        return {"kind": "result", "ask": 1}

    monkeypatch.setattr(small.service, "ask", ask)
    index = next(number for number, made in small.page.fns.items() if made.targets[0][1] == "ask")

    def send(name: str) -> None:
        body = {"data": [], "event_data": {"ask": name}, "fn_index": index, "session_hash": name}
        say(small.url, "POST", f"{API}/queue/join", body, client=name[0])

    for name in ("a1", "a2", "a3", "a4", "b1"):
        send(name)
    wait_until(lambda: running == ["a1", "b1"], 20, "one of each is running")
    gates["a1"].set()
    time.sleep(1)
    assert running == ["a1", "b1"]  # b1 goes on alone
    send("c1")
    wait_until(lambda: running == ["a1", "b1", "c1"], 20, "a third client's is no less")
    gates["b1"].set()
    gates["c1"].set()
    began = time.monotonic()
    wait_until(lambda: running[3:] == ["a2"], 20, "then the first client's next")
    assert time.monotonic() - began > limits.PAUSE - 0.2  # either of them may have asked again
    monkeypatch.setattr(limits, "PATIENCE", 0)
    send("d1")
    wait_until(lambda: running[4:] == ["d1"], 20, "another's comes in between")
    gates["a2"].set()
    wait_until(lambda: running[5:] == ["a3"], 20, "nobody waits for ever")
    for name in ("a3", "a4", "d1"):
        gates.setdefault(name, threading.Event()).set()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_page_that_nobody_asks_rests(shared):
    """Gradio's queue alone would wake up 900 times a second, which takes a tenth of a core for ever."""

    def wakes() -> int:
        text = Path(f"/proc/self/task/{shared.server._thread.native_id}/status").read_text()
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)[1])

    before = wakes()
    time.sleep(2)
    assert wakes() - before < 2 * 200


def test_too_much_at_once_of_one_client_is_refused_and_of_another_is_not(shared, monkeypatch):
    monkeypatch.setitem(shares.SHARES, "stream", (3, 0, 0))
    path = f"{API}/heartbeat/abc"
    parts = urlsplit(shared.url)
    held = []
    for _ in range(3):
        held.append(socket.create_connection((parts.hostname, parts.port)))
        held[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 192.0.2.50\r\n\r\n".encode())
        assert b"ALIVE" in held[-1].recv(4096) + held[-1].recv(4096)
    assert refusal(say(shared.url, "GET", path, client="192.0.2.50")) == "share"
    assert say(shared.url, "GET", "/theme.css", client="192.0.2.50").status == 200
    with pytest.raises(TimeoutError):  # it goes on
        say(shared.url, "GET", path, client="192.0.2.51", seconds=1)
    for connection in held:
        connection.close()
    wait_until(lambda: not open_streams(shared), 30, "the places are free again")


def open_streams(page) -> list:
    return [key for key in page.server._uvicorn.config.app._shares._lines if key[1] == "stream"]


HEADED = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: 999\r\n\r\n{}"
SILENT = {
    "nothing": "",
    "half a line": "GET / HT",
    "half a head": "GET / HTTP/1.1\r\nHost: x\r\n",
    "half a head more": "GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
    "half a question": HEADED.format(f"{API}/queue/join", "application/json", "{"),
    "half an upload": HEADED.format(f"{API}/upload", "multipart/form-data; boundary=b", "--b"),
}


def closed_after(page, sent: str, drip: str = "") -> tuple[float, bytes]:
    """Seconds until the server closes a connection, to which something more is sent now and then; what it said."""
    parts = urlsplit(page.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=0.3) as connection:
        connection.sendall(sent.encode())
        began, answer = time.monotonic(), b""
        while (took := time.monotonic() - began) < 30:
            try:
                connection.sendall(drip.encode())
                piece = connection.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not piece:
                break
            answer += piece
        return took, answer


@pytest.mark.parametrize("kind", SILENT)
def test_who_says_no_more_is_not_waited_for(shared, monkeypatch, quiet, kind):
    monkeypatch.setattr(server, "HEAD", 1)
    monkeypatch.setattr(bodies, "REST", 1)
    took, answer = closed_after(shared, SILENT[kind])
    assert took < 10
    assert (b" 408 " in answer) == ("POST" in SILENT[kind])
    assert "ERROR" not in quiet.text()


def test_who_drips_is_not_waited_for(shared, monkeypatch):
    """A piece now and then does not make the time longer."""
    monkeypatch.setattr(server, "HEAD", 2)
    monkeypatch.setitem(bodies.LONGEST, "question", 2)
    for begun in ("GET / HTTP/1.1\r\nX: ", SILENT["half a question"]):
        assert closed_after(shared, begun, "x")[0] < 15


def test_one_address_has_so_many_connections(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS", 5)
    with served(tmp_path, proxies=0) as page:
        parts = urlsplit(page.url)
        held = [socket.create_connection((parts.hostname, parts.port), timeout=5) for _ in range(5)]
        with pytest.raises(ConnectionError):
            say(page.url, "GET", "/robots.txt")
        for connection in held:
            connection.close()
        wait_until(lambda: say(page.url, "GET", "/robots.txt").status == 200, 30, "there is room again")


def test_who_takes_no_answer_is_let_go(shared, monkeypatch, quiet):
    monkeypatch.setattr(answers, "REST", 1)
    asset = max(shared_assets(), key=lambda path: path.stat().st_size)
    parts = urlsplit(shared.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((parts.hostname, parts.port))
    line = f"GET /assets/{asset.name} HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 192.0.2.60\r\n\r\n"
    for _ in range(20):
        connection.sendall(line.encode())
    lines = shared.server._uvicorn.config.app._shares._lines
    wait_until(lambda: not [key for key in lines if key[0] == "192.0.2.60"], 20, "it is let go")
    connection.close()
    assert "ERROR" not in quiet.text()


def shared_assets():
    import gradio

    folder = gradio.__file__.rpartition("/")[0] + "/templates/frontend/assets"
    from pathlib import Path

    return Path(folder).iterdir()


# --- a crowd of one -------------------------------------------------------------------------------------------------


GREEDY = r"""
import contextlib, http.client, json, socket, sys, threading, time
port, index = int(sys.argv[1]), int(sys.argv[2])
headers = {"Content-Type": "application/json", "X-Forwarded-For": "203.0.113.7"}

def send(method, path, body=None):
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request(method, path, body, headers)
        connection.getresponse().read()
        connection.close()

def ask(number):
    while True:
        body = {"data": [], "event_data": {"ask": 1}, "fn_index": index, "session_hash": f"greedy{number}"}
        send("POST", "/gradio_api/queue/join", json.dumps(body))
        send("GET", f"/gradio_api/queue/data?session_hash=greedy{number}")

def long():
    body = b"[" + b"[]," * 10**7 + b"[]]"
    while True:
        send("POST", "/gradio_api/queue/join", body)

slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
for connection in slow:
    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
for target, arguments in [*((ask, (number,)) for number in range(36)), (long, ())]:
    threading.Thread(target=target, args=arguments, daemon=True).start()
time.sleep(120)
"""


@pytest.mark.slow
def test_a_visitor_hardly_notices_a_client_who_wants_everything(tmp_path):
    """The small form of benchmarks/crowding.py: 36 connections, a long body, 50 slow sockets."""
    with served(tmp_path) as page:
        page.service.seconds = 0.5

        def visit() -> float:
            began = time.monotonic()
            assert "PICTURE" in fetch(page, join(page, client="203.0.113.2"), client="203.0.113.2")
            return time.monotonic() - began

        visit()
        alone = statistics.median(visit() for _ in range(5))
        index = next(number for number, made in page.page.fns.items() if made.targets[0][1] == "ask")
        port = page.url.split(":")[-1].strip("/")
        greedy = subprocess.Popen([sys.executable, "-c", GREEDY, port, str(index)])
        try:
            wait_until(lambda: page.service.asked > 8, 30, "it is at work")
            crowded = statistics.median(visit() for _ in range(7))
            assert greedy.poll() is None
        finally:
            greedy.kill()
            greedy.wait()
        assert crowded < 2 * alone, (alone, crowded)


def test_the_page_is_built_for_gradio_as_a_page_is(tmp_path):
    """Our own class of page is to Gradio what its own is."""
    from patient import Patient

    page = build(Patient(tmp_path))
    assert page.get_config_file()["mode"] == "blocks"
