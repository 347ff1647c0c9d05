"""Fakes that behave, for tests of code that needs an embedder or a language model and not their meaning.

`HashEmbedder` keeps the whole `Embedder` contract, and texts that share words or their stems are close. "car" and
"automobile" are strangers to it, and a negation is one word like any other. 10,000 short texts take about a second.

`RuleModel` keeps the whole `LanguageModel` contract, and answers by rules: by default with what shares words with the
question, so that drafts, gates and deliberation run their course; in a test by the rules that the test gives.
"""

from __future__ import annotations

import json
import re
import threading
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from memsvc.errors import Cancelled, InvalidInput, InvalidReply, ModelError
from memsvc.models.embedding.texts import checked
from memsvc.models.language.replies import Unreadable, read_value
from memsvc_retrievers.language import Completion, Prompt
from memsvc_retrievers.ledger import Call
from memsvc_store.values.text import count_tokens, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.language import Watch
    from memsvc_retrievers.protocols import Purpose

    Rule = Callable[[Prompt], Any]

_WORD = re.compile(r"\w+")
_WORD_WEIGHT = 1.0
_TRIGRAM_WEIGHT = 0.25  # enough that "painted" and "painting" meet, too little to outvote a word


class HashEmbedder:
    """Signed feature hashing of words and their trigrams; implements `Embedder`.

    The same text has the same vector in every process and on every machine: the hash is CRC-32,
    not `hash()`, which is salted anew in each process.

    Args:
        dimension: length of the vectors; below about 32 unrelated texts collide often.
    """

    def __init__(self, dimension: int = 64) -> None:
        if dimension < 1:
            raise ValueError(f"dimension is {dimension}; wanted at least 1.")
        self._dimension = dimension

    @property
    def model(self) -> str:
        """Names the recipe and the dimension."""
        return f"hash-v1-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """Unit rows, float32 `(len(texts), dimension)`, in order; `purpose` makes no difference."""
        rows = [self._vector(text) for text in checked(texts)]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), self._dimension)

    def _vector(self, text: str) -> NDArray[np.float64]:
        vector = np.zeros(self._dimension)
        for feature, weight in _features(text):
            self._add(vector, feature, weight)
        if not vector.any():  # no word in it, or features that cancelled out
            self._add(vector, f"text:{text}", _WORD_WEIGHT)
        return vector / np.linalg.norm(vector)

    def _add(self, vector: NDArray[np.float64], feature: str, weight: float) -> None:
        code = zlib.crc32(feature.encode("utf-8", "replace"))
        vector[(code >> 1) % self._dimension] += weight if code & 1 else -weight


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Words, and the trigrams of `^word$`, with their weights."""
    for word in _WORD.findall(text.lower()):
        yield f"word:{word}", _WORD_WEIGHT
        edged = f"^{word}$"
        for at in range(len(edged) - 2):
            yield f"tri:{edged[at : at + 3]}", _TRIGRAM_WEIGHT


class RuleModel:
    """A language model that answers by rules; implements `LanguageModel`.

    Tokens are counted with `memsvc_store.values.text.count_tokens`: of system and user together, and of the reply.

    Args:
        rules: purpose -> a function of the prompt. It gives the reply as a string, a mapping or a pydantic value;
            a `ModelError` that it raises becomes that call's failure. A purpose without a rule is answered by
            what shares words with the question.
        default: the rule for any other purpose.
        seconds: what each call says that it took.
    """

    def __init__(
        self, rules: Mapping[str, Rule] | None = None, *, default: Rule | None = None, seconds: float = 0.0
    ) -> None:
        self._rules = {**_RULES, **(rules or {})}
        self._default = default
        self._seconds = seconds
        self._lock = threading.Lock()
        self.batches: list[tuple[Prompt, ...]] = []

    @property
    def name(self) -> str:
        """Always the same."""
        return "rules"

    @property
    def prompts(self) -> list[Prompt]:
        """Every prompt so far, in order."""
        return [prompt for batch in self.batches for prompt in batch]

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """One completion a prompt, in order.

        Raises:
            Cancelled: the watch asked for it.
        """
        with self._lock:
            self.batches.append(tuple(prompts))
        completions = []
        for prompt in prompts:
            _check(watch)
            completions.append(self._complete(prompt, schema))
            if watch is not None:
                watch.finished(completions[-1])
            _check(watch)
        return completions

    def _complete(self, prompt: Prompt, schema: type[BaseModel] | None) -> Completion:
        rule = self._rules.get(prompt.purpose, self._default)
        if rule is None:
            raise InvalidInput(f"no rule for {prompt.purpose!r}; give one, or a default")
        reply, parsed = "", None
        error: ModelError | None = None
        try:
            reply = _written(rule(prompt))
            parsed = _read(prompt, reply, schema)
        except ModelError as failure:
            error = failure
        read = count_tokens(prompt.system) + count_tokens(prompt.user)
        message = None if error is None else str(error)
        call = Call(prompt.purpose, self.name, read, count_tokens(reply), self._seconds, cost=0.0, error=message)
        return Completion(call, reply, parsed, error)


