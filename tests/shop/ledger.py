"""What the ledger of an event and the account at the provider say about each payment."""

import collections
import dataclasses

from calls import call

PREFIX = "io.ticket-system.ledger."
PAGE = 500


def quantity(items):
    return sum(item["qty"] for item in items)


@dataclasses.dataclass
class Hold:
    """A hold as its records tell it."""

    customer: str
    qty: int
    total: int
    confirmed_by: list = dataclasses.field(default_factory=list)
    confirmed_ms: int = 0
    reacquired: bool = False
    refunded_qty: int = 0
    refunds_due: list = dataclasses.field(default_factory=list)


class Ledger:
    """All records of an event, read page by page."""

    def __init__(self, url, event, token):
        self.holds, self.problems = {}, []
        self.kinds = collections.Counter()
        self.sold = self.sold_max = self.seq = 0
        while page := self._page(url, event, token):
            for record in page:
                self._apply(record)

    def _page(self, url, event, token):
        path = f"{url}/api/v1/admin/events/{event}/sales?after={self.seq}&limit={PAGE}"
        status, page = call("GET", path, headers={"authorization": f"Bearer {token}"})
        if status != 200:
            raise RuntimeError(f"the ledger cannot be read: {status} {page}")
        return page

    def _apply(self, record):
        if int(record["sequence"]) != self.seq + 1:
            self.problems.append(f"the ledger has a gap after record {self.seq}")
        self.seq = int(record["sequence"])
        kind, data = record["type"].removeprefix(PREFIX), record["data"]
        self.kinds[kind] += 1
        if kind == "held":
            self.holds[data["hold"]] = Hold(data["customer"], quantity(data["items"]), data["total"]["amount_minor"])
        elif kind == "confirmed":
            hold = self.holds[data["hold"]]
            hold.confirmed_by.append(data.get("payment_ref"))
            hold.confirmed_ms = data["at_ms"]
            hold.reacquired |= data["reacquired"]
            self.sold += quantity(data["items"])
            self.sold_max = max(self.sold_max, self.sold)
        elif kind == "refunded":
            self.holds[data["hold"]].refunded_qty += quantity(data["items"])
            self.sold -= quantity(data["items"])
        elif kind == "refund_due":
            self.holds[data["hold"]].refunds_due.append(data["payment_ref"])
        elif kind == "sold":
            self.problems.append(f"record {self.seq} sells without a hold")

    def due(self):
        """How many records say that a payment has to be returned, by payment."""
        return collections.Counter(payment for hold in self.holds.values() for payment in hold.refunds_due)

    def bought(self):
        """The holds that each payment confirmed."""
        bought = collections.defaultdict(list)
        for id, hold in self.holds.items():
            for payment in hold.confirmed_by:
                bought[payment].append(id)
        return bought


@dataclasses.dataclass
class Intent:
    """A payment intent: what was captured of it and what was returned."""

    payment: str
    manual: bool
    status: str
    captured: int
    captured_ms: int
    returned: int


def account(url, key):
    """The payment intents at the provider, by id."""
    headers = {"authorization": f"Bearer {key}"}
    status, page = call("GET", f"{url}/v1/payment_intents?limit=10000", headers=headers, timeout_s=30)
    if status != 200 or page["has_more"]:
        raise RuntimeError(f"the payments cannot be read: {status}")
    intents = {}
    for intent in page["data"]:
        charge = intent["latest_charge"] or {}
        paid = charge.get("captured") and charge.get("status") == "succeeded"
        intents[intent["id"]] = Intent(
            intent["metadata"]["payment"],
            intent["capture_method"] == "manual",
            intent["status"],
            charge["amount"] if paid else 0,
            charge.get("captured_ms", 0),
            charge.get("amount_refunded", 0),
        )
    return intents
