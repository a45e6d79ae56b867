"""From two services to one process and back: the stock and every sale are preserved."""

import threading
import time

from e2e import kube
from e2e.report import check, figure
from e2e.shop import Shop
from e2e.web import http


def run(shop: Shop) -> None:
    # From here on, the mode's default decides the number of pods: one for the monolith's volume.
    shop.change({"images": {"ticket": None}, "ticket": {"replicas": None, "autoscaling": {"enabled": None, "minReplicas": None, "maxReplicas": None, "targetCPUUtilization": None, "behavior": None}}})
    shop.wait_ready()
    for mode, component in (("monolith", "monolith"), ("microservices", "ticket")):
        sales, counts = shop.sold(), shop.event()
        doors = [shop._doors.get(name) or f"http://{_address(shop)}:{_port(shop, name)}" for name in ("ticket", "monolith")]
        bought: list[float] = []
        ended = threading.Event()
        # One buyer per door: the old one may hold a purchase while the new one sells.
        buyers = [threading.Thread(target=_keep_buying, args=(door, bought, ended), daemon=True) for door in doors]
        for buyer in buyers:
            buyer.start()
        try:
            time.sleep(1)
            shop.change({"mode": mode})
            seconds = shop.wait_ready()
            kube.wait_until("the new mode sells", lambda: bought and time.monotonic() - bought[-1] < 0.5, 30)
            time.sleep(1)
        finally:
            ended.set()
            for buyer in buyers:
                buyer.join()
        gap = max(later - earlier for earlier, later in zip(bought, bought[1:]))
        figure(f"to {mode}: until Ready, s", f"{seconds:.1f}")
        figure(f"to {mode}: longest time without a sale, ms", round(gap * 1000))
        after = shop.sold()
        check(all(after.get(sale) == qty for sale, qty in sales.items()), "every sale is still there")
        check(len(after) == len(sales) + len(bought), f"{len(bought)} were bought meanwhile, the ledger has {len(after) - len(sales)} more")
        check(shop.event()["capacity"] == counts["capacity"], "the capacity is unchanged")
        check({pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in shop.pods()} >= {component}, f"{component} runs")
    figure("sales preserved", len(sales))


def _keep_buying(door: str, bought: list[float], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            # Longer than ticket holds a purchase: one that was given up could still be sold.
            status, _, body = http("POST", f"{door}/api/v1/purchase", {"qty": 1}, timeout_s=15)
            if status == 200 and body["success"]:
                bought.append(time.monotonic())
        except (OSError, ValueError):
            pass
        time.sleep(0.05)


def _address(shop: Shop) -> str:
    return shop.door("ticket").split("//")[1].split(":")[0]


def _port(shop: Shop, component: str) -> int:
    return shop.get("service", f"door-{shop.name}-{component}")["spec"]["ports"][0]["nodePort"]
