"""What the Evidence tab shows of a pair: one SVG a plot, beside it a CSV with all that is in it.

Ink is `currentColor`, so a plot stands on any ground when it is part of a page; left is red and right is blue, as in
the page's difference maps. Sizes are chosen so that words can be read at a phone's width. Intervals are over pictures
and speak of the two files; marked is only where the two *recipes* differ, by trainings (`study.recipes`).
"""

import csv
import functools
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib
import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure

from study import claims, recipes, scaling
from study.files import read_rows
from study.measure import RULE
from study.recipes import SIGNIFICANT
from study.store import COLOURS, SCALING_COST, Store
from study.texts.en import TEXTS

INK = "#010203"  # becomes currentColor
SIDES = ("left", "right")
MANY_CLASSES = 5  # more have one ROC curve, their mean
MANY_SEEDS = 3  # more pairs of seeds are drawn as thin lines, without bands
WIDTH = 5.0  # inches; 72 of its units are an inch, a phone is about 360 wide
STYLE = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), INK
    ),
}

MARKERS = {"baseline": "o", "deeper": "v", "wider": "s", "sharper": "D", "compound": "*"}  # of compound scaling

Rows = list[dict]


def draw_all(store: Store, weights: Path, wanted: Iterable[tuple[str, str]]) -> list[dict]:
    """Judge all recipes and claims by the evidence there is, and draw what is wanted or was drawn before.

    A training judges the pairs and claims of its recipe, so all is drawn anew when one is measured.

    Args:
        store: the evidence.
        weights: folder of checkpoints. Pairs that it lacks one of are judged and not drawn.
        wanted: pairs to be drawn, if they were compared.

    Returns:
        The judged claims.
    """
    wanted = set(wanted)
    for pair in store.pairs():
        tested = recipes.judge(store, *pair)
        store.write_recipes(*pair, tested)
        asked = pair in wanted or store.svg(store.pair_plot(*pair, "agreement")) is not None
        if asked and all((weights / model_id / "history.csv").exists() for model_id in pair):
            draw(store, *pair, weights)
    judged = claims.write(store)
    for claim in judged:
        draw_claim(store, claim)
    return judged


def draw_claim(store: Store, claim: dict) -> None:
    """Draw a judged claim's figure, or remove what was drawn of it where it has none."""
    plot = store.claim_plot(claim["id"])
    if claim["figure"]:
        store.write_plot(plot, *drawn(plot.name, lambda: interval(claim)))
    else:
        store.remove_plot(plot)


def draw(store: Store, left: str, right: str, weights: Path) -> list[str]:
    """Draw a pair's plots into its folder.

    Args:
        store: the evidence; it holds the pair's comparison.
        left: id of a checkpoint.
        right: id of the other.
        weights: holds both, with their history.csv and evaluation/.

    Returns:
        The names of the plots.
    """
    comparison, tested = store.comparison(left, right), store.recipes(left, right)
    checkpoints = {"left": weights / left, "right": weights / right}
    titles = {side: comparison[side]["title"] for side in SIDES}
    plots: dict[str, Callable[[], tuple[Figure, Rows]]] = {
        "curves": lambda: curves(checkpoints, titles),
        "confusion": lambda: confusion(checkpoints, titles),
        "roc": lambda: roc(checkpoints, titles),
        "reliability": lambda: reliability(checkpoints, titles),
        "agreement": lambda: agreement(comparison, seeds(store, left, right), tested),
        "features": lambda: by_depth(comparison, titles, ("dead", "contrast", "entropy", "roughness"), tested),
        "focus": lambda: by_depth(comparison, titles, ("focus_entropy", "focus_area"), tested),
        "cka": lambda: cka(comparison, titles, tested),
    }
    if comparison["areas"]:
        plots["heads"] = lambda: by_depth(
            comparison, titles, ("head_share", "animal_share"), tested, comparison["areas"]
        )
    else:
        store.remove_plot(store.pair_plot(left, right, "heads"))
    for name, plot in plots.items():
        store.write_plot(store.pair_plot(left, right, name), *drawn(name, plot))
    return list(plots)


def seeds(store: Store, left: str, right: str) -> list[dict]:
    """The comparisons of two trainings of one recipe, the left one's or the right one's, but for this very pair."""
    families = [set(store.trainings(model_id)) for model_id in (left, right)]
    return [
        store.comparison(*pair)
        for pair in store.pairs()
        if any(set(pair) <= family for family in families) and set(pair) != {left, right}
    ]


