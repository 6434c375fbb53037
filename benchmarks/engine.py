"""What explanations cost beside a bare pass and beside other libraries: docs/benchmarks.md and docs/benchmarks.svg.

    python benchmarks/engine.py [--peers FOLDER] [--out FOLDER] [--quick]

The bare pass is a compiled forward pass and the gradient of the same logit to the input. What is compared is warm and
runs in turns, so that a noisy moment meets all alike; a ratio is the median of the rounds' ratios. The other libraries
are measured where FOLDER has them:

    python -m pip install --no-deps --target FOLDER -r benchmarks/peers.txt

`--quick` tries everything with few rounds and one small net, and writes nothing unless `--out` is given. Exit status 1
where a bound is missed.
"""

import argparse
import gc
import importlib.metadata
import math
import os
import platform
import statistics
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
import peers
import tensorflow as tf
from matplotlib.figure import Figure

from explain import classifier, engine, targets
from explain.rules import RULES, paired_rules
from study.plots import drawn
from training.models.efficientnet import efficientnet

DOCS = Path(__file__).resolve().parents[1] / "docs"
FLAT = "EfficientNet-Lite0"  # which the other libraries can take apart
NETS = {
    "VGG16": lambda size: keras.applications.VGG16(weights=None, input_shape=(size, size, 3)),
    "EfficientNet-B0": lambda size: keras.applications.EfficientNetB0(weights=None, input_shape=(size, size, 3)),
    FLAT: lambda size: efficientnet("lite0", 2, size),
}
FEW = {  # parameters that make rules of many passes short
    "smoothgradcam++": {"samples": 1},
    "scorecam": {"channels": 1},
    "ablationcam": {"channels": 1},
    "smoothgrad": {"samples": 1},
    "integrated-gradients": {"steps": 2},
    "occlusion": {"window": 1.0, "stride": 1.0},
    "rise": {"masks": 1},
}
GREY = "#7d8590"  # can be read on white and on black


class Extent(NamedTuple):
    """How much is measured."""

    size: int = 224
    rounds: tuple[tuple[str, int], ...] = (("VGG16", 12), ("EfficientNet-B0", 60), (FLAT, 60))
    few: int = 15  # rounds of what no bound is about
    turns: int = 3  # of what takes seconds
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    sizes: tuple[int, ...] = (112, 224, 448)
    calls: int = 1000
    masks: int = 1000
    channels: int = 256
    quick: bool = False


QUICK = Extent(64, ((FLAT, 5),), 2, 1, (1, 4), (64, 128), 60, 64, 16, quick=True)


class Bound(NamedTuple):
    """What was promised, and what came out."""

    promise: str
    net: str
    value: float
    limit: float
    unit: str
    runs: int
    least: bool = False

    @property
    def kept(self):
        return self.value >= self.limit if self.least else self.value <= self.limit


class Table(NamedTuple):
    """A part of the document: its title, what it says, and rows of cells, the first of them the head."""

    title: str
    about: str
    rows: list


@dataclass
class Report:
    """All that came out, and what is drawn of it."""

    bounds: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    costs: dict = field(default_factory=dict)  # in bare passes of the flat net, by what was run
    growth: dict = field(default_factory=dict)  # [(times as much, times as long)] by what grows


# --- Measuring ------------------------------------------------------------------------------------------------------


def measure(runs, rounds):
    """Seconds of each run, a list by name; the runs take turns, and have run twice before."""
    for run in runs.values():
        run()
        run()
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(timed(run)[0])
    return seconds


def timed(run):
    """Seconds of a run, and what it gave."""
    started = perf_counter()
    result = run()
    return perf_counter() - started, result


def ratio(seconds, others):
    """The median of the rounds' ratios."""
    return statistics.median(mine / its for mine, its in zip(seconds, others, strict=True))


def bare(model, batch, backward=True):
    """A compiled pass from the input to the logit of class 0, and its gradient to the input, as numpy's arrays."""

    @tf.function(autograph=False)
    def run(x):
        score = targets.head(model(x, training=False), x).logits[:, 0]
        return [score, tf.gradients(score, x)[0]] if backward else [score]

    function = run.get_concrete_function(tf.TensorSpec(batch.shape, tf.float32))
    tensor = tf.constant(batch)
    return lambda: [output.numpy() for output in function(tensor)]


