"""How long a visitor waits: the full result of one upload, and the page itself.

    python benchmarks/response.py [--weights DIR] [--experiment ID] [--rounds N] [--requests N]

First how long after Gradio's own import the page is served. Then, once the models of an experiment (the first) are
loaded, medians of N rounds (default 15): the whole over HTTP, from sending the file to the answer's last byte; and its
parts, which are reading the upload, both explanations with all rules and feature maps, comparing, packing. `--requests`
sends that many more and prints how the server's memory grows. Aims: served within 1.5 s, a result within 1 s, on two
idle cores.
"""

import argparse
import http.client
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import uuid
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def uploads():
    """Name and bytes of the pictures that are sent: an example, and one as a phone makes them."""
    from PIL import Image

    example = (ROOT / "examples/dog-shepherd.jpg").read_bytes()
    with Image.open(io.BytesIO(example)) as image:
        file = io.BytesIO()
        image.resize((4032, 3024)).save(file, "JPEG", quality=90)
    return {"720 x 540": example, "12 megapixels": file.getvalue()}


def median(function, rounds):
    times = []
    for _ in range(rounds):
        began = perf_counter()
        result = function()
        times.append(1000 * (perf_counter() - began))
    return statistics.median(times), result


def inside(weights, experiment, rounds):
    """Prints each step's share, in this process."""
    from explain.align import compare
    from explain.pictures import fit, read
    from explain.view.message import message
    from page.service import ONE_PASS, Service

    service = Service(**({"weights": weights} if weights else {}))
    if not service.cards:
        sys.exit("There are no checkpoints: train some, or name their folder by --weights.")
    service.load()
    experiments = {entry.id: (entry.left, entry.right) for entry in service.experiments}
    models = experiments[experiment] if experiment else service.start
    print(f"\n{' | '.join(models)}, {len(ONE_PASS)} rules; median of {rounds}, in ms")
    print(f"{'':16}{'read':>8}{'first':>8}{'second':>8}{'compare':>9}{'pack':>8}{'all':>8}{'kB':>8}")
    for name, data in uploads().items():
        reading, picture = median(lambda data=data: read(data), rounds)
        took, explained = [reading], []
        for model in models:
            spent, answer = median(lambda m=model, p=picture: service._explained(m, partial(fit, p.pixels)), rounds)
            took.append(spent)
            explained.append(answer)
        spent, comparison = median(lambda e=explained: compare(*(answer.explanation for answer in e)), rounds)
        took.append(spent)
        spent, packed = median(lambda p=picture, e=explained, c=comparison: json.dumps(message(p, e, c)), rounds)
        took.append(spent)
        whole, _ = median(lambda data=data: service.answer(read(data), models), rounds)
        cells = "".join(f"{value:{width}.0f}" for value, width in zip([*took, whole], (8, 8, 8, 9, 8, 8), strict=True))
        print(f"{name:16}{cells}{len(packed) / 1000:8.0f}")


def fresh(data):
    """The same picture as a file that nobody has sent before: the server keeps answers for who asks the same again."""
    return data + uuid.uuid4().bytes


class Visitor:
    """A visitor's requests to a page.

    Args:
        port: of the server, or of what stands before it.
        index: number of the function that is asked.
        models: that are asked, by default.
        client: address that a proxy names.
    """

    def __init__(self, port, index=None, models=(), client=None):
        self.port, self.index, self.models, self.client, self.cookie = port, index, models, client, None

    def request(self, method, path, body=None, kind="application/json", client=None):
        """The answer's body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        client = client or self.client
        headers = {"Content-Type": kind} if body else {}
        headers |= {"X-Forwarded-For": client, "X-Client": client} if client else {}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0] or self.cookie
            return answer.read()
        finally:
            connection.close()

    def upload(self, data, client=None):
        """Path of a photo that is sent."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        told = json.loads(self.request("POST", "/gradio_api/upload", body, kind, client))
        assert isinstance(told, list), told
        return told[0]

    def stream(self, client=None, **asked):
        """What is said to a question, as bytes."""
        session = uuid.uuid4().hex
        asked = {"ask": 1, "rule": "gradcam", "target": "own", "models": self.models, **asked}
        body = {"data": [], "event_data": asked, "fn_index": self.index, "session_hash": session}
        joined = self.request("POST", "/gradio_api/queue/join", json.dumps(body), client=client)
        if b"event_id" not in joined:
            return joined
        return self.request("GET", f"/gradio_api/queue/data?session_hash={session}", client=client)

    def ask(self, client=None, **asked):
        """Bytes of an answer."""
        answer = self.stream(client, **asked)
        assert b'"kind":"result"' in answer, answer[-500:]
        return len(answer)


