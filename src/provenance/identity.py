"""From a function and the hashes of its inputs to an artifact id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from provenance.hashing import combine
from provenance.hashing.format import prefix, seal
from provenance.ids import ArtifactId, SetId, ValueId

NO_HASHES: Mapping[str, str] = {}


_CALL = prefix("call")


@frozen
class Identity:
    """What tells a function from others: the name its artifacts carry, its version, and where it is defined.

    `scope` is the full qualified name when `name` is the default one, so that nested functions of one name never
    meet; None when the user chose the name: two functions with a chosen name share artifacts on purpose.
    """

    name: str
    version: int
    scope: str | None


@frozen
class InputHashes:
    """Hash of each input, as hex: by parameter name, of each of `*args`, and of each captured variable."""

    kargs: Mapping[str, str]
    varargs: tuple[str, ...] = ()
    captured: Mapping[str, str] = field(default=NO_HASHES)


def default_identity(module: str, qualname: str, version: int) -> Identity:
    """Identity of a function that was given no name.

    >>> default_identity("pipeline", "make.<locals>.Model.fit", 0).name
    'pipeline.Model.fit'
    """
    return Identity(f"{module}.{qualname.rpartition('<locals>.')[2]}", version, f"{module}:{qualname}")


def call_id(identity: Identity, hashes: InputHashes) -> ArtifactId:
    """Id of the artifact that a call with these inputs makes; the order of keyword arguments does not count."""
    items: list[str | int | None] = [identity.name, identity.version, identity.scope, len(hashes.kargs)]
    for name in sorted(hashes.kargs):
        items += (name, hashes.kargs[name])
    items.append(len(hashes.varargs))
    items += hashes.varargs
    for name in sorted(hashes.captured):
        items += (name, hashes.captured[name])
    return ArtifactId(seal(_CALL, items).hex())  # `combine`, but that the prefix is at hand


def set_id(members: Iterable[ArtifactId]) -> SetId:
    """Id of the set of these artifacts."""
    return SetId(combine("artifact set", sorted(members)).hex())


def uncached_id(call: ArtifactId, value: ValueId) -> ArtifactId:
    """Id of what a call computed while the cache was off: equal values meet in one artifact, others do not."""
    return ArtifactId(combine("uncached", [call, value]).hex())
