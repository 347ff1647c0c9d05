"""One table, as a terminal, a pipe, Markdown, HTML and JSON show it. Nothing here prints."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.table import Table as RichTable
    from rich.text import Text as RichText

T = TypeVar("T")
NOTHING = "–"
"""What stands for a figure that is unknown, or that was not taken."""

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")
_TERMINAL = {"strong": "bold", "good": "green", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. On a terminal `below` puts its cells, dimmed, under another column's, `wrap` lets them take several
    lines, and `style` is rich's."""

    name: str
    right: bool = False
    wrap: bool = False
    below: str | None = None
    style: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with small print that belongs to it, a look, and on a page the address that it leads to."""

    text: str
    detail: str = ""
    look: Literal["", "strong", "good", "bad"] = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. A plain string is a cell without detail."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Cell]]
    title: str = ""
    note: str = ""

    @classmethod
    def of(
        cls, title: str, head: Iterable[str], rows: Iterable[Sequence[str | Cell]], note: str = "", *, names: int = 1
    ) -> Table:
        """The first `names` columns hold names and stand at the left, the others figures and stand at the right."""
        columns = tuple(Column(name, right=at >= names) for at, name in enumerate(head))
        return cls(columns, tuple(map(tuple, rows)), title, note)

    @classmethod
    def each(cls, things: Iterable[T], *columns: tuple[Column, Callable[[T], str | Cell]], title: str = "") -> Table:
        """A row a thing: every column with what it shows of one."""
        return cls(
            tuple(column for column, _ in columns), [[show(one) for _, show in columns] for one in things], title
        )

    def cells(self) -> Iterator[list[Cell]]:
        """Every row as cells."""
        for row in self.rows:
            yield [Cell(one) if isinstance(one, str) else one for one in row]

    def to_lines(self) -> Iterator[str]:
        """Tab-separated, under a line of heads."""
        yield "\t".join(column.name for column in self.columns)
        for row in self.cells():
            yield "\t".join(_with_detail(plain(cell.text), plain(cell.detail)) for cell in row)

    def to_json(self) -> list[dict[str, str]]:
        """An object a row: what each column says, without details."""
        return [{c.name: cell.text for c, cell in zip(self.columns, row, strict=True)} for row in self.cells()]

    def to_text(self) -> RichTable:
        """For rich's console: figures stand at the right, details below them; what has no room ends in an ellipsis."""
        from rich import box
        from rich.table import Table as RichTable

        grid = RichTable(
            box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_edge=False
        )
        tops = [column for column in self.columns if column.below is None]
        rows = [self._row(row) for row in self.cells()]
        for column, head in zip(tops, _heads(tops, rows), strict=True):
            grid.add_column(
                head, justify="right" if column.right else "left", style=column.style, no_wrap=not column.wrap,
                overflow="fold" if column.wrap else "ellipsis",
            )  # fmt: skip
        for shown in rows:
            grid.add_row(*(shown[column.name] for column in tops))
        return grid

    def _row(self, row: Sequence[Cell]) -> dict[str, RichText]:
        from rich.text import Text

        shown = {}
        for column, cell in zip(self.columns, row, strict=True):
            text = Text(plain(cell.text, sep="\n"), style=_TERMINAL.get(cell.look, ""))
            shown[column.name] = text.append(f"\n{plain(cell.detail)}", "not bold dim") if cell.detail else text
        for column in self.columns:
            if column.below is not None:
                shown[column.below].append("\n").append(shown[column.name].plain, style="dim")
        return shown

    def to_markdown(self) -> str:
        """GitHub's, with title and note. Texts are escaped: they can be neither markup nor HTML."""
        lines = [f"**{escape(self.title)}**", ""] if self.title else []
        lines += [_row(escape(column.name) for column in self.columns)]
        lines += [_row("--:" if column.right else ":--" for column in self.columns)]
        lines += [_row(map(_in_markdown, row)) for row in self.cells()]
        return "\n".join([*lines, "", escape(self.note)] if self.note else lines)

    def to_html(self) -> str:
        """A `<table>` in a box that scrolls. Texts are escaped."""
        sides = ["" if column.right else ' class="name"' for column in self.columns]
        heads = (f'<th scope="col"{side}>{safe(one.name)}</th>' for one, side in zip(self.columns, sides, strict=True))
        note = f"<small>{safe(self.note)}</small>" if self.note else ""
        rows = ("".join(map(_in_html, row, self.columns)) for row in self.cells())
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(self.title)}"><table>\n'
            f"<caption>{safe(self.title)}{note}</caption>\n<thead><tr>{''.join(heads)}</tr></thead>\n"
            f"<tbody>\n{''.join(f'<tr>{row}</tr>' for row in rows)}\n</tbody></table></div>"
        )


def percent(share: float | None) -> str:
    """A share between 0 and 1, with one digit and without its sign: it stands under a head that has it."""
    return NOTHING if share is None else f"{100 * share:z.1f}"


def count(number: float | None) -> str:
    """With thousands; small ones that are not whole with one digit."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}" if number == int(number) or abs(number) >= 100 else f"{number:,.1f}"


def seconds(number: float | None) -> str:
    """With as many digits as are worth reading."""
    if number is None:
        return NOTHING
    digits = next((digits for digits, least in enumerate((100, 10, 0.1)) if number >= least), 3)
    return f"{number:,.{digits}f}"


def money(number: float | None) -> str:
    """In the currency of the model's price list; a local model has no price."""
    return NOTHING if number is None else f"{number:,.4f}" if number else "0"


def plain(text: str, *, sep: str = " ") -> str:
    """A text that cannot steer the terminal: stored texts come from anywhere, escape codes included."""
    if text.isprintable():
        return text
    lines = sep.join(text.replace("\t", " ").splitlines())
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in lines)


def escape(text: str) -> str:
    """A text as one line of Markdown that means itself."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def safe(text: str) -> str:
    """A text inside HTML, in an attribute too."""
    return html.escape(text)


def _heads(columns: Sequence[Column], rows: Sequence[dict[str, RichText]]) -> list[str]:
    """Heads that stand on one line at the bottom; a column of figures is not made wider than they are by its name."""
    heads = []
    for column in columns:
        lines = (line for row in rows for line in row[column.name].plain.split("\n"))
        widest = max(map(len, lines), default=0)
        width = max([widest, *map(len, column.name.split())]) if column.right else len(column.name)
        heads.append(textwrap.wrap(column.name, max(width, 1), break_on_hyphens=False))
    depth = max(map(len, heads), default=0)
    return ["\n".join([*[""] * (depth - len(lines)), *lines]) for lines in heads]


def _with_detail(text: str, detail: str) -> str:
    return f"{text} ({detail})" if detail else text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(cell: Cell) -> str:
    text = escape(cell.text)
    return _with_detail(f"**{text}**" if cell.look == "strong" else text, escape(cell.detail))


def _in_html(cell: Cell, column: Column) -> str:
    looks = " ".join(filter(None, ("" if column.right else "name", cell.look)))
    text = f'<a href="{safe(cell.link)}">{safe(cell.text)}</a>' if cell.link else safe(cell.text)
    detail = f'<span class="detail">{safe(cell.detail)}</span>' if cell.detail else ""
    return f'<td class="{looks}">{text}{detail}</td>' if looks else f"<td>{text}{detail}</td>"
