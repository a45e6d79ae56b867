"""The buyers: browsers that order at the shop, read their hold at ticket, and authorise at the provider."""

import random
import threading
import time

from calls import Unanswered, call

# What buyers do, and how many of 200 do it.
PLAN = {
    "pays": 66,
    "pays and returns": 16,
    "pays late": 54,
    "pays twice": 24,
    "never pays": 16,
    "releases, then pays": 8,
    "pays too little": 8,
}
# Pairs of orders of one customer beside these: the first is paid when the second has used up the limit.
PAIRS = 4
QTY_OF_PAIR = 2
LIMIT_PER_CUSTOMER = 3
GIVE_UP_S = 60
CARD = "pm_card_visa"


class Market:
    """Where things are, and when to give up."""

    def __init__(self, shop, ticket, provider, key):
        self.shop, self.ticket, self.provider = shop, ticket, provider
        self.key = {"authorization": f"Bearer {key}"}
        # The orders that the shop has acknowledged.
        self.acknowledged = set()
        self.errors = []

    def persist(self, method, url, body=None, wanted=(200, 202, 204, 404)):
        """Repeats a call until it has a response that is wanted: a browser that reloads."""
        deadline = time.monotonic() + GIVE_UP_S
        answer = None
        while time.monotonic() < deadline:
            try:
                answer = call(method, url, body)
                if answer[0] in wanted:
                    return answer
            except Unanswered as error:
                answer = error
            time.sleep(0.2)
        raise TimeoutError(f"{method} {url}: {answer}")


class Buyer(threading.Thread):
    """One order and what becomes of it."""

    def __init__(self, market, seed, number, what, **fields):
        super().__init__(daemon=True)
        self.market, self.what = market, what
        self.random = random.Random(f"{seed}/{number}")
        self.id = f"order-{number}"
        instant = int(self.random.random() < 0.3)
        discount = 1000 if what == "pays too little" else 0
        standard = {"customer": f"buyer-{number}", "qty": self.random.choice((1, 1, 2)), "instant": instant, "discount": discount}
        self.fields = {"id": self.id} | standard | fields

    def run(self):
        try:
            self.order()
        # A buyer who ends unseen would leave a case out.
        except Exception as error:  # noqa: BLE001
            self.market.errors.append(f"{self.id} ({self.what}): {error!r}")

    def order(self):
        market = self.market
        market.persist("POST", f"{market.shop}/orders", self.fields)
        market.acknowledged.add(self.id)
        first = self.payable(1)
        if first is None or self.what == "never pays":
            return
        if self.what == "pays twice":
            self.pay_twice(first)
        elif self.what == "releases, then pays":
            market.persist("DELETE", self.hold_url(), wanted=(204, 409))
            self.authorise(first)
        elif self.what == "pays late":
            self.wait_for(self.expired)
            time.sleep(self.random.uniform(0, 4))
            self.authorise(first)
        elif self.what in ("first of a pair", "second of a pair"):
            self.pair(first)
        else:
            time.sleep(self.random.uniform(0, 0.6))
            self.authorise(first)
            if self.what == "pays and returns" and self.wait_for(lambda: self.ended(1)):
                market.persist("POST", f"{market.shop}/orders/{self.id}/return", {}, wanted=(202, 409))

    def pay_twice(self, first):
        self.market.persist("POST", f"{self.market.shop}/orders/{self.id}/payments", {"tab": 2})
        second = self.payable(2)
        both = [payment for payment in (first, second) if payment]
        self.random.shuffle(both)
        for payment in both:
            self.authorise(payment)

    def pair(self, first):
        """The first order waits until it has expired, lets the second one through, and is paid after it."""
        if self.what == "second of a pair":
            self.authorise(first)
            return
        self.wait_for(self.expired)
        number = int(self.id.split("-")[1])
        fields = {"customer": self.fields["customer"], "qty": QTY_OF_PAIR}
        other = Buyer(self.market, self.random.random(), number + 1, "second of a pair", **fields)
        other.run()
        other.wait_for(lambda: other.ended(1))
        self.authorise(first)

    # -- what a browser sees

    def seen(self):
        return self.market.persist("GET", f"{self.market.shop}/orders/{self.id}", wanted=(200,))[1]

    def payment(self, tab):
        order = self.seen()
        found = [payment for payment in order["payments"] if payment["id"] == f"{self.id}-{tab}"]
        return order, found[0] if found else None

    def payable(self, tab):
        """The payment, once the provider waits for its buyer; None if it never will."""
        result = []

        def decided():
            order, payment = self.payment(tab)
            if payment and payment["state"] == "waiting":
                result.append(payment)
            return bool(result) or order["state"] in ("refused", "stuck") or bool(payment and self.is_over(payment))

        self.wait_for(decided)
        return result[0] if result else None

    @staticmethod
    def is_over(payment):
        return payment["state"] in ("captured", "voided", "refunded", "failed", "stuck")

    def ended(self, tab):
        _, payment = self.payment(tab)
        return bool(payment) and self.is_over(payment)

    def hold_url(self):
        return f"{self.market.ticket}/api/v1/holds/{self.seen()['hold']}"

    def expired(self):
        return self.market.persist("GET", self.hold_url(), wanted=(200,))[1]["state"] != "held"

    @staticmethod
    def wait_for(condition):
        deadline = time.monotonic() + GIVE_UP_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the order does not go on")
            time.sleep(0.25)
        return True

    def authorise(self, payment):
        """The bank's page. The provider refuses if the shop has cancelled meanwhile."""
        url = f"{self.market.provider}/v1/payment_intents/{payment['intent']}"
        call("POST", url, headers=self.market.key, form={"payment_method": CARD})
        call("POST", url + "/confirm", headers=self.market.key, form={})


def crowd(market, seed, orders):
    """The buyers in the order of their arrival. Pairs come first, as they need stock that is left."""
    generator = random.Random(seed)
    whats = [what for what, count in PLAN.items() for _ in range(count * (orders - 2 * PAIRS) // sum(PLAN.values()))]
    whats += ["pays"] * (orders - 2 * PAIRS - len(whats))
    generator.shuffle(whats)
    pairs = [Buyer(market, seed, 2 * pair, "first of a pair", qty=QTY_OF_PAIR) for pair in range(PAIRS)]
    return pairs + [Buyer(market, seed, 2 * PAIRS + number, what) for number, what in enumerate(whats)]
