"""A TCP proxy that can fall silent or cut its connections, as networks do."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Proxy:
    """Forwards a port of loopback to the server of an URL; `url` is the way through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._changing = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        user = f"{parts.username}@" if parts.username else ""
        self.url = parts._replace(
            netloc=f"{user}127.0.0.1:{self._listener.getsockname()[1]}"
        ).geturl()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def freeze(self) -> None:
        """Take everything and pass nothing on."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what was held back."""
        self._flows.set()

    def cut(self) -> None:
        """End all connections; new ones are welcome."""
        with self._changing:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it all."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # from then on no more are opened
        self._listener.close()
        self.thaw()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                with self._changing:
                    self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source:
            while data := source.recv(1 << 16):
                self._flows.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
