"""Calls of kubectl, and waiting for conditions."""

import json
import os
import pathlib
import subprocess
import time

from .report import Failed

ROOT = pathlib.Path(__file__).parents[3]
PREFIX, TAG, NEXT_TAG = (os.environ[name] for name in ("IMAGE_PREFIX", "TAG", "NEXT_TAG"))
OPERATOR_NAMESPACE = "ticket-system"


def run(*command: str, stdin: str | None = None, env: dict | None = None, timeout_s: float = 300) -> str:
    """Runs a command at the top of the repository and returns its output."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=timeout_s, env={**os.environ, **(env or {})})
    if done.returncode:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def kubectl(*args: str, stdin: str | None = None, timeout_s: float = 300) -> str:
    return run("kubectl", *args, stdin=stdin, timeout_s=timeout_s)


def get(*args: str) -> dict:
    return json.loads(kubectl("get", *args, "-o", "json"))


def apply(*objects: dict) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def exists(*args: str) -> bool:
    return bool(kubectl("get", *args, "--ignore-not-found", "-o", "name").strip())


def wait_until(what: str, holds, timeout_s: float = 120, every_s: float = 0.2):
    """Returns the result of `holds` as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(every_s)


def create_namespace(name: str) -> None:
    """Creates a namespace that enforces the restricted Pod Security Standard."""
    delete_namespaces(name)
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def delete_namespaces(*names: str) -> None:
    for name in names:
        if exists("namespace", name) and exists("crd", "ticketsystems.ticket-system.io"):
            # First, or the operator would recreate objects while the namespace is being deleted.
            kubectl("-n", name, "delete", "ticketsystems", "--all", "--wait")
    kubectl("delete", "namespace", *names, "--ignore-not-found", "--wait", timeout_s=180)
