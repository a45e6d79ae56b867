"""Upgrades the operator: no pod of a system restarts, and the new operator corrects drift."""

import time

from e2e import kube
from e2e.report import check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    before = shop.uids()
    versions = {kind: _versions(shop, kind) for kind in ("deployments", "services", "configmaps")}
    deployment = ("-n", kube.OPERATOR_NAMESPACE, "deployment/ticket-system-operator")
    started = time.monotonic()
    kube.kubectl("set", "image", *deployment, f"operator={kube.PREFIX}/operator:{kube.NEXT_TAG}")
    kube.kubectl("rollout", "status", *deployment, "--timeout=120s")
    figure("operator replaced, s", f"{time.monotonic() - started:.1f}")
    # It works: a deleted child comes back.
    started = time.monotonic()
    shop.kubectl("delete", "service", f"{shop.name}-vacancy")
    kube.wait_until("the Service is back", lambda: kube.exists("-n", shop.namespace, "service", f"{shop.name}-vacancy"), 60)
    figure("until the new one corrects drift, s", f"{time.monotonic() - started:.1f}")
    shop.wait_ready()
    time.sleep(5)
    check(shop.uids() == before, "no pod was replaced")
    after = {kind: _versions(shop, kind) for kind in versions}
    changed = [name for kind in versions for name, version in versions[kind].items() if after[kind].get(name) != version and name != f"{shop.name}-vacancy"]
    figure("pods restarted / specs rewritten", f"0 / {len(changed)}")
    check(not changed, f"rewritten without need: {changed}")
    kube.run("scripts/deploy")


def _versions(shop: Shop, kind: str) -> dict[str, str]:
    """The version of each spec: the generation, or the resource version for kinds without one."""
    items = shop.get(kind, "-l", f"app.kubernetes.io/instance={shop.name}")["items"]
    return {item["metadata"]["name"]: str(item["metadata"].get("generation", item["metadata"]["resourceVersion"])) for item in items}
