"""Streams through the Ingress controller. A part of the scenario `door`."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

from e2e import kube
from e2e.callers import Callers
from e2e.door import Door
from e2e.report import check, figure
from e2e.shop import Shop
from e2e.streams import PATH, Followers

# The first event comes with the response; the margin is for a busy machine.
FIRST_MAX_S = 1
UPDATE_MAX_S = 2
# Longer than proxies keep a quiet response, and than the pause between two comments.
QUIET_S = 20
STREAMS = 500
# `retry` is 5 s at most; the rest is for 500 clients on a busy machine.
RESUME_MAX_S = 20


def check_stream(door: Door, mode: str) -> None:
    """One client: the state at once, each change soon, and after a pause what was missed."""
    started = time.monotonic()
    with _Stream(door) as stream:
        first = stream.next()
        first_ms = _ms(started)
        check(first_ms < FIRST_MAX_S * 1000, f"the first event comes at once: {first_ms} ms")
        sale = _buy(door)
        started = time.monotonic()
        update = stream.until(sale)
        update_ms = _ms(started)
        check(update_ms < UPDATE_MAX_S * 1000, f"the sale shows within {UPDATE_MAX_S} s: {update_ms} ms")
        check(update > first, f"the events go on: {first} {update}")
    figure(f"{mode}, stream over {door.scheme}: first event / from a sale to its event, ms", f"{first_ms} / {update_ms}")
    missed = _buy(door)
    with _Stream(door, seen=update) as stream:
        resumed = stream.next()
        check(resumed >= missed, f"{update} as Last-Event-ID brings what was missed: {resumed}, not {missed}")
    with _Stream(door, seen=resumed) as stream:
        sale = _buy(door)
        following = stream.next()
        check(following > resumed, f"{resumed} as Last-Event-ID is not repeated: {following}")
        check(stream.until(sale, following) >= sale, "and the next sale shows")


def check_quiet(both: list[Door], mode: str) -> None:
    """A stream stays open in silence."""
    with Followers(both, 2 * len(both)) as followers:
        kube.wait_until("the streams are open", lambda: followers.following() == len(followers.all), 30)
        time.sleep(QUIET_S)
        comments = followers.total("comments")
        check(followers.total("ended") + followers.total("cut") == 0 and not followers.refused(), f"streams stay open for {QUIET_S} s: {followers.all}")
        check(comments >= len(followers.all), f"each has a comment after 15 s: {comments}")
        check_caught_up(followers, _buy(both[0]), f"{mode}, after {QUIET_S} s of silence")


def check_restart(shop: Shop, both: list[Door]) -> None:
    """A rolling restart of ticket with many streams and purchases: no purchase fails, and no client falls behind."""
    shop.change({"ticket": {"replicas": 2}})
    shop.wait_ready()
    deployment = f"deployment/{shop.name}-ticket"
    old, vacancy = shop.uids("ticket"), shop.uids("vacancy")
    with Followers(both, STREAMS) as followers:
        kube.wait_until(f"{STREAMS} streams are open", lambda: followers.following() == STREAMS, 60)
        opened = time.monotonic()
        with Callers(both) as callers:
            time.sleep(3)
            shop.kubectl("rollout", "restart", deployment)
            shop.kubectl("rollout", "status", deployment, "--timeout=120s")
            kube.wait_until("the old pods are gone", lambda: not old & {pod["metadata"]["uid"] for pod in shop.get("pods")["items"]}, 90)
            kube.wait_until("every stream was resumed", lambda: all(follower.following_since > opened for follower in followers.all), RESUME_MAX_S)
            time.sleep(2)
        check_caught_up(followers, callers.newest(), "restart of ticket")
        ended, cut = followers.total("ended"), followers.total("cut")
        callers.report("restart of ticket", set())
        check(not followers.refused(), f"every client is served when it comes back: {followers.refused()[:3]}")
        check(cut == 0 and ended >= STREAMS, f"every stream ends with `retry`: {ended} of {STREAMS}, {cut} were cut")
    check(not old & shop.uids("ticket") and vacancy == shop.uids("vacancy"), "ticket's pods are new, vacancy's is not")
    shop.change({"ticket": {"replicas": 1}})
    shop.wait_ready()


def check_caught_up(followers: Followers, newest: int, what: str) -> None:
    """All clients see the newest sale, and none has seen an older state after a newer one."""
    count, started = len(followers.all), time.monotonic()
    try:
        kube.wait_until(f"{count} clients have seen {newest}", lambda: followers.have_seen(newest) == count, RESUME_MAX_S, 0.02)
    finally:
        late = f"{count - followers.have_seen(newest)} after {_ms(started)} ms"
        ends = f"{followers.total('ended')} / {followers.total('cut')} / {len(followers.refused())}"
        figure(f"{what}: clients / behind the newest sale", f"{count} / {late}")
        figure(f"{what}: events / streams ended by `retry` / cut / refused", f"{followers.total('events')} / {ends}")
    check(not followers.backwards(), f"nobody sees an older state, {what}: {followers.backwards()[:3]}")
    check(newest > 0, "there were sales")


class _Stream:
    """The stream of one client, read event by event."""

    def __init__(self, door: Door, seen: int | None = None):
        self._connection: HTTPConnection = door.connect(timeout_s=QUIET_S)
        headers = {"host": door.host, "accept": "text/event-stream"}
        self._connection.request("GET", PATH, headers=headers | ({} if seen is None else {"last-event-id": str(seen)}))
        response = self._connection.getresponse()
        is_stream = response.status == 200 and response.getheader("content-type", "").startswith("text/event-stream")
        check(is_stream, f"a stream: {response.status} {response.getheaders()}")
        self._ids = _ids(response)

    def __enter__(self) -> "_Stream":
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    def next(self) -> int:
        """The id of the next event."""
        return next(self._ids)

    def until(self, number: int, last: int = 0) -> int:
        """Reads until the id is at least `number`."""
        while last < number:
            last = self.next()
        return last


def _ids(response: HTTPResponse) -> Iterator[int]:
    """The ids of events. Each must be the `seq` of its data."""
    fields: dict[str, str] = {}
    while line := response.readline().decode():
        if line.strip():
            name, _, value = line.rstrip("\r\n").partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            number = int(fields["id"])
            check(json.loads(fields["data"])["seq"] == number, f"the id is the seq: {fields}")
            yield number
        fields = {}
    raise ConnectionError("the stream has ended")


def _buy(door: Door) -> int:
    """Buys a ticket. Returns its seq."""
    answer = door.call("POST", "/api/v1/purchase", {"qty": 1})
    check(answer.status == 200 and answer.json()["success"], f"a ticket is bought: {answer}")
    return answer.json()["seq"]


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
