"""Errors of the page, said in its own language."""

from explain.errors import UserError
from page.texts import say


class PageError(UserError):
    """Something asked of the page that does not exist or cannot be done.

    Args:
        code: key of its sentence in `TEXTS`.
        **facts: what the sentence is filled in with.
    """

    subject = "page"

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, say(code, **facts), **facts)
