"""Two people's memories in one database, and all that one of them can ask: what `test_isolation` compares."""

from __future__ import annotations

import asyncio
import inspect
import re
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import sqlalchemy as sa

from memsvc.server.app import build_app
from memsvc.service.access import Doorkeeper
from memsvc.service.bodies import body, sent
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc.testing import RuleModel
from memsvc_store.keys import PERMISSIONS
from memsvc_store.sql import schema
from memsvc_store.values.erasure_receipts import document
from tests.memsvc.server.examples import NAMESPACE as MINE
from tests.memsvc.server.examples import Examples
from tests.memsvc.server.served import fresh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from memsvc import Memory
    from memsvc.server.routing import Verb

T = TypeVar("T")

THEIRS, NOBODYS = "other/bob", "other/eve"
BESIDE = ("acme", "acme/bob", "acme/ann/bob", "acmex/bob", THEIRS)
"""Namespaces of others; those of which a pattern could come to think that they are Ann's."""

PATTERNS = {
    MINE: ("acme", "acme/bob", "acme/ann/bob", "acmex/bob", THEIRS),
    "acme/*": ("acme", "acmex/bob", THEIRS),
}
"""What each of Ann's keys is bound to, and what is not hers by it."""

ABSENT = {
    "acme": "acmf", "acme/bob": "acme/eve", "acme/ann/bob": "acme/ann/eve", "acmex/bob": "acmex/eve", THEIRS: NOBODYS,
}  # fmt: skip
"""For each namespace of others one that is not there, of the same length."""

BEGUN, VISITED = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)

WORDS = ("Bob", "Kyoto", "bobs-session", "bobs-key", "errand for Bob")
"""What none but Bob's own answers may hold."""


@dataclass(frozen=True, slots=True)
class Things:
    """Names that a request can give: those of something, or of nothing."""

    memory: str
    trace: str
    session: str
    speaker: str
    key: str
    receipt: dict[str, Any]
    export: str

    def real(self, mark: str) -> Any:
        """What stands for a mark of the examples."""
        return {"$memory": self.memory, "$trace": self.trace, "$receipt": self.receipt, "$export": self.export}[mark]


NAMED: dict[str, Callable[[Things], Any]] = {
    "memory_id": lambda one: one.memory,
    "trace_id": lambda one: one.trace,
    "prefix": lambda one: one.memory,
    "session_id": lambda one: one.session,
    "for_session": lambda one: one.session,
    "speaker": lambda one: one.speaker,
    "key": lambda one: one.key,
    "source": lambda one: one.key,
    "used": lambda one: [one.memory],
    "sources": lambda one: [one.memory],
    "thing": lambda one: one.speaker,
    "to": lambda one: one.speaker,
    "receipt": lambda one: {**one.receipt, "namespace": MINE},
}
"""Parameters that name something which is there or not."""

PLAIN = set(
    "messages query question intent text trajectory experience reward success metadata timestamp valid_from valid_to "
    "since until as_of include_ended kind top_k token_budget limit offset cold worst trace pool threshold weight "
    "epsilon seed gate deliberation style model credit budget state kinds order last of "
    "timezone strict role name where tags min_relevance min_similarity expires_at expired".split()
)
"""Parameters that say what is wanted, and name nothing."""

ONE_OF = {"forget": ("session_id", "memory_id", "source"), "get": ("memory_id", "key")}
"""Of these a request names one."""


def parameters(verb: Verb) -> dict[str, Any]:
    """Everything that a route takes; what is not required has a default."""
    found = {name: one.default for name, one in sent(verb.verb).items()}
    if not verb.row.queried:  # the body of a verb of one namespace names it
        found |= {
            name: inspect.Parameter.empty if one.is_required() else one.default
            for name, one in body(verb.verb).model_fields.items()
        }
    return found


