"""The page over HTTP: the endpoint for programs, and what a stranger can send."""

import asyncio
import http.client
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from judges import ROOT, encoded, picture, start, stop, wait_until
from patient import fetch, join
from PIL import Image

from page import limits
from page.uploads import GuardedImage

pytest_plugins = ["page_fixtures", "patient_fixtures"]
PAIR = ["judge-mild", "judge-steep"]
CHOICE = [PAIR, "gradcam", "own"]
ASKED = dict(zip(("models", "rule", "target"), CHOICE, strict=True))
CANARY = (13, 177, 93)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=120) as response:
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def post(url: str, body: object) -> tuple[int, str]:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def upload(server, data: bytes, name: str = "photo.png") -> str:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(server.url + "gradio_api/upload", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)[0]


def call(server, image: object, choice: list | None = None) -> str:
    """Everything that the endpoint sends back for a raw call."""
    status, text = post(server.url + "gradio_api/call/compare", {"data": [image, *(choice or CHOICE)]})
    if status != 200:
        return text
    return get(f"{server.url}gradio_api/call/compare/{json.loads(text)['event_id']}")[1]


def ask(server, event_data: object, inputs: list | None = None) -> dict | None:
    """What the view's own event answers to a raw call."""
    config = json.loads(get(server.url + "config")[1])
    index = next(dependency["id"] for dependency in config["dependencies"] if dependency["targets"][0][1] == "ask")
    session = uuid.uuid4().hex
    body = {"data": inputs or [], "event_data": event_data, "fn_index": index, "session_hash": session}
    status, _ = post(server.url + "gradio_api/queue/join", body)
    if status != 200:
        return None
    stream = get(f"{server.url}gradio_api/queue/data?session_hash={session}")[1]
    for line in stream.splitlines():
        event = json.loads(line[6:]) if line.startswith("data: ") else {}
        if event.get("msg") == "process_completed":
            return event["output"]["data"][0] if event["success"] else None
    return None


# --- the endpoint -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(server):
    return Client(server.url, verbose=False)


@pytest.fixture
def red(tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(encoded(picture(red=255)))
    return handle_file(path)


def test_a_program_gets_the_whole_answer(client, red):
    answer = client.predict(red, *CHOICE, api_name="/compare")
    assert answer["kind"] == "result"
    assert [model["bars"][0]["name"] for model in answer["models"]] == ["Cat", "Cat"]
    assert [model["target"] for model in answer["models"]] == ["Cat", "Cat"]
    assert [stop["depth"] for stop in answer["stops"]] == sorted(stop["depth"] for stop in answer["stops"])
    assert (answer["picture"]["width"], answer["picture"]["height"]) == (80, 60)


def test_defaults_are_the_first_pair(client, red):
    answer = client.predict(red, api_name="/compare")
    assert ([model["id"] for model in answer["models"]], answer["rule"]) == (PAIR, "gradcam")


def test_three_checkpoints_stand_in_one_answer(client, red):
    ids = [*PAIR, "judge-biased"]
    answer = client.predict(red, ids, *CHOICE[1:], api_name="/compare")
    assert [model["id"] for model in answer["models"]] == ids
    for row in answer["stops"]:
        assert len(row["layers"]) == 3
        assert [versus is None for versus in row["versus"]] == [True, False, False]
        assert row["words"][0]["text"].startswith("They disagree. ")


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ([["nobody", "judge-mild"], *CHOICE[1:]], "There is no model 'nobody'. There are: "),
        ([["judge-mild", "../../etc"], *CHOICE[1:]], "There is no model '../../etc'."),
        ([["judge-mild"], *CHOICE[1:]], "Choose 2 to 6 models."),
        ([["judge-mild"] * 7, *CHOICE[1:]], "Choose 2 to 6 models."),
        (["judge-mild", *CHOICE[1:]], "Choose 2 to 6 models."),
        ([{"a": 1, "b": 2}, *CHOICE[1:]], "Choose 2 to 6 models."),
        ([[{"a": 1}, ["b"]], *CHOICE[1:]], "There is no model 'dict'."),
        ([PAIR, "<b>x", "own"], "There is no rule '&lt;b&gt;x'."),
        ([*CHOICE[:2], "Bird"], "'Bird'. There are: Cat, Dog."),
        ([["judge-mild", "judge-three"], "gradcam", "common"], "different classes"),
    ],
)
def test_unknown_names_are_one_clear_sentence(client, red, choice, sentence):
    with pytest.raises(AppError) as error:
        client.predict(red, *choice, api_name="/compare")
    assert sentence in str(error.value)
    assert "Traceback" not in str(error.value)


