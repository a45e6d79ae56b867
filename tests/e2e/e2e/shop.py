"""One TicketSystem, with the actions of an administrator and of a buyer."""

import base64
import json
import os
import time
from collections.abc import Iterator

from . import kube
from .report import Failed, check
from .web import http

# Each has a Secret with its token.
ROLES = ("admin", "seller", "gate")


class Shop:
    def __init__(self, namespace: str, name: str):
        self.namespace, self.name = namespace, name
        self._doors: dict[str, str] = {}

    # --- as an administrator

    def kubectl(self, *args: str, **more) -> str:
        return kube.kubectl("-n", self.namespace, *args, **more)

    def get(self, *args: str) -> dict:
        return kube.get("-n", self.namespace, *args)

    def env(self) -> dict:
        """Environment for the scripts behind the make targets."""
        return {"NAME": self.name, "NAMESPACE": self.namespace}

    def create(self, spec: dict) -> None:
        metadata = {"name": self.name, "namespace": self.namespace}
        kube.apply({"apiVersion": "ticket-system.io/v1alpha1", "kind": "TicketSystem", "metadata": metadata, "spec": spec})

    def change(self, spec: dict) -> None:
        self.kubectl("patch", "ticketsystem", self.name, "--type", "merge", "-p", json.dumps({"spec": spec}))

    def status(self) -> dict:
        return self.get("ticketsystem", self.name)

    def is_ready(self) -> bool:
        """Ready as a GitOps tool defines it: the current generation, and no rollout in progress."""
        system = self.status()
        status = system.get("status", {})
        conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
        current = status.get("observedGeneration") == system["metadata"]["generation"]
        return current and conditions.get("Ready") == "True" and conditions.get("Progressing") == "False"

    def wait_ready(self, timeout_s: float = 180) -> float:
        """Waits until it is ready and returns the seconds."""
        started = time.monotonic()
        kube.wait_until(f"{self.name} is ready", self.is_ready, timeout_s)
        return time.monotonic() - started

    def settings(self, component: str) -> dict[str, str]:
        """The settings of the current template. The name of their ConfigMap ends in a hash."""
        container = self.get("deployment", f"{self.name}-{component}")["spec"]["template"]["spec"]["containers"][0]
        return self.get("configmap", container["envFrom"][0]["configMapRef"]["name"])["data"]

    def pods(self, component: str | None = None) -> list[dict]:
        """Pods of the services that are not terminating, oldest first."""
        wanted = f"={component}" if component else " notin (ticket-check,vacancy-check,monolith-check)"
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component{wanted}"
        pods = self.get("pods", "-l", selector)["items"]
        alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] in ("Pending", "Running")]
        return sorted(alive, key=lambda pod: pod["metadata"]["creationTimestamp"])

    def uids(self, component: str | None = None) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods(component)}

    def delete_at_once(self, pod: dict) -> None:
        """As when its node is lost: it gets no time to end."""
        self.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")

    def open_doors(self) -> None:
        """Creates a NodePort per component, for external load that survives the loss of any pod."""
        selector = {"app.kubernetes.io/name": "ticket-system", "app.kubernetes.io/instance": self.name}
        kube.apply(
            *(
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": f"door-{self.name}-{component}", "namespace": self.namespace},
                    "spec": {
                        "type": "NodePort",
                        "selector": {**selector, "app.kubernetes.io/component": component},
                        "ports": [{"port": 80, "targetPort": "http"}],
                    },
                }
                for component in ("ticket", "vacancy", "monolith")
            )
        )
        self._doors = {}

    def door(self, component: str) -> str:
        """URL of a component, looked up once while its pods are ready."""
        if component not in self._doors:
            port = self.get("service", f"door-{self.name}-{component}")["spec"]["ports"][0]["nodePort"]
            nodes = kube.get("nodes")["items"]
            internal = [a["address"] for node in nodes for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
            candidates = [os.environ["E2E_ADDRESS"]] if os.environ.get("E2E_ADDRESS") else ["127.0.0.1", *internal]
            self._doors[component] = kube.wait_until(f"{component} answers on NodePort {port} of {candidates}", lambda: _answering(candidates, port), 30)
        return self._doors[component]

    def explain(self) -> None:
        """Prints the state of the system after a failure."""
        for args in (("get", "ticketsystem,deployments,pods,hpa,pvc", "-o", "wide"), ("get", "events", "--sort-by=.metadata.creationTimestamp")):
            try:
                print("\n".join(self.kubectl(*args).splitlines()[-40:]))
            except Failed as failure:
                print(failure)

    # --- as a buyer, and as an accountant

    def token(self, role: str = "admin") -> str:
        secret = self.get("secret", f"{self.name}-{role}-token")
        return base64.b64decode(secret["data"]["token"]).decode()

    def stock_door(self) -> str:
        return self.door("monolith" if self.status()["status"]["mode"] == "monolith" else "vacancy")

    def available(self) -> int:
        status, _, body = http("GET", f"{self.stock_door()}/api/v1/available")
        check(status == 200, f"GET available answered {status} {body}")
        return body["qty"]

    def event(self) -> dict:
        """Counts of the default event's only stock."""
        status, _, body = http("GET", f"{self.stock_door()}/api/v1/events/default")
        check(status == 200, f"GET event answered {status} {body}")
        return body["stocks"]["general"]

    def set_capacity(self, tickets: int) -> None:
        headers = {"authorization": f"Bearer {self.token()}"}
        status, _, body = http("PUT", f"{self.stock_door()}/api/v1/admin/events/default", {"stocks": {"general": tickets}}, headers)
        check(status == 200, f"PUT event answered {status} {body}")

    def records(self, after: int = 0) -> Iterator[dict]:
        """The ledger records after a given one, checked for gaps."""
        headers = {"authorization": f"Bearer {self.token()}"}
        door = self.stock_door()
        while True:
            status, _, page = http("GET", f"{door}/api/v1/admin/events/default/sales?limit=1000&after={after}", headers=headers)
            check(status == 200, f"GET sales answered {status} {page}")
            for record in page:
                check(int(record["sequence"]) == after + 1, f"the ledger goes from {after} to {record['sequence']}")
                after += 1
                yield record
            if not page:
                return

    def sequence(self) -> int:
        """Sequence of the last record. Event reads may be a second old; the ledger is exact."""
        after = self.event()["seq"]
        return after + sum(1 for _ in self.records(after))

    def sold(self, after: int = 0) -> dict[str, int]:
        """Sales after a given record, by reservation. Fails if a reservation occurs twice."""
        sales = {}
        for record in self.records(after):
            if record["data"]["kind"] == "sold":
                check(record["subject"] not in sales, f"{record['subject']} was sold twice")
                sales[record["subject"]] = sum(item["qty"] for item in record["data"]["items"])
        return sales


def _answering(addresses: list[str], port: int) -> str | None:
    for address in addresses:
        try:
            if http("GET", f"http://{address}:{port}/livez", timeout_s=1)[0] == 200:
                return f"http://{address}:{port}"
        except (OSError, ValueError):
            pass
    return None
