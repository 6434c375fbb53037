"""How much one client who wants everything delays another.

    python benchmarks/crowding.py [--weights DIR] [--rounds N]

A visitor sends a small photo and a large one, N times each (default 15), alone before and after, and in between
beside: a client with 36 connections that ask without pause; bodies of 30 MB, one after another; 50 sockets that send a
byte now and then; all of these at once. Aim: within twice the time alone, as the median.
"""

import argparse
import contextlib
import http.client
import itertools
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path

from response import Page, fresh, uploads

VISITOR, GREEDY = "198.51.100.1", "203.0.113.7"
CONNECTIONS, SLOW, BODY = 36, 50, 30 * 2**20


def questions(page):
    """Of the first two models, in turn: more than the server keeps answers of, so each has to be computed."""
    rules = [rule["name"] for rule in page.catalog["rules"] if rule["paired"]]
    examples = [example["id"] for example in page.catalog["examples"]]
    every = itertools.product(rules, ("own", "common"), examples)
    return itertools.cycle({"rule": rule, "target": target, "example": example} for rule, target, example in every)


def asking(page, stopped):
    while not stopped.is_set():
        with contextlib.suppress(AssertionError, OSError, http.client.HTTPException):  # busy, as it should be
            page.ask(GREEDY, **next(page.questions))


def sending(page, stopped):
    body = b"[" + b"[]," * (BODY // 3) + b"[]]"
    while not stopped.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            page.request("POST", "/gradio_api/queue/join", body, client=GREEDY)


def dripping(page, stopped):
    connections = [None] * SLOW
    while not stopped.is_set():
        for k in range(SLOW):
            try:
                if connections[k] is None:
                    connections[k] = socket.create_connection(("127.0.0.1", page.port))
                    connections[k].sendall(b"POST /gradio_api/upload HTTP/1.1\r\nX: ")
                connections[k].sendall(b"x")
            except OSError:  # closed by the server
                connections[k] = None
        time.sleep(0.5)


BESIDE = {
    f"{CONNECTIONS} connections": [asking] * CONNECTIONS,
    "bodies of 30 MB": [sending],
    f"{SLOW} slow sockets": [dripping],
    "all at once": [*[asking] * CONNECTIONS, sending, dripping],
}


def crowding(page, rounds):
    asked = {
        name: lambda photo=photo: page.ask(VISITOR, upload=page.upload(fresh(photo), VISITOR))
        for name, photo in uploads().items()
    }
    print(f"medians of {rounds}, in ms, and the slowest")
    for name, others in BESIDE.items():
        alone = {kind: times(ask, rounds) for kind, ask in asked.items()}
        stopped = threading.Event()
        threads = [threading.Thread(target=other, args=(page, stopped), daemon=True) for other in others]
        for thread in threads:
            thread.start()
        time.sleep(2)
        beside = {kind: times(ask, rounds) for kind, ask in asked.items()}
        stopped.set()
        for thread in threads:
            thread.join()
        for kind, ask in asked.items():
            before = statistics.median(alone[kind] + times(ask, rounds))
            middle, slowest = statistics.median(beside[kind]), max(beside[kind])
            ratio = f"{middle / before:.1f} times"
            print(
                f"{name:18}{kind:15}{before:6.0f} alone{middle:7.0f} beside: {ratio} (slowest {slowest:.0f})",
                flush=True,
            )
        print(f"{'':18}{page.memory():.0f} MB", flush=True)


def times(ask, rounds):
    """Milliseconds of each round; one before them does not count."""
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    return took[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Page(given.weights, folder, "--proxies", "1")
        page.questions = questions(page)
        try:
            crowding(page, given.rounds)
        finally:
            page.close()
            print(page.log.read_text())


if __name__ == "__main__":
    main()