BAD = {
    "text.jpg": (b"hello, this is no picture", "holds text"),
    "empty.png": (b"", "is empty"),
    "cut.jpg": (encoded(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), "JPEG")[:900], "damaged"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_clear_sentence(client, tmp_path, name):
    data, sentence = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AppError) as error:
        client.predict(handle_file(tmp_path / name), *CHOICE, api_name="/compare")
    assert sentence in str(error.value)
    assert name not in str(error.value)
    assert "/" not in str(error.value)


def test_an_animation_gives_its_first_frame_and_says_so(client, tmp_path):
    first, second = (Image.fromarray(picture(red=value)) for value in (255, 0))
    first.save(tmp_path / "two.gif", save_all=True, append_images=[second], duration=100)
    answer = client.predict(handle_file(tmp_path / "two.gif"), *CHOICE, api_name="/compare")
    assert answer["picture"]["notes"] == ["This file holds several pictures; this is the first."]
    assert answer["models"][0]["bars"][0]["name"] == "Cat"


def test_no_picture_is_a_sentence(client):
    with pytest.raises(AppError, match="Choose a photo first"):
        client.predict(None, *CHOICE, api_name="/compare")


# --- what a stranger can send -----------------------------------------------------------------------------------------


@pytest.fixture
def canary(tmp_path) -> Path:
    """A picture of the server's that nobody uploaded."""
    path = tmp_path / "canary.png"
    Image.fromarray(np.full((32, 32, 3), CANARY, np.uint8)).save(path)
    return path


def brought(path: object, **more: object) -> dict:
    return {"path": path, **more}


META = {"_type": "gradio.FileData"}
WAYS = {
    "right meta": lambda path: brought(path, meta=META),
    "no meta": brought,
    "false meta": lambda path: brought(path, meta={"_type": "something.Else"}),
    "meta is text": lambda path: brought(path, meta="gradio.FileData"),
    "svg": lambda path: brought(path, orig_name="a.svg", meta=META),
    "svg without meta": lambda path: brought(path, orig_name="a.svg", mime_type="image/svg+xml"),
    "stream": lambda path: brought(path, is_stream=True, meta=META),
    "own address": lambda path: brought(path, url=f"/gradio_api/file={path}", meta=META),
    "nested": lambda path: brought(brought(path, meta=META)),
    "only text": str,
    "list": lambda path: [brought(path)],
}


def touched(server, canary: Path) -> list[str]:
    """What the server has opened in the canary's folder."""
    return [path for path in server.opened() if path.startswith(str(canary.parent))]


def refused(answer: str) -> bool:
    return "event: error" in answer or '"detail"' in answer or answer == ""


@pytest.mark.parametrize("way", WAYS)
def test_a_path_that_was_not_uploaded_is_refused_and_nothing_is_opened(server, canary, way):
    answer = call(server, WAYS[way](str(canary)))
    assert refused(answer), answer[:300]
    assert "complete" not in answer
    assert "canary" not in answer
    assert not touched(server, canary)


@pytest.mark.parametrize("way", WAYS)
def test_nor_a_picture_of_the_projects_own(server, way):
    path = str(ROOT / "examples/koala.jpg")
    before = server.opened().count(path)
    assert refused(call(server, WAYS[way](path)))
    assert server.opened().count(path) == before


def test_nor_a_way_out_of_the_upload_folder(server, canary):
    inside = upload(server, encoded(picture(red=255)))
    out = "/".join([".."] * 12)
    for path in (f"{Path(inside).parent}/{out}{canary}", f"{inside}/../{out}{canary}", f"file://{canary}"):
        for way in ("right meta", "no meta", "svg"):
            assert refused(call(server, WAYS[way](path)))
    assert not touched(server, canary)


def test_nor_another_file_of_the_temporary_folder(server):
    path = server.temporary / "other" / "canary.png"
    path.parent.mkdir()
    Image.fromarray(np.full((32, 32, 3), CANARY, np.uint8)).save(path)
    for way, made in WAYS.items():
        assert refused(call(server, made(str(path)))), way
    assert not touched(server, path)


def test_addresses_are_not_fetched(server, canary):
    before = len(server.opened())
    for address in (server.url + "favicon.ico", "http://169.254.169.254/latest", canary.as_uri()):
        for image in (
            brought(address, meta=META),
            brought(address),
            {"url": address, "meta": META},
            {"path": None, "url": address},
            {"path": "x.png", "url": "data:image/png;base64,AAAA", "meta": META},
        ):
            assert refused(call(server, image))
    assert not [path for path in server.opened()[before:] if path.endswith((".png", ".ico"))]


