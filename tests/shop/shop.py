#!/usr/bin/env python3
"""The backend of a small shop: sells what ticket holds, takes money through a provider like Stripe.

Each order and each payment is a row with a state. A step reads the row, makes one call with a key that follows from the row, and
commits the next state, so that a step can be repeated after `kill -9` at any moment. The order of the calls is that of
docs/payments.md: hold, payment intent, payment started, authorised by the buyer, confirm, capture.
"""

import hashlib
import hmac
import json
import os
import random
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calls import Unanswered, call

EVENT = os.environ["SHOP_EVENT"]
TICKET = os.environ["SHOP_TICKET"] + "/api/v1"
PROVIDER = os.environ["SHOP_PROVIDER"] + "/v1"
SELLER = {"authorization": "Bearer " + os.environ["SELLER_TOKEN"]}
PROVIDER_KEY = {"authorization": "Bearer " + os.environ["SHOP_PROVIDER_KEY"]}
WEBHOOK_SECRET = os.environ["SHOP_WEBHOOK_SECRET"].encode()
# How often the provider is asked about a payment of which no webhook came.
POLL_S = 4
# An intent that is not authorised by then is cancelled.
ABANDON_S = 20
# How long an order waits for stock.
SOLD_OUT_S = 10
WORKERS = 8

SCHEMA = """
create table if not exists orders(
    id text primary key, customer text, qty int, discount int, instant int, created real,
    state text, due real, reason text, hold text, total int, currency text);
create table if not exists payments(
    id text primary key, order_id text, created real, state text, due real, reason text,
    intent text, secret text, found_by text);
create index if not exists payments_by_intent on payments(intent);
"""
# States in which the shop has nothing to do: an order that is held goes on in its payments.
RESTING = ("held", "refused", "captured", "voided", "refunded", "failed", "stuck")


class Store:
    """The shop's memory. A commit is on the disk before anybody learns of it."""

    def __init__(self, path):
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        with self._lock:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(SCHEMA)

    def write(self, *statements):
        """All statements in one commit; returns how many rows the last one changed."""
        with self._lock, self._db:
            for sql, values in statements:
                changed = self._db.execute(sql, values).rowcount
            return changed

    def rows(self, sql, *values):
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, values).fetchall()]


class Retry(Exception):
    """The step has to be repeated, unchanged."""


def ticket(method, path, body, key):
    """A call of ticket with the seller's token; raises Retry as long as its outcome is unknown."""
    headers = SELLER | {"idempotency-key": key}
    try:
        status, answer = call(method, TICKET + path, body, headers)
    except Unanswered as error:
        raise Retry(error) from error
    if status >= 500 or status == 429 or answer.get("code") == "idempotency_key_in_flight":
        raise Retry(answer)
    return status, answer


def provider(path, form, key):
    """A call of the provider; GET without a form."""
    headers = PROVIDER_KEY | ({"idempotency-key": key} if key else {})
    try:
        status, answer = call("GET" if form is None else "POST", PROVIDER + path, headers=headers, form=form)
    except Unanswered as error:
        raise Retry(error) from error
    if status >= 500 or status in (409, 429):
        raise Retry(answer)
    return status, answer


