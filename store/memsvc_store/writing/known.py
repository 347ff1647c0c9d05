"""What of a call is there already: messages and episodes are told apart by their keys, and else by their contents.

A key names one message, and another key another one. Without a key, the n-th of several with the same contents and time
in a call is the n-th of them in the namespace: a call that is repeated finds each where it stored it, a history that
is handed over anew finds those that it knows, and no two of one call are ever taken for the same.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from memsvc_store.values.drafts import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Named(Protocol):
    """What a draft says about which one it is (`values/drafts.py`)."""

    @property
    def key(self) -> str | None:
        """The writer's name for it."""
        ...

    @property
    def occurrence(self) -> int | None:
        """Which one it is of several with the same contents and time."""
        ...

    @property
    def anew(self) -> bool:
        """Whether it is none of those that are there."""
        ...


D_contra = TypeVar("D_contra", bound=Named, contravariant=True)
D = TypeVar("D", bound=Named)


class Log(Protocol[D_contra]):
    """One kind of what is written, in one namespace."""

    noun: str

    def contents(self, draft: D_contra) -> tuple[object, ...]:
        """What a key stands for, which never changes; without the time."""
        ...

    def id(self, draft: D_contra, occurrence: int) -> str:
        """The id of the first (0), second (1), ... with the draft's contents and time."""
        ...

    def keyed(self, keys: Sequence[str]) -> Mapping[str, tuple[str, tuple[object, ...]]]:
        """Key -> (id, contents) of what was written under it."""
        ...

    def known(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these ids are there, each with the one that it is stored under."""
        ...

    def retired(self, ids: Sequence[str]) -> set[str]:
        """Which of these were deleted, or have expired."""
        ...


class Decision(NamedTuple):
    """What becomes of a draft; `occurrence` is that of one to be stored."""

    receipt: Receipt
    occurrence: int = 0


class Known(Generic[D]):
    """What the namespace holds already, as far as one call's drafts are concerned."""

    def __init__(self, log: Log[D], drafts: Sequence[D]) -> None:
        self._log = log
        self._keyed = dict(log.keyed([draft.key for draft in drafts if draft.key is not None]))
        named = {one for one, _ in self._keyed.values()}
        self._met = set(named)  # what drafts of this call are: no other one is taken for the same
        self._asked: set[str] = set()
        self._there: dict[str, str] = {}
        self._retired = log.retired(sorted(named))
        equal = Counter(log.id(draft, 0) for draft in drafts)
        self._ask([log.id(draft, n) for draft in drafts for n in self._likely(draft, equal)])

    def decide(self, draft: D) -> Decision:
        """What becomes of a draft; one that is to be stored is known from now on."""
        contents = self._log.contents(draft)
        keyed = self._keyed.get(draft.key) if draft.key is not None else None
        if keyed is not None:
            return Decision(self._repeated(keyed[0]) if keyed[1] == contents else self._taken(draft, keyed[0]))
        occurrence = self._free(draft) if draft.occurrence is None else draft.occurrence
        named = self._log.id(draft, occurrence)
        one = self._there.get(named, named)
        if named in self._there or one in self._met:
            self._met.add(one)
            return Decision(self._repeated(one))
        self._met.add(one)
        if draft.key is not None:
            self._keyed[draft.key] = (one, contents)
        return Decision(Receipt("stored", one), occurrence)

    def _free(self, draft: D) -> int:
        """The first occurrence that no other draft of this call is; of one `anew`, the first that is not there."""
        for n in count():
            one = self._log.id(draft, n)
            if one not in self._asked:
                self._ask([self._log.id(draft, further) for further in range(n, 2 * n + 8)])
            if self._there.get(one, one) not in self._met and not (draft.anew and one in self._there):
                return n
        raise AssertionError("there are infinitely many")

    def _likely(self, draft: D, equal: Mapping[str, int]) -> Iterable[int]:
        return range(equal[self._log.id(draft, 0)]) if draft.occurrence is None else (draft.occurrence,)

    def _ask(self, ids: Sequence[str]) -> None:
        """Look up which of these are there, and which of them were deleted."""
        self._asked.update(ids)
        found = self._log.known(list(dict.fromkeys(ids)))
        self._there |= found
        self._retired |= self._log.retired(sorted({*found.values()}))

    def _repeated(self, one: str) -> Receipt:
        if one in self._retired:  # a retry or a second sync must not bring back what was deleted
            return Receipt("duplicate", one, "it was deleted or has expired since, and stays so")
        return Receipt("duplicate", one)

    def _taken(self, draft: D, one: str) -> Receipt:
        noun = self._log.noun
        return Receipt(
            "rejected",
            None,
            f"key {draft.key!r} already names {noun} {one!r} with other contents; "
            f"use a new key for a new {noun}, or `update` to correct the old one",
        )
