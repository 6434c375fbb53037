"""The Evidence tab's server side: what it tells is what the files say, and nothing is opened that is on no list."""

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from judges import ROOT
from PIL import Image
from studied import CLAIMS, FIGURE, IDENTITIES, LEFT, MISSING, OTHER, RIGHT, TWIN, drawn

from explain import checkpoints, pictures
from explain.cards import Card
from page.evidence import PAGE, PLOTS, Findings, NotThere
from page.evidence.drawing import drawing
from study.experiments import read_experiments
from study.texts.en import TEXTS

pytest_plugins = ["page_fixtures", "evidence_fixtures"]
SVG = "{http://www.w3.org/2000/svg}"


def read_findings(studied, data=None, **changed) -> Findings:
    weights = changed.get("weights", studied.weights)
    cards = {card.model_id: card for card in checkpoints.available(weights).cards}
    experiments = read_experiments(weights / "experiments.json", cards)
    return Findings(weights, changed.get("evidence", studied.evidence), cards, experiments, data)


@pytest.fixture(scope="module")
def findings(studied) -> Findings:
    return read_findings(studied, studied.data)


@pytest.fixture
def copied(studied, tmp_path):
    """A copy of everything, to be spoilt."""
    folders = {name: tmp_path / name for name in studied._fields}
    for name, folder in folders.items():
        shutil.copytree(getattr(studied, name), folder)
    return type(studied)(**folders)


# --- the test split ---------------------------------------------------------------------------------------------------


def listed(findings: Findings, name: str, experiment: str = "pair") -> list[str]:
    rows, first = [], 0
    while True:
        part = findings.listed({"experiment": experiment, "list": name, "from": first})
        rows += part["rows"]
        first += PAGE
        if first >= part["count"]:
            assert len(rows) == part["count"]
            return rows


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("left_wrong", ["cat/3", "dog/4"]),
        ("right_wrong", ["cat/3", "cat/2"]),
        ("disagree", ["dog/4", "cat/2"]),
        ("other_evidence", ["cat/3", "dog/6", "cat/1"]),  # not dog/4, where they disagree, nor cat/7, undefined
    ],
)
def test_lists_hold_the_right_pictures_in_order(findings, name, expected):
    assert [row["identity"] for row in listed(findings, name)] == expected
    counts = {entry["name"]: entry["count"] for entry in findings.pair({"experiment": "pair"})["lists"]}
    assert counts[name] == len(expected)


def test_of_how_many_pictures_maps_were_compared_is_told(findings):
    texts = {entry["name"]: entry["text"] for entry in findings.pair({"experiment": "pair"})["lists"]}
    compared = sum(row["agreement"] != "" for row in listed(findings, "unsure"))
    assert f"among the {compared} of {len(IDENTITIES)} pictures" in texts["other_evidence"]


def test_certainty_orders_all_pictures(findings):
    least = [row["identity"] for row in listed(findings, "unsure")]
    assert least[:4] == ["dog/5", "cat/7", "cat/2", "cat/6"]
    assert sorted(least) == sorted(IDENTITIES)
    assert listed(findings, "sure")[0]["identity"] == "dog/6"


def test_a_row_tells_what_both_models_said(findings):
    row = listed(findings, "disagree")[0]
    assert row == {
        "identity": "dog/4",
        "truth": "Dog",
        "left": {"name": "Cat", "share": "80\N{NO-BREAK SPACE}%", "right": False},
        "right": {"name": "Dog", "share": "70\N{NO-BREAK SPACE}%", "right": True},
        "agreement": "−0.90",
    }
    assert listed(findings, "disagree")[1]["agreement"] == ""  # cat/2: not compared


def test_pictures_of_which_only_one_model_was_tested_are_left_out(copied):
    path = copied.weights / RIGHT / "evaluation" / "predictions.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["digests"][0] = "0" * 64  # cat/1 is another file there
    np.savez(path, **{name: array[:13] for name, array in arrays.items()})  # and dog/7 is missing
    assert sorted(row["identity"] for row in listed(read_findings(copied), "unsure")) == sorted(IDENTITIES[1:13])


