"""Cats vs Dogs: found in both layouts, checked, split alike, downloaded, batched."""

import collections
import hashlib
import http.server
import itertools
import json
import threading
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from explain.pictures import fit, read
from training import data
from training.data import cats_dogs
from training.data.dataset import (
    DataError,
    Dataset,
    Item,
    index,
    make_split,
    pixels,
    pixels_up_to,
    progress,
    read_split,
)
from training.data.pipeline import evaluation_batches, order, training_batches, training_items, validation_batches
from training.recipe import Augment, find, override

SPLIT = read_split(cats_dogs.SPLIT_FILE)


def drawn(tmp_path, handful=2):
    return cats_dogs.draw(tmp_path / "data", cats_dogs._handful(SPLIT, handful))


# -- the split -------------------------------------------------------------------------------------------------------


def test_the_split_holds_what_was_asked():
    counts = collections.Counter((identity.partition("/")[0], name) for identity, name in SPLIT.items())
    for species in ("cat", "dog"):
        assert {name: counts[species, name] for name in cats_dogs.PER_CLASS} == cats_dogs.PER_CLASS
        assert {i for i in SPLIT if i.startswith(species)} == {f"{species}/{n}" for n in range(12_500)}


def test_the_split_ranks_by_the_identity_s_sha256():
    """But for the few exact duplicates, which stand behind their first."""
    for species in ("cat", "dog"):
        mine = [identity for identity in SPLIT if identity.startswith(species)]
        ranks = [hashlib.sha256(identity.encode()).hexdigest() for identity in mine]
        assert sum(a > b for a, b in itertools.pairwise(ranks)) <= 6


def test_duplicates_stay_on_the_side_of_the_first():
    names = [f"x/{i}" for i in range(40)]
    ranked = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    digests = {name: name for name in names}
    digests[ranked[39]] = digests[ranked[3]]  # the last looks like the fourth
    split = make_split(digests, {"train": 20, "validation": 10, "test": 10})
    assert split[ranked[39]] == split[ranked[3]] == "train"
    assert list(split)[3:5] == [ranked[3], ranked[39]]
    assert list(split.values()) == ["train"] * 20 + ["validation"] * 10 + ["test"] * 10
    digests = {name: name for name in names} | {ranked[20]: ranked[19], ranked[19]: ranked[19]}
    assert make_split(digests, {"train": 20, "test": 20})[ranked[20]] == "train"  # across the border


def test_the_split_file_is_what_its_script_makes(data_dir, tmp_path, monkeypatch):
    before = cats_dogs.SPLIT_FILE.read_text()
    monkeypatch.setattr(cats_dogs, "SPLIT_FILE", tmp_path / "split.csv")
    monkeypatch.setattr("sys.argv", ["cats_dogs", str(data_dir)])
    cats_dogs.main()
    assert (tmp_path / "split.csv").read_text() == before


# -- finding and checking --------------------------------------------------------------------------------------------


def test_both_layouts_hold_the_same_pictures(tmp_path):
    publisher = drawn(tmp_path)
    competition = tmp_path / "competition" / "unpacked" / "train"
    competition.mkdir(parents=True)
    for path in publisher.glob("PetImages/*/*.jpg"):
        (competition / f"{path.parent.name.lower()}.{path.stem}.jpg").write_bytes(path.read_bytes())
    (competition / "notes.txt").write_text("not a picture")
    a = data.load("cats-dogs", publisher, tmp_path / "cache", handful=2)
    b = data.load("cats-dogs", tmp_path / "competition", tmp_path / "cache", handful=2)
    assert (a.edition, b.edition) == ("publisher's (PetImages)", "competition's (train)")
    assert a.digest == b.digest
    for split in cats_dogs.PER_CLASS:
        assert [item.identity for item in a.items[split]] == [item.identity for item in b.items[split]]
        assert a.labels(split).tolist() == [0, 0, 1, 1]
        assert all(SPLIT[item.identity] == split for item in a.items[split])


def test_other_folders_are_refused_with_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"PetImages/Cat/0\.jpg"):
        data.load("cats-dogs", tmp_path, tmp_path)
    with pytest.raises(DataError, match="There are: cats-dogs"):
        data.load("dogs", tmp_path, tmp_path)
    folder = drawn(tmp_path)
    for path in (folder / "PetImages" / "Dog").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no cats or no dogs"):
        data.load("cats-dogs", folder, tmp_path)


