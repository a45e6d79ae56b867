"""A monolith on a free port, and calls to it."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

START_MAX_S = 30
ADMIN_TOKEN = "an-admin-token-for-tests"


class Service:
    def __init__(self, folder, binaries):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = f"{folder}/log"
        os.mkdir(f"{folder}/data")
        env = {
            "PATH": os.environ["PATH"],
            "DEPLOYMENT_MODE": "monolith",
            "DATA_DIR": f"{folder}/data",
            "HOST": "127.0.0.1",
            "MONOLITH_PORT": str(port),
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "SHUTDOWN_DRAIN_S": "0",
        }
        with open(self.log, "wb") as log:
            self._child = subprocess.Popen([f"{binaries}/ticket"], env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT)

    def wait_until_ready(self):
        deadline = time.monotonic() + START_MAX_S
        while time.monotonic() < deadline and self._child.poll() is None:
            try:
                return self.call("GET", "/ready")
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the monolith is not ready")

    def stop(self):
        self._child.kill()
        self._child.wait()

    def call(self, method, path, body=None):
        """The body of an answer that is no error."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ADMIN_TOKEN}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def read(self, path):
        return json.loads(self.call("GET", path))

    def put_event(self, event, settings):
        self.call("PUT", f"/api/v1/admin/events/{event}", settings)

    def hold(self, event, bought):
        """The id of a new hold of so many of each stock."""
        items = [{"stock": stock, "qty": qty} for stock, qty in bought.items()]
        return json.loads(self.call("POST", "/api/v1/holds", {"event": event, "items": items}))["id"]
