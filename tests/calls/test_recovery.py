"""The blob is the fact, the record a hint: a hit whose value is gone or damaged is computed, stored and told anew."""

import sqlite3
import sys

import pytest

import provenance as p
from provenance.events import Hit, Miss, MissReason, Recovered

BIG = b"\x01" * 5000
SMALL = b"\x02" * 10


def compute(size, log):
    """What is computed: big enough for a file, or small enough for the database."""
    log.append(size)
    return BIG if size == "big" else SMALL


@pytest.fixture
def log():
    """Calls that were computed."""
    return []


@pytest.fixture
def f(log):
    """A decorated function that logs its computations."""
    return p.provenance(name="compute", remove=["log"])(compute)


def blob_file(tmp_path, blob):
    """The file of a blob."""
    (found,) = [
        each
        for each in (tmp_path / "blobs").rglob("*")
        if each.is_file() and blob.id in _digits(each, tmp_path)
    ]
    return found


def _digits(path, tmp_path):
    return "".join(path.relative_to(tmp_path / "blobs").parts)


def delete(path):
    """The file is gone."""
    path.unlink()


def empty(path):
    """Nothing is left in it."""
    path.write_bytes(b"")


def truncate(path):
    """Its end is missing."""
    path.write_bytes(path.read_bytes()[:-7])


def extend(path):
    """Something is appended."""
    path.write_bytes(path.read_bytes() + b"x")


