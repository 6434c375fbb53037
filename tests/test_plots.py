"""The Evidence tab's plots: what is drawn and written down are the comparison's and the cards' own numbers."""

import csv
import json
import warnings
import xml.etree.ElementTree as xml

import numpy as np
import pytest

from study import claims, plots
from study.claims import CLAIMS
from study.compare import MEASURES

LEFT, RIGHT = "cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"


def figure(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "n": 9}


def comparison(left, right, rank):
    stops = [{"depth": depth, "left": f"block{depth:g}", "right": f"block{depth:g}"} for depth in (0.0, 0.5, 1.0)]
    row = {"left": figure(0.3), "right": figure(0.2), "difference": figure(0.1) | {"p": 0.0002}}
    luck = row | {"difference": figure(0.0) | {"p": 0.4}}
    undefined = {"left": None, "right": figure(0.2), "difference": None}
    return {
        "left": {"id": left, "title": f"{left} & <b>"},
        "right": {"id": right, "title": f"{right} & <b>"},
        "stops": stops,
        "agreement": {
            "gradcam": {
                "stops": [
                    {"depth": stop["depth"], "rank": p, "overlap": p}
                    | {f"{name}_mean": figure(0.5) for name in ("rank", "overlap")}
                    for stop, p in zip(stops, ([rank - 0.1, rank, rank + 0.1], None, [0.7, 0.8, 0.9]), strict=True)
                ]
            }
        },
        "measures": {
            name: {"stops": [luck if name == "dead" else row, undefined, luck if name == "dead" else row], "all": row}
            for name in MEASURES
        },
        "areas": {"head": figure(0.21), "animal": figure(0.41)},
        "cka": {
            "left": [stop["left"] for stop in stops],
            "right": [stop["right"] for stop in stops],
            "values": [[1, 0.5, 0.2], [0.4, 0.9, 0.3], [0.1, 0.6, 0.8]],
            "stops": [figure(0.9)] * 3,
            "all": figure(0.9),
        },
    }


def table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A pair, both pairs of seeds, and everything drawn."""
    folder = tmp_path_factory.mktemp("drawn")
    evidence, weights = folder / "evidence", folder / "weights"
    pairs = [(LEFT, RIGHT), *((id, f"{id}-seed2") for id in (LEFT, RIGHT))]
    for rank, pair in enumerate(pairs):
        target = evidence / "--".join(pair)
        target.mkdir(parents=True)
        (target / "comparison.json").write_text(json.dumps(comparison(*pair, 0.1 * rank)))
    for place, id in enumerate({id for pair in pairs for id in pair}):
        names = ("accuracy", "log_loss", "val_accuracy", "val_log_loss")
        table(
            weights / id / "history.csv",
            [{"epoch": e, **dict.fromkeys(names, 0.9 + e / 100 + place / 1000)} for e in (1, 2)],
        )
        inside = weights / id / "evaluation"
        table(inside / "confusion.csv", [{"true": "Cat", "Cat": 1234, "Dog": 5}, {"true": "Dog", "Cat": 7, "Dog": 890}])
        points = [(0, 0), (0.02, 0.97), (1, 1)]
        table(inside / "roc.csv", [{"class": "Dog", "false_positive": f, "true_positive": t} for f, t in points])
        table(inside / "reliability.csv", [{"confidence": c, "accuracy": c - 0.05, "n": 30} for c in (0.6, 0.9)])
    seeds = [{"left": left, "right": right, "seeds": True} for left, right in pairs[1:]]
    weights.joinpath("experiments.json").write_text(json.dumps([{"left": LEFT, "right": RIGHT}, *seeds]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as of a layout that collapsed
        judged = plots.draw_all(evidence, weights)
    return evidence, judged


def test_every_plot_is_an_svg_for_any_ground_with_its_numbers_beside_it(drawn):
    evidence, _ = drawn
    folder = evidence / f"{LEFT}--{RIGHT}"
    names = {path.stem for path in folder.glob("*.svg")}
    assert names == {"curves", "confusion", "roc", "reliability", "agreement", "features", "focus", "heads", "cka"}
    for path in [*folder.glob("*.svg"), *(evidence / "claims").glob("*.svg")]:
        text = path.read_text()
        root = xml.fromstring(text)
        assert root.get("viewBox")
        assert root.get("width") is None
        assert "currentColor" in text
        assert plots.INK not in text
        assert read(path.with_suffix(".csv"))


def test_the_words_of_a_plot_are_words(drawn):
    evidence, _ = drawn
    root = xml.parse(evidence / f"{LEFT}--{RIGHT}" / "confusion.svg")
    words = {"".join(one.itertext()).strip() for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"1,234", "5", "7", "890", f"{LEFT} & <b>", f"{RIGHT} & <b>"} <= words


def test_seeds_stand_behind_the_pair_they_measure_and_not_behind_themselves(drawn):
    evidence, _ = drawn
    pairs = {row["pair"] for row in read(evidence / f"{LEFT}--{RIGHT}" / "agreement.csv")}
    assert len(pairs) == 3
    rows = read(evidence / f"{LEFT}--{LEFT}-seed2" / "agreement.csv")
    assert [(float(row["depth"]), float(row["rank_p50"])) for row in rows] == [(0, 0.1), (1, 0.8)]  # undefined: no row


def test_tables_hold_the_figures(drawn):
    evidence, _ = drawn
    folder = evidence / f"{LEFT}--{RIGHT}"
    rows = read(folder / "heads.csv")
    left = [row for row in rows if row["measure"] == "head_share" and row["model"].startswith(f"{LEFT} ")]
    assert [(row["depth"], row["mean"], row["low"], row["high"]) for row in left] == [
        (depth, "0.3", "0.29", "0.31") for depth in ("0.0", "1.0")
    ]
    differ = [row for row in rows if row["measure"] == "head_share" and row["model"] == "left - right"]
    assert [(row["depth"], row["mean"], row["p"]) for row in differ] == [(d, "0.1", "0.0002") for d in ("0.0", "1.0")]
    assert [row["mean"] for row in rows if row["measure"] == "animal area"] == ["0.41"]
    ends = [(row["low"], row["high"]) for row in read(folder / "cka.csv")]
    assert ends == [("0.89", "0.91") if k % 4 == 0 else ("", "") for k in range(9)]  # the diagonal: one depth
    values = [float(row["cka"]) for row in read(folder / "cka.csv")]
    assert values == list(np.ravel(comparison(LEFT, RIGHT, 0)["cka"]["values"]))


def test_claims_are_judged_and_drawn_where_there_is_a_figure(drawn):
    evidence, judged = drawn
    mine = [claim.id for claim in CLAIMS if claim.left == LEFT]
    assert {path.stem for path in (evidence / "claims").glob("*.svg")} == set(mine)
    assert json.loads((evidence / "claims.json").read_text()) == judged
    one = next(claim for claim in judged if claim["id"] == "adam-distinct")
    # 0.09 to 0.11 for the claim, and for both pairs of seeds
    assert (one["figure"]["low"], one["threshold"]) == pytest.approx((0.09, 0.11))
    assert one["verdict"] == claims.OPEN
    rows = read(evidence / "claims" / "adam-distinct.csv")
    assert [row["what"] for row in rows] == ["the claim's figure", *one["luck"], "threshold"]
    assert len(one["luck"]) == 2
