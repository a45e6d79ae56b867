"""A real PostgreSQL server for measurements: new, in a directory of its own on a disk, syncing as in production."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_MAX_S = 60
STOP_MAX_S = 60
# As a server of this size would run. What costs durability is left as it is: fsync, synchronous_commit, full_page_writes.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "400",
    "shared_buffers": "256MB",
    # No checkpoint in the middle of one measurement and not of the other.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}
SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", *SETTINGS)


class Missing(Exception):
    """A program that is not installed; the text says what to install."""


def find(name):
    """A program of PostgreSQL: where Debian and its kin keep it (what they have in PATH are wrappers), or in PATH."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is missing: install PostgreSQL, such as 'apt-get install postgresql'")
    return pathlib.Path(found)


def owner():
    """Who runs it: nobody else when this is an ordinary user, else a user without rights, because it refuses to be root's."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Missing("a user 'postgres' or 'nobody' is missing to run the server as")


class Server:
    """A running server. A context manager that ends it and removes its directory."""

    def __init__(self, data):
        if shutil.which("setpriv") is None:
            raise Missing("setpriv is missing: install util-linux")
        self._user = owner()
        self._dir = tempfile.TemporaryDirectory(dir=data, prefix="bench-postgres-")
        self._child = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        self.dir = pathlib.Path(self._dir.name)
        if self._user:
            os.chown(self.dir, self._user.pw_uid, self._user.pw_gid)
        cluster, self._log = self.dir / "data", self.dir / "log"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        initdb = [find("initdb"), "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        made = subprocess.run(self._command(initdb), capture_output=True, text=True, check=False, cwd="/")
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        sockets = f"unix_socket_directories={self.dir}"
        command = [find("postgres"), "-D", cluster, "-p", str(self.port), "-c", sockets, *settings]
        with self._log.open("w") as log:
            self._child = subprocess.Popen(self._command(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        since = time.monotonic()
        while subprocess.run([find("pg_isready"), "-q", *self.where()], check=False).returncode:
            if self._child.poll() is not None or time.monotonic() - since > START_MAX_S:
                raise RuntimeError(f"PostgreSQL does not start: {self._log.read_text()}")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child:
            # A fast shutdown: connections are closed, not waited for.
            self._child.send_signal(signal.SIGINT)
            try:
                self._child.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._dir.cleanup()

    def _command(self, parts):
        """As its owner, and not longer than this process."""
        user = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"] if self._user else []
        return ["setpriv", "--pdeathsig", "KILL", *user, "--", *map(str, parts)]

    def where(self):
        """The arguments of its clients."""
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def url(self):
        """As STORE_URL has it."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def sql(self, text):
        """Runs statements; the first line of what they answer."""
        command = [find("psql"), *self.where(), "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", text]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"{text}: {run.stderr}")
        return run.stdout.partition("\n")[0]

    def settings(self):
        """What decides speed and durability."""
        return {name: self.sql(f"SHOW {name}") for name in SHOWN}

    def cpu_us(self):
        """CPU time of the server and all that serve its connections, microseconds; of ended ones too."""
        total = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rsplit(")", 1)[1].split()
                if stat.parent.name == str(self._child.pid):
                    total += sum(map(int, fields[11:15]))
                elif fields[1] == str(self._child.pid):
                    total += int(fields[11]) + int(fields[12])
        return total * 1_000_000 / os.sysconf("SC_CLK_TCK")

    def pgbench(self, script, clients, seconds):
        """Runs a script of pgbench with prepared statements; what it did."""
        command = [find("pgbench"), *self.where(), "-n", "-M", "prepared", f"-c{clients}", "-j2", f"-T{max(1, round(seconds))}", "-f", script]
        run = subprocess.run([*command, "postgres"], capture_output=True, text=True, check=False)
        done = re.search(r"actually processed: (\d+)", run.stdout)
        rate = re.search(r"^tps = ([\d.]+)", run.stdout, re.MULTILINE)
        average = re.search(r"latency average = ([\d.]+) ms", run.stdout)
        if run.returncode or not (done and rate and average):
            raise RuntimeError(f"pgbench failed: {run.stdout}{run.stderr}")
        return {"requests": int(done[1]), "rate_per_s": float(rate[1]), "mean_us": float(average[1]) * 1e3}
