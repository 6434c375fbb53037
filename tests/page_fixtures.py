"""Fixtures of the page's tests. A module that needs them says `pytest_plugins = ["page_fixtures"]`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from judges import BAND, EXPERIMENTS, STARTING, Server, colour_judge, ship, start, stop, wait_until

from study.store import Store


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nets that tell red ("Cat") from blue ("Dog"), one of them biased; one of three classes; one with a wrong file."""
    folder = tmp_path_factory.mktemp("weights")
    ship(folder, "judge-mild", "Judge, mild", colour_judge(1, 4.0))
    ship(folder, "judge-steep", "Judge, steep", colour_judge(2, 40.0))
    ship(folder, "judge-mild-seed2", "Judge, mild, seed 2", colour_judge(3, 4.0))
    ship(folder, "judge-steep-seed2", "Judge, steep, seed 2", colour_judge(7, 40.0))
    ship(folder, "judge-biased", "Judge, biased", colour_judge(6, 4.0, bias=3.0))
    ship(folder, "judge-three", "Judge of three", colour_judge(4, 4.0, 3), ("Red", "Blue", "Other"))
    ship(folder, "broken", "Broken", colour_judge(5, 4.0))
    with open(folder / "broken" / "model.keras", "ab") as file:
        file.write(b"more")
    (folder / "experiments.json").write_text(json.dumps(EXPERIMENTS))
    return folder


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How far the two mild judges agree, and the two steep ones, by Grad-CAM alone."""
    store = Store(tmp_path_factory.mktemp("evidence"))
    for left in ("judge-mild", "judge-steep"):
        sides = {"left": {"id": left}, "right": {"id": f"{left}-seed2"}}
        store.write_pair(sides | {"agreement": {"gradcam": {"n": 1000, "stops": BAND, "below": 0.4}}}, {})
    return store.folder


@pytest.fixture(scope="session")
def server(weights: Path, evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with the small checkpoints, its models loaded."""
    server = start(tmp_path_factory.mktemp("server"), "--weights", str(weights), "--evidence", str(evidence))
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page without any model."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "none").mkdir()
    server = start(folder, "--weights", str(folder / "none"))
    try:
        yield server
    finally:
        stop(server)