class Page(Visitor):
    """app.py in a process of its own, and a visitor's requests to it."""

    def __init__(self, weights, folder, *arguments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            super().__init__(free.getsockname()[1])
        self.log = Path(folder) / f"log-{self.port}"
        arguments = [*(["--weights", str(weights)] if weights else []), *arguments]
        environment = os.environ | {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(self.port)}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), *arguments], env=environment, stdout=log, stderr=log
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self):
        """Until the first models are ready."""
        began = perf_counter()
        while not self.served():
            sleep(0.02)
        self.seconds = perf_counter() - began
        while "The models are ready" not in self.log.read_text():
            sleep(0.1)
        self.ready = perf_counter() - began
        config = json.loads(self.request("GET", "/config"))
        self.index = next(
            dependency["id"] for dependency in config["dependencies"] if dependency["targets"][0][1] == "ask"
        )
        catalogs = [component["props"].get("props", {}).get("catalog", {}) for component in config["components"]]
        self.catalog = next(catalog for catalog in catalogs if "start" in catalog)
        self.models = self.catalog["start"]
        self.experiments = {entry["id"]: entry["models"] for entry in self.catalog["experiments"]}

    def served(self):
        if self.process.poll() is not None:
            sys.exit(self.log.read_text())
        try:
            return bool(self.request("GET", "/"))
        except OSError:
            return False

    def memory(self, decoders=False):
        """Resident megabytes of the server, or with the processes that read pictures, where the system tells."""
        processes = [self.process.pid]
        try:
            if decoders:
                children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
                processes += [int(pid) for task in children for pid in task.read_text().split()]
            return sum(map(resident, processes))
        except OSError:
            return float("nan")

    def close(self):
        self.process.terminate()
        self.process.wait()


def resident(pid):
    """Resident megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0) / 1024


def over_http(weights, experiment, rounds, requests):
    for _ in range(2):  # the first may find nothing in the system's cache
        began = perf_counter()
        subprocess.run([sys.executable, "-c", "import gradio"], check=True)
        importing = perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        page = Page(weights, folder)
        try:
            print(f"\nserved {page.seconds - importing:.1f} s after Gradio's import ({importing:.1f} s)")
            print(f"models ready {page.ready:.1f} s after the start; {page.memory():.0f} MB")
            if experiment:
                page.models = page.experiments[experiment]
            for name, data in uploads().items():
                page.ask(upload=page.upload(data))
                took, size = median(lambda data=data: page.ask(upload=page.upload(fresh(data))), rounds)
                path = page.upload(data)
                again, _ = median(lambda path=path: page.ask(upload=path), rounds)
                print(f"{name:16}{took:8.0f} ms with the upload, {again:.0f} ms once more; {size / 1000:.0f} kB")
            example = uploads()["720 x 540"]
            for done in range(0, requests, 100):
                print(f"{done:6} requests more: {page.memory():.0f} MB")
                for _ in range(min(100, requests - done)):
                    page.ask(upload=page.upload(fresh(example)))
            if requests:
                print(f"{requests:6} requests more: {page.memory():.0f} MB")
        finally:
            page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--experiment", help="id of it (default: the first)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=0)
    given = parser.parse_args()
    over_http(given.weights, given.experiment, given.rounds, given.requests)
    inside(given.weights, given.experiment, given.rounds)


if __name__ == "__main__":
    main()
