"""What tells that a record is what was put: a digest of it, or with a key a signature that only who has the key can make.

A record names its blobs by the digests of their bytes, so whoever vouches for the record vouches for them. The text of the inputs is
vouched for by itself, as it is read by itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

import msgspec
from attrs import field, frozen
from blake3 import blake3

_DIGEST: Final = "blake3"
_SIGNATURE: Final = "hmac-sha256"
_DIGEST_BYTES: Final = 16
Facts = Sequence[str | int | float | None]
"""The columns of a record, but for its signature."""


@frozen
class Seal:
    """Makes and checks signatures; without a *key* they are digests, which tell damage but not malice.

    HMAC with SHA-256 is RFC 2104's; what is signed is the MessagePack of the facts.
    """

    key: bytes | None = field(default=None, repr=False)

    def signature(self, facts: Facts, inputs_json: str) -> str:
        """The signature of a record and of its inputs.

        >>> Seal().signature(("id", 1), "{}")
        'blake3:76b393fba7ee8050a3600d33b30c7ccc:a55f14744c285d1f28dae7ef787956d3'
        """
        kind = _DIGEST if self.key is None else _SIGNATURE
        return f"{kind}:{self._digest(kind, facts)}:{self._digest(kind, (facts[0], inputs_json))}"

    def problem(self, facts: Facts, signature: str) -> str | None:
        """Why *signature* does not vouch for the record of these facts; None if it does.

        Without a key a record that was signed, or stored before there were signatures, passes unseen.
        """
        return self._problem(facts, signature, 1)

    def problem_of_inputs(self, artifact_id: str, inputs_json: str, signature: str) -> str | None:
        """The same of the text of a record's inputs."""
        return self._problem((artifact_id, inputs_json), signature, 2)

    def _problem(self, facts: Facts, signature: str, part: int) -> str | None:
        kind, *parts = signature.split(":")
        due = _DIGEST if self.key is None else _SIGNATURE
        if kind != due:
            return None if self.key is None else "it is not signed with the repository's key"
        if len(parts) > part - 1 and hmac.compare_digest(parts[part - 1], self._digest(kind, facts)):
            return None
        return "its digest differs" if self.key is None else "its signature is not that of the repository's key"

    def _digest(self, kind: str, facts: Facts) -> str:
        text = _encode(facts)
        if kind == _DIGEST or self.key is None:
            return blake3(text).hexdigest(length=_DIGEST_BYTES)
        return hmac.digest(self.key, text, "sha256").hex()


_encode: Final = msgspec.msgpack.Encoder().encode
