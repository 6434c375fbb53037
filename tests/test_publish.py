"""Publishing on a Hub of models, against a stand-in: repositories, the Space, pins, and what must never be written."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml
from hub import Hub
from judges import ROOT

from page import hub as fetching
from training import publish
from training.publish import PublishError

TOKEN = "hf_ThisIsTheSecretOfWhoPublishes"


@pytest.fixture
def site(monkeypatch, tmp_path):
    """The stand-in, as huggingface_hub's own."""
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with Hub() as site:
        monkeypatch.setattr(constants, "ENDPOINT", site.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", site.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        site.api = huggingface_hub.HfApi(endpoint=site.url)
        yield site


@pytest.fixture
def weights(tmp_path) -> Path:
    """Two checkpoints, as files that publishing does not look into, and an ensemble of both."""
    folder = tmp_path / "weights"
    for model_id in ("first", "second"):
        (folder / model_id).mkdir(parents=True)
        content = f"the weights of {model_id}".encode()
        (folder / model_id / "model.keras").write_bytes(content)
        test = {"n": 4000, "accuracy": 0.9882, "accuracy_interval": [0.9848, 0.9912], "log_loss": 0.04}
        card = {"id": model_id, "title": model_id.title(), "description": "Tells | cats.", "classes": ["Cat", "Dog"]}
        card |= {"input": [48, 48], "dataset": {"name": "cats-dogs"}, "splits": {"test": test}}
        card |= {"digests": {"model": hashlib.sha256(content).hexdigest()}}
        (folder / model_id / "card.json").write_text(json.dumps(card))
    card = {"id": "both", "title": "Both", "description": "Of two.", "classes": ["Cat", "Dog"], "input": [48, 48]}
    (folder / "both").mkdir()
    (folder / "both" / "card.json").write_text(json.dumps(card | {"members": ["first", "second"]}))
    return folder


def front(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def test_models_are_published_with_cards_and_come_back_by_their_pins(site, weights, caplog, capsys):
    pins = publish.publish_models(site.api, "minds", weights)
    assert {pin["repository"] for pin in pins.values()} == {
        f"minds/two-minds-{name}" for name in ("first", "second", "both")
    }
    assert json.loads((weights / "hub.json").read_text()) == pins
    held = site.files["model", "minds/two-minds-first"]
    assert set(held) == {"README.md", "model.keras", "card.json"}
    readme = held["README.md"].decode()
    assert front(readme)["license"] == "apache-2.0"
    assert front(readme)["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.9882
    for part in ("98.82% (98.48% to 99.12%)", "4,000", "cats-dogs", "hf_hub_download", "Apache-2.0"):
        assert part in readme
    assert set(site.files["model", "minds/two-minds-both"]) == {"README.md", "card.json"}

    whole = (weights / "first" / "model.keras").read_bytes()
    for name in ("first", "second"):
        (weights / name / "model.keras").unlink()
    site.files["model", "minds/two-minds-second"]["model.keras"] = b"another file"
    assert fetching.fetch(weights) == ["first"]
    assert (weights / "first" / "model.keras").read_bytes() == whole
    assert sorted(path.name for path in (weights / "second").iterdir()) == ["card.json"]  # nothing is left of it
    assert "second cannot be fetched" in caplog.text
    assert fetching.fetch(weights) == []

    assert f"Bearer {TOKEN}" in site.tokens
    written = [path for path in weights.parent.rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in written) + b"".join(
        b"".join(each.values()) for each in site.files.values()
    )
    assert TOKEN.encode() not in everything
    assert TOKEN not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "pins",
    ["[", "[]", '{"../x": {}}', '{"first": 7}', '{"first": {"repository": "a/b", "revision": "main"}}',
     '{"first": {"repository": "http://x/y", "revision": "0000000000000000000000000000000000000000"}}'],
)  # fmt: skip
def test_odd_pins_fetch_nothing_and_stop_nothing(site, weights, pins):
    (weights / "first" / "model.keras").unlink()
    (weights / "hub.json").write_text(pins)
    assert fetching.fetch(weights) == []
    assert site.tokens == set()


def test_where_there_is_no_hub_the_page_goes_on_without(weights, caplog):
    (weights / "first" / "model.keras").unlink()
    (weights / "hub.json").write_text(json.dumps({"first": {"repository": "a/b", "revision": "0" * 40}}))
    assert fetching.fetch(weights) == []
    assert "first cannot be fetched" in caplog.text


def test_the_space_is_the_page_without_what_repositories_hold(site, weights, tmp_path):
    publish.publish_models(site.api, "minds", weights, ["first"])
    publish.publish_space(site.api, "minds/two-minds", weights)
    held = site.files["space", "minds/two-minds"]
    assert {"app.py", "requirements.txt", "README.md", "weights/hub.json", "weights/second/model.keras"} <= held.keys()
    assert "weights/first/model.keras" not in held
    assert not any("__pycache__" in name or name.startswith("tests/") for name in held)
    head = front(held["README.md"].decode())
    assert head["models"] == ["minds/two-minds-first"]
    assert f"gradio=={head['sdk_version']}" in held["requirements.txt"].decode().splitlines()
    assert site.made["space", "minds/two-minds"]["sdk"] == "gradio"


@pytest.mark.parametrize(
    "change",
    [{"sdk_version": "5.0"}, {"python_version": "3.9"}, {"app_file": "x.py"}, {"license": "mit"}, {"colorTo": "teal"},
     {"short_description": "x" * 61}, {"models": ["../x"]}, {"models": None}],
)  # fmt: skip
def test_a_front_matter_that_would_not_run_is_refused(change):
    good = publish.front_matter(["minds/two-minds-first"])
    assert publish.checked(good) == good
    with pytest.raises(PublishError, match="front matter"):
        publish.checked(good | change)


def test_what_is_not_to_be_published_is_said(site, weights, tmp_path):
    with pytest.raises(PublishError, match="no checkpoint nobody"):
        publish.publish_models(site.api, "minds", weights, ["nobody"])
    with pytest.raises(PublishError, match="no name of a repository"):
        publish.publish_models(site.api, "../minds", weights)
    with pytest.raises(PublishError, match="no name of a Space"):
        publish.publish_space(site.api, "minds", weights)
    shutil.copytree(weights, tmp_path / "full")
    with pytest.raises(PublishError, match="not empty"):
        publish.space_folder(tmp_path / "full", weights)
    assert site.files == {}


def test_the_space_holds_all_that_the_container_does():
    copied = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(publish.PAGE) | {"README.md"} == copied


@pytest.mark.slow
def test_the_command_publishes_both_and_says_what_it_lacks(site, weights, monkeypatch, capsys):
    from training.__main__ import main

    monkeypatch.setattr("huggingface_hub.HfApi", lambda: site.api)
    for arguments, code in (([], 2), (["--models", "minds", "--only", "first", "--space", "minds/page"], 0)):
        monkeypatch.setattr("sys.argv", ["training", "publish", "--weights", str(weights), *arguments])
        assert main() == code
    assert set(site.files) == {("model", "minds/two-minds-first"), ("space", "minds/page")}
    monkeypatch.setattr(
        "sys.argv", ["training", "publish", "--weights", str(weights), "--models", "minds", "--only", "x"]
    )
    assert main() == 2
    assert "There is no checkpoint x" in "".join(capsys.readouterr())
