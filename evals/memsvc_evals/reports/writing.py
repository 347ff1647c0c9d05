"""Reports of a run directory, written beside what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc.errors import MissingDependency
from memsvc_evals import extra
from memsvc_evals.errors import MeasurementError
from memsvc_evals.reports import markdown, plots, webpages
from memsvc_evals.reports.pages import pages
from memsvc_evals.reports.reading import read_run

if TYPE_CHECKING:
    from memsvc_evals.reports.plots import Picture
    from memsvc_evals.reports.reading import Run

MARKDOWN_FILE, HTML_FILE, QUESTIONS_FOLDER = "report.md", "report.html", "questions"


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
        MissingDependency: the extra `evals` is not installed.
        MeasurementError: the folder holds no finished run, or cannot be written.
    """
    extra.require(*extra.REPORTS)
    run = read_run(Path(folder))
    shown = pages(run)
    pictures, missing = _pictures(run)
    place = run.folder / QUESTIONS_FOLDER
    try:
        place.mkdir(exist_ok=True)
        for stale in {*place.glob("*.html")} - {place / page.file for page in shown}:
            stale.unlink()
        for page in shown:
            _write(place / page.file, webpages.question(run, page))
        _write(run.folder / MARKDOWN_FILE, markdown.render(run))
        _write(run.folder / HTML_FILE, webpages.report(run, shown, pictures, missing))
    except OSError as error:
        raise MeasurementError(f"{error.filename}: cannot be written ({error.strerror}); free the folder") from error
    return Written(run.folder / MARKDOWN_FILE, run.folder / HTML_FILE, len(shown), missing)


def _pictures(run: Run) -> tuple[tuple[Picture, ...], str | None]:
    try:
        return plots.pictures(run), None
    except MissingDependency as error:
        return (), str(error)


def _write(path: Path, text: str) -> None:
    """In UTF-8; a lone surrogate, which JSON may carry and UTF-8 may not, becomes a question mark."""
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