def _check(watch: Watch | None) -> None:
    if watch is not None and watch.cancelled():
        raise Cancelled("stopped by the caller")


def _read(prompt: Prompt, reply: str, schema: type[BaseModel] | None) -> BaseModel | None:
    """The reply as the schema, read as a served model's would be."""
    found = None if schema is None else read_value(reply, schema)
    if isinstance(found, Unreadable):
        raise InvalidReply(f"{prompt.purpose}: the rule's reply is not usable: {found.reason}; it was {reply[:200]!r}")
    return found


def _written(reply: Any) -> str:
    if isinstance(reply, str):
        return reply
    return reply.model_dump_json() if isinstance(reply, BaseModel) else json.dumps(reply, ensure_ascii=False)


_LINE = re.compile(r"^\[(\d+)\] (?:[^|\n]*\| [^:\n]*: )?(.*)$", re.MULTILINE)


def _lines(text: str) -> list[tuple[int, str]]:
    """Numbered lines: (number, text without time and speaker)."""
    return [(int(number), said) for number, said in _LINE.findall(text)]


def _section(prompt: Prompt, label: str) -> str:
    """What follows a label, up to the end of its line; empty if it is not there."""
    return prompt.user.partition(f"{label}: ")[2].partition("\n")[0]


def _shared(prompt: Prompt, lines: Sequence[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """(words shared with the question, number, text) of the lines that share any, most first."""
    wanted = set(terms(_section(prompt, "Question")))
    scored = [(len(wanted & set(terms(text))), number, text) for number, text in lines]
    return sorted((one for one in scored if one[0]), key=lambda one: (-one[0], one[1]))


def _draft(prompt: Prompt) -> dict[str, Any]:
    found = _shared(prompt, _lines(prompt.user))
    if not found:
        return {"thoughts": "no line shares a word", "answer": "NONE", "sources": []}
    _, number, text = found[0]
    return {"thoughts": f"line {number} shares most words", "answer": text, "sources": [number]}


def _gate(prompt: Prompt) -> dict[str, Any]:
    said, asked = set(terms(_section(prompt, "Answer"))), set(terms(_section(prompt, "Question")))
    known = {term for _, text in _lines(prompt.user) for term in terms(text)}
    passes = {"relevance": bool(said & asked), "faithfulness": said <= known, "completeness": bool(said)}
    return {name: {"reason": "by its words", "status": "pass" if ok else "fail"} for name, ok in passes.items()}


def _vote(prompt: Prompt) -> dict[str, Any]:
    answers = _lines(prompt.user)
    groups = [[n for n, other in answers if set(terms(other)) == set(terms(text))] for _, text in answers]
    same = max(groups, key=len, default=[])
    return {"same": same, "best": same[0] if same else 0}


def _extract(prompt: Prompt) -> dict[str, Any]:
    chunk = _lines(prompt.user.partition("Search these lines:\n")[2])
    facts = [
        {"fact": text, "score": min(10, 4 + 2 * shared), "messages": [number], "quote": text}
        for shared, number, text in _shared(prompt, chunk)
    ]
    return {"facts": sorted(facts, key=lambda fact: fact["messages"])}


def _evolve(prompt: Prompt) -> dict[str, Any]:
    found = _shared(prompt, _lines(prompt.user.partition("New lines:\n")[2]))
    return {"update": [], "insert": [{"point": text, "lines": [number]} for _, number, text in found[:3]]}


def _facts(prompt: Prompt) -> dict[str, Any]:
    """Every new message of five words and more is a fact."""
    new = _lines(prompt.user.partition("New messages:\n")[2])
    return {"facts": [{"fact": text, "messages": [number]} for number, text in new if len(text.split()) >= 5]}


def _judge(prompt: Prompt) -> dict[str, Any]:
    return {"sufficient": bool(_lines(prompt.user.partition("Points:\n")[2])), "concerns": []}


_RULES: dict[str, Rule] = {
    "draft": _draft,
    "answer": _draft,
    "gate": _gate,
    "vote": _vote,
    "filter": lambda prompt: {"needed": [number for _, number, _ in _shared(prompt, _lines(prompt.user))]},
    "extract": _extract,
    "evolve": _evolve,
    "merge": lambda _: {"merge": []},
    "judge": _judge,
    "facts": _facts,
    "update": lambda _: {"decisions": []},  # all of them new
}
