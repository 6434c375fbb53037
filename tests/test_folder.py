"""Whatever visitors send is gone in time, however it came and however the server ended."""

import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from judges import ROOT, start, stop, wait_until
from patient import Said, multipart, say

from page import limits
from page.folder import LOCK, PREFIX, UNFINISHED, Folder, sweep, trim
from page.uploads import SWEEP

pytest_plugins = ["patient_fixtures"]
PHOTO = b"\x89PNG" + bytes(range(256)) * 800
MINUTES = 31


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK]


# --- uploads of all kinds ---------------------------------------------------------------------------------------------


def send(small, path: str, *parts: tuple[str, str | None, bytes]) -> Said:
    return say(small.url, "POST", path, *multipart(*parts))


def break_off(small, path: str) -> None:
    """Send half of a photo, and leave."""
    body, headers = multipart(("files", "half.png", PHOTO * 20))
    parts = urlsplit(small.url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        lines = [f"POST {path} HTTP/1.1", "Host: here", *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode())
        connection.sendall(body[: len(body) // 2])
        time.sleep(0.5)  # so that it has been written


def whole(small) -> None:
    assert send(small, "/gradio_api/upload", ("files", "photo.png", PHOTO)).status == 200


def other_field(small) -> None:
    send(small, "/gradio_api/upload", ("x", "photo.png", PHOTO))


def several(small) -> None:
    send(small, "/gradio_api/upload", ("files", "a.png", PHOTO), ("files", "b.png", PHOTO))


def recording(small) -> None:
    send(small, "/gradio_api/process_recording", ("video", "photo.png", PHOTO))


def component(small) -> None:
    ids = [(name, None, b"1") for name in ("component_id", "session_hash", "fn_name")]
    send(small, "/gradio_api/component_server", ("file", "photo.png", PHOTO), *ids)


WAYS = {
    "whole": whole,
    "other field": other_field,
    "several": several,
    "recording": recording,
    "component": component,
    "broken off": lambda small: break_off(small, "/gradio_api/upload"),
    "component, broken off": lambda small: break_off(small, "/gradio_api/component_server"),
    "by Gradio's own temporary file": lambda small: (small.folder.scratch / "tmp123").write_bytes(PHOTO),
}


def test_half_an_hour_later_no_photo_is_anywhere(small, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS", 10**9)
    for way in WAYS.values():
        way(small)
    left = files(tmp_path)
    assert any(path.name == "photo.png" for path in left)
    assert any(path.stat().st_size > len(PHOTO) for path in left)  # the half one has been written
    time.sleep(0.5)  # the timer has looked several times
    assert set(files(tmp_path)) == set(left)
    monkeypatch.setattr(limits, "clock", lambda: time.time() + 60 * MINUTES)
    wait_until(lambda: not files(tmp_path), 20, "all is deleted")
    wait_until(lambda: not list(small.folder.uploads.iterdir()), 20, "the folders, too")
    wait_until(lambda: not small.page.upload_file_set, 20, "and Gradio's list of them")
    assert SWEEP[1] < 60 * MINUTES


@pytest.mark.parametrize("way", WAYS)
def test_so_it_is_for_each_kind(small, tmp_path, monkeypatch, way):
    WAYS[way](small)
    monkeypatch.setattr(limits, "clock", lambda: time.time() + 60 * MINUTES)
    wait_until(lambda: not files(tmp_path), 20, "it is deleted")


def test_what_was_broken_off_goes_sooner(small, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS", 10**9)
    whole(small)
    break_off(small, "/gradio_api/upload")
    assert len(files(tmp_path)) == 2
    monkeypatch.setattr(limits, "clock", lambda: time.time() + UNFINISHED + 1)
    wait_until(lambda: [path.name for path in files(tmp_path)] == ["photo.png"], 20, "the half one is deleted")


def test_a_folder_is_walked_whatever_lies_there(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/b/deep", "a/upper", "top"):
        (tmp_path / name).write_bytes(PHOTO)
    (tmp_path / "a" / "link").symlink_to("/etc/passwd")
    (tmp_path / "bad\udcff").write_bytes(PHOTO)
    trim(tmp_path, 100, 10**9)
    assert len(files(tmp_path)) == 5
    trim(tmp_path, 100, 10**9, time.time() + 1000)
    assert list(tmp_path.iterdir()) == []
    assert Path("/etc/passwd").exists()


def test_the_oldest_go_where_there_are_too_many(tmp_path):
    (tmp_path / "a").mkdir()
    for name in "123":
        (tmp_path / "a" / name).write_bytes(b"x" * 1000)
        time.sleep(0.02)
    trim(tmp_path, 1000, 2500)
    assert {path.name for path in files(tmp_path)} == {"2", "3"}


# --- servers that have ended ------------------------------------------------------------------------------------------


HOLDS = """
    import pathlib, sys, time
    from page.folder import Folder
    folder = Folder(pathlib.Path(sys.argv[1]))
    (folder.uploads / "photo.png").write_bytes(b"photo")
    print("ready", flush=True)
    time.sleep(600)
"""


def holder(parent: Path) -> subprocess.Popen:
    """A process that has a folder there."""
    script = [sys.executable, "-c", textwrap.dedent(HOLDS), str(parent)]
    process = subprocess.Popen(script, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_killed_servers_folder_goes_though_its_number_is_still_there(tmp_path):
    process = holder(tmp_path)
    sweep(tmp_path)
    assert len(files(tmp_path)) == 1  # it runs
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but its parent has not looked: a zombie
    os.kill(process.pid, 0)
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    process.wait()


def test_a_child_that_lives_on_does_not_keep_it(tmp_path):
    script = HOLDS.replace("print", "import subprocess; print(subprocess.Popen(['sleep', '60']).pid); print")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    child = int(process.stdout.readline())
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.wait()
    sweep(tmp_path)
    os.kill(child, 9)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_others_stay(tmp_path):
    living = Folder(tmp_path)
    young = tmp_path / f"{PREFIX}young"  # being made by a server that starts just now
    young.mkdir()
    old = tmp_path / f"{PREFIX}123-old"  # of an earlier version
    old.mkdir()
    os.utime(old, (1, 1))
    (tmp_path / "foreign").mkdir()
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(tmp_path / "foreign")
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {living.path, young, tmp_path / "foreign", link}
    living.close()
    assert not living.path.exists()


def test_two_that_start_at_once_keep_their_folders(tmp_path):
    processes = [holder(tmp_path) for _ in range(2)]
    for _ in range(20):
        sweep(tmp_path)
    assert len(files(tmp_path)) == 2
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_after_kill_9_and_an_immediate_start_no_photo_is_left(tmp_path):
    (tmp_path / "none").mkdir()
    options = ("--weights", str(tmp_path / "none"))
    first = start(tmp_path, *options)
    try:
        wait_until(lambda: "ready" in first.log(), 180, "it has looked for models")
        assert send(first, "/gradio_api/upload", ("files", "photo.png", PHOTO)).status == 200
        assert len(list(first.temporary.rglob("photo.png"))) == 1
        first.process.kill()
        second = start(tmp_path, *options)
        try:
            wait_until(lambda: not list(first.temporary.rglob("photo.png")), 30, "the first one's photo is gone")
        finally:
            stop(second)
    finally:
        stop(first)
    wait_until(lambda: list(first.temporary.iterdir()) == [], 20, "nothing is left behind")
