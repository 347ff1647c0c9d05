"""The verbs as routes, a module a topic. `ALL` is the whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.server.routes import asking, care, erasing, improving, learning, moving, reading, utilities, writing

if TYPE_CHECKING:
    from memsvc.server.routing import Verb

ALL: tuple[Verb, ...] = tuple(
    verb
    for topic in (writing, reading, asking, learning, utilities, improving, moving, erasing, care)
    for verb in topic.verbs.all
)
