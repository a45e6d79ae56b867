"""Through a real Ingress controller, http and https: ticket serves everything public, and nothing else is reachable."""

import time
from collections.abc import Iterator

from e2e import kube
from e2e.callers import DELAYED, UNROUTED, Callers
from e2e.door import Answer, Door, doors
from e2e.report import check, figure
from e2e.shop import ROLES, Shop
from e2e.streams import Followers
from e2e.tls import certificates
from e2e.web import NoAnswer, http
from scenarios.door_streams import check_caught_up, check_quiet, check_restart, check_stream

NAME, HOST = "door", "door.127.0.0.1.nip.io"
STOCK = 100_000
# What an Ingress or a public call may answer to a request for something internal.
REFUSALS = {400, 404, 405, 415, 422}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SMUGGLED, SALES = "smuggled", "/api/v1/admin/events/default/sales"
# What must not be reachable, with the methods it has.
INTERNAL = {
    f"/api/v1/admin/events/{SMUGGLED}": ("GET", "PUT", "DELETE"),
    SALES: ("GET",),
    "/api/v1/admin": ("GET",),
    "/api/v1/reserve": ("POST",),
    "/api/v1/reserve/batch": ("POST",),
    "/metrics": ("GET",),
    "/ready": ("GET",),
}
# Streams that are open during a mode switch.
FOLLOWERS = 20
# How long the controller may take to follow the Ingress to the Service of the new mode.
UNROUTED_MAX_S = 1
# Spellings that are tried with every method.
PLAIN = 12


def run(first: Shop) -> None:
    secret = certificates(HOST)
    both = doors(HOST, secret["ca.crt"])
    shop = Shop(first.namespace, NAME)
    if not kube.exists("namespace", shop.namespace):
        kube.create_namespace(shop.namespace)
    metadata = {"name": "door-tls", "namespace": shop.namespace}
    kube.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "stringData": {key: secret[key] for key in ("tls.crt", "tls.key")}})
    # Contour would end a stream after 15 s.
    annotations = {"projectcontour.io/response-timeout": "infinity"}
    ingress = {"host": HOST, "tls": {"secretName": "door-tls"}, "annotations": annotations}
    shop.create({"mode": "monolith", "stock": {"initial": STOCK}, "ingress": ingress, "ticket": {"replicas": 1, "autoscaling": {"enabled": False}}})
    shop.wait_ready()
    shop.open_doors()
    try:
        check_mode(shop, both, "monolith")
        switch(shop, both, "microservices")
        check_mode(shop, both, "microservices")
        check_restart(shop, both)
        switch(shop, both, "monolith")
    finally:
        shop.kubectl("delete", "ticketsystem", NAME, "--wait")
        shop.kubectl("delete", "--ignore-not-found", "secret/door-tls", f"pvc/{NAME}-data", *(f"secret/{NAME}-{role}-token" for role in ROLES), *(f"service/door-{NAME}-{name}" for name in ("ticket", "vacancy", "monolith")))


def check_mode(shop: Shop, both: list[Door], mode: str) -> None:
    """Everything that the Ingress must and must not do in one mode."""
    for door in both:
        kube.wait_until(f"{door.scheme} is routed", lambda: _status(door, "/api/v1/available") == 200, 60)
        buy_and_hold(door)
    figure(f"{mode}: buy, hold, extend, confirm, release, read", "http and https")
    for door in both:
        check_stream(door, mode)
    check_quiet(both, mode)
    sent = sum(check_internal(shop, door) for door in both)
    figure(f"{mode}: requests for something internal / let through", f"{sent} / 0")


# --- what must work


