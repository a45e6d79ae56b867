"""Installs the operator with kustomize, and a system in a namespace with restricted pods only."""

import time

from e2e import kube
from e2e.report import check, figure
from e2e.shop import Shop

STOCK = 3000


def run(shop: Shop) -> None:
    started = time.monotonic()
    kube.run("scripts/deploy")
    figure("operator: from kubectl apply -k to running, s", f"{time.monotonic() - started:.1f}")
    kube.create_namespace(shop.namespace)

    started = time.monotonic()
    shop.create({"stock": {"initial": STOCK}, "ticket": {"autoscaling": {"maxReplicas": 4}}})
    shop.wait_ready()
    figure("system: from kubectl apply to Ready, s", f"{time.monotonic() - started:.1f}")

    print(kube.run("make", "--no-print-directory", "wait", env=shop.env()).rstrip())
    shop.open_doors()
    check(shop.available() == STOCK, "the stock is what the spec says")
    rules = [path for rule in shop.get("ingress", shop.name)["spec"]["rules"] for path in rule["http"]["paths"]]
    paths = [path["path"] for path in rules]
    check({path["backend"]["service"]["name"] for path in rules} == {f"{shop.name}-ticket"}, f"the Ingress leads to ticket alone: {rules}")
    check("/api/v1/purchase" in paths, f"the Ingress routes purchases: {paths}")
    check(not [path for path in paths if path.startswith(("/api/v1/admin", "/api/v1/reserve")) or path == "/api/v1"], f"the Ingress routes no internal call: {paths}")
    level = kube.get("namespace", shop.namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    figure("enforced Pod Security Standard", level)
    print(kube.run("make", "--no-print-directory", "smoke", env=shop.env()).rstrip())
