"""One table in all its forms, whatever stands in its cells."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from memsvc_evals.table import Cell, Column, Table, count, escape, percent, plain, seconds

TABLE = Table(
    (Column("who"), Column("what they said", wrap=True), Column("score now", right=True), Column("id", below="who")),
    (("Ann", "a|b <i>", Cell("0.9", "0.8–1.0", "strong"), "m1"), ("Ben", "two\nlines", "–", Cell("m2", link="#m2"))),
    "Said <today>",
    "Of all.",
)


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(table.to_text())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipe_gets_a_line_a_row() -> None:
    assert list(TABLE.to_lines()) == [
        "who\twhat they said\tscore now\tid",
        "Ann\ta|b <i>\t0.9 (0.8–1.0)\tm1",
        "Ben\ttwo lines\t–\tm2",
    ]


def test_a_terminal_gets_details_and_ids_below() -> None:
    lines = [line.split() for line in shown(TABLE).splitlines()]
    assert lines[:2] == [["score"], ["who", "what", "they", "said", "now"]]
    assert lines[3:] == [["Ann", "a|b", "<i>", "0.9"], ["m1", "0.8–1.0"], ["Ben", "two", "–"], ["m2", "lines"]]


def test_what_has_no_room_on_a_terminal_says_so() -> None:
    cut = shown(Table.of("", ("policy", "difference"), [("x" * 75, "+11,348 to +19,642")]))
    assert "…" in cut
    assert "+11,348 to +19,642" not in cut


def test_markdown() -> None:
    assert TABLE.to_markdown().splitlines() == [
        r"**Said \<today\>**",
        "",
        "| who | what they said | score now | id |",
        "| :-- | :-- | --: | :-- |",
        r"| Ann | a\|b \<i\> | **0.9** (0.8–1.0) | m1 |",
        "| Ben | two lines | – | m2 |",
        "",
        "Of all.",
    ]


def test_html_and_json() -> None:
    page = TABLE.to_html()
    for part in (
        "<caption>Said &lt;today&gt;<small>Of all.</small></caption>",
        '<td class="strong">0.9<span class="detail">0.8–1.0</span></td>',
        '<td class="name">a|b &lt;i&gt;</td>',
        '<a href="#m2">m2</a>',
    ):
        assert part in page
    assert TABLE.to_json()[1] == {"who": "Ben", "what they said": "two\nlines", "score now": "–", "id": "m2"}


@given(st.text())
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    table = Table.of(text, ("a", text), [(text, Cell(text, text, link=text))], text)
    assert len(list(table.to_lines())) == 2
    rows = [line for line in table.to_markdown().splitlines() if line.startswith("| ")]
    assert {line.replace("\\\\", "").replace("\\|", "").count("|") for line in rows} == {3}
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(table.to_html())
    assert [tag for tag in tags if tag not in ("small", "span", "a")] == [
        "div", "table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "td", "td",
    ]  # fmt: skip


def test_a_text_means_itself() -> None:
    assert escape("a|b\n<i>*c*</i> `d`") == r"a\|b \<i\>\*c\*\</i\> \`d\`"
    assert plain("\x1b[31mred\tink\r\nnext") == "�[31mred ink next"


@pytest.mark.parametrize(("share", "text"), [(0.5349, "53.5"), (-1e-9, "0.0"), (None, "–")])
def test_shares(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_counts_and_seconds() -> None:
    assert [count(one) for one in (1234.6, 7.25, 12, None)] == ["1,235", "7.2", "12", "–"]
    assert [seconds(one) for one in (123.4, 12.34, 1.234, 0.0042, None)] == ["123", "12.3", "1.23", "0.004", "–"]
