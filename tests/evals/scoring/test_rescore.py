"""Files of predictions: what is scored, what is forgiven, and what is refused by file and line."""

from __future__ import annotations

import hashlib
import json
from math import exp
from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals import DatasetError
from memsvc_evals.scoring.rescore import rescore

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"question": "Where?", "gold": "Oslo", "prediction": "Oslo", "category": 4}
FILE = [
    {"question": "Which?", "gold": "pottery, camping", "prediction": "camping", "category": 1},  # (0 + 1) / 2
    {"question": "When?", "gold": "7 May 2023", "prediction": "on 7 May", "category": 2, "extra": [1]},  # 2/3
    {"question": "Would she?", "gold": "Yes; she likes it", "prediction": "yes", "category": 3},  # 1
    {"question": "Where?", "gold": "Oslo", "prediction": "", "category": 4},  # 0
    {"question": "Where?", "gold": "Oslo", "prediction": "Oslo", "category": 4},  # 1
    {"question": "Whose?", "gold": None, "prediction": "Not mentioned.", "category": 5},  # 1
]


def written(path: Path, *lines: Any) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "said.jsonl"


def test_scores_by_group(file: Path) -> None:
    found = rescore(written(file, *FILE))
    assert found.counts == {"1": 1, "2": 1, "3": 1, "4": 2, "5": 1, "1-4": 5, "all": 6}
    metrics = found.metrics
    assert metrics["1"]["f1"] == 0.5
    assert metrics["2"]["f1"] == pytest.approx(2 / 3)
    assert metrics["3"]["f1"] == 1
    assert metrics["4"] == {"f1": 0.5, "f1_set": 0.5, "bleu1": 0.5, "em": 0.5}
    assert metrics["1-4"]["f1"] == pytest.approx((0.5 + 2 / 3 + 1 + 0 + 1) / 5)
    assert metrics["all"]["f1"] == pytest.approx((0.5 + 2 / 3 + 1 + 0 + 1 + 1) / 6)
    assert metrics["1-4"]["em"] == 1 / 5


def test_a_group_has_the_measures_that_all_its_questions_have(file: Path) -> None:
    found = rescore(written(file, *FILE)).metrics
    assert set(found["5"]) == set(found["all"]) == {"f1"}
    assert set(found["1-4"]) == {"f1", "f1_set", "bleu1", "em"}
    trap = {"gold": "No", "prediction": "No", "category": 5}
    assert rescore(written(file, trap)).metrics["5"] == {"f1": 0, "f1_set": 1, "bleu1": 1, "em": 1}
    assert set(rescore(written(file, trap, FILE[-1])).metrics["5"]) == {"f1"}


def test_only_groups_that_occur(file: Path) -> None:
    assert list(rescore(written(file, GOOD)).metrics) == ["4", "1-4", "all"]
    assert list(rescore(written(file, FILE[-1])).metrics) == ["5", "all"]