def flip(path):
    """One bit is another."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = [delete, empty, truncate, extend, flip]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_hit_is_repaired(stored, reopened, events, tmp_path, f, log, damage):
    """Whatever happened to the file, the value is right, the store is repaired, and the event says why."""
    artifact = f.artifact("big", log)
    damage(blob_file(tmp_path, artifact.value_blob))
    reopened()
    assert BIG == f("big", log)
    assert ["big", "big"] == log
    assert [Miss, Hit, Recovered] == [type(each) for each in events]
    healed = events[-1]
    expected = MissReason.BLOB_MISSING if damage is delete else MissReason.BLOB_CORRUPT
    assert (artifact.id, expected) == (healed.artifact_id, healed.reason)
    assert artifact.value_blob.id in healed.detail
    again = reopened()
    assert BIG == f("big", log) == again[artifact.id].value
    assert ["big", "big"] == log


@pytest.mark.parametrize("damage", DAMAGES)
def test_loading_by_id_says_what_happened(stored, reopened, tmp_path, f, log, damage):
    """Without the function at hand, a missing or damaged value is an error that names the blob."""
    artifact = f.artifact("big", log)
    damage(blob_file(tmp_path, artifact.value_blob))
    repo = reopened()
    expected = p.BlobNotFoundError if damage is delete else p.CorruptBlobError
    for load in (
        lambda: repo[artifact.id].value,
        lambda: repo.get_value(artifact.id),
        lambda: len(repo[artifact.id].proxy()),
    ):
        with pytest.raises(expected, match=artifact.value_blob.id):
            load()
    assert ["big"] == log


def test_the_builtin_errors_can_be_caught(stored, reopened, tmp_path, f, log):
    """What is missing is a FileNotFoundError, what is damaged a ValueError."""
    artifact = f.artifact("big", log)
    flip(blob_file(tmp_path, artifact.value_blob))
    with pytest.raises(ValueError, match="damaged"):
        _ = reopened()[artifact.id].value
    delete(blob_file(tmp_path, artifact.value_blob))
    with pytest.raises(FileNotFoundError):
        _ = reopened()[artifact.id].value


def lose_row(tmp_path, digest):
    """Delete the bytes of a small blob from the database."""
    with sqlite3.connect(tmp_path / "records.db") as connection:
        done = connection.execute(
            "UPDATE artifacts SET value_data = NULL WHERE content_digest = ?", (digest,)
        )
        assert 1 == done.rowcount
    connection.close()


def test_a_small_value_is_repaired_in_the_database(stored, reopened, events, tmp_path, f, log):
    """Values that are kept in the database heal as files do."""
    artifact = f.artifact("small", log)
    lose_row(tmp_path, artifact.value_blob.id)
    reopened()
    assert SMALL == f("small", log)
    assert (["small", "small"], MissReason.BLOB_MISSING) == (log, events[-1].reason)
    assert SMALL == reopened()[artifact.id].value


def test_a_value_that_cannot_be_decoded_is_repaired(stored, reopened, events):
    """The bytes are as they were written, but the serializer fails on them: that is damage too."""
    broken = []

    def load(source):
        if broken:
            raise broken.pop()
        return source.read()

    p.register_serializer("fragile", lambda value, sink: sink.write(value), load)
    f = p.provenance(name="f", serializer="fragile")(lambda: BIG)
    artifact = f.artifact()
    broken += [EOFError("cannot read this any more") for _ in range(3)]
    repo = reopened()
    with pytest.raises(p.CorruptBlobError, match="EOFError"):
        _ = repo[artifact.id].value
    assert BIG == f()
    assert isinstance(events[-1], Recovered)
    assert "cannot read this any more" in events[-1].detail


def test_is_cached_sees_that_a_value_is_gone(stored, reopened, tmp_path, f, log):
    """A record without its value is no cached result."""
    artifact = f.artifact("big", log)
    assert f.is_cached("big", log)
    delete(blob_file(tmp_path, artifact.value_blob))
    reopened()
    assert not f.is_cached("big", log)


def test_damaged_bytes_are_kept_for_inspection(stored, reopened, tmp_path, f, log):
    """Repairing does not destroy the evidence."""
    file = blob_file(tmp_path, f.artifact("big", log).value_blob)
    truncate(file)
    damaged = file.read_bytes()
    reopened()
    bytes(f("big", log))
    assert damaged in [
        each.read_bytes() for each in (tmp_path / "blobs").rglob("*") if each.is_file()
    ]


def test_a_value_that_cannot_be_computed_anew_is_an_error(stored, reopened, tmp_path):
    """When the arguments have changed since the call, computing would give another value: the error says what is gone."""
    f = p.provenance(name="f", lazy=True)(lambda values: bytes(5000))
    values = [1]
    artifact = f.artifact(values)
    delete(blob_file(tmp_path, artifact.value_blob))
    reopened()
    lazy = f(values)
    values.append(2)
    with pytest.raises(p.BlobNotFoundError):
        len(lazy)


def test_a_changed_result_takes_the_place_of_the_lost_one(stored, reopened, tmp_path):
    """A function that gives another value now: the artifact has the new value, wherever it is read."""
    global _answers  # noqa: PLW0603 - a global is no captured value
    _answers = iter([BIG, BIG + b"new"])
    f = p.provenance(name="f")(lambda: next(_answers))
    artifact = f.artifact()
    delete(blob_file(tmp_path, artifact.value_blob))
    reopened()
    assert BIG + b"new" == f()
    assert BIG + b"new" == reopened()[artifact.id].value == f()
    assert p.hash(BIG + b"new") == f.artifact().value_id


_answers = iter([])


def test_healing_uses_the_environment_of_the_call(stored, reopened, tmp_path, f, log):
    """A lazy value that is read elsewhere is repaired where it belongs."""
    artifact = f.artifact("big", log)
    delete(blob_file(tmp_path, artifact.value_blob))
    home = reopened()
    lazy = f("big", log)
    other = p.from_config({"artifact_repos": {"other": {"type": "memory"}}}).repository()
    with p.using_repo(other):
        assert BIG == lazy
    assert artifact.id not in other
    assert BIG == home[artifact.id].value


class Gone:
    """A class that another process does not have."""

    def __init__(self):
        self.number = 7

    def __eq__(self, other):
        return other.number == self.number

    __hash__ = None


class Stateful(Gone):
    def __setstate__(self, state):
        raise TypeError("no such state")


@pytest.fixture(params=["attribute", "module"])
def lose(request, monkeypatch):
    """A function that takes the class `Gone` away, or the module that it is in."""

    def lose():
        if request.param == "attribute":
            monkeypatch.delattr(sys.modules[__name__], "Gone")
        else:
            monkeypatch.setitem(sys.modules, __name__, None)

    return lose


def test_a_class_that_is_missing_here_is_not_called_damage(stored, lose):
    """The bytes are sound, and the error says that the class is missing and what to do."""
    make = p.provenance(name="gone", serializer="joblib")(lambda kind: kind())
    artifact = make.artifact(Gone)
    lose()
    with pytest.raises(p.CorruptBlobError) as raised:
        p.unwrap(p.load_proxy(artifact.id))
    message = str(raised.value)
    assert "Error: " in message
    assert "Gone" in message or __name__ in message
    assert "this process lacks something" in message
    assert "import or define the class or function" in message
    assert "damaged" not in message
    assert "backup" not in message
    assert (True, True) == (raised.value.is_sound, raised.value.misses_code)


def test_hits_on_a_class_that_is_missing_here_are_computed_anew(stored, lose):
    """As whatever cannot be decoded."""
    kinds, calls = [Gone], []

    @p.provenance(name="gone", serializer="joblib", remove=["kinds", "calls"])
    def make(n, kinds, calls):
        calls.append(n)
        return kinds[0]() if kinds else "something else"

    _ = make(1, kinds, calls)
    lose()
    kinds.clear()
    assert "something else" == make(1, kinds, calls)
    assert [1, 1] == calls


def test_other_failures_to_decode_are_told_as_before(stored, monkeypatch):
    """What a class's own method raises says nothing about what is missing."""
    with monkeypatch.context() as patch:
        patch.setattr(Stateful, "__setstate__", lambda it, state: vars(it).update(state))
        artifact = p.provenance(name="stateful", serializer="joblib")(Stateful).artifact()
    with pytest.raises(p.CorruptBlobError, match=r"damaged.*no such state") as raised:
        _ = artifact.value
    assert (True, False) == (raised.value.is_sound, raised.value.misses_code)


