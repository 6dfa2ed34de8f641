"""The names of fsspec that are used here."""

from fsspec.core import OpenFile, url_to_fs
from fsspec.spec import AbstractFileSystem

__all__ = ["AbstractFileSystem", "OpenFile", "filesystem", "get_filesystem_class", "open", "url_to_fs"]

__version__: str

def filesystem(protocol: str, **storage_options: object) -> AbstractFileSystem: ...
def get_filesystem_class(protocol: str) -> type[AbstractFileSystem]: ...
def open(urlpath: str, mode: str = "rb", **kwargs: object) -> OpenFile: ...  # noqa: A001
