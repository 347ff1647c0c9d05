"""`report.html` and the question pages, from the templates beside this file. Everything is escaped by default."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc_evals import extra
from memsvc_evals.reports import content, facts, formats, palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from memsvc_evals.reports.pages import Page
    from memsvc_evals.reports.plots import Picture
    from memsvc_evals.reports.reading import Run

_TEMPLATES = Path(__file__).parent / "templates"


def report(run: Run, questions: Sequence[Page], pictures: Sequence[Picture], missing: str | None) -> str:
    """The report as one page that needs nothing but itself; it links to the question pages.

    Args:
        missing: why there are no pictures; None where there are.

    Raises:
        MissingDependency: the extra `evals` is not installed.
    """
    environment = _environment()
    from markupsafe import Markup

    script = (_TEMPLATES / "filter.js").read_text("utf-8")
    return environment.get_template("report.html").render(
        run=run,
        title=facts.title(run),
        cards=facts.cards(run),
        header=facts.header(run),
        sections=content.sections(run),
        pictures={one.name: one for one in pictures},
        pages=questions,
        missing=missing,
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def question(run: Run, page: Page) -> str:
    """The page of one question; it holds no script."""
    return _environment().get_template("question.html").render(run=run, page=page, question=page.question)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    extra.require(*extra.REPORTS)
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(formats=formats, palette=palette)
    environment.filters.update(markup=Markup)
    return environment
