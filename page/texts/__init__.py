"""All that the page says: its own sentences and those of the view, one table a language. `say` fills in names."""

from explain.errors import UserError
from explain.view import texts as view
from explain.view.texts import Texts
from explain.view.words import Words
from page.texts import en

TABLES = {"en": en.TEXTS}


def texts(language: str = "en") -> Texts:
    """What the page says in a language, the view's sentences among it."""
    return Texts(view.TABLES[language], TABLES[language])


TEXTS = texts()
WORDS = Words(TEXTS)
say = TEXTS.say


def told(error: UserError) -> str:
    """What an error says, in the page's language where it has words for its key, filled in by the error's facts."""
    sentence = TEXTS["errors"].get(error.key)
    return str(error) if sentence is None else sentence.format(**error.facts)


def labels() -> dict[str, str]:
    """What the browser needs to say by itself."""
    return {**TEXTS["view_labels"], **TEXTS["labels"]}
