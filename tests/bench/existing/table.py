"""The rows for people: one line a repo, then what was found in each and on whose code."""

from typing import Any

from existing.judged import ReaderVerdicts

from evolution.adopting.adapter_text import counted_lines

Row = dict[str, Any]
_MARK = {True: "right", False: "WRONG", None: "not judged"}


def table(rows: list[Row], judged: ReaderVerdicts) -> str:
    """Markdown: the table, the totals, and a section a repo."""
    head = (
        "| repo | lines drafted | lines of the adapter | new by hand | questions | minutes to findings | to patches | findings right | causes and advice on own lines "
        "| patches verified | on own code | failed |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = "".join(_line(row, judged) for row in rows)
    return head + lines + "\n" + _totals(rows, judged) + "\n" + "".join(_section(row, judged) for row in rows)


def _line(row: Row, judged: ReaderVerdicts) -> str:
    findings, patches = row["findings"], row["patches"]
    verified = [p for p in patches if p["verified"]]
    cells = [
        row["name"],
        row.get("adapter_lines", "-"),
        counted_lines(row.get("adapter", "")),
        row.get("by_hand", "-"),
        row.get("questions", "-"),
        f"{minutes_to_findings(row):.1f}",
        f"{row['minutes'].get('propose', 0):.1f}",
        _share([judged.of(row["name"], f) is True for f in findings]),
        _share([f["own"] for f in findings if f["nature"] != "symptom"]),
        _share([bool(p["verified"]) for p in patches]),
        _share([p["own"] for p in verified]),
        row["failed"].split(":")[0],
    ]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def minutes_to_findings(row: Row) -> float:
    """init, check, train and diagnose together."""
    return sum(spent for step, spent in row["minutes"].items() if step != "propose")


def _share(values: list[bool]) -> str:
    return f"{sum(values)} of {len(values)}" if values else "-"


def _totals(rows: list[Row], judged: ReaderVerdicts) -> str:
    said = [judged.of(row["name"], f) for row in rows for f in row["findings"]]
    known = [verdict for verdict in said if verdict is not None]
    verified = sum(bool(p["verified"]) for row in rows for p in row["patches"])
    return (
        f"{len(rows)} repos, {len(said)} findings: {sum(known)} right, {len(known) - sum(known)} wrong, "
        f"{len(said) - len(known)} not judged; {verified} patches verified.\n"
    )


def _section(row: Row, judged: ReaderVerdicts) -> str:
    parts = [f"\n## {row['name']}\n\n"]
    if row["failed"]:
        parts.append(f"Failed: {row['failed']}\n\n")
    for each in row.get("missing", ()):
        parts.append(f"- missing: {each}\n")
    for finding in row["findings"]:
        place = f"{finding['path']}:{finding['line']}" if finding["path"] else "no line"
        verdict = _MARK[judged.of(row["name"], finding)]
        parts.append(f"- {verdict}: `{finding['code']}` {place}: {finding['message']}\n")
    for patch in row["patches"]:
        where = ", ".join(patch["paths"])
        parts.append(f"- patch, {patch['verified'] or 'not verified'}: {patch['title']} ({where})\n")
    return "".join(parts)
