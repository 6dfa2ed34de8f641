"""The names of joblib.numpy_pickle that are used here."""

from typing import IO

class _Pickler:
    def dump(self, obj: object) -> None: ...
    def save(self, obj: object) -> None: ...

class NumpyPickler(_Pickler):
    def __init__(self, fp: IO[bytes], protocol: int | None = None) -> None: ...
