"""Fixtures of the Evidence tab's tests. A module that needs them names them and page_fixtures in `pytest_plugins`."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from judges import STARTING, Server, start, stop, wait_until
from simulated import MARKED, comparison, evaluated, measures
from studied import (
    CLAIMS,
    DOG,
    EXPERIMENTS,
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
)

from study import plots, recipes
from study.store import Store


@pytest.fixture(scope="session")
def studied(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    """Two pairs of judges with evidence drawn by `study.plots`, a third without any, and a folder of pictures."""
    folder = tmp_path_factory.mktemp("studied")
    copied, data, store = folder / "weights", folder / "data", Store(folder / "evidence")
    shutil.copytree(weights, copied)
    (copied / "experiments.json").write_text(json.dumps(EXPERIMENTS))
    original = {"accuracy": 0.9456, "log_loss": 0.13, "best_of": 250}
    (copied / "originals.json").write_text(json.dumps({LEFT: {"what": "SGD 0.001", "validation": original}}))
    for model_id, dog in (DOG | {TWIN: DOG[LEFT]}).items():
        predicted(copied, model_id, dog)
        evaluated(copied / model_id)
        card = json.loads((copied / model_id / "card.json").read_text())
        measured = measures(model_id, {}, card["recipe"], model=card["digests"]["model"])
        store.write_model(measured | {"title": f"{model_id} & <b>"}, MARKED)
    places = [IDENTITIES.index(identity) for identity in RANKS]
    arrays = {"identities": list(RANKS), "digests": [digests()[i] for i in places], "rank_last": list(RANKS.values())}
    for place, (left, right) in enumerate(((LEFT, RIGHT), (LEFT, TWIN))):
        pair = comparison(store.measures(left), store.measures(right), 0.3 * place)
        store.write_pair(pair | {"n": 1000, "heads": {"n": 300}}, arrays)
        store.write_recipes(left, right, recipes.judge(store, left, right))
        plots.draw(store, left, right, copied)
    store.remove_plot(store.pair_plot(LEFT, TWIN, "heads"))
    store.write_claims(CLAIMS)
    for claim in CLAIMS[:2]:
        plots.draw_claim(store, claim)
    for identity in IDENTITIES:
        species, _, number = identity.partition("/")
        path = data / "PetImages" / species.capitalize() / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if identity != MISSING:
            path.write_bytes(drawn("cat/30" if identity == OTHER else identity))
    return Studied(copied, store.folder, data)


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
