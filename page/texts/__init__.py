"""All that the page says: its own sentences, and those of the view and of the studies; one table a language."""

from dataclasses import replace

from explain.cards import Card
from explain.errors import UserError
from explain.view import texts as view
from explain.view.texts import Texts
from page.examples import Example
from page.experiments import SHIPPED
from page.texts import en, ko
from study import texts as study
from study.experiments import Experiment

TABLES = {"en": en.TEXTS, "ko": ko.TEXTS}  # the first is said where nothing is asked for


class PageTexts(Texts):
    """What the page says in a language, the sentences of the view and of the studies among it.

    Args:
        language: one of `TABLES`.
    """

    def __init__(self, language: str = "en") -> None:
        super().__init__(view.TABLES[language], study.TABLES[language], TABLES[language], language=language)

    def told(self, error: UserError) -> str:
        """What an error says: by the words for its key, filled in by its facts; without such, its own English ones."""
        if error.subject == "page":
            return self.say(error.code, **error.facts)
        sentence = self["errors"].get(error.key)
        return str(error) if sentence is None else sentence.format(**error.facts)

    def labels(self) -> dict[str, str]:
        """What the browser needs to say by itself in Compare."""
        return {**self["view_labels"], **self["labels"]}

    def titled(self, experiment: Experiment) -> Experiment:
        """An experiment with its title and question: its own, or what the page calls these models, or its id."""
        title, question = experiment.id, ""
        if experiment.models == SHIPPED.get(experiment.id):
            title, question = self["experiments"][experiment.id]
        return replace(experiment, title=experiment.title or title, question=experiment.question or question)

    def card(self, card: Card) -> Card:
        """A card with its title and description in this language, where it has them."""
        title, description = self["models"].get(card.model_id, (card.title, card.description))
        return replace(card, title=title, description=description)

    def example(self, example: Example) -> Example:
        """An example with its title in this language, where it has one."""
        return replace(example, title=self["example_titles"].get(example.id, example.title))


def language_of(accepted: str) -> str:
    """Of the languages that a browser accepts (Accept-Language) the first that the page has; else English."""
    for part in accepted.split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in TABLES:
            return language
    return next(iter(TABLES))
