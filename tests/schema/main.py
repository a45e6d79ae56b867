"""Runs a browser and Schemathesis against the services; each call must have been reached."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pages

HERE = Path(__file__).resolve().parent
TOKEN = "an-admin-token-for-tests"
BUDGET_S = int(os.environ.get("BUDGET_S", "60"))
SEED = os.environ.get("SEED", str(int(time.time())))
START_MAX_S = 60
# An operation called at least this often must have succeeded once.
OFTEN = 150
# Responses without an end; Schemathesis waits for one. The tests of the services read them.
STREAMS = ("/api/v1/events/{event}/stream", "/api/v1/events/{event}/queue/stream", "/api/v1/internal/events")
# Large limits, so that a long fuzzing run does not exhaust them.
COMMON = {"HOST": "127.0.0.1", "JSON_LOGS": "true", "SHUTDOWN_DRAIN_S": "0", "INITIAL_STOCK": "100000", "MAX_EVENTS": "1000000"}


class Service:
    """A running binary, with its log for the analysis of findings."""

    def __init__(self, stack, bin_dir, name, port_name, **settings):
        self.dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="schema-")))
        env = {**COMMON, port_name: "0", "DATA_DIR": str(self.dir / "data"), **settings}
        self.log = self.dir / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([bin_dir / name], env=env, cwd=self.dir, stdout=log, stderr=subprocess.STDOUT)
        stack.callback(self.stop)
        self.base = "http://" + self._address()

    def _address(self):
        deadline = time.monotonic() + START_MAX_S
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                try:
                    fields = json.loads(line)
                except ValueError:
                    continue
                fields = fields.get("fields", fields)
                if fields.get("message") == "listening":
                    return fields["address"]
            time.sleep(0.05)
        sys.exit(f"a service did not start:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def complaints(self):
        """Log lines that no caller may be able to cause."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if "panicked" in line or '"level":"ERROR"' in line]


def operations(base):
    with urllib.request.urlopen(base + "/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    methods = {"get", "put", "post", "delete", "patch"}
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method in methods}


def fuzz(schemathesis, title, service, seconds, token, more, reports):
    """One run; returns the findings as lines."""
    print(f"--- {title}: {seconds} s, seed {SEED}", flush=True)
    command = [schemathesis, "--config-file", HERE / "schemathesis.toml", "run", service.base + "/openapi.json"]
    command += ["--seed", SEED]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    command += [word for path in STREAMS for word in ("--exclude-path", path)]
    command += more
    statuses = reports / f"{title.replace(' ', '-')}.statuses"
    env = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "PYTHONWARNINGS": "ignore", "SCHEMA_STATUSES": str(statuses)}
    wrong = []
    known = {operation for operation in operations(service.base) if operation.split()[1] not in STREAMS}
    # Examples and coverage run without a time limit. Random calls and stateful sequences get a
    # share of the time each.
    for phases, part in [("examples,coverage", None), ("fuzzing", 0.5), ("stateful", 0.5)]:
        if phases == "stateful" and len(known) == 1:
            continue
        of_phase = ["--phases", phases]
        if part:
            of_phase += ["--max-time", str(max(2, round(seconds * part)))]
        # In its own folder, because it writes a cache there.
        status = subprocess.run(command + of_phase, env=env, cwd=reports).returncode
        wrong += [f"{title}: schemathesis exited with {status} in {phases}"] if status else []
    seen = {}
    for line in statuses.read_text().splitlines():
        operation, code = line.rsplit(" ", 1)
        codes = seen.setdefault(operation, {})
        codes[code] = codes.get(code, 0) + 1
    for operation in sorted(seen):
        print("  ", operation, " ".join(f"{code}×{count}" for code, count in sorted(seen[operation].items())))
    wrong += [f"{title}: {operation} was never called" for operation in sorted(known - seen.keys())]
    wrong += [f"{title}: in the log: {line}" for line in service.complaints()[:5]]
    print(f"{title}: {sum(sum(codes.values()) for codes in seen.values())} responses", flush=True)
    return wrong, seen


def main():
    bin_dir, schemathesis, chromium = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    wrong = []
    with ExitStack() as stack:
        reports = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="schema-reports-")))
        monolith = Service(stack, bin_dir, "ticket", "MONOLITH_PORT", DEPLOYMENT_MODE="monolith", ADMIN_TOKEN=TOKEN)
        closed = Service(stack, bin_dir, "ticket", "MONOLITH_PORT", DEPLOYMENT_MODE="monolith")
        vacancy = Service(stack, bin_dir, "vacancy", "VACANCY_PORT", ADMIN_TOKEN=TOKEN)
        ticket = Service(stack, bin_dir, "ticket", "TICKET_PORT", VACANCY_URL=vacancy.base)
        for title, service in [("monolith", monolith), ("vacancy", vacancy), ("ticket", ticket)]:
            paths = {operation.split()[1] for operation in operations(service.base)}
            wrong += pages.check(chromium, title, service.base, paths, reports)
        part = lambda percent: max(3, BUDGET_S * percent // 100)
        # Without a configured token, a request without a token gets 403, not the 401 that this
        # check expects.
        closed_is_closed = ["--exclude-checks", "missing_required_header"]
        for title, service, percent, token, more in [
            ("monolith", monolith, 40, TOKEN, []),
            ("vacancy", vacancy, 30, TOKEN, []),
            ("ticket", ticket, 15, None, []),
            ("monolith without a token", closed, 15, None, closed_is_closed),
        ]:
            found, seen = fuzz(schemathesis, title, service, part(percent), token, more, reports)
            wrong += found
            if token:
                # Without a single success, only refusals were tested. Calls with an id do not
                # count: a random id is rarely that of a hold, nor a random name that of a receiver.
                never = [
                    operation
                    for operation, codes in seen.items()
                    if "{id}" not in operation and "{webhook}" not in operation and sum(codes.values()) >= OFTEN and not any(code.startswith("2") for code in codes)
                ]
                wrong += [f"{title}: {operation} never succeeded" for operation in sorted(never)]
            elif service is closed:
                let_in = [operation for operation, codes in seen.items() if "/admin/" in operation and set(codes) != {"403"}]
                wrong += [f"{title}: {operation} returned something other than a refusal" for operation in sorted(let_in)]
    print("\n".join(wrong) or "no findings")
    sys.exit(1 if wrong else 0)


main()
