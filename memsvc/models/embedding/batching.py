"""Joins embeddings that several threads ask for at the same time into one call of the model.

    caller 1 ── leads ──▶ [1] ─────────▶ hands on
    caller 2 ── waits ─────────────────▶ leads ──▶ [2, 3, 4] ──▶ ...
    callers 3, 4 ── wait ──────────────────────────▲

Nobody waits for a batch to fill while the model is idle: a lone caller embeds in its own thread, at once. Who comes
while a batch runs waits for its end, and what gathered by then is the next batch, led by the one who waited longest.
So load makes the batches, and there is no thread of its own that would have to be woken (50 us each time) or closed.

Only a leader that had to wait gives others a moment, up to the window: those whom the last batch served are about to
ask again, and without them two half-sized batches would alternate for good. It goes on as soon as as many wait as were
under way when the last batch ended.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from memsvc.models.embedding.checked import Wrapped
from memsvc.models.embedding.texts import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder, Purpose

    Embed = Callable[[list[str]], NDArray[np.float32]]


class BatchingEmbedder(Wrapped):
    """Another embedder, called with what several threads ask for at once; implements `Embedder`.

    Stored texts and questions never share a batch, and never wait for each other. Callers are served in the order they
    came. If a batch fails, each of its callers embeds alone, so that an error is met by those whose texts cause it.

    Args:
        inner: gives one row a text, or raises (`CheckedEmbedder` sees to that).
        window: seconds that a batch may wait for callers that are under way; 0: none.
        size: texts of a batch at most. A call with as many goes to `inner` as it is, and holds up nobody.
    """

    def __init__(self, inner: Embedder, *, window: float, size: int) -> None:
        super().__init__(inner)
        self._size = size
        purposes: tuple[Purpose, ...] = ("document", "query")
        self._lanes = {one: _Lane(partial(inner.embed, purpose=one), window, size) for one in purposes}

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """As the inner one, whoever else is asking.

        Raises:
            InvalidInput: not a list of strings.
            EmbedderError: as the inner one.
        """
        plain = checked(texts)
        if not plain or len(plain) >= self._size:
            return self._inner.embed(plain, purpose=purpose)
        return self._lanes[purpose].embed(plain)


class _Call:
    """One caller's texts. `turn` is set once they are embedded, or once the caller leads: then `batch` is its batch."""

    __slots__ = ("batch", "rows", "texts", "turn")

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.turn = threading.Event()
        self.batch: list[_Call] | None = None
        self.rows: NDArray[np.float32] | None = None


class _Lane:
    """The calls of one purpose: one batch runs at a time, the rest queue."""

    def __init__(self, embed: Embed, window: float, size: int) -> None:
        self._embed, self._window, self._size = embed, window, size
        self._gathered = threading.Condition()
        self._waiting: deque[_Call] = deque()
        self._led = False
        self._under_way = 0
        """Callers that there were when the last batch ended; 0 where the lane was idle."""

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """The rows of one caller."""
        call = _Call(texts)
        try:
            if not self._leads(call):
                call.turn.wait()
            if call.batch is not None:
                self._run(call.batch)
        finally:
            self._leave(call)
        return self._embed(texts) if call.rows is None else call.rows

    def _leads(self, call: _Call) -> bool:
        """Whether nobody is at work, so that this call is; else it queues up."""
        with self._gathered:
            if not self._led:
                self._led, self._under_way = True, 0
                call.batch = [call]
                return True
            self._waiting.append(call)
            if self._enough():
                self._gathered.notify()
            return False

    def _run(self, batch: list[_Call]) -> None:
        """Fill the batch with those who wait and give each its rows; none where it fails, and each then goes alone."""
        self._gather(batch)
        try:
            rows = self._embed([text for call in batch for text in call.texts])
        except Exception:  # not hidden: whoever's text it was meets it again, alone
            if len(batch) == 1:
                raise
            return
        start = 0
        for call in batch:
            end = start + len(call.texts)
            call.rows = rows[start:end].copy()  # else one row that is kept would keep them all
            start = end

    def _gather(self, batch: list[_Call]) -> None:
        with self._gathered:
            if self._under_way:
                self._gathered.wait_for(self._enough, timeout=self._window)
            room = self._size - len(batch[0].texts)
            while self._waiting and len(self._waiting[0].texts) <= room:
                batch.append(self._waiting.popleft())
                room -= len(batch[-1].texts)

    def _enough(self) -> bool:
        """Whether there is nothing to wait for; with the lock held, beside a call that leads."""
        if len(self._waiting) + 1 >= self._under_way:
            return True
        return sum(len(call.texts) for call in self._waiting) >= self._size

    def _leave(self, call: _Call) -> None:
        """Let the next one lead, and those go whose batch this was. Interrupted callers leave nobody waiting either."""
        if call.batch is None and call.turn.is_set():
            return
        with self._gathered:
            if call.batch is None:
                if call in self._waiting:
                    self._waiting.remove(call)
                return
            self._under_way = len(call.batch) + len(self._waiting)
            self._led = bool(self._waiting)
            if self._led:
                following = self._waiting.popleft()
                following.batch = [following]
                following.turn.set()
        for served in call.batch:
            served.turn.set()