def drawn(name: str, plot: Callable[[], tuple[Figure, Rows]]) -> tuple[str, str]:
    """A plot's SVG and CSV."""
    text = io.StringIO()
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        figure, rows = plot()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)  # several plots stand in one page
    svg = re.sub(r' width="[^"]*pt"| height="[^"]*pt"', "", svg, count=2)
    table = io.StringIO()
    writer = csv.DictWriter(table, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return svg, table.getvalue()


def _figure(height: float, rows: int = 1, columns: int = 1, **options: object) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _both(checkpoints: dict[str, Path], name: str) -> dict[str, Rows]:
    return {side: read_rows(folder / name) for side, folder in checkpoints.items()}


# -- from the checkpoints' own figures -------------------------------------------------------------------------------


def curves(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Accuracy and log loss by epoch, both models."""
    tables = _both(checkpoints, "history.csv")
    figure, axes = _figure(4.6, 2, sharex=True)
    for place, (name, title) in zip(axes.flat, (("accuracy", "Accuracy"), ("log_loss", "Log loss")), strict=True):
        for side, rows in tables.items():
            marker = "o" if len(rows) < 12 else ""
            for column, line, of in ((f"val_{name}", "-", "validation"), (name, ":", "training, augmented")):
                known = [row for row in rows if row[column]]  # within an epoch there is no figure of training
                epochs, values = ([float(row[key]) for row in known] for key in ("epoch", column))
                label = f"{titles[side]}: {of}"
                place.plot(epochs, values, line, color=COLOURS[side], label=label, marker=marker, markersize=3)
        place.set_title(title, loc="left")
    axes[-1, 0].set_xlabel("epoch")
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].legend(loc="lower right")
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


def shades(matrix: np.ndarray) -> np.ndarray:
    """Counts as colours, float h x w x 4: one hue, the more of it the more there are, none where there are none.

    A plot's words are black or white, as the page is; a picture in it cannot follow, so its ground must show through.
    """
    colours = np.empty((*matrix.shape, 4))
    colours[:] = (0.33, 0.46, 0.86, 0)
    colours[..., 3] = 0.55 * matrix / max(1, matrix.max())
    return colours


def confusion(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Both confusion matrices of the test split."""
    tables = _both(checkpoints, "evaluation/confusion.csv")
    figure, axes = _figure(2.7, 1, 2)
    for place, (side, rows) in zip(axes.flat, tables.items(), strict=True):
        names = list(rows[0])[1:]
        matrix = np.array([[int(row[name]) for name in names] for row in rows])
        place.imshow(shades(matrix))
        if len(names) <= 20:
            place.set_xticks(range(len(names)), names)
            place.set_yticks(range(len(names)), names)
            for (row, column), count in np.ndenumerate(matrix):
                place.text(column, row, f"{count:,}", ha="center", va="center")
        place.set(xlabel="predicted", ylabel="true" if side == "left" else "")
        place.set_title(titles[side], color=COLOURS[side])
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


def roc(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Both ROC curves of the test split; only the corner where all that can be seen happens in it."""
    tables = _both(checkpoints, "evaluation/roc.csv")
    figure, axes = _figure(4.2)
    place = axes[0, 0]
    corner, table = True, []
    for side, rows in tables.items():
        names = dict.fromkeys(row["class"] for row in rows)
        lines = {
            name: [(float(r["false_positive"]), float(r["true_positive"])) for r in rows if r["class"] == name]
            for name in names
        }
        table += [{"model": titles[side], **row} for row in rows]
        if len(lines) > MANY_CLASSES:
            lines = {f"mean of {len(lines)} classes": _mean_curve(list(lines.values()))}
        for name, line in lines.items():
            corner &= any(false <= 0.1 and true >= 0.9 for false, true in line)
            place.plot(*zip(*line, strict=True), color=COLOURS[side], label=f"{titles[side]}: {name}")
    place.plot([0, 1], [0, 1], "--", color=COLOURS["luck"], linewidth=1)
    if corner:
        place.set(xlim=(-0.004, 0.2), ylim=(0.8, 1.004))
        place.set_title("the upper left corner", loc="left")
    place.set(xlabel="false positive rate", ylabel="true positive rate")
    place.legend(loc="lower right")
    return figure, table


def _mean_curve(lines: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """True positive rates of several ROC curves, averaged at equal false positive rates."""
    rates = np.linspace(0, 1, 201) ** 2  # denser at the left
    means = np.mean([np.interp(rates, *np.array(line).T) for line in lines], axis=0)
    return [(0.0, 0.0), *zip(rates.tolist(), means.tolist(), strict=True)]


def reliability(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """How often a prediction of some confidence is right, both models."""
    tables = _both(checkpoints, "evaluation/reliability.csv")
    figure, axes = _figure(4.0)
    place = axes[0, 0]
    least = min(float(row["confidence_low"]) for rows in tables.values() for row in rows)
    place.plot([least, 1], [least, 1], "--", color=COLOURS["luck"], linewidth=1, label="as sure as right")
    for side, rows in tables.items():
        confidence, accuracy, n = ([float(row[key]) for row in rows] for key in ("confidence", "accuracy", "n"))
        place.plot(confidence, accuracy, color=COLOURS[side], linewidth=1)
        place.scatter(confidence, accuracy, 6 + 90 * np.sqrt(n) / max(np.sqrt(n)), COLOURS[side], label=titles[side])
    place.set(xlabel="confidence", ylabel="accuracy")
    place.legend(loc="lower right", markerscale=0.5)
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


# -- from the comparison ---------------------------------------------------------------------------------------------


def agreement(comparison: dict, lucky: Sequence[dict], tested: dict | None) -> tuple[Figure, Rows]:
    """Rank correlation and overlap of both models' Grad-CAMs by depth, over those of two seeds.

    Args:
        comparison: the pair's comparison.
        lucky: comparisons of two seeds.
        tested: the test of the two recipes, if there is one.
    """
    figure, axes = _figure(5.2, 2, sharex=True)
    rows: Rows = []
    many = len(lucky) > MANY_SEEDS
    for number, pair in enumerate([*lucky, comparison]):
        shown = pair is comparison
        label = f"{pair['left']['title']} and {pair['right']['title']}"
        stops = [stop for stop in pair["agreement"][RULE]["stops"] if stop["rank"]]
        depths = [stop["depth"] for stop in stops]
        colour = INK if shown else COLOURS["luck"]
        line = "-" if shown or many else ("--", ":", "-.")[number % 3]
        named = label if shown or not many else f"two seeds, {len(lucky)} pairs" if number == 0 else None
        for place, name in zip(axes.flat, ("rank", "overlap"), strict=True):
            low, middle, high = np.array([stop[name] for stop in stops]).T
            place.plot(
                depths, middle, line, color=colour, label=named, linewidth=1.6 if shown else 0.6 if many else 1.2
            )
            if shown or not many:
                place.fill_between(depths, low, high, color=colour, alpha=0.12 if shown else 0.22, linewidth=0)
        for stop in stops:
            row = {"pair": label, "depth": stop["depth"]}
            for name in ("rank", "overlap"):
                row |= {f"{name}_{key}": value for key, value in zip(("p10", "p50", "p90"), stop[name], strict=True)}
                row |= {f"{name}_{key}": value for key, value in stop[f"{name}_mean"].items()}
            rows.append(row)
    for place, name, even, title in zip(
        axes.flat, ("rank", "overlap"), (0, 0.2), ("rank correlation", "overlap"), strict=True
    ):
        place.axhline(even, color=COLOURS["luck"], linewidth=0.6)
        place.set(ylabel=title, ylim=(min(-0.1, place.get_ylim()[0]) if even == 0 else 0, 1.02))
        if tested and tested["agreement"]:
            depths = [stop["depth"] for stop in comparison["stops"]]
            rows += _mark(place, depths, tested["agreement"][name], {"pair": "between less within", "measure": name})
    axes[-1, 0].set_xlabel("depth")
    axes[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    return figure, rows


def _mark(place: object, depths: Sequence[float], test: dict, named: dict) -> Rows:
    """Dots at the foot where the two recipes differ; what the test gave at every depth."""
    marked = [d for d, p in zip(depths, test["p"], strict=True) if p is not None and p <= SIGNIFICANT]
    if marked:
        place.plot(
            marked,
            [0.03] * len(marked),
            "o",
            color=INK,
            markersize=2.5,
            label=f"recipes differ: p ≤ {SIGNIFICANT:.0%}",
            transform=place.get_xaxis_transform(),
            clip_on=False,
        )
    return [
        {**named, "depth": depth, "statistic": statistic, "p": p}
        for depth, statistic, p in zip(depths, test["statistic"], test["p"], strict=True)
        if p is not None
    ]


def by_depth(
    comparison: dict,
    titles: dict[str, str],
    names: Sequence[str],
    tested: dict | None = None,
    areas: dict[str, dict] | None = None,
) -> tuple[Figure, Rows]:
    """Measures by depth, both models, with their intervals; dots at the foot are depths where the recipes differ.

    Args:
        comparison: the pair's comparison.
        titles: by side.
        names: of the measures.
        tested: the test of the two recipes, if there is one.
        areas: what even heat would have, by the name's part.
    """
    figure, axes = _figure(1.1 + 1.75 * ((len(names) + 1) // 2), (len(names) + 1) // 2, 2, sharex=True)
    rows: Rows = []
    depths = [stop["depth"] for stop in comparison["stops"]]
    for place, name in zip(axes.flat, names, strict=True):
        stops = comparison["measures"][name]["stops"]
        for side in SIDES:
            known = [(depth, stop[side]) for depth, stop in zip(depths, stops, strict=True) if stop[side]]
            x = [depth for depth, _ in known]
            low, middle, high = ([figures[key] for _, figures in known] for key in ("low", "mean", "high"))
            place.plot(x, middle, color=COLOURS[side], label=titles[side])
            place.fill_between(x, low, high, color=COLOURS[side], alpha=0.25, linewidth=0)
        for side, label in (*titles.items(), ("difference", "left - right")):
            rows += [
                {"measure": name, "model": label, "layer": at.get(side, at["left"]), "depth": at["depth"], **stop[side]}
                for at, stop in zip(comparison["stops"], stops, strict=True)
                if stop[side]
            ]
        if tested and tested["measures"]:
            of = f"{len(tested['left'])} and {len(tested['right'])} trainings"
            rows += _mark(place, depths, tested["measures"][name], {"measure": name, "model": of})
        if areas:
            part = name.partition("_")[0]
            place.axhline(areas[part]["mean"], color=COLOURS["luck"], linestyle="--", linewidth=1, label="its area")
            rows.append({"measure": f"{part} area", **areas[part]})
        place.set_title(TEXTS["evidence_measures"][name], loc="left", fontsize=9)
    for place in axes[-1]:
        place.set_xlabel("depth")
    named = {label: line for place in axes.flat for line, label in zip(*place.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named, loc="outside upper center", ncols=2)
    return figure, rows


def cka(comparison: dict, titles: dict[str, str], tested: dict | None) -> tuple[Figure, Rows]:
    """Linear CKA of all pairs of layers; a dot where it is another between the two recipes than within one."""
    table = comparison["cka"]
    figure, axes = _figure(4.6)
    place = axes[0, 0]
    picture = place.imshow(
        np.array(table["values"], float), vmin=0, vmax=1, cmap="viridis", origin="lower", aspect="auto"
    )
    places = {side: _thinned(table[side]) for side in SIDES}
    place.set_xticks(*places["right"], rotation=90, fontsize=8)
    place.set_yticks(*places["left"], fontsize=8)
    place.set_xlabel(titles["right"], color=COLOURS["right"])
    place.set_ylabel(titles["left"], color=COLOURS["left"])
    figure.colorbar(picture, shrink=0.8, label="linear CKA").outline.set_linewidth(0)
    known = {  # an interval where two layers stand at one depth
        (stop["left"], stop["right"]): {key: alike[key] for key in ("low", "high", "n")}
        for stop, alike in zip(comparison["stops"], table["stops"], strict=True)
        if alike
    }
    if tested and tested["cka"]:
        for stop, p in zip(comparison["stops"], tested["cka"]["p"], strict=True):
            pair = stop["left"], stop["right"]
            if p is not None and pair in known:
                known[pair]["p"] = p
                if p <= SIGNIFICANT:
                    x, y = (table[side].index(stop[side]) for side in ("right", "left"))
                    place.plot(x, y, "o", color="#ffffff", markeredgecolor=INK, markersize=4)
    rows = [
        {"left": left, "right": right, "cka": value, **known.get((left, right), {})}
        for left, values in zip(table["left"], table["values"], strict=True)
        for right, value in zip(table["right"], values, strict=True)
    ]
    return figure, rows


def _thinned(addresses: Sequence[str], most: int = 18) -> tuple[list[int], list[str]]:
    step = -(-len(addresses) // most)
    return list(range(0, len(addresses), step)), [address.rpartition("/")[2] for address in addresses[::step]]


def interval(claim: dict) -> tuple[Figure, Rows]:
    """A judged claim's figure and its margin; the table also has the figure of every training."""
    figure, axes = _figure(1.05)
    place, estimate = axes[0, 0], claim["figure"]
    place.plot([estimate["low"], estimate["high"]], [0, 0], color=INK, linewidth=3, solid_capstyle="butt")
    place.plot(estimate["mean"], 0, "o", color=INK, markersize=6)
    place.axvline(claim["margin"], color=COLOURS["left"], linestyle="--", linewidth=1)
    above = {"transform": place.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 8}
    place.text(claim["margin"], 1, "margin", color=COLOURS["left"], **above)
    place.axvline(0, color=COLOURS["luck"], linewidth=0.6)
    place.xaxis.get_major_locator().set_params(nbins=5)
    place.set_yticks([0], ["the claim's figure"])
    place.set_ylim(0.6, -0.6)
    place.spines["left"].set_visible(False)
    place.tick_params(left=False)
    rows = [{"what": "the claim's figure", **estimate}, {"what": "margin", "mean": claim["margin"]}]
    rows += [
        {"what": f"{side}: {name}", "mean": value}
        for side, values in claim["trainings"].items()
        for name, value in values.items()
    ]
    return figure, rows


# -- compound scaling --------------------------------------------------------------------------------------------------


def draw_scaling(store: Store, content: dict) -> None:
    """Draw accuracy against cost, and each claim's figure of every training (`study.scaling`)."""
    trainings = content["trainings"]
    store.write_plot(store.claim_plot(SCALING_COST), *drawn(SCALING_COST, lambda: cost(trainings)))
    for claim in content["verdicts"]:
        store.write_plot(
            store.claim_plot(claim["id"]), *drawn(claim["id"], functools.partial(by_kind, claim, trainings))
        )


def cost(trainings: list[dict]) -> tuple[Figure, Rows]:
    """Test accuracy against multiply-adds: ours on the left; B0 to B7 as published, on other data, on the right."""
    figure, axes = _figure(3.2, columns=2)
    words = TEXTS["scaling_kinds"]
    rows = []
    for kind in scaling.KINDS:
        some = [row for row in trainings if row["kind"] == kind and row["multiply_adds"]]
        if not some:
            continue
        x, y = [row["multiply_adds"] / 1e6 for row in some], [100 * row["test"]["accuracy"] for row in some]
        axes[0, 0].plot(x, y, MARKERS[kind], color=_of_kind(kind), markersize=6, alpha=0.7, label=words[kind])
        rows += [
            {
                "what": row["id"],
                "multiply_adds": row["multiply_adds"],
                "weights": row["parameters"],
                "accuracy": value / 100,
            }
            for row, value in zip(some, y, strict=True)
        ]
    for name, (multiply_adds, parameters, accuracy) in scaling.PUBLISHED.items():
        axes[0, 1].plot(multiply_adds / 1e9, 100 * accuracy, "s", color=COLOURS["luck"], markersize=4)
        axes[0, 1].annotate(
            name, (multiply_adds / 1e9, 100 * accuracy), (0, 5), textcoords="offset points", ha="center", fontsize=8
        )
        rows.append(
            {"what": f"{name}, published", "multiply_adds": multiply_adds, "weights": parameters, "accuracy": accuracy}
        )
    titles = ("ours, cats and dogs", "as published, ImageNet")
    for place, title, unit in zip(axes[0], titles, ("millions", "billions"), strict=True):
        place.set_title(title)
        place.set_xscale("log")
        place.set_xlabel(f"multiply-adds, {unit}")
        place.margins(x=0.18, y=0.18)
        place.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
        place.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes[0, 0].set_xticks([10, 20, 40, 80])
    axes[0, 0].set_ylabel("test accuracy, %")
    figure.legend(loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1)
    return figure, rows


def by_kind(claim: dict, trainings: list[dict]) -> tuple[Figure, Rows]:
    """A claim's figure of every training, a row a kind."""
    kinds = [kind for kind in scaling.KINDS if any(row["kind"] == kind for row in trainings)]
    figure, axes = _figure(0.8 + 0.28 * len(kinds))
    place, rows = axes[0, 0], []
    for height, kind in enumerate(kinds):
        values = {row["id"]: scaling.value(row, claim["of"]) for row in trainings if row["kind"] == kind}
        known = [value for value in values.values() if value is not None]
        concerned = kind == claim["kind"] or kind in claim["others"]
        place.plot(known, [height] * len(known), "o", color=_of_kind(kind), markersize=6, alpha=1 if concerned else 0.3)
        rows += [{"what": name, "value": value} for name, value in values.items()]
    place.set_yticks(range(len(kinds)), [TEXTS["scaling_kinds"][kind] for kind in kinds])
    place.set_ylim(len(kinds) - 0.5, -0.5)
    place.set_xlabel(TEXTS["scaling_figures"][claim["of"]])
    place.xaxis.get_major_locator().set_params(nbins=6)
    place.spines["left"].set_visible(False)
    place.tick_params(left=False)
    if figured := claim["figure"]:
        rows.append({"what": f"{claim['kind']} less the others", "value": figured["mean"], **figured, "p": claim["p"]})
    return figure, rows


def _of_kind(kind: str) -> str:
    return COLOURS["left"] if kind == "compound" else COLOURS["luck"] if kind == "baseline" else COLOURS["right"]
