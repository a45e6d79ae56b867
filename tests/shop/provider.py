"""The payment provider: localstripe, with the parts of Stripe that it lacks and a shop depends on.

Added: Idempotency-Key, and the webhooks for authorised and cancelled payment intents. Kept, because it makes mistakes of a shop
visible: localstripe captures a cancelled intent and refunds the same money twice, which Stripe refuses.
Listens on 127.0.0.1 alone and writes no files.
"""

import hashlib
import logging
import sys
import time

from aiohttp import web
from localstripe import resources

# The path of GET that returns how often a stored response was sent. localstripe needs no token below /_config/.
COUNTS = "/_config/idempotency"


class Keys:
    """Responses by idempotency key, as Stripe stores them: with their status, refusals included."""

    def __init__(self):
        self.responses = {}
        self.in_use = set()
        self.replayed = 0

    async def handle(self, request, handler):
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not key:
            return await handler(request)
        digest = hashlib.sha256(await request.read()).hexdigest()
        call = f"{request.path} {digest}"
        if key in self.in_use:
            return _error(409, "idempotency_key_in_use")
        if key not in self.responses:
            self.in_use.add(key)
            try:
                response = await handler(request)
                self.responses[key] = (call, response.status, response.body)
                return response
            finally:
                self.in_use.discard(key)
        known, status, body = self.responses[key]
        if known != call:
            return _error(400, "idempotency_error")
        self.replayed += 1
        return web.Response(status=status, body=body, content_type="application/json")


def _error(status, kind):
    return web.json_response({"error": {"type": kind}}, status=status)


def _time_captures():
    """Notes when a charge was captured, for the proof that its ticket was sold before."""
    capture = resources.Charge._capture

    def timed(self, amount, on_success=None):
        capture(self, amount, on_success)
        self.captured_ms = time.time_ns() // 1_000_000

    resources.Charge._capture = timed


def _announce():
    """Sends localstripe's own signed webhooks for the two changes that it announces to nobody."""
    intent = resources.PaymentIntent
    create_charge, cancel = intent._create_charge, intent._api_cancel.__func__

    def authorised(self, on_failure_now):
        create_charge(self, on_failure_now)
        if self.status == "requires_capture":
            resources.schedule_webhook(resources.Event("payment_intent.amount_capturable_updated", self))

    def cancelled(cls, id, **data):
        changed = cancel(cls, id, **data)
        resources.schedule_webhook(resources.Event("payment_intent.canceled", changed))
        return changed

    intent._create_charge = authorised
    intent._api_cancel = classmethod(cancelled)
    # The list of calls has the method of before.
    paths = [path for _, path, _ in resources.extra_apis]
    at = paths.index("/v1/payment_intents/{id}/cancel")
    resources.extra_apis[at] = ("POST", paths[at], intent._api_cancel)


def main():
    port = int(sys.argv[1])
    # Its file in /tmp would be shared by all runs on the machine.
    resources.Store.dump_to_disk = lambda self: None
    _announce()
    _time_captures()
    # It makes its routes when it is imported.
    from localstripe import server

    keys = Keys()

    @web.middleware
    async def with_keys(request, handler):
        return await keys.handle(request, handler)

    server.app.middlewares.insert(0, with_keys)
    server.app.router.add_get(COUNTS, lambda _request: web.json_response({"replayed": keys.replayed}))
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    web.run_app(server.app, host="127.0.0.1", port=port, print=None)


main()
