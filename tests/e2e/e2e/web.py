"""HTTP calls to services that a cluster exposes on this machine."""

import json
import random
import sys
import urllib.error
import urllib.request
from http.client import HTTPConnection


class NoAnswer(OSError):
    """No response; the message contains the address."""


def http(method: str, url: str, body: dict | None = None, headers: dict | None = None, timeout_s: float = 10) -> tuple[int, dict, dict]:
    """Returns status, headers and JSON body of a response of any status."""
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
    """Connects to a loopback address from a random one.

    On Linux, a connection to a NodePort without endpoints stays in connection tracking for minutes, untranslated. The next
    connection between the same addresses and ports would reuse that entry and be refused, even if endpoints exist again.
    """

    def http_open(self, req: urllib.request.Request):
        return self.do_open(_connection, req)


def _connection(host: str, **options) -> HTTPConnection:
    if host.startswith("127.") and sys.platform == "linux":
        options["source_address"] = (f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}", 0)
    return HTTPConnection(host, **options)


# There is no proxy between this machine and its cluster.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _FromAnywhere())
