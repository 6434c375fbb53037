"""Fixtures of the studies' tests. A module that needs them says `pytest_plugins = ["study_fixtures"]`."""

import json

import keras
import numpy as np
import pytest

from training import data
from training.data import cats_dogs, pets
from training.data.dataset import read_split


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    split = cats_dogs._handful(read_split(cats_dogs.SPLIT_FILE), 6)
    return data.load("cats-dogs", cats_dogs.draw(folder, split), folder / "cache", handful=6)


@pytest.fixture(scope="session")
def marked(tmp_path_factory):
    """Five drawn pictures, 40 x 80, whose left quarter is the head and left half the animal."""
    folder = tmp_path_factory.mktemp("marked") / "five"
    rng = np.random.default_rng(0)
    for part in ("pictures", "masks"):
        (folder / part).mkdir(parents=True)
    mask = np.zeros((40, 80), np.uint8)
    mask[:, :40] = 255
    entries = []
    for name in "abcde":
        keras.utils.save_img(folder / "pictures" / f"{name}.jpg", rng.integers(0, 255, (40, 80, 3)))
        keras.utils.save_img(folder / "masks" / f"{name}.png", mask[..., None], scale=False)
        entries.append({"name": name, "species": "cat", "heads": [[0.0, 0.0, 20.0, 40.0]]})
    (folder / "heads.json").write_text(json.dumps(entries))
    return pets.load(folder)
