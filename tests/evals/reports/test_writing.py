"""The files of a report: complete, equal for equal runs, and safe to open whatever the conversations say."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.reports import Written, write_report
from tests.evals.reports.builders import Plan, build_run, load, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

HOSTILE = (
    "</title></style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'>&amp;{{ 7 * 7 }}|a `b` {subject}"
)


class Seen(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def files(folder: Path) -> dict[str, bytes]:
    found = [folder / "report.md", folder / "report.html", *(folder / "questions").iterdir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def illustrated(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A report with its pictures, which take two seconds; nobody changes it."""
    pytest.importorskip("matplotlib")
    return write_report(build_run(tmp_path_factory.mktemp("illustrated") / "run", Plan(audited=True)))


def test_every_question_has_a_page_and_every_link_leads_to_one(illustrated: Written) -> None:
    written, run_folder = illustrated, illustrated.html.parent
    assert (written.questions, written.missing) == (12, None)
    links = [one["href"] or "" for one in Seen(written.html).of("a")]
    pages = [link for link in links if not link.startswith("#")]
    assert len(pages) == 12
    for link in pages:
        page = run_folder / link
        for one in Seen(page).of("a"):
            target = (one["href"] or "").partition("#")[0]
            assert not target or (page.parent / target).exists()


@pytest.mark.usefixtures("plain")
def test_the_header_counts_what_was_left_out_and_failed(tmp_path: Path) -> None:
    plan = Plan(failing=("scan",), exclusions={"evidence id of no message": 2, "evidence string without an id": 1})
    folder = build_run(tmp_path, plan)
    write_report(folder)
    for text in ((folder / name).read_text("utf-8") for name in ("report.md", "report.html")):
        assert "2 × evidence id of no message; 1 × evidence string without an id" in text
        assert "a" * 64 in text
        assert "1 of 36" in text
        assert "the model was not reached in 60 s" in text
        assert "short (5-6 words)" in text


@pytest.mark.usefixtures("plain")
def test_the_text_shows_every_table(tmp_path: Path) -> None:
    folder = build_run(tmp_path, Plan(runs=2, audited=True))
    write_report(folder)
    text = (folder / "report.md").read_text("utf-8")
    mean = 100 * load(folder, "summary.json")["metrics"]["scan"]["1-4"]["f1"]["mean"]
    assert f"| **{mean:.1f}** (" in text
    for title in (
        "Scores, categories 1-4", "F1 by category", "| policy | 1 multi-hop |",
        "Evidence among the first k", "Cost of the whole run", "| scan | ingestion |",
        "F1: paired differences", "fast less scan", "Over 2 runs", "under the original key", "under the corrected key",
    ):  # fmt: skip
        assert title in text, title


@pytest.mark.usefixtures("plain")
def test_rows_of_the_text_have_as_many_cells_as_their_heads(tmp_path: Path) -> None:
    folder = build_run(tmp_path, Plan(failing=("fast",), prefix="a|b"))
    summary = load(folder, "summary.json")
    summary["failed"][0]["error"] = "line one\n| line | two | \\| <b>"
    write(folder, load(folder, "run.json"), _records(folder), summary)
    write_report(folder)
    width = 0
    for line in (folder / "report.md").read_text("utf-8").splitlines():
        cells = line.replace("\\\\", "").replace("\\|", "").count("|")
        assert not width or not cells or cells == width, line
        width = cells
    assert r"line one \| line \| two \| \\\| \<b\>" in (folder / "report.md").read_text("utf-8")


@pytest.mark.usefixtures("plain")
def test_a_conversation_cannot_put_anything_into_a_page(tmp_path: Path) -> None:
    hostile = Plan(policies=("fast", "quality", "scan"), text=HOSTILE, prefix='"><script>alert(3)</script>')
    folder = build_run(tmp_path / "hostile", hostile)
    records = _records(folder)
    for record in records:
        record["prediction"] = record["process"] = HOSTILE
        record["cited"] = record["evidence"] = [HOSTILE]
        record["coverage"] = {
            "messages": 9, "read": 3, "chunks": [[1, 3]], "facts": 0, "kept": 0, "false_quotes": 0, "unsourced": 0,
            "problems": [HOSTILE],
        }  # fmt: skip
        record["verdict"] = {"escalate": True, "reasons": [{"dimension": HOSTILE, "passed": False, "why": HOSTILE}]}
        record["ledger"] = {HOSTILE: {**next(iter(record["ledger"].values()))}}
    summary = load(folder, "summary.json")
    summary["exclusions"] = {"counts": {HOSTILE: 1}, "list": [{"reason": HOSTILE, "place": HOSTILE, "value": HOSTILE}]}
    write(folder, load(folder, "run.json"), records, summary)
    clean = build_run(tmp_path / "clean", Plan())
    for one in (folder, clean):
        write_report(one)
    report, wanted = Seen(folder / "report.html"), Seen(clean / "report.html")
    assert len(report.of("img")) == len(wanted.of("img"))
    pages = list((folder / "questions").iterdir())
    assert len(pages) == 12
    for seen in (report, *map(Seen, pages)):
        assert not seen.of("script")
        assert not {name for _, attributes in seen.tags for name in attributes if name.startswith("on")}
        assert all((one["src"] or "").startswith("data:image/svg+xml;base64,") for one in seen.of("img"))
        assert not any(
            (one.get("href") or "").startswith(("javascript:", "data:", "//", "http")) for one in seen.of("a")
        )