def test_bad_files_are_left_out_and_odd_ones_converted_and_both_are_listed(tmp_path):
    folder = drawn(tmp_path, handful=4)
    cats = sorted((folder / "PetImages" / "Cat").iterdir())
    cats[0].write_bytes(b"")
    cats[1].write_bytes(cats[1].read_bytes()[:900])
    cats[2].write_bytes(b"<html>not found</html>")
    Image.open(cats[3]).convert("L").save(cats[3])
    Image.open(cats[4]).convert("CMYK").save(cats[4])
    loaded = data.load("cats-dogs", folder, tmp_path / "cache", handful=4)
    problems = dict(loaded.problems)
    identities = [f"cat/{path.stem}" for path in cats[:5]]
    assert set(problems) == set(identities)
    assert all(problems[identity].startswith("left out") for identity in identities[:3])
    assert problems[identities[3]] == "converted to RGB from L"
    assert problems[identities[4]] == "converted to RGB from CMYK"
    kept = {item.identity for items in loaded.items.values() for item in items}
    assert kept & set(identities) == set(identities[3:])
    again = data.load("cats-dogs", folder, tmp_path / "cache", handful=4)
    assert again == loaded


def test_a_changed_file_is_checked_anew(tmp_path):
    folder = drawn(tmp_path)
    _, items = cats_dogs.find(folder)
    first, _ = index(items, tmp_path)
    items[0].path.write_bytes(b"")
    second, problems = index(items, tmp_path)
    assert len(second) == len(first) - 1
    assert problems[0][0] == items[0].identity
    assert json.loads(next(tmp_path.glob("index-*.json")).read_text())


# -- download --------------------------------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    content = b""
    ranges = True
    cut = 0

    def do_GET(self):
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.ranges else 0
        body = self.content[start:]
        self.send_response(206 if self.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.cut:
            body, type(self).cut = body[: self.cut], 0
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    folder = drawn(tmp_path)
    archive = tmp_path / "published.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        for path in folder.rglob("*.jpg"):
            pack.write(path, path.relative_to(folder))
        pack.writestr("readme.txt", "licence")
        pack.writestr("../outside/PetImages/Cat/1.jpg", "no")
    Server.content, Server.ranges, Server.cut = archive.read_bytes(), True, 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(cats_dogs, "URL", f"http://127.0.0.1:{server.server_port}/archive.zip")
        monkeypatch.setattr(cats_dogs, "BYTES", len(Server.content))
        monkeypatch.setattr(cats_dogs, "SHA256", hashlib.sha256(Server.content).hexdigest())
        yield folder
        server.shutdown()


@pytest.mark.parametrize("ranges", [True, False])
def test_download_goes_on_where_it_stopped(publisher, tmp_path, ranges):
    Server.ranges = ranges
    cache = tmp_path / "cache"
    (cache / "cats-dogs").mkdir(parents=True)
    (cache / "cats-dogs" / "archive.zip").write_bytes(Server.content[:1000])
    folder = cats_dogs.download(cache)
    written = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}
    expected = {path.relative_to(publisher).as_posix(): path.read_bytes() for path in publisher.rglob("*.jpg")}
    assert expected.items() <= written.items()
    assert not (tmp_path / "outside").exists()
    Server.content = b""
    assert cats_dogs.download(cache) == folder  # not fetched again


def test_a_connection_that_breaks_is_taken_up_again(publisher, tmp_path):
    Server.cut = 2000
    assert (cats_dogs.download(tmp_path / "cache") / "complete").exists()


def test_another_archive_is_refused(publisher, tmp_path):
    Server.content = Server.content[:-1] + b"x"
    with pytest.raises(DataError, match="sha256"):
        cats_dogs.download(tmp_path / "cache")
    assert not (tmp_path / "cache" / "cats-dogs" / "archive.zip").exists()


