"""Every kind of finding by its code, collected from the probes, static rules and contract checks.

Importing this module loads numpy, through the probes. The language server holds no numpy; it takes a finding's kind
from the stored finding instead.
"""

from collections.abc import Mapping
from typing import Any

from diagnosis.coevolution.spec import titled
from diagnosis.contract_kinds import KINDS, contract_kind
from diagnosis.figures.kind import KIND as OWN_FIGURE
from diagnosis.findings import FindingKind, FoundBy, Nature, Role
from diagnosis.measure import PROBES
from diagnosis.rules.check import RULES
from diagnosis.user_probes.probe import FAULT

EVOLVED = "evolved-"  # prefix of the code of every evolved probe
CATALOGUE: Mapping[str, FindingKind] = {
    kind.code: kind
    for kind in (
        *(kind for probe in PROBES for kind in probe.kinds),
        *(kind for rule in RULES for kind in rule.kinds),
        *KINDS,
        FAULT,
        OWN_FIGURE,
    )
}

# The signal of a users' complaint -> the roles of the code that most likely cause it, most likely first.
ROLES_OF_SIGNAL: Mapping[str, tuple[Role, ...]] = {
    "popularity": (Role.NEGATIVES, Role.LOSS, Role.SCORING),
    "sequence": (Role.ENCODER, Role.POSITION_TABLE, Role.LOSS),
    "category": (Role.ITEM_TABLE, Role.ENCODER),
    "price": (Role.ITEM_TABLE, Role.ENCODER),
    "store": (Role.ITEM_TABLE, Role.ENCODER),
    "recency": (Role.POSITION_TABLE, Role.ENCODER),
    "repetition": (Role.SCORING,),
    "variety": (Role.SCORING, Role.LOSS),
    "quality": (Role.ITEM_TABLE, Role.LOSS),
}


def kind_of(code: str, details: Mapping[str, Any] | None = None) -> FindingKind:
    """The kind of finding with this code.

    details: the measurement's details. CATALOGUE does not hold the kinds of evolved probes; they are made from these.
    """
    if code.startswith(EVOLVED):
        return _evolved_kind(code, details or {})
    return CATALOGUE.get(code) or contract_kind(code)


def _evolved_kind(code: str, details: Mapping[str, Any]) -> FindingKind:
    complaint = str(details.get("complaint", ""))
    return FindingKind(
        code=code,
        found_by=FoundBy.PROBE,
        title=titled(code.removeprefix(EVOLVED), complaint),
        why=f"It measures what users of a version of this repo complained of ({complaint})."
        if complaint
        else "It measures what users of a version of this repo complained of.",
        definition=str(details.get("definition", "A probe that was written while the model evolved.")),
        roles=ROLES_OF_SIGNAL.get(str(details.get("signal", "")), (Role.ENTRY,)),
        verifies=(complaint,) if complaint else (),
        nature=Nature.SYMPTOM,
    )
