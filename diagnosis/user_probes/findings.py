"""Findings of the user's probes: what they measured, at the place that they name; and their own faults, on their own lines."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnosis.anchors import make_anchor
from diagnosis.encoding import unmarked
from diagnosis.findings import Anchor, CodePlace, Finding, Measurement, Role, Severity, Site
from diagnosis.placing import finding_id, place
from diagnosis.syntax import parsed
from diagnosis.user_probes.probe import FAULT, Fault, UserProbe

ROLES = tuple(role.value for role in Role)
_PLACE = re.compile(r"(?P<path>[^:]+\.py)(?::(?P<spot>.+))?")


class NoPlace(Exception):
    """What a probe names is no place of the measured version; the text says so."""


def user_finding(
    probe: UserProbe,
    measured: Measurement,
    at: str,
    sites: Sequence[Site],
    sources: Mapping[str, str],
) -> tuple[Finding | None, Fault | None]:
    """The finding of a measurement that is unhealthy or only informs, and the fault of a place that is none.

    at: the place that `measure` itself gave, "" for the one that the probe's constants name.
    """
    informs = measured.healthy is None and not probe.judges and "reason" not in measured.details
    if measured.healthy is not False and not informs:
        return None, None
    fault, seen = None, tuple[CodePlace, ...]()
    try:
        seen = places_named(at or probe.terms.at, sites, sources)
    except NoPlace as none:
        line = probe.return_line if at else probe.terms.at_line
        fault = Fault(line=line, message=str(none))
    kind = probe.kind
    anchors = place(kind, sites, sources, seen)
    found = Finding(
        id=finding_id(kind.code, anchors[0]),
        kind=kind,
        severity=measured.severity,
        message=measured.message,
        anchors=anchors,
        measurement=measured,
    )
    return found, fault


def fault_finding(probe: UserProbe, fault: Fault) -> Finding:
    """The finding of a fault, on the probe's own line."""
    anchor = _own_anchor(probe, fault.line)
    return Finding(
        id=finding_id(f"{FAULT.code} {fault.message}", anchor),
        kind=FAULT,
        severity=Severity.ERROR,
        message=f"{probe.code}: {fault.message}",
        anchors=(anchor,),
    )


def _own_anchor(probe: UserProbe, line: int) -> Anchor:
    """The line, with as many of those after it as make the text occur once: an editor finds it by that."""
    text = unmarked(probe.text)
    site = Site(role=Role.ENTRY, path=probe.path, start_line=line, end_line=line)
    anchor = make_anchor(site, probe.text)
    lines = text.count("\n") + 1
    while f"\n{text}\n".count(f"\n{anchor.text}\n") > 1 and site.end_line < lines:
        site = replace(site, end_line=site.end_line + 1)
        anchor = make_anchor(site, probe.text)
    return anchor


def places_named(at: str, sites: Sequence[Site], sources: Mapping[str, str]) -> tuple[CodePlace, ...]:
    """The lines that a probe names; () for "", and for a role that this code was not seen to have.

    Raises NoPlace: a file, line or function that the measured version does not have.
    """
    if not at:
        return ()
    if at in ROLES:
        return tuple(CodePlace(path=s.path, line=s.start_line) for s in sites if s.role.value == at)
    match = _PLACE.fullmatch(at)
    if match is None or match["path"] not in sources:
        words = (
            f"{at!r} is no place of the measured version; expected a file of it, or one of {', '.join(ROLES)}"
        )
        raise NoPlace(words)
    path, spot = match["path"], match["spot"] or "1"
    line = int(spot) if spot.isdecimal() else _defined(sources[path], spot.split("."))
    if not 0 < line <= sources[path].count("\n") + 1:
        raise NoPlace(f"{at!r} is no place of the measured version: {path} has no such line or definition")
    return (CodePlace(path=path, line=line),)


def _defined(text: str, names: Sequence[str]) -> int:
    """The line of a class or function, `Net.forward` as ["Net", "forward"]; 0 if there is none."""
    body: Sequence[ast.AST] = getattr(parsed(text), "body", ())
    line = 0
    for name in names:
        found = next((node for node in body if getattr(node, "name", None) == name), None)
        if found is None:
            return 0
        line, body = getattr(found, "lineno", 0), getattr(found, "body", ())
    return line