@pytest.mark.parametrize("first", [-1, 14, 10**9, True, "0", None, 1.0, [0]])
def test_a_place_that_is_none_is_refused(findings, first):
    with pytest.raises(NotThere):
        findings.listed({"experiment": "pair", "list": "unsure", "from": first})


# --- models and claims ------------------------------------------------------------------------------------------------


def test_models_stand_against_the_original(findings):
    models = {table["title"]: table for table in findings.models()}
    assert list(models)[:3] == ["Judge, mild", "Judge, steep", "Judge, mild, seed 2"]  # as in the experiments
    ours, original = models["Judge, mild"]["rows"]
    assert ours["cells"][:2] == [None, None]
    assert ours["cells"][2] == {
        "accuracy": "98.82\N{NO-BREAK SPACE}%",
        "interval": "98.48 to 99.12",
        "loss": "",
        "of": "",
    }
    assert original["cells"][0] is None
    assert (original["cells"][1]["accuracy"], original["cells"][1]["loss"]) == (
        "94.56\N{NO-BREAK SPACE}%",
        "loss 0.1300",
    )
    assert original["cells"][1]["of"] == "best of 250 epochs"
    assert len(models["Judge, steep"]["rows"]) == 1


def test_the_shipped_originals_are_the_originals():
    shipped = json.loads((ROOT / "weights/originals.json").read_text())
    rows = {
        model_id: [
            figures[split][name] for split in ("train", "validation", "test") for name in ("accuracy", "log_loss")
        ]
        for model_id, figures in shipped.items()
        if model_id.startswith("cats-dogs")
    }
    assert rows == {
        "cats-dogs-effnet-sgd": [0.9456, 0.13, 0.955, 0.1331, 0.9465, 0.1321],
        "cats-dogs-effnet-adam": [0.9562, 0.1095, 0.9725, 0.1012, 0.959, 0.1053],
        "cats-dogs-vgg16-high": [0.95, 0.1458, 0.97, 0.0965, 0.9505, 0.1351],
        "cats-dogs-vgg16-low": [0.25, 0.6933, 0.5, 0.6932, 0.5035, 0.6931],
    }


def test_claims_are_told_with_figure_interval_and_margin(findings):
    first, second = findings.claims()
    assert first["title"] == "Mild or steep?"
    holds, fails, few, nothing, missing = first["claims"]
    assert (holds["verdict"], holds["word"]) == ("holds", "holds")
    assert holds["sentence"] == TEXTS["evidence_claims"]["low-dead"][0]
    assert holds["told"] == [
        "Measured: **0.035**, 95 % interval 0.020 to 0.049, over 40 pictures: of these files.",
        "To hold, all of the interval must lie above its margin, **0.010**.",
        "The figure of the first trainings was known when this rule was written.",
    ]
    assert (fails["verdict"], fails["word"]) == ("fails", "does not hold")
    assert fails["told"][1:] == ["To hold, all of the interval must lie below its margin, **0.010**."]
    assert holds["svg"]
    assert fails["svg"]
    assert (few["verdict"], few["word"], few["svg"]) == ("open", "too few to tell", None)
    assert few["told"][:2] == [
        "**Too few to tell:** 2 and 1 trainings; it takes four of each.",
        "Judge, mild, 2 trainings: 0.310, 0.350.",
    ]
    assert (nothing["verdict"], nothing["word"], nothing["svg"]) == ("open", "nothing to tell", None)
    assert "no picture has it" in nothing["told"][0]
    assert missing["word"] == "cannot be told"
    assert missing["told"] == ["**Not judged:** this figure was not measured of Judge, mild and Judge, steep."]
    assert first["commands"] == [f"python -m study compare {LEFT} {RIGHT} --data-dir DIR --heads-dir DIR"]
    assert second["claims"][0]["told"] == ["**Not judged:** not and here have not been compared yet."]
    assert second["commands"] == ["python -m study compare not here --data-dir DIR --heads-dir DIR"]


