"""What the browser may call by name, each with one argument of any kind."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from anyio.to_thread import run_sync

from page.errors import PageError
from page.log import described
from page.texts import PageTexts

log = logging.getLogger("two-minds")

AT_ONCE = 2  # answers; Gradio has few threads for all its visitors


class NotThere(PageError):
    """What was asked for does not exist or is not shown. `str(error)` is one sentence, `code` is stable."""


class Asked:
    """A tab that answers what the browser asks for by name: methods of a mapping that raise NotThere.

    Attributes:
        names: of the methods that may be called.
        texts: of the page's language.
    """

    names: ClassVar[tuple[str, ...]] = ()
    texts: PageTexts

    def served(
        self, spoken: "Callable[[object], Asked] | None" = None
    ) -> list[Callable[[object], Awaitable[dict[str, Any]]]]:
        """What the browser may call. An error is {"kind", "code", "sentence"}.

        `spoken`: the same in a language, which a question may name as "language".
        """
        free = asyncio.Semaphore(AT_ONCE)

        def serve(name: str) -> Callable[[object], Awaitable[dict[str, Any]]]:
            async def answer(asked: object = None) -> dict[str, Any]:
                async with free:
                    language = asked.get("language") if isinstance(asked, Mapping) else None
                    return await run_sync((spoken(language) if spoken else self).answer, name, asked)

            answer.__name__ = name
            return answer

        return [serve(name) for name in self.names]

    def answer(self, name: str, asked: object) -> dict[str, Any]:
        """What a method answers, or one sentence; `asked` comes from outside and may be anything."""
        try:
            return getattr(self, name)(asked if isinstance(asked, Mapping) else {})
        except NotThere as error:
            return {"kind": "error", "code": error.code, "sentence": self.texts.told(error)}
        except Exception as error:
            log.error("A tab failed: %s", described(error))
            return {"kind": "error", "code": "internal", "sentence": self.texts.say("internal")}
