"""HTTP to what a cluster serves on this machine."""

import json
import random
import sys
import urllib.error
import urllib.request
from http.client import HTTPConnection


class NoAnswer(OSError):
    """Nobody answered; the message says where."""


def http(method: str, url: str, body: dict | None = None, headers: dict | None = None, timeout_s: float = 10) -> tuple[int, dict, dict]:
    """Status, headers and JSON body of an answer, whatever its status."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with _direct.open(request, timeout=timeout_s) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), json.loads(refused.read() or b"{}")
    except OSError as failure:
        raise NoAnswer(f"{method} {url}: {getattr(failure, 'reason', failure)}") from failure


class _FromAnywhere(urllib.request.HTTPHandler):
    """Connects to a loopback address from one that was hardly used before.

    On Linux a connection to a NodePort that has no endpoints just then stays in connection tracking for minutes, not translated.
    The next one between the same addresses and ports would go the same way, and be refused though there are endpoints again.
    """

    def http_open(self, req: urllib.request.Request):
        return self.do_open(_connection, req)


def _connection(host: str, **options) -> HTTPConnection:
    if host.startswith("127.") and sys.platform == "linux":
        options["source_address"] = (f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}", 0)
    return HTTPConnection(host, **options)


# No proxy stands between this machine and its cluster.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _FromAnywhere())
