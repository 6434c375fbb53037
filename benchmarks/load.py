"""How the page stands many visitors: what they are answered, how soon, and what memory that takes.

    python benchmarks/load.py [--visitors N] [--minutes M] [--processes P] [--rule RULE] [--own] [--weights DIR]

N visitors (default 8), each with an address and a cookie of his own, ask one thing after another for M minutes (default
10) over HTTP: three pairs of models in turn, each about one of 20 pictures (the examples, and drawn photos that are
sent every time), the third pair by a rule that takes long (default smoothgrad). A question is refused that could have
waited where the server says that it is busy; whatever else is no answer is a failure. "Different" are questions, told
by picture and models; "computed" are answers that were made, told by the time that it took, so with all of them asked
more than once the two are equal. With `--own` every photo is the visitor's own, and nothing is asked twice.

With `--processes 2` the same is done twice: with one server, and with two behind a proxy that sends each visitor to one
and the same. Both stand behind that proxy, so that they can be compared.
"""

import argparse
import contextlib
import io
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict

import numpy as np
from PIL import Image
from response import ROOT, Page, Visitor, fresh

sys.path.insert(0, str(ROOT / "tests"))
from balancer import Balancer

PICTURES, PAIRS = 20, 3
BUSY = ("busy", "busy_slow", "share")
EVERY = 0.5  # seconds between two looks at the memory


