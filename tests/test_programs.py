"""What programs ask in one exchange, what assistants do, and what a host asks."""

import asyncio
import base64
import http.client
import io
import json
import re
import shutil
import subprocess
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from judges import ROOT, encoded, picture, wait_until
from patient import fetch, join, refusal, say
from PIL import Image

from explain.pictures import MAX_BYTES
from page import programs

pytest_plugins = ["page_fixtures", "patient_fixtures"]
RED = encoded(picture(red=255))
PAIR = "judge-mild,judge-steep"


def post(url: str, path: str, body: bytes = RED, **choice: object) -> SimpleNamespace:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
    connection.request("POST", path + "?" + urlencode(choice), body, {"Content-Type": "image/png"})
    answer = connection.getresponse()
    said = SimpleNamespace(status=answer.status, kind=answer.getheader("content-type"), body=answer.read())
    connection.close()
    return said


def left(server) -> list[str]:
    """Files of visitors that the server still has."""
    return [path.name for path in server.temporary.rglob("uploads/**/*") if path.is_file()]


# --- one exchange -----------------------------------------------------------------------------------------------------


def test_a_picture_is_described_in_numbers_and_words(server):
    before = left(server)
    said = post(server.url, "/describe", models=PAIR)
    assert (said.status, said.kind) == (200, "application/json")
    told = json.loads(said.body)
    assert [(model["id"], model["says"], model["target"]) for model in told["models"]] == [
        ("judge-mild", "Cat", "Cat"),
        ("judge-steep", "Cat", "Cat"),
    ]
    assert sum(guess["share"] for guess in told["models"][0]["guesses"]) == pytest.approx(1)
    assert [stop["depth"] for stop in told["stops"]] == sorted(stop["depth"] for stop in told["stops"])
    for stop in told["stops"]:
        assert stop["agreement"][0] is None
        assert -1 <= stop["agreement"][1]["rank"] <= 1
        assert len(stop["agreement"][1]["luck"]) == 3
        assert stop["words"][0].startswith("Both say cat")
        assert all("**" not in sentence for sentence in stop["words"])
        assert [layer in model["layers"] for layer, model in zip(stop["layers"], told["models"], strict=True)] == [
            True
        ] * 2
    assert left(server) == before


def test_a_picture_comes_back_with_the_maps_over_it(server):
    said = post(server.url, "/overlay", models=PAIR, depth=0)
    assert (said.status, said.kind) == (200, "image/png")
    sheet = np.asarray(Image.open(io.BytesIO(said.body)))
    assert sheet.shape == (60 + 16, 2 * 80 + 8, 3)  # two pictures, a line above, a gap between
    last = np.asarray(Image.open(io.BytesIO(post(server.url, "/overlay", models=PAIR).body)))
    assert (sheet[16:] != last[16:]).any()
    three = post(server.url, "/overlay", models=PAIR + ",judge-biased", target="Dog")
    assert Image.open(io.BytesIO(three.body)).size[0] == 3 * 80 + 2 * 8


def test_what_is_wrong_is_a_sentence_with_its_code(server):
    for path in ("/describe", "/overlay"):
        for body, choice, code, status in (
            (b"", {}, "no_picture", 400),
            (b"hello, this is no picture", {}, "text", 400),
            (RED, {"models": "judge-mild"}, "model_count", 400),
            (RED, {"models": "judge-mild,../../etc"}, "unknown_model", 400),
            (RED, {"models": PAIR, "target": "Bird"}, "unknown_target", 400),
            (RED, {"models": PAIR, "rule": "<b>"}, "takes_long", 400),
            (RED, {"models": PAIR, "rule": "rise"}, "takes_long", 400),
            (RED, {"models": PAIR, "target": "contrast"}, "takes_long", 400),
        ):
            said = post(server.url, path, body, **choice)
            told = json.loads(said.body)
            assert (said.status, told["code"]) == (status, code), told
            assert set(told) == {"detail", "error", "code"}
    assert json.loads(post(server.url, "/overlay", depth=7).body)["code"] == "argument"
    assert json.loads(post(server.url, "/describe", models="x" * 5000).body)["code"] == "not_known"
    assert "picture" not in left(server)


def test_names_and_sentences_are_of_the_language_that_is_asked_for(server):
    korean = json.loads(post(server.url, "/describe", models=PAIR, language="ko").body)
    assert korean["models"][0]["says"] == "고양이"
    assert all("고양이" in stop["words"][0] for stop in korean["stops"])
    for accepted, language, says in (("ko-KR,ko;q=0.9", None, "고양이"), ("ko", "en", "Cat"), ("fr", None, "Cat")):
        path = f"/describe?models={PAIR}" + (f"&language={language}" if language else "")
        said = say(server.url, "POST", path, RED, {"Accept-Language": accepted})
        assert said.json["models"][0]["says"] == says
        assert said.json["models"][0]["layers"] == korean["models"][0]["layers"]
    wrong = say(server.url, "POST", "/describe?language=xx", RED, {"Accept-Language": "ko"})
    assert (wrong.status, wrong.json["code"]) == (400, "argument")
    for path in ("/describe?models=judge-mild", "/describe?rule=rise", "/overlay?depth=7", "/describe?language=xx"):
        assert re.search("[가-힣]", say(server.url, "POST", path, RED, {"Accept-Language": "ko"}).json["error"]), path
    told = call(server.url, picture=base64.b64encode(RED).decode(), models=PAIR.split(","), language="ko")
    assert told["structuredContent"]["models"][0]["says"] == "고양이"
    assert call(server.url, picture="", language=["ko"])["isError"]


