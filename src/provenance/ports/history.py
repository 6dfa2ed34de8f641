"""Stores of code receipts, sources and accepted changes: their effects, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import frozen

from provenance.effect import Interpreter
from provenance.errors import StoreUnavailableError
from provenance.model.history import NO_SOURCES, Deletion, Equivalence, ShadowCheck
from provenance.model.ids import ArtifactId
from provenance.model.records import Derivation, Run
from provenance.ports.permissions import StoreEffect


@frozen(eq=False, repr=False)
class FindReceipt(StoreEffect["str | None"]):
    """The text of the code receipt of this digest."""

    needs, action = "read", "looking up a code receipt"
    digest: str


@frozen(eq=False, repr=False)
class FindSources(StoreEffect[Mapping[str, str]]):
    """The recorded sources of these digests, as far as there are any."""

    needs, action = "read", "looking up sources"
    digests: frozenset[str]


@frozen(eq=False, repr=False)
class PutEquivalence(StoreEffect[None]):
    """Record that a change of code was accepted; what was recorded of the same change is replaced."""

    needs, action = "write", "accepting a change of code"
    equivalence: Equivalence


@frozen(eq=False, repr=False)
class FindEquivalence(StoreEffect["Equivalence | None"]):
    """The accepted change between the codes of these digests."""

    needs, action = "read", "looking up an accepted change of code"
    name: str
    version: int
    from_code: str
    to_code: str


@frozen(eq=False, repr=False)
class PutDerivation(StoreEffect[bool]):
    """Record a derivation and its *run*; answers False if the artifact is not recorded."""

    needs, action = "write", "recording a derivation"
    derivation: Derivation
    run: Run


@frozen(eq=False, repr=False)
class FindDerivations(StoreEffect[tuple[Derivation, ...]]):
    """The derivations of this artifact, oldest first; one that cannot be believed is left out, with a warning."""

    needs, action = "read", "looking up derivations"
    id: ArtifactId


@frozen(eq=False, repr=False)
class PutDeletion(StoreEffect[None]):
    """Record that an artifact was deleted; what was recorded of an earlier deletion is replaced."""

    needs, action = "delete", "recording a deletion"
    deletion: Deletion


@frozen(eq=False, repr=False)
class FindDeletion(StoreEffect["Deletion | None"]):
    """The last deletion of the artifact of this id or prefix; raises `AmbiguousIdError` if there are several."""

    needs, action = "read", "looking up a deletion"
    id: ArtifactId


@frozen(eq=False, repr=False)
class PutShadowCheck(StoreEffect[None]):
    """Record that a result was computed again and compared."""

    needs, action = "write", "recording a comparison"
    check: ShadowCheck


@frozen(eq=False, repr=False)
class FindShadowChecks(StoreEffect[tuple[ShadowCheck, ...]]):
    """The comparisons of this artifact, oldest first."""

    needs, action = "read", "looking up comparisons"
    id: ArtifactId


@frozen(eq=False, repr=False)
class GetRepositoryId(StoreEffect[str]):
    """The random id of the repository."""

    needs, action = "read", "looking up the id of the repository"


HistoryEffects: TypeAlias = (
    FindReceipt
    | FindSources
    | PutEquivalence
    | FindEquivalence
    | PutDerivation
    | FindDerivations
    | PutDeletion
    | FindDeletion
    | PutShadowCheck
    | FindShadowChecks
    | GetRepositoryId
)
"""Effects of a store of code receipts."""


@runtime_checkable
class HistoryStore(Protocol):
    """A record store with code receipts; each method answers the effect of its name, as in `RecordStore`."""

    def find_receipt(self, digest: str, /) -> str | None: ...
    def find_sources(self, digests: frozenset[str], /) -> Mapping[str, str]: ...
    def put_equivalence(self, equivalence: Equivalence, /) -> None: ...
    def find_equivalence(
        self, name: str, version: int, from_code: str, to_code: str, /
    ) -> Equivalence | None: ...
    def put_derivation(self, derivation: Derivation, run: Run, /) -> bool: ...
    def find_derivations(self, artifact_id: ArtifactId, /) -> tuple[Derivation, ...]: ...
    def put_deletion(self, deletion: Deletion, /) -> None: ...
    def find_deletion(self, artifact_id: ArtifactId, /) -> Deletion | None: ...
    def put_shadow_check(self, check: ShadowCheck, /) -> None: ...
    def find_shadow_checks(self, artifact_id: ArtifactId, /) -> tuple[ShadowCheck, ...]: ...
    def get_repository_id(self) -> str: ...


def history_effects(store: object) -> Interpreter[HistoryEffects]:
    """Return an interpreter for *store*; one without `HistoryStore` has no receipts and derivations."""
    if isinstance(store, HistoryStore):
        return (
            FindReceipt.on(lambda ask: store.find_receipt(ask.digest))
            | FindSources.on(lambda ask: store.find_sources(ask.digests))
            | PutEquivalence.on(lambda ask: store.put_equivalence(ask.equivalence))
            | FindEquivalence.on(
                lambda ask: store.find_equivalence(
                    ask.name, ask.version, ask.from_code, ask.to_code
                )
            )
            | PutDerivation.on(lambda ask: store.put_derivation(ask.derivation, ask.run))
            | FindDerivations.on(lambda ask: store.find_derivations(ask.id))
            | PutDeletion.on(lambda ask: store.put_deletion(ask.deletion))
            | FindDeletion.on(lambda ask: store.find_deletion(ask.id))
            | PutShadowCheck.on(lambda ask: store.put_shadow_check(ask.check))
            | FindShadowChecks.on(lambda ask: store.find_shadow_checks(ask.id))
            | GetRepositoryId.on(lambda _: store.get_repository_id())
        )
    return (
        FindReceipt.on(lambda _: None)
        | FindSources.on(lambda _: NO_SOURCES)
        | PutEquivalence.on(lambda _: _refuse(store))
        | FindEquivalence.on(lambda _: None)
        | PutDerivation.on(lambda _: False)
        | FindDerivations.on(lambda _: ())
        | PutDeletion.on(lambda _: None)
        | FindDeletion.on(lambda _: None)
        | PutShadowCheck.on(lambda _: None)
        | FindShadowChecks.on(lambda _: ())
        | GetRepositoryId.on(lambda _: f"object:{id(store)}")
    )


def _refuse(store: object) -> None:
    raise StoreUnavailableError(
        type(store).__qualname__,
        "it does not keep accepted changes of code",
        "give it the methods of provenance.extending.HistoryStore",
    )
