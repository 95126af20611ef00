"""Findings as SARIF 2.1.0 (OASIS), for code scanning in CI."""

from pathlib import Path
from typing import Any

from evolution.base.plain_text import plain_text
from server.cli.output import json_text
from server.shown.rows import begins_with

LEVELS = {"error": "error", "warning": "warning", "information": "note"}


def write_sarif(path: Path, document: dict[str, Any]) -> None:
    """Write the findings of a `diagnose` document to a SARIF file. What viewers show of it is plain text."""
    path.write_text(json_text(_shown(sarif(document))), encoding="utf-8")


def _shown(value: Any) -> Any:
    """The same with every `text`, which quotes candidates and others, as plain text."""
    if isinstance(value, dict):
        return {
            name: plain_text(inner) if name == "text" and isinstance(inner, str) else _shown(inner)
            for name, inner in value.items()
        }
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def sarif(document: dict[str, Any]) -> dict[str, Any]:
    """The SARIF log of a document that `diagnose --json` prints."""
    from importlib.metadata import version

    findings, accepted = document["findings"], document.get("accepted", ())
    rules = {finding["code"]: _rule(finding) for finding in (*findings, *accepted)}
    driver = {"name": "evolverec", "version": version("evolverec"), "rules": list(rules.values())}
    results = [_result(finding, list(rules)) for finding in findings]
    results += [_suppressed(finding, list(rules)) for finding in accepted]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}],
    }


def _rule(finding: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": finding["code"],
        "shortDescription": {"text": finding["why"]},
        "fullDescription": {"text": finding["definition"] or finding["why"]},
    }


def _result(finding: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    locations = [_location(anchor) for anchor in finding["anchors"]]
    return {
        "ruleId": finding["code"],
        "ruleIndex": codes.index(finding["code"]),
        "level": LEVELS[finding["severity"]],
        "message": {"text": _message(finding)},
        "locations": locations[:1],
        "relatedLocations": locations[1:],
        "partialFingerprints": {"evolverecFinding/v1": finding["id"]},
        "properties": {
            "nature": finding["nature"],
            "explained_by": finding["explained_by"],
            "healed_by": finding["healed_by"],
            "ruled_out": finding["ruled_out"],
        },
    }


def _message(finding: dict[str, Any]) -> str:
    """As an editor tells it, `Overconfident: top-1 .85, right .07`; what a rule says needs no title."""
    message, title = finding["message"], finding["title"]
    return message if finding["source"] == "rule" or begins_with(message, title) else f"{title}: {message}"


def _suppressed(finding: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    """A finding that the repo's baseline accepts, which code scanning lists as closed."""
    why = {"kind": "external", "status": "accepted", "justification": finding["reason"]}
    return {**_result(finding, codes), "suppressions": [why]}


def _location(anchor: dict[str, Any]) -> dict[str, Any]:
    region = {"startLine": anchor["start_line"], "endLine": anchor["end_line"]}
    return {"physicalLocation": {"artifactLocation": {"uri": anchor["path"]}, "region": region}}
