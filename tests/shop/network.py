"""What lies between the processes: a relay that loses and doubles calls, and a carrier of webhooks that does worse."""

import collections
import heapq
import http.client
import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calls import TIMEOUT_S

KEPT = ("authorization", "content-type", "idempotency-key", "stripe-signature")


class Server:
    """Answers each call with `handle(method, path, headers, body)`: a status and a body, or None to cut the connection."""

    def __init__(self, port, handle):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: self.headers[name] for name in KEPT if name in self.headers}
                self.close_connection = True
                answer = handle(self.command, self.path, headers, body)
                if answer is None:
                    return
                self.send_response(answer[0])
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer[1])))
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(answer[1])

            do_GET = do_POST = do_DELETE = do_PUT = answer

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except OSError:
                    # The caller has hung up or was killed.
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Listener(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self._listener = Listener(("127.0.0.1", port), Handler)
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def close(self):
        self._listener.shutdown()
        self._listener.server_close()


def send(port, method, path, headers, body):
    """The status and the body, or None without a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S * 4)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Relay:
    """Passes calls on to `target`: some are lost, some come twice, and some lose their response after their effect."""

    def __init__(self, port, target, seed):
        self.calm = False
        self.counts = collections.Counter()
        self._target = target
        self._random = random.Random(seed)
        self._server = Server(port, self._handle)
        self.close = self._server.close

    def _handle(self, *call):
        fault = None if self.calm or call[0] == "GET" else self._random.random()
        if fault is None or fault > 0.22:
            return send(self._target, *call)
        if fault < 0.05:
            self.counts["calls lost"] += 1
            return None
        if fault < 0.12:
            self.counts["calls doubled"] += 1
            threading.Timer(self._random.uniform(0, 0.5), send, (self._target, *call)).start()
            return send(self._target, *call)
        answer = send(self._target, *call)
        # Only these count: the call had an effect that its caller does not know.
        if answer is not None and answer[0] < 300:
            self.counts["responses lost after the effect"] += 1
        return None


class Carrier:
    """Takes webhooks from the provider and drops, doubles, delays and so reorders them on the way to the shop."""

    def __init__(self, port, target, seed):
        self.counts = collections.Counter()
        self._target = target
        self._random = random.Random(seed)
        self._queue, self._sent = [], {}
        self._changed = threading.Condition()
        self._number = 0
        self._server = Server(port, self._accept)
        self.close = self._server.close
        threading.Thread(target=self._deliver, daemon=True).start()

    def _accept(self, _method, path, headers, body):
        with self._changed:
            self._number += 1
            self.counts["webhooks"] += 1
            fate = self._random.random()
            copies = 0 if fate < 0.2 else 2 if fate < 0.5 else 1
            self.counts["webhooks dropped"] += copies == 0
            self.counts["webhooks doubled"] += copies == 2
            for _ in range(copies):
                # Most come soon; some later than the next one about the same payment.
                delay = self._random.choice((0.05, 0.3, 1, 5)) * self._random.random()
                heapq.heappush(self._queue, (time.monotonic() + delay, self._number, path, headers, body))
            self._changed.notify()
        return 200, b"{}"

    def _deliver(self):
        while True:
            with self._changed:
                while not self._queue or self._queue[0][0] > time.monotonic():
                    self._changed.wait(0.02)
                _, number, path, headers, body = heapq.heappop(self._queue)
                intent = json.loads(body)["data"]["object"]["id"]
                self.counts["webhooks out of order"] += number < self._sent.get(intent, 0)
                self._sent[intent] = max(number, self._sent.get(intent, 0))
            answer = send(self._target, "POST", path, headers, body)
            if answer is None:
                self.counts["webhooks at a dead shop"] += 1
            elif answer[0] != 200:
                self.counts["webhooks refused"] += 1
