"""One odd entry in `weights/` or `evidence/` stops nothing: it is passed over with a sentence, and the others stand."""

import contextlib
import hashlib
import io
import json
import os
import resource
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from explain import archive
from explain.checkpoints import CheckpointError, available, load
from explain.files import DEEPEST, open_regular, parse_json, read_bytes, writable
from page import layout
from page.evidence.drawing import drawing
from page.experiments import yardstick
from page.service import Service
from study import files
from study.experiments import read_experiments
from study.store import Store

BEYOND = 10**400
HALF = "half \ud800 of a letter"
DEEP = "[" * 100_000


def nested(depth: int) -> dict:
    content: dict = {}
    for _ in range(depth):
        content = {"a": content}
    return content


@contextlib.contextmanager
def quickly():
    """A few tenths of a second of computing; ten times that where the machine is busy with other things too."""
    began = time.thread_time()
    yield
    assert time.thread_time() - began < 4


@pytest.fixture(autouse=True)
def hurry():
    """What would wait for a pipe for ever fails instead."""
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def model() -> bytes:
    """An archive that is never built: all that is checked before Keras sees it."""
    config = {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {"layers": []}}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("metadata.json", "{}")
        packed.writestr("config.json", json.dumps(config))
        packed.writestr("model.weights.h5", os.urandom(5000))
    return file.getvalue()


@pytest.fixture
def weights(tmp_path, model) -> Path:
    """Two checkpoints that can be used, one before and one behind whatever else there is."""
    folder = tmp_path / "weights"
    for model_id in ("a-first", "z-last"):
        put(folder, model_id, model)
    entries = [{"id": "two", "models": ["a-first", "z-last"], "title": "Two", "question": "Do they?"}]
    (folder / "experiments.json").write_text(json.dumps(entries))
    return folder


def put(weights: Path, model_id: str, data: bytes, **card: object) -> Path:
    folder = weights / model_id
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(data)
    plain = {"id": model_id, "title": "A title", "description": "A sentence.", "classes": ["cat", "dog"]}
    plain |= {"input": [8, 6], "digests": {"model": hashlib.sha256(data).hexdigest()}}
    (folder / "card.json").write_text(json.dumps(plain | card))
    return folder


def test_the_model_of_these_tests_is_one_that_would_be_loaded(weights):
    assert [card.model_id for card in available(weights).cards] == ["a-first", "z-last"]


def serving(weights: Path, evidence: Path | None = None) -> Service:
    """The page's service, the two good ones in it, and all that the page shows of them."""
    service = Service(weights, evidence or weights.parent / "evidence", examples=weights)  # without pictures: faster
    service.stop()
    assert {"a-first", "z-last"} <= service.cards.keys()
    assert [experiment.id for experiment in service.experiments][:1] == ["two"]
    shown = layout.about(service), layout.catalog(service)
    json.dumps(shown, ensure_ascii=False).encode()  # as it is sent
    return service


def test_all_odd_entries_together_leave_a_page(weights, model):
    """Each by itself is looked at below."""
    for number, change in enumerate(PASSED_OVER.values()):
        change(put(weights, f"m-{number}", model))
    for name in NAMES.values():
        os.mkdir(os.path.join(os.fsencode(weights), name))
    (weights / "experiments.json").write_text(json.dumps([GOOD, *ODD_EXPERIMENTS]))
    service = serving(weights)
    assert len(service.problems) == len(PASSED_OVER) + len(NAMES)
    page = layout.build(service)
    text = json.dumps(page.config, default=str, ensure_ascii=False)
    assert "a-first" in text
    text.encode()


# --- cards that stand, without what is odd on them --------------------------------------------------------------------

FIGURES = {"n": BEYOND, "log_loss": BEYOND, "accuracy": 0.5, "calibration_error": BEYOND, "f1": -BEYOND}