def test_a_value_that_was_replaced_is_not_remembered_for_the_old_bytes(stored, reopened):
    """A function that is not deterministic was computed anew elsewhere: the new value is that call's alone."""
    drawn = iter([91_001, 91_002])

    @p.provenance(name="drawn", remove=["drawn"], lazy=True)
    def draw(x):
        return next(drawn)

    @p.provenance(name="plain")
    def plain(x):
        return 91_001

    draw(1)
    here = reopened()
    unread = draw(1)
    p.create_set([], "another transaction")  # what was read ahead is forgotten
    with p.using_repo(reopened()):
        draw.recompute(1)
    p.set_default_repo(here)
    assert 91_002 == unread
    plain(1)
    reopened()
    assert 91_001 == plain(1)


@pytest.mark.parametrize(
    "read", ["len(x)", "x.missing", "x.__wrapped__", "p.unwrap(x)", "x[0]", "list(x)", "x.copy()"]
)
def test_an_attribute_error_of_the_function_reaches_the_caller(stored, reopened, tmp_path, read):
    """Python takes an AttributeError for a missing attribute: the function runs once all the same, and its error is seen."""
    calls = []
    broken = []

    @p.provenance(name="f", ignore=["calls", "broken"], lazy=True)
    def f(calls, broken):
        calls.append(1)
        if broken:
            raise AttributeError("module 'model' has no attribute 'Old'")
        return [0] * 5000

    artifact = f.artifact(calls, broken)
    delete(blob_file(tmp_path, artifact.value_blob))
    reopened()
    x = f(calls, broken)
    broken.append(True)
    calls.clear()
    with pytest.raises(AttributeError, match="no attribute 'Old'"):
        eval(read, {"x": x, "p": p})
    assert [1] == calls


def test_a_closure_that_changes_what_it_captured_is_recovered(stored, reopened, tmp_path):
    """Recovery uses the hashes of the plan, so that a counter or a list that the body changes does not stand in its way."""
    log, count = [], 0

    @p.provenance(name="f")
    def f(x):
        nonlocal count
        count += 1
        log.append(x)
        return bytes(5000)

    artifact = f.artifact(1)
    for expected in (2, 3):
        delete(blob_file(tmp_path, artifact.value_blob))
        reopened()
        assert bytes(5000) == f(1)
        assert (expected, [1] * expected) == (count, log)
    assert f.artifact_id(1) == artifact.id
