from types import TracebackType
from typing import IO

from fsspec.spec import AbstractFileSystem

class OpenFile:
    fs: AbstractFileSystem
    path: str
    def __enter__(self) -> IO[bytes]: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def open(self) -> IO[bytes]: ...
    def close(self) -> None: ...

def url_to_fs(url: str, **kwargs: object) -> tuple[AbstractFileSystem, str]: ...
