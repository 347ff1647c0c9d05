"""Reports of a run directory, written beside what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memsvc.errors import MissingDependency
from memsvc_evals.errors import MeasurementError
from memsvc_evals.reports import content, plots, questions
from memsvc_evals.reports.page import Page, Text
from memsvc_evals.reports.questions import QUESTIONS_FOLDER
from memsvc_evals.reports.reading import Run, read_run

MARKDOWN_FILE, HTML_FILE = "report.md", "report.html"


@dataclass(frozen=True, slots=True)
class Written:
    """Where the report lies, how many questions have a page, and why there are no plots, if there are none."""

    markdown: Path
    html: Path
    questions: int
    missing: str | None

    def to_dict(self) -> dict[str, str | int | None]:
        """As JSON holds it."""
        return {
            "markdown": str(self.markdown),
            "html": str(self.html),
            "questions": self.questions,
            "missing": self.missing,
        }


def write_report(folder: str | Path) -> Written:
    """Write `report.md`, `report.html` and a page a question from what a finished run left in the folder.

    Without matplotlib the reports hold tables only, and `report.html` says so. Equal runs give equal bytes. Pages of
    questions that the run no longer has are removed.

    Raises:
        MeasurementError: the folder holds no finished run, or cannot be written.
    """
    run = read_run(Path(folder))
    asked = questions.asked(run)
    page, missing = _report(run, asked)
    place = run.folder / QUESTIONS_FOLDER
    try:
        place.mkdir(exist_ok=True)
        for stale in {*place.glob("*.html")} - {place / one.file for one in asked}:
            stale.unlink()
        for file, one in questions.pages(run, asked):
            _write(place / file, one.to_html())
        _write(run.folder / MARKDOWN_FILE, content.report(run, limit=content.SHORT).to_markdown())
        _write(run.folder / HTML_FILE, page.to_html())
    except OSError as error:
        raise MeasurementError(f"{error.filename}: cannot be written ({error.strerror}); free the folder") from error
    return Written(run.folder / MARKDOWN_FILE, run.folder / HTML_FILE, len(asked), missing)


def _report(run: Run, asked: tuple[questions.Asked, ...]) -> tuple[Page, str | None]:
    index = questions.index(run, asked)
    try:
        return content.report(run, plots.pictures(run), index=index), None
    except MissingDependency as error:
        page = content.report(run, index=index)
        note = Text(f"This report has tables only. {error} Then write it again; nothing has to be asked again.", True)
        return Page(page.title, page.over, page.links, (note, *page.blocks)), str(error)


def _write(path: Path, text: str) -> None:
    """In UTF-8; a lone surrogate, which JSON may carry and UTF-8 may not, becomes a question mark."""
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
