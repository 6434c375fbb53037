"""CONTRIBUTING.md: every block of code in it, run one after another in a process of its own, does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECKS = {
    "rule": """
import keras, numpy as np
from explain import RULES, explain
image = keras.Input((16, 16, 3))
x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(image))
model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
rules = [name for name, rule in RULES.items() if "attention" not in rule.needs]
explanation = explain(model, np.zeros((16, 16, 3), np.uint8), rules=rules)
assert explanation.map(rule="energy").shape == (14, 14)
""",
    "network": """
from training.models import build
from training.recipe import Model as Settings
assert build(Settings("tiny", input=16), ("a", "b", "c"), 32).output_shape == (None, 3)
""",
    "data": """
from training import data
assert len(data.load("shades", None, FOLDER).items["train"]) == 24
""",
    "recipe": """
from dataclasses import replace
from explain import checkpoints
from training.export import ship
from training.run import finish, train
dataset = data.load("shades", None, FOLDER)
for recipe in (RECIPE, RECIPE.with_seed(2)):
    run = FOLDER / recipe.id
    finish(recipe, dataset, train(recipe, dataset, run, FOLDER), run, FOLDER)
    ship(run, FOLDER / "weights")
assert checkpoints.load("shades-tiny", FOLDER / "weights").predict([np.zeros((40, 40, 3), np.uint8)]).shape == (1, 3)
""",
    "experiment": """
import json
from study.experiments import read_experiments
(FOLDER / "weights" / "experiments.json").write_text(json.dumps([ENTRY]))
cards = {card.model_id: card for card in checkpoints.available(FOLDER / "weights").cards}
assert len(read_experiments(FOLDER / "weights" / "experiments.json", cards)) == 1
""",
    "language": """
assert page.PageTexts("fr").say("tagline").startswith("ce que")
assert page.PageTexts("fr").say("percent", value=3) == "3 %"
assert page.PageTexts("fr")["evidence_verdicts"]["holds"] == "tient"
assert page.PageTexts("fr")["compare"] == page.PageTexts("en")["compare"]
""",
}


@pytest.mark.slow
@pytest.mark.smoke
def test_every_block_of_code_does_what_the_text_says(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"```python (\w+)\n(.*?)```", text, re.S)
    assert [name for name, _ in blocks] == list(CHECKS)
    script = f"from pathlib import Path\nFOLDER = Path({str(tmp_path)!r})\n"
    script += "\n".join(block + CHECKS[name] for name, block in blocks)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