# -- the worlds ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """A database that was closed, of which each visit gets a copy; Ann's keys by their patterns."""

    path: Path
    tokens: dict[str, str]
    mine: Things
    theirs: Things | None

    @contextmanager
    def visit(self) -> Iterator[Memory]:
        """A memory over a copy."""
        copy = self.path.with_name("visit.db")
        for suffix in ("", "-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.path, copy)
        with opened(copy) as memory:
            yield memory


def opened(path: Path, now: Callable[[], datetime] = lambda: VISITED) -> Memory:
    """A memory whose clock stands still, or is this one."""
    model = RuleModel({"reflect": lambda _: {"experience": "Ask for a quiet table."}})
    return fresh(model, database=path, now=now)


class Clock:
    """A second later at each look."""

    def __init__(self) -> None:
        self.moment = BEGUN

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def build(folder: Path, *, others: bool) -> World:
    """A world with Ann, and if there are others, with theirs before and after hers."""
    folder.mkdir()
    path = folder / "world.db"
    clock = Clock()
    with opened(path, clock) as memory:
        theirs = _bob(memory) if others else None
        clock.moment = BEGUN  # whoever was there before: Ann lives at the same time in both worlds
        examples = Examples(memory)
        memory.extract(namespace=MINE)
        mine = Things(
            *(examples.one(mark) for mark in ("$memory", "$trace")), "s1", "Ann", "anns-key",
            *(examples.one(mark) for mark in ("$receipt", "$export")),
        )  # fmt: skip
        for name in BESIDE if others else ():
            memory.add(["Bob was here, and liked it a lot.", "Bob will come back from Kyoto."], namespace=name)
            memory.extract(namespace=name)
        keys = Keys(memory.store.database)
        tokens = {one: keys.create(namespaces=[one], allow=PERMISSIONS).token for one in PATTERNS}
        for token in tokens.values():
            keys.authenticate(token)
        keys.close()
    return World(path, tokens, mine, theirs)


def _bob(memory: Memory) -> Things:
    said = [{"name": "Bob", "content": f"I flew to Kyoto, for the {number}th time."} for number in range(20)]
    [first, *_] = memory.add(said, namespace=THEIRS, session_id="bobs-session", key="bobs-key")
    assert first.id is not None
    trace = memory.search("Where did Bob fly?", namespace=THEIRS, trace=True).trace_id
    assert trace is not None
    memory.feedback(trace, 1.0, namespace=THEIRS, key="bobs-key", source="bobs-key")
    memory.add_episode("errand for Bob", ["go"], namespace=THEIRS, reward=1.0, key="bobs-other-key")
    memory.extract(namespace=THEIRS)
    memory.add("Bob has nothing to hide.", namespace=THEIRS, session_id="hidden")
    receipt = document(memory.forget(namespace=THEIRS, session_id="hidden"))
    return Things(
        first.id, trace, "bobs-session", "Bob", "bobs-key", receipt, "\n".join(memory.export(namespace=THEIRS))
    )


def nobodys(like: Things) -> Things:
    """Names of nothing, as long as those of something."""
    receipt = {**like.receipt, "namespace": NOBODYS, "signature": "0" * len(like.receipt["signature"])}
    export = like.export.replace(THEIRS, NOBODYS)
    return Things("0" * len(like.memory), "1" * len(like.trace), "eves-session", "Eve", "eves-key", receipt, export)


# -- what is seen --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back, and the statements that it took."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    statements: tuple[str, ...]

    def without(self, *names: str) -> Seen:
        """The same with other names in the place of these."""
        body = self.body
        for name in names:
            body = body.replace(name, "#")
        return Seen(self.status, self.headers, body, self.statements)

    def settled(self) -> Seen:
        """Without what no two runs share: random ids, signatures, and how long it took."""
        body = re.sub(r'("seconds"|\'seconds\'): ?[0-9.e-]+', "seconds", self.body)
        body = re.sub(r"\b[0-9a-f]{16,64}\b", "#", body)
        headers = tuple(one for one in self.headers if one[0] != "content-length")
        return Seen(self.status, headers, body, self.statements)


@dataclass(slots=True)
class Visitor:
    """Somebody with a key, at the service over a memory; no port is opened."""

    memory: Memory
    token: str | None
    app: Any = field(init=False)
    door: Doorkeeper = field(init=False)

    def __post_init__(self) -> None:
        self.door = Doorkeeper(Keys(self.memory.store.database), RateLimiter(1e6, 1_000_000))
        self.app = build_app(self.memory, door=self.door)

    def send(self, *requests: dict[str, Any]) -> list[Seen]:
        """What each request sees."""

        async def all_of_them() -> list[Seen]:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
                return [await self._one(client, request) for request in requests]

        return asyncio.run(all_of_them())

    async def _one(self, client: httpx.AsyncClient, request: dict[str, Any]) -> Seen:
        found, statements = await recorded(self.memory, lambda: client.request(**request))
        request_id = found.headers.pop("x-request-id")
        body = found.text.replace(request_id, "?")
        return Seen(found.status_code, tuple(sorted(found.headers.items())), body, statements)

    def close(self) -> None:
        """Note no more uses of the key."""
        self.door.close()


@contextmanager
def visiting(world: World, token: str | None) -> Iterator[Visitor]:
    """Somebody with this key in a copy of a world."""
    with world.visit() as memory:
        visitor = Visitor(memory, token)
        try:
            yield visitor
        finally:
            visitor.close()


async def recorded(memory: Memory, work: Callable[[], Awaitable[T]]) -> tuple[T, tuple[str, ...]]:
    """What something gives, and the statements that it took; not the note, once a minute, that a key was used."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("UPDATE keys"):
            statements.append(statement)

    engine = memory.store.database._engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        return await work(), tuple(statements)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def dump(memory: Memory, *names: str) -> list[str]:
    """The rows of namespaces as SQL; of all of them, where none is named. Keys are left out: their use is noted."""
    assert memory.store.database.path is not None
    with sqlite3.connect(memory.store.database.path) as connection:
        if not names:
            lines = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "keys"')]
        else:
            marks = ", ".join("?" * len(names))
            owned = f"SELECT key FROM namespaces WHERE name IN ({marks})"
            lines = [str(row) for row in connection.execute(f"SELECT * FROM namespaces WHERE name IN ({marks})", names)]
            for table in schema.metadata.sorted_tables:
                if "namespace_key" in table.c:
                    found = connection.execute(f"SELECT * FROM {table.name} WHERE namespace_key IN ({owned})", names)
                    lines += sorted(f"{table.name} {row}" for row in found)
    connection.close()
    return lines