def traced(model, batch, rules, layers="blocks"):
    """The engine's compiled pass alone, and the layers that it gives maps of."""
    made = classifier.trace(model, classifier.Request(layers, rules, batch.shape, 0, None))
    zeros = np.zeros(len(batch), np.int32)
    return made.layers, lambda: made.run(batch, zeros)["scores"].numpy()


def explained(model, batch, rules="gradcam", layers="blocks", **parameters):
    """The whole of `explain()`."""
    return lambda: engine.explain(model, batch, 0, layers, rules, parameters={rules: parameters} if parameters else {})


def pictures(count, size):
    return np.random.default_rng(0).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def resident():
    """Memory of this process in MB, where the system tells it."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS")) / 1024


def say(*words):
    print(*words, flush=True)


# --- What is measured -----------------------------------------------------------------------------------------------


def one_pass(extent, models, report):
    """Grad-CAM, and all rules of activations and gradients, at all default layers."""
    rows = [["", "bare pass", "layers", "Grad-CAM: the pass", "`explain()`", "all rules: the pass", "`explain()`"]]
    batch = pictures(1, extent.size)
    promises = {
        "gradcam, whole": ("Grad-CAM on all default layers", 1.10),
        "all, whole": ("All rules of activations and gradients together", 1.4),
    }
    for name, rounds in extent.rounds:
        layers, gradcam = traced(models[name], batch, ("gradcam",))
        runs = {
            "bare": bare(models[name], batch),
            "gradcam": gradcam,
            "gradcam, whole": explained(models[name], batch),
            "all": traced(models[name], batch, paired_rules())[1],
            "all, whole": explained(models[name], batch, paired_rules()),
        }
        seconds = measure(runs, rounds)
        figures = {run: ratio(seconds[run], seconds["bare"]) for run in list(runs)[1:]}
        milliseconds = f"{1000 * statistics.median(seconds['bare']):.1f} ms"
        rows.append([name, milliseconds, str(len(layers)), *(f"{figure:.2f}" for figure in figures.values())])
        say(*rows[-1])
        for run, (promise, limit) in promises.items():
            report.bounds.append(Bound(promise, name, figures[run], limit, "bare passes", rounds))
    about = (
        f"One picture of {extent.size} pixels, in bare passes: the compiled pass alone, and the whole call. All rules "
        f"are the {len(paired_rules())} that a layer's activations and gradients are enough for."
    )
    report.tables.append(Table("One pass", about, rows))


def each_rule(extent, models, report):
    """Every rule by itself; of the flat net also those of many passes, and what they declare to cost."""
    names = [name for name in ("VGG16", FLAT) if name in models]
    batch = pictures(1, extent.size)
    figures, costs = {}, {}
    for name in names:
        alone = bare(models[name], batch)
        seconds = measure({"forward": bare(models[name], batch, backward=False), "bare": alone}, extent.few)
        forward = ratio(seconds["forward"], seconds["bare"])
        for rule in RULES.values():
            if "attention" in rule.needs or (rule.probes and name != FLAT):
                continue
            few = FEW.get(rule.name, {})
            explained(models[name], batch, rule.name, **few)()  # traces
            run = explained(models[name], batch, rule.name, **(few if extent.quick else {}))
            if rule.probes:
                unit = statistics.median(timed(alone)[0] for _ in range(5))
                took, explanation = timed(run)
                figures[name, rule.name] = took / unit
            else:
                seconds = measure({"bare": alone, "rule": run}, extent.few if name == FLAT else extent.few // 3 + 1)
                figures[name, rule.name] = ratio(seconds["rule"], seconds["bare"])
                explanation = run()
            cost = explanation.cost[rule.name]
            costs[rule.name] = cost.forward, cost.backward, forward * cost.forward + (1 - forward) * cost.backward
            say(f"{name}, {rule.title}: {figures[name, rule.name]:.2f}")
    report.costs |= {RULES[rule].title: figure for (name, rule), figure in figures.items() if name == FLAT}
    rows = [["", "forward", "backward", "in bare passes", *(f"measured: {name}" for name in names)]]
    for rule, (ahead, back, expected) in costs.items():
        measured = [f"{figures[name, rule]:,.2f}" if (name, rule) in figures else "" for name in names]
        rows.append([RULES[rule].title, f"{ahead:,}", f"{back:,}", f"{expected:,.2f}", *measured])
    about = (
        "One picture and the default parameters: passes that a rule declares, what these would come to on "
        f"{FLAT} one picture at a time, where a forward pass is {forward:.2f} bare passes, and the whole of "
        "`explain()`. Rules of many passes take several pictures at a time, so they may cost less than that."
    )
    report.tables.append(Table("Each rule by itself", about, rows))


def others(extent, models, report, versions):
    """Grad-CAM of all block layers, beside other libraries."""
    model, batch = models[FLAT], pictures(1, extent.size)
    addresses = [layer.address for layer in traced(model, batch, ("gradcam",))[0]]
    runs = {"bare": bare(model, batch), "here": explained(model, batch)}
    for name in versions:
        flat = NETS[FLAT](extent.size)  # one each, as xplique leaves functions of its own in a model's layers
        head = keras.layers.Dense(2)
        runs[name] = peers.WAYS[name](keras.Model(flat.input, head(flat.layers[-1].input)), addresses, batch, 0)
    seconds = measure(runs, 5 if not extent.quick else 1)
    rows = [["", "milliseconds", "in bare passes", "times ours"]]
    for name in list(runs)[1:]:
        told = f"{name} {versions.get(name, '')}".strip()
        passes, times = ratio(seconds[name], seconds["bare"]), ratio(seconds[name], seconds["here"])
        rows.append([told, f"{1000 * statistics.median(seconds[name]):,.0f}", f"{passes:.2f}", f"{times:.1f}"])
        say(*rows[-1])
        if name != "here":
            report.costs[told] = passes
            limit = {"tf-keras-vis": 80, "xplique": 15}[name]
            promise = f"Faster than {told}, Grad-CAM of {len(addresses)} layers"
            report.bounds.append(Bound(promise, FLAT, times, limit, "times", len(seconds[name]), least=True))
    about = (
        f"Grad-CAM of all {len(addresses)} default layers of a flat {FLAT}, one picture. The others take a layer a "
        "call; they get a model of logits, what can be made beforehand is made, and they need not resize or "
        "normalise where that can be said."
    )
    report.tables.append(Table("Beside other libraries", about, rows))


def growth(extent, models, report):
    """With layers, pictures and pixels, linear or better: the exponent is that of a power, 1 where it is linear."""
    grown = {"layers": {}, "pictures": {}, "pixels": {}}
    model, batch = models[FLAT], pictures(1, extent.size)
    addresses = [layer.address for layer in traced(model, batch, ("gradcam",))[0]]
    counts = sorted({1, 2, 4, len(addresses) // 2, len(addresses)})
    chosen = {
        count: [addresses[round(k * (len(addresses) - 1) / max(count - 1, 1))] for k in range(count)]
        for count in counts
    }
    runs = {count: traced(model, batch, ("gradcam",), tuple(chosen[count]))[1] for count in counts}
    grown["layers"] = measure(runs, extent.few)
    grown["pictures"] = measure(
        {n: explained(model, pictures(n, extent.size)) for n in extent.batches}, extent.few // 2 + 1
    )
    of_sizes = {size: model if size == extent.size else NETS[FLAT](size) for size in extent.sizes}
    runs = {size**2: explained(of_sizes[size], pictures(1, size)) for size in extent.sizes}
    grown["pixels"] = measure(runs, extent.few)
    rows = [["", "how many", "milliseconds", "exponent"]]
    for name, seconds in grown.items():
        least, most = min(seconds), max(seconds)
        medians = {count: statistics.median(seconds[count]) for count in sorted(seconds)}
        exponent = math.log(ratio(seconds[most], seconds[least])) / math.log(most / least)
        told = [f"{count:,}" for count in medians], [f"{1000 * median:.1f}" for median in medians.values()]
        rows.append([name, *(", ".join(part) for part in told), f"{exponent:.2f}"])
        say(*rows[-1])
        report.growth[name] = [(count / least, median / medians[least]) for count, median in medians.items()]
        report.bounds.append(Bound(f"Growth with {name}", FLAT, exponent, 1.0, "exponent", len(seconds[most])))
    about = (
        f"Grad-CAM on {FLAT}, one picture of {extent.size} pixels and all default layers where nothing else is said. "
        "The exponent is that of a power through the first and the last: 1 where it is linear."
    )
    report.tables.append(Table("Growth", about, rows))


def steady(extent, models, report):
    """A second number of pictures, and many calls."""
    model = NETS[FLAT](extent.size)
    traces, trace = [], classifier.trace
    classifier.trace = lambda *given, **named: (traces.append(given), trace(*given, **named))[1]
    try:
        one, three = (explained(model, pictures(count, extent.size)) for count in (1, 3))
        first, second = timed(one)[0], timed(three)[0]
        again = statistics.median(timed(three)[0] for _ in range(5))
        made = len(traces)
    finally:
        classifier.trace = trace
    report.bounds.append(Bound("Traces for a second number of pictures", FLAT, made - 1, 0, "traces", 1))
    batch = pictures(1, extent.size)
    alone, window, random = bare(model, batch), extent.calls // 10, np.random.default_rng(1)
    spent, memory = [], []
    for call in range(extent.calls):
        given = random.uniform(0, 255, batch.shape).astype(np.float32)
        spent.append((timed(explained(model, given))[0], timed(alone)[0]))
        if call in (window - 1, extent.calls - 1):
            memory.append(resident())
    early, late = (ratio(*zip(*part, strict=True)) for part in (spent[:window], spent[-window:]))
    report.bounds += [
        Bound(
            f"Time of the last of {extent.calls:,} calls by that of the first",
            FLAT,
            late / early,
            1.05,
            "times",
            window,
        ),
        Bound(f"Memory grown from call {window} to {extent.calls:,}", FLAT, memory[1] - memory[0], 20, "MB", 1),
    ]
    rows = [
        ["", ""],
        ["first call, one picture: traces", f"{first:.2f} s"],
        ["first call with three pictures", f"{1000 * second:.0f} ms"],
        ["the next with three", f"{1000 * again:.0f} ms"],
        [f"a call, the first {window}, in bare passes", f"{early:.3f}"],
        [f"a call, the last {window} of {extent.calls:,}", f"{late:.3f}"],
        ["memory of the process then", f"{memory[0]:,.0f} MB, {memory[1]:,.0f} MB"],
    ]
    for row in rows[1:]:
        say(*row)
    report.tables.append(Table("Call after call", f"Grad-CAM on {FLAT}, another picture each.", rows))


def many(extent, models, report):
    """RISE and Score-CAM beside the bare forward rate at the batch size that is best for it."""
    names = [name for name in ("VGG16", FLAT) if name in models]
    rows = [["", *(f"forward, {count} at a time" for count in extent.batches), "RISE", "Score-CAM"]]
    for name in names:
        model, batch = models[name], pictures(1, extent.size)
        passes = {count: bare(model, pictures(count, extent.size), backward=False) for count in extent.batches}
        each = {count: max(1, 16 // count) for count in passes}
        repeated = {
            count: lambda run=run, times=each[count]: [run() for _ in range(times)] for count, run in passes.items()
        }
        seconds = measure(repeated, extent.turns if name == FLAT else 1)
        rates = {count: count * each[count] / statistics.median(seconds[count]) for count in passes}
        best = max(rates, key=rates.get)
        runs = {
            "forward": repeated[best],
            "RISE": explained(model, batch, "rise", masks=extent.masks),
            "Score-CAM": explained(model, batch, "scorecam", "last", channels=extent.channels),
        }
        copies = {"RISE": extent.masks, "Score-CAM": extent.channels + 1}
        explained(model, batch, "rise", masks=1)()  # traces
        explained(model, batch, "scorecam", "last", channels=1)()
        shares = {rule: [] for rule in copies}
        for _ in range(extent.turns if name == FLAT else 1):
            for rule, count in copies.items():
                around = [timed(runs["forward"])[0] for _ in range(2)]
                took = timed(runs[rule])[0]
                around += [timed(runs["forward"])[0] for _ in range(2)]
                rate = best * each[best] / statistics.median(around)
                shares[rule].append((count / took / rate, count / took))
        told = []
        for rule, count in copies.items():
            share, rate = (statistics.median(column) for column in zip(*shares[rule], strict=True))
            what = {"RISE": f"RISE with {count:,} masks", "Score-CAM": f"Score-CAM with {extent.channels} channels"}[
                rule
            ]
            report.bounds.append(
                Bound(f"{what}, of the bare forward rate", name, share, 0.8, "share", len(shares[rule]), least=True)
            )
            told.append(f"{rate:.1f}, {share:.2f} of the best")
        rows.append([name, *(f"{rates[count]:.1f}" for count in passes), *told])
        say(*rows[-1])
    report.tables.append(Table("Many pictures", "Pictures a second, of one picture's copies.", rows))


# --- What is written ------------------------------------------------------------------------------------------------


def processor():
    """Its name, as far as the system tells it."""
    about = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in about.read_text().splitlines() if line.startswith("model name")]
        if about.exists()
        else []
    )
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def document(report, versions, minutes):
    known = {"Python": platform.python_version(), "TensorFlow": tf.__version__}
    known |= {name: importlib.metadata.version(name) for name in ("keras", "numpy")} | versions
    lines = [
        "# Benchmarks",
        "",
        "Made by `python benchmarks/engine.py --peers FOLDER` in one run; the script's head says how FOLDER is made.",
        "",
        f"- **date** {date.today():%d %B %Y}, {minutes:.0f} minutes",
        f"- **processor** {processor()}",
        f"- **versions** {', '.join(f'{name} {version}' for name, version in known.items())}",
        "- **a bare pass** is a compiled forward pass and the gradient of one logit to the input. What is compared is "
        "warm and runs in turns; a ratio is the median of the rounds' ratios.",
        "",
        "![What rules cost, and how cost grows](benchmarks.svg)",
        "",
        "## What was promised",
        "",
        "| | net | bound | measured | runs | |",
        "|---|---|---|---|---|---|",
    ]
    for bound in report.bounds:
        limit = f"at {'least' if bound.least else 'most'} {bound.limit:g} {bound.unit}"
        told = f"{bound.value:.2f}" if abs(bound.value) < 10 else f"{bound.value:.0f}"
        kept = "kept" if bound.kept else "**missed**"
        lines.append(f"| {bound.promise} | {bound.net} | {limit} | {told} | {bound.runs} | {kept} |")
    for table in report.tables:
        lines += ["", f"## {table.title}", "", table.about, ""]
        head, *rows = table.rows
        lines += [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def plot(report):
    """Left what rules cost, right how it grows; and the rows that are drawn."""
    figure = Figure(figsize=(9, 6.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    costs = dict(sorted(report.costs.items(), key=lambda item: -item[1]))
    colours = ["#b2182b" if name.startswith(tuple(peers.WAYS)) else "#2166ac" for name in costs]
    places = range(len(costs))
    left.hlines(places, 1, list(costs.values()), colors=colours, linewidth=1)
    left.scatter(list(costs.values()), places, c=colours, s=18, zorder=2)
    left.set_yticks(places, costs)
    left.set_xscale("log")
    left.set_xlabel(f"bare passes of {FLAT}; red: others, all layers")
    largest = max(times for line in report.growth.values() for times, _ in line)
    right.plot([1, largest], [1, largest], "--", color=GREY, linewidth=1)
    right.annotate("linear", (largest, largest), ha="right", va="bottom")
    for (name, line), marker in zip(report.growth.items(), "osD", strict=True):
        right.plot(*zip(*line, strict=True), marker=marker, markersize=4, label=name)
    right.set_xscale("log", base=2)
    right.set_yscale("log", base=2)
    right.set_xlabel("times as many")
    right.set_title("times as long", loc="left")
    right.legend()
    return figure, [{"what": name, "bare passes": cost} for name, cost in costs.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="where tf-keras-vis and xplique are installed")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where both files go (default: docs)")
    parser.add_argument("--quick", action="store_true", help="few rounds, one small net")
    given = parser.parse_args()
    extent = QUICK if given.quick else Extent()
    out = given.out or (None if given.quick else DOCS)
    versions = peers.find(given.peers) if given.peers else {}
    started, report = perf_counter(), Report()
    models = {name: NETS[name](extent.size) for name, _ in extent.rounds}
    one_pass(extent, models, report)
    if versions:
        others(extent, models, report, versions)
    for part in (growth, steady, many, each_rule):
        part(extent, models, report)
        say(f"-- {part.__name__}: {(perf_counter() - started) / 60:.1f} minutes so far")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        text = document(report, versions, (perf_counter() - started) / 60)
        svg, _ = drawn("benchmarks", lambda: plot(report))
        (out / "benchmarks.md").write_text(text, encoding="utf-8")
        (out / "benchmarks.svg").write_text(svg.replace("currentColor", GREY), encoding="utf-8")
    missed = [bound for bound in report.bounds if not bound.kept]
    for bound in missed:
        say(f"MISSED: {bound.promise}, {bound.net}: {bound.value:.2f} for {bound.limit:g} {bound.unit}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
