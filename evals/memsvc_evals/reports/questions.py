"""The questions of a run: the page of each, and the index that leads there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import formats
from memsvc_evals.reports.page import Page, Pairs, Section, Text
from memsvc_evals.table import NOTHING, Cell, Column, Table, count, money, safe, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from memsvc_evals.answers.records import Record
    from memsvc_evals.reports.reading import Run

QUESTIONS_FOLDER = "questions"
RIGHT = 0.5
"""From which mark on an answer counts as right, where a mark is no verdict."""
_SURE = 0.25
"""How near to 0 or 1 a mark is shown as wrong or right."""
_PLAIN = re.compile(r"[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*")
_FLAGS = ("disputed", "failed", "escalated")
_PURPOSE = ("purpose", "calls", "tokens in", "tokens out", "seconds", "cost", "retries")


@dataclass(frozen=True, slots=True)
class Asked:
    """All that was answered to one question, in the file's order, and the file of its page."""

    run: Run
    file: str
    records: Sequence[Record]

    @property
    def question(self) -> Record:
        """Any of the records: they have the question in common."""
        return self.records[0]

    @property
    def marks(self) -> tuple[float | None, ...]:
        """Each policy's mean over the runs; None where all of its calls failed or the question is not marked."""
        measure = self.run.main_measure
        by_policy = ([mark(one, measure) for one in self.records if one.policy == name] for name in self.run.policies)
        return tuple(_mean(one for one in marks if one is not None) for marks in by_policy)

    @property
    def flags(self) -> tuple[str, ...]:
        """Disputed: some answers are right and others wrong, of whatever policy and run. Failed: a call failed.
        Escalated: a gate sent an answer on."""
        marks = (mark(one, self.run.main_measure) for one in self.records)
        found = (
            len({one >= RIGHT for one in marks if one is not None}) > 1,
            any(one.error is not None for one in self.records),
            any(self.escalated(one) for one in self.records),
        )
        return tuple(name for name, there in zip(_FLAGS, found, strict=True) if there)

    def escalated(self, record: Record) -> bool | None:
        """What the gate decided; None where none did."""
        return record.verdict["escalate"] if record.verdict and record.policy in self.run.gated else None


def asked(run: Run) -> tuple[Asked, ...]:
    """Each question, in the file's order."""
    files = page_names(run.questions)
    return tuple(Asked(run, files[identity], records) for identity, records in run.questions.items())


def pages(run: Run, questions: Sequence[Asked]) -> Iterator[tuple[str, Page]]:
    """The page of each question, after its file's name."""
    names = ["", *(one.file for one in questions), ""]
    for one, before, after in zip(questions, names, names[2:], strict=False):
        beside = (("All questions", "../report.html#questions"), ("← before", before), ("after →", after))
        yield one.file, page(run, one, tuple(link for link in beside if link[1]))


def page(run: Run, one: Asked, links: tuple[tuple[str, str], ...] = ()) -> Page:
    """All that is known of a question: the answers side by side, and how each came about."""
    question, many = one.question, run.manifest["runs"] > 1
    corrected = next((record.audited["gold"] for record in one.records if record.audited), None)
    gold = "none: the conversation does not say" if question.gold is None else question.gold
    facts = [("gold answer", gold), ("evidence", ", ".join(question.evidence) or "none")]
    facts += [] if corrected is None else [("corrected answer", corrected)]
    sections = (
        Section(f"a{at}", _name(record, many), tuple(_answer(one, record, one.records[:at])))
        for at, record in enumerate(one.records)
    )
    over = f"{question.question_id} · category {run.heading(str(question.category))}"
    return Page(question.question, over, links, (Pairs(tuple(facts)), _answers(run, one.records), *sections))


def mark(record: Record, measure: str) -> float | None:
    """How right an answer is, from 0 to 1: the judge's verdict, or F1 where it was not judged.

    None where there is neither, or the call failed.
    """
    if record.error is not None:
        return None
    kind, _, prompt = measure.partition(":")
    if kind == "judge":
        correct = record.judge.get(prompt, {}).get("correct")
        return record.scores.get("f1") if correct is None else float(correct)
    return record.scores.get(measure)