def test_a_claim_about_recipes_says_on_how_many_trainings_it_rests(copied):
    claim = CLAIMS[0] | {"unit": "recipe", "counts": {"left": 5, "right": 6}}
    claim["trainings"] = {"between": {"a--b": 0.1, "a--c": 0.3}, "within": {"a--a2": 0.05}}
    (copied.evidence / "claims.json").write_text(json.dumps([claim]))
    told = read_findings(copied).claims()[0]["claims"][0]["told"]
    assert told[0] == "Measured: **0.035**, 95 % interval 0.020 to 0.049, over trainings: 5 and 6 of them."
    assert told[2:4] == [
        "Between trainings of the two, 2 pairs: 0.100 to 0.300.",
        "Within one recipe, 1 pairs: 0.050 to 0.050.",
    ]


def with_left_out(copied, left_out):
    path = copied.evidence / "pairs" / f"{LEFT}--{RIGHT}" / "recipes.json"
    recipes = json.loads(path.read_text()) | {"left": [LEFT] * 4, "right": [RIGHT] * 3, "left_out": left_out}
    path.write_text(json.dumps(recipes))
    claim = CLAIMS[2] | {"left": LEFT, "right": RIGHT}
    (copied.evidence / "claims.json").write_text(json.dumps([claim, CLAIMS[0]]))


def test_trainings_beyond_those_that_are_looked_at_are_named(copied):
    with_left_out(copied, {"left": [TWIN, "gone-seed12"], "right": ["gone-seed13"]})
    findings = read_findings(copied)
    sentence = (
        "Not looked at are trainings beyond the first 4 of a recipe, as all ways of dividing them would be too many to "
        f"try: {TWIN} & <b>, gone-seed12, gone-seed13."
    )
    assert findings.pair({"experiment": "pair"})["measured"].endswith(sentence)
    of_recipes, of_files = findings.claims()[0]["claims"]
    assert sentence in of_recipes["told"]
    assert sentence not in of_files["told"]


@pytest.mark.parametrize("left_out", [{"left": [], "right": []}, None, 7, {"left": 3}, {"left": [7, "../x"]}])
def test_of_none_left_out_nothing_is_said(copied, left_out):
    with_left_out(copied, left_out)
    findings = read_findings(copied)
    assert "Not looked at" not in findings.pair({"experiment": "pair"})["measured"]
    assert "Not looked at" not in " ".join(findings.claims()[0]["claims"][0]["told"])


def test_pairs_of_trainings_that_are_not_compared_are_named_with_their_command(copied):
    claim = CLAIMS[4] | {"unit": "recipe", "measure": "cka", "id": "features-alike"}
    (copied.evidence / "claims.json").write_text(json.dumps([claim]))
    group = read_findings(copied).claims()[0]
    assert "not all pairs of the trainings are compared" in group["claims"][0]["told"][0]
    assert group["commands"] == [f"python -m study compare {LEFT} {TWIN} {RIGHT} --data-dir DIR --heads-dir DIR"]


