"""What a reader of the code said of findings: right or wrong, with a word of reason."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Key = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """verdicts: (shape, code, path, text of the line) -> {"right": bool, "why": str}"""

    verdicts: dict[Key, dict[str, Any]]

    def of(self, name: str, finding: dict[str, Any]) -> bool | None:
        """True or False as the reader said; None where nobody has judged it."""
        verdict = self.verdicts.get(_key(name, finding))
        return None if verdict is None else bool(verdict["right"])

    def with_verdict(self, name: str, finding: dict[str, Any]) -> dict[str, Any]:
        """The finding, with `right` and `why`."""
        why = self.verdicts.get(_key(name, finding), {}).get("why", "")
        return {**finding, "right": self.of(name, finding), "why": why}

    def unanswered(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        """A block for judged.toml for each finding that nobody has judged, to be filled in."""
        for row in rows:
            for finding in row["findings"]:
                if self.of(row["name"], finding) is None:
                    yield _question(row["name"], finding)


def read_judged(path: Path) -> Judged:
    """A [[finding]] each, with shape, code, path, text, right and why."""
    blocks = tomllib.loads(path.read_text("utf-8")).get("finding", []) if path.exists() else []
    return Judged(verdicts={(b["shape"], b["code"], b["path"], b["text"]): b for b in blocks})


def _key(name: str, finding: dict[str, Any]) -> Key:
    return name, finding["code"], finding["path"], finding["text"]


def _question(name: str, finding: dict[str, Any]) -> str:
    text = finding["text"].replace("'''", "")
    return (
        f"# {finding['path']}:{finding['line']} {finding['message']}\n[[finding]]\nshape = {name!r}\n"
        f"code = {finding['code']!r}\npath = {finding['path']!r}\ntext = '''{text}'''\nright = \nwhy = ''\n"
    )
