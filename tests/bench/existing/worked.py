"""docs/existing-repos.md below its marker: a worked example of each shape, from what was measured."""

from pathlib import Path
from typing import Any

from existing.table import minutes_to_findings

Row = dict[str, Any]
MARK = "<!-- Below: written by tests/bench/existing_repos.py -->"


def write_worked(page: Path, rows: list[Row], commands: dict[str, str], words: dict[str, str]) -> None:
    """Replace what stands below the marker. commands: what a user types; words: what kind of repo it is, by name."""
    above = page.read_text("utf-8").partition(MARK)[0]
    parts = [_example(row, commands[row["name"]], words[row["name"]]) for row in rows]
    page.write_text(f"{above}{MARK}\n" + "".join(parts), encoding="utf-8")


def _example(row: Row, command: str, words: str) -> str:
    parts = [f"\n## {words}\n\n    {command}\n\n"]
    if row["by_hand"]:
        parts.append(
            f"`init` left this to be filled in, with its reason and place: {_joined(row['missing'])}.\n"
        )
        parts.append(f"Filled in by hand ({row['by_hand']} lines that the draft had not):\n\n")
    else:
        parts.append("Drafted whole; nothing was edited:\n\n")
    parts.append(f"```python\n{_code(row['adapter'])}\n```\n\n")
    parts.append(_came_of_it(row))
    return "".join(parts)


def _joined(missing: list[Any]) -> str:
    told = [each["message"] if isinstance(each, dict) else str(each) for each in missing]
    return "; ".join(text.rstrip(".") for text in told) or "evolverec.toml, as `check` said"


def _code(adapter: str) -> str:
    """Without the docstring, which is the same in all."""
    return adapter[adapter.index("import ") :].strip() if "import " in adapter else adapter.strip()


def _came_of_it(row: Row) -> str:
    if row["failed"]:
        return f"It ended with: {row['failed'].splitlines()[0]}\n"
    value = row["metrics"].get("value")
    figure = "" if value is None else f"NDCG@10 {value:.3f} on validation after {row['epochs']} epochs. "
    found = ", ".join(f"`{f['code']}` ({_place(f)})" for f in row["findings"]) or "nothing"
    patches = [p["title"] for p in row["patches"] if p["verified"]]
    offered = f" Verified: {'; '.join(patches)}." if patches else ""
    minutes = minutes_to_findings(row)
    return f"{figure}{minutes:.1f} minutes from `init` to findings, on two cores. Found: {found}.{offered}\n"


def _place(finding: Row) -> str:
    return f"{finding['path']}:{finding['line']}" if finding["path"] else "the repo"
