"""A waiting room through a restart of ticket and a lost vacancy: everybody keeps the place, nobody is served twice."""

import concurrent.futures
import datetime
import time

from e2e import kube
from e2e.report import Failed, check, figure
from e2e.shop import Shop
from e2e.web import NoAnswer, http

EVENT = "waiting-room"
PEOPLE, TICKETS = 120, 60
# People join while ticket restarts and vacancy is lost.
OPENS_IN_S = 25
RETRY_S = 60


def run(shop: Shop) -> None:
    admin = {"authorization": f"Bearer {shop.token()}"}
    opens_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=OPENS_IN_S)
    queue = {"opens_at": "2026-01-01T00:00:00Z", "draw": True, "claim_ttl_s": 30, "pass_ttl_s": 60}
    settings = {"stocks": {"general": TICKETS}, "opens_at": opens_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "queue": queue}
    status, _, body = http("PUT", f"{shop.stock_door()}/api/v1/admin/events/{EVENT}", settings, admin)
    check(status == 201, f"PUT event answered {status} {body}")
    with concurrent.futures.ThreadPoolExecutor(PEOPLE) as people:
        joins = [people.submit(_join, shop, number) for number in range(PEOPLE)]
        time.sleep(1)
        shop.kubectl("rollout", "restart", f"deployment/{shop.name}-ticket")
        places = [join.result() for join in joins]
        _lose_vacancy(shop)
        again = list(people.map(lambda number: _join(shop, number), range(PEOPLE)))
        check(_tokens(places) == _tokens(again), "everybody has the same place after the restart")
        shop.kubectl("rollout", "status", f"deployment/{shop.name}-ticket", "--timeout=120s")
        kube.wait_until("the draw is known", lambda: _draw(shop).get("revealed"), OPENS_IN_S + 60)
        opened = time.monotonic()
        _lose_vacancy(shop)
        outcomes = list(people.map(lambda place: _buy(shop, place), places))
    turns = sorted(turn for turn, _ in outcomes)
    check(turns == list(range(1, PEOPLE + 1)), f"every turn is given once: {turns[:5]} … {turns[-5:]}")
    sold = [turn for turn, bought in outcomes if bought]
    figure("people / tickets / sold", f"{PEOPLE} / {TICKETS} / {len(sold)}")
    figure("from the draw to the last answer, s", round(time.monotonic() - opened, 1))
    status, _, event = http("GET", f"{shop.stock_door()}/api/v1/events/{EVENT}")
    stock = event["stocks"]["general"]
    check(len(sold) == TICKETS and stock["sold"] == TICKETS, f"all tickets are sold: {stock}")
    _verify(shop)
    shown = kube.wait_until("the status shows the waiting room", lambda: _shown(shop), 60)
    figure("status.queues", shown)


def _join(shop: Shop, number: int) -> dict:
    """The answer to a join, which is repeated with its key until there is one."""
    path, key = f"/api/v1/events/{EVENT}/queue", {"idempotency-key": f"e2e-person-{number}-of-the-waiting-room"}
    return _until(shop, "POST", path, key, 201)


def _tokens(places: list[dict]) -> list[str]:
    return [place["place"] for place in places]


def _buy(shop: Shop, place: dict) -> tuple[int, bool]:
    """The turn of a place, and whether it bought a ticket."""
    base, token = f"/api/v1/events/{EVENT}/queue", {"queue-place": place["place"]}
    turn = _until(shop, "GET", f"{base}/place", token, 200)["n"]
    ended = time.monotonic() + RETRY_S
    while time.monotonic() < ended:
        status, body = _call(shop, "POST", f"{base}/pass", None, token)
        if status == 201:
            key = {"queue-pass": body["pass"], "idempotency-key": f"e2e-hold-{turn}"}
            hold = {"event": EVENT, "items": [{"stock": "general", "qty": 1}]}
            answer = _decided(shop, "POST", "/api/v1/holds", hold, key)
            if answer[0] == 409:
                return turn, False
            check(answer[0] == 201, f"the hold of turn {turn} answered {answer}")
            confirmed = _decided(shop, "POST", f"/api/v1/holds/{answer[1]['id']}/confirm", {}, {})
            check(confirmed[0] == 200, f"the confirmation of turn {turn} answered {confirmed}")
            return turn, True
        if status == 409 and _is_sold_out(shop):
            return turn, False
        time.sleep(0.5)
    raise Failed(f"turn {turn} was not called within {RETRY_S} s")


def _is_sold_out(shop: Shop) -> bool:
    status, event = _call(shop, "GET", f"/api/v1/events/{EVENT}", None, {})
    return status == 200 and event["stocks"]["general"]["sold"] == TICKETS


def _call(shop: Shop, method: str, path: str, body: dict | None, headers: dict) -> tuple[int, dict]:
    try:
        status, _, answer = http(method, f"{shop.door('ticket')}{path}", body, headers)
    except (NoAnswer, ValueError):
        return 0, {}
    return status, answer


def _decided(shop: Shop, method: str, path: str, body: dict | None, headers: dict) -> tuple[int, dict]:
    """The answer to a call, which is repeated until it has one."""
    ended = time.monotonic() + RETRY_S
    while True:
        answer = _call(shop, method, path, body, headers)
        if answer[0] not in (0, 503) or time.monotonic() > ended:
            return answer
        time.sleep(0.3)


def _until(shop: Shop, method: str, path: str, headers: dict, wanted: int) -> dict:
    status, answer = _decided(shop, method, path, None, headers)
    check(status == wanted, f"{method} {path} answered {status} {answer}")
    return answer


def _draw(shop: Shop) -> dict:
    return _call(shop, "GET", f"/api/v1/events/{EVENT}/queue/draw", None, {})[1]


def _lose_vacancy(shop: Shop) -> None:
    pod = shop.pods("vacancy")[0]
    shop.delete_at_once(pod)
    kube.wait_until("there is another pod", lambda: pod["metadata"]["uid"] not in shop.uids("vacancy") and shop.pods("vacancy"), 60)


def _verify(shop: Shop) -> None:
    """Nobody outside saw the randomness, so the command says with exit code 3 that the rest is in order."""
    command = ("/ticket", "verify-draw", "http://127.0.0.1:8002", "--event", EVENT)
    try:
        shop.kubectl("exec", f"deployment/{shop.name}-ticket", "--", *command)
    except Failed as ended:
        check("exit code 3" in str(ended), f"verify-draw: {ended}")
        return
    raise Failed("verify-draw took a draw without a beacon for a witnessed one")


def _shown(shop: Shop) -> str | None:
    queues = shop.status()["status"].get("queues", [])
    found = [queue for queue in queues if queue["event"] == EVENT]
    return f"{found[0]['phase']}, serving {found[0]['serving']}" if found else None
