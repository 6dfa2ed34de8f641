"""The canonical encoding of values that is hashed: MessagePack, hashed with BLAKE3."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from operator import ne
from typing import TYPE_CHECKING, Any, Final, cast

LARGE: Final = 1 << 22
"""Size in bytes from which several threads pay off: waking an idle core takes 0.1 ms or more."""
_max_threads: list[int] = [-1]
"""Number of threads for large data; -1 leaves it to BLAKE3."""


def threads_for(size: int) -> int:
    """Return the `max_threads` of BLAKE3 for about *size* bytes.

    >>> threads_for(100)
    1
    """
    return 1 if size < LARGE else _max_threads[0]


def _use_one_thread() -> None:
    _max_threads[0] = 1


# BLAKE3's shared pool has no threads in a forked child, which would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread)

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
"""Length from which a str or bytes is encoded as the digest of its content."""
SMALL_BUFFER: Final = 1 << 10
"""Most bytes of a buffer that is written inline."""
_PIECE = 1 << 22
_MAX_FIXED, _MAX_SHORT = 15, 65_535
"""Most items of the two shorter headers of an array."""
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
"""What the encoder raises for wide integers, lone surrogates and texts too long for MessagePack."""


def _load() -> None:
    """Replace the placeholders above."""
    global _encode, _blake3, _ext, _unwritable  # noqa: PLW0603 - deferred import
    msgpack = import_module("msgspec.msgpack")
    _unwritable = (OverflowError, UnicodeEncodeError, import_module("msgspec").EncodeError)
    _encode, _ext = msgpack.Encoder().encode, msgpack.Ext
    _blake3 = import_module("blake3").blake3


def prefix(tag: str) -> bytes:
    r"""Return what precedes the items of a node of kind *tag*.

    >>> prefix("list")
    b'provenance/1 list\n'

    Raises:
        ValueError: if *tag* has a line break.
    """
    if "\n" in tag:
        raise ValueError(f"a tag must be one line, got {tag!r}")
    return b"provenance/1 " + tag.encode() + b"\n"


SCALAR: Final = prefix("scalar")


def child_item(digest: bytes) -> Ext:
    """Return the item of a node with this digest.

    Raises:
        ValueError: if *digest* does not have 20 bytes.
    """
    if len(digest) != DIGEST_SIZE:
        raise ValueError(f"a digest must have {DIGEST_SIZE} bytes, got {len(digest)}")
    return _ext(_CHILD, digest)


def node_digest(start: bytes, items: Sequence[Item]) -> bytes:
    """Return the digest of the node whose prefix is *start*; float NaNs must be `NAN` already."""
    payload = _payload(items)
    if len(payload) < LARGE:
        return _digest_of(start + payload)
    hasher = _blake3(start, max_threads=threads_for(len(payload)))
    hasher.update(payload)
    return cast("bytes", hasher.digest(DIGEST_SIZE))


def _payload(items: Sequence[Item]) -> bytes:
    try:
        payload = _encode(items)
    except _unwritable:
        return _encode([_encodable(item) for item in items])
    if len(payload) >= LONG and any(map(_is_long, items)):
        return _encode([_encodable(item) for item in items])
    return payload


_idle: Final[list[Any]] = []
"""Hashers that nobody uses: making one costs half as much as hashing a few items."""


def _digest_of(data: bytes) -> bytes:
    """Return the digest of a few bytes."""
    # A signal handler or another thread may come between; each takes a hasher of its own.
    try:
        hasher = _idle.pop()
    except IndexError:
        hasher = _blake3()
    hasher.update(data)
    digest: bytes = hasher.digest(20)
    hasher.reset()
    _idle.append(hasher)
    return digest


def encode_items(items: Sequence[Item]) -> bytes:
    """Return the *items* of a node as they are encoded in it, without their number, which precedes them.

    >>> encode_items([1, 2]) + encode_items([3]) == encode_items([1, 2, 3])
    True
    """
    return _payload(items)[len(_count_header(len(items))) :]


def _count_header(count: int) -> bytes:
    """Return the number of items as MessagePack writes it at the beginning of an array."""
    if count <= _MAX_FIXED:
        return bytes([0x90 | count])
    if count <= _MAX_SHORT:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def node_hasher(start: bytes, count: int) -> Any:
    """Return a hasher of a node of *count* items: of what `encode_items` returns for them, piece by piece."""
    return _blake3(start + _count_header(count))


def scalar_digest(scalar: Item) -> bytes:
    """Return the digest of a scalar by itself; a long one is not copied."""
    return node_digest(SCALAR, (_encodable(scalar) if _is_long(scalar) else scalar,))


def node(start: bytes, items: Sequence[Item]) -> Ext:
    """Return the item of the node whose prefix is *start*; like `child_item(node_digest(start, items))`."""
    try:
        payload = _encode(items)
    except _unwritable:
        return _ext(_CHILD, node_digest(start, items))
    # The same as in `node_digest`; calling it would cost a tenth of the whole.
    if len(payload) < LARGE:
        return _ext(_CHILD, _digest_of(start + payload))
    return _ext(_CHILD, node_digest(start, items))


def nodes(start: bytes, rows: Iterable[Sequence[Item]]) -> list[Ext]:
    """Return `[node(start, row) for row in rows]`, faster.

    All share one hasher: making one for each would cost a quarter of the whole.
    """
    hasher = _blake3()
    made: list[Ext] = []
    # Local names, because the loop is hot.
    reset, update, digest = hasher.reset, hasher.update, hasher.digest
    encode, ext, append = _encode, _ext, made.append
    for row in rows:
        try:
            payload = encode(row)
        except _unwritable:
            append(node(start, row))
            continue
        if len(payload) >= LONG:
            append(node(start, row))
            continue
        reset()
        update(start + payload)
        append(ext(_CHILD, digest(20)))
    return made


def root_digest(item: Item) -> bytes:
    """Return the digest of the value that *item* stands for."""
    return scalar_digest(item) if item is None or isinstance(item, _PLAIN) else bytes(item.data)


def scalar_items(values: Sequence[Any], kinds: set[type]) -> Sequence[Item]:
    """Return the items of *values*, scalars of these *kinds*: *values* itself unless one is NaN."""
    if float not in kinds:
        return values
    if len(kinds) > 1:
        may_hold_nan = any(map(ne, values, values))
    else:
        # The fastest test; infinities of both signs add up to NaN too.
        total = sum(values)
        may_hold_nan = total != total  # noqa: PLR0124 - NaN
    if not may_hold_nan:
        return values
    return [value if value == value else NAN for value in values]  # noqa: PLR0124 - NaN


def encoded(item: Item) -> bytes:
    r"""Return the encoding of one item, by which items without an order of their own are sorted.

    >>> encoded(1), encoded("a")
    (b'\x01', b'\xa1a')
    """
    try:
        made = _encode(item)
    except _unwritable:
        return _encode(_encodable(item))
    return made if len(made) < LONG else _encode(_encodable(item))


def _is_long(item: Item) -> bool:
    return type(item) in _TEXTS and len(cast("str | bytes", item)) >= LONG


def _encodable(item: Item) -> Item:
    """Return *item*, or an extension if it is long or MessagePack has no form for it."""
    if _is_long(item):
        return _digest_of_text(cast("str | bytes", item))
    if type(item) is int and not -(1 << 63) <= item < 1 << 64:
        size = (item if item >= 0 else ~item).bit_length() // 8 + 1
        return _ext(_WIDE_INT, item.to_bytes(size, "big", signed=True))
    if type(item) is str:
        try:
            item.encode()
        except UnicodeEncodeError:
            return _ext(_SURROGATES, item.encode("utf-8", "surrogatepass"))
    return item


def _digest_of_text(text: str | bytes) -> Ext:
    """Return the extension for a long str or bytes, copying only a piece at a time."""
    if isinstance(text, bytes):
        return _ext(_LONG_BYTES, _blake3(text, max_threads=threads_for(len(text))).digest())
    hasher = _blake3(max_threads=threads_for(len(text)))
    for begin in range(0, len(text), _PIECE):
        hasher.update(text[begin : begin + _PIECE].encode("utf-8", "surrogatepass"))
    return _ext(_LONG_STR, hasher.digest())


class Buffer:
    """Bytes that arrive in pieces; `item` returns the item of all of them: few inline, many as their digest."""

    __slots__ = ("_few", "_hasher")

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._few = b""
        self._hasher: Any = None
        self.add(data)

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Append *data*, without copying it unless there are few."""
        if self._hasher is None:
            if len(self._few) + len(data) <= SMALL_BUFFER:
                self._few += data
                return
            self._hasher = _blake3(self._few, max_threads=threads_for(len(data)))
        self._hasher.update(data)

    def item(self) -> Item:
        """Return the item of all bytes added."""
        if self._hasher is None:
            return self._few
        return _ext(_BUFFER, self._hasher.digest())
