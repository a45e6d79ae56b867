"""Processes under measurement: started on a free port, asked over HTTP, read through /proc, ended."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import urllib.request

START_MAX_S = 20
STOP_MAX_S = 15
# Without the proxy that the environment may name.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Process:
    """A server that logs a JSON line with "listening" and its address. A context manager that ends it."""

    def __init__(self, name, command, env):
        ports = {"VACANCY_PORT": "0", "TICKET_PORT": "0", "MONOLITH_PORT": "0"}
        base = {"HOST": "127.0.0.1", "JSON_LOGS": "true", "SHUTDOWN_DRAIN_S": "0"} | ports
        self.name = name
        # An empty directory to run in: no .env of the machine is read.
        self._cwd = tempfile.TemporaryDirectory()
        self._child = subprocess.Popen(
            [str(part) for part in command], env=base | env, cwd=self._cwd.name, stdout=subprocess.PIPE, text=True
        )
        # A start that hangs is ended, which ends the reading of its output.
        watchdog = threading.Timer(START_MAX_S, self._child.kill)
        watchdog.start()
        try:
            self.url = self._read_address()
        except BaseException:
            self.__exit__()
            raise
        finally:
            watchdog.cancel()
        # Whatever it logs later must not fill the pipe.
        threading.Thread(target=self._drain, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.terminate()
        try:
            self._child.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._cwd.cleanup()

    @property
    def pid(self):
        """Of the process."""
        return self._child.pid

    def available(self):
        """How many tickets are left."""
        with DIRECT.open(f"{self.url}/api/v1/available", timeout=10) as answer:
            return json.load(answer)["qty"]

    def cpu_us(self):
        """CPU time used by all its threads so far, microseconds, in the kernel's ticks."""
        fields = pathlib.Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 / os.sysconf("SC_CLK_TCK")

    def rss_mb(self):
        """Resident memory, MB."""
        status = pathlib.Path(f"/proc/{self._child.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kilobytes) * 1024 / 1e6

    @contextlib.contextmanager
    def slow_disk(self, sync_ms):
        """While it lasts every sync of the committer takes so much longer, as on a slower disk; its other threads are left alone."""
        if not sync_ms:
            yield
            return
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        task = next((task for task in tasks if (task / "comm").read_text().strip() == "committer"), None)
        if task is None:
            raise RuntimeError(f"{self.name} has no thread named committer")
        command = ["strace", "-o", "/dev/null", "-p", task.name, "-e", "trace=fdatasync", "-e", f"inject=fdatasync:delay_exit={round(sync_ms * 1000)}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as strace:
            first = strace.stderr.readline()
            if "attached" not in first:
                strace.kill()
                raise RuntimeError(f"strace cannot attach, which needs root or kernel.yama.ptrace_scope=0: {first.strip()}")
            try:
                yield
            finally:
                strace.terminate()

    def _drain(self):
        for _ in self._child.stdout:
            pass

    def _read_address(self):
        for line in self._child.stdout:
            with contextlib.suppress(ValueError):
                log = json.loads(line)
                log = log.get("fields", log)
                if log.get("message") == "listening":
                    return f"http://{log['address']}"
        raise RuntimeError(f"{self.name} ended, or did not listen within {START_MAX_S} s")


def machine_cpu_us():
    """CPU time used on the whole machine so far, microseconds: all but idle, waiting for disks, and stolen."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    busy = sum(int(ticks) for number, ticks in enumerate(fields) if number not in (3, 4))
    return busy * 1_000_000 / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def on_signals():
    """Turns SIGTERM into an exit that runs every clean-up."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
