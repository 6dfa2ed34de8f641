"""The rows of effects hold: a program asks only what its type says, an interpreter answers all that it is asked."""

from typing import BinaryIO, assert_type

from provenance.effect import Interpreter, Program, run, with_layer
from provenance.model.ids import ArtifactId, RunId, ValueId
from provenance.model.records import ArtifactRecord, StoredBlob
from provenance.ports.blobs import HasBlob, ReadBlob, WriteBlob
from provenance.ports.capabilities import AllEffects, Lookup
from provenance.ports.machine import Now
from provenance.ports.records import FindEviction, FindRecord, PutRecord
from provenance.repository import programs
from provenance.repository.programs import BlobLost, LookupHit, LookupMiss, RecordCorrupt
from provenance.testing import scripted


def write(sink: BinaryIO) -> None:
    sink.write(b"")


def looks_up(artifact_id: ArtifactId) -> Program[Lookup, bool]:
    record = yield from FindRecord(artifact_id)
    assert_type(record, ArtifactRecord | None)
    return record is not None and (yield from HasBlob(record.value_blob))


def writes(artifact_id: ArtifactId) -> Program[Lookup, bool]:
    record = yield from FindRecord(artifact_id)
    yield from WriteBlob(write)  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # a look-up may not write
    return record is not None


def reads_a_value(artifact_id: ArtifactId) -> Program[Lookup, object]:
    record = yield from FindRecord(artifact_id)
    assert record is not None
    return (yield from ReadBlob(record.value_blob, lambda source: source.read()))  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # a look-up reads no value


def commits_within_a_look_up(artifact_id: ArtifactId) -> Program[Lookup, bool]:
    return (yield from programs.forget(artifact_id))  # type: ignore[misc]  # pyright: ignore[reportReturnType]  # a look-up deletes nothing


finding: Interpreter[FindRecord] = FindRecord.on(lambda _: None)
having: Interpreter[HasBlob] = HasBlob.on(lambda _: True)
telling: Interpreter[FindEviction] = FindEviction.on(lambda _: None)
an_id = ArtifactId("00" * 20)

# An interpreter that answers the row, or more, will do.
assert_type(run(programs.lookup(an_id), finding), LookupHit | LookupMiss | RecordCorrupt)
assert_type(
    run(programs.probe(an_id), finding | having | telling),
    LookupHit | LookupMiss | BlobLost | RecordCorrupt,
)
assert_type(run(looks_up(an_id), finding | having | telling), bool)

# One that lacks an answer will not.
run(programs.probe(an_id), finding | telling)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]  # HasBlob has no answer
run(looks_up(an_id), having | telling)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]  # FindRecord has no answer
everything: Interpreter[AllEffects] = finding | having  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # most have no answer

# An answer must be of the effect's type.
HasBlob.on(lambda _: "yes")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]  # a bool is wanted
Now.on(lambda _: 0.0)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]  # a datetime is wanted

# A layer keeps the row.
assert_type(with_layer(finding, lambda effect, inner: inner(effect)), Interpreter[FindRecord])

# An id of one table does not look into another.
FindRecord(ValueId("00" * 20))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an artifact's id is wanted
FindRecord(RunId("00" * 20))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an artifact's id is wanted
FindRecord("00" * 20)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an artifact's id is wanted

# A script answers questions of the program's row.
assert_type(
    scripted(programs.lookup(an_id), (FindRecord(an_id), None)),
    LookupHit | LookupMiss | RecordCorrupt,
)


def stores(record: ArtifactRecord, ask: PutRecord) -> None:
    record.name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # records are frozen
    ask.replace = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # effects are frozen
    StoredBlob(b"")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a blob's name is wanted
