"""What is said in one language: sentences by key. Data hold ids and numbers, sentences stand in such tables alone.

Labels go to the browser as they are; {names} in them are filled in there. In sentences **two stars** mark what stands
out. {name:은} in a Korean sentence is the name with the particle that follows its sound (`korean`).
"""

import string
from collections.abc import Mapping
from typing import Any

from explain.view.texts import en, ko
from explain.view.texts.korean import PARTICLES, joined

TABLES: dict[str, dict[str, Any]] = {"en": en.TEXTS, "ko": ko.TEXTS}


class _Filled(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return joined(str(value), format_spec) if format_spec in PARTICLES else super().format_field(value, format_spec)


class Texts:
    """The sentences of one language by key.

    Args:
        tables: sentences, or lists and tables of such, by key; a key stands in one of them.
        language: theirs, as HTML names it.
    """

    def __init__(self, *tables: Mapping[str, Any], language: str = "en") -> None:
        self.table: dict[str, Any] = {key: value for table in tables for key, value in table.items()}
        self.language = language

    def say(self, key: str, **facts: object) -> str:
        """A sentence with its names filled in."""
        return _Filled().format(self.table[key], **facts)

    def class_name(self, name: str) -> str:
        """What a class, or a larger one, is called: its name in the data set, where the language has no other."""
        return self.table["classes"].get(name, name)

    def __getitem__(self, key: str) -> Any:
        return self.table[key]


def texts(language: str = "en") -> Texts:
    """What the view says in a language."""
    return Texts(TABLES[language], language=language)
