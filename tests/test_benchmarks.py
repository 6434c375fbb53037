"""The benchmarks' document and plot, from what was measured; and the whole script over a small net."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nets
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import engine

    yield engine
    for name in ("engine", "peers"):
        del sys.modules[name]


@pytest.mark.slow
def test_the_script_measures_all_and_writes_it(engine, monkeypatch, tmp_path):
    monkeypatch.setattr(
        engine, "NETS", {engine.FLAT: lambda size: nets.convolutional(activation="relu", size=(size, size))}
    )
    monkeypatch.setattr("sys.argv", ["engine.py", "--quick", "--out", str(tmp_path)])
    engine.main()
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    for title in ("What was promised", "One pass", "Growth", "Call after call", "Many pictures", "Each rule by itself"):
        assert f"## {title}\n" in text
    ElementTree.parse(tmp_path / "benchmarks.svg")


def test_a_missed_bound_is_called_that(engine):
    report = engine.Report(
        bounds=[
            engine.Bound("Grad-CAM", "a net", 1.2, 1.1, "bare passes", 60),
            engine.Bound("RISE", "a net", 0.9, 0.8, "share", 3, least=True),
        ],
        tables=[engine.Table("One pass", "About.", [["", "ms"], ["a net", "3"]])],
        costs={"Grad-CAM": 1.2, "xplique 2.0.2": 25.0},
        growth={"layers": [(1, 1), (4, 1.1)], "pictures": [(1, 1), (4, 3)], "pixels": [(1, 1), (4, 3)]},
    )
    text = engine.document(report, {"xplique": "2.0.2"}, 3)
    assert "| Grad-CAM | a net | at most 1.1 bare passes | 1.20 | 60 | **missed** |" in text
    assert "| RISE | a net | at least 0.8 share | 0.90 | 3 | kept |" in text
    assert "xplique 2.0.2" in text
    svg, rows = engine.drawn("benchmarks", lambda: engine.plot(report))
    assert "Grad-CAM" in "".join(ElementTree.fromstring(svg).itertext())
    assert "xplique 2.0.2,25.0" in rows
