"""SFTP by asyncssh, in a thread of this process: one user with a password, who sees one folder."""

import asyncio
import os
import threading
from pathlib import Path

from servers.running import address_of, at_end, folder_of

HOST = "127.0.0.1"
USER, PASSWORD = "tests", "sftp-password-0815"


def root() -> Path:
    """The folder that the user sees as `/`."""
    address_of("SFTP", _start)
    return Path(os.environ["PROVENANCE_TEST_SFTP_ROOT"])


def port() -> int:
    """Where the server listens."""
    return int(address_of("SFTP", _start))


def storage_options() -> dict[str, object]:
    """How to reach it, once its host and port are known."""
    hosts = root().with_name("known_hosts")
    return {
        "username": USER,
        "password": PASSWORD,
        "known_hosts": str(hosts),
        "client_keys": None,
        "agent_path": None,
    }


def _start() -> str:
    import asyncssh

    folder = folder_of("sftp")
    (folder / "root").mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections = []
    server = asyncio.run_coroutine_threadsafe(
        _serve(key, folder / "root", connections), loop
    ).result(30)
    found = server.get_port()

    async def close() -> None:
        for each in connections:
            each.abort()
        server.close()
        await asyncio.gather(server.wait_closed(), *(each.wait_closed() for each in connections))

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    at_end(stop)
    (folder / "known_hosts").write_text(f"[{HOST}]:{found} {key.export_public_key().decode()}")
    os.environ["PROVENANCE_TEST_SFTP_ROOT"] = str(folder / "root")
    return str(found)


async def _serve(key, folder: Path, connections: list):
    import asyncssh

    class OneUser(asyncssh.SSHServer):
        def connection_made(self, connection):
            connections.append(connection)

        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (USER, PASSWORD) == (username, password)

    class OneFolder(asyncssh.SFTPServer):
        def __init__(self, channel):
            super().__init__(channel, chroot=str(folder))

    return await asyncssh.listen(
        HOST, 0, server_host_keys=[key], server_factory=OneUser, sftp_factory=OneFolder
    )
