"""What stands between a client and a server: it cuts connections, answers nothing, or refuses."""

import contextlib
import socket
import threading
from typing import Self


class Proxy:
    """A port of loopback that leads to *target*.

    The first *cuts* connections end after *after* bytes from the client; a black hole takes everything and answers nothing.
    """

    def __init__(
        self, target: int, cuts: int = 0, after: int = 0, *, black_hole: bool = False
    ) -> None:
        self._target, self._after, self._black_hole = target, after, black_hole
        self._open: list[socket.socket] = []
        self.cuts = cuts
        self.met = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # from then on no more are opened
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self._open.append(client)
                self.met += 1
                if not self._black_hole:
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        self._open.append(server)
        limit = None
        if self.cuts > 0:
            self.cuts -= 1
            limit = self._after
        for source, sink, most in ((client, server, limit), (server, client, None)):
            threading.Thread(target=_pump, args=(source, sink, most), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, most: int | None) -> None:
    """Carry bytes; when *most* have passed, cut both connections."""
    passed = 0
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 14):
            passed += len(data)
            if most is not None and passed > most:
                break
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()  # so that who still sends is told
