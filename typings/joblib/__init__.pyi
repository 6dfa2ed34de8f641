"""The names of joblib that are used here."""

from collections.abc import Callable
from os import PathLike
from typing import IO, Literal, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

__version__: str

def dump(
    value: object,
    filename: str | PathLike[str] | IO[bytes],
    compress: int | bool | str | tuple[str, int] = 0,
    protocol: int | None = None,
) -> list[str] | None: ...
def load(
    filename: str | PathLike[str] | IO[bytes],
    mmap_mode: Literal["r+", "r", "w+", "c"] | None = None,
    ensure_native_byte_order: bool | Literal["auto"] = "auto",
) -> object: ...
def hash(obj: object, hash_name: Literal["md5", "sha1"] = "md5", coerce_mmap: bool = False) -> str: ...  # noqa: A001

class Memory:
    def __init__(
        self,
        location: str | PathLike[str] | None = None,
        backend: str = "local",
        mmap_mode: str | None = None,
        compress: bool | int = False,
        verbose: int = 1,
        backend_options: dict[str, object] | None = None,
    ) -> None: ...
    def cache(
        self,
        func: Callable[_P, _R],
        ignore: list[str] | None = None,
        verbose: int | None = None,
    ) -> Callable[_P, _R]: ...
    def clear(self, warn: bool = True) -> None: ...
