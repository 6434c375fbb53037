"""What the Evidence tab shows of a comparison: one SVG a plot, beside it a CSV with all that is in it.

Ink is `currentColor`, so a plot stands on any ground when it is part of a page; left is red and right is blue, as in
the page's difference maps. Sizes are chosen so that words can be read at a phone's width.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from study import claims
from study.compare import MEASURES
from training.data.dataset import atomically

INK = "#010203"  # becomes currentColor
SIDES = ("left", "right")
DIFFER = 0.001  # p of a paired test from which a depth is marked
COLOURS = {"left": "#d0453e", "right": "#3d6fd9", "luck": "#8a8f98"}
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

Rows = list[dict]


def draw_all(evidence: Path, weights: Path) -> list[dict]:
    """Judge all claims by the comparisons there are (`evidence/claims.json`), and draw everything.

    A comparison of two seeds stands in grey behind those of the same experiment, and judges their claims, so all is
    drawn anew when one comparison is.

    Returns:
        The judged claims.
    """
    listed = weights / "experiments.json"
    experiments = json.loads(listed.read_text()) if listed.exists() else []
    seeds = [(one["left"], one["right"]) for one in experiments if one.get("seeds")]
    for path in sorted(evidence.glob("*--*/comparison.json")):
        pair = path.parent.name.split("--")
        if not all((weights / id / "history.csv").exists() for id in pair):
            print(f"{path.parent.name} is not drawn anew: {weights} lacks one of the two.")
            continue
        lucky = [evidence / "--".join(one) for one in seeds if set(one) & set(pair) and set(one) != set(pair)]
        draw(path.parent, weights, [one for one in lucky if (one / "comparison.json").exists()])
    judged = claims.write(evidence)
    for claim in judged:
        if claim["threshold"] is not None:
            _save(evidence / "claims" / claim["id"], *_drawn(lambda: interval(claim)))  # noqa: B023
        else:
            _remove(evidence / "claims" / claim["id"])
    return judged


def draw(folder: Path, weights: Path, seeds: Sequence[Path] = ()) -> list[Path]:
    """Draw a comparison's plots into its folder.

    Args:
        folder: holds comparison.json.
        weights: holds both checkpoints, with their history.csv and evaluation/.
        seeds: folders of comparisons of two seeds, drawn in grey where they are the yardstick.

    Returns:
        The SVG files.
    """
    found = json.loads((folder / "comparison.json").read_text())
    lucky = [json.loads((one / "comparison.json").read_text()) for one in seeds]
    checkpoints = {side: weights / found[side]["id"] for side in SIDES}
    titles = {side: found[side]["title"] for side in SIDES}
    plots: dict[str, Callable[[], tuple[Figure, Rows]]] = {
        "curves": lambda: curves(checkpoints, titles),
        "confusion": lambda: confusion(checkpoints, titles),
        "roc": lambda: roc(checkpoints, titles),
        "reliability": lambda: reliability(checkpoints, titles),
        "agreement": lambda: agreement(found, lucky),
        "features": lambda: by_depth(found, titles, ("dead", "contrast", "entropy", "roughness")),
        "focus": lambda: by_depth(found, titles, ("focus_entropy", "focus_area")),
        "cka": lambda: cka(found, titles),
    }
    if found["areas"]:
        plots["heads"] = lambda: by_depth(found, titles, ("head_share", "animal_share"), found["areas"])
    else:
        _remove(folder / "heads")
    return [_save(folder / name, *_drawn(plot)) for name, plot in plots.items()]


def _remove(path: Path) -> None:
    """What an earlier comparison drew and this one cannot."""
    for suffix in (".svg", ".csv"):
        path.with_suffix(suffix).unlink(missing_ok=True)


def _drawn(plot: Callable[[], tuple[Figure, Rows]]) -> tuple[Figure, Rows]:
    with matplotlib.rc_context(STYLE):
        return plot()


def _save(path: Path, figure: Figure, rows: Rows) -> Path:
    text = io.StringIO()
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": path.name}):
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
    target = path.with_suffix(".svg")
    atomically(target, lambda draft: draft.write_text(svg))
    atomically(path.with_suffix(".csv"), lambda draft: draft.write_text(table.getvalue()))
    return target


def _figure(height: float, rows: int = 1, columns: int = 1, **options: object) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _read(path: Path) -> Rows:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _both(checkpoints: dict[str, Path], name: str) -> dict[str, Rows]:
    return {side: _read(folder / name) for side, folder in checkpoints.items()}


# -- from the checkpoints' own figures -------------------------------------------------------------------------------


def curves(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Accuracy and log loss by epoch, both models."""
    tables = _both(checkpoints, "history.csv")
    figure, axes = _figure(4.6, 2, sharex=True)
    for place, (name, title) in zip(axes.flat, (("accuracy", "Accuracy"), ("log_loss", "Log loss")), strict=True):
        for side, rows in tables.items():
            epochs = [int(row["epoch"]) for row in rows]
            marker = "o" if len(rows) < 12 else ""
            for column, line, of in ((f"val_{name}", "-", "validation"), (name, ":", "training, augmented")):
                values = [float(row[column]) for row in rows]
                label = f"{titles[side]}: {of}"
                place.plot(epochs, values, line, color=COLOURS[side], label=label, marker=marker, markersize=3)
        place.set_title(title, loc="left")
    axes[-1, 0].set_xlabel("epoch")
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].legend(loc="lower right")
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


