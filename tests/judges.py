"""What the page's tests are made of: small real checkpoints, and the page itself in a process of its own."""

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
SIZE = 48
STARTING = 180  # seconds; other work may share the machine

# Writes down every file that a process opens: Python imports it of itself, also in the processes that the page starts.
RECORDER = """
import os, sys
log = os.open(os.environ["TWO_MINDS_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        os.write(log, os.fsencode(args[0]) + b"\\n")
sys.addaudithook(hook)
"""


def colour_judge(seed: int, slope: float, classes: int = 2, bias: float = 0.0):
    """A small net of three blocks that tells blue (the second class) from red (the first).

    Channels 0 and 1 carry red and blue through all layers, the other six are noise that the head does not read.
    """
    import keras
    from keras import layers

    rng = np.random.default_rng(seed)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(1 / 255, name="preprocessing")(image)
    for block in range(3):
        x = layers.Conv2D(8, 3, 2, "same", activation="relu", name=f"block{block + 1}_activation")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    units = 1 if classes == 2 else classes
    x = layers.Dense(units, activation="sigmoid" if units == 1 else "softmax", name="predictions")(x)
    model = keras.Model(image, x)
    for block in range(3):
        layer = model.get_layer(f"block{block + 1}_activation")
        kernel = rng.normal(0, 0.15, layer.kernel.shape)
        kernel[:, :, :, :2] = 0
        red, blue = (0, 2) if block == 0 else (0, 1)
        kernel[1, 1, red, 0] = kernel[1, 1, blue, 1] = 1
        layer.set_weights([kernel.astype("float32"), np.zeros(8, "float32")])
    head = np.zeros((8, units), "float32")
    head[0, 0], head[1, 0] = (-slope, slope) if units == 1 else (slope, -slope)
    if units > 1:
        head[1, 1] = slope
    model.get_layer("predictions").set_weights([head, np.full(units, bias, "float32")])
    return model


UNEXPLAINED = ("head", "output-kind", "no-map", "gradient", "not-finite")


def unexplained() -> dict:
    """Classifiers that a plain .keras file can hold and that cannot be explained, by the code of why."""
    import keras
    from keras import layers

    def network(end):
        image = keras.Input((SIZE, SIZE, 3))
        x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(image))
        return keras.Model(image, end(layers.GlobalAveragePooling2D()(x)))

    def softmax(x):
        return layers.Dense(2, activation="softmax")(x)

    def rounded(x):
        return layers.Discretization([0.1, 0.2], output_mode="one_hot")(layers.Dense(1)(x))

    image = keras.Input((SIZE, SIZE, 3))
    models = {
        "head": network(lambda x: layers.Average()([softmax(x), softmax(x)])),
        "output-kind": network(lambda x: layers.Discretization([0.5])(softmax(x))),
        "no-map": keras.Model(image, softmax(layers.Flatten()(image))),
        "gradient": network(lambda x: softmax(rounded(x))),
        "not-finite": network(softmax),
    }
    models["not-finite"].set_weights([np.full_like(weights, np.nan) for weights in models["not-finite"].get_weights()])
    return models


def ship(folder: Path, model_id: str, title: str, model, classes: tuple[str, ...] = ("Cat", "Dog")) -> None:
    """Write a checkpoint's folder."""
    (folder / model_id).mkdir(parents=True)
    model.save(folder / model_id / "model.keras")
    bins = [(0.5, 0.8, 300, 0.7), (0.8, 1.0, 3700, 0.99)]
    keys = ("confidence_low", "confidence_high", "n", "accuracy")
    card = {
        "id": model_id,
        "title": title,
        "description": "Tells blue from red.",
        "dataset": "drawn",
        "classes": list(classes),
        "input": [SIZE, SIZE],
        "parameters": model.count_params(),
        "recipe": {"id": model_id, "seed": 1, "model": {"name": re.sub(r"-seed\d+$", "", model_id)}},
        "digests": {"model": hashlib.sha256((folder / model_id / "model.keras").read_bytes()).hexdigest()},
        "splits": {
            "test": {
                "n": 4000,
                "accuracy": 0.9882,
                "accuracy_interval": [0.9848, 0.9912],
                "reliability": [dict(zip(keys, row, strict=True)) for row in bins],
            }
        },
    }
    (folder / model_id / "card.json").write_text(json.dumps(card))


EXPERIMENTS = [
    {"id": "pair", "title": "Mild or steep?", "question": "?", "left": "judge-mild", "right": "judge-steep"},
    {"id": "luck", "title": "Luck?", "question": "?", "left": "judge-mild", "right": "judge-mild-seed2"},
    {"id": "l2", "title": "Luck!", "question": "?", "left": "judge-steep", "right": "judge-steep-seed2"},
]
BAND = [{"depth": d, "rank": [0.2, 0.5, 0.8], "overlap": [0.1, 0.4, 0.7]} for d in (0.0, 0.5, 1.0)]


@dataclass
class Server:
    """A running page: its address, its upload folder's parent, the files it has opened so far, and how it was begun."""

    url: str
    temporary: Path
    process: subprocess.Popen
    record: Path
    output: Path
    arguments: tuple[str, ...] = ()

    def opened(self) -> list[str]:
        return self.record.read_text(errors="replace").splitlines()

    def log(self) -> str:
        return self.output.read_text(errors="replace")


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start(folder: Path, *arguments: str, port: int = 0) -> Server:
    """Start app.py with a temporary folder of its own, at a free port; returns when it is served."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    (folder / "temporary").mkdir(exist_ok=True)
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "TMPDIR": str(folder / "temporary"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(folder / "recorder"),
        "TWO_MINDS_RECORD": str(folder / "opened"),
    }
    (folder / "recorder").mkdir(exist_ok=True)
    (folder / "recorder" / "sitecustomize.py").write_text(RECORDER)
    with open(folder / "output", "w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    server = Server(url, folder / "temporary", process, folder / "opened", folder / "output", arguments)
    wait_until(lambda: process.poll() is not None or answers(url), STARTING, "the page is served")
    if process.poll() is not None:
        pytest.fail(f"app.py ended:\n{server.log()}")
    return server


def again(server: Server) -> None:
    """Start a server that has ended once more, at its address."""
    port = int(server.url.rstrip("/").rpartition(":")[2])
    server.process = start(server.output.parent, *server.arguments, port=port).process


def stop(server: Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()


def picture(red: int = 0, blue: int = 0, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A grey picture with a coloured block in its upper left quarter, uint8 h x w x 3."""
    pixels = np.full((*size, 3), 20, np.uint8)
    pixels[: size[0] // 2, : size[1] // 2] = (red, 0, blue)
    return pixels


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()
