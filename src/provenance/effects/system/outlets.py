"""Outlets: where lines of text go while a program runs, a file or an address."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH123

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Mapping
from typing import Final

from provenance.effects.io import absolute_path, map_os_errors
from provenance.errors import StoreUnavailableError
from provenance.util.redaction import redact_url

_TIMEOUT: Final = 5.0
_ADVICE: Final = "check the address, and that the collector runs"


class FileOutlet:
    """A file to which lines are appended, each in one step, so that processes may share it."""

    def __init__(self, path: str) -> None:
        self._path = absolute_path(path)
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Append *line*; raises `StoreUnavailableError`."""
        with self._lock, map_os_errors(self._path), open(self._path, "ab", buffering=0) as file:
            file.write(f"{line}\n".encode())


class HttpOutlet:
    """An address to which each line is posted as a JSON document."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", **headers}

    def __call__(self, line: str) -> None:
        """Post *line*; raises `StoreUnavailableError`."""
        request = urllib.request.Request(self._url, line.encode(), self._headers)  # noqa: S310 - checked by the caller
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
                answer.read()
        except (OSError, ValueError) as error:
            raise StoreUnavailableError(redact_url(self._url), str(error), _ADVICE) from error
