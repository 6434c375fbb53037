"""What is told of a picture was measured on such pictures: rates name theirs, and known others get none."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from studied import save
from test_page_payload import CARD, NAMES, RISING, WORDS, agreement_of, band, explanation, message, plain, said

from explain.cards import TrainedOn
from explain.checkpoints import available
from page import uploads
from page.evidence import Findings
from page.examples import Example, _named, belongs, read_examples
from page.rates import FEWEST, NEAREST, REACH, right_at_least
from page.service import Service
from page.texts import PageTexts
from training.data import cifar100

pytest_plugins = ["page_fixtures"]
ROOT = Path(__file__).parent.parent
PHOTOS = "test photos of cats and dogs"
# of what would be said of a picture by a rate over others
RATE = re.compile(
    r"\bof 10\b|\bat least [\d{]|\d+ % of\b(?!\sthe\spicture)|\bthan luck\b|\bof the time\b|\bas two seeds do\b|"
    r"\bthan two seeds\b"
)


# --- the rate ---------------------------------------------------------------------------------------------------------


def test_all_right_is_not_told_as_always_right():
    """Wilson's lower end for n of n is n / (n + z^2)."""
    assert right_at_least(np.full(NEAREST, 0.9), np.ones(NEAREST, bool), 0.9) == pytest.approx(
        100 / (100 + 1.959964**2)
    )
    assert right_at_least(np.full(NEAREST, 0.9), np.zeros(NEAREST, bool), 0.9) == 0


def test_it_is_of_the_nearest_in_confidence_alone():
    """100 of 100 right at 0.95, none elsewhere: an average over a wide bin would be far lower, or far higher."""
    confidences = np.concatenate([np.full(300, 0.9), np.full(100, 0.95), np.full(3000, 1.0)])
    right = np.concatenate([np.zeros(300, bool), np.ones(100, bool), np.zeros(3000, bool)])
    assert right_at_least(confidences, right, 0.951) > 0.96
    assert right_at_least(confidences, ~right, 0.951) == 0


def test_of_equally_near_ones_all_count():
    """Otherwise the order of the pictures, which is by class, would decide."""
    right = np.arange(1000) >= 500
    assert right_at_least(np.full(1000, 0.7), right, 0.7) == pytest.approx(0.469, abs=0.001)
    assert right_at_least(np.full(1000, 0.7), right[::-1], 0.7) == pytest.approx(0.469, abs=0.001)


def test_few_or_far_test_pictures_make_no_claim():
    right = np.ones(1000, bool)
    assert right_at_least(np.full(FEWEST - 1, 0.9), right[: FEWEST - 1], 0.9) is None
    assert right_at_least(np.full(FEWEST, 0.9), right[:FEWEST], 0.9) is not None
    assert right_at_least(np.full(1000, 0.9), right, 0.9 - 1.1 * REACH) is None
    assert right_at_least(np.zeros(0), right[:0], 0.9) is None


def test_what_is_told_of_new_pictures_holds_for_most_of_them():
    """Simulated: a calibrated model; on another sample the share at least told is reached about 39 of 40 times."""
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        confidences = random.uniform(0.5, 1, 2000)
        told = right_at_least(confidences, random.uniform(size=2000) < confidences, 0.8)
        held.append(told <= 0.8)
    assert 0.95 <= np.mean(held) < 1


@pytest.mark.parametrize(
    "path", sorted((ROOT / "weights").glob("*/evaluation/predictions.npz")), ids=lambda p: p.parts[-3]
)
def test_the_shipped_models_rate_is_that_of_their_test_pictures(path):
    with np.load(path) as arrays:
        confidences, right = arrays["probabilities"].max(1), arrays["probabilities"].argmax(1) == arrays["labels"]
    for confidence in (0.75, 0.9, 0.96, 0.985):
        told = right_at_least(confidences, right, confidence)
        near = np.argsort(np.abs(confidences - confidence))[:NEAREST]
        assert told < right[near].mean() < told + 0.25


# --- sentences --------------------------------------------------------------------------------------------------------


def words_of(answer: dict) -> str:
    """Every sentence of a message."""
    told = [part["text"] for stop in answer["stops"] for part in stop["words"]]
    legends = [text for model in answer["models"] if model["yardstick"] for text in model["yardstick"].values()]
    return plain(" ".join([*told, *legends, answer["target"]["text"]]))