def test_a_body_is_counted_as_it_comes(small):
    declared = say(small.url, "POST", "/describe", b"x", {"Content-Length": str(MAX_BYTES + 1)})
    assert (declared.status, refusal(declared)) == (413, "long")
    parts = urlsplit(small.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.putrequest("POST", "/overlay")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    try:
        for _ in range(MAX_BYTES // 2**20 + 2):
            connection.send(chunk)
    except OSError:
        pass  # it does not listen any more
    else:
        assert connection.getresponse().status == 413
    connection.close()
    assert small.service.asked == 0
    wait_until(lambda: not list(small.folder.uploads.iterdir()), 5, "nothing is left of it")


def test_they_wait_at_the_gate_like_visitors(small, monkeypatch):
    monkeypatch.setattr(programs, "drawn", lambda message, depth: b"png")
    small.service.go.clear()
    answers = []
    ask = lambda: answers.append(say(small.url, "POST", "/overlay", RED).status)  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    wait_until(lambda: small.service.asked == 1, 30, "one of one client is answered")
    time.sleep(0.2)
    small.service.go.set()
    for thread in threads:
        thread.join(60)
    assert (answers, small.service.most) == ([200] * 10, 1)


def test_the_schema_tells_what_there_is(server):
    schema = say(server.url, "GET", "/openapi.json").json
    assert set(schema["paths"]) == {"/describe", "/overlay"}
    described = schema["paths"]["/describe"]["post"]
    assert {parameter["name"] for parameter in described["parameters"]} == {"models", "rule", "target", "language"}
    assert "judge-steep" in described["parameters"][0]["description"]
    reference = described["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith("/Description")


def test_the_examples_of_the_docs_run(server, tmp_path):
    """Each as it stands there, but for the server's address."""
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(red=255), "JPEG"))
    text = (ROOT / "docs/programs.md").read_text().replace("http://localhost:7860", server.url.rstrip("/"))
    text = text.replace("cats-dogs-effnet-sgd", "judge-mild").replace("cats-dogs-effnet-adam", "judge-steep")
    blocks = re.findall(r"```(python|bash)\n(.*?)```", text, re.DOTALL)
    assert [kind for kind, _ in blocks].count("python") >= 2
    for kind, block in blocks:
        if kind == "bash" and not shutil.which("curl"):
            continue
        command = [ROOT / ".venv/bin/python", "-c", block] if kind == "python" else ["bash", "-euc", block]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (block, done.stderr)
    assert Image.open(tmp_path / "overlay.png").size == (168, 76)


# --- assistants -------------------------------------------------------------------------------------------------------


def tool(url: str, method: str, parameters: dict | None = None, **more: object) -> SimpleNamespace:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters or {}} | more
    return say(url, "POST", "/mcp", request, {"Accept": "application/json, text/event-stream"})


def call(url: str, name: str = "describe", **given: object) -> dict:
    return tool(url, "tools/call", {"name": name, "arguments": given}).json["result"]


def test_a_real_client_of_the_protocol_finds_and_uses_the_tools(server):
    mcp = pytest.importorskip("mcp", reason="needs mcp (requirements-test.txt)")
    from mcp.client.streamable_http import streamable_http_client

    async def use() -> None:
        async with streamable_http_client(server.url + "mcp") as streams, mcp.ClientSession(*streams[:2]) as session:
            hello = await session.initialize()
            assert (hello.server_info.name, hello.capabilities.tools is not None) == ("Two Minds", True)
            await session.send_ping()
            tools = (await session.list_tools()).tools
            assert [each.name for each in tools] == ["describe", "overlay"]
            photo = base64.b64encode(RED).decode()
            told = await session.call_tool("describe", {"picture": photo, "models": PAIR.split(",")})
            assert not told.is_error
            assert json.loads(told.content[0].text)["models"][0]["says"] == "Cat"
            drawn = await session.call_tool("overlay", {"picture": photo, "depth": 0.5})
            assert drawn.content[0].mime_type == "image/png"
            assert Image.open(io.BytesIO(base64.b64decode(drawn.content[0].data))).size == (168, 76)
            wrong = await session.call_tool("describe", {"picture": photo, "models": ["nobody", "judge-mild"]})
            assert wrong.is_error
            assert "There is no model 'nobody'." in wrong.content[0].text

    before = left(server)
    asyncio.run(asyncio.wait_for(use(), 120))
    assert left(server) == before