def page_names(identities: Iterable[str]) -> dict[str, str]:
    """A file name for each id, safe on every file system and unlike the others: "conv-26/12" is "conv-26__12.html".

    Ids of other letters, and those that a file system without upper case would confuse, get a piece of their SHA-256.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for identity in identities:
        parts = identity.split("/")
        name = "__".join(parts)
        if not all(map(_PLAIN.fullmatch, parts)) or len(name) > 80 or name[0] == "." or name.lower() in taken:
            digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            name = f"{re.sub(r'[^A-Za-z0-9]+', '-', name)[:60]}~{digest}"
        taken.add(name.lower())
        found[identity] = f"{name}.html"
    return found


@dataclass(frozen=True, slots=True)
class Index:
    """Every question in a line, which a choice of category and of flags narrows, without a script."""

    run: Run
    questions: Sequence[Asked]

    def to_markdown(self) -> str:
        """Nothing: a text has no pages to lead to."""
        return ""

    def to_html(self) -> str:
        """A form whose choices hide the rows that do not fit them, and the table."""
        groups = [group for group in self.run.groups if group.isdigit()]
        options = "".join(f'<option value="{group}">{safe(self.run.heading(group))}</option>' for group in groups)
        boxes = "".join(f'<label><input type="checkbox" value="{name}"> {name}</label>' for name in _FLAGS)
        rules = [f'#questions:has(option[value="{group}"]:checked) tbody tr:not(.k{group})' for group in groups]
        rules += [f'#questions:has(input[value="{name}"]:checked) tbody tr:not(.{name})' for name in _FLAGS]
        heads = "".join(f'<th scope="col">{safe(name)}</th>' for name in self.run.policies)
        return "\n".join([
            f"<style>{','.join(rules)}{{display:none}}</style>",
            f'<form><label>Category <select><option value="">all</option>{options}</select></label>{boxes}</form>',
            '<div class="scroll box" tabindex="0" role="region" aria-label="Index of questions"><table id="index">',
            f'<thead><tr><th class="name">question</th><th class="name">text</th>{heads}</tr></thead>\n<tbody>',
            *map(self._row, self.questions),
            "</tbody></table></div>",
        ])  # fmt: skip

    def _row(self, one: Asked) -> str:
        question = one.question
        text = question.question if len(question.question) <= 160 else f"{question.question[:159]}…"
        link = f'<a href="{QUESTIONS_FOLDER}/{safe(one.file)}">{safe(question.question_id)}</a>'
        marks = "".join(f"<td{_LOOKS[look]}>{sign}" for look, sign in map(_sign, one.marks))
        return f'<tr class="{" ".join([f"k{question.category}", *one.flags])}"><td>{link}<td>{safe(text)}{marks}'


def index(run: Run, questions: Sequence[Asked]) -> Section:
    """The section that leads to every page."""
    judged = " (F1 where it was not judged)" if run.main_measure != "f1" else ""
    over = ", the mean over the runs" if run.manifest["runs"] > 1 else ""
    how = (
        f"{formats.label(run.main_measure)} of each answer{judged}{over}: ✓ from 75 %, ✗ up to 25 %, ~ between, "
        f"{NOTHING} failed. Disputed are questions with an answer from 50 % on and another below."
    )
    return Section("questions", "Questions", (Text(how), Index(run, questions)))


_LOOKS = {"good": " class=r", "bad": " class=w", "": " class=x"}


def _sign(given: float | None) -> tuple[str, str]:
    """How a mark looks, and what stands for it."""
    if given is None:
        return "", NOTHING
    shown = f"{100 * given:.0f}"
    if given >= 1 - _SURE:
        return "good", f"✓ {shown}"
    return ("bad", f"✗ {shown}") if given <= _SURE else ("", f"~ {shown}")


def _name(record: Record, many: bool) -> str:
    return f"{record.policy}, run {record.run}" if many else record.policy


def _answers(run: Run, records: Sequence[Record]) -> Table:
    prompts = run.manifest["judge_prompts"]
    columns = [
        Column("policy"),
        Column("answer"),
        *(Column(one, right=True) for one in ("F1", *prompts, "tokens", "seconds")),
    ]
    rows = [
        (
            Cell(_name(record, run.manifest["runs"] > 1), link=f"#a{at}"),
            Cell("failed", look="bad") if record.error else record.prediction or NOTHING,
            formats.value("f1", record.scores.get("f1")),
            *(_verdict(record.judge.get(prompt, {}).get("correct")) for prompt in prompts),
            count(record.tokens),
            seconds(record.seconds),
        )
        for at, record in enumerate(records)
    ]
    return Table(columns, rows, "Answers")


def _verdict(right: bool | None) -> Cell:
    return Cell(NOTHING) if right is None else Cell("✓ right", look="good") if right else Cell("✗ wrong", look="bad")


def _answer(one: Asked, record: Record, earlier: Iterable[Record]) -> Iterator[Pairs | Text | Table]:
    """How an answer came about: draft, gate, what was read, retrieved and cited, and what it cost."""
    if record.error is not None:
        yield Text(f"Failed: {record.error}", warning=True)
    yield Pairs(tuple(_told(one, record, earlier)))
    yield from (Text(problem, warning=True) for problem in (record.coverage or {}).get("problems", ()))
    if record.ledger:
        yield Table.of("Cost", _PURPOSE, [(name, *_spent(spent)) for name, spent in record.ledger.items()])


def _told(one: Asked, record: Record, earlier: Iterable[Record]) -> Iterator[tuple[str, str]]:
    yield "answer", record.prediction or NOTHING
    yield "process", record.process
    scores = ((name, value) for name, value in record.scores.items() if value is not None)
    yield "scores", " · ".join(f"{formats.label(name)} {formats.value(name, value)}" for name, value in scores)
    for prompt, given in record.judge.items():
        yield prompt, f"{_verdict(given['correct']).text}: {given['reason']}"
    if record.draft is not None:
        yield "draft", record.draft
    escalated = one.escalated(record)
    if record.verdict is not None and escalated is not None:
        reasons = (f"{'✓' if it['passed'] else '✗'} {it['dimension']}: {it['why']}" for it in record.verdict["reasons"])
        yield "gate", "\n".join(["escalate" if escalated else "let it pass", *reasons])
    if record.coverage:
        yield "read", _read(record.coverage)
    same = next((it.policy for it in earlier if it.retrieved and it.retrieved == record.retrieved), None)
    retrieved = f"the same {len(record.retrieved)} turns as {same}"
    yield "retrieved, best first", retrieved if same else _ids(record.retrieved, record.evidence)
    yield "cited", _ids(record.cited, record.evidence)


def _read(seen: Mapping[str, Any]) -> str:
    chunks = ", ".join(f"{first} to {last}" for first, last in seen["chunks"])
    told = f"{seen['read']:,} of {seen['messages']:,} messages in {len(seen['chunks'])} chunks ({chunks}); "
    told += f"{seen['facts']} facts found, {seen['kept']} kept, {seen['false_quotes']} with a false quote, "
    return f"{told}{seen['unsourced']} without a source"


def _ids(ids: Iterable[str], evidence: Sequence[str]) -> str:
    """With a star at what holds the answer."""
    return "  ".join(f"★ {one}" if one in evidence else one for one in ids) or "none"


def _spent(spent: Mapping[str, Any]) -> tuple[str, ...]:
    figures = (count(spent[name]) for name in ("calls", "prompt_tokens", "completion_tokens"))
    return (*figures, seconds(spent["seconds"]), money(spent["cost"]), str(spent["retries"]))


def _mean(marks: Iterable[float]) -> float | None:
    given = list(marks)
    return sum(given) / len(given) if given else None