@pytest.mark.parametrize("dog", [0.97, 0.55, 0.1])
@pytest.mark.parametrize(("low", "high"), [(0.2, 1.0), (-0.9, -0.8), (1.1, 1.2)])
def test_of_a_picture_that_shows_none_of_the_classes_no_rate_is_told(dog, low, high):
    sides = explanation([RISING, RISING]), explanation([RISING, np.array(RISING)[::-1]], dog=dog)
    more = {"rates": (0.9, 0.8), "band": band(low, high, 0.2)}
    assert RATE.search(words_of(message(*sides, **more)))
    answer = message(*sides, **more, belongs=False)
    assert not RATE.search(words_of(answer))
    assert all(agreement_of(stop)["band"] is None for stop in answer["stops"])
    assert "How much of that is luck is not known" in answer["models"][1]["yardstick"]["text"]


def test_what_was_never_measured_is_not_said_to_be_of_other_pictures():
    sides = explanation([RISING]), explanation([RISING])
    for within in (None, True, False):
        told = words_of(message(*sides, belongs=within))
        assert "is not measured" in told
        assert "none of those" not in told
    assert "none of those" in words_of(message(*sides, band=band(0.2, 1.0, 0.2), belongs=False))


@pytest.mark.parametrize("within", [None, True])
def test_a_rate_names_what_it_is_of(within):
    sides = explanation([RISING], dog=0.97), explanation([RISING], dog=0.95)
    text = said(message(*sides, rates=(0.963, 0.9148), belongs=within)["stops"][0])
    assert text.startswith(
        "Both say **dog**: SGD 97 % sure, Adam 95 %. Of pictures of the test split they are as sure of, SGD gets at "
        "least 96 % right, Adam 91 %."
    )


def test_rates_that_are_alike_are_told_once():
    assert plain(WORDS.rates((0.961, 0.958), NAMES, PHOTOS)) == (
        f"Of {PHOTOS} they are as sure of, each gets at least 96 % right."
    )


def test_where_one_rate_is_unknown_the_other_is_told():
    assert plain(WORDS.rates((None, 0.9), NAMES, PHOTOS)) == (
        f"Of {PHOTOS} it is as sure of, Adam gets at least 90 % right."
    )
    assert WORDS.rates((None, None), NAMES, PHOTOS) == WORDS.rates((), NAMES, PHOTOS) == ""


def test_the_population_is_the_models_data_set():
    pets, others = (replace(CARD, dataset=TrainedOn(name=name)) for name in ("cats-dogs", "elsewhere"))
    assert WORDS.population([pets, pets]) == PHOTOS
    for cards in ([pets, others], [others, others], [CARD, CARD], [pets, CARD]):
        assert WORDS.population(cards) == "pictures of the test split"


def all_sentences(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [sentence for part in values for sentence in all_sentences(part)]


def test_no_sentence_of_the_page_tells_a_rate_without_saying_of_what():
    table = {key: value for key, value in PageTexts().table.items() if key != "evidence_claims"}  # those are of models
    rates = [sentence for sentence in all_sentences(table) if RATE.search(sentence)]
    assert len(rates) > 5
    for sentence in rates:
        # "of those": behind {here}, a sentence that names them
        assert re.search(r"\{population\}|\btest p|\bof those\b|\bluck there\b", sentence), sentence


# --- what pictures show -----------------------------------------------------------------------------------------------


def test_the_readme_tells_of_the_examples_what_the_data_tell():
    rows = (ROOT / "examples/README.md").read_text().splitlines()
    table = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows if row.startswith("| ")][1:]
    told = json.loads((ROOT / "examples/examples.json").read_text())
    keys = ("title", "shows", "author", "licence", "source")
    assert table == [[f"{entry['id']}.jpg", *(entry[key] or "–" for key in keys)] for entry in told]
    assert {entry["id"] for entry in told} == {path.stem for path in (ROOT / "examples").glob("*.jpg")}


def test_examples_belong_to_the_classes_that_they_show():
    examples = read_examples(ROOT / "examples")
    within = {example_id: belongs(example.shows, ["Cat", "Dog"]) for example_id, example in examples.items()}
    assert {example_id for example_id, known in within.items() if known} == {
        *("cat-yarn", "cat-chelsea", "dog-shepherd", "kitten-hind")
    }
    assert None not in within.values()
    assert belongs(examples["cow"].shows, ["bear", "cattle"])
    of_hundred = {example_id: belongs(example.shows, cifar100.CLASSES) for example_id, example in examples.items()}
    assert {example_id for example_id, known in of_hundred.items() if known is False} == {
        *("cat-yarn", "cat-chelsea", "dog-shepherd", "kitten-hind", "koala", "panda")
    }
    told = {example.shows for example in examples.values()} - {None}
    assert told <= frozenset().union(*_named())  # a class is spelled as in one of the data sets


