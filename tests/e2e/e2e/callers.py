"""Buyers behind the real Ingress controller, one per door, each with a new connection per purchase."""

import threading
import time

from .door import Door
from .report import check, figure
from .web import NoAnswer

SOLD, DELAYED = "sold", "503 with Retry-After"
# Envoy without a service behind it. Contour sends routes and clusters apart: for some milliseconds, a
# route may lead to a Service that Envoy does not know yet (response flag NC).
UNROUTED = "503 of the controller"
# Between two purchases of a buyer.
PAUSE_S = 0.05


class Callers:
    """Buys during the `with` block, through each door."""

    def __init__(self, doors: list[Door]):
        # By scheme, the time of each answer and the outcome.
        self._seen: dict[str, list[tuple[float, str]]] = {door.scheme: [] for door in doors}
        # The `seq` of the last sale of each scheme.
        self._seq = {door.scheme: 0 for door in doors}
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._keep_buying, args=(door,), daemon=True) for door in doors]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def newest(self) -> int:
        """The seq of the newest sale."""
        return max(self._seq.values())

    def report(self, what: str, allowed: set[str]) -> None:
        """Reports the purchases. Each must have succeeded, or have an allowed outcome."""
        for scheme, seen in self._seen.items():
            outcomes = [outcome for _, outcome in seen]
            wrong = [outcome for outcome in outcomes if outcome != SOLD and outcome not in allowed]
            sales = [at for at, outcome in seen if outcome == SOLD]
            gap = max((later - earlier for earlier, later in zip(sales, sales[1:])), default=0)
            refused = f"{outcomes.count(DELAYED)} / {outcomes.count(UNROUTED)}"
            figure(f"{what}, {scheme}: purchases / delayed by 503 / unrouted / failed", f"{len(sales)} / {refused} / {len(wrong)}")
            figure(f"{what}, {scheme}: longest time without a sale, ms", round(gap * 1000))
            check(not wrong and len(sales) > 10, f"purchases over {scheme}, {what}: {sorted(set(wrong))} of {len(seen)}")

    def unrouted_s(self) -> float:
        """The time from the first purchase that the controller did not route to the last."""
        times = [at for seen in self._seen.values() for at, outcome in seen if outcome == UNROUTED]
        return max(times, default=0) - min(times, default=0)

    def _keep_buying(self, door: Door) -> None:
        while not self._ended.is_set():
            outcome = self._buy(door)
            self._seen[door.scheme].append((time.monotonic(), outcome))
            time.sleep(PAUSE_S)

    def _buy(self, door: Door) -> str:
        try:
            answer = door.call("POST", "/api/v1/purchase", {"qty": 1})
        except NoAnswer as failure:
            return str(failure)
        if answer.status == 200 and answer.json()["success"]:
            self._seq[door.scheme] = answer.json()["seq"]
            return SOLD
        if answer.status == 503 and "retry-after" in answer.headers:
            return DELAYED
        return UNROUTED if answer.status == 503 and not answer.text else str(answer)
