"""The page in this process, without models: it answers with a picture, once it may, and its timer looks often."""

import contextlib
import http.client
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from page import layout
from page.folder import Folder
from page.server import Server
from page.service import Service


class Patient(Service):
    """Without any models: answers with a picture, once it may."""

    def __init__(self, empty: Path) -> None:
        super().__init__(empty, empty, empty)
        self.go, self.asked, self.most, self._now, self._lock = threading.Event(), 0, 0, 0, threading.Lock()
        self.seconds = 0.0
        self.go.set()

    def ask(self, asked: object) -> dict:
        with self._lock:
            self.asked, self._now = self.asked + 1, self._now + 1
            self.most = max(self.most, self._now)
        self.go.wait(60)
        time.sleep(self.seconds)
        with self._lock:
            self._now -= 1
        return {"kind": "result", "ask": 1, "picture": {"src": "PICTURE"}}


@contextlib.contextmanager
def served(tmp_path: Path, **options: object) -> Iterator[SimpleNamespace]:
    """A page in this process, behind a proxy."""
    service = Patient(tmp_path / "none")
    folder = Folder(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder.uploads))
        patch.setattr("tempfile.tempdir", str(folder.scratch))
        server = Server(layout.build(service), service.texts, folder, port=0, **{"proxies": 1, **options})
        server.start()
        try:
            yield SimpleNamespace(page=server.page, service=service, url=server.url, folder=folder, server=server)
        finally:
            service.go.set()
            server.close()
            folder.close()


# --- requests as anybody can make them --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> object:
        return json.loads(self.text)


def say(
    url: str,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    client: str = "203.0.113.1",
    seconds: float = 60,
) -> Said:
    """Send one request, as a client behind the proxy; a body that is no bytes goes as JSON."""
    parts = urlsplit(url)
    headers = {"X-Forwarded-For": client, **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Said(
            answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode(errors="replace")
        )
    finally:
        connection.close()


def multipart(*parts: tuple[str, str | None, bytes], boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    """A body with its header; a part is (field, file's name or None, content)."""
    pieces = []
    for name, filename, content in parts:
        called = f'; filename="{filename}"' if filename is not None else ""
        pieces += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{called}\r\n\r\n'.encode(), content]
        pieces += [b"\r\n"]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode()]), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def refusal(said: Said) -> str:
    """The code of an answer that is one sentence and a code, and nothing else."""
    assert said.status >= 400, said
    told = said.json
    assert set(told) == {"detail", "error", "code"}
    assert told["detail"] == told["error"]
    assert re.fullmatch(r"[A-Z][^\n]{8,200}\.", told["detail"]), told
    assert len(said.text) < 600
    return told["code"]


def join(small: SimpleNamespace, session: str | None = None, client: str = "203.0.113.1") -> str:
    """Ask as the view does, but do not fetch the answer; the session."""
    session = session or uuid.uuid4().hex
    index = next(number for number, made in small.page.fns.items() if made.targets[0][1] == "ask")
    body = {"data": [], "event_data": {"ask": 1}, "fn_index": index, "session_hash": session}
    assert say(small.url, "POST", "/gradio_api/queue/join", body, client=client).status == 200
    return session


def fetch(small: SimpleNamespace, session: str, client: str = "203.0.113.1") -> str:
    """What is said to a session."""
    return say(small.url, "GET", f"/gradio_api/queue/data?session_hash={session}", client=client).text
