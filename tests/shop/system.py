"""The processes of the proof: started on fixed ports of 127.0.0.1, killed with SIGKILL, started again."""

import collections
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from calls import Unanswered, call

HERE = Path(__file__).resolve().parent
START_MAX_S = 30
STOP_MAX_S = 20


def free_ports(count, generator):
    """Ports that no connection of the machine gets by itself while their process is dead."""
    ports = []
    while len(ports) < count:
        port = generator.randrange(20000, 30000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Process:
    """A program with its environment, which can be killed and started again."""

    def __init__(self, name, command, env, url, folder):
        self.name, self.url = name, url
        self._command, self._env, self._folder = [str(part) for part in command], env, folder
        self.log = folder / f"{name}.log"
        self._child = None
        self.ended = []

    def start(self):
        env = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "JSON_LOGS": "true", "SHUTDOWN_DRAIN_S": "0"} | self._env
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(self._command, env=env, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)

    def wait(self, path):
        """Until GET of `path` has a response that is no error of the server."""
        deadline = time.monotonic() + START_MAX_S
        while time.monotonic() < deadline and self._child.poll() is None:
            try:
                if call("GET", self.url + path)[0] < 500:
                    return
            except Unanswered:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def kill(self):
        """Whether it was alive. An end that nobody caused is noted."""
        code = self._child.poll()
        if code is not None:
            self.ended.append(code)
            return False
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()
        return True

    def stop(self):
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is not None:
            self.ended.append(child.returncode)
            return
        child.terminate()
        try:
            child.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def complaints(self):
        """Log lines that no fault outside the process may cause."""
        lines = self.log.read_text(errors="replace").splitlines()
        found = [line for line in lines if "panicked" in line or '"level":"ERROR"' in line or "Traceback" in line]
        return [f"{self.name}: in the log: {line[:300]}" for line in found[:3]] + [f"{self.name} ended by itself: {code}" for code in self.ended]


class Killer:
    """Kills one of the processes about every second and starts it again a little later."""

    def __init__(self, processes, seed):
        self.counts = collections.Counter()
        self._processes = processes
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        bag = []
        while not self._over.wait(self._random.uniform(0.5, 1.6)):
            if not bag:
                bag = self._random.sample(self._processes, len(self._processes))
            victim = bag.pop()
            self.counts[f"kills of {victim.name}"] += victim.kill()
            time.sleep(self._random.choice((0.05, 0.4, 1.2)) * self._random.random())
            victim.start()

    def end(self):
        """Ends with all processes running."""
        self._over.set()
        self._thread.join()


def python(script):
    return [sys.executable, "-B", script]
