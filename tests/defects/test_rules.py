"""Static rules fire on the marked lines of a defective repo, and on nothing in healthy ones."""

import re
from pathlib import Path

import pytest

from diagnosis.rules.check import check_source

ROOT = Path(__file__).parents[2]
REPOS = Path(__file__).parent / "repos"
HEALTHY = [
    *(path for path in sorted(REPOS.rglob("*.py")) if path.parent.name != "defective"),
    *sorted((ROOT / "seeds" / "repos").glob("*/*.py")),
]


def test_each_planted_defect_is_found_on_its_line_and_nothing_else() -> None:
    text = (REPOS / "defective" / "train.py").read_text(encoding="utf-8")
    planted = {
        (number, match.group(1))
        for number, line in enumerate(text.split("\n"), start=1)
        if (match := re.search(r"# defect: ([\w-]+)", line))
    }
    assert {(hit.start_line, hit.code) for hit in check_source("train.py", text)} == planted


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_healthy_code_gets_no_hit(path: Path) -> None:
    assert check_source(path.name, path.read_text(encoding="utf-8")) == []