def test_an_answer_that_is_no_http_is_said(publisher, tmp_path, monkeypatch):
    def do_GET(self):
        self.wfile.write(b"no such thing\r\n\r\n")

    monkeypatch.setattr(Server, "do_GET", do_GET)
    with pytest.raises(DataError, match="could not be downloaded"):
        cats_dogs.download(tmp_path / "cache")


def test_an_archive_that_ends_too_early_is_said_and_not_asked_for_without_end(publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(cats_dogs, "BYTES", len(Server.content) + 1)
    with pytest.raises(DataError, match="no more of it"):
        cats_dogs.download(tmp_path / "cache")


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(cats_dogs, "URL", "http://127.0.0.1:9/archive.zip")
    with pytest.raises(DataError, match="--data-dir"):
        data.load("cats-dogs", None, tmp_path)


def test_progress_that_nobody_watches_is_lines(capfd):
    with progress(None, "working", 400, initial=100) as bar:
        bar.mininterval = bar.miniters = 0
        bar.update(100)
        bar.update(200)
    lines = capfd.readouterr().err.split("\n")
    assert not any("\r" in line for line in lines)
    assert [line.split("|")[0] for line in lines[:3]] == ["working:  25%", "working:  50%", "working: 100%"]


# -- arrays and batches ----------------------------------------------------------------------------------------------


def test_pixels_are_the_page_s_fit_and_are_made_once(tmp_path):
    loaded = data.load("cats-dogs", drawn(tmp_path), tmp_path / "cache", handful=2)
    items = loaded.items["train"]
    array = pixels(items, 96, tmp_path / "cache")
    np.testing.assert_array_equal(array, [fit(read(item.path).pixels, (96, 96)) for item in items])
    for item in items:
        item.path.unlink()
    np.testing.assert_array_equal(pixels(items, 96, tmp_path / "cache"), array)


@pytest.mark.parametrize(("count", "first", "last"), [(10, 0, 10), (10, 7, 33), (3, 0, 32), (17, 17, 34)])
def test_order_is_one_shuffled_pass_after_another(count, first, last):
    row = order(count, 0, 5 * max(count, last), seed=1)
    np.testing.assert_array_equal(order(count, first, last, seed=1), row[first:last])
    for number in range(5):
        assert sorted(row[number * count : (number + 1) * count]) == list(range(count))
    assert (row != order(count, 0, 5 * max(count, last), seed=2)).any()


@pytest.fixture
def small(tmp_path):
    recipe = override(find("cats-dogs-effnet-adam"), ["batch=5"])
    return recipe, data.load("cats-dogs", drawn(tmp_path, 4), tmp_path / "cache", handful=4), tmp_path / "cache"


def test_training_batches_are_the_same_wherever_a_run_takes_them_up(small):
    recipe, dataset, cache = small
    whole = list(training_batches(dataset, recipe, 32, 0, 6, cache))
    later = list(training_batches(dataset, recipe, 32, 4, 6, cache))
    assert len(whole) == 6
    for (x, y), (other_x, other_y) in zip(whole[4:], later, strict=True):
        assert x.shape == (5, 32, 32, 3)
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    assert (whole[0][0] != whole[1][0]).any()


def test_training_batches_hold_the_right_picture_by_the_right_label(small):
    recipe, dataset, cache = small
    plain = override(recipe, []).__class__(**{**vars(recipe), "augment": Augment()})
    stored = pixels(dataset.items["train"], 37, cache)  # 32 x 8/7
    labels = dataset.labels("train")
    rows = order(len(stored), 0, 10, recipe.seed).reshape(2, 5)
    for (x, y), row in zip(training_batches(dataset, plain, 32, 0, 2, cache), rows, strict=True):
        np.testing.assert_array_equal(y[:, 0], labels[row])
        for picture, place in zip(x, row, strict=True):
            errors = [np.abs(picture.mean((0, 1)) - other.mean((0, 1))).max() for other in stored]
            assert np.argmin(errors) == place


@pytest.mark.parametrize(("side", "wanted"), [(32, 32), (32, 30), (40, 40), (33, 48)])
def test_no_picture_is_trained_on_above_its_own_size(tmp_path, side, wanted):
    """Stored larger and warped back, a picture loses its sharpness: validation would see another kind of picture."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, side, side, 3), np.uint8)
    items = tuple(Item(str(k), k % 2, None, str(k), picture) for k, picture in enumerate(pictures))
    dataset = Dataset("noise", "", ("a", "b"), {"train": items, "validation": items, "test": items})
    recipe = replace(find("cats-dogs-effnet-adam"), augment=Augment(), batch=4)
    x, _ = next(iter(training_batches(dataset, recipe, wanted, 0, 1, tmp_path)))
    trained = x[np.argsort(order(4, 0, 4, recipe.seed))]
    if wanted >= side:  # as evaluation sees it; where it shrinks, training takes fewer neighbours' mean
        expected = [fit(picture, (wanted, wanted)) for picture in pictures]
        np.testing.assert_allclose(trained, expected, atol=1)  # grey levels: fit rounds

    def sharpness(values):
        return np.var([cv2.Laplacian(picture.astype(np.float32), cv2.CV_32F) for picture in values])

    evaluated = np.concatenate([x for x, _ in evaluation_batches(dataset, "test", wanted, tmp_path)])
    assert sharpness(trained) > 0.8 * sharpness(evaluated)


def test_pixels_up_to_keep_the_size_of_smaller_pictures(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [(20, 50), (40, 40), (64, 30)]
    items = [Item(str(k), 0, None, str(k), rng.integers(0, 256, (*s, 3), np.uint8)) for k, s in enumerate(shapes)]
    array, sizes = pixels_up_to(items, 40, tmp_path)
    assert sizes.tolist() == [[20, 40], [40, 40], [40, 30]]
    for item, picture, size in zip(items, array, sizes, strict=True):
        np.testing.assert_array_equal(picture[: size[0], : size[1]], fit(item.pixels, tuple(size)))
    again, sizes = pixels_up_to(items, 40, tmp_path)
    np.testing.assert_array_equal(again, array)
    assert sizes.tolist() == [[20, 40], [40, 40], [40, 30]]


def test_evaluation_batches_hold_every_picture_once_in_order(small):
    _, dataset, cache = small
    batches = list(evaluation_batches(dataset, "test", 48, cache, batch=3))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), pixels(dataset.items["test"], 48, cache))
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches])[:, 0], dataset.labels("test"))


def test_per_class_takes_the_first_of_each(small):
    recipe, dataset, cache = small
    few = override(recipe, ["data.per_class=1", "batch=2"])
    _, labels = next(iter(training_batches(dataset, few, 32, 0, 1, cache)))
    assert sorted(labels[:, 0]) == [0, 1]


def test_labels_are_true_swapped_or_random_as_the_recipe_says(small):
    recipe, dataset, _ = small
    true = dataset.labels("train")

    def given(*assignments):
        items = training_items(dataset, override(recipe, list(assignments)))
        assert [item.path for item in items] == [item.path for item in dataset.items["train"]]
        return [item.label for item in items]

    assert given() == true.tolist()
    assert given("data.labels=swapped") == (1 - true).tolist()
    drawn = [given("data.labels=random", f"seed={seed}") for seed in range(20)]
    assert drawn == [given("data.labels=random", f"seed={seed}") for seed in range(20)]
    # 20 draws of 8 labels: a share of one half within four standard deviations, of ones and of right ones
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.16)
    assert np.mean(drawn == true[None]) == pytest.approx(0.5, abs=0.16)
    with pytest.raises(DataError, match="There are: true, swapped, random"):
        given("data.labels=false")


def test_validation_is_the_whole_split_or_the_next_of_its_pictures(small):
    recipe, dataset, cache = small
    stored = pixels(dataset.items["validation"], 32, cache)

    def seen(recipe, epoch):
        return np.concatenate([x for x, _ in validation_batches(dataset, recipe, 32, epoch, cache)])

    np.testing.assert_array_equal(seen(recipe, 3), stored)
    np.testing.assert_array_equal(seen(override(recipe, ["data.validate=400"]), 3), stored)
    some = override(recipe, ["data.validate=4"])  # of eight
    both = np.concatenate([seen(some, 2), seen(some, 3)])
    assert [len(seen(some, epoch)) for epoch in (2, 3)] == [4, 4]
    assert sorted(picture.tobytes() for picture in both.astype(np.uint8)) == sorted(p.tobytes() for p in stored)
