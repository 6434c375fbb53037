"""CIFAR-100: the same split from every edition, duplicates together, pickles that ask for code refused."""

import collections
import pickle

import numpy as np
import pytest

from training import data
from training.data import cifar100
from training.data.dataset import DataError


def write(folder, rows, protocol=2, order=None):
    """The publisher's files; `order`: of the rows."""
    folder.mkdir(parents=True)
    for name, (pictures, labels) in rows.items():
        places = np.arange(len(labels)) if order is None else order(len(labels))
        flat = pictures[places].transpose(0, 3, 1, 2).reshape(len(labels), -1)
        batch = {b"data": np.ascontiguousarray(flat), b"fine_labels": labels[places].tolist(), b"filenames": []}
        (folder / name).write_bytes(pickle.dumps(batch, protocol))
    meta = {b"fine_label_names": [name.encode() for name in cifar100.NAMES]}
    (folder / "meta").write_bytes(pickle.dumps(meta, protocol))
    return folder


@pytest.fixture(scope="module")
def rows():
    """Three training and two test pictures of each class beside the fifty that validate; duplicates of each kind."""
    rows = cifar100.draw(3, 2)
    pictures = rows["train"][0]
    pictures[60] = pictures[61]  # two of class 1
    pictures[53 * 7] = pictures[53 * 9]  # of classes 7 and 9
    rows["test"][0][0] = pictures[10]  # a twin of the same class
    rows["test"][0][199] = pictures[53 * 7]  # a twin of two, of another
    rows["test"][0][3] = rows["test"][0][2]  # two within the test split
    return rows


def identities(items):
    return {name: [(item.identity, item.label) for item in part] for name, part in items.items()}


def test_the_split_does_not_depend_on_the_edition(rows, tmp_path, monkeypatch):
    shuffled = np.random.default_rng(0).permutation
    published = data.load("cifar-100", write(tmp_path / "a" / "cifar-100-python", rows).parent, tmp_path)
    other = data.load(
        "cifar-100", write(tmp_path / "b" / "x" / "cifar-100-python", rows, 4, shuffled).parents[1], tmp_path
    )
    import keras

    arrays = [(pictures, labels[:, None]) for pictures, labels in rows.values()]
    monkeypatch.setattr(keras.datasets.cifar100, "load_data", lambda label_mode: arrays)
    downloaded = data.load("cifar-100", None, tmp_path)
    assert len({dataset.edition for dataset in (published, downloaded)}) == 2
    for dataset in (other, downloaded):
        assert identities(dataset.items) == identities(published.items)
        assert dataset.digest == published.digest
        assert dataset.twins == published.twins
    for mine, its in zip(published.items["train"], downloaded.items["train"], strict=True):
        np.testing.assert_array_equal(mine.read(), its.read())


def test_fifty_of_each_class_validate_and_none_of_them_has_a_duplicate(rows):
    items = cifar100.split(rows)
    counts = {name: collections.Counter(item.label for item in part) for name, part in items.items()}
    assert counts["validation"] == dict.fromkeys(range(100), 50)
    assert counts["train"] == dict.fromkeys(range(100), 3)
    assert counts["test"] == dict.fromkeys(range(100), 2)
    everywhere = [item.identity for name in ("train", "validation") for item in items[name]]
    assert len(set(everywhere)) == len(everywhere) == 5300
    validating = {item.digest for item in items["validation"]}
    trained = collections.Counter(item.digest for item in items["train"])
    assert not validating & trained.keys()
    assert sorted(trained.values())[-2:] == [2, 2]
    assert {item.identity.partition("-")[2] for item in items["train"]} == {"", "2"}


def test_test_pictures_with_a_twin_in_training_are_known(rows, tmp_path):
    dataset = data.load("cifar-100", write(tmp_path / "cifar-100-python", rows).parent, tmp_path)
    assert len(dataset.twins) == 2
    assert dataset.twins < {item.identity for item in dataset.items["test"]}


def test_groups_and_classes_are_the_publisher_s():
    assert len(cifar100.CLASSES) == 100
    assert cifar100.CLASSES[:3] == ("apple", "aquarium fish", "baby")
    assert set(collections.Counter(cifar100.GROUP_OF.values()).values()) == {5}
    assert len(cifar100.GROUPS) == 20


def test_a_handful_is_drawn_without_data_and_taken_from_them_with(rows, tmp_path):
    drawn = data.load("cifar-100", None, tmp_path, handful=2)
    assert drawn.edition == "drawn"
    assert {name: len(part) for name, part in drawn.items.items()} == {"train": 200, "validation": 200, "test": 200}
    some = data.load("cifar-100", write(tmp_path / "cifar-100-python", rows).parent, tmp_path, handful=1)
    assert {name: len(part) for name, part in some.items.items()} == {"train": 100, "validation": 100, "test": 100}


class Code:
    def __reduce__(self):
        return print, ("ran",)


def test_other_folders_and_files_are_refused_with_what_is_expected(rows, tmp_path, capsys):
    with pytest.raises(DataError, match="cifar-100-python"):
        data.load("cifar-100", tmp_path, tmp_path)
    folder = write(tmp_path / "cifar-100-python", rows)
    for content, message in (
        (b"no pickle", "damaged"),
        (pickle.dumps(Code()), "no data need"),
        (pickle.dumps({b"data": np.zeros((4, 7), np.uint8), b"fine_labels": [0] * 4}), "n x 3072"),
        (pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"fine_labels": [0] * 4}), "missing"),
    ):
        (folder / "test").write_bytes(content)
        with pytest.raises(DataError, match=message):
            data.load("cifar-100", tmp_path, tmp_path)
    assert "ran" not in capsys.readouterr().out


def test_the_whole_set_is_split_as_it_should_be(data_dir, tmp_path):
    if not (data_dir / "cifar-100-python").exists():
        pytest.skip("needs CIFAR-100 below TWO_MINDS_DATA")
    dataset = data.load("cifar-100", data_dir, tmp_path)
    assert {name: len(part) for name, part in dataset.items.items()} == {
        "train": 45_000,
        "validation": 5_000,
        "test": 10_000,
    }
    assert len(dataset.twins) == 10
    labels = {}
    for name in ("train", "validation"):
        for item in dataset.items[name]:
            labels.setdefault(item.digest, set()).add(item.label)
    assert sum(item.label not in labels.get(item.digest, {item.label}) for item in dataset.items["test"]) == 6
    assert {np.bincount(dataset.labels(name)).tolist()[0] for name in dataset.items} == {450, 50, 100}
