"""What tells that a record is what was put: a checksum of it, or with a key a signature that only who has the key can make.

A record names its blobs by the digests of their bytes, so whoever vouches for the record vouches for them. The text of the inputs is
vouched for by itself, as it is read by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec
from attrs import field, frozen

_CHECKSUM: Final = "crc32"
_PLAIN: Final = f"{_CHECKSUM}:"
_SIGNATURE: Final = "hmac-sha256"
Facts = Sequence[str | int | float | None]
"""The columns of a record, but for its signature."""


@frozen
class Seal:
    """Makes and checks signatures; without a *key* they are checksums, which tell damage but not malice.

    HMAC with SHA-256 is RFC 2104's; what is signed, or summed up, is the MessagePack of the facts.
    """

    key: bytes | None = field(default=None, repr=False)

    def signature(self, facts: Facts, inputs_json: str) -> str:
        """The signature of a record and of its inputs.

        >>> Seal().signature(("id", 1), "{}")
        'crc32:bb163c79:a90a5954'
        """
        inputs = (facts[0], inputs_json)
        if self.key is None:
            return f"{_CHECKSUM}:{crc32(_encode(facts)):08x}:{crc32(_encode(inputs)):08x}"
        return f"{_SIGNATURE}:{_signed(self.key, facts)}:{_signed(self.key, inputs)}"

    def problem(self, facts: Facts, signature: str) -> str | None:
        """Why *signature* does not vouch for the record of these facts; None if it does.

        Without a key a record that was signed, or stored before there were signatures, passes unseen.
        """
        if self.key is None and signature.startswith(_PLAIN):  # as a rule: each look-up comes this way
            is_sound = signature[len(_PLAIN) :].startswith(f"{crc32(_encode(facts)):08x}:")
            return None if is_sound else "its checksum differs"
        return self._problem(facts, signature, 1)

    def problem_of_inputs(self, artifact_id: str, inputs_json: str, signature: str) -> str | None:
        """The same of the text of a record's inputs."""
        return self._problem((artifact_id, inputs_json), signature, 2)

    def _problem(self, facts: Facts, signature: str, part: int) -> str | None:
        parts = signature.split(":")
        if self.key is None:
            if parts[0] != _CHECKSUM or parts[part:][:1] == [f"{crc32(_encode(facts)):08x}"]:
                return None
            return "its checksum differs"
        if parts[0] != _SIGNATURE:
            return "it is not signed with the repository's key"
        if len(parts) > part and _are_equal(parts[part], _signed(self.key, facts)):
            return None
        return "its signature is not that of the repository's key"


def _signed(key: bytes, facts: Facts) -> str:
    from hmac import digest  # it brings OpenSSL, which few repositories need

    return digest(key, _encode(facts), "sha256").hex()


def _are_equal(one: str, other: str) -> bool:
    """Whether the two are equal, told in a time that does not tell how much of them is."""
    from hmac import compare_digest  # as above

    return compare_digest(one, other)


_encode: Final = msgspec.msgpack.Encoder().encode
