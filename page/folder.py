"""The folder of one server: what visitors send lies in it, and goes before long, or with the server at the latest.

Whether a server still runs is told by a lock on a file, which the system takes back however a process ends. A number of
a process does not tell it: it is given away again, and a killed process keeps it until its parent has looked.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: there an open file cannot be deleted, which tells the same
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("two-minds")

PREFIX = "two-minds-"
LOCK = "lock"
STARTING = 60  # seconds in which a folder gets its lock; one without is left over
UNFINISHED = 120  # seconds: a file that is being sent has been written to since; the door lets no sender rest so long


class Folder:
    """A folder of this process alone, with a lock on it.

    Args:
        parent: where it is made; the system's temporary folder, as a rule.

    Attributes:
        uploads: for files that visitors send.
        scratch: for temporary files of whatever else.
    """

    def __init__(self, parent: Path) -> None:
        self.path, self._lock = _locked(parent)
        self.uploads, self.scratch = self.path / "uploads", self.path / "scratch"
        self.uploads.mkdir()
        self.scratch.mkdir()

    def use(self) -> None:
        """Have Gradio, once it is imported, and Python's tempfile write here and nowhere else."""
        os.environ["GRADIO_TEMP_DIR"] = str(self.uploads)
        tempfile.tempdir = str(self.scratch)

    def trim(self, age: float, most: int, now: float | None = None) -> None:
        """Delete what is older than `age` seconds or was left unfinished, and the oldest beyond `most` bytes in all.

        Whoever wrote it: the folder itself is walked. `now` is the time to go by, in seconds since 1970.
        """
        trim(self.uploads, age, most, now)
        trim(self.scratch, age, most, now)

    def close(self) -> None:
        """Delete it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)  # the lock, where an open file stays


def sweep(parent: Path) -> None:
    """Delete the folders of servers that have ended, however they did."""
    for left in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), _orphaned(left) as orphaned:
            if orphaned:
                shutil.rmtree(left, ignore_errors=True)


def trim(folder: Path, age: float, most: int, now: float | None = None) -> None:
    """`Folder.trim` of one folder; a file directly in it counts as unfinished, as Gradio moves a whole one deeper."""
    now = time.time() if now is None else now
    kept = []
    for path, status in _files(folder):
        if now - status.st_ctime > (min(age, UNFINISHED) if path.parent == folder else age):
            with contextlib.suppress(OSError):
                path.unlink()
        else:
            kept.append((status.st_ctime, status.st_size, path))
    total = 0
    for _, size, path in sorted(kept, reverse=True):
        total += size
        if total > most:
            with contextlib.suppress(OSError):
                path.unlink()
    for inside in [Path(inside) for inside, _, _ in os.walk(folder, topdown=False)]:
        with contextlib.suppress(OSError):  # one that is not empty
            if inside != folder and now - inside.stat().st_ctime > UNFINISHED:  # a file may be on its way into it
                inside.rmdir()


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files under a folder, links not followed."""
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                path = Path(inside, name)
                yield path, path.lstat()


def _locked(parent: Path) -> tuple[Path, IO[bytes]]:
    """A new folder, and the open file that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = open(folder / LOCK, "wb")  # noqa: SIM115  open as long as the process lives
        except FileNotFoundError:  # swept away by a server that starts just now
            continue
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # the same
                lock.close()
                continue
            except OSError as error:
                log.warning("The temporary folder takes no locks (%s); a killed server may leave photos.", error)
                return folder, lock
            if os.fstat(lock.fileno()).st_nlink == 0:
                lock.close()
                continue
        return folder, lock


@contextlib.contextmanager
def _orphaned(folder: Path) -> Iterator[bool]:
    """Whether nobody holds a folder's lock. While this lasts, nobody else can take it."""
    if folder.is_symlink() or not folder.is_dir() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
        yield False
    elif not (folder / LOCK).exists():
        yield time.time() - folder.stat().st_mtime > STARTING
    elif fcntl is None:
        (folder / LOCK).unlink()  # OSError while it is open
        yield True
    else:
        with open(folder / LOCK, "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