def retrain(copied, model_id):
    """The card of another training."""
    path = copied.weights / model_id / "model.keras"
    with open(path, "ab") as file:
        file.write(b"more")
    card = json.loads((copied.weights / model_id / "card.json").read_text())
    card["digests"]["model"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return {model_id: Card.from_json(card)}


def test_what_was_measured_on_an_earlier_checkpoint_says_so_and_judges_nothing(copied):
    findings = read_findings(copied)
    assert findings.pair({"experiment": "pair"})["missing"] == []
    assert [claim["verdict"] for claim in findings.claims()[0]["claims"][:2]] == ["holds", "fails"]
    assert listed(findings, "other_evidence")
    findings.cards = findings.cards | retrain(copied, RIGHT)
    answer, claims = findings.pair({"experiment": "pair"}), findings.claims()[0]
    assert answer["missing"] == ["This was measured on an earlier training of Judge, steep: compare the two anew."]
    assert answer["commands"] == [f"python -m study compare {LEFT} {RIGHT} --data-dir DIR --heads-dir DIR"]
    assert claims["commands"] == answer["commands"]
    assert {claim["word"] for claim in claims["claims"]} == {"cannot be told"}
    assert "earlier training of Judge, steep" in claims["claims"][0]["told"][0]
    assert claims["claims"][0]["svg"] is None
    assert listed(findings, "other_evidence") == []


def test_a_claim_rests_on_all_trainings_of_its_recipes(copied):
    findings = read_findings(copied)
    findings.cards = findings.cards | retrain(copied, TWIN)
    claims = findings.claims()[0]["claims"]
    assert "earlier training of Judge, mild, seed 2" in claims[0]["told"][0]
    assert findings.pair({"experiment": "pair"})["missing"] == []  # the pair itself is as it was measured


@pytest.mark.parametrize(
    "spoilt",
    [
        {"id": "../x"},
        {"id": "unknown"},
        {"left": "../.."},
        {"verdict": "perhaps"},
        {"unit": None},
        {"trainings": []},
        {"trainings": {"left": {"a": "1"}}},
        {"counts": {"left": 1}},
        {"figure": None},
        {"figure": {"mean": "1"}},
        {"figure": FIGURE | {"low": float("nan")}},
        {"figure": {key: value for key, value in FIGURE.items() if key != "n"}},
        {"margin": "0.1"},
        {"same": 1},
    ],
)
def test_a_claim_that_is_not_whole_is_passed_over(copied, spoilt):
    (copied.evidence / "claims.json").write_text(json.dumps([CLAIMS[0] | spoilt, CLAIMS[1], 7]))
    assert [claim["id"] for claim in read_findings(copied).claims()[0]["claims"]] == ["high-alive"]


# --- plots ------------------------------------------------------------------------------------------------------------


def test_a_pair_shows_its_plots_and_what_is_missing(findings):
    answer = findings.pair({"experiment": "pair"})
    assert [plot["name"] for plot in answer["plots"]] == list(PLOTS)
    assert (answer["missing"], answer["commands"]) == ([], [])
    assert "1,000 test pictures" in answer["measured"]
    assert "cannot be told from 2 and 1 trainings: **too few to tell**" in answer["measured"]
    answer = findings.pair({"experiment": "luck"})
    assert "two trainings of one recipe" in answer["measured"]
    assert [plot["name"] for plot in answer["plots"]] == [name for name in PLOTS if name != "heads"]
    assert answer["missing"] == ["Not there: Heads and animals."]
    answer = findings.pair({"experiment": "bare"})
    assert (answer["plots"], answer["lists"], answer["measured"]) == ([], [], "")
    assert answer["commands"] == [f"python -m study compare {RIGHT} judge-biased --data-dir DIR --heads-dir DIR"]
    assert "predictions" in answer["no_lists"]


def test_plots_keep_their_words_and_shapes(findings, studied):
    for plot in findings.pair({"experiment": "pair"})["plots"]:
        source = xml.parse(studied.evidence / "pairs" / f"{LEFT}--{RIGHT}" / f"{plot['name']}.svg").getroot()
        shown = xml.fromstring(plot["svg"])
        for tag in ("text", "path", "use", "image"):
            assert len(list(shown.iter(SVG + tag))) == len(list(source.iter(SVG + tag)))
        words = [["".join(label.itertext()).strip() for label in root.iter(SVG + "text")] for root in (source, shown)]
        assert words[0] == words[1]
        assert plot["title"] in shown.get("aria-label")
        assert (shown.get("role"), shown.get("width"), shown.get("viewBox")) == ("img", None, source.get("viewBox"))
        assert "<style" not in plot["svg"]


def test_ids_are_unique_in_the_page_and_references_find_them(findings):
    plots = [plot["svg"] for plot in findings.pair({"experiment": "pair"})["plots"]]
    plots += [claim["svg"] for group in findings.claims() for claim in group["claims"] if claim["svg"]]
    assert len(plots) == len(PLOTS) + 2
    ids = [reference for svg in plots for reference in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == len(set(ids)) > 20
    for svg in plots:
        inside = set(re.findall(r' id="([^"]+)"', svg))
        assert {*re.findall(r'href="#([^"]+)"', svg), *re.findall(r"url\(#([^)]+)\)", svg)} <= inside


EVIL = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"
 onload="alert(1)" width="9" style="position:fixed">
 <script>alert(1)</script><style>@import url(//evil.example/x.css); * {fill: red}</style>
 <foreignObject><div xmlns="http://www.w3.org/1999/xhtml">x</div></foreignObject>
 <a href="https://evil.example"><text x="1" onclick="alert(1)">lost</text></a>
 <animate attributeName="href" to="javascript:alert(1)"/><set attributeName="x"/>
 <use href="https://evil.example/x.svg#a"/><use xlink:href="#here" x="1"/><use href="#a b"/>
 <image href="https://evil.example/x.png"/><image xlink:href="data:image/svg+xml;base64,PHN2Zy8+"/>
 <image href="data:image/png;base64,iVBORw0K
 Ggo=" x="2"/>
 <path id="here" d="M0 0L1 1" fill="url(https://evil.example)" clip-path="url(#here)" onmouseover="alert(1)"
  style="fill: url(//evil.example); stroke: #d0453e; background: url(x); font: 9px x; opacity: 0.5;
  stroke-width: calc(1px)"/>
 <text x="1">kept &lt;b&gt; <tspan dx="1">too</tspan> tail</text>
</svg>"""


def test_nothing_of_a_plot_acts_or_looks_outside():
    text = drawing(EVIL, "p-", "What it <shows>")
    root = xml.fromstring(text)
    assert "evil" not in text
    assert "alert" not in text
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "use",
        "image",
        "path",
        "text",
        "tspan",
    }
    assert set(root.attrib) == {"viewBox", "role", "aria-label"}
    assert [element.attrib for element in root.iter(SVG + "use")] == [{}, {"href": "#p-here", "x": "1"}, {}]
    png = {"href": "data:image/png;base64,iVBORw0KGgo=", "x": "2"}
    assert [element.attrib for element in root.iter(SVG + "image")] == [{}, {}, png]
    assert root.find(SVG + "path").attrib == {
        "id": "p-here",
        "d": "M0 0L1 1",
        "clip-path": "url(#p-here)",
        "style": "stroke:var(--tm-plot-left);opacity:0.5",
    }
    assert "".join(root.find(SVG + "text").itertext()) == "kept <b> too tail"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<svg/>",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "<html viewBox='0 0 1 1'/>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'>&a;</svg>",
    ],
)
def test_what_is_no_plot_is_none(text):
    assert drawing(text, "p-", "x") is None


# --- tables and what is on no list ------------------------------------------------------------------------------------


def test_tables_are_the_files(findings, studied):
    answer = findings.table({"experiment": "pair", "plot": "cka"})
    assert answer["name"] == f"{LEFT}--{RIGHT}-cka.csv"
    assert answer["csv"] == (studied.evidence / "pairs" / f"{LEFT}--{RIGHT}" / "cka.csv").read_text()
    answer = findings.table({"claim": "high-alive"})
    assert answer["csv"].splitlines()[2].startswith("margin,0.01")
    with pytest.raises(NotThere, match="not there"):
        findings.table({"claim": "sgd-hard"})


STRANGE = [
    ("table", {"experiment": "pair", "plot": "../claims/low-dead"}),
    ("table", {"experiment": "pair", "plot": "comparison.json"}),
    ("table", {"experiment": f"{LEFT}--{RIGHT}", "plot": "cka"}),
    ("table", {"experiment": ["pair"], "plot": "cka"}),
    ("table", {"claim": "../../weights/experiments"}),
    ("table", {"claim": {"id": "low-dead"}}),
    ("pair", {"experiment": "../.."}),
    ("pair", {}),
    ("listed", {"experiment": "pair", "list": "__class__"}),
    ("listed", {"experiment": "bare", "list": "unsure"}),
    ("thumbnails", {"identities": ["cat/8"]}),
    ("thumbnails", {"identities": ["cat/1/../2"]}),
    ("thumbnails", {"identities": ["cat/1", "../../../etc/passwd"]}),
    ("thumbnails", {"identities": [["cat/1"]]}),
    ("thumbnails", {"identities": [{}, None, 1]}),
    ("thumbnails", {"identities": ["cat/1"] * (PAGE + 1)}),
    ("thumbnails", {"identities": "cat/1"}),
]


@pytest.mark.parametrize(("name", "asked"), STRANGE)
def test_what_is_on_no_list_is_refused(findings, name, asked):
    assert findings.answer(name, asked) == {
        "kind": "error",
        "code": "evidence_unknown",
        "sentence": "There is nothing of that name here.",
    }


@pytest.mark.parametrize("asked", [None, 1, "pair", [], [1, 2], {"from": {}}])
@pytest.mark.parametrize("name", ["pair", "table", "listed", "thumbnails"])
def test_anything_at_all_may_come_in(findings, name, asked):
    assert findings.answer(name, asked)["kind"] == "error"


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_is_the_one_the_models_were_tested_on(findings):
    assert np.array_equal(findings.picture("cat/2").pixels, pictures.read(drawn("cat/2")).pixels)
    for identity, code in ((OTHER, "evidence_other_edition"), (MISSING, "evidence_no_file")):
        with pytest.raises(NotThere) as error:
            findings.picture(identity)
        assert error.value.code == code


def test_without_a_data_folder_there_is_no_picture(studied):
    findings = read_findings(studied)
    with pytest.raises(NotThere) as error:
        findings.picture("cat/2")
    assert error.value.code == "evidence_no_data"
    answer = findings.thumbnails({"identities": ["cat/2"]})["thumbnails"]
    assert answer == {"cat/2": {"sentence": "This server has no data set to show pictures from."}}
    assert not findings.pair({"experiment": "pair"})["pictures"]["shown"]


@pytest.mark.parametrize("below", ["", "inner"])
@pytest.mark.parametrize("layout", ["PetImages/Cat/2.jpg", "train/cat.2.jpg"])
def test_both_layouts_are_found_at_the_top_and_one_below(studied, tmp_path, below, layout):
    path = tmp_path / below / layout
    path.parent.mkdir(parents=True)
    path.write_bytes(drawn("cat/2"))
    findings = read_findings(studied, tmp_path)
    assert findings.picture("cat/2").pixels.shape == (60, 80, 3)
    assert findings.pair({"experiment": "pair"})["pictures"] == {"shown": True, "text": ""}


def test_a_folder_of_something_else_says_so(studied, tmp_path):
    (tmp_path / "deep/deeper/PetImages/Cat").mkdir(parents=True)
    told = read_findings(studied, tmp_path).pair({"experiment": "pair"})["pictures"]
    assert told == {"shown": False, "text": "The data folder of this server holds none of these pictures."}
    assert read_findings(studied, tmp_path / "none").data is None


def test_thumbnails_are_small_and_say_what_they_lack(findings):
    answer = findings.thumbnails({"identities": ["dog/1", OTHER, MISSING]})["thumbnails"]
    kind, _, data = answer["dog/1"]["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (80, 60)
        assert image.getpixel((10, 10))[2] > 200
    assert answer[OTHER] == {"sentence": "Another edition: not the file the models were tested on."}
    assert answer[MISSING] == {"sentence": "Not in the data folder."}


def test_a_file_that_is_no_picture_says_so(copied):
    path = copied.weights / LEFT / "evaluation" / "predictions.npz"
    with np.load(path) as file:
        arrays = dict(file)
    (copied.data / "PetImages/Cat/1.jpg").write_bytes(b"text")
    arrays["digests"][0] = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"  # sha256 of it
    np.savez(path, **arrays)
    answer = read_findings(copied, copied.data).thumbnails({"identities": ["cat/1"]})
    assert answer["thumbnails"]["cat/1"] == {"sentence": "This file cannot be read."}


# --- files that change, are broken or missing -------------------------------------------------------------------------


def test_what_changes_is_seen(copied):
    findings = read_findings(copied)
    assert findings.claims()[0]["claims"][0]["verdict"] == "holds"
    (copied.evidence / "claims.json").write_text(json.dumps([CLAIMS[1]]))
    assert [claim["id"] for claim in findings.claims()[0]["claims"]] == ["high-alive"]
    (copied.evidence / "pairs" / f"{LEFT}--{RIGHT}" / "cka.svg").unlink()
    assert "cka" not in [plot["name"] for plot in findings.pair({"experiment": "pair"})["plots"]]


@pytest.mark.parametrize("content", [b"", b"nothing", b"[1]", b"\xff\xfe{"])
def test_broken_files_are_as_none(copied, content):
    pair = copied.evidence / "pairs" / f"{LEFT}--{RIGHT}"
    for path in (
        copied.evidence / "claims.json",
        copied.weights / "originals.json",
        pair / "comparison.json",
        pair / "recipes.json",
        pair / "pictures.npz",
        copied.evidence / "models" / LEFT / "measures.json",
        pair / "roc.svg",
        copied.weights / RIGHT / "evaluation" / "predictions.npz",
    ):
        path.write_bytes(content)
    findings = read_findings(copied)
    assert findings.judged({}) == {"claims": []}
    assert {len(table["rows"]) for table in findings.models()} == {1}
    answer = findings.pair({"experiment": "pair"})
    assert answer["missing"] == ["Not there: ROC."]
    assert answer["lists"] == []
    assert findings.pair({"experiment": "luck"})["lists"][0]["count"] == 2


def test_predictions_of_other_classes_are_none(copied):
    path = copied.weights / RIGHT / "evaluation" / "predictions.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["labels"][0] = 2
    np.savez(path, **arrays)
    assert read_findings(copied).pair({"experiment": "pair"})["lists"] == []


def test_answers_are_json_and_need_no_heavy_library(studied):
    script = """
import json, sys
from pathlib import Path
from page.service import Service
weights, evidence, data = map(Path, sys.argv[1:])
found = Service(weights, evidence, data=data).findings
pair = {"experiment": "pair"}
for asked in ("overview", {}), ("judged", {}), ("pair", pair), ("thumbnails", {"identities": ["cat/1"]}):
    answer = found.answer(*asked)
    assert answer.get("kind") != "error", answer
    json.dumps(answer, allow_nan=False)
json.dumps(found.answer("listed", {"experiment": "pair", "list": "other_evidence"}), allow_nan=False)
heavy = {"tensorflow", "keras", "matplotlib", "sklearn", "scipy", "training.data", "training.run"} & set(sys.modules)
sys.exit(", ".join(heavy) or 0)
"""
    surroundings = {key: value for key, value in os.environ.items() if key != "TWO_MINDS_DATA"}
    command = [sys.executable, "-c", script, *map(str, studied)]
    assert subprocess.run(command, cwd=ROOT, env=surroundings, timeout=400).returncode == 0
