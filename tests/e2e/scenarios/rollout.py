"""A restart of ticket and an update of its image under load: no purchase fails."""

import time

from e2e import kube
from e2e.load import Buyers, check_books
from e2e.report import check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    shop.change({"ticket": {"replicas": 2, "autoscaling": {"enabled": False}}})
    shop.wait_ready()
    deployment = f"deployment/{shop.name}-ticket"

    def restart() -> None:
        shop.kubectl("rollout", "restart", deployment)
        shop.kubectl("rollout", "status", deployment, "--timeout=120s")

    def update() -> None:
        image = f"{kube.PREFIX}/ticket:{kube.NEXT_TAG}"
        shop.change({"images": {"ticket": image}})
        shop.kubectl("rollout", "status", deployment, "--timeout=120s")
        shop.wait_ready()
        running = {pod["spec"]["containers"][0]["image"] for pod in shop.pods("ticket")}
        check(running == {image}, f"the pods run {running}")

    for what, change in (("restart", restart), ("image update", update)):
        before, old, vacancy = shop.sequence(), shop.uids("ticket"), shop.uids("vacancy")
        with Buyers(shop.door("ticket"), rate=100) as buyers:
            time.sleep(3)
            change()
            kube.wait_until("the old pods are gone", lambda: _ended(shop, old), 60)
            time.sleep(2)
        answers = buyers.answers
        figure(f"{what}: purchases / failed", f"{len(answers.all)} / {len(answers.failed)}")
        figure(f"{what}: longest time without a sale, ms", answers.gap_ms())
        figure(f"{what}: slowest answer, ms", answers.slowest_ms())
        check(not answers.failed, f"failures: {answers.statuses()} {answers.failed[:3]}")
        check(not old & shop.uids("ticket"), "every pod is new")
        check(vacancy == shop.uids("vacancy"), "vacancy was not restarted")
        check_books(shop, before, answers, shop.door("ticket"))


def _ended(shop: Shop, uids: set[str]) -> bool:
    return not uids & {pod["metadata"]["uid"] for pod in shop.get("pods")["items"]}
