"""Turns hits of static rules into findings. It imports no numpy, because the language server calls it at every
keystroke.
"""

from collections.abc import Iterable, Mapping

from diagnosis.anchors import make_anchor
from diagnosis.blame import worst_first
from diagnosis.findings import Finding, Role, Site
from diagnosis.placing import finding_id
from diagnosis.rules.check import RULES
from diagnosis.rules.hits import RuleHit

OF_TRAINING = {Role.NEGATIVES, Role.LOADER, Role.LOSS, Role.OPTIMIZER}
_KINDS = {kind.code: kind for rule in RULES for kind in rule.kinds}


def on_device(hits: Iterable[RuleHit], device: str) -> list[RuleHit]:
    """The hits that mean something where training is set to `device`: on "cpu" nothing crosses a bus."""
    return [hit for hit in hits if device != "cpu" or not _KINDS[hit.code].of_accelerators]


def of_what_ran(hits: Iterable[RuleHit], executed: Mapping[str, object]) -> list[RuleHit]:
    """Without what is said of training in files of which the training ran no line, such as scripts that prepare a data set.

    executed: path -> lines that ran; all hits where nothing is known of that.
    """
    return [
        hit
        for hit in hits
        if not executed or executed.get(hit.path) or not OF_TRAINING.issuperset(_KINDS[hit.code].roles)
    ]


def rule_findings(hits: Iterable[RuleHit], sources: Mapping[str, str]) -> list[Finding]:
    """The findings of the hits, worst first.

    sources: path -> text in which the hits were found.
    """
    found: list[Finding] = []
    for hit in hits:
        kind = _KINDS[hit.code]
        site = Site(role=kind.roles[0], path=hit.path, start_line=hit.start_line, end_line=hit.end_line)
        anchor = make_anchor(site, sources[hit.path])
        found.append(
            Finding(
                id=finding_id(hit.code, anchor),
                kind=kind,
                severity=hit.severity,
                message=hit.message,
                anchors=(anchor,),
                columns=(hit.start_column, hit.end_column),
            )
        )
    return worst_first(found)