def buy_and_hold(door: Door) -> None:
    """The calls of a buyer. Counts that ticket reads may be a second old."""
    before = _ok(door, "GET", "/api/v1/events/default").json()["stocks"]["general"]
    key = {"idempotency-key": f'"{door.scheme}-{time.monotonic_ns()}"'}
    bought = _ok(door, "POST", "/api/v1/purchase", {"qty": 2}, key)
    check(bought.json()["success"] and bought.json()["reservation_id"], f"2 are bought: {bought}")
    check(_ok(door, "POST", "/api/v1/purchase", {"qty": 2}, key).text == bought.text, "a retry gets the same response")

    kept = _hold(door, 3)
    check(kept["state"] == "held", f"3 are held: {kept}")
    _counts(door, before, held=3, sold=2)
    longer = _ok(door, "POST", f"/api/v1/holds/{kept['id']}/extend", {"ttl_s": 600}).json()
    check(longer["expires_at"] > kept["expires_at"], f"the hold is extended: {kept} {longer}")
    confirmed = _ok(door, "POST", f"/api/v1/holds/{kept['id']}/confirm", {"payment_ref": "e2e"}).json()
    check(confirmed["state"] == "confirmed", f"the hold is confirmed: {confirmed}")

    tickets = _ok(door, "GET", f"/api/v1/reservations/{kept['id']}/tickets").json()
    check([ticket["n"] for ticket in tickets] == [1, 2, 3], f"it has 3 tickets: {tickets}")
    check("<svg" in _ok(door, "GET", tickets[0]["qr"]).text, "a ticket has a QR code")
    keys = _ok(door, "GET", "/.well-known/ticket-keys.json").json()["keys"]
    check(keys and all("d" not in key for key in keys), f"the public keys are published: {keys}")

    left = _hold(door, 4)
    status = door.call("DELETE", f"/api/v1/holds/{left['id']}").status
    check(status == 204, f"the hold is released: {status}")
    check(_ok(door, "GET", f"/api/v1/holds/{left['id']}").json()["state"] == "released", "and stays so")
    _counts(door, before, held=0, sold=5)
    for page in ("/", "/docs", "/redoc", "/openapi.json", "/api/v1/health", "/api/v1/events", "/api/v1/available"):
        _ok(door, "GET", page)


def _hold(door: Door, qty: int) -> dict:
    answer = door.call("POST", "/api/v1/holds", {"event": "default", "items": [{"stock": "general", "qty": qty}], "ttl_s": 60})
    check(answer.status == 201, f"POST holds: {answer}")
    return _ok(door, "GET", f"/api/v1/holds/{answer.json()['id']}").json()


def _counts(door: Door, before: dict, held: int, sold: int) -> None:
    def as_wanted() -> bool:
        now = _ok(door, "GET", "/api/v1/events/default").json()["stocks"]["general"]
        check(now["available"] + now["held"] + now["sold"] == now["capacity"], f"the counts add up: {now}")
        change = (now["held"] - before["held"], now["sold"] - before["sold"])
        available = _ok(door, "GET", "/api/v1/available").json()["qty"]
        return change == (held, sold) and available == before["available"] - held - sold

    kube.wait_until(f"{held} held and {sold} sold show in the counts", as_wanted, 10)


def _ok(door: Door, method: str, path: str, body: dict | None = None, headers: dict | None = None) -> Answer:
    answer = door.call(method, path, body, headers)
    check(answer.status == 200, f"{method} {path}: {answer}")
    return answer


def _status(door: Door, path: str) -> int:
    try:
        return door.call("GET", path).status
    except NoAnswer:
        return 0


# --- what must not be reachable