def test_the_guard_itself_never_downloads():
    image = GuardedImage(render=False)
    for address in ("https://example.org/a.png", "http://localhost/a.png", "a.png", "/etc/hostname", None):
        if address is None:
            assert asyncio.run(image.async_move_resource_to_block_cache(None)) is None
            continue
        with pytest.raises(gr.Error, match="Only pictures that were uploaded here are read"):
            asyncio.run(image.async_move_resource_to_block_cache(address))


def test_the_views_own_event_is_as_strict(server, canary):
    asked = ASKED | {"ask": 1}
    inside = upload(server, encoded(picture(red=255)))
    assert ask(server, asked | {"upload": inside})["kind"] == "result"
    for path in (str(canary), f"{Path(inside).parent}/../../..{canary}", canary.as_uri(), [str(canary)]):
        answer = ask(server, asked | {"upload": path})
        assert (answer["kind"], answer["code"]) == ("error", "not_uploaded")
    for brings in ({"p": 1}, brought(str(canary), meta=META)):
        assert ask(server, asked | {"upload": brings}) is None  # refused at the door
    assert ask(server, asked | {"example": f"../../{canary}"})["code"] == "unknown_example"
    assert ask(server, None)["kind"] == "error"
    assert ask(server, [1, 2])["kind"] == "error"
    assert not touched(server, canary)


def test_the_server_serves_no_other_files(server, canary):
    shut = [str(canary), str(ROOT / "app.py"), "app.py", str(ROOT / "weights/experiments.json"), "/etc/passwd"]
    for path in shut:
        status, text = get(f"{server.url}gradio_api/file={path}")
        assert status == 404, path
        assert "import" not in text
    assert get(server.url + "gradio_api/file=" + upload(server, b"x", "a.txt"))[0] == 404  # nor what was uploaded


def test_only_the_named_functions_of_the_view_can_be_called(server):
    config = json.loads(get(server.url + "config")[1])
    for component in config["components"]:
        for name in ("postprocess", "preprocess", "get_config", "load", "read"):
            body = {"data": [], "component_id": component["id"], "fn_name": name, "session_hash": "x"}
            assert post(server.url + "gradio_api/component_server", body)[0] == 404


def test_every_answer_of_the_model_state_is_public_knowledge(server):
    config = json.loads(get(server.url + "config")[1])
    view = next(part for part in config["components"] if "start" in part["props"].get("props", {}).get("catalog", {}))
    body = {"data": [], "component_id": view["id"], "fn_name": "state", "session_hash": "x"}
    status, text = post(server.url + "gradio_api/component_server", body)
    assert status == 200
    state = json.loads(text)
    assert state["ready"] is True
    assert set(state) == {"ready", "loaded", "seconds", "problem"}


def test_files_over_the_limit_are_refused(server):
    with pytest.raises(urllib.error.HTTPError) as error:
        upload(server, b"\0" * (20 * 2**20 + 1000))
    assert error.value.code == 413


def test_nothing_tells_where_the_server_lies(server):
    for path in ("", "config", "gradio_api/info"):
        text = get(server.url + path)[1]
        assert str(ROOT) not in text
        assert str(server.temporary) not in text


def test_the_page_asks_no_other_host(server):
    text = get(server.url)[1]
    hosts = set(re.findall(r'(?:src|href)="https?://([^/"]+)', text))
    assert hosts == set()


# --- start and end ----------------------------------------------------------------------------------------------------


def test_the_page_is_built_without_tensorflow():
    script = "import sys, page.layout; sys.exit(bool({'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120).returncode == 0


@pytest.mark.slow
def test_a_question_before_the_models_are_there_waits_for_them(weights, evidence, tmp_path):
    server = start(tmp_path, "--weights", str(weights), "--evidence", str(evidence))
    try:
        assert "The models are ready" not in server.log()  # served first
        assert "Passed over broken: The model file of broken is not the one" in server.log()
        asked = ASKED
        assert ask(server, asked | {"ask": 1, "example": "cat-yarn"})["kind"] == "result"
        assert "The models are ready" in server.log()
        assert server.log().count("Passed over") == 1
        upload(server, encoded(picture()))
        assert len(list(server.temporary.rglob("photo.png"))) == 1
    finally:
        stop(server)
    assert list(server.temporary.iterdir()) == []  # and nothing is left behind


def test_without_checkpoints_the_page_is_served_and_says_so(empty_server):
    assert "python -m training run" in get(empty_server.url + "config")[1]
    wait_until(lambda: "ready" in empty_server.log(), 120, "it has looked for models")
    assert ask(empty_server, {"ask": 1, "example": "cat-yarn", "models": ["a", "b"]})["code"] == "unknown_model"


