"""`ask`: what came in is checked, and it is decided who answers and how."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memsvc import checks
from memsvc.asking.calibrating import gate_scorer
from memsvc.asking.pipeline import Answering, How
from memsvc.checks import checked_choice
from memsvc.contract.options import AskOptions, own
from memsvc.errors import SettingsError
from memsvc.lookup import budget
from memsvc.lookup.filters import current, parse_filters
from memsvc.settings import HOW_TO_SET
from memsvc_retrievers.choices import DELIBERATIONS, POLICIES, STYLES, Scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc.lookup.lookup import Lookup
    from memsvc.lookup.traces import Tracer
    from memsvc.settings import Settings
    from memsvc.times import Times
    from memsvc.wiring import LanguageModels
    from memsvc_retrievers.language import LanguageModel
    from memsvc_store.values.memories import Kind
    from memsvc_store.writing.learning import Learning

TOP_K = 30
"""Memories that the fast answer sees (D-Mem, App. B.1)."""


REPLY = 5_000
"""Tokens of the context that are left to instructions (about 700) and to the longest reply, asked for again with twice
the room where it was cut (4,096)."""

ROOM_LEAST = 1_000

ASKED: tuple[Kind, ...] = ("message", "fact")
"""Kinds that questions are answered from, unless they name others. Episodes are for `search_episodes`."""


_OWN = own(AskOptions)


class Asker:
    """Checks what came in and picks who answers."""

    def __init__(
        self,
        settings: Settings,
        lookup: Lookup,
        models: LanguageModels,
        tracer: Tracer,
        learning: Learning,
        times: Callable[[], Times],
    ) -> None:
        self._settings, self._lookup, self._models = settings, lookup, models
        self._tracer, self._learning, self._times = tracer, learning, times

    def prepare(self, question: str, namespace: str, options: AskOptions, session_id: str | None) -> Answering:
        """The work of answering, ready to run.

        Args:
            session_id: the session that gets the answer, if it is to be known.

        Raises:
            InvalidInput, SettingsError: see `Memory.ask`.
        """
        namespace, settings = checks.checked_namespace(namespace), self._settings
        checks.checked_query(question, "question")
        mine: dict[str, Any] = {name: value for name, value in options.items() if name in _OWN and value is not None}
        filters = {name: value for name, value in options.items() if name not in _OWN}
        times = self._times()
        wanted = parse_filters(filters, times, also=_OWN)
        wanted = current(replace(wanted, kind=wanted.kind or ASKED), times.now)
        budget.limit(mine.get("top_k"), None)
        gate = checked_choice("gate", mine.get("gate", settings.gate), POLICIES)
        deliberation = checked_choice("deliberation", mine.get("deliberation", settings.deliberation), DELIBERATIONS)
        style = checked_choice("style", mine.get("style", settings.answer_style), STYLES)
        model = self._model(mine.get("model"))
        if model is None and mine.keys() & {"gate", "deliberation", "style"}:
            raise SettingsError(f"a gate, a deliberation or a style came, and no language model is set; {HOW_TO_SET}")
        room = max(ROOM_LEAST, settings.model_context - REPLY)
        scan = Scan(settings.chunk_messages, settings.context_messages, settings.scan_tokens, room)
        scorer = gate_scorer(self._learning, namespace) if model is not None and gate == "calibrated" else None
        top_k = mine.get("top_k", budget.TOP_K if model is None else TOP_K)
        floor = budget.Floor.of(mine.get("min_relevance"), mine.get("min_similarity"), default=settings.min_relevance)
        how = How(top_k, gate, deliberation, style, scan, floor, scorer)
        return Answering(question, namespace, wanted, how, self._lookup, self._tracer, model, session_id)

    def _model(self, given: object) -> LanguageModel | None:
        if given is None or (isinstance(given, str) and given.strip()):
            return self._models.get(given)
        return self._models.around(checks.checked_language_model("model", given))