def test_policies_come_from_a_file_as_well(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    folder = build_run(tmp_path, Plan(policies=("fast", "scan")))
    hostile = "$x_<script>$"
    for name in ("run.json", "summary.json", "answers.jsonl"):
        text = (folder / name).read_text("utf-8").replace('"fast"', f'"{hostile}"')
        (folder / name).write_text(text, encoding="utf-8")
    write_report(folder)
    seen = Seen(folder / "report.html")
    assert not seen.of("script")
    drawn = base64.b64decode((seen.of("img")[0]["src"] or "").partition(",")[2]).decode()
    assert "$x_&lt;script&gt;$</text>" in drawn


def test_equal_runs_give_equal_bytes(illustrated: Written, tmp_path: Path) -> None:
    other = build_run(tmp_path / "run", Plan(audited=True))
    program = "import sys; from memsvc_evals.reports import write_report; write_report(sys.argv[1])"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", program, str(other)], env=environment, check=True)
    assert files(illustrated.html.parent) == files(other)


@pytest.mark.usefixtures("plain")
def test_without_matplotlib_there_are_tables_and_it_says_so(run_folder: Path) -> None:
    written = write_report(run_folder)
    assert written.missing is not None
    assert "memsvc[evals]" in written.missing
    seen = Seen(written.html)
    page = written.html.read_text("utf-8")
    assert not seen.of("figure")
    assert "tables only" in page
    assert "memsvc[evals]" in page
    assert len(seen.of("table")) > 5
    assert {one["href"] for one in seen.of("a")} >= {"#scores", "#cost-and-time"}
    assert "F1 by category" in written.markdown.read_text("utf-8")


def test_pictures_say_in_words_what_they_show_and_ids_are_unique(illustrated: Written) -> None:
    seen = Seen(illustrated.html)
    assert len(seen.of("img")) == 5
    assert all("The tables have the figures." in (one["alt"] or "") for one in seen.of("img"))
    ids = [one["id"] for _, one in seen.tags if "id" in one]
    assert len(ids) == len(set(ids))


@pytest.mark.usefixtures("plain")
def test_the_index_is_narrowed_without_a_script(run_folder: Path) -> None:
    write_report(run_folder)
    page = (run_folder / "report.html").read_text("utf-8")
    for rule in (
        'option[value="2"]:checked) tbody tr:not(.k2)',
        'input[value="failed"]:checked) tbody tr:not(.failed)',
    ):
        assert f"#questions:has({rule}" in page
    assert page.count('<tr class="k') == 12


@pytest.mark.usefixtures("plain")
def test_the_index_stays_small(tmp_path: Path) -> None:
    six = ("fast", "filter", "quality", "scan", "full-context", "rag")
    sizes = [
        write_report(build_run(tmp_path / str(count), Plan(policies=six, questions=count))).html.stat().st_size
        for count in (20, 60)
    ]
    assert (sizes[1] - sizes[0]) / 40 < 500  # bytes: 1,986 questions take less than a megabyte


@pytest.mark.usefixtures("plain")
def test_pages_of_questions_that_are_gone_go(run_folder: Path) -> None:
    write_report(run_folder)
    stale = run_folder / "questions" / "conv-9__1.html"
    stale.write_text("old")
    mine = run_folder / "questions" / "notes.txt"
    mine.write_text("mine")
    write_report(run_folder)
    assert not stale.exists()
    assert mine.exists()


def test_a_run_in_which_everything_failed_has_a_report(tmp_path: Path) -> None:
    folder = build_run(tmp_path, Plan(policies=("fast", "quality")))
    records, summary = _records(folder), load(folder, "summary.json")
    for record in records:
        record |= {
            "prediction": "", "process": "failed", "retrieved": [], "cited": [], "draft": None, "verdict": None,
            "coverage": None, "ledger": {}, "scores": dict.fromkeys(record["scores"]), "judge": {}, "error": "down",
        }  # fmt: skip
    summary |= {
        "metrics": {name: {group: {} for group in of} for name, of in summary["metrics"].items()},
        "paired": [],
        "cost": {name: {} for name in summary["cost"]},
        "failed": [{name: one[name] for name in ("question_id", "policy", "run", "error")} for one in records],
    }
    write(folder, load(folder, "run.json"), records, summary)
    write_report(folder)
    assert "24 of 24" in (folder / "report.md").read_text("utf-8")
    assert not Seen(folder / "report.html").of("img")
    assert "down" in (folder / "questions" / "conv-0__0.html").read_text("utf-8")


@pytest.mark.usefixtures("plain")
def test_a_folder_that_cannot_be_written(run_folder: Path) -> None:
    (run_folder / "questions").write_text("a file")
    with pytest.raises(MeasurementError, match="questions: cannot be written"):
        write_report(run_folder)


def _records(folder: Path) -> list[dict[str, object]]:
    import json

    return [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
