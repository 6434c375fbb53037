"""Fixtures of the Evidence tab's tests. A module that needs them names them and page_fixtures in `pytest_plugins`."""

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from judges import STARTING, Server, start, stop, wait_until
from studied import (
    CLAIMS,
    DOG,
    EXPERIMENTS,
    FIGURE,
    IDENTITIES,
    LEFT,
    MISSING,
    OTHER,
    RANKS,
    RIGHT,
    TWIN,
    Studied,
    digests,
    drawn,
    predicted,
    save,
)


@pytest.fixture(scope="session")
def studied(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    """Two pairs of judges with evidence drawn by `study.plots`, a third without any, and a folder of pictures."""
    from test_plots import comparison, table

    from study import plots

    folder = tmp_path_factory.mktemp("studied")
    own, evidence, data = folder / "weights", folder / "evidence", folder / "data"
    shutil.copytree(weights, own)
    (own / "experiments.json").write_text(json.dumps(EXPERIMENTS))
    original = {"accuracy": 0.9456, "log_loss": 0.13, "best_of": 250}
    (own / "originals.json").write_text(json.dumps({LEFT: {"what": "SGD 0.001", "validation": original}}))
    for id, dog in (DOG | {TWIN: DOG[LEFT]}).items():
        predicted(own, id, dog)
        names = ("accuracy", "log_loss", "val_accuracy", "val_log_loss")
        table(own / id / "history.csv", [{"epoch": e, **dict.fromkeys(names, 0.9 + e / 100)} for e in (1, 2)])
        inside = own / id / "evaluation"
        table(inside / "confusion.csv", [{"true": "Cat", "Cat": 6, "Dog": 1}, {"true": "Dog", "Cat": 1, "Dog": 6}])
        points = [(0, 0), (0.02, 0.97), (1, 1)]
        table(inside / "roc.csv", [{"class": "Dog", "false_positive": f, "true_positive": t} for f, t in points])
        table(inside / "reliability.csv", [{"confidence": c, "accuracy": c - 0.05, "n": 30} for c in (0.6, 0.9)])
    for place, (left, right) in enumerate(((LEFT, RIGHT), (LEFT, TWIN))):
        target = evidence / f"{left}--{right}"
        target.mkdir(parents=True)
        found = comparison(left, right, 0.3 * place) | {"n": 1000, "heads": {"n": 300}}
        (target / "comparison.json").write_text(json.dumps(found))
        plots.draw(target, own)
    places = [IDENTITIES.index(identity) for identity in RANKS]
    arrays = {"identities": list(RANKS), "digests": [digests()[i] for i in places], "rank_last": list(RANKS.values())}
    save(evidence / f"{LEFT}--{RIGHT}" / "pictures.npz", **arrays)
    (evidence / f"{LEFT}--{TWIN}" / "heads.svg").unlink()
    (evidence / "claims.json").write_text(json.dumps(CLAIMS))
    (evidence / "claims").mkdir()
    for claim in CLAIMS[:2]:
        figure, rows = plots.interval(claim)
        text = io.StringIO()
        figure.savefig(text, format="svg")
        svg = text.getvalue()
        (evidence / "claims" / f"{claim['id']}.svg").write_text(svg[svg.index("<svg") :])
        table(evidence / "claims" / f"{claim['id']}.csv", [dict.fromkeys(["what", *FIGURE]) | row for row in rows])
    for identity in IDENTITIES:
        species, _, number = identity.partition("/")
        path = data / "PetImages" / species.capitalize() / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if identity != MISSING:
            path.write_bytes(drawn("cat/30" if identity == OTHER else identity))
    return Studied(own, evidence, data)


def _serve(folder: Path, studied: Studied, *more: str) -> Iterator[Server]:
    before = os.environ.pop("TWO_MINDS_DATA", None)  # the page would show it
    try:
        server = start(folder, "--weights", str(studied.weights), "--evidence", str(studied.evidence), *more)
    finally:
        if before is not None:
            os.environ["TWO_MINDS_DATA"] = before
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)


@pytest.fixture(scope="session")
def bare_server(studied: Studied, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with evidence and without any data set."""
    yield from _serve(tmp_path_factory.mktemp("bare"), studied)


@pytest.fixture(scope="session")
def data_server(studied: Studied, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with evidence and the pictures."""
    yield from _serve(tmp_path_factory.mktemp("data"), studied, "--data-dir", str(studied.data))