def test_the_document(file: Path) -> None:
    document = rescore(written(file, *FILE)).to_dict()
    assert document["file"] == str(file)
    assert document["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert document["count"] == document["counts"]["all"] == 6
    assert type(json.loads(json.dumps(document))["metrics"]["1"]["f1"]) is float


def test_intervals_are_of_the_kind_of_their_values(file: Path) -> None:
    found = rescore(written(file, *FILE)).intervals()
    assert found["4"]["em"].kind == found["5"]["f1"].kind == "wilson"
    assert found["1-4"]["f1"].kind == "bootstrap"
    assert found["1-4"]["f1"].n == 5
    assert found["1"]["f1"].kind == "point"


def test_a_file_without_categories_is_scored_plainly(file: Path) -> None:
    # the plain rule where category 1 gives 0.5: P = 1, R = 1/2
    line = {"gold": "pottery, camping", "prediction": "camping"}
    assert rescore(written(file, line, {**line, "category": None})).metrics == {
        # BLEU: 1 of 1 token, gold has 3 with its comma: exp(1 - 3)
        "all": {"f1": pytest.approx(2 / 3), "f1_set": pytest.approx(2 / 3), "bleu1": pytest.approx(exp(-2)), "em": 0}
    }


@pytest.mark.parametrize(
    "line",
    [
        {**GOOD, "gold": 2022, "prediction": "2022"},
        {**GOOD, "gold": "2022", "prediction": 2022},
        {**GOOD, "category": "4"},
        {**GOOD, "category": "single-hop"},
        {"gold": "Oslo", "prediction": "Oslo", "category": 4},
        {"prediction": "not mentioned", "category": 5},
        {"gold": "", "prediction": "not mentioned", "category": "adversarial"},
        {**GOOD, "prediction": "Oslo\u2028", "score": float("nan")},
    ],
)
def test_what_is_forgiven(file: Path, line: dict[str, Any]) -> None:
    assert rescore(written(file, line)).metrics["all"]["f1"] == 1


def test_blank_lines_a_mark_and_windows_ends_are_no_lines(file: Path) -> None:
    good = json.dumps(GOOD).encode()
    file.write_bytes(b"\xef\xbb\xbf\r\n" + good + b"\r\n  \r\n\n" + good)
    assert rescore(file).counts["all"] == 2
    file.write_bytes(b"\xef\xbb\xbf" + good)
    assert rescore(file).counts["all"] == 1


def test_bytes_are_told_as_they_are_done(file: Path) -> None:
    told: list[int] = []
    rescore(written(file, *FILE), told.append)
    assert len(told) == len(FILE)
    assert sum(told) == file.stat().st_size


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"gold": "Oslo", "predic',
            "column 18: Unterminated string starting at; wanted one JSON object a line, whole",
        ),
        ("Oslo", "column 1: Expecting value; wanted one JSON object a line"),
        ("[1, 2]", r"found \[1, 2\], wanted an object"),
        ("null", "found None, wanted an object"),
        ("[" * 100_000, "wanted one JSON object a line"),
        ('{"gold": ' + "9" * 5_000 + "}", "wanted one JSON object a line"),
        ({"gold": "Oslo", "category": 4}, r"found \['category', 'gold'\], wanted an object with 'prediction'"),
        ({"prediction": "Oslo", "category": 4}, "wanted an object with 'gold'"),
        ({"prediction": "Oslo", "answer": "Oslo"}, "wanted an object with 'gold'"),
        ({**GOOD, "prediction": None}, 'prediction: found None, wanted a string, "" where nothing was answered'),
        ({**GOOD, "prediction": ["Oslo"]}, r"prediction: found \['Oslo'\], wanted a string"),
        ({**GOOD, "prediction": True}, "prediction: found True"),
        ({**GOOD, "prediction": float("inf")}, "prediction: found inf"),
        ({**GOOD, "gold": None}, "gold: found None, wanted a string that is not empty; only category 5 may lack it"),
        ({**GOOD, "gold": " "}, "gold: found ' '"),
        ({**GOOD, "gold": {"text": "Oslo"}, "category": 5}, "gold: found {'text': 'Oslo'}"),
        ({**GOOD, "category": 6}, r"category: found 6, wanted one of \[1, 2, 3, 4, 5\], or its name"),
        ({**GOOD, "category": "world knowledge"}, "category: found 'world knowledge'"),
        ({**GOOD, "category": None}, "category: found None, wanted categories on every line, or on none"),
        ({"gold": "x" * 200, "prediction": {}}, "prediction: found {}"),
    ],
)
def test_a_bad_line_is_refused_by_its_place(file: Path, line: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message) as refused:
        rescore(written(file, GOOD, "", line))
    assert str(refused.value).startswith(f"{file}: line 3")


def test_what_is_no_file_of_predictions(file: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no predictions"):
        rescore(written(file, "", " "))
    file.write_bytes(json.dumps(GOOD).encode("utf-16"))
    with pytest.raises(DatasetError, match="line 1: byte 0 is not UTF-8"):
        rescore(file)
    with pytest.raises(DatasetError, match="cannot be read"):
        rescore(tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere\.jsonl: cannot be read"):
        rescore(tmp_path / "nowhere.jsonl")
