"""Code receipts, accepted changes and derivations in an SQL database."""

from __future__ import annotations

from typing import Any, cast

from provenance.effects.sql import statements
from provenance.effects.sql.database import Database, Execute
from provenance.effects.sql.signing import RecordSigner
from provenance.errors import AmbiguousIdError, CorruptRecordError
from provenance.model.history import CodeReceipt, Deletion, Equivalence, ShadowCheck, receipt_digest
from provenance.model.ids import ArtifactId, DerivationId, RunId
from provenance.model.records import Derivation, Run
from provenance.model.rows import (
    edges_text,
    ids_text,
    parse_edges,
    parse_ids,
    parse_time,
    run_to_json,
    time_text,
)
from provenance.telemetry import report_skipped


def put_receipt(execute: Execute, receipt: CodeReceipt) -> None:
    """Store a code receipt with its sources, unless it is stored."""
    if execute(statements.PUT_RECEIPT, (receipt.digest, receipt.text)).rowcount:
        for digest, text in receipt.sources.items():
            execute(statements.PUT_SOURCE, (digest, text))


def put_run(execute: Execute, run: Run, parents: tuple[Run, ...] = ()) -> None:
    """Store a run with its parents, unless they are stored."""
    # A derivation brings a run without its parents.
    for process in (*parents, run):
        if not execute(statements.HAS_RUN, (process.id,)).fetchall():
            row = (
                process.id,
                time_text(process.created_at),
                process.parent_id,
                run_to_json(process),
            )
            execute(statements.PUT_RUN, row)


def put_derivation_edges(execute: Execute, artifact_id: ArtifactId) -> None:
    """Index the inputs of the artifact's derivations."""
    for row in execute(statements.FIND_DERIVATIONS, (artifact_id,)).fetchall():
        for input_id in parse_ids(cast("str", row[2])):
            execute(statements.PUT_EDGE, (artifact_id, input_id))


