"""60 concurrent buyers buy until the stock is sold out: exactly the available tickets are sold."""

import time

from e2e import kube
from e2e.load import Buyers
from e2e.report import check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    before, stock = shop.sequence(), shop.available()
    started = time.monotonic()
    with Buyers(shop.door("ticket"), users=60, qty=3) as buyers:
        kube.wait_until("it is sold out", lambda: shop.available() < 3, 120)
        seconds = time.monotonic() - started
        time.sleep(1)
    answers = buyers.answers
    told = sum(answer["qty"] for answer in answers.sold)
    new = sum(shop.sold(after=before).values())
    figure("tickets in stock / acknowledged / in the ledger", f"{stock} / {told} / {new}")
    figure("until sold out, 60 buyers of 3 tickets each, s", f"{seconds:.1f}")
    figure("refused as sold out / failed", f"{len(answers.sold_out)} / {len(answers.failed)}")
    check(not answers.failed, f"failures: {answers.statuses()}")
    check(told == new == stock - stock % 3, "exactly the available tickets are sold")
    check(shop.available() == stock % 3 and len(answers.sold_out) > 0, "then buyers get sold-out responses")
    # Enough for all scenarios that follow.
    shop.set_capacity(100_000_000)
