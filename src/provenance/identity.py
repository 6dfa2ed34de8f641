"""Artifact ids, derived from a function's identity and the hashes of its inputs."""

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
    """The identity of a function: the name of its artifacts, its version, and where it is defined.

    `scope` is the full qualified name if `name` is the default one, so that nested functions of the
    same name differ. It is None if the user chose the name: functions with the same chosen name
    share artifacts.
    """

    __module__ = "provenance"

    name: str
    version: int
    scope: str | None


@frozen
class InputHashes:
    """The hashes of a call's inputs, as hex: by parameter, of `*args`, and by captured variable."""

    __module__ = "provenance"

    kargs: Mapping[str, str]
    varargs: tuple[str, ...] = ()
    captured: Mapping[str, str] = field(default=NO_HASHES)


def default_identity(module: str, qualname: str, version: int) -> Identity:
    """Return the identity of a function without a chosen name.

    >>> default_identity("pipeline", "make.<locals>.Model.fit", 0).name
    'pipeline.Model.fit'
    """
    return Identity(
        f"{module}.{qualname.rpartition('<locals>.')[2]}", version, f"{module}:{qualname}"
    )


def call_id(identity: Identity, hashes: InputHashes) -> ArtifactId:
    """Return the id of the artifact of a call; the order of keyword arguments does not matter."""
    items: list[str | int | None] = [
        identity.name,
        identity.version,
        identity.scope,
        len(hashes.kargs),
    ]
    for name in sorted(hashes.kargs):
        items += (name, hashes.kargs[name])
    items.append(len(hashes.varargs))
    items += hashes.varargs
    for name in sorted(hashes.captured):
        items += (name, hashes.captured[name])
    # The same as `combine`, with a prefix computed in advance.
    return ArtifactId(seal(_CALL, items).hex())


def set_id(members: Iterable[ArtifactId]) -> SetId:
    """Return the id of the set of these artifacts."""
    return SetId(combine("artifact set", sorted(members)).hex())


def uncached_id(call: ArtifactId, value: ValueId) -> ArtifactId:
    """Return the id of an artifact computed with the cache off, from its call and value."""
    return ArtifactId(combine("uncached", [call, value]).hex())