@pytest.mark.parametrize(
    "card",
    [
        {"parameters": BEYOND},
        {"parameters": -BEYOND, "multiply_adds": BEYOND, "seconds": BEYOND},
        {"splits": {"test": FIGURES, "train": {**FIGURES, "accuracy": BEYOND}}},
        {"splits": {"test": {"accuracy": 0.5, "best_of": BEYOND, "reliability": [{"n": BEYOND}]}}},
        {"recipe": {"seed": BEYOND, "optimizer": {"name": "sgd", "learning_rate": BEYOND}}},
        {"best": {"epoch": BEYOND}, "search": {"a": [BEYOND]}, "versions": {"a": BEYOND}, "groups": [BEYOND, 1]},
        {"an unknown key": BEYOND},
        {"splits": []},
        {"splits": {"test": 3}},
        {"tested": [], "revision": {}, "hardware": 3, "smoke": "yes", "members": None},
    ],
    ids=str,
)
def test_a_card_with_numbers_beyond_floats_stands_without_them(weights, model, card):
    card.pop("members", None)
    put(weights, "m-odd", model, **card)
    service = serving(weights)
    assert "m-odd" in service.cards
    assert service.problems == []
    assert service.findings.answer("overview", {})["models"]


def test_infinite_numbers_are_not_said(weights, model):
    text = (put(weights, "m-odd", model) / "card.json").read_text()
    for number in ("1e999", "-1e999", "NaN", "Infinity", "1" * 5000):
        changed = text.replace('"input"', f'"seconds": {number}, "parameters": {number}, "input"')
        (weights / "m-odd" / "card.json").write_text(changed)
        assert serving(weights).cards["m-odd"].seconds is None


# --- entries that are passed over -------------------------------------------------------------------------------------


def card_as(text: str | bytes):
    def change(folder: Path) -> None:
        (folder / "card.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    return change


def with_card(**card: object):
    def change(folder: Path) -> None:
        path = folder / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | card))

    return change


def pipe(name: str):
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def linked(name: str, target: str):
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


def grown(name: str, size: int):
    def change(folder: Path) -> None:
        os.truncate(folder / name, size)

    return change


def gone(name: str):
    return lambda folder: (folder / name).unlink()


def folder_for(name: str):
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def rezipped(change, digest: bool = True):
    """The model file with other members."""

    def apply(folder: Path) -> None:
        path = folder / "model.keras"
        with zipfile.ZipFile(path) as old:
            content = {name: old.read(name) for name in old.namelist()}
        change(content)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name, value in content.items():
                new.writestr(name, value)
        if digest:
            with_card(digests={"model": hashlib.sha256(path.read_bytes()).hexdigest()})(folder)

    return apply


