"""Pictures from outside: opened only inside Gradio's upload folder, and only by our own reader (`page.decoding`).

Gradio 6.31's image input trusts the `meta` that a request brings: a raw call that omits or falsifies it makes the
server open any picture it can read, a path that is an address is downloaded, and a file that calls itself .svg is
handed on unread. The guard refuses all that was not uploaded, whatever the request says.
"""

import hashlib
import os
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from explain.pictures import MAX_BYTES, MEGA
from page.errors import PageError

MAX_FILE = f"{MAX_BYTES // MEGA}mb"  # as Gradio writes it
SWEEP = (300, 1500)  # seconds: uploads are kept for the second, and noticed within the first; the page sends one again


class NotUploaded(PageError):
    """A path from outside that is none of an uploaded file. `code` is "not_uploaded", or "gone" for a deleted one."""


def uploaded(path: object) -> str:
    """The real path of an uploaded file.

    Args:
        path: what a request names; anything at all.

    Raises:
        NotUploaded: for whatever does not lie in the upload folder, links followed, or is no longer there. Nothing is
            opened to find that out.
    """
    if not isinstance(path, str) or not path or "\0" in path or len(path) > 4096:
        raise NotUploaded("not_uploaded")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise NotUploaded("not_uploaded") from None
    real, folder = os.path.realpath(path), os.path.realpath(get_upload_folder())
    if not os.path.isabs(path) or real == folder or not is_in_or_equal(real, folder):
        raise NotUploaded("not_uploaded")
    if not os.path.isfile(real):
        raise NotUploaded("gone")
    return real


def digest(path: str) -> str:
    """The sha256 of an uploaded file, as `uploaded` gives its path. NotUploaded where it has gone meanwhile."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise NotUploaded("gone") from None


class GuardedImage(gr.Image):
    """Gradio's image input (upload, paste, webcam) that gives the path of a file, and of uploaded ones alone."""

    is_template = True  # to the browser it is gr.Image
    told: Callable[[PageError], str] = staticmethod(str)  # what an error says, in the page's language

    async def async_move_resource_to_block_cache(self, url_or_file_path: Any) -> str | None:
        """Called before `preprocess` where the request says it brings a file; Gradio's own would download addresses."""
        return None if url_or_file_path is None else self._guarded(str(url_or_file_path))

    def preprocess(self, payload: Any) -> str | None:
        """The file's path; gr.Error with one sentence where it was not uploaded. It is read when its turn comes."""
        return None if payload is None else self._guarded(payload.path)

    def _guarded(self, path: str) -> str:
        try:
            return uploaded(path)
        except NotUploaded as error:
            raise refusal(self.told(error), error.code) from None


def refusal(sentence: str, code: str) -> gr.Error:
    """An error that a caller sees as one sentence, with its code as title; the log gets no traceback."""
    return gr.Error(sentence, title=code, print_exception=False)