def confusion(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Both confusion matrices of the test split."""
    tables = _both(checkpoints, "evaluation/confusion.csv")
    figure, axes = _figure(2.7, 1, 2)
    for place, (side, rows) in zip(axes.flat, tables.items(), strict=True):
        names = list(rows[0])[1:]
        matrix = np.array([[int(row[name]) for name in names] for row in rows])
        place.imshow(matrix, cmap="Greys", vmin=0, vmax=1.6 * matrix.max(), alpha=0.55)
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
    corner = True
    for side, rows in tables.items():
        for name in dict.fromkeys(row["class"] for row in rows):
            mine = [(float(r["false_positive"]), float(r["true_positive"])) for r in rows if r["class"] == name]
            corner &= any(false <= 0.1 and true >= 0.9 for false, true in mine)
            place.plot(*zip(*mine, strict=True), color=COLOURS[side], label=f"{titles[side]}: {name}")
    place.plot([0, 1], [0, 1], "--", color=COLOURS["luck"], linewidth=1)
    if corner:
        place.set(xlim=(-0.004, 0.2), ylim=(0.8, 1.004))
        place.set_title("the upper left corner", loc="left")
    place.set(xlabel="false positive rate", ylabel="true positive rate")
    place.legend(loc="lower right")
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


def reliability(checkpoints: dict[str, Path], titles: dict[str, str]) -> tuple[Figure, Rows]:
    """How often a prediction of some confidence is right, both models."""
    tables = _both(checkpoints, "evaluation/reliability.csv")
    figure, axes = _figure(4.0)
    place = axes[0, 0]
    place.plot([0.5, 1], [0.5, 1], "--", color=COLOURS["luck"], linewidth=1, label="as sure as right")
    for side, rows in tables.items():
        confidence, accuracy, n = ([float(row[key]) for row in rows] for key in ("confidence", "accuracy", "n"))
        place.plot(confidence, accuracy, color=COLOURS[side], linewidth=1)
        place.scatter(confidence, accuracy, 6 + 90 * np.sqrt(n) / max(np.sqrt(n)), COLOURS[side], label=titles[side])
    place.set(xlabel="confidence", ylabel="accuracy")
    place.legend(loc="lower right", markerscale=0.5)
    return figure, [{"model": titles[side], **row} for side, rows in tables.items() for row in rows]


# -- from the comparison ---------------------------------------------------------------------------------------------


def agreement(found: dict, lucky: Sequence[dict]) -> tuple[Figure, Rows]:
    """Rank correlation and overlap of both models' Grad-CAMs by depth, over those of two seeds."""
    figure, axes = _figure(5.2, 2, sharex=True)
    rows: Rows = []
    for one in [*lucky, found]:
        own = one is found
        label = f"{one['left']['title']} and {one['right']['title']}"
        stops = [stop for stop in one["agreement"]["gradcam"]["stops"] if stop["rank"]]
        depths = [stop["depth"] for stop in stops]
        colour = INK if own else COLOURS["luck"]
        line = "-" if own else ("--", ":", "-.")[len(axes[0, 0].lines) % 3]
        for place, name in zip(axes.flat, ("rank", "overlap"), strict=True):
            low, middle, high = np.array([stop[name] for stop in stops]).T
            place.plot(depths, middle, line, color=colour, label=label, linewidth=1.6 if own else 1.2)
            place.fill_between(depths, low, high, color=colour, alpha=0.12 if own else 0.22, linewidth=0)
        for stop in stops:
            row = {"pair": label, "depth": stop["depth"]}
            for name in ("rank", "overlap"):
                row |= {f"{name}_{key}": value for key, value in zip(("p10", "p50", "p90"), stop[name], strict=True)}
                row |= {f"{name}_{key}": value for key, value in stop[f"{name}_mean"].items()}
            rows.append(row)
    for place, even, title in zip(axes.flat, (0, 0.2), ("rank correlation", "overlap"), strict=True):
        place.axhline(even, color=COLOURS["luck"], linewidth=0.6)
        place.set(ylabel=title, ylim=(min(-0.1, place.get_ylim()[0]) if even == 0 else 0, 1.02))
    axes[-1, 0].set_xlabel("depth")
    axes[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    return figure, rows


def by_depth(
    found: dict, titles: dict[str, str], names: Sequence[str], areas: dict[str, dict] | None = None
) -> tuple[Figure, Rows]:
    """Measures by depth, both models, with their intervals; dots at the foot are depths where the two differ.

    `areas`: what even heat would have, by the name's part.
    """
    figure, axes = _figure(1.1 + 1.75 * ((len(names) + 1) // 2), (len(names) + 1) // 2, 2, sharex=True)
    rows: Rows = []
    depths = [stop["depth"] for stop in found["stops"]]
    for place, name in zip(axes.flat, names, strict=True):
        for side in SIDES:
            figures = [stop[side] for stop in found["measures"][name]["stops"]]
            there = [(depth, one) for depth, one in zip(depths, figures, strict=True) if one]
            x = [depth for depth, _ in there]
            low, middle, high = ([one[key] for _, one in there] for key in ("low", "mean", "high"))
            place.plot(x, middle, color=COLOURS[side], label=titles[side])
            place.fill_between(x, low, high, color=COLOURS[side], alpha=0.25, linewidth=0)
            rows += [
                {"measure": name, "model": titles[side], "layer": stop[side], "depth": stop["depth"], **one}
                for stop, one in zip(found["stops"], figures, strict=True)
                if one
            ]
        figures = [stop["difference"] for stop in found["measures"][name]["stops"]]
        rows += [
            {"measure": name, "model": "left - right", "layer": stop["left"], "depth": stop["depth"], **one}
            for stop, one in zip(found["stops"], figures, strict=True)
            if one
        ]
        differ = [depth for depth, one in zip(depths, figures, strict=True) if one and one["p"] < DIFFER]
        if differ:
            place.plot(
                differ,
                [0.03] * len(differ),
                "o",
                color=INK,
                markersize=2.5,
                label=f"differ: p < {DIFFER:g}",
                transform=place.get_xaxis_transform(),
                clip_on=False,
            )
        if areas:
            part = name.partition("_")[0]
            place.axhline(areas[part]["mean"], color=COLOURS["luck"], linestyle="--", linewidth=1, label="its area")
            rows.append({"measure": f"{part} area", **areas[part]})
        place.set_title(MEASURES[name].title, loc="left", fontsize=9)
    for place in axes[-1]:
        place.set_xlabel("depth")
    named = {label: line for place in axes.flat for line, label in zip(*place.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named, loc="outside upper center", ncols=2)
    return figure, rows


def cka(found: dict, titles: dict[str, str]) -> tuple[Figure, Rows]:
    """Linear CKA of all pairs of layers."""
    table = found["cka"]
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
        (stop["left"], stop["right"]): {key: one[key] for key in ("low", "high", "n")}
        for stop, one in zip(found["stops"], table["stops"], strict=True)
        if one
    }
    rows = [
        {"left": left, "right": right, "cka": value, **known.get((left, right), {})}
        for left, values in zip(table["left"], table["values"], strict=True)
        for right, value in zip(table["right"], values, strict=True)
    ]
    return figure, rows


def _thinned(addresses: Sequence[str], most: int = 18) -> tuple[list[int], list[str]]:
    step = -(-len(addresses) // most)
    return list(range(0, len(addresses), step)), [one.rpartition("/")[2] for one in addresses[::step]]


def interval(claim: dict) -> tuple[Figure, Rows]:
    """A judged claim's figure, luck's figures, and the threshold."""
    lines = [("the claim's figure", claim["figure"], INK)]
    lines += [(title, one, COLOURS["luck"]) for title, one in claim["luck"].items()]
    figure, axes = _figure(0.75 + 0.3 * len(lines))
    place = axes[0, 0]
    for row, (_, one, colour) in enumerate(lines):
        place.plot([one["low"], one["high"]], [row, row], color=colour, linewidth=3, solid_capstyle="butt")
        place.plot(one["mean"], row, "o", color=colour, markersize=6)
    place.axvline(claim["threshold"], color=COLOURS["left"], linestyle="--", linewidth=1)
    above = {"transform": place.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 8}
    place.text(claim["threshold"], 1, "threshold", color=COLOURS["left"], **above)
    place.axvline(0, color=COLOURS["luck"], linewidth=0.6)
    place.xaxis.get_major_locator().set_params(nbins=5)
    place.set_yticks(range(len(lines)), [label for label, _, _ in lines])
    place.set_ylim(len(lines) - 0.4, -0.6)
    place.spines["left"].set_visible(False)
    place.tick_params(left=False)
    rows = [{"what": label, **one} for label, one, _ in lines] + [{"what": "threshold", "mean": claim["threshold"]}]
    return figure, rows
