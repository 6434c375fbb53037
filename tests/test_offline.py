"""Augmented copies in a folder: the same bytes for the same seed, of training pictures alone, read back as they are."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import training.__main__
from training import data
from training.data import cats_dogs, offline
from training.data.augment import augment
from training.data.dataset import DataError, read_split
from training.recipe import Augment, Data


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    return data.load("cifar-100", None, tmp_path_factory.mktemp("cifar"), handful=3)


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    split = cats_dogs._handful(read_split(cats_dogs.SPLIT_FILE), 3)
    return data.load("cats-dogs", cats_dogs.draw(folder, split), folder / "cache", handful=3)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["cifar", "pets"])
def test_twice_it_gives_the_same_bytes_and_with_another_seed_others(name, request, tmp_path):
    dataset = request.getfixturevalue(name)
    first, second, other = (
        contents(offline.make(dataset, 2 / 3, seed, tmp_path / str(k))) for k, seed in enumerate((1, 1, 2))
    )
    assert first == second
    assert len(first) == 2 * len(dataset.classes) + 1
    same = [key for key in first.keys() & other.keys() if first[key] == other[key]]
    assert not same
    assert first.keys() != other.keys()


def test_what_an_order_or_an_interruption_changes_is_nothing(cifar, tmp_path, monkeypatch):
    whole = contents(offline.make(cifar, 1.5, 1, tmp_path / "whole"))
    turned = replace(cifar, items={**cifar.items, "train": cifar.items["train"][::-1]})
    assert contents(offline.make(turned, 1.5, 1, tmp_path / "turned")) == whole
    copy, made = offline._copy, []

    def killed(*args):
        if len(made) == 20:
            raise KeyboardInterrupt
        made.append(args)
        return copy(*args)

    monkeypatch.setattr(offline, "_copy", killed)
    with pytest.raises(KeyboardInterrupt):
        offline.make(cifar, 1.5, 1, tmp_path / "killed")
    with pytest.raises(DataError, match="python -m training augment"):
        offline.add(cifar, 1.5, tmp_path / "killed", tmp_path)
    monkeypatch.setattr(offline, "_copy", copy)
    assert contents(offline.make(cifar, 1.5, 1, tmp_path / "killed")) == whole


@pytest.mark.parametrize("name", ["cifar", "pets"])
def test_it_is_read_back_behind_the_training_pictures_and_nothing_else_changes(name, request, tmp_path):
    dataset = request.getfixturevalue(name)
    folder = offline.make(dataset, 2 / 3, 1, tmp_path / "copies")
    more = offline.add(dataset, 2 / 3, folder, tmp_path)
    count = len(dataset.items["train"])
    assert more.items["train"][:count] == dataset.items["train"]
    copies = more.items["train"][count:]
    assert np.bincount([item.label for item in copies]).tolist() == [2] * len(dataset.classes)
    assert (more.items["validation"], more.items["test"]) == (dataset.items["validation"], dataset.items["test"])
    originals = {item.identity: item for item in dataset.items["train"]}
    for item in copies[:20]:
        identity, _, number = item.identity.partition("~")
        assert number == "1"
        assert originals[identity].label == item.label
        picture, copy = originals[identity].read(), item.read()
        side = min(256, max(picture.shape[:2]))
        assert copy.shape == (side, side, 3)
        small = cv2.resize(picture, (side, side)).astype(float)
        assert np.abs(copy - small).mean() > 1
    assert len({item.identity for item in more.items["train"]}) == len(more.items["train"])
    assert more.digest != dataset.digest


def test_a_third_of_a_class_is_a_third_of_each_and_three_copies_are_three(cifar):
    third = offline.plan(cifar.items["train"], 1 / 3, 1)
    assert np.bincount([item.label for item, _ in third]).tolist() == [1] * 100
    thrice = offline.plan(cifar.items["train"], 3, 1)
    assert len({(item.identity, number) for item, number in thrice}) == 900
    assert {number for _, number in thrice} == {1, 2, 3}


def test_every_operation_is_at_work():
    on = offline.SETTINGS
    for name in ("flip", "rotation", "shift", "erase", "brightness", "contrast", "saturation", "noise"):
        assert getattr(on, name) > 0, name
    assert on.crop < 1


def test_noise_is_of_the_deviation_asked_for_at_most():
    grey = np.full((64, 32, 32, 3), 128, np.uint8)
    sizes = np.full((64, 2), 32, np.int32)
    x, _ = augment(grey, sizes, np.zeros((64, 1), np.float32), 0, Augment(noise=10), 32, 1)
    deviations = x.std((1, 2, 3))
    assert deviations.min() < 2
    assert 8 < deviations.max() < 10.5
    np.testing.assert_allclose(x.mean((1, 2, 3)), 128, atol=1)


def test_folders_that_do_not_fit_are_refused(cifar, pets, tmp_path):
    folder = offline.make(cifar, 1 / 3, 1, tmp_path / "copies")
    for wrong, copies in ((cifar, 2 / 3), (pets, 1 / 3)):
        with pytest.raises(DataError, match="copies of other pictures, or made otherwise"):
            offline.add(wrong, copies, folder, tmp_path)
    with pytest.raises(DataError, match="Give another folder"):
        offline.make(cifar, 1 / 3, 2, folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        offline.make(cifar, 1 / 3, 1, tmp_path / "full")
    missing = next(folder.rglob("*.png"))
    content = missing.read_bytes()
    missing.write_bytes(b"no picture")
    with pytest.raises(DataError, match="broken copy"):
        offline.add(cifar, 1 / 3, folder, tmp_path)
    missing.unlink()
    with pytest.raises(DataError, match="is missing"):
        offline.add(cifar, 1 / 3, folder, tmp_path)
    missing.write_bytes(content)
    about = json.loads((folder / "augmented.json").read_text())
    assert (about["data"], about["copies"], about["seed"]) == ("cifar-100", 1 / 3, 1)
    with pytest.raises(DataError, match="trains on no augmented copies"):
        data.with_copies(cifar, Data("cifar-100"), 1, tmp_path, folder)


def test_a_recipe_s_copies_are_made_where_there_are_none(cifar, tmp_path):
    settings = Data("cifar-100", copies=1 / 3)
    made = data.with_copies(cifar, settings, 7, tmp_path)
    again = data.with_copies(cifar, settings, 7, tmp_path)
    assert made == again
    assert len(made.items["train"]) == 400
    given = data.with_copies(cifar, settings, 7, tmp_path, offline.make(cifar, 1 / 3, 7, tmp_path / "given"))
    assert given.digest == made.digest
    assert data.with_copies(cifar, Data("cifar-100"), 7, tmp_path) is cifar


def test_the_command_writes_a_folder_and_says_what_is_in_it(cifar, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training.data, "load", lambda *_: cifar)

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["training", "augment", *arguments, "--runs-dir", str(tmp_path)])
        code = training.__main__.main()
        return code, "".join(capsys.readouterr())

    code, text = command(str(tmp_path / "a"), "--data", "cifar-100", "--copies", "2/3", "--seed", "3")
    assert code == 0
    assert "200 copies of 300 training pictures, together 500" in text
    assert "augmenting" in text  # progress
    command(str(tmp_path / "b"), "--data", "cifar-100", "--copies", "2/3", "--seed", "3")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for wrong in ("none", "0", "-1", "1/0"):
        with pytest.raises(SystemExit):
            command(str(tmp_path / "c"), f"--copies={wrong}")


def test_copies_of_a_larger_validation_split_are_none_of_what_validates(cifar, tmp_path):
    split = data.split(cifar, Data(validation=4))
    more = data.with_copies(split, Data("cifar-100", copies=1.0), 1, Path(tmp_path))
    validating = {item.identity for item in split.items["validation"]}
    copied = {item.identity.partition("~")[0] for item in more.items["train"] if "~" in item.identity}
    assert not copied & validating
    assert len(copied) == 200
