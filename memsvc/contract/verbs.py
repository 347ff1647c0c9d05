"""The verbs: what a memory does, whichever face it is reached by.

Their signatures and the sentences about their parameters stand here and nowhere else. `Memory` does them
(`memsvc/verbs/`), `Client` has a service do them, `AsyncMemory` and `AsyncClient` are awaited (`contract/derived.py`);
the routes of the service and their requests follow from `contract/table.py`. Nothing of this module is imported at run
time but the standard library, so that a client needs no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Unpack

    from memsvc.asking.answer import Answer, Event
    from memsvc.contract.options import AskOptions, EpisodeOptions, Filters, Identified, Kept, Names, Order, Time
    from memsvc.contract.receipts import Receipts
    from memsvc.episodes.experience import Trajectory
    from memsvc.episodes.found import Episodes
    from memsvc.lookup.notes import Memories
    from memsvc.lookup.traces import Hits
    from memsvc.work.outcomes import ExtractionSummary
    from memsvc.work.retaining import Retained
    from memsvc.writing.messages import Messages
    from memsvc_learners.credit import Credit
    from memsvc_learners.fitted import Calibration
    from memsvc_retrievers.graph.values import Graph
    from memsvc_store.values.drafts import Receipt
    from memsvc_store.values.erasure_receipts import Erasure
    from memsvc_store.values.jobs import Job, JobState
    from memsvc_store.values.learned import FeedbackReceipt, Move, Trace, TraceKind, TraceSummary, Utility
    from memsvc_store.values.memories import Change, Memory, Session

    # `list` is a verb, so that its class can't name the type.
    Changes = list[Change]
    Jobs = list[Job]
    Moves = list[Move]
    Sessions = list[Session]
    Strings = list[str]
    Traces = list[TraceSummary]
    Worths = list[tuple[str, Utility]]


class Verbs:
    """What a memory does."""

    # --- The verbs that write.

    def add(
        self,
        messages: Messages,
        *,
        namespace: str,
        session_id: str | None = None,
        key: str | None = None,
        role: str | None = None,
        name: str | None = None,
        timestamp: Time | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Names | None = None,
        kind: Kept = "message",
        sources: Sequence[str] | None = None,
        expires_at: Time | None = None,
        strict: bool = False,
    ) -> Receipts:
        """Store messages, verbatim, or facts; returns once they are on disk, with one receipt each.

        Args:
            messages: a string, a message `{"role", "content"[, "name", "timestamp", "session_id",
                "key", "occurrence", "metadata", "tags", "expires_at"]}`, or a list of either. Messages of OpenAI,
                Anthropic, LangChain, pydantic-ai and the AI SDK are taken as they are, with parts and tool calls.
            session_id: the session of the messages that name none; by default "default".
            key: makes the call idempotent: message `i` is stored once under `key/i`. Of a message given alone it is
                the message's own key.
            role: who said what names no role: user, assistant, tool, system; by default user.
            name: who said what names nobody; by default the role.
            timestamp: when the messages were said that do not say so, a microsecond apart: ISO 8601, a date,
                `yesterday`, `7d` (ago), seconds since 1970; by default now.
            metadata: what else is known of all of them; what a message's own says goes first.
            tags: labels of all of them, beside each one's own; kept in the metadata, under `tags`.
            kind: message, or fact: what the caller worked out itself, as a text, `{"content"[, "sources", "name",
                "timestamp", "session_id", "metadata", "tags", "expires_at"]}`, or a list of either.
            sources: ids of the messages that the facts rest on, if they rest on any; a fact goes with them.
            expires_at: no look-up, listing or answer has them from then on: a time, or `30d` from now.
            strict: store all or nothing: a message that cannot be used is an error.

        Equal is not the same. A message's own key names it: the same key is a `duplicate`, another key is another
        message, and a key that names other contents is `rejected`. Without one, a message with a `timestamp` is known
        by session, speaker, text and time, and the n-th such message of a call is the n-th of its session: a call
        that is repeated, or a history that is handed over anew, stores nothing twice. (Where a history comes in
        pieces, `occurrence` says which of several equal ones a message is, from 0.) Without key and timestamp it is
        said now: two calls store two messages. What was deleted since is a `duplicate`: a retry brings nothing back.
        A message is an `echo` if a look-up `for_session` gave its session this very text within `echo_minutes`: it is
        stored as it was said, and left out of the ranking, where the memory that it repeats (`echo_of`) has its place.
        A user's message with a timestamp is none.
        A fact is known by what it says and rests on, and needs no key; of one that is there already it is a
        `duplicate`. Without `name`, `session_id` and `timestamp` it has those of the last message that it rests on.
        In a list, a message that cannot be used is `rejected` in its receipt (`receipts.rejected`) and the others are
        stored; a message given alone raises, and so does a call of which every message is rejected.

        Raises:
            MessagesRejected: all of several messages, or any where `strict`; nothing was stored.
            InvalidNamespace, InvalidMessage, InvalidTimestamp: nothing was stored.
            DatabaseError, EmbedderError: nothing was stored.
        """
        raise NotImplementedError

    def add_episode(
        self,
        intent: str,
        trajectory: Trajectory,
        *,
        namespace: str,
        reward: float | None = None,
        success: bool | None = None,
        experience: str | None = None,
        key: str | None = None,
        session_id: str | None = None,
        timestamp: Time | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Names | None = None,
    ) -> Receipt:
        """Store a task attempt, verbatim; returns once it is on disk (MemRL, section 4.3).

        Args:
            intent: what was asked: what later tasks are compared with.
            trajectory: what was done: a text, or its steps (strings, or mappings that JSON can hold).
            reward: from -1 to 1. At least one of reward and success is needed.
            success: how it ended; by default whether the reward is above 0.
            experience: what to take from it. By default the trajectory's own steps, trimmed; where a language model is
                set, a background job (`reflect`) writes a script or a reflection instead.
            key: makes the call idempotent, as in `add`.
            session_id: the session it belongs to.
            timestamp: when it was, as in `add`; by default now.
            metadata: what else is known of it, as an object that JSON can hold.
            tags: labels; kept in the metadata, under `tags`.

        Raises:
            InvalidNamespace, InvalidMessage, InvalidTimestamp, InvalidInput: nothing was stored.
            DatabaseError, EmbedderError: nothing was stored.
        """
        raise NotImplementedError

    def update(
        self,
        memory_id: str,
        *,
        namespace: str,
        text: str | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
        expires_at: Time | None = None,
        metadata: Mapping[str, Any] | None = None,
        timezone: str | None = None,
    ) -> Memory:
        """Correct a memory's text, event time or metadata; None leaves a field as it is.

        Args:
            text: what it should say.
            valid_from: true from this time on.
            valid_to: true up to this time.
            expires_at: out of every look-up, listing and answer from then on, as in `add`; `never` takes that back.
            metadata: keys and what they should be; other keys stay, and null takes a key away. Look-ups filter by
                it at once.

        The raw message stays verbatim and `history` keeps what was replaced. Facts that rest on a message are
        retired with its correction, and a job is queued to work them out anew. What rests on a memory, and its
        echoes, expire with it at the latest.

        Raises:
            NotFound, InvalidMessage, InvalidTimestamp, InvalidInput: nothing was changed.
        """
        raise NotImplementedError

    def delete(self, memory_id: str, *, namespace: str) -> None:
        """Take a memory out of every look-up, listing and export, at once and for every process.

        With a message go the facts that rest on it. The raw log keeps the message and `history` keeps
        the steps, out of reach of look-ups.

        Raises:
            NotFound: no such memory in this namespace.
        """
        raise NotImplementedError

    # --- The verbs that read.

    def search(
        self,
        query: str,
        *,
        namespace: str | None = None,
        namespaces: Names | None = None,
        top_k: int | None = None,
        token_budget: int | None = None,
        min_relevance: float | None = None,
        min_similarity: float | None = None,
        trace: bool = False,
        for_session: str | None = None,
        **filters: Unpack[Filters],
    ) -> Hits:
        """The memories that fit a question best, best first, each with its relevance and the parts of its score.

        A score compares the hits of one search. `relevance` is a probability that means the same in every namespace:
        `min_relevance` is how to hear that nothing is relevant. Where a filter names a speaker or session that there is
        none of, `hits.notes` say so, with the name that may have been meant.

        Args:
            namespace: whose memories: names joined by `/`, such as acme/alice; else give `namespaces`.
            namespaces: several at once, by their names or patterns (acme/*), at most 100: one ranking, by relevance.
                What you may not read is no part of a pattern. Such a search has no trace and is for no session.
            top_k: how many at most; 10 unless a budget is given.
            token_budget: of the best 200 (or `top_k`), each is taken in rank order if its text fits
                into what is left of so many tokens (`count_tokens`).
            min_relevance: leave out hits that are less likely to bear on the question, 0 to 1; by default none is.
            min_similarity: leave out hits whose cosine with the question is lower, -1 to 1.
            trace: keep what was found, so that `feedback(hits.trace_id, ...)` can reward it; one durable write.
            for_session: the session on whose behalf this is looked up. For `echo_minutes`, `add` to it knows these
                texts for what they are if they come back; one durable write.
            **filters: see `Filters`; applied inside the look-up, so that k means k.

        Raises:
            InvalidInput: an empty query, one of more than 4,000 characters, a number below 1, an unknown filter or a
                bad value.
        """
        raise NotImplementedError

    def search_episodes(self, intent: str, *, namespace: str, **options: Unpack[EpisodeOptions]) -> Episodes:
        """The episodes that fit a task best: those to follow and those to avoid (MemRL, section 4.2).

        Of the `pool` episodes whose intents are most alike, and alike enough, the `top_k` best by similarity and
        learned utility. Reward them with `feedback(episodes.trace_id, ...)` once the task is done.

        Args:
            **options: see `EpisodeOptions`; beside them the filters of `search` but `kind` and `role`.

        Raises:
            InvalidInput: an empty intent, one of more than 4,000 characters, an unknown option, or a value out of its
                bounds.
        """
        raise NotImplementedError

    def ask(
        self,
        question: str,
        *,
        namespace: str,
        on_event: Callable[[Event], None] | None = None,
        for_session: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Answer:
        """Answer a question: a fast answer, a gate that judges it, and where it falls short, full deliberation.

        Without a language model nothing is concluded: it is what was said, whole (`extractive`). Where nothing
        answers, the answer says so (`abstained`).

        Args:
            on_event: called with each step as it is done; what it raises ends the work.
            for_session: as in `search`; what is remembered is the answer and the quotes that it rests on.
            **options: see `AskOptions`; beside them the filters of `search`, which hold for deliberation too.

        Raises:
            InvalidInput: as `search`, or an unknown option, gate or deliberation.
            SettingsError: a gate or a deliberation, and no language model.
            ModelError: the model is down, refuses, or never gave an answer that can be read.
        """
        raise NotImplementedError

    def ask_stream(
        self, question: str, *, namespace: str, for_session: str | None = None, **options: Unpack[AskOptions]
    ) -> Iterator[Event]:
        """As `ask`, as the events of its steps while they happen; the last one, `answered`, holds the answer.

        Leaving the loop early and closing the iterator cancels the work, calls under way included.

        Raises:
            MemsvcError: as `ask`; wrong input at once, the rest at the step where it happens.
        """
        raise NotImplementedError

    def traces(self, *, namespace: str, limit: int = 100, offset: int = 0, kind: TraceKind | None = None) -> Traces:
        """The look-ups that were kept, newest first: what was asked, how many memories were given, their rewards.

        Args:
            limit: how many at most.
            offset: how many to leave out first.
            kind: only look-ups of this kind: search, ask, episodes.

        Raises:
            InvalidInput: a limit below 1, an offset below 0, or an unknown kind.
        """
        raise NotImplementedError

    def trace(self, trace_id: str, *, namespace: str) -> Trace:
        """What a look-up considered and gave: by its `trace_id`.

        Raises:
            NotFound: no such trace in this namespace.
        """
        raise NotImplementedError

    def get(self, memory_id: str | None = None, *, namespace: str, key: str | None = None) -> Memory:
        """One memory, by its id or by the key that its writer gave it: one of the two.

        Args:
            memory_id: the id that a receipt or a hit names.
            key: the key of the message or, where there is none, of the episode. Of several messages that were added
                under one key they are `key/0`, `key/1` and so on.

        Raises:
            NotFound: no such memory in this namespace, or it was deleted, or has expired.
            InvalidInput: neither, both, or what no id or key can be.
        """
        raise NotImplementedError

    def list(
        self,
        *,
        namespace: str,
        limit: int = 100,
        offset: int = 0,
        order: Order = "oldest",
        cold: bool | None = None,
        expired: bool = False,
        **filters: Unpack[Filters],
    ) -> Memories:
        """Memories in the order of their event time; with `notes`, as in `search`.

        Args:
            limit: how many at most.
            offset: how many to leave out first.
            order: which come first, and are counted first by `limit` and `offset`: oldest or newest.
            cold: only those that `retain` took out of the look-ups, or if False only the others; by default both.
            expired: those that have expired and are not erased yet, instead of the others.

        Raises:
            InvalidInput: a limit below 1, an offset below 0, an unknown order or filter, or a bad value.
        """
        raise NotImplementedError

    def sessions(self, *, namespace: str, limit: int = 100, offset: int = 0) -> Sessions:
        """The sessions in which something was said, the one with the latest message first; deleted messages do not
        count, echoes and cold ones do.

        Args:
            limit: how many at most.
            offset: how many to leave out first.

        Raises:
            InvalidInput: a limit below 1, or an offset below 0.
        """
        raise NotImplementedError

    def session(self, session_id: str, *, namespace: str, last: int = 100) -> Memories:
        """The last messages of a session, in the order of the conversation, echoes and cold ones included.

        Messages of a session stand in the order in which they were stored. A session that nobody spoke in has none.

        Args:
            session_id: as `sessions` names it.
            last: how many of its messages at most; of a longer session those that came last.

        Raises:
            InvalidInput: `last` below 1, or an id that no session can have.
        """
        raise NotImplementedError

    def ids(self, prefix: str, *, namespace: str, of: Identified = "memory", limit: int = 10) -> Strings:
        """The ids that begin so, sorted; those of deleted memories too.

        Args:
            prefix: at least four characters.
            of: whose ids: memory, trace.
            limit: how many at most; more than one says that the prefix is not unique.

        Raises:
            InvalidInput: a shorter prefix, another kind of id, or a limit below 1.
        """
        raise NotImplementedError

    def history(self, memory_id: str, *, namespace: str) -> Changes:
        """What happened to a memory, oldest first, with what each step replaced; deleted ones too.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        raise NotImplementedError

    def graph(
        self,
        thing: str | None = None,
        *,
        namespace: str,
        to: str | None = None,
        kinds: Names | None = None,
        limit: int = 40,
    ) -> Graph:
        """How people, places and other things hang together: each memory joins those that it names.

        Without `thing` an overview: the most central ones and their communities. With it, what it is joined to, how
        often, and by which memories. With `to` as well, the shortest path between the two, with the memories of each
        step; where none joins them, the graph has no nodes and no edges.

        Args:
            thing: a name, in any case.
            to: where a path shall end.
            kinds: what is shown, and what a path leads through: by default `person` and `thing` (any other name).
                `word` (capitalised at the head of a sentence, or a weekday or month), `phrase`, `session` and `day`
                join nearly everything, and are shown only if they are asked for. What `thing` and `to` name may be
                of any kind; a session or day is named as it is, or as `day:2026-03-02`.
            limit: things that are shown at most; all of a path is.

        Central is what has the highest weighted degree: the number of memories that it shares with others, summed up.
        It takes one pass over the ties, where betweenness takes one for each thing. An overview compares the 300 most
        mentioned things, and any graph the latest 50,000 memories; the result says what was left out. Cold memories
        count, deleted ones do not. The same memories give the same graph.

        Raises:
            NotFound: no such namespace, or nothing there is called so; the message has names that are spelled alike.
            InvalidInput: an empty name, an unknown kind, a limit below 1, `to` without `thing`.
        """
        raise NotImplementedError

    # --- The verbs that move a namespace.

    def export(self, *, namespace: str, **filters: Unpack[Filters]) -> Iterator[str]:
        """The namespace as JSON lines, without line ends: a header, messages, facts, episodes; one snapshot.

        Args:
            **filters: as in `list`. A fact goes with all the messages that it rests on, or not at all.

        Raises:
            NotFound: no such namespace.
        """
        raise NotImplementedError

    def import_(self, lines: Iterable[str], *, namespace: str) -> Receipts:
        """Store an export, in this namespace or another; what is there already is a `duplicate`.

        Raises:
            InvalidMessage, InvalidTimestamp: naming the line that cannot be read.
        """
        raise NotImplementedError

    # --- The verbs of work that is done later.

    def extract(
        self,
        *,
        namespace: str | None = None,
        on_event: Callable[[Job], None] | None = None,
        on_queued: Callable[[int], None] | None = None,
    ) -> ExtractionSummary:
        """Work out the facts of messages that were not worked through yet, now; of one namespace or of all.

        Messages are safe whatever happens: a job that fails is tried again later, and at last shows as
        `failed` in `jobs`.

        Args:
            on_event: called with each job when it has ended; what it raises ends the work.
            on_queued: called once, with how many jobs there are to do.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done stays queued.
            ModelInaccessible: its server refuses the key, or knows no such model; likewise.
        """
        raise NotImplementedError

    def reflect(self, *, namespace: str | None = None, on_event: Callable[[Job], None] | None = None) -> Jobs:
        """Have the model write the experience of episodes that only a rule has summed up, now; the jobs as they ended.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done stays queued.
        """
        raise NotImplementedError

    def jobs(self, *, namespace: str | None = None, state: JobState | None = None) -> Jobs:
        """The jobs of one namespace or of all, in the order they were queued.

        Raises:
            InvalidInput: a state that is none of queued, running, done, failed.
        """
        raise NotImplementedError

    def retry(self, *, namespace: str | None = None) -> int:
        """Queue failed jobs anew, and those that wait after an error, as if they had never been tried; how many."""
        raise NotImplementedError

    # --- The verbs of learning (MemRL, section 4).

    def feedback(
        self,
        trace_id: str,
        reward: float,
        *,
        used: Sequence[str] | None = None,
        key: str | None = None,
        source: str = "default",
        credit: Credit = "uniform",
        namespace: str | None = None,
    ) -> FeedbackReceipt:
        """Reward what a `search(trace=True)`, an `ask` or a `search_episodes` gave: `Q <- Q + alpha (reward - Q)`.

        Args:
            trace_id: of the answer, the hits or the episodes.
            reward: from -1 to 1.
            used: which of the memories that were given were of use; by default all of them.
            key: makes the call idempotent: under one key a feedback counts once.
            source: who gives it. In `feedback_window` hours one source moves a memory by at most `feedback_cap`.
            credit: `uniform` (all that were used), or `cited` (those of them that the answer names as its sources).
            namespace: if given, the trace must be of it.

        Memories that were deleted meanwhile are skipped, and the receipt names them. Episodes are ranked by what was
        learned; conversation memories only where `search_weight` says so, and the receipt's `note` tells where not.

        Raises:
            NotFound: no such trace (in this namespace).
            InvalidInput: a reward out of bounds, a memory that the trace did not give, a key of another feedback.
        """
        raise NotImplementedError

    def utility(self, memory_id: str, *, namespace: str) -> Utility | None:
        """What a memory is worth; None before its first feedback and after a reset.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        raise NotImplementedError

    def utility_history(self, memory_id: str, *, namespace: str) -> Moves:
        """Every step of a memory's utility, the oldest first, with its reward, source and trace.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        raise NotImplementedError

    def top_utilities(self, *, namespace: str, limit: int = 20, worst: bool = False) -> Worths:
        """The memories that are worth most, or least: (id, utility).

        Args:
            limit: how many at most.
            worst: those that are worth least instead.

        Raises:
            NotFound: no such namespace.
        """
        raise NotImplementedError

    def reset_utility(self, memory_id: str, *, namespace: str) -> Move:
        """Take a memory's utility back to 0, as before its first feedback; its history stays.

        Raises:
            NotFound: no such live memory.
        """
        raise NotImplementedError

    def calibrate_gate(self, *, namespace: str, budget: float) -> Calibration:
        """Fit the gate `calibrated` of a namespace to what was logged of its questions and their rewards.

        Args:
            budget: the share of questions that may escalate, from 0 to 1.

        Raises:
            NotFound: no such namespace.
            InvalidInput: another budget, or too few outcomes, with the counts; what was calibrated before stays.
        """
        raise NotImplementedError

    def retain(self, *, namespace: str, budget: int | None = None) -> Retained:
        """Keep the messages and facts most worth it in the fast index (by utility, recency, rhythm of use).

        The rest turn cold: out of `search` and of the fast answer, and kept in full. Deliberation reads them and finds
        them, and one that an answer then rests on turns warm again. Episodes stay hot.

        Args:
            budget: how many messages and facts stay hot; by default the setting `hot_memories`.

        Raises:
            NotFound: no such namespace.
            InvalidInput: no budget, here or in the settings.
        """
        raise NotImplementedError

    def calibrate_threshold(self, *, namespace: str) -> float:
        """Work out how alike intents must be to count as similar, and keep it for this namespace and embedder.

        The 80th percentile of the cosines of all pairs of intents (MemRL, Tables 7-9): one pair in five is above it.
        `search_episodes` uses it from then on.

        Raises:
            InvalidInput: fewer than two different intents that are embedded.
        """
        raise NotImplementedError

    def rebuild_utilities(self, *, namespace: str) -> int:
        """Work all utilities out anew from the log, bit for bit; how many feedbacks and resets it has.

        Raises:
            NotFound: no such namespace.
        """
        raise NotImplementedError

    # --- The verbs of erasure with proof.

    def forget(
        self,
        *,
        namespace: str,
        session_id: str | None = None,
        memory_id: str | None = None,
        source: str | None = None,
        expired: bool = False,
    ) -> Erasure:
        """Erase for good, from every table, file and snapshot, and have a signed receipt that says so.

        Other than `delete` it leaves nothing behind: not the raw message, its history, or its id. So the same text may
        be added again. It ends with the database's files rewritten, which takes as long as copying them does.

        Args:
            namespace: all of it goes, and its name, if nothing else is given.
            session_id: this session's messages and episodes.
            memory_id: this message, fact or episode, deleted ones too.
            source: what was added under this source: messages and episodes whose metadata has `source` equal to it,
                and those added under the `key` of this name (whose own key is `source`, or begins with `source/`).
            expired: what has expired, of which look-ups know no more, and the files still do.

        With a message go all facts that rest on it, also those that rest on others as well; what these say is worked
        through again. With a memory go its echoes, the traces that may hold a word of it, and its part of what was
        learned.

        Raises:
            NotFound: nothing of it is there. What was erased before leaves nothing to be found.
            DatabaseBusy: the rows are gone; somebody kept the files from being rewritten. Forget the same again.
            InvalidInput: more than one of session_id, memory_id, source and expired.
        """
        raise NotImplementedError

    def verify_erasure(self, receipt: Erasure | Mapping[str, Any]) -> bool:
        """Whether this database issued a receipt of `forget`, and it says what it said then.

        Args:
            receipt: as `forget` gave it, or as the JSON document of it.

        Raises:
            InvalidInput: it is no receipt.
        """
        raise NotImplementedError

    # --- The verbs that look after a database.

    def namespaces(self) -> Strings:
        """Every namespace of this database, sorted."""
        raise NotImplementedError

    def stats(self, *, namespace: str) -> dict[str, int]:
        """Counts of a namespace: sessions, messages, memories, retired, vectors, stale (without a
        vector of the model in use), version (writes so far).

        Raises:
            NotFound: no such namespace.
        """
        raise NotImplementedError

    def verify(self, *, namespace: str | None = None) -> Strings:
        """Check the database, every hash, and the projections against the rows; one sentence a problem."""
        raise NotImplementedError

    def reindex(self, *, namespace: str, progress: Callable[[int], None] | None = None) -> int:
        """Embed what the model in use has not embedded yet and build the projections anew.

        Args:
            progress: called with the number of texts embedded by each step.

        Returns:
            How many memories the projections hold.
        """
        raise NotImplementedError

    def count_tokens(self, text: str) -> int:
        """How many tokens a text counts for in a budget: its words and punctuation marks."""
        raise NotImplementedError