class SqlHistory:
    """Receipts, accepted changes and derivations in the tables of *database*, signed and checked by *seal*."""

    def __init__(self, database: Database, seal: RecordSigner) -> None:
        self._database = database
        self._seal = seal

    def find_receipt(self, digest: str) -> str | None:
        """Return the text of the code receipt of this digest, or None; raise for another text."""
        rows = self._database.query(statements.FIND_RECEIPT, digest)
        if not rows:
            return None
        text = cast("str", rows[0][0])
        if receipt_digest(text) != digest:
            problem = "its text has another digest"
            raise CorruptRecordError(digest, self._database.name, problem, what="code receipt")
        return text

    def find_sources(self, digests: frozenset[str]) -> dict[str, str]:
        """Return the recorded sources of these digests."""
        found = {
            digest: self._database.query(statements.FIND_SOURCE, digest)
            for digest in sorted(digests)
        }
        return {digest: cast("str", rows[0][0]) for digest, rows in found.items() if rows}

    def put_equivalence(self, equivalence: Equivalence) -> None:
        """Record that a change of code was accepted."""
        change = equivalence
        key = change.name, change.version, change.from_code, change.to_code
        facts = change.accepted_by, time_text(change.accepted_at), change.note
        self._database.change(statements.PUT_EQUIVALENCE, (*key, *facts))

    def find_equivalence(
        self, name: str, version: int, from_code: str, to_code: str
    ) -> Equivalence | None:
        """Return the accepted change, or None."""
        key = name, version, from_code, to_code
        rows: Any = self._database.query(statements.FIND_EQUIVALENCE, *key)
        if not rows:
            return None
        accepted_by, accepted_at, note = rows[0]
        return Equivalence(*key, accepted_by, parse_time(accepted_at), note)

    def put_deletion(self, deletion: Deletion) -> None:
        """Record that an artifact was deleted."""
        what = deletion
        row = what.artifact_id, what.name, what.version, time_text(what.deleted_at), what.reason
        self._database.change(statements.PUT_DELETION, row)

    def find_deletion(self, artifact_id: ArtifactId) -> Deletion | None:
        """Return the last deletion of the artifact, or None; raises `AmbiguousIdError`."""
        bounds = artifact_id, artifact_id + "g"  # ids are hexadecimal
        rows: Any = self._database.query(statements.FIND_DELETIONS, *bounds, 2, 0)
        if not rows:
            return None
        if len(rows) > 1:
            raise AmbiguousIdError(artifact_id, [row[0] for row in rows])
        key, name, version, deleted_at, reason = rows[0]
        return Deletion(key, name, version, parse_time(deleted_at), reason)

    def put_shadow_check(self, check: ShadowCheck) -> None:
        """Record that a result was computed again and compared."""
        row = check.artifact_id, time_text(check.checked_at), check.agreed, check.code
        self._database.change(statements.PUT_SHADOW, row)

    def find_shadow_checks(self, artifact_id: ArtifactId) -> tuple[ShadowCheck, ...]:
        """Return the comparisons of the artifact, oldest first."""
        rows: Any = self._database.query(statements.FIND_SHADOWS, artifact_id)
        return tuple(
            ShadowCheck(artifact_id, parse_time(checked_at), bool(agreed), code)
            for _, checked_at, agreed, code in rows
        )

    def get_repository_id(self) -> str:
        """Return the random id of the repository."""
        return cast("str", self._database.query(statements.FIND_REPOSITORY_ID)[0][0])

    def put_derivation(self, derivation: Derivation, run: Run) -> bool:
        """Record a derivation and its run; return False if the artifact is not recorded."""
        facts = _facts(derivation)
        row = (*facts, self._seal.signature(facts, ""))

        def work(execute: Execute) -> bool:
            if not execute(statements.HAS_RECORD, (derivation.artifact_id,)).fetchall():
                return False
            put_run(execute, run)
            execute(statements.PUT_DERIVATION, row)
            for input_id in derivation.input_artifact_ids:
                execute(statements.PUT_EDGE, (derivation.artifact_id, input_id))
            return True

        return self._database.transaction(work)

    def find_derivations(self, artifact_id: ArtifactId) -> tuple[Derivation, ...]:
        """Return the derivations of the artifact, oldest first; skip those that cannot be believed, with a warning."""
        found: list[Derivation] = []
        skipped: list[CorruptRecordError] = []
        for row in self._database.query(statements.FIND_DERIVATIONS, artifact_id):
            try:
                found.append(self._derivation(row))
            except CorruptRecordError as error:
                skipped.append(error)
        report_skipped(skipped)
        return tuple(found)

    def is_derived(self, artifact_id: ArtifactId, input_id: ArtifactId) -> bool:
        """Return whether a derivation of the artifact has this input."""
        known = self.find_derivations(artifact_id)
        return any(input_id in derivation.input_artifact_ids for derivation in known)

    def problems_of_derivations(self) -> tuple[str, ...]:
        """Return what is wrong with recorded derivations."""
        problems: list[str] = []
        for row in self._database.query(statements.LIST_DERIVATIONS):
            try:
                self._derivation(row)
            except CorruptRecordError as error:
                problems.append(str(error))
        return tuple(problems)

    def _derivation(self, row: Any) -> Derivation:  # noqa: ANN401 - a row
        """Return the derivation in *row*, checked; raises `CorruptRecordError`."""
        artifact_id, derivation_id, inputs, derivations, run_id, derived_at, signature = row
        try:
            found = Derivation(
                ArtifactId(artifact_id),
                DerivationId(derivation_id),
                parse_ids(inputs),
                RunId(run_id),
                parse_time(derived_at),
                parse_edges(derivations),
                signature=signature,
            )
            problem = self._seal.problem(_facts(found), signature)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            name = self._database.name
            raise CorruptRecordError(str(derivation_id), name, reason, what="derivation") from error
        if problem is not None:
            name = self._database.name
            raise CorruptRecordError(derivation_id, name, problem, what="derivation")
        return found


def _facts(derivation: Derivation) -> tuple[str, ...]:
    """Return the columns of a derivation without its signature."""
    return (
        derivation.artifact_id,
        derivation.id,
        ids_text(derivation.input_artifact_ids),
        edges_text(derivation.input_derivations),
        derivation.run_id,
        time_text(derivation.derived_at),
    )