NO_BYTES = ["http://127.0.0.1:1/a.png", "file:///etc/passwd", "/etc/passwd", "data:image/png;base64,AAAA", 7, ["a"], {}]


@pytest.mark.parametrize("picture", NO_BYTES)
def test_a_tool_opens_nothing_but_the_bytes_that_it_is_given(server, picture):
    before = len(server.opened())
    result = call(server.url, picture=picture)
    assert result["isError"]
    assert re.fullmatch(r"[A-Z][^\n]{8,200}\.", result["content"][0]["text"])
    assert not [path for path in server.opened()[before:] if "passwd" in path]


def test_requests_of_another_form_are_errors_of_the_protocol(shared_small):
    url = shared_small.url
    assert say(url, "POST", "/mcp", b"{").json["error"]["code"] == -32700
    rpc = {"jsonrpc": "2.0"}
    for request in ([], {"id": 1}, rpc | {"id": {}, "method": "ping"}, rpc | {"id": 1, "method": 7}):
        assert say(url, "POST", "/mcp", request).json["error"]["code"] == -32600
    assert tool(url, "prompts/list").json["error"]["code"] == -32601
    assert tool(url, "tools/call", {"name": "x"}).json["error"]["code"] == -32602
    assert tool(url, "ping").json["result"] == {}
    assert tool(url, "initialize", {"protocolVersion": "2025-03-26"}).json["result"]["protocolVersion"] == "2025-03-26"
    notification = say(url, "POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (notification.status, notification.text) == (202, "")
    assert refusal(say(url, "GET", "/mcp")) == "no_address"


@pytest.fixture(scope="module")
def shared_small(tmp_path_factory):
    from patient import served

    with served(tmp_path_factory.mktemp("programs")) as page:
        yield page


# --- hosts ------------------------------------------------------------------------------------------------------------


def test_it_is_alive_at_once_and_ready_with_its_first_models(shared_small, server):
    alive = say(shared_small.url, "GET", "/healthz")
    assert (alive.status, alive.json) == (200, {"status": "alive"})
    loading = say(shared_small.url, "GET", "/readyz")
    assert (loading.status, refusal(loading)) == (503, "not_ready")
    ready = say(server.url, "GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "ready"})
    assert say(server.url, "HEAD", "/readyz").status == 200
    shared_small.service._failed.set()
    assert refusal(say(shared_small.url, "GET", "/readyz")) == "start_fails"
    shared_small.service._failed.clear()


def test_what_is_being_answered_is_answered_before_the_end(small, monkeypatch):
    monkeypatch.setattr(programs, "drawn", lambda message, depth: b"png")
    small.service.go.clear()
    session, said = join(small), []
    listener = threading.Thread(target=lambda: said.append(fetch(small, session)))
    ask = lambda: said.append(say(small.url, "POST", "/overlay", RED, client="203.0.113.2"))  # noqa: E731
    program = threading.Thread(target=ask)
    listener.start()
    program.start()
    wait_until(lambda: small.service.asked == 2, 30, "both are being answered")
    end = threading.Thread(target=small.server.close)
    end.start()
    wait_until(lambda: say(small.url, "GET", "/readyz").json["code"] == "stopping", 30, "it takes nothing new")
    assert refusal(say(small.url, "POST", "/describe", RED, client="203.0.113.3")) == "stopping"
    assert say(small.url, "GET", "/healthz").status == 200
    small.service.go.set()
    for thread in (end, listener, program):
        thread.join(20)
    assert not end.is_alive()
    assert sorted("PICTURE" in str(answer) for answer in said) == [False, True]
    assert [answer.status for answer in said if not isinstance(answer, str)] == [200]


def test_the_end_waits_for_nobody_for_long(small):
    small.service.go.clear()
    session = join(small)
    threading.Thread(target=fetch, args=(small, session), daemon=True).start()
    wait_until(lambda: small.service.asked == 1, 30, "it is being answered")
    began = time.monotonic()
    small.server.close()
    assert time.monotonic() - began < 20  # who is being answered would take a minute


def test_a_fault_of_ours_is_the_house_s_sentence(shared_small, caplog):
    assert refusal(say(shared_small.url, "POST", "/describe", RED)) == "internal"  # the stand-in's answer has no models
    wait_until(lambda: "POST /describe failed: KeyError" in caplog.text, 30, "it is logged")


@pytest.mark.slow
def test_a_server_that_is_told_to_end_answers_first_and_is_gone_in_seconds(weights, tmp_path):
    """In a process of its own, by the signal that containers and Ctrl-C's like send."""
    from judges import STARTING, start

    server = start(tmp_path, "--weights", str(weights))
    wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(post(server.url, "/overlay").status)) for _ in range(3)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    began = time.monotonic()
    server.process.terminate()
    assert server.process.wait(15) == 0
    assert time.monotonic() - began < 10
    for client in clients:
        client.join(10)
    assert 200 in answers
    assert set(answers) <= {200, 503}  # a further one of the same client may come too late
    assert not list(server.temporary.iterdir())
