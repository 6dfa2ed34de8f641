"""Libraries whose versions count as code: the option `sensitive_to`."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from provenance.errors import ConfigError

_FORM: Final = re.compile(
    r"\s*([A-Za-z0-9][\w.-]*)\s*(?::\s*(major|minor|full)|>=\s*(\d[\w.]*))?\s*"
)
_PARTS: Final = {"major": 1, "minor": 2}
NOT_INSTALLED: Final = "not installed"
LIBRARY: Final = "library "
"""What the names of libraries begin with in a receipt."""


@frozen
class Sensitivity:
    """A distribution, and which of its versions count as different.

    Attributes:
        name: name of the distribution.
        part: `major`, `minor` or `full`: up to which part the versions are compared.
        boundary: a version: only whether one is below it counts.
    """

    name: str
    part: str = "major"
    boundary: str = ""

    def of(self, version: str) -> str:
        """Return what counts of a version.

        >>> Sensitivity("numpy").of("2.1.0"), Sensitivity("numpy", "minor").of("2.1.0")
        ('2', '2.1')
        >>> Sensitivity("lightgbm", boundary="4").of("3.9")
        '<4'
        """
        if self.boundary:
            return f"{'>=' if _numbers(version) >= _numbers(self.boundary) else '<'}{self.boundary}"
        length = _PARTS.get(self.part)
        return version if length is None else ".".join(version.split(".")[:length])


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, without zeros at the end: `4` is `4.0`."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def parse_sensitivity(text: str, path: str) -> Sensitivity:
    """Return what `sensitive_to` means by *text*; raise ConfigError if it means nothing.

    >>> parse_sensitivity("numpy:minor", "here"), parse_sensitivity("lightgbm>=4", "here")
    (Sensitivity(name='numpy', part='minor', boundary=''), Sensitivity(name='lightgbm', part='major', boundary='4'))
    """
    match = _FORM.fullmatch(text)
    if match is None:
        advice = "write 'numpy' (major version), 'numpy:minor', 'numpy:full' or 'numpy>=2'"
        raise ConfigError(path, f"cannot read {text!r}", advice)
    name, part, boundary = match.groups()
    return Sensitivity(name, part or "major", boundary or "")


def installed_versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Return what counts of the installed versions, by what a receipt calls the libraries."""
    if not libraries:
        return {}
    from importlib import metadata  # noqa: PLC0415 - loads much, and few functions name libraries

    found: dict[str, str] = {}
    for text in libraries:
        wanted = parse_sensitivity(text, "sensitive_to")
        try:
            version = wanted.of(metadata.version(wanted.name))
        except metadata.PackageNotFoundError:
            version = NOT_INSTALLED
        found[f"{LIBRARY}{wanted.name}"] = version
    return found