PASSED_OVER = {
    "title with half a letter": with_card(title=HALF),
    "description with half a letter": with_card(description=HALF),
    "class with half a letter": with_card(classes=["cat", HALF]),
    "group with half a letter": with_card(groups=[HALF, "b"]),
    "setting with half a letter": with_card(recipe={"optimizer": {"name": HALF}}),
    "key with half a letter": with_card(**{HALF: 1}),
    "deep recipe": with_card(recipe=nested(DEEPEST + 1)),
    "deep unknown": with_card(more=nested(500)),
    "deeper than Python reads": card_as(DEEP),
    "deep objects": card_as('{"a":' * 50_000),
    "no JSON": card_as("{"),
    "no object": card_as("[1]"),
    "a number": card_as("1"),
    "nothing": card_as(""),
    "zeros": card_as(bytes(1000)),
    "Latin-1": card_as(b'{"id": "caf\xe9"}'),
    "halves as bytes": card_as(b'{"id": "\xed\xa0\x80"}'),
    "card of 1 GB": grown("card.json", 2**30),
    "card is a pipe": pipe("card.json"),
    "card is a device": linked("card.json", "/dev/zero"),
    "card is a folder": folder_for("card.json"),
    "card is missing": gone("card.json"),
    "card is a link to itself": linked("card.json", "card.json"),
    "model is a pipe": pipe("model.keras"),
    "model is a device": linked("model.keras", "/dev/zero"),
    "model is the terminal": linked("model.keras", "/dev/tty"),
    "model is a folder": folder_for("model.keras"),
    "model is missing": gone("model.keras"),
    "model of 1 TB": grown("model.keras", 2**40),
    "model of 2 GB": grown("model.keras", 2**31),
    "model is empty": grown("model.keras", 0),
    "model is another": rezipped(lambda content: content.update({"metadata.json": b"{ }"}), digest=False),
    "deep configuration": rezipped(lambda content: content.update({"config.json": DEEP.encode()})),
    "configuration with half a letter": rezipped(
        lambda content: content.update({"config.json": json.dumps({"class_name": HALF}).encode()})
    ),
    "another member": rezipped(lambda content: content.update({"more": b""})),
    "a member fewer": rezipped(lambda content: content.pop("metadata.json")),
    "weights of nothing but zeros": rezipped(lambda content: content.update({"model.weights.h5": bytes(2**24)})),
    "more parameters than the file holds": with_card(parameters=10**9),
    "a member that is missing": with_card(members=["nobody"]),
    "a member with half a letter": with_card(members=[HALF]),
    "a member that is a path": with_card(members=["../../etc"]),
    "10,000 members": with_card(members=[f"a{k}" for k in range(10_000)]),
    "itself as a member": with_card(members=["m-odd"]),
    "temperature beyond floats": with_card(members=["a-first"], temperature=BEYOND),
    "input beyond floats": with_card(input=[BEYOND, 8]),
    "id of another": with_card(id="a-first"),
    "id of 1 MB": with_card(id="a" * 2**19),
    "classes of another kind": with_card(classes={"cat": 1}),
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_an_odd_checkpoint_is_passed_over_with_a_sentence(weights, model, name, caplog):
    PASSED_OVER[name](put(weights, "m-odd", model))
    with quickly():
        listed = available(weights)
    assert [card.model_id for card in listed.cards] == ["a-first", "z-last"]
    ((shown, sentence),) = listed.problems
    assert shown == "m-odd"
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert len(sentence) < 300
    assert str(weights) not in sentence
    sentence.encode()
    service = serving(weights)
    assert service.problems == listed.problems
    assert "Traceback" not in caplog.text
    with pytest.raises(CheckpointError):
        load("m-odd", weights)


NAMES = {
    "Latin-1": b"caf\xe9",
    "control characters": b"a\nINFO: forged\x1b[31m",
    "long": b"a" * 255,
    "another script": "고양이".encode(),
    "digits of another script": "net-\u0663".encode(),
    "raised digits": "net-\u00b2".encode(),
    "many digits": b"net-" + b"9" * 250,
    "upper case": b"NET",
    "a space": b"my net",
    "from right to left": "net\u202egnp".encode(),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_a_foreign_name_is_passed_over_with_a_sentence(weights, model, name, caplog):
    os.mkdir(os.path.join(os.fsencode(weights), NAMES[name]))
    listed = available(weights)
    assert [card.model_id for card in listed.cards] == ["a-first", "z-last"]
    ((shown, _),) = listed.problems
    assert shown.isprintable()
    assert 0 < len(shown) <= 80
    shown.encode()
    serving(weights)
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_links_files_and_pipes_among_the_folders(weights):
    (weights / "file").write_text("")
    (weights / "loop").symlink_to("loop")
    (weights / "up").symlink_to("..")
    (weights / "etc").symlink_to("/etc")
    os.mkfifo(weights / "pipe")
    assert [card.model_id for card in available(weights).cards] == ["a-first", "z-last"]
    serving(weights)


# --- weights that a configuration asks for ----------------------------------------------------------------------------


@pytest.fixture
def keras():
    import keras

    return keras


def asking(keras, change) -> bytes:
    """A model file whose configuration was changed, so that it asks for more than its weights hold."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 6, 3)), layers.Conv2D(4, 3, name="conv"), layers.GlobalMaxPooling2D()])
    model.add(layers.Dense(4, activation="relu", name="hidden"))
    model.add(layers.Dense(2, activation="softmax"))
    with zipfile.ZipFile(saved(model)) as old:
        content = {name: old.read(name) for name in old.namelist()}
    config = json.loads(content["config.json"])
    change({layer["config"]["name"]: layer["config"] for layer in config["config"]["layers"]})
    content["config.json"] = json.dumps(config).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, value in content.items():
            new.writestr(name, value)
    return file.getvalue()


def saved(model) -> io.BytesIO:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return io.BytesIO(path.read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers["hidden"].update(units=10**6),
        lambda layers: layers["hidden"].update(units=10**9),
        lambda layers: layers["hidden"].update(units=10**12),
        lambda layers: layers["conv"].update(filters=10**8),
        lambda layers: layers["conv"].update(kernel_size=[20_000, 20_000], padding="same"),
    ],
)
def test_weights_are_held_against_the_file_before_any_is_made(keras, tmp_path, change):
    put(tmp_path, "greedy", asking(keras, change))
    put(tmp_path, "modest", asking(keras, lambda layers: None))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError) as caught:
        load("greedy", tmp_path)
    assert caught.value.code in ("weights", "load")  # Keras itself refuses some
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert load("modest", tmp_path).predict([np.zeros((8, 6, 3), np.uint8)]).shape == (1, 2)
    # nor is any of them made by what comes later
    keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.slow
def test_all_shipped_checkpoints_ask_for_what_their_files_hold():
    from explain.checkpoints import DEFAULT, _asked

    for folder in sorted(path.parent for path in DEFAULT.glob("*/model.keras")):
        config = archive.config_of(folder / "model.keras")
        with zipfile.ZipFile(folder / "model.keras") as packed:
            size = packed.getinfo(archive.WEIGHTS).file_size
        assert 0.9 * size < _asked(config) <= size


# --- experiments.json -------------------------------------------------------------------------------------------------

GOOD = {"id": "two", "models": ["a-first", "z-last"], "title": "Two", "question": "Do they?"}
ODD_EXPERIMENTS = [
    {"id": HALF, "models": ["a-first", "z-last"]},
    {"id": "odd", "models": ["a-first", "z-last"], "title": HALF},
    {"id": "odd", "models": ["a-first", HALF]},
    {"id": "odd", "models": ["a-first", "z-last"], "title": BEYOND},
    {"id": BEYOND, "models": ["a-first", "z-last"]},
    {"id": "odd", "models": ["a-first", "z-last"], "examples": [BEYOND]},
    {"id": "odd", "models": [["a-first"], "z-last"]},
    {"id": "odd", "models": "a-first"},
    {"id": "odd", "models": ["a-first"] * 10_000},
    {"models": ["a-first", "z-last"]},
    {"id": "odd", "models": ["a-first", "z-last"], "unknown": 1},
    ["id", "models"],
    [["id", "odd"]],
    3,
    None,
    HALF,
    [],
    {},
]


@pytest.mark.parametrize("entry", ODD_EXPERIMENTS, ids=lambda entry: ascii(entry)[:60])
def test_an_odd_experiment_is_passed_over_and_the_others_stand(weights, entry, caplog):
    (weights / "experiments.json").write_text(json.dumps([GOOD, entry, {**GOOD, "id": "more"}]))
    service = serving(weights)
    assert [experiment.id for experiment in service.experiments] == ["two", "more"]
    assert caplog.text.count("is not understood and is passed over") <= 1


@pytest.mark.parametrize("text", [DEEP, "{", "", "3", '"' + "a" * 2**21 + '"', "[" * 5000 + "]" * 5000, "\0"])
def test_odd_experiments_json_leaves_the_models(weights, text, caplog):
    (weights / "experiments.json").write_text(text)
    assert read_experiments(weights / "experiments.json", ["a-first", "z-last"]) == []
    service = Service(weights, weights, examples=weights)
    layout.build(service)
    assert len(service.cards) == 2


@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "folder", "loop"])
def test_experiments_json_that_is_no_file(weights, target):
    path = weights / "experiments.json"
    path.unlink()
    if target == "pipe":
        os.mkfifo(path)
    elif target == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name if target == "loop" else target)
    assert read_experiments(path, ["a-first", "z-last"]) == []


# --- evidence ---------------------------------------------------------------------------------------------------------

BAND = [{"depth": depth, "rank": [0.1, 0.5, 0.9], "overlap": [0.2, 0.5, 0.8]} for depth in (0.0, 1.0)]
COMPARED = {"left": {"id": "a-first"}, "right": {"id": "z-last"}, "n": 9}
COMPARED |= {"agreement": {"gradcam": {"n": 9, "stops": BAND, "below": 0.4}}}
ODD_COMPARISONS = {
    "deep": DEEP,
    "deep objects": json.dumps({**COMPARED, "more": nested(300)}),
    "beyond floats": json.dumps({**COMPARED, "n": BEYOND}),
    "infinite": json.dumps({**COMPARED, "n": float("inf")}),
    "half a letter": json.dumps({**COMPARED, "left": {"id": HALF}}),
    "stops beyond floats": json.dumps({**COMPARED, "agreement": {"gradcam": {"n": BEYOND, "stops": BAND}}}),
    "large": json.dumps({**COMPARED, "more": "a" * 5_000_000}),
    "no object": "[]",
    "sides of another kind": json.dumps({**COMPARED, "left": {"id": [1], "model": 3}, "right": 7}),
    "agreement of another kind": json.dumps({**COMPARED, "agreement": {"gradcam": 3}}),
    "stops of another kind": json.dumps({**COMPARED, "agreement": {"gradcam": {"n": 9, "stops": [3, None, {}]}}}),
    "no stops": json.dumps({**COMPARED, "agreement": {"gradcam": {"n": "9", "stops": []}}}),
    "Latin-1": b'{"caf\xe9": 1}',
}


@pytest.fixture
def evidence(weights, model, tmp_path) -> Path:
    """A comparison of two seeds of one recipe."""
    for model_id in ("a-first", "z-last"):
        path = weights / model_id / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"recipe": {"id": model_id, "batch": 8}}))
    folder = tmp_path / "evidence"
    Store(folder).write_pair(COMPARED, {})
    return folder


def bands(service: Service):
    return yardstick(("a-first", "z-last"), "gradcam", service.findings.store, service.cards)


def test_the_evidence_of_these_tests_is_one_that_is_used(weights, evidence):
    assert bands(serving(weights, evidence)) is not None


@pytest.mark.parametrize("name", ODD_COMPARISONS)
def test_an_odd_comparison_is_passed_over(weights, evidence, name, caplog):
    text = ODD_COMPARISONS[name]
    path = evidence / "pairs" / "a-first--z-last" / "comparison.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    service = serving(weights, evidence)
    bands(service)
    for asked, what in (("overview", {}), ("judged", {}), ("pair", {"experiment": "two"})):
        answer = service.findings.answer(asked, what)
        assert answer.get("code") != "internal", caplog.text
        json.dumps(answer, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", ["claims.json", "ladder.json", "../weights/originals.json"])
@pytest.mark.parametrize(
    "text", [DEEP, "[" * 200 + "]" * 200, f"[{BEYOND}]", json.dumps([HALF]), "pipe", "/dev/zero", "3"]
)
def test_odd_files_of_evidence_are_passed_over(weights, evidence, name, text):
    path = (evidence / name).resolve()
    if text == "pipe":
        os.mkfifo(path)
    elif text.startswith("/"):
        path.symlink_to(text)
    else:
        path.write_text(text)
    service = serving(weights, evidence)
    for asked in ("overview", "judged"):
        assert service.findings.answer(asked, {}).get("code") != "internal"


def test_foreign_folders_of_evidence_are_passed_over(weights, evidence):
    for name in (*NAMES.values(), b"a--b--c--d", b"--", b"x--", b"a-first--caf\xe9"):
        if len(name) < 250:
            for room, file in ((b"models", b"measures.json"), (b"pairs", b"comparison.json")):
                folder = os.path.join(os.fsencode(evidence), room, name)
                os.makedirs(folder, exist_ok=True)
                with open(os.path.join(folder, file), "w") as opened:
                    opened.write("{}")
    service = serving(weights, evidence)
    assert ("a-first", "z-last") in service.findings.store.pairs()
    for name in [*service.findings.store.models(), *sum(service.findings.store.pairs(), ())]:
        name.encode("ascii")
    assert bands(service) is not None
    assert service.findings.answer("overview", {})["models"]


def test_arrays_that_unpack_to_gigabytes_are_passed_over(tmp_path, caplog):
    path = tmp_path / "predictions.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("labels.npy", "w") as file:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (160 * 2**20,)})
        file.write(head.getvalue())
        for _ in range(40):
            file.write(bytes(2**22))
    assert path.stat().st_size < 2_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert files.read_arrays(path) is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert caplog.text.count("cannot be read") == 1


@pytest.mark.parametrize("count", [2**30, 2**40, 2**62, -1])
def test_arrays_whose_head_lies_are_passed_over(tmp_path, count):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (count,)})
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as packed:
        packed.writestr("labels.npy", head.getvalue() + bytes(100))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert files.read_arrays(tmp_path / "arrays.npz") is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


@pytest.mark.parametrize(
    "text",
    [
        SVG.format("<g>" * 50_000 + "</g>" * 50_000),
        SVG.format('<path d="M0 0"/>' * 2_000_000),
        SVG.format("<text>&#xd800;</text>"),
        SVG.format("<text>\ud800</text>"),
        "<svg",
        "",
    ],
    ids=["nested", "30 MB", "half a letter", "half a letter as such", "cut", "nothing"],
)
def test_an_odd_plot_is_none(text):
    with quickly():
        assert drawing(text, "a-", "a plot") is None
    assert drawing(SVG.format("<g><path d='M0 0'/></g>"), "a-", "a plot").count("<path") == 1


def test_an_odd_plot_leaves_the_rest_of_its_experiment(weights, evidence):
    path = evidence / "pairs" / "a-first--z-last" / "agreement.svg"
    for make in (
        lambda: path.write_text(SVG.format("<g>" * 50_000 + "</g>" * 50_000)),
        lambda: path.write_text(SVG.format("<g/>" * 5_000_000)),
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
    ):
        path.unlink(missing_ok=True)
        make()
        answer = serving(weights, evidence).findings.answer("pair", {"experiment": "two"})
        assert answer["plots"] == []
        assert answer["missing"]


# --- the readers themselves -------------------------------------------------------------------------------------------


def test_only_plain_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero", "/dev/null", tmp_path / "missing"):
        with pytest.raises(OSError, match=r"no plain file|No such file"):
            open_regular(path)
    (tmp_path / "file").write_bytes(bytes(100))
    assert len(read_bytes(tmp_path / "file", 100)) == 100
    with pytest.raises(ValueError, match="more than 99 bytes"):
        read_bytes(tmp_path / "file", 99)


@pytest.mark.parametrize(
    "text", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", str(BEYOND), str(-BEYOND), "9" * 5000]
)
def test_numbers_beyond_floats(text):
    for document in (text, f"[{text}]", f'{{"a": {text}}}'):
        with pytest.raises(ValueError, match="beyond all floats"):
            parse_json(document)
    assert parse_json(f'{{"a": [{text}, 1, 1.5]}}', lenient=True) == {"a": [None, 1, 1.5]}


def test_plain_documents_are_read_as_ever():
    for content in ({"a": [1, -2.5, "고양이", None, True, {}]}, [], "text", 3, 2**63, 1e300, nested(DEEPEST - 1)):
        text = json.dumps(content)
        assert parse_json(text) == parse_json(text.encode(), lenient=True) == content
    assert parse_json("\ufeff[1]".encode()) == [1]


def test_depth_is_bounded():
    for depth in (DEEPEST + 2, 500, 100_000):
        for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            with pytest.raises(ValueError, match="nested too deep"):
                parse_json(text)


def test_half_letters_are_found_anywhere():
    for content in (HALF, [HALF], {"a": {"b": [1, HALF]}}, {HALF: 1}):
        assert not writable(content)
        assert not writable(parse_json(json.dumps(content)))
    assert writable({"a": "\U0001f408 고양이 \x00"})
