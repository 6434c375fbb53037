"""Docs: the page of rules is up to date, messages are the code's, the notebook runs; a new rule is everywhere."""

import ast
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from docs import make
from explain import RULES
from explain.__main__ import main, parser
from explain.rules import paired_rules, register
from explain.view import catalog
from explain.view.texts import texts

ROOT = Path(__file__).parents[1]


def test_the_page_of_rules_is_up_to_date():
    assert make.stale() == [], "python -m docs.make"


def test_peers_rules_are_ours():
    assert {name for known in make.PEERS.values() for name in known.split()} - {"legrad"} <= RULES.keys()
    assert {len(values) for values in make.TRAITS.values()} == {len(make.PEERS) + 1}


def sentences():
    """Texts of the library's code, without what is filled in."""
    for path in (ROOT / "explain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def told():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    return [fragment for cell in cells for fragment in re.findall(r"\*\*(.+?)\*\*", cell)]


def test_messages_of_troubleshooting_are_those_of_the_code():
    known = [re.sub(r"\{(\w+)\}", "{}", sentence) for sentence in sentences()]
    assert len(told()) > 30
    for fragment in told():
        assert any(fragment in sentence for sentence in known), fragment


def test_every_refusal_of_a_model_is_told_of():
    written = {}
    for path in (ROOT / "explain").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ModelError":
                constants = [part.value for part in call.args if isinstance(part, ast.Constant)]
                if len(constants) == 2:
                    written[constants[0]] = re.sub(r"\{(\w+)\}", "{}", constants[1])
    assert len(written) > 10
    for key, sentence in written.items():
        assert any(fragment in sentence for fragment in told()), key


@pytest.mark.slow
def test_the_notebook_runs(monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    notebook = json.loads(Path("explain.ipynb").read_text(encoding="utf-8"))
    space: dict = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            with redirect_stdout(io.StringIO()):
                exec(compile("".join(cell["source"]), "explain.ipynb", "exec"), space)
    assert space["seen"].rules == ("gradcam", "layercam", "gradient")
    assert len(space["rows"]) == 2 * len(space["both"].stops)
    assert space["explanation"].origin.digest == space["seen"].origin.digest


@pytest.fixture
def energy():
    """A rule by one decorated function."""
    import tensorflow as tf

    @register("energy", title="Energy of activations", equation="Σₖ Aₖ²", source="none", warning="Knows no class.")
    def energy(activations, gradients):
        """Where a layer is active, whatever for."""
        return tf.reduce_sum(activations**2, axis=-1)

    yield energy
    del RULES["energy"]


def test_a_rule_by_one_decorated_function_is_everywhere(energy, tmp_path):
    import keras
    from PIL import Image

    # library and command line
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3)])
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(2, activation="softmax"))
    model.save(tmp_path / "net.keras")
    Image.fromarray(np.full((9, 9, 3), 90, np.uint8)).save(tmp_path / "one.png")
    assert "energy" in parser().format_help()
    assert "Energy of activations" in parser().format_help()
    out = tmp_path / "out"
    command = [str(tmp_path / "one.png"), "--model", str(tmp_path / "net.keras"), "--out", str(out), "--rule", "energy"]
    assert main(command) == 0
    assert (out / "one.png" / "energy-0.png").exists()
    # the view's catalog, from which the page's is made, and the page's chooser
    assert {"name": "energy", "title": "Energy of activations"}.items() <= catalog(texts())["rules"][-1].items()
    assert "energy" in paired_rules()
    # docs, which are stale until they are made anew
    page = make.text()
    for part in ("### Energy of activations", "`energy`", "Where a layer is active, whatever for.", "Knows no class."):
        assert part in page
    assert "docs/rules.md" in make.stale()
    assert any(path.startswith("docs/rules/energy-") for path in make.stale())


def test_the_script_says_what_is_stale(energy, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["make", "--check"])
    assert make.main() == 1
    assert "python -m docs.make makes anew: docs/rules.md, docs/rules/energy-" in capsys.readouterr().out
