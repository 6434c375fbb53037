"""Fixtures of rows and of a hundred classes. A module that needs them says `pytest_plugins = ["crowd_fixtures"]`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowd import EXPERIMENTS, GROUPS, MEMBERS, RED, crowd_judge, predictions
from judges import STARTING, Server, ship, start, stop, wait_until
from studied import save

from training.data.cifar100 import CLASSES


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their folder of checkpoints; of two of them it is known how often they are right where they are as sure."""
    folder = tmp_path_factory.mktemp("crowd")
    for seed, (model_id, (red, slope)) in enumerate(RED.items()):
        ship(folder, model_id, model_id.replace("-", ", ").capitalize(), crowd_judge(seed, red, slope), CLASSES)
        path = folder / model_id / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"groups": GROUPS, "dataset": {"name": "cifar-100"}}))
    card = {"id": "crowd-all", "title": "Crowd, all", "description": "The five.", "classes": list(CLASSES)}
    card |= {"groups": GROUPS, "input": [48, 48], "members": MEMBERS, "dataset": {"name": "cifar-100"}}
    (folder / "crowd-all").mkdir()
    (folder / "crowd-all" / "card.json").write_text(json.dumps(card))
    save(folder / "crowd-sure/evaluation/predictions.npz", **predictions(0.99, 0.95))
    save(folder / "crowd-faint/evaluation/predictions.npz", **predictions(0.06, 0.2))
    (folder / "experiments.json").write_text(json.dumps(EXPERIMENTS))
    return folder


@pytest.fixture(scope="session")
def crowd_server(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with them, its first models loaded."""
    folder = tmp_path_factory.mktemp("crowd-server")
    (folder / "evidence").mkdir()
    server = start(folder, "--weights", str(crowd), "--evidence", str(folder / "evidence"))
    try:
        wait_until(lambda: "The models are ready" in server.log(), STARTING, "the models are ready")
        yield server
    finally:
        stop(server)
