"""A signature vouches for a record and for nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from provenance.effects.sql.signing import RecordSigner

facts = st.lists(
    st.text(max_size=6) | st.integers(-9, 9) | st.floats(allow_nan=False) | st.none(),
    min_size=1,
    max_size=4,
)
keys = st.none() | st.binary(min_size=16, max_size=32)


@given(keys, facts, st.text())
def test_what_was_sealed_is_sound(key, row, inputs):
    """The facts and the inputs that a signature was made of have no problem with it."""
    seal = RecordSigner(key)
    signature = seal.signature(row, inputs)
    assert (None, None) == (
        seal.problem(row, signature),
        seal.problem_of_inputs(row[0], inputs, signature),
    )


@given(keys, facts, facts, st.text(), st.text())
def test_anything_else_is_a_problem(key, row, other, inputs, others):
    """Other facts, or other inputs, are not what was sealed; nor are those of another record."""
    seal = RecordSigner(key)
    signature = seal.signature(row, inputs)
    if list(map(repr, row)) != list(map(repr, other)):
        assert seal.problem(other, signature) is not None
    if inputs != others:
        assert seal.problem_of_inputs(row[0], others, signature) is not None
    if repr(row[0]) != repr(other[0]):
        assert seal.problem_of_inputs(other[0], inputs, signature) is not None


@given(st.binary(min_size=1), st.none() | st.binary(min_size=1), facts)
def test_only_the_key_makes_a_signature(key, other, row):
    """A signature with another key, a checksum, or nothing at all does not do where a key is given."""
    if key.rstrip(b"\0") != (other or b"").rstrip(b"\0"):  # RFC 2104 fills keys up with zeros
        assert RecordSigner(key).problem(row, RecordSigner(other).signature(row, "")) is not None
    for forged in ("", "hmac-sha256", "hmac-sha256:", "hmac-sha256::", "crc32::"):
        assert RecordSigner(key).problem(row, forged) is not None
        assert RecordSigner(key).problem_of_inputs(row[0], "", forged) is not None


@given(facts)
def test_without_a_key_what_is_older_or_signed_passes(row):
    """A repository that is read without its key, and one from before there were signatures, can be read."""
    for signature in ("", RecordSigner(b"key").signature(row, "")):
        assert RecordSigner().problem(row, signature) is None


def test_a_key_is_not_shown():
    """A secret is in no representation."""
    assert "secret" not in repr(RecordSigner(b"secret"))
