"""Errors of the page; `PageTexts.told` says them in a language."""

from explain.errors import UserError
from page.texts.en import TEXTS


class PageError(UserError):
    """Something asked of the page that does not exist or cannot be done.

    Args:
        code: key of its sentence in the page's texts.
        **facts: what the sentence is filled in with.
    """

    subject = "page"

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, TEXTS[code].format(**facts), **facts)


class Shut(PageError):
    """What does not get through the door. `code` is the key of its sentence.

    Args:
        status: of HTTP.
    """

    def __init__(self, code: str, status: int, **facts: object) -> None:
        super().__init__(code, **facts)
        self.status = status