def spellings(path: str) -> Iterator[str]:
    """The path, and others that a proxy or a service might take for it."""
    yield path
    yield path + "/"
    yield path + "//"
    yield path + "/."
    yield path + "/x/.."
    yield "/" + path
    yield path.replace("/", "//")
    yield "/." + path
    yield path.replace("/", "/./")
    yield path.upper()
    yield path.title()
    yield path.replace("/", "%2f")
    yield "/" + path[1:].replace("/", "%2F")
    yield "/" + path[1:].replace("/", "\\")
    yield "/" + path[1:].replace("/", "%5c")
    yield "".join(f"%{ord(letter):02x}" if letter.isalpha() else letter for letter in path)
    yield path + "%00"
    yield path + "%20"
    yield path + ";"
    yield path + "?x=/api/v1/events"
    # From a public path back to an internal one.
    for public in ("/api/v1/events", "/api/v1/holds", "/api/v1/events/default", "/api/v1/purchase", "/docs", "/redoc"):
        depth = public.count("/")
        for up, slash in (("..", "/"), ("%2e%2e", "/"), ("%2E.", "/"), ("..", "%2f"), ("%2e%2e", "%2F"), ("..;", "/"), ("..", "\\"), ("..", "%5c"), ("%252e%252e", "%252f")):
            yield public + (slash + up) * depth + slash + path[1:].replace("/", slash)
        shared = len("/api/v1") if public.startswith("/api/v1/") and path.startswith("/api/v1/") else 0
        if shared:
            steps = public[shared:].count("/")
            for up, slash in (("..", "/"), ("..", "%2f"), ("%2e%2e", "%2f")):
                yield public + (slash + up) * steps + slash + path[shared + 1 :].replace("/", slash)
        # More steps up than there are elements.
        yield public + "/" + "../" * 9 + path[1:]
    yield f"http://{HOST}{path}"


def check_internal(shop: Shop, door: Door) -> int:
    """Returns the number of requests, all of which were refused without an effect."""
    token = {"authorization": f"Bearer {shop.token()}"}
    before, records = shop.event(), shop.sequence()
    sent = 0
    for path, own in INTERNAL.items():
        for number, spelling in enumerate(dict.fromkeys(spellings(path))):
            for method in METHODS if number < PLAIN else own:
                answer = door.call(method, spelling, _body(path, method), token)
                sent += 1
                check(answer.status in REFUSALS, f"{method} {spelling} over {door.scheme}: {answer}")
                check("# HELP" not in answer.text and '"dependencies"' not in answer.text, f"{method} {spelling}: {answer}")
    # The same calls work where they are served, so the requests above would have shown.
    inside = shop.stock_door()
    check(shop.event() == before and shop.sequence() == records, "the requests had no effect")
    status, _, _ = http("GET", f"{inside}/api/v1/events/{SMUGGLED}")
    check(status == 404, f"the event {SMUGGLED} was not created: {status}")
    status, _, _ = http("GET", f"{inside}{SALES}", headers=token)
    check(status == 200, f"the token is valid: {status}")
    status, _, _ = http("POST", f"{inside}/api/v1/reserve", {"qty": 1})
    check(status == 200 and shop.sequence() == records + 1, f"a reservation shows in the ledger: {status}")
    return sent


def _body(path: str, method: str) -> dict | list | None:
    """A body with which the call would have an effect."""
    if method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return None
    if "/admin" in path:
        return {"stocks": {"general": 1}}
    return [{"qty": 1, "key": "smuggled"}] if path.endswith("/batch") else {"qty": 1}


# --- a mode switch


def switch(shop: Shop, both: list[Door], mode: str) -> None:
    """Switches the mode while buyers call each door and others follow: none of them finds it closed."""
    with Followers(both, FOLLOWERS) as followers:
        kube.wait_until("the streams are open", lambda: followers.following() == FOLLOWERS, 30)
        with Callers(both) as callers:
            time.sleep(1)
            shop.change({"mode": mode})
            seconds = shop.wait_ready()
            time.sleep(2)
        figure(f"to {mode}: until Ready, s", f"{seconds:.1f}")
        check_caught_up(followers, callers.newest(), f"to {mode}")
        callers.report(f"to {mode}", {DELAYED, UNROUTED})
        check(callers.unrouted_s() <= UNROUTED_MAX_S, f"the controller follows the Ingress: {callers.unrouted_s():.1f} s")