def drawn(number):
    """A photo of colours that run into one another, as a JPEG of 1600 x 1200."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    file = io.BytesIO()
    small.resize((1600, 1200), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


class Load:
    """What visitors ask, and what comes of it.

    Args:
        pages: the servers.
        port: of what stands before them.
        given: the options.
    """

    def __init__(self, pages, port, given):
        self.pages, self.port, self.given = pages, port, given
        first = pages[0]
        examples = [{"example": entry["id"]} for entry in first.catalog["examples"]][:PICTURES]
        self.pictures = [*examples, *({"photo": drawn(number)} for number in range(PICTURES - len(examples)))]
        self.pairs = [models for models in first.experiments.values() if len(models) == 2][:PAIRS]
        self.took = defaultdict(list)  # seconds by kind
        self.asked, self.refused, self.failed = Counter(), Counter(), Counter()  # by kind
        self.different, self.computed = defaultdict(set), defaultdict(set)  # by kind
        self.errors, self.memory, self.lock = [], [], threading.Lock()

    def run(self):
        """Let them ask until the time is over."""
        self.end = time.monotonic() + 60 * self.given.minutes
        threads = [threading.Thread(target=self.visit, args=(number,)) for number in range(self.given.visitors)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        told = began
        while any(thread.is_alive() for thread in threads):
            self.memory.append(sum(page.memory(decoders=True) for page in self.pages))
            if time.monotonic() > told + 60:
                told = time.monotonic()
                print(f"{sum(self.asked.values()):8} questions, {self.memory[-1]:.0f} MB", flush=True)
            time.sleep(EVERY)
        self.seconds = time.monotonic() - began
        self.memory.append(sum(page.memory(decoders=True) for page in self.pages))

    def visit(self, number):
        first = self.pages[0]
        visitor = Visitor(self.port, first.index, client=f"198.51.100.{10 + number}")
        with contextlib.suppress(OSError):
            visitor.request("GET", "/")  # the cookie
        rng = random.Random(number)
        turns = [rng.sample(range(PICTURES), PICTURES) for _ in self.pairs]
        turn = number  # not all begin with the same pair
        while time.monotonic() < self.end:
            place = turn % len(self.pairs)
            picture = turns[place][turn // len(self.pairs) % PICTURES]
            self.ask(visitor, place, picture)
            turn += 1

    def ask(self, visitor, place, picture):
        slow = place == len(self.pairs) - 1
        source, rule = self.pictures[picture], self.given.rule if slow else "gradcam"
        kind = rule if slow else "an example" if "example" in source and not self.given.own else "a photo"
        asked = {"models": list(self.pairs[place]), "rule": rule}
        began = time.perf_counter()
        try:
            answer = visitor.stream(**asked, **self.source(visitor, source))
            message = answered(answer)
        except Exception as error:
            message = {"kind": "error", "code": type(error).__name__, "sentence": str(error)}
        spent = time.perf_counter() - began
        with self.lock:
            self.asked[kind] += 1
            if message["kind"] == "result":
                self.took[kind].append(spent)
                question = place, picture if not self.given.own else began
                self.different[kind].add(question)
                self.computed[kind].add((*question, message["cost"]["milliseconds"]))
            else:
                (self.refused if message["code"] in BUSY else self.failed)[kind] += 1
                self.errors.append(f"{message['code']}: {message['sentence']}")

    def source(self, visitor, source):
        if "example" in source and not self.given.own:
            return source
        photo = source.get("photo") or (ROOT / "examples" / f"{source['example']}.jpg").read_bytes()
        return {"upload": visitor.upload(fresh(photo) if self.given.own else photo)}

    @property
    def throughput(self):
        """Answers a minute."""
        return 60 * sum(map(len, self.took.values())) / self.seconds

    def tell(self):
        """Print the table."""
        names = ("questions", "refused", "failures", "different", "computed", "median s", "95 % s", "slowest s")
        print(f"{'':14}" + "".join(f"{name:>11}" for name in names))
        for kind in sorted(self.asked):
            times = self.took[kind]
            late = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else float("nan")
            counts = [table[kind] for table in (self.asked, self.refused, self.failed)]
            counts += [len(table[kind]) for table in (self.different, self.computed)]
            seconds = [statistics.median(times), late, max(times)] if times else [float("nan")] * 3
            print(f"{kind:14}" + "".join(f"{n:11}" for n in counts) + "".join(f"{value:11.2f}" for value in seconds))
        print(f"{self.throughput:.0f} answers a minute")
        start, end, most = self.memory[0], self.memory[-1], max(self.memory)
        print(f"memory with the readers of pictures: {start:.0f} MB at first, {end:.0f} at last, at most {most:.0f}")
        for error, count in Counter(self.errors).most_common(5):
            print(f"{count} x {error[:200]}")


def answered(stream):
    """The message in a stream of events; of what the door refuses its code and sentence."""
    if stream.startswith(b"{"):
        told = json.loads(stream)
        return {"kind": "error", "code": told["code"], "sentence": told["error"]}
    for event in stream.decode().split("\n\n"):
        told = json.loads(event.removeprefix("data: ")) if event.startswith("data: ") else {}
        if told.get("msg") == "process_completed" and told["success"]:
            return told["output"]["data"][0]
    return {"kind": "error", "code": "no answer", "sentence": stream[-200:].decode(errors="replace")}


def loaded(processes, given):
    """Run it with so many servers, tell, and give what came of it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        pages = []
        for _ in range(processes):
            pages.append(Page(given.weights, folder, "--proxies", "1"))
            ends.callback(pages[-1].close)
        balancer = ends.enter_context(Balancer([f"http://127.0.0.1:{page.port}" for page in pages], affinity=True))
        load = Load(pages, int(balancer.url.rstrip("/").rpartition(":")[2]), given)
        print(f"\n{processes} x app.py on {os.cpu_count()} cores, {given.visitors} visitors, {given.minutes:g} minutes")
        print(*(" | ".join(pair) for pair in load.pairs), sep=", ")
        load.run()
        load.tell()
        for page in pages:
            log = [line for line in page.log.read_text().splitlines() if "ERROR" in line or "Traceback" in line]
            print(*log[:5], sep="\n", end="\n" if log else "")
    return load


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rule", default="smoothgrad", help="that the third pair is asked by")
    parser.add_argument("--own", action="store_true", help="every photo is the visitor's own")
    parser.add_argument("--weights")
    given = parser.parse_args()
    one = loaded(1, given)
    if given.processes > 1:
        several = loaded(given.processes, given)
        print(f"\nthroughput of {given.processes} against that of one: {several.throughput / one.throughput:.2f}")


if __name__ == "__main__":
    main()
