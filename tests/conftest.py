"""What all tests share: the same surroundings everywhere, a Chromium, the data."""

import os
import random
import shutil
import sys
from pathlib import Path
from typing import Any

# Before TensorFlow, Keras, Matplotlib and Gradio are imported: expected numbers are a CPU's; no test asks the network.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["MPLBACKEND"] = "Agg"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest

# Files that run one after the other in one process, as they share servers that take long to start.
TOGETHER = {
    "page": (
        "test_page_browser.py",
        "test_language_browser.py",
        "test_page_http.py",
        "test_door_browser.py",
        "test_programs.py",
    ),
    "evidence": ("test_page_evidence_browser.py", "test_page_evidence.py"),
    "rows": ("test_page_rows_browser.py", "test_page_rows.py"),
}
GROUPS = {name: group for group, names in TOGETHER.items() for name in names}
# What takes longest comes first, so that it does not go on alone in the end.
FIRST = (
    *("test_smoke.py", "page", "test_page_visitor_browser.py", "evidence", "test_run.py", "test_retraining.py"),
    *("rows", "test_view_browser.py", "test_door.py", "test_page_decoding.py", "test_engine.py", "test_features.py"),
)


def group_of(name: str) -> str:
    """Of a test file: what it runs together with, by itself its own name."""
    return GROUPS.get(name, name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test that uses Chromium has the mark `browser`; files come in groups, the longest first."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    order = {group: place for place, group in enumerate(FIRST)}
    for item in items:
        order.setdefault(group_of(item.path.name), len(order))
    items.sort(key=lambda item: order[group_of(item.path.name)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` a group of files is given to one process."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Groups(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(Path(super()._split_scope(nodeid)).name)

    return Groups(config, log)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium: what scripts/test found (TWO_MINDS_CHROMIUM, empty for none), else a skip."""
    path = os.environ.get("TWO_MINDS_CHROMIUM", shutil.which("chromium"))
    if not path:
        pytest.skip("no Chromium: install one, or name it by CHROMIUM=/path/to/it scripts/test")
    return path


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of a data set (TWO_MINDS_DATA), else a skip."""
    value = os.environ.get("TWO_MINDS_DATA")
    if not value:
        pytest.skip("needs a data set: TWO_MINDS_DATA=/path/to/it")
    path = Path(value)
    if not path.is_dir():
        pytest.fail(f"TWO_MINDS_DATA is not a folder: {path}")
    return path


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The same random numbers for every test, in any order of tests."""
    # Keras is not imported for the sake of tests that don't need it; a test that imports it itself sets its own seed.
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
    else:
        random.seed(0)
        np.random.seed(0)