# --- what the server takes on, and what it keeps ----------------------------------------------------------------------


def held(small) -> tuple[int, int]:
    """Sessions, and queues of messages, in which the picture still is."""
    sessions = list(small.page.state_holder.session_data.values())
    queues = list(small.page._queue.pending_messages_per_session.values())
    in_sessions = sum("PICTURE" in str(session.config_values) for session in sessions)
    return in_sessions, sum("PICTURE" in str(queue) for queue in queues)


def test_answers_that_nobody_fetches_are_bounded(small):
    for _ in range(12):
        join(small)
    wait_until(lambda: small.service.asked == 12, 60, "all are answered")
    wait_until(lambda: held(small) == (4, 4), 20, "all but the latest are dropped")
    assert len(small.page._queue.pending_event_ids_session) <= 4
    last = join(small)
    assert "PICTURE" in fetch(small, last)


def test_nothing_of_a_picture_stays_in_memory(small, monkeypatch):
    assert "PICTURE" in fetch(small, join(small))
    join(small)
    wait_until(lambda: held(small) == (2, 1), 20, "Gradio has kept both")
    time.sleep(0.5)
    assert held(small) == (2, 1)  # too young
    monkeypatch.setattr(limits, "SWEEP", (0, 0.5))
    wait_until(lambda: held(small) == (0, 0), 20, "it is dropped")
    assert not small.page._queue.pending_messages_per_session
    assert not small.page._queue.pending_event_ids_session


def test_who_still_waits_is_not_forgotten(small, monkeypatch):
    monkeypatch.setattr(limits, "SWEEP", (0, 0))
    small.service.go.clear()
    session = join(small)
    wait_until(lambda: small.service.asked == 1, 20, "it is looked at")
    time.sleep(0.5)
    assert session in small.page._queue.pending_messages_per_session
    monkeypatch.setattr(limits, "SWEEP", (300, 1500))
    small.service.go.set()
    assert "PICTURE" in fetch(small, session)


def test_when_too_many_wait_the_next_one_is_told_so_at_once(small):
    small.service.go.clear()
    clients = [f"203.0.113.{number % 5}" for number in range(limits.AT_ONCE + limits.WAITING)]
    waiting = [(join(small, client=client), client) for client in clients]
    late = threading.Timer(100, small.service.go.set)  # rather a failure than waiting for ever
    late.start()
    answer = fetch(small, join(small))
    assert '"code":"busy"' in answer
    assert "Too many photos are waiting just now" in answer
    status, text = post(small.url + "gradio_api/call/compare", {"data": [None, *CHOICE]})
    answer = get(f"{small.url}gradio_api/call/compare/{json.loads(text)['event_id']}")[1]
    assert status == 200
    assert "Too many photos are waiting just now" in answer
    small.service.go.set()
    late.cancel()
    assert "PICTURE" in fetch(small, *waiting[-1])
    wait_until(lambda: small.service.asked == len(waiting), 60, "all who waited are answered")
    assert small.service.most == limits.AT_ONCE


def test_who_has_left_is_not_answered(small):
    small.service.go.clear()
    first = [join(small, client=f"203.0.113.{number}") for number in range(limits.AT_ONCE)]
    wait_until(lambda: small.service.asked == limits.AT_ONCE, 20, "they are looked at")
    left = join(small, client="203.0.113.99")
    connection = http.client.HTTPConnection(small.url.split("/")[2], timeout=60)
    connection.request("GET", f"/gradio_api/queue/data?session_hash={left}")
    connection.getresponse().read(1)
    connection.close()
    wait_until(lambda: not all(event.alive for event in limits._running(small.page)), 60, "it is noticed")
    small.service.go.set()
    assert all("PICTURE" in fetch(small, session) for session in first)
    wait_until(lambda: not limits._running(small.page), 20, "all is done")
    assert small.service.asked == limits.AT_ONCE


def test_of_too_many_uploads_the_oldest_go(small):
    paths = [Path(upload(small, bytes([number]) * 1000, f"{number}.png")) for number in range(3)]
    wait_until(lambda: not paths[0].exists(), 20, "the oldest is deleted")
    time.sleep(0.3)
    assert [path.exists() for path in paths] == [False, True, True]


def test_the_record_of_opened_files_is_one_also_of_the_processes_that_read_uploads(server):
    assert [path for path in server.opened() if path.endswith("common.js")]
    inside = upload(server, encoded(picture(red=255)))
    before = server.opened().count(inside)
    assert "event: complete" in call(server, brought(inside, meta=META))
    assert server.opened().count(inside) > before