class Shop:
    """The steps: each makes one call and returns the columns to change, the next state among them."""

    def __init__(self, store):
        self.store = store
        self.busy = set()
        self.wake = threading.Condition()

    # -- orders

    def order_new(self, order):
        body = {"event": EVENT, "customer": order["customer"], "items": [{"stock": "general", "qty": order["qty"]}]}
        status, answer = ticket("POST", "/holds", body, f"hold-{order['id']}")
        if status == 201:
            total = answer["total"]
            self.open_payment(order["id"], 1)
            return {"state": "held", "hold": answer["id"], "total": total["amount_minor"], "currency": total["currency"]}
        if answer.get("code") == "sold_out" and time.time() < order["created"] + SOLD_OUT_S:
            raise Retry(answer)
        if status == 409:
            return {"state": "refused", "reason": answer["code"]}
        return stuck(status, answer)

    def open_payment(self, order_id, tab):
        now = time.time()
        values = (f"{order_id}-{tab}", order_id, now, now)
        self.store.write(("insert or ignore into payments(id, order_id, created, state, due) values (?, ?, ?, 'new', ?)", values))
        self.notify()

    # -- payments

    def payment_new(self, payment, order):
        if order["state"] != "held":
            raise Retry("the hold is not there yet")
        form = {
            "amount": order["total"] - order["discount"],
            "currency": order["currency"].lower(),
            "capture_method": "automatic" if order["instant"] else "manual",
            "metadata[payment]": payment["id"],
        }
        status, answer = provider("/payment_intents", form, f"intent-{payment['id']}")
        if status != 200:
            return stuck(status, answer)
        return {"state": "opened", "intent": answer["id"], "secret": answer["client_secret"]}

    def payment_opened(self, payment, order):
        body = {"ref": payment["intent"], "state": "started"}
        status, answer = ticket("POST", f"/holds/{order['hold']}/payment", body, f"started-{payment['intent']}")
        # Another tab has started: this payment may still be the one that is finished first.
        if status == 200 or answer.get("code") == "payment_started":
            return {"state": "waiting", "due": time.time() + POLL_S}
        if status in (409, 410):
            return {"state": "void", "reason": answer["code"]}
        return stuck(status, answer)

    def payment_waiting(self, payment, _order):
        _, intent = provider(f"/payment_intents/{payment['intent']}", None, None)
        if intent.get("status") in ("requires_capture", "succeeded"):
            return {"state": "authorised", "found_by": "poll"}
        if intent.get("status") == "canceled":
            return {"state": "failed", "reason": "canceled by the provider"}
        if time.time() > payment["created"] + ABANDON_S:
            return {"state": "void", "reason": "abandoned"}
        return {"state": "waiting", "due": time.time() + POLL_S}

    def payment_authorised(self, payment, order):
        amount = {"amount_minor": order["total"] - order["discount"], "currency": order["currency"]}
        body = {"payment_ref": payment["intent"], "amount": amount}
        status, answer = ticket("POST", f"/holds/{order['hold']}/confirm", body, f"confirm-{payment['intent']}")
        if status == 200:
            return {"state": "captured" if order["instant"] else "confirmed"}
        if status == 410 and answer.get("refund_due") == payment["intent"]:
            return {"state": "void", "reason": "refund_due"}
        if status in (409, 410):
            return {"state": "void", "reason": answer["code"]}
        return stuck(status, answer)

    def payment_confirmed(self, payment, _order):
        status, answer = provider(f"/payment_intents/{payment['intent']}/capture", {}, f"capture-{payment['intent']}")
        return {"state": "captured"} if status == 200 else stuck(status, answer)

    def payment_void(self, payment, order):
        """Cancels what is not captured, returns what is; and never both."""
        intent = payment["intent"]
        if not (order["instant"] and payment["found_by"]):
            status, answer = provider(f"/payment_intents/{intent}/cancel", {}, f"cancel-{intent}")
            if status == 200:
                return {"state": "voided"}
            _, now = provider(f"/payment_intents/{intent}", None, None)
            if now.get("status") != "succeeded":
                return stuck(status, answer)
            if payment["reason"] == "abandoned":
                # The money arrived in the last moment, and nobody has decided about it.
                return {"state": "authorised", "found_by": "cancel"}
        return self.return_money(payment)

    def payment_returning(self, payment, order):
        path = f"/admin/reservations/{order['hold']}/refunds"
        status, answer = ticket("POST", path, {}, f"return-{payment['intent']}")
        return {"state": "owed"} if status == 201 else stuck(status, answer)

    def payment_owed(self, payment, _order):
        return self.return_money(payment)

    def return_money(self, payment):
        status, answer = provider("/refunds", {"payment_intent": payment["intent"]}, f"refund-{payment['intent']}")
        return {"state": "refunded"} if status == 200 else stuck(status, answer)

    # -- messages of others

    def webhook(self, body, signature):
        """Whether the message is the provider's. Doubled, late and disordered ones change nothing."""
        parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
        signed = parts.get("t", "").encode() + b"." + body
        expected = hmac.new(WEBHOOK_SECRET, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, parts.get("v1", "")):
            return False
        event = json.loads(body)
        if event["type"] in ("payment_intent.amount_capturable_updated", "payment_intent.succeeded"):
            intent = event["data"]["object"]["id"]
            sql = "update payments set state = 'authorised', found_by = 'webhook', due = ? where intent = ? and state = 'waiting'"
            self.store.write((sql, (time.time(), intent)))
            self.notify()
        return True

    def order(self, fields):
        now = time.time()
        values = (fields["id"], fields["customer"], fields["qty"], fields.get("discount", 0), fields.get("instant", 0), now, now)
        sql = "insert or ignore into orders(id, customer, qty, discount, instant, created, state, due) values (?, ?, ?, ?, ?, ?, 'new', ?)"
        self.store.write((sql, values))
        self.notify()

    def give_back(self, order_id):
        """The buyer returns the tickets: whether there is a captured payment to return."""
        sql = "update payments set state = 'returning', reason = 'returned', due = ? where order_id = ? and state = 'captured'"
        self.store.write((sql, (time.time(), order_id)))
        self.notify()
        return bool(self.store.rows("select 1 from payments where order_id = ? and reason = 'returned'", order_id))

    # -- the loop

    def notify(self):
        with self.wake:
            self.wake.notify()

    def next_row(self):
        """A row that is due, marked as busy: one worker at a time has it."""
        with self.wake:
            while True:
                for table in ("payments", "orders"):
                    sql = f"select * from {table} where state not in {RESTING} and due <= ? order by due limit 50"
                    for row in self.store.rows(sql, time.time()):
                        if (table, row["id"]) not in self.busy:
                            self.busy.add((table, row["id"]))
                            return table, row
                self.wake.wait(0.1)

    def work(self):
        while True:
            table, row = self.next_row()
            try:
                if table == "orders":
                    changes = self.order_new(row)
                else:
                    order = self.store.rows("select * from orders where id = ?", row["order_id"])[0]
                    changes = getattr(self, "payment_" + row["state"])(row, order)
                changes = {"due": time.time()} | changes
            except Retry:
                changes = {"due": time.time() + random.uniform(0.2, 0.7)}
            columns = ", ".join(f"{name} = ?" for name in changes)
            # A webhook may have moved the row on meanwhile: that step counts.
            sql = f"update {table} set {columns} where id = ? and state = ?"
            self.store.write((sql, (*changes.values(), row["id"], row["state"])))
            with self.wake:
                self.busy.discard((table, row["id"]))


