"""What is said in one language: sentences by key. Data hold ids and numbers, sentences stand in such tables alone.

Labels go to the browser as they are; {names} in them are filled in there. In sentences **two stars** mark what stands
out.
"""

from collections.abc import Mapping
from typing import Any

from explain.view.texts import en

TABLES: dict[str, dict[str, Any]] = {"en": en.TEXTS}


class Texts:
    """The sentences of one language by key.

    Args:
        tables: sentences, or lists and tables of such, by key; a key stands in one of them.
    """

    def __init__(self, *tables: Mapping[str, Any]) -> None:
        self.table: dict[str, Any] = {key: value for table in tables for key, value in table.items()}

    def say(self, key: str, **facts: object) -> str:
        """A sentence with its names filled in."""
        return self.table[key].format(**facts)

    def __getitem__(self, key: str) -> Any:
        return self.table[key]


def texts(language: str = "en") -> Texts:
    """What the view says in a language."""
    return Texts(TABLES[language])
