"""Faults injected from the node, because the images have no shell."""

from .kube import run
from .report import Failed, check


def kill_9(pod: dict) -> None:
    """Sends SIGKILL to every process of a pod's only container.

    The node is a container of the Docker engine (Kind) or this machine.
    """
    container = pod["status"]["containerStatuses"][0]["containerID"].split("//", 1)[1]
    check(len(container) >= 32 and container.isalnum(), f"a container id: {container}")
    script = f'n=; for p in /proc/[0-9]*; do if grep -qs {container} "$p/cgroup"; then kill -9 "${{p#/proc/}}" && n=1; fi; done; [ -n "$n" ]'
    node = pod["spec"]["nodeName"]
    nodes = run("docker", "ps", "--format", "{{.Names}}").split()
    command = ["docker", "exec", node, "sh", "-c", script] if node in nodes else ["sh", "-c", script]
    try:
        run(*command)
    except Failed as failure:
        raise Failed(f"no process of {pod['metadata']['name']} found on {node}, neither in a Docker container nor on this machine: {failure}") from failure
