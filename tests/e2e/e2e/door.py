"""The door for buyers: a system behind the real Ingress controller, over http and https."""

import dataclasses
import json
import os
import pathlib
import socket
import ssl
import tempfile
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from .report import NotRun
from .web import NoAnswer

# The addresses of the Ingress controller, such as http://127.0.0.1:18080 and https://127.0.0.1:18443.
ADDRESSES = ("INGRESS_HTTP", "INGRESS_HTTPS")


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> dict:
        return json.loads(self.text or "{}")

    def __str__(self) -> str:
        return f"{self.status} {self.text[:200]}"


class Door:
    """One address of the controller, called by the name of the host."""

    def __init__(self, url: str, host: str, authority: str):
        parts = urlsplit(url)
        self.scheme, self.host = parts.scheme, host
        self._address, self._port = parts.hostname, parts.port
        self._context = _trusting(authority) if parts.scheme == "https" else None

    def call(self, method: str, path: str, body: dict | list | None = None, headers: dict | None = None, timeout_s: float = 15) -> Answer:
        """Sends the path as it is: no `..` is resolved, and nothing is encoded."""
        connection = self.connect(timeout_s)
        try:
            data = None if body is None else json.dumps(body).encode()
            sent = {"host": self.host, **({} if body is None else {"content-type": "application/json"}), **(headers or {})}
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
        except (OSError, HTTPException) as failure:
            raise NoAnswer(f"{method} {self.scheme}://{self.host}{path}: {failure!r}") from failure
        finally:
            connection.close()

    def endpoint(self) -> dict:
        """The arguments of `asyncio.open_connection`."""
        tls = {"ssl": self._context, "server_hostname": self.host} if self._context else {}
        return {"host": self._address, "port": self._port, **tls}

    def connect(self, timeout_s: float) -> HTTPConnection:
        if self._context is None:
            return HTTPConnection(self._address, self._port, timeout=timeout_s)
        return _Named(self._address, self._port, self.host, self._context, timeout_s)


class _Named(HTTPSConnection):
    """Connects to an address, and expects the certificate of a name."""

    def __init__(self, address: str, port: int, name: str, context: ssl.SSLContext, timeout_s: float):
        super().__init__(address, port, timeout=timeout_s, context=context)
        self._name, self._tls = name, context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        # As http.client does: or the request waits for the acknowledgement of the handshake.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)


def doors(host: str, authority: str) -> list[Door]:
    """The doors of both schemes. Without an Ingress controller, the scenario is not run."""
    missing = [name for name in ADDRESSES if not os.environ.get(name)]
    if missing:
        raise NotRun(f"no Ingress controller: {' and '.join(missing)} not set")
    return [Door(os.environ[name], host, authority) for name in ADDRESSES]


def _trusting(authority: str) -> ssl.SSLContext:
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        file = pathlib.Path(folder) / "ca.crt"
        file.write_text(authority)
        return ssl.create_default_context(cafile=str(file))
