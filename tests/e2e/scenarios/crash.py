"""kill -9 and forced deletion of vacancy under load: no acknowledged sale is lost."""

import time

from e2e import kube, node
from e2e.load import Buyers, check_books, report_outage
from e2e.report import check, figure
from e2e.shop import Shop

# Purchases wait for vacancy to come back: VACANCY_TIMEOUT, plus VACANCY_RECONNECT_WAIT_S, plus slack
# for a busy machine.
ANSWER_MAX_MS = 8500


def run(shop: Shop) -> None:
    def kill(pod: dict) -> None:
        node.kill_9(pod)
        restarts = pod["status"]["containerStatuses"][0]["restartCount"]
        kube.wait_until("the container was restarted", lambda: _restarts(shop) > restarts, 60)

    def delete(pod: dict) -> None:
        shop.delete_at_once(pod)
        kube.wait_until("there is another pod", lambda: pod["metadata"]["uid"] not in shop.uids("vacancy") and shop.pods("vacancy"), 60)

    sales = shop.sold()
    for what, harm in (("kill -9", kill), ("delete --force", delete), ("kill -9 again", kill)):
        before = shop.sequence()
        with Buyers(shop.door("ticket"), rate=50) as buyers:
            time.sleep(4)
            harmed_ms = time.time() * 1000
            harm(shop.pods("vacancy")[0])
            shop.wait_ready()
            time.sleep(3)
        answers = buyers.answers
        report_outage(what, answers)
        figure(f"{what}: slowest answer, ms", answers.slowest_ms())
        check(answers.slowest_ms() <= ANSWER_MAX_MS, f"no response takes longer than {ANSWER_MAX_MS} ms")
        check([a for a in answers.sold if a["at_ms"] > harmed_ms], "sales continued")
        check_books(shop, before, answers, shop.door("ticket"))
    left = shop.sold()
    check(all(left.get(sale) == qty for sale, qty in sales.items()), "every earlier sale is still there")


def _restarts(shop: Shop) -> int:
    return max((status["restartCount"] for pod in shop.pods("vacancy") for status in pod["status"].get("containerStatuses", [])), default=0)
