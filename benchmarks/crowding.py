"""How much one client who wants everything delays another, and how the page stands many visitors.

    python benchmarks/crowding.py [--weights DIR] [--rounds N] [--minutes M]

A visitor asks for an example and sends a photo, N times each (default 15), alone before and after, and in between
beside: a client with 36 connections that ask without pause; bodies of 30 MB, one after another; 50 sockets that send a
byte now and then; all of these at once. Aim: within twice the time alone, as the median. With `--minutes` eight
visitors with two pairs of models in turn come after that, for so long: answers, failures, times, memory.
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

from response import Page, uploads

VISITOR, GREEDY = "198.51.100.1", "203.0.113.7"
CONNECTIONS, SLOW, BODY = 36, 50, 30 * 2**20


def asking(page, stopped):
    while not stopped.is_set():
        with contextlib.suppress(AssertionError, OSError, http.client.HTTPException):  # busy, as it should be
            page.ask(GREEDY, example="dog-shepherd")


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
    photo = uploads()["12 megapixels"]
    asked = {
        "an example": lambda: page.ask(VISITOR, example="dog-shepherd"),
        "a photo": lambda: page.ask(VISITOR, upload=page.upload(photo, VISITOR)),
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
                f"{name:18}{kind:12}{before:6.0f} alone{middle:7.0f} beside: {ratio} (slowest {slowest:.0f})",
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


def many(page, minutes):
    """Eight visitors, each with photos and examples, two pairs of models in turn."""
    pairs = [models for models in page.experiments.values() if len(models) == 2][:2]
    photos, took, failed, lock = uploads(), [], [], threading.Lock()
    end = time.monotonic() + 60 * minutes
    start = page.memory()
    print(f"\n{minutes} minutes, 8 visitors, {' and '.join(' | '.join(pair) for pair in pairs)}; {start:.0f} MB before")

    def visit(number):
        client = f"198.51.100.{10 + number}"
        for turn, models in enumerate(itertools.cycle(pairs)):
            if time.monotonic() > end:
                return
            began = time.perf_counter()
            try:
                photo = list(photos.values())[turn % len(photos)]
                page.ask(client, models=list(models), upload=page.upload(photo, client))
            except Exception as error:
                with lock:
                    failed.append(str(error))
            else:
                with lock:
                    took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(30 if time.monotonic() + 30 < end else 1)
        if time.monotonic() < end:
            print(f"{len(took):6} answers, {page.memory():.0f} MB", flush=True)
    late = statistics.quantiles(took, n=20)[-1]
    print(
        f"{len(took)} answers, {len(failed)} failures; median {statistics.median(took):.1f} s, 95 % within {late:.1f} s"
    )
    print(f"{page.memory():.0f} MB after")
    for error in failed[:5]:
        print(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Page(given.weights, folder, "--proxies", "1")
        try:
            crowding(page, given.rounds)
            if given.minutes:
                many(page, given.minutes)
        finally:
            page.process.terminate()
            page.process.wait()
            print(page.log.read_text())


if __name__ == "__main__":
    main()
