"""Buyers: k6 in the background, and the outcome of each purchase."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from .kube import ROOT
from .report import check, figure
from .shop import Shop
from .web import http


@dataclasses.dataclass
class Answers:
    """The responses that k6 received, one entry per purchase."""

    all: list[dict]
    # When k6 was stopped. It drops pending requests then; their buyers do not count as failed.
    ended_ms: float = float("inf")

    @classmethod
    def of(cls, lines: list[str], ended_ms: float) -> "Answers":
        """Joins the line of a sent purchase and the line of its response by their key."""
        left = {"at_ms": ended_ms, "ms": 0, "status": 0, "sold": False, "sold_out": False}
        purchases: dict[str, dict] = {}
        for line in lines:
            # The last line of a stopped process may be incomplete.
            if line.startswith("{") and line.endswith("}"):
                entry = json.loads(line)
                purchases.setdefault(entry["key"], dict(left)).update(entry)
        return cls(list(purchases.values()), ended_ms)

    @property
    def sold(self) -> list[dict]:
        return [a for a in self.all if a["sold"]]

    @property
    def sold_out(self) -> list[dict]:
        return [a for a in self.all if a["sold_out"]]

    @property
    def failed(self) -> list[dict]:
        return [a for a in self.unsold() if not self._left(a)]

    def unsold(self) -> list[dict]:
        """Purchases that failed, and those whose buyer left."""
        return [a for a in self.all if not a["sold"] and not a["sold_out"]]

    def _left(self, answer: dict) -> bool:
        return answer["status"] == 0 and answer["at_ms"] >= self.ended_ms

    def statuses(self) -> dict[int, int]:
        """Number of failures by status; 0 means no response."""
        count: dict[int, int] = {}
        for answer in self.failed:
            count[answer["status"]] = count.get(answer["status"], 0) + 1
        return count

    def gap_ms(self, since_ms: float = 0) -> int:
        """The longest time without a sale from the first one on, also if none followed it."""
        times = sorted(a["at_ms"] for a in self.sold if a["at_ms"] >= since_ms)
        if times and self.ended_ms < float("inf"):
            times.append(max(times[-1], int(self.ended_ms)))
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0)

    def slowest_ms(self) -> int:
        return max((a["ms"] for a in self.all if not self._left(a)), default=0)


class Buyers:
    """Buys during the `with` block; afterwards `answers` contains the outcome.

    rate: purchases per second, independent of responses. Without it, `users` buy as fast as responses arrive.
    """

    def __init__(self, url: str, rate: int | None = None, users: int = 20, qty: int = 1, most_s: int = 300):
        self._folder = tempfile.TemporaryDirectory(prefix="e2e-")
        self._log = pathlib.Path(self._folder.name) / "answers"
        self._env = {"URL": url, "RATE": str(rate or 0), "USERS": str(users), "QTY": str(qty), "DURATION": f"{most_s}s"}
        self.answers = Answers([])

    def __enter__(self) -> "Buyers":
        command = [str(ROOT / "tests/load/k6"), "run", "--quiet", "--no-summary", "--no-thresholds", "--log-format=raw"]
        command += [f"--console-output={self._log}", str(ROOT / "tests/e2e/buy.js")]
        env = {**os.environ, **self._env, "K6_NO_USAGE_REPORT": "true", "NO_PROXY": "*"}
        self._k6 = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._log.exists() or self._log.stat().st_size == 0:
            check(self._k6.poll() is None and time.monotonic() < deadline, "k6 started to buy")
            time.sleep(0.1)
        return self

    def __exit__(self, *_) -> None:
        # Whole milliseconds, as k6 reports its times: with a fraction, a response of this very
        # millisecond would count as earlier.
        ended_ms = int(time.time() * 1000)
        if self._k6.poll() is None:
            self._k6.send_signal(signal.SIGINT)
        try:
            self._k6.wait(30)
        finally:
            self._k6.kill()
        self.answers = Answers.of(self._log.read_text().splitlines(), ended_ms)
        self._folder.cleanup()


def retry_until_answered(url: str, answers: Answers) -> int:
    """Retries every unsold purchase with its own key. Returns the number of tickets sold."""
    tickets = 0
    for failed in answers.unsold():
        for _ in range(50):
            status, _, body = http("POST", f"{url}/api/v1/purchase", {"qty": failed["qty"]}, {"idempotency-key": f'"{failed["key"]}"'})
            if status == 200:
                break
            time.sleep(0.2)
        check(status == 200 and body["success"], f"the retry of {failed['key']} was answered {status} {body}")
        failed["id"] = body["reservation_id"]
        tickets += failed["qty"]
    return tickets


def report_outage(what: str, answers: Answers) -> None:
    """Reports an outage of vacancy; every failed purchase must have 503 with Retry-After."""
    figure(f"{what}: longest time without a sale, ms", answers.gap_ms())
    figure(f"{what}: purchases / refused meanwhile, by status", f"{len(answers.all)} / {answers.statuses()}")
    check(set(answers.statuses()) <= {503}, f"every failure is a 503: {[a for a in answers.failed if a['status'] != 503][:3]}")
    check(all(a["retry_after"] for a in answers.failed), "every 503 has Retry-After")


def check_books(shop: Shop, before: int, answers: Answers, url: str) -> None:
    """No acknowledged sale is lost, and every sale has a buyer.

    After a retry of every failure, the ledger after `before` equals the responses.
    """
    told = sum(answer["qty"] for answer in answers.sold)
    retried = retry_until_answered(url, answers)
    new = shop.sold(after=before)
    lost = [answer["id"] for answer in answers.sold if answer["id"] not in new]
    figure("purchases acknowledged / lost", f"{len(answers.sold)} / {len(lost)}")
    check(not lost, f"acknowledged and not in the ledger: {lost[:5]}")
    check(sum(new.values()) == told + retried, f"the ledger has {sum(new.values())} new tickets, buyers have {told + retried}")
    counts = shop.event()
    check(counts["available"] + counts["held"] + counts["sold"] == counts["capacity"], f"the stock does not add up: {counts}")