def stuck(status, answer):
    """A response that no step expects: a defect of the shop or of a service, which the proof reports."""
    return {"state": "stuck", "reason": f"{status} {json.dumps(answer)}"}


class Api(BaseHTTPRequestHandler):
    shop = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        store = self.shop.store
        if parts == ["state"]:
            return self.reply(200, {table: store.rows(f"select * from {table}") for table in ("orders", "payments")})
        if parts[0] == "orders" and len(parts) == 2:
            found = store.rows("select * from orders where id = ?", parts[1])
            payments = store.rows("select * from payments where order_id = ? order by id", parts[1])
            return self.reply(200, found[0] | {"payments": payments}) if found else self.reply(404, {})
        return self.reply(404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = self.path.strip("/").split("/")
        if parts == ["webhook"]:
            return self.reply(200 if self.shop.webhook(body, self.headers.get("stripe-signature", "")) else 400, {})
        if parts == ["orders"]:
            self.shop.order(json.loads(body))
            return self.reply(202, {})
        if parts[0] == "orders" and parts[2:] == ["payments"]:
            self.shop.open_payment(parts[1], json.loads(body)["tab"])
            return self.reply(202, {})
        if parts[0] == "orders" and parts[2:] == ["return"]:
            return self.reply(202 if self.shop.give_back(parts[1]) else 409, {})
        return self.reply(404, {})

    def reply(self, status, answer):
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    Api.shop = Shop(Store(os.environ["SHOP_DATABASE"]))
    for _ in range(WORKERS):
        threading.Thread(target=Api.shop.work, daemon=True).start()
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SHOP_PORT"])), Api).serve_forever()


if __name__ == "__main__":
    main()
