"""The view's pure functions, run by node: enlarged maps, the curve's geometry, zoom, what an answer means."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explain import view
from explain.pictures import resize
from explain.rules import RULES
from training.data.cifar100 import CLASSES, GROUP_OF, NAMES

ROOT = Path(__file__).parent.parent
FUNCTION = r"^(?:async )?function {name}\(.*?^}}$|^const {name} = [^\n]*;$"


def source(file: str, name: str) -> str:
    """A top-level function of a script as it stands there."""
    function = re.search(FUNCTION.format(name=name), (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)
    assert function, f"{file} has no {name}"
    return function[0]


@pytest.fixture(scope="module")
def run():
    """run(functions, expression): the value of an expression over functions, each FILE:NAME, by node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")

    def run(functions: list[str], expression: str):
        code = "\n".join(source(*name.split(":")) for name in functions)
        script = f"'use strict';\n{code}\nprocess.stdout.write(JSON.stringify({expression}));"
        result = subprocess.run([node, "-"], input=script, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


COMMON, MAPS, CURVE, ZOOM = (f"explain/view/{name}.js" for name in ("common", "maps", "curve", "zoom"))
CLAMP = f"{COMMON}:clamp"


@pytest.mark.parametrize(("size", "larger"), [((3, 5), (7, 11)), ((1, 1), (4, 2)), ((2, 1), (5, 3)), ((6, 6), (6, 6))])
def test_an_enlarged_map_is_bilinear_as_the_servers(run, size, larger):
    values = np.random.default_rng(0).integers(0, 256, size)
    call = f"[...enlarge({json.dumps({'size': size, 'data': values.ravel().tolist()})}, {larger[0]}, {larger[1]})]"
    enlarged = np.array(run([CLAMP, f"{MAPS}:enlarge"], call)).reshape(larger)
    np.testing.assert_allclose(enlarged, resize(values.astype(np.float32), larger), atol=1e-3)


def test_the_value_under_the_hairlines_is_the_one_that_is_drawn(run):
    values = np.random.default_rng(1).integers(0, 256, (4, 6))
    at = {"size": values.shape, "data": values.ravel().tolist()}
    drawn = resize(values.astype(np.float32), (8, 12))
    for row, column in ((0, 0), (3, 5), (7, 11), (4, 1)):
        place = {"x": (column + 0.5) / 12, "y": (row + 0.5) / 8}
        value = run([CLAMP, f"{ZOOM}:valueAt"], f"valueAt({json.dumps(at)}, {json.dumps(place)})")
        assert value == pytest.approx(drawn[row, column], abs=1e-3)


STOPS = [{"values": [0.5, 0.2, 0.5, 0.8]}, {"values": []}, {"values": [-0.4]}]


def test_the_curve_lies_inside_its_canvas_stop_by_stop_and_downwards_by_agreement(run):
    points = "at => ({...at, x: [0, 1, 2].map(at.x), y: [1, 0, -0.4].map(at.y)})"
    at = run([f"{CURVE}:curveGeometry"], f"({points})(curveGeometry({json.dumps(STOPS)}, 400, 76))")
    assert at["low"] == -0.4  # the least that is drawn, in fifths
    assert at["left"] < at["x"][0] < at["x"][1] < at["x"][2] < at["right"]
    assert at["x"][1] - at["x"][0] == pytest.approx(at["x"][2] - at["x"][1])  # one column a stop
    assert 0 < at["y"][0] < at["y"][1] < at["y"][2] == pytest.approx(at["bottom"])


def test_without_any_agreement_the_curve_has_a_scale_all_the_same(run):
    stops = [{"values": []}]
    assert run([f"{CURVE}:curveGeometry"], f"curveGeometry({json.dumps(stops)}, 400, 76).low") == 0


def test_a_curve_that_is_high_throughout_is_not_flattened(run):
    """Of channels, which hardly differ in the first layers."""
    options = json.dumps({"least": 0.8, "left": 90, "below": 40})
    call = f"curveGeometry({json.dumps([{'values': [0.99]}, {'values': [0.72]}])}, 400, 160, {options})"
    at = run([f"{CURVE}:curveGeometry"], f"(({{ low, left, bottom, y }}) => [low, left, bottom, y(1)])({call})")
    assert at == [0.6, 90, 120, 9]


def test_the_nearest_stop_is_the_nearest_in_pixels(run):
    functions = [f"{CURVE}:curveGeometry", f"{CURVE}:nearestStop"]
    places = [
        run(functions, f"nearestStop({json.dumps(STOPS)}, {x}, 400, 76)") for x in (-50, 42, 150, 200, 260, 390, 999)
    ]
    assert places == [0, 0, 0, 1, 1, 2, 2]


def test_zoom_keeps_its_centre_and_lets_no_edge_in(run):
    functions = [CLAMP, f"{ZOOM}:zoomed"]
    most = "const MOST_ZOOM = 12;\n"
    assert most.strip() in (ROOT / ZOOM).read_text()

    def zoomed(zoom, scale, centre=(0.25, 0.5), shift=(0, 0)):
        centre, shift = (dict(zip("xy", pair, strict=True)) for pair in (centre, shift))
        arguments = ", ".join(map(json.dumps, (zoom, scale, centre, shift)))
        return run(
            functions, f"((MOST_ZOOM) => {{ globalThis.MOST_ZOOM = MOST_ZOOM; return zoomed({arguments}); }})(12)"
        )

    whole = {"scale": 1, "x": 0, "y": 0}
    nearer = zoomed(whole, 4)
    assert nearer == {"scale": 4, "x": -0.75, "y": -1.5}
    assert nearer["x"] + 0.25 * 4 == 0.25  # the centre lies where it lay
    assert zoomed(nearer, 1) == whole
    assert zoomed(nearer, 1.01) == whole
    assert zoomed(nearer, 99)["scale"] == 12
    assert zoomed(nearer, 4, shift=(9, -9)) == {"scale": 4, "x": 0, "y": -3}


def test_a_narrow_picture_lies_in_the_middle_until_it_fills_its_stage(run):
    """300 x 3000 pixels take a tenth of a square stage's width."""

    def zoomed(zoom: dict, scale: float) -> dict:
        arguments = ", ".join(
            map(json.dumps, (zoom, scale, {"x": 0.5, "y": 0.5}, {"x": 0, "y": 0}, {"x": 0.1, "y": 1}))
        )
        body = f"(() => {{ globalThis.MOST_ZOOM = 12; return zoomed({arguments}); }})()"
        return run([CLAMP, f"{ZOOM}:zoomed"], body)

    whole = {"scale": 1, "x": 0, "y": 0}
    nearer = zoomed(whole, 4)
    assert nearer == {"scale": 4, "x": -1.5, "y": -1.5}  # as far over the plane's left edge as over its right one
    full = zoomed(nearer, 20)
    assert full["scale"] == 20
    assert -15.5 <= full["x"] <= -4.5  # the stage, ten planes wide, is covered


def test_stops_of_one_size_stand_together(run):
    assert run([f"{CURVE}:runs"], "runs(['a', 'a', 'b', 'a'])") == [[0, 1, "a"], [2, 2, "b"], [3, 3, "a"]]
    assert run([f"{CURVE}:runs"], "runs([])") == []


def test_correlations_are_counted_from_a_round_number_up_to_one(run):
    low, counts = run(["explain/view/features.js:binned"], "binned([0.62, 0.99, 1, 0.8], 4)")
    assert (low, counts) == (0.6, [1, 0, 1, 2])
    assert run(["explain/view/features.js:binned"], "binned([1], 2)") == [0.9, [0, 1]]


def test_labels_keep_their_order_and_do_not_touch(run):
    def heights(at: list[float]) -> list[float]:
        return run([f"{CURVE}:spreadOut"], f"spreadOut({at}, 12, 9, 70)")

    assert heights([20, 50]) == [20, 50]
    assert heights([30, 30, 31]) == [30, 42, 54]
    assert heights([69, 68, 70]) == [58, 46, 70]
    assert heights([0, 0]) == [9, 21]


CHOICE = "page/view/classes.js"


def test_three_letters_find_each_of_a_hundred_classes(run):
    names = ["", *CLASSES]  # what is no class is found by nothing
    typed = [name[:3] for name in names]
    found = run([f"{CHOICE}:matching"], f"{json.dumps(typed)}.map((text) => matching({json.dumps(names)}, text))")
    for name, places in list(zip(names, found, strict=True))[1:]:
        assert names.index(name) in places
        assert 0 not in places
        assert names[places[0]][:3] == name[:3]  # what begins so goes before what holds it
    alone = [name for name, places in zip(names, found, strict=True) if places and names[places[0]] == name]
    assert {"raccoon", "lion", "tank", "apple"} <= set(alone)


def test_the_whole_name_goes_first_and_words_before_what_holds_it(run):
    names = ["pineapple", "custard apple", "apple pie", "apple"]
    assert run([f"{CHOICE}:matching"], f"matching({json.dumps(names)}, ' Apple ')") == [3, 2, 1, 0]
    assert run([f"{CHOICE}:matching"], f"matching({json.dumps(names)}, '')") == [0, 1, 2, 3]
    assert run([f"{CHOICE}:matching"], f"matching({json.dumps(names)}, 'zz')") == []


def test_classes_stand_in_their_groups(run):
    call = f"grouped({json.dumps(CLASSES)}, {json.dumps([GROUP_OF[name] for name in NAMES])})"
    table = run([f"{CHOICE}:grouped"], call)
    assert [title for title, _ in table] == sorted(set(GROUP_OF.values()))
    assert dict(table)["medium mammals"] == ["fox", "porcupine", "possum", "raccoon", "skunk"]
    assert run([f"{CHOICE}:grouped"], "grouped(['b', 'a'], [])") == [["", ["b", "a"]]]


@pytest.mark.parametrize(
    ("answer", "running", "wished", "means"),
    [
        ({"ask": 3, "kind": "result"}, None, None, "stale"),
        ({"ask": 2, "kind": "result"}, {"serial": 3, "wish": {}}, None, "stale"),
        ({"ask": 3, "kind": "result"}, {"serial": 3, "wish": {}}, None, "show"),
        ({"ask": 3, "kind": "error"}, {"serial": 3, "wish": {}}, None, "fail"),
        ({"ask": 3, "kind": "result"}, {"serial": 3, "wish": {}}, {"rule": "x"}, "next"),
        ({"ask": 3, "kind": "error"}, {"serial": 3, "wish": {}}, {"rule": "x"}, "next"),
        ({"ask": 3, "kind": "error", "code": "gone"}, {"serial": 3, "wish": {"file": {}}}, None, "again"),
        ({"ask": 3, "kind": "error", "code": "gone"}, {"serial": 3, "wish": {"file": {}, "again": True}}, None, "fail"),
        ({"ask": 3, "kind": "error", "code": "gone"}, {"serial": 3, "wish": {"example": "cow"}}, None, "fail"),
    ],
)
def test_what_an_answer_means(run, answer, running, wished, means):
    arguments = ", ".join(map(json.dumps, (answer, running, wished)))
    assert run(["page/view/ask.js:meaning"], f"meaning({arguments})") == means


@pytest.mark.parametrize(
    ("apart", "told"), [(False, "They disagree: cat, dog."), (True, "They disagree: cat, dog. Each.")]
)
def test_what_is_read_out(run, apart, told):
    words = [{"text": text} for text in ("They disagree: **cat**, dog.", "Each.", "Here.")]
    functions = ["explain/view/show.js:spoken"]
    assert run(functions, f"spoken({json.dumps(words)}, {json.dumps(apart)})") == told
    assert run(functions, f"spoken([], {json.dumps(apart)})") == ""


# --- the scripts ------------------------------------------------------------------------------------------------------


def test_the_scripts_are_one_function_body(run):
    from page.layout import EVIDENCE, LANGUAGE, SCRIPTS, SURVEY, VIEW

    for files in (view.SCRIPTS, SCRIPTS, EVIDENCE, SURVEY, (LANGUAGE, VIEW / "head.js")):
        body = json.dumps(view.joined(files))
        arguments = "'element', 'trigger', 'props', 'server', 'upload', 'watch'"
        assert run([], f"new Function({arguments}, {body}).length") == 6  # each top-level name stands once


def test_the_view_asks_no_server_and_knows_no_page():
    """What draws a message also works in a file without any server."""
    for path in (ROOT / "explain/view").rglob("*"):
        text = path.read_text() if path.suffix in (".py", ".js", ".html", ".css") else ""
        assert not re.search(r"\bserver\b\.|\btrigger\(|\bupload\(|\bwatch\(|gradio(?!-)\b.*import|from page", text), (
            path
        )
    code = "import sys, explain.view; sys.exit(bool({'gradio', 'page', 'tensorflow', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


WHOLE = """
import json, sys
import numpy as np
from judges import SIZE, colour_judge
from explain import compare, explain
from explain.cards import Card, Digests
from explain.rules import RULES
from explain.pictures import Picture
from explain.view import SCRIPTS, STYLE, catalog, joined, message, template
from explain.view.texts import texts

picture = Picture(np.full((60, 80, 3), 90, np.uint8))
same = {"description": "", "classes": ("Cat", "Dog"), "input_size": (SIZE, SIZE)}
cards = [Card(model_id=name, title=name, digests=Digests(model=name), **same) for name in "ab"]
options = {"rules": "hirescam", "features": 2, "classes": same["classes"]}
sides = [explain(colour_judge(seed, 4.0), picture, **options) for seed in (1, 2)]
explained = [message.Explained(*side) for side in zip(cards, sides)]
answer = message.message(picture, explained, compare(*sides, rule="hirescam"))
props = json.dumps({"catalog": catalog(texts()), "message": answer})
html = f'<style>{STYLE.read_text()}</style><div class="tm">{template()}</div>'
print(f"{html}<script>{joined(SCRIPTS)}; {props}</script>")
assert not {name.split(".")[0] for name in sys.modules} & {"page", "study", "training", "gradio"}
"""


def test_a_comparison_s_html_is_whole_without_a_page():
    """All that the scripts take from the catalog is there, the titles of the rules among it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WHOLE]
    done = subprocess.run(command, cwd=ROOT / "tests", env=environment, capture_output=True, timeout=120)
    html = done.stdout.decode()
    assert html, done.stderr.decode()[-2000:]
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    props = json.loads(re.search(r"; (\{.*\})</script>", html)[1])
    used = set(re.findall(r"\bcatalog\.(\w+)", html.partition("<script>")[2].rpartition("; {")[0]))
    assert {"rules", "labels", "name"} <= used <= props["catalog"].keys()
    titles = {rule["name"]: rule["title"] for rule in props["catalog"]["rules"]}
    assert titles == {name: rule.title for name, rule in RULES.items()}
    assert titles[props["message"]["rule"]] == "HiResCAM"


def test_each_part_that_a_script_names_is_in_a_template():
    from page.layout import ASKING, VIEW, template

    def parts(html: str) -> set[str]:
        whole = set(re.findall(r'data-ref="([\w-]+)"', html))
        inside = re.findall(r'data-ref="([\w-]+)"', "".join(re.findall(r"<template.*?</template>", html, re.DOTALL)))
        return whole | {f"{name}-{side}" for name in inside for side in (0, 1)}

    def named(script: str) -> set[str]:
        return set(re.findall(r"\bref\.(\w+)|\bref\['([\w-]+)'\]", script))

    common = (view.HERE / "common.js").read_text()
    for script, html in (
        (view.joined(view.SCRIPTS), view.template()),
        (view.joined(VIEW / f"{name}.js" for name in ASKING), template()),
        ((VIEW / "evidence.js").read_text(), (VIEW / "evidence.html").read_text()),
    ):
        used = {plain or quoted for plain, quoted in named(script.replace(common, ""))}
        assert used <= parts(html), used - parts(html)
