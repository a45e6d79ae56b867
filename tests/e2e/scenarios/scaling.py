"""The autoscaler adds ticket pods under load and removes them afterwards; no purchase fails."""

import time

from e2e import kube
from e2e.load import Buyers
from e2e.report import check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    down = {"stabilizationWindowSeconds": 10, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
    # A target that the load exceeds even if a busy machine leaves the pods little CPU.
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 4, "targetCPUUtilization": 35, "behavior": {"scaleDown": down}}
    shop.change({"ticket": {"replicas": None, "autoscaling": scaling}})
    shop.wait_ready()
    hpa = f"{shop.name}-ticket"
    kube.wait_until("the autoscaler has metrics", lambda: _measured(shop.get("hpa", hpa)), 180, 1)
    check(len(shop.pods("ticket")) == 2, "two pods to begin with")

    def ready() -> int:
        return shop.status()["status"]["ticket"]["readyReplicas"]

    # The early buyers keep their connections to the old pods, so others follow with new ones.
    started = time.monotonic()
    with Buyers(shop.door("ticket"), users=30, most_s=240) as early:
        kube.wait_until("more than two ticket pods are ready", lambda: ready() > 2, 180, 0.5)
        figure("from the first purchase to a third ready pod, s", f"{time.monotonic() - started:.0f}")
        with Buyers(shop.door("ticket"), users=10, most_s=60) as late:
            time.sleep(10)
            peak = kube.wait_until("the status shows it", lambda: shop.status()["status"]["ticket"]["ready"], 10)
            shown = kube.run("make", "--no-print-directory", "hpa-status", env=shop.env())
    print("\n".join("    | " + line for line in shown.rstrip().splitlines()))
    check("SuccessfulRescale" in shown, "make hpa-status shows the rescale")
    answers = early.answers.all + late.answers.all
    failed = early.answers.failed + late.answers.failed
    figure("ticket pods at the peak", peak)
    figure("purchases / failed while scaling up", f"{len(answers)} / {len(failed)}")
    check(not failed, f"failures: {early.answers.statuses()} {late.answers.statuses()}")

    with Buyers(shop.door("ticket"), rate=5) as few:
        started = time.monotonic()
        kube.wait_until("two pods again", lambda: len(shop.pods("ticket")) == 2, 240, 1)
        figure("from the end of the load to two pods, s", f"{time.monotonic() - started:.0f}")
        time.sleep(7)
    figure("purchases / failed while scaling down", f"{len(few.answers.all)} / {len(few.answers.failed)}")
    check(not few.answers.failed, f"failures: {few.answers.statuses()}")


def _measured(hpa: dict) -> bool:
    """Whether the autoscaler has metrics of the pods; those of new pods take a while."""
    metrics = hpa.get("status", {}).get("currentMetrics") or []
    # A metric that cannot be read yet is in the list, but empty.
    return bool(metrics) and all("averageUtilization" in metric.get("containerResource", {}).get("current", {}) for metric in metrics)
