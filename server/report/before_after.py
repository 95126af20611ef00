"""Compares the findings and critiques of the user's version with those of a patched one, code by code. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import Finding, FoundBy, Measurement
from evolution.domain.feedback import Feedback
from evolution.store.documents import finding_document, measured_document
from simulator.critiques import Critique, Simulation

ORDER = {"error": 0, "warning": 1, "information": 2}
NATURES = {"cause": 0, "symptom": 1, "advice": 2}


def findings_rows(before: Feedback, after: Feedback | None, dismissed: set[str]) -> list[dict[str, Any]]:
    """One row per code that either version has, the most severe first.

    before, after: {"figure", "healthy", ...} in each row, null if the version was not measured
    outcome: "gone", "stays" or "new"; "unknown" if the patched version was not measured
    """
    then, now = _findings(before, dismissed), _findings(after, dismissed) if after else {}
    measured = {side: _measurements(feedback) for side, feedback in (("before", before), ("after", after))}
    rows = []
    for code in dict.fromkeys([*then, *now]):
        finding = then.get(code) or now[code]
        rows.append(
            {
                **_told(finding, [*then.values(), *now.values()]),
                "before": _side(then.get(code), measured["before"].get(code)),
                "after": _side(now.get(code), measured["after"].get(code)),
                "outcome": _outcome(code, then, now, after, measured["after"]),
            }
        )
    return _in_groups(rows)


def _in_groups(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most severe first, and each row that another one explains (`below`) after that one."""
    ordered = sorted(rows, key=lambda row: (ORDER[row["severity"]], NATURES[row["nature"]], row["code"]))
    known = {row["id"]: row for row in ordered}
    above = {row["id"]: next((i for i in row["explained_by"] if i in known), "") for row in ordered}
    heads = [row for row in ordered if not above[row["id"]]]
    return [
        {**row, "below": row is not head}
        for head in heads
        for row in (
            head,
            *(row for row in ordered if _head(row["id"], above) == head["id"] and row is not head),
        )
    ]


def _head(name: str, above: Mapping[str, str]) -> str:
    passed = set[str]()
    while above[name] and name not in passed:
        passed.add(name)
        name = above[name]
    return name


def _findings(feedback: Feedback | None, dismissed: set[str]) -> dict[str, Finding]:
    """The most severe finding of each code, including those of evolved probes."""
    if feedback is None:
        return {}
    open_ones = [f for f in feedback.all_findings() if f.id not in dismissed]
    return {f.code: f for f in reversed(open_ones)}


def _measurements(feedback: Feedback | None) -> dict[str, Measurement]:
    if feedback is None:
        return {}
    return {found.code: found for found in feedback.all_measurements()}


def _told(finding: Finding, beside: Sequence[Finding]) -> dict[str, Any]:
    places = [f"{anchor.path}:{anchor.start_line}" for anchor in finding.anchors[:1]]
    return {**finding_document(finding, beside), "places": places}


def _side(finding: Finding | None, measurement: Measurement | None) -> dict[str, Any] | None:
    if finding is None and measurement is None:
        return None
    known = finding.measurement if finding is not None and finding.measurement else measurement
    return {
        **measured_document(known),
        "healthy": measurement.healthy if finding is None and measurement else False,
        "self_reported": known.self_reported if known else False,
    }


def _outcome(
    code: str,
    then: Mapping[str, Finding],
    now: Mapping[str, Finding],
    after: Feedback | None,
    measured: Mapping[str, Measurement],
) -> str:
    if code in now:
        return "stays" if code in then else "new"
    if after is None:
        return "unknown"
    if then[code].kind.found_by is FoundBy.PROBE:  # gone only if measured again as healthy
        return "gone" if code in measured and measured[code].healthy else "unknown"
    return "gone"


def critique_rows(before: Simulation, after: Simulation | None, dismissed: set[str]) -> list[dict[str, Any]]:
    """One row per complaint or praise that either version has.

    before, after: share of users with its interval in each row, or null
    """
    sides = [_critiques(side, dismissed) for side in (before, after)]
    rows = []
    for code in dict.fromkeys([*sides[0], *sides[1]]):
        shown = sides[0].get(code) or sides[1][code]
        shares = [_share(side.get(code)) for side in sides]
        rows.append(
            {
                "code": code,
                "positive": shown.positive,
                "message": shown.message,
                "before": shares[0],
                "after": shares[1],
            }
        )
    return rows


def _critiques(simulation: Simulation | None, dismissed: set[str]) -> dict[str, Critique]:
    said: Sequence[Critique] = simulation.critiques if simulation else ()
    return {critique.code: critique for critique in said if critique.id not in dismissed}


def _share(critique: Critique | None) -> dict[str, Any] | None:
    if critique is None:
        return None
    return {"value": critique.share, "low": critique.low, "high": critique.high, "users": critique.users}