STRANGERS = [("cat", "dog"), ("panda", "no panda"), ("Cat", "Dog", "Panda"), ("tabby", "giant panda"), ("Dogs", "Cats")]


@pytest.mark.parametrize("classes", STRANGERS, ids=" ".join)
@pytest.mark.parametrize("shows", [None, "cattle", "raccoon", "dark"])
def test_of_a_stranger_s_classes_it_is_not_known_that_an_example_shows_none(classes, shows):
    assert belongs(shows, classes) is None
    assert belongs("dark", ("Cat", "Dog")) is None  # nor of a class of another data set
    assert belongs(classes[0], classes) is True


def test_of_a_stranger_s_model_an_example_is_told_as_an_upload_is(weights, evidence, tmp_path):
    """Its classes may be what the picture shows: neither that they are not, nor that they are."""
    copied = tmp_path / "weights"
    shutil.copytree(weights / "judge-three", copied / "judge-three")
    sure = np.linspace(0.34, 1, 400)
    arrays = {"identities": np.arange(400).astype(str), "digests": np.full(400, "0"), "labels": np.zeros(400, int)}
    arrays["probabilities"] = np.stack([sure, (1 - sure) / 2, (1 - sure) / 2], 1)
    save(copied / "judge-three" / "evaluation/predictions.npz", **arrays)
    service = Service(copied, evidence, ROOT / "examples")
    service.load()
    asked = {"models": ["judge-three"] * 2, "rule": "gradcam", "target": "own"}
    panda = service.ask(asked | {"example": "panda"})
    upload = service.answer(service.example("panda"), ["judge-three"] * 2)
    assert RATE.search(words_of(upload))
    assert words_of(panda) == words_of(upload)


def test_of_examples_without_data_it_is_not_known(tmp_path):
    (tmp_path / "mine.jpg").write_bytes(b"")
    assert read_examples(tmp_path) == {"mine": Example(tmp_path / "mine.jpg", "mine", "mine")}
    for text in ("nonsense", "[1]", "{}", '[{"title": "x"}]', '[{"id": "mine", "shows": 3, "title": 4}]'):
        (tmp_path / "examples.json").write_text(text)
        assert belongs(read_examples(tmp_path)["mine"].shows, ["Cat"]) is None
    (tmp_path / "examples.json").write_text('[{"id": "mine", "shows": null}]')
    assert belongs(read_examples(tmp_path)["mine"].shows, ["Cat"]) is False


def test_a_test_picture_belongs_to_its_own_class():
    cards = {card.model_id: card for card in available(ROOT / "weights").cards}
    findings = Findings(ROOT / "weights", ROOT / "evidence", cards, [])
    with np.load(ROOT / "weights/cats-dogs-effnet-adam/evaluation/predictions.npz") as arrays:
        identities, labels = arrays["identities"], arrays["labels"]
    for place in (0, len(labels) - 1):
        assert findings.truth(str(identities[place])) == ["Cat", "Dog"][labels[place]]
    assert findings.truth("cat/no-such") is findings.truth(None) is findings.truth(["x"]) is None


def test_the_service_tells_rates_of_an_upload_and_none_of_a_cow(weights, evidence, tmp_path, monkeypatch):
    copied = tmp_path / "weights"
    shutil.copytree(weights, copied)
    sure = np.linspace(0.5, 1, 400)
    arrays = {"identities": np.arange(400).astype(str), "digests": np.full(400, "0"), "labels": np.ones(400, int)}
    arrays["probabilities"] = np.stack([1 - sure, sure], 1)
    for model_id in ("judge-mild", "judge-steep"):
        save(copied / model_id / "evaluation/predictions.npz", **arrays)
    service = Service(copied, evidence, ROOT / "examples")
    service.load()
    asked = {"models": ["judge-mild", "judge-steep"], "rule": "gradcam", "target": "own"}
    cow = words_of(service.ask(asked | {"example": "cow"}))
    dog = words_of(service.ask(asked | {"example": "dog-shepherd", "target": "Dog"}))  # both say cat
    assert not RATE.search(cow)
    monkeypatch.setattr(uploads, "uploaded", lambda path: path)
    monkeypatch.setattr(uploads, "digest", lambda path: path)
    monkeypatch.setattr(service.decoders, "read", lambda path: service.example("cow"))
    upload = words_of(service.ask(asked | {"upload": "cow.jpg"}))  # the page does not know what it shows
    for text in (dog, upload):
        assert "Of pictures of the test split they are as sure of, " in text
        assert "8 of 10 of 1,000 pictures of the test split" in text
