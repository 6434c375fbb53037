"""Agreement over many pictures: percentiles of what `explain.compare` says of each."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from explain import Checkpoint, compare, explain
from training import data
from training.compare import CompareError, agreement, write
from training.data import cats_dogs
from training.data.dataset import pixels, read_split


def checkpoint(id, seed, classes=("Cat", "Dog")):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(6, 3, 2, "same", activation="relu") for _ in range(3)]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 128, -1), *layers, *head])
    card = {"id": id, "classes": list(classes), "input": [32, 32], "digests": {"model": id * 2}}
    return Checkpoint(id, card, Path(), model)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    split = cats_dogs._handful(read_split(cats_dogs.SPLIT_FILE), 6)
    return data.load("cats-dogs", cats_dogs.draw(folder, split), folder / "cache", handful=6)


def test_a_checkpoint_agrees_with_itself(dataset, tmp_path):
    same = checkpoint("a", 1)
    for rule in agreement(same, same, dataset, "validation", 5, tmp_path)["rules"].values():
        for stop in rule["stops"]:
            if stop["rank_n"]:
                assert stop["rank"] == stop["overlap"] == [1, 1, 1]


def test_percentiles_are_those_of_the_single_pictures(dataset, tmp_path):
    left, right = checkpoint("a", 1), checkpoint("b", 2)
    found = agreement(left, right, dataset, "validation", 12, tmp_path)
    batch = np.asarray(pixels(dataset.items["validation"], 32, tmp_path))
    mean = left.predict(batch) + right.predict(batch)
    sides = [explain(s.model, batch, target=list(mean.argmax(1)), rules="hirescam") for s in (left, right)]
    singles = [compare(*sides, picture=i).stops for i in range(12)]
    stops = found["rules"]["hirescam"]["stops"]
    assert found["n"] == 12
    assert len(stops) == len(singles[0]) >= 2
    assert [stop["depth"] for stop in stops][-1] == 1
    for place, stop in enumerate(stops):
        for measure in ("rank", "overlap"):
            values = [getattr(one[place], measure) for one in singles]
            values = [value for value in values if value is not None]
            assert stop[f"{measure}_n"] == len(values)
            if values:
                assert stop[measure] == pytest.approx(np.percentile(values, [10, 50, 90]), abs=2e-4)


def test_pictures_are_taken_evenly_from_the_whole_split(dataset, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr("training.compare.pixels", lambda items, *_: taken.append(items) or pixels(items, *_))
    assert agreement(checkpoint("a", 1), checkpoint("b", 2), dataset, "validation", 8, tmp_path)["n"] == 8
    places = [dataset.items["validation"].index(item) for item in taken[0]]
    assert places == [0, 1, 3, 4, 6, 7, 9, 10]  # of six cats and six dogs


def test_it_is_written_where_the_page_reads_it(dataset, tmp_path):
    found = agreement(checkpoint("a", 1), checkpoint("b", 2), dataset, "validation", 4, tmp_path)
    path = write(found, tmp_path / "evidence")
    assert path == tmp_path / "evidence" / "a--b" / "agreement.json"
    assert json.loads(path.read_text()) == json.loads(json.dumps(found))


def test_other_classes_are_refused(dataset, tmp_path):
    with pytest.raises(CompareError, match="different classes"):
        agreement(checkpoint("a", 1), checkpoint("b", 2, ("Cow", "Dog")), dataset, "validation", 4, tmp_path)
