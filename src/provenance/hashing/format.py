"""The written form of version 1: items become MessagePack, a node becomes 20 bytes of BLAKE3.

This is the only module that knows MessagePack and BLAKE3, and both are imported by the first digest,
so that importing the library stays cheap. `docs/hashing.md` describes the format.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from operator import ne
from typing import TYPE_CHECKING, Any, Final, cast

from provenance.hashing.threads import LARGE, threads_for

if TYPE_CHECKING:
    from typing import TypeAlias

    from msgspec.msgpack import Ext

    Item: TypeAlias = bool | int | float | str | bytes | Ext | None
else:
    Item = object

DIGEST_SIZE: Final = 20
SCALARS: Final = frozenset({type(None), bool, int, float, str, bytes})
NAN: Final[float] = struct.unpack(">d", b"\x7f\xf8\x00\x00\x00\x00\x00\x00")[0]

_CHILD, _WIDE_INT, _SURROGATES, _BUFFER, _LONG_STR, _LONG_BYTES = 1, 2, 3, 4, 5, 6
LONG: Final = 1 << 24
"""From how many characters, or bytes, on a str or bytes is written as the digest of its content."""
_PIECE = 1 << 22
_TEXTS = frozenset({str, bytes})
_PLAIN: Final = (bool, int, float, str, bytes)


def _first_encode(items: object) -> bytes:
    _load()
    return _encode(items)


def _first_blake3(*args: Any, **kwargs: Any) -> Any:
    _load()
    return _blake3(*args, **kwargs)


def _first_ext(code: int, data: bytes) -> Ext:
    _load()
    return _ext(code, data)


_encode: Callable[[object], bytes] = _first_encode
_blake3: Callable[..., Any] = _first_blake3
_ext: Callable[[int, bytes], Ext] = _first_ext
_unwritable: tuple[type[Exception], ...] = ()
"""What the encoder raises for wide integers, for lone surrogates, and for what is too long for MessagePack."""


def _load() -> None:
    """Replace the stand-ins above by what they stand for."""
    global _encode, _blake3, _ext, _unwritable  # noqa: PLW0603 - the one place of the deferred import
    msgpack = import_module("msgspec.msgpack")
    _unwritable = (OverflowError, UnicodeEncodeError, import_module("msgspec").EncodeError)
    _encode, _ext = msgpack.Encoder().encode, msgpack.Ext
    _blake3 = import_module("blake3").blake3


def prefix(tag: str) -> bytes:
    r"""Return what precedes the items of a node of kind *tag*; ValueError for a tag with a line break.

    >>> prefix("list")
    b'provenance/1 list\n'
    """
    if "\n" in tag:
        msg = f"a tag is one line, not {tag!r}"
        raise ValueError(msg)
    return b"provenance/1 " + tag.encode() + b"\n"


SCALAR: Final = prefix("scalar")


def child(digest: bytes) -> Ext:
    """Return the item that stands for a node with this digest; ValueError unless it has 20 bytes."""
    if len(digest) != DIGEST_SIZE:
        msg = f"a digest has {DIGEST_SIZE} bytes, not {len(digest)}"
        raise ValueError(msg)
    return _ext(_CHILD, digest)


def seal(start: bytes, items: Sequence[Item]) -> bytes:
    """Return the digest of the node whose prefix is *start*; float NaNs must be `NAN` already."""
    try:
        payload = _encode(items)
    except _unwritable:
        payload = _encode([_written(item) for item in items])
        return _sealed(start, payload)
    if len(payload) < LARGE:
        digest: bytes = _blake3(start + payload).digest(20)
        return digest
    return _sealed(start, _encode([_written(item) for item in items]) if _has_long(payload, items) else payload)


def _sealed(start: bytes, payload: bytes) -> bytes:
    hasher = _blake3(start, max_threads=threads_for(len(payload)))
    hasher.update(payload)
    digest: bytes = hasher.digest(DIGEST_SIZE)
    return digest


def alone(scalar: Item) -> bytes:
    """Return the digest of a scalar that stands alone; a long one is not copied for this."""
    if type(scalar) in _TEXTS and _is_long(scalar):
        scalar = _written(scalar)
    return seal(SCALAR, (scalar,))


def node(start: bytes, items: Sequence[Item]) -> Ext:
    """Return the item of the node whose prefix is *start*; like `child(seal(start, items))`."""
    try:
        payload = _encode(items)
    except _unwritable:
        return _ext(_CHILD, seal(start, items))
    if len(payload) < LARGE:  # as in `seal`: the call to it would cost a tenth of the whole
        return _ext(_CHILD, _blake3(start + payload).digest(20))
    return _ext(_CHILD, seal(start, items))


def nodes(start: bytes, rows: Iterable[Sequence[Item]]) -> list[Ext]:
    """Return the items of many nodes whose prefix is *start*; like `[node(start, row) for row in rows]`.

    All go through one hasher: to make one for each would cost a quarter of the whole.
    """
    hasher = _blake3()
    made: list[Ext] = []
    reset, update, digest, encode, ext, keep = hasher.reset, hasher.update, hasher.digest, _encode, _ext, made.append
    for row in rows:
        try:
            payload = encode(row)
        except _unwritable:
            keep(node(start, row))
            continue
        if len(payload) >= LONG:
            keep(node(start, row))
            continue
        reset()
        update(start + payload)
        keep(ext(_CHILD, digest(20)))
    return made


def rooted(item: Item) -> bytes:
    """Return the digest of the value that *item* stands for."""
    if item is None or isinstance(item, _PLAIN):
        return alone(item)
    return bytes(item.data)


def flat(values: Sequence[Any], kinds: set[type]) -> Sequence[Item]:
    """Return the items of *values*, scalars of these *kinds*: *values* themselves unless there is a NaN."""
    if float not in kinds or not _may_hold_nan(values, len(kinds)):
        return values
    return [value if value == value else NAN for value in values]  # noqa: PLR0124 - finds NaN


def _may_hold_nan(values: Sequence[Any], kinds: int) -> bool:
    if kinds > 1:
        return any(map(ne, values, values))
    total = sum(values)
    return bool(total != total)  # noqa: PLR0124 - NaN, or infinities of both signs


def _is_long(item: Item) -> bool:
    return type(item) in _TEXTS and len(cast("str | bytes", item)) >= LONG


def _has_long(payload: bytes, items: Sequence[Item]) -> bool:
    return len(payload) >= LONG and any(map(_is_long, items))


def _written(item: Item) -> Item:
    """Return *item*, or the extension that stands for it: where MessagePack has no form, and for what is long."""
    if _is_long(item):
        return _ext(*_long(cast("str | bytes", item)))
    if type(item) is int and not -(1 << 63) <= item < 1 << 64:
        size = (item if item >= 0 else ~item).bit_length() // 8 + 1
        return _ext(_WIDE_INT, item.to_bytes(size, "big", signed=True))
    if type(item) is str and not _is_utf8(item):
        return _ext(_SURROGATES, item.encode("utf-8", "surrogatepass"))
    return item


def _long(text: str | bytes) -> tuple[int, bytes]:
    """Return the extension's code and content for a long str or bytes, of which only pieces are ever copied."""
    if isinstance(text, bytes):
        return _LONG_BYTES, _blake3(text, max_threads=threads_for(len(text))).digest()
    hasher = _blake3(max_threads=threads_for(len(text)))
    for begin in range(0, len(text), _PIECE):
        hasher.update(text[begin : begin + _PIECE].encode("utf-8", "surrogatepass"))
    return _LONG_STR, hasher.digest()


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Buffer:
    """A digest of bytes that arrive in pieces; `item` gives the item that stands for them all."""

    __slots__ = ("_hasher",)

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._hasher = _blake3(data, max_threads=threads_for(len(data)))

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Append *data*, which is not copied."""
        self._hasher.update(data)

    def item(self) -> Ext:
        """Return the item of all bytes so far."""
        return _ext(_BUFFER, self._hasher.digest())
