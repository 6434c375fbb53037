"""All that the page says: its own sentences and those of the view, one table a language. `say` fills in names."""

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


def told(error: Exception) -> str:
    """What an error of `explain` with a `code` says, in the page's language where it has words for it."""
    return TEXTS["errors"].get(error.code, str(error))


def labels() -> dict[str, str]:
    """What the browser needs to say by itself."""
    return {**TEXTS["view_labels"], **TEXTS["labels"]}
