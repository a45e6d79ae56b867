"""Sixty buyers at once buy until there is nothing left: exactly as many tickets are sold as there were."""

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
    figure("tickets there were / buyers were told of / in the ledger", f"{stock} / {told} / {new}")
    figure("seconds until sold out, 60 buyers of 3 tickets each", f"{seconds:.1f}")
    figure("refused as sold out / failed", f"{len(answers.sold_out)} / {len(answers.failed)}")
    check(not answers.failed, f"failures: {answers.statuses()}")
    check(told == new == stock - stock % 3, "exactly what there was is sold")
    check(shop.available() == stock % 3 and len(answers.sold_out) > 0, "then buyers hear that nothing is left")
    # Enough for everything that follows.
    shop.set_capacity(100_000_000)
