"""Fixture of a page without models. A module that needs it says `pytest_plugins = ["patient_fixtures"]`."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from patient import served

from page import limits


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """It, with small bounds."""
    for name, value in {"EVERY": 0.1, "SESSIONS": 4, "UPLOADS": 2500}.items():
        monkeypatch.setattr(limits, name, value)
    with served(tmp_path) as small:
        yield small
