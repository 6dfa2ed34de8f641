"""A listener for input and output: code that ought to be pure runs inside `silence()`.

CPython reports to audit hooks whatever opens a file, lists a folder, starts a process or makes a socket (reading the clock
goes unreported: the import contracts forbid that one). A hook cannot be taken away again, so there is one, placed when
first needed, and it listens only inside the block and only to the block's own thread. What the import system reads
while a module loads is not the code's doing and is passed over.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import get_ident
from types import FrameType

LOUD = ("open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "tempfile.", "urllib.")

_ears: dict[int, list[str]] = {}  # thread -> what it was heard doing


class NoiseError(AssertionError):
    """Code that ought to be pure touched the world; `heard` lists how."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__("expected silence, heard " + "; ".join(heard))
        self.heard = heard


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    heard = _ears.get(get_ident())
    if heard is not None and event.startswith(LOUD) and not _importing(sys._getframe(1)):
        heard.append(f"{event}{arguments[:1]!r}")


@cache
def _place_the_hook() -> None:
    sys.addaudithook(_listen)


@contextmanager
def silence() -> Iterator[None]:
    """Raise `NoiseError` if the body opened, listed, started or connected; else do nothing."""
    _place_the_hook()
    outer, heard = _ears.get(get_ident()), list[str]()
    _ears[get_ident()] = heard
    try:
        yield
    finally:
        if outer is None:
            del _ears[get_ident()]
        else:
            _ears[get_ident()] = outer
    if heard:
        raise NoiseError(heard)
