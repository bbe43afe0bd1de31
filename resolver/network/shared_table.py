"""Decides how a table of clients is shared with other daemons through Valkey or Redis.

Rules
* An entry is a key of its own, `PREFIX:POOL:CLIENT` with the client in hexadecimal digits, which the store lets expire.
  Who claims a client sets it unless it is set, and hears what it is; who moves one sets it.
* What is set anew is published on a channel of the pool, so that other daemons know a client before it comes to them.
  A daemon that connects reads what is there.
* Nothing waits for the store. What is to be told waits in a queue, of which the oldest is dropped when it is full. A
  store that is away is tried again after `AGAIN_S`, then twice as long each time, up to `AGAIN_MAX_S`.
* Whatever the store says is checked: what is no client, or longer than a name of a member can be, is passed over. So is
  what others keep under such a key, in another type. Of a value no more is read than can be believed.
* A store that does not speak as one is away, as one is that says nothing; the log has the beginning of why.

Limits: `WAITING` entries to be told, `PIPELINED` of them at a time, `LOADED` read at a connection, in `PAGES` looks: a
store may hold much else. The store is given
`PATIENCE_S` for each answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from resolver.text import printable

PREFIX: Final = "resolverd:sticky"
WAITING: Final = 10_000
PIPELINED: Final = 256
LOADED: Final = 100_000
PAGE: Final = 1000
"""Entries of the store that are looked at in one look for ours."""
PAGES: Final = 2000
AGAIN_S: Final = 1.0
AGAIN_MAX_S: Final = 30.0
PATIENCE_S: Final = 2.0
LISTENS_S: Final = 60.0
"""How long one wait for what others publish lasts."""
_MEMBER: Final = 255
"""Octets of the longest name that is believed."""
_CLIENT: Final = 2 * 16
"""Digits of the longest client: an address of IPv6."""
_WHY: Final = 100
"""Characters that are told of what a store has said."""
_OTHER_TYPE: Final = "WRONGTYPE"

Learn = Callable[[bytes, str], None]
"""Told of a client, and of the member that it has."""

Standing = Callable[[bool, str], None]
"""Told when the store is there, or why it is not; once for each change."""


class SharedTable:
    """The clients of one pool in a store."""

    def __init__(
        self, url: str, password: str | None, pool: str, seconds: int, learn: Learn, standing: Standing
    ) -> None:
        """An entry lives for `seconds`. Raises ImportError where the library is not installed."""
        from valkey.asyncio import Valkey

        self._valkey: Any = Valkey.from_url(
            url,
            password=password,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            health_check_interval=0,
        )
        self._channel = f"{PREFIX}:{pool}"
        self._seconds, self._learn, self._standing = seconds, learn, standing
        self._waiting: deque[tuple[bytes, str, bool]] = deque(maxlen=WAITING)
        self._woken = asyncio.Event()
        self._is_there: bool | None = None
        self._running: asyncio.Task[None] | None = None
        self._ended = False
        self.dropped = 0
        """Entries that the store was not told of."""

    @property
    def is_there(self) -> bool:
        """Whether the store answers."""
        return self._is_there is True

    def begin(self) -> None:
        """The store is connected to, and told of what waits. Calling it again does nothing."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    def claim(self, client: bytes, member: str) -> None:
        """Unless the store has another member for `client`, it has `member`; what it has is learnt."""
        self._tell(client, member, False)

    def move(self, client: bytes, member: str) -> None:
        """The store has `member` for `client`."""
        self._tell(client, member, True)

    def close(self) -> None:
        """Nothing is told or learnt any more. Calling it again does nothing."""
        self._ended = True  # as the library may lose a cancellation
        if self._running is not None:
            self._running.cancel()

    # -- inside

    def _tell(self, client: bytes, member: str, over: bool) -> None:
        if len(self._waiting) == WAITING:
            self.dropped += 1
        self._waiting.append((client, member, over))
        self._woken.set()

    async def _run(self) -> None:
        again = AGAIN_S
        try:
            while not self._ended:
                try:
                    async with self._subscribed() as subscription:
                        self._stands(True, "")
                        again = AGAIN_S
                        await _either(self._heard(subscription), self._told())
                except Exception as error:  # the library raises whatever comes of octets that are none of a store
                    self._stands(False, printable(str(error)[:_WHY]) or type(error).__name__)
                await asyncio.sleep(again)
                again = min(2 * again, AGAIN_MAX_S)
        finally:
            with contextlib.suppress(Exception):
                await self._valkey.aclose()

    @contextlib.asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[Any]:
        """A subscription to what others set; what they have set before is learnt."""
        async with self._valkey.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            await self._load()
            yield subscription

    async def _load(self) -> None:
        """What is there is learnt, as much of it as is found in `PAGES` looks."""
        cursor = read = 0
        for _ in range(PAGES):
            cursor, keys = await self._valkey.scan(cursor, match=f"{self._channel}:*", count=PAGE)
            for at in range(0, min(len(keys), LOADED - read), PAGE):
                await self._read(keys[at : at + PAGE])
            read += len(keys)
            if not cursor or read >= LOADED:
                return

    async def _read(self, keys: list[bytes]) -> None:
        if keys:
            pipeline = self._valkey.pipeline(transaction=False)
            for key in keys:
                pipeline.getrange(key, 0, _MEMBER)
            for key, member in zip(keys, await _done(pipeline), strict=True):
                self._learnt(key.rpartition(b":")[2], member)

    async def _heard(self, subscription: Any) -> None:
        """What others publish is learnt, to the end."""
        while not self._ended:
            message = await subscription.get_message(timeout=LISTENS_S)
            if message is not None:
                client, _, member = message["data"].partition(b" ")
                self._learnt(client, member)

    async def _told(self) -> None:
        """What waits is told, to the end."""
        while not self._ended:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(PIPELINED, len(self._waiting)))]
                try:
                    await self._put(batch)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    self._woken.set()
                    raise

    async def _put(self, batch: list[tuple[bytes, str, bool]]) -> None:
        pipeline = self._valkey.pipeline(transaction=False)
        for client, member, over in batch:
            key = f"{self._channel}:{client.hex()}"
            pipeline.set(key, member, ex=self._seconds, nx=not over)
            pipeline.getrange(key, 0, _MEMBER)
            pipeline.expire(key, self._seconds)
        done = await _done(pipeline)
        published = self._valkey.pipeline(transaction=False)
        for (client, _, _), is_set, has in zip(batch, done[::3], done[1::3], strict=True):
            if is_set:
                published.publish(self._channel, client.hex().encode() + b" " + (has or b""))
            else:
                self._learnt(client.hex().encode(), has)
        await published.execute()

    def _learnt(self, client: bytes, member: bytes | None) -> None:
        if not member or len(member) > _MEMBER or len(client) > _CLIENT:
            return
        try:
            self._learn(bytes.fromhex(client.decode("ascii")), member.decode())
        except ValueError:  # not ours
            return

    def _stands(self, is_there: bool, why: str) -> None:
        if is_there is not self._is_there:
            self._is_there = is_there
            self._standing(is_there, why)


async def _done(pipeline: Any) -> list[Any]:
    """What the store says to each command of `pipeline`; nothing to one for what is of another type. Raises what the
    library does for any other error."""
    done: list[Any] = await pipeline.execute(raise_on_error=False)
    for at, each in enumerate(done):
        if isinstance(each, Exception):
            if _OTHER_TYPE not in str(each):
                raise each
            done[at] = None
    return done


async def _either(*both: Any) -> None:
    """Runs them until one of them ends, and raises what that raised; none is left running."""
    tasks = {asyncio.ensure_future(each) for each in both}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        while tasks:
            for each in tasks:
                each.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=PATIENCE_S)
