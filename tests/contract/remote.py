"""Places that are elsewhere, each on a server of the tests that is started when it is first wanted; one for each folder."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from provenance.effects.objectstore.client import FilesystemConnection, RemoteFiles
from provenance.ports.blobs import RemoteLocation
from servers import azurite, gcs, moto_s3, seaweed, sftp


def _own(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]


_connections: dict[str, FilesystemConnection] = {}


def _remote(name: str, folder: Path, place: RemoteLocation) -> RemoteFiles:
    """A part of the place for *folder*; connections are shared, as making one takes longer than most tests."""
    connection = _connections.setdefault(name, FilesystemConnection(name, place))
    return RemoteFiles(name, evolve(place, root=f"{place.root}/{_own(folder)}"), connection)


def s3_by_moto(folder: Path) -> RemoteFiles:
    """S3 as moto plays it."""
    return _remote("moto", folder, RemoteLocation("s3", moto_s3.BUCKET, moto_s3.storage_options()))


def s3_by_seaweed(folder: Path) -> RemoteFiles:
    """S3 by a real server."""
    return _remote(
        "seaweed", folder, RemoteLocation("s3", seaweed.BUCKET, seaweed.storage_options())
    )


def google(folder: Path) -> RemoteFiles:
    """Google Cloud Storage by an emulator."""
    return _remote("gs", folder, RemoteLocation("gs", gcs.BUCKET, gcs.storage_options()))


def by_ssh(folder: Path) -> RemoteFiles:
    """SFTP by asyncssh."""
    host = {"host": sftp.HOST, "port": sftp.port()}
    return _remote(
        "sftp", folder, RemoteLocation("sftp", "of tests", {**host, **sftp.storage_options()})
    )


def azure(folder: Path) -> RemoteFiles:
    """Azure by an emulator."""
    return _remote(
        "azure", folder, RemoteLocation("abfs", azurite.CONTAINER, azurite.storage_options())
    )


def local(folder: Path) -> RemoteFiles:
    """A folder of this machine's, by fsspec."""
    return _remote("file", folder, RemoteLocation("file", f"file://{folder}/files"))


def in_memory(folder: Path) -> RemoteFiles:
    """This process's memory, by fsspec."""
    return _remote("ram", folder, RemoteLocation("memory", "memory://tests"))


REMOTES: dict[str, Callable[[Path], RemoteFiles]] = {
    "s3 by moto": s3_by_moto,
    "s3 by seaweed": s3_by_seaweed,
    "gs": google,
    "sftp": by_ssh,
    "fsspec, files": local,
    "fsspec, ram": in_memory,
    **({"azure": azure} if azurite.is_wanted() else {}),
}


def change(remote: RemoteFiles, path: str, how: Callable[[bytes], bytes]) -> None:
    """Change what is at *path*, behind the store's back."""
    files, where = remote._connection.files(), remote._at(path)
    files.pipe_file(where, how(files.cat_file(where)))
