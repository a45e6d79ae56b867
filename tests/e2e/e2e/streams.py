"""Clients of an event's stream that behave as browsers do: they come back, and say what they have seen."""

import asyncio
import dataclasses
import threading
import time

from .door import Door
from .report import check

PATH = "/api/v1/events/default/stream"
# A comment comes after 15 s of silence.
SILENCE_MAX_S = 25
# Handshakes at a time.
OPENING_MAX = 50


@dataclasses.dataclass
class Follower:
    """One client, and what happened to it."""

    door: Door
    # The last id; it is sent as Last-Event-ID.
    seen: int = 0
    # When the first event of the present connection arrived, monotonic; 0 while there is no connection.
    following_since: float = 0
    retry_ms: int = 1000
    events: int = 0
    comments: int = 0
    # Streams that ended after a last `retry:`, as at a shutdown, and those that ended otherwise.
    ended: int = 0
    cut: int = 0
    # Responses that are no stream. A browser would give up.
    refused: list[str] = dataclasses.field(default_factory=list)
    # Ids that were below the last one.
    backwards: list[str] = dataclasses.field(default_factory=list)

    async def follow(self, opening: asyncio.Semaphore) -> None:
        while True:
            try:
                async with opening:
                    reader, writer = await asyncio.wait_for(asyncio.open_connection(**self.door.endpoint()), 15)
                    last = f"last-event-id: {self.seen}\r\n" if self.seen else ""
                    writer.write(f"GET {PATH} HTTP/1.1\r\nhost: {self.door.host}\r\naccept: text/event-stream\r\n{last}\r\n".encode())
                    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)).decode()
            except (OSError, EOFError, asyncio.TimeoutError) as failure:
                self.refused.append(repr(failure))
                await asyncio.sleep(1)
                continue
            try:
                if " 200 " in head.split("\r\n")[0] and "text/event-stream" in head:
                    if await self._read(reader):
                        self.ended += 1
                    else:
                        self.cut += 1
                else:
                    self.refused.append(head.split("\r\n")[0])
            finally:
                self.following_since = 0
                writer.close()
            await asyncio.sleep(self.retry_ms / 1000)

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        """Reads to the end of the stream. Returns whether its last block announced the end."""
        blocks, last, rest = 0, "", ""
        while True:
            try:
                size = int(await asyncio.wait_for(reader.readline(), SILENCE_MAX_S), 16)
                chunk = (await reader.readexactly(size + 2))[:size]
            except (OSError, EOFError, asyncio.TimeoutError, ValueError):
                return False
            if not chunk:
                return blocks > 1 and last.startswith("retry:")
            *whole, rest = (rest + chunk.decode()).split("\n\n")
            for last in whole:
                blocks += 1
                self._take(last)

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        self.retry_ms = int(fields.get("retry", self.retry_ms))
        # A stream that has nothing new for the client begins with `retry` alone.
        self.following_since = self.following_since or time.monotonic()
        if "id" not in fields:
            self.comments += block.startswith(":")
            return
        number = int(fields["id"])
        # The same id comes again when its counts become stale, and when they no longer are.
        if number < self.seen:
            self.backwards.append(f"{number} after {self.seen}")
        self.seen = number
        self.events += 1


class Followers:
    """Follows the event during the `with` block, with `count` clients spread over the doors."""

    def __init__(self, doors: list[Door], count: int):
        self.all = [Follower(doors[index % len(doors)]) for index in range(count)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stop = asyncio.Event()
        self._failures: list[BaseException | None] = []

    def __enter__(self) -> "Followers":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        check(not self._thread.is_alive() and not self._failures, f"the clients of streams stop, and none failed: {self._failures[:3]}")

    def _run(self) -> None:
        self._loop.run_until_complete(self._follow())
        self._loop.close()

    async def _follow(self) -> None:
        opening = asyncio.Semaphore(OPENING_MAX)
        tasks = [asyncio.create_task(follower.follow(opening)) for follower in self.all]
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        self._failures = [outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)]

    def following(self) -> int:
        """Clients with an open stream."""
        return sum(1 for follower in self.all if follower.following_since)

    def have_seen(self, number: int) -> int:
        return sum(1 for follower in self.all if follower.seen >= number)

    def refused(self) -> list[str]:
        return [refusal for follower in self.all for refusal in follower.refused]

    def backwards(self) -> list[str]:
        return [number for follower in self.all for number in follower.backwards]

    def total(self, what: str) -> int:
        """The sum of a counter, such as `ended`."""
        return sum(getattr(follower, what) for follower in self.all)
