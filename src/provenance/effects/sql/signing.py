"""Checksums of records, and with a key signatures (HMAC).

A record names its blobs by the digests of their bytes, so its signature covers them. The text of
the inputs is read separately and has a signature of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec
from attrs import field, frozen

_CHECKSUM: Final = "crc32"
_FIRST_DIGITS: Final = slice(6, 14)
"""Where the checksum of the facts is in a signature that begins with `crc32:`."""
_SIGNATURE: Final = "hmac-sha256"
Facts = Sequence[str | int | float | None]
"""The columns of a record without its signature."""


@frozen
class RecordSigner:
    """Makes and checks signatures; without a *key* they are checksums, which only detect damage.

    A signature is the HMAC (RFC 2104) with SHA-256 of the MessagePack of the facts, a checksum its
    CRC-32.
    """

    key: bytes | None = field(default=None, repr=False)

    def signature(self, facts: Facts, inputs_json: str) -> str:
        """Return the signature of a record and of its inputs.

        >>> RecordSigner().signature(("id", 1), "{}")
        'crc32:bb163c79:a90a5954'
        """
        inputs = (facts[0], inputs_json)
        if self.key is None:
            return f"{_CHECKSUM}:{crc32(_encode(facts)):08x}:{crc32(_encode(inputs)):08x}"
        return f"{_SIGNATURE}:{_sign(self.key, facts)}:{_sign(self.key, inputs)}"

    def problem(self, facts: Facts, signature: str) -> str | None:
        """Return why *signature* does not fit the facts of a record, None if it does.

        Without a key, records that have a signature, or none at all, are not checked.
        """
        # The usual case, and on the path of every lookup.
        if self.key is None and signature[_FIRST_DIGITS] == f"{crc32(_encode(facts)):08x}":
            return None
        return self._problem(facts, signature, 1)

    def problem_of_inputs(self, artifact_id: str, inputs_json: str, signature: str) -> str | None:
        """Return why *signature* does not fit the inputs of a record, None if it does."""
        return self._problem((artifact_id, inputs_json), signature, 2)

    def _problem(self, facts: Facts, signature: str, part: int) -> str | None:
        parts = signature.split(":")
        if self.key is None:
            if parts[0] != _CHECKSUM or parts[part : part + 1] == [f"{crc32(_encode(facts)):08x}"]:
                return None
            return "its checksum differs"
        if parts[0] != _SIGNATURE:
            return "it is not signed with the repository's key"
        from hmac import compare_digest

        if len(parts) > part and compare_digest(parts[part], _sign(self.key, facts)):
            return None
        return "its signature does not match the repository's key"


def _sign(key: bytes, facts: Facts) -> str:
    # Imports OpenSSL, which few repositories need.
    from hmac import digest

    return digest(key, _encode(facts), "sha256").hex()


_encode: Final = msgspec.msgpack.Encoder().encode
