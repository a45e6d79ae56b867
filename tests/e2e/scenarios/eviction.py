"""Evictions as in a node drain: ticket loses no purchase, vacancy hands its volume over."""

import json
import time

from e2e import kube
from e2e.load import Buyers, check_books, report_outage
from e2e.report import Failed, check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    kube.wait_until("the budget allows an eviction", lambda: shop.get("pdb", f"{shop.name}-ticket")["status"].get("disruptionsAllowed", 0) > 0, 60)
    before = shop.sequence()
    with Buyers(shop.door("ticket"), rate=50) as buyers:
        time.sleep(2)
        first, second = shop.pods("ticket")[:2]
        _evict(shop, first)
        refused = None
        try:
            _evict(shop, second)
        except Failed as failure:
            refused = str(failure)
        kube.wait_until("two others are ready", lambda: shop.is_ready() and len(shop.pods("ticket")) == 2, 90)
        kube.wait_until("the evicted pod is gone", lambda: not kube.exists("-n", shop.namespace, "pod", first["metadata"]["name"]), 60)
        time.sleep(2)
    answers = buyers.answers
    figure("ticket: purchases / failed", f"{len(answers.all)} / {len(answers.failed)}")
    figure("ticket: longest time without a sale, ms", answers.gap_ms())
    figure("ticket: a second eviction at the same time", "refused by the PodDisruptionBudget" if refused else "allowed")
    check(refused is not None and "disruption budget" in refused, f"the budget allows one eviction at a time: {refused}")
    check(not answers.failed, f"failures: {answers.statuses()} {answers.failed[:3]}")
    check_books(shop, before, answers, shop.door("ticket"))

    before = shop.sequence()
    with Buyers(shop.door("ticket"), rate=50) as buyers:
        time.sleep(3)
        pod = shop.pods("vacancy")[0]
        _evict(shop, pod)
        # The status of the system may be older than the eviction.
        kube.wait_until("another vacancy pod is ready", lambda: _has_successor(shop, pod), 60)
        shop.wait_ready()
        time.sleep(3)
    report_outage("vacancy", buyers.answers)
    last_ms = max((answer["at_ms"] for answer in buyers.answers.sold), default=0)
    check(last_ms > buyers.answers.ended_ms - 1000, f"sales continued: the last one {buyers.answers.ended_ms - last_ms:.0f} ms before the end")
    check_books(shop, before, buyers.answers, shop.door("ticket"))


def _has_successor(shop: Shop, pod: dict) -> bool:
    others = [other for other in shop.pods("vacancy") if other["metadata"]["uid"] != pod["metadata"]["uid"]]
    return any(condition["type"] == "Ready" and condition["status"] == "True" for other in others for condition in other["status"].get("conditions", []))


def _evict(shop: Shop, pod: dict) -> None:
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": shop.namespace}}
    kube.kubectl("create", "--raw", f"/api/v1/namespaces/{shop.namespace}/pods/{name}/eviction", "-f", "-", stdin=json.dumps(eviction))
