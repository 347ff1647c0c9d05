"""One page, as Markdown and as HTML: blocks that show themselves in both. The HTML needs nothing but itself, and holds
no script; whatever the data says is escaped."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from memsvc_evals.table import escape, safe

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Block(Protocol):
    """A part of a page. In Markdown it may be nothing."""

    def to_markdown(self) -> str:
        """GitHub's."""

    def to_html(self) -> str:
        """An element."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, set off as a warning where there is something to warn of."""

    text: str
    warning: bool = False

    def to_markdown(self) -> str:
        """A paragraph."""
        return escape(self.text)

    def to_html(self) -> str:
        """A paragraph."""
        return f'<p class="{"warning" if self.warning else "soft"}">{safe(self.text)}</p>'


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names with what they are; a value may have several lines."""

    fields: tuple[tuple[str, str], ...]

    def to_markdown(self) -> str:
        """A list."""
        return "\n".join(f"- **{escape(name)}**: {escape(value)}" for name, value in self.fields)

    def to_html(self) -> str:
        """A list of definitions."""
        return f"<dl>{''.join(f'<dt>{safe(name)}</dt><dd>{safe(value)}</dd>' for name, value in self.fields)}</dl>"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its caption; in words, for who cannot see it, the same. Markdown goes without."""

    name: str
    title: str
    caption: str
    svg: bytes

    def to_markdown(self) -> str:
        """Nothing."""
        return ""

    def to_html(self) -> str:
        """The drawing as an image: nothing of it can reach the page, or the page it."""
        data = base64.b64encode(self.svg).decode()
        words = safe(f"{self.title}. {self.caption} The tables have the figures.")
        return (
            f"<figure><figcaption><b>{safe(self.title)}</b>{safe(self.caption)}</figcaption>"
            f'<img alt="{words}" src="data:image/svg+xml;base64,{data}"></figure>'
        )


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading; on a page those from `shown` on are folded."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    shown: int = 99

    def to_markdown(self) -> str:
        """Everything that has a Markdown."""
        return "\n\n".join([f"## {escape(self.title)}", *filter(None, (one.to_markdown() for one in self.blocks))])

    def to_html(self) -> str:
        """A section that can be linked to."""
        parts = [one.to_html() for one in self.blocks]
        folded = parts[self.shown :]
        more = ["<details><summary>", f"{len(folded)} more</summary>", *folded, "</details>"] if folded else []
        title = f"<h2>{safe(self.title)}</h2>"
        return "\n".join([f'<section id="{safe(self.key)}">{title}', *parts[: self.shown], *more, "</section>"])


@dataclass(frozen=True, slots=True)
class Page:
    """A title over a line of links, what is to be read first, and the rest. `links` are names with addresses."""

    title: str
    over: str
    links: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]

    def to_markdown(self) -> str:
        """The page as a text file."""
        return (
            "\n\n".join([f"# {escape(self.title)}", *filter(None, (one.to_markdown() for one in self.blocks))]) + "\n"
        )

    def to_html(self) -> str:
        """The page as a file."""
        links = "".join(f'<a href="{safe(address)}">{safe(name)}</a>' for name, address in self.links)
        style = (Path(__file__).parent / "page.css").read_text("utf-8")
        return "\n".join([
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{safe(self.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>",
            f'<header><p class="over">{safe(self.over)}</p><h1>{safe(self.title)}</h1></header>',
            f'<nav aria-label="Sections">{links}</nav>\n<main>',
            *(one.to_html() for one in self.blocks),
            "</main>\n</body>\n</html>\n",
        ])  # fmt: skip
