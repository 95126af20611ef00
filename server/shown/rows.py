"""How findings and patches read where there is one line, or less: a diagnostic has its title and then its number, a row of a view its
number first, as a narrow side bar cuts what comes later.
"""

import re

from diagnosis.findings import Finding, FoundBy
from evolution.domain.proposal import Proposal
from server.shown.wording import LINE, bracketed, gain, headline, kept_effect

# A number that was measured: `.85`, `4.3 %`, `27 % [21, 34]`, `37 of 38`; not the 10 of NDCG@10, the 1 of top-1 or a part of a name.
FIGURE = re.compile(
    r"(?<![\w.:@`-])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)(?:e[+-]\d+)?"
    r"(?:(?: %)?(?: \[[^\]\[]{1,20}\])|(?: %)|(?: of \d[\d,]*))?(?![\w%])"
)
_CODE = re.compile(r"`[^`]*`")
_MEASURED = re.compile(r" %|\.\d| of \d")
EARLY = 40  # characters of a message in which its figure stands
TITLE = 45  # characters of a title that leave room for a figure; a longer one is left to the hover
_TITLED = {FoundBy.PROBE, FoundBy.CONTRACT, FoundBy.USERS}  # what others say names its subject itself


def line(finding: Finding, most: int = LINE) -> str:
    """A finding as one line of at most `most` characters, `Overconfident: top-1 .85, right .07`; its hover has the rest."""
    title = finding.kind.title
    if finding.kind.found_by not in _TITLED or len(title) > TITLE or begins_with(finding.message, title):
        return headline(finding.message, most)
    return f"{title}: {headline(finding.message, most - len(title) - 2)}"


def row(finding: Finding) -> str:
    """A finding in a narrow row: `.85 overconfident`; without a figure its line. What it measured stands in where its words, as those
    of a user's probe, have no number.
    """
    found = finding.measurement
    figure = figure_of(finding)
    if not figure and found is not None and found.low is not None:
        figure = bracketed(found.value, found.low, found.high, found.unit)
    title = finding.kind.title if finding.kind.found_by in _TITLED else ""
    return f"{figure} {_lowered(title)}" if figure and title else line(finding)


def figure_of(finding: Finding) -> str:
    """The number that a finding's message begins with, or has soon after its first words; "" if it has none."""
    plain = _CODE.sub(lambda code: " " * len(code[0]), finding.message)
    if finding.kind.found_by not in _TITLED:
        return ""
    early = (
        found
        for found in FIGURE.finditer(plain)
        if found.start() < EARLY and not plain[: found.start()].endswith("epoch ")  # a place, and no figure
    )
    return next((found[0] for found in early if is_measured(found[0]) or not found.start()), "")


def is_measured(figure: str) -> bool:
    """Whether it is a share, a decimal or one number of another, and no id, shape or count of what was looked at."""
    return _MEASURED.search(figure) is not None


def patch_row(proposal: Proposal) -> str:
    """A patch in a narrow row: `+12 % [+8, +16] full softmax loss`."""
    effect = kept_effect(proposal.effect, proposal.corrected)
    if effect is None:
        return proposal.idea.title
    return f"{gain(effect)} {_lowered(proposal.idea.title)}"


def _lowered(title: str) -> str:
    """A title within a line: `Full softmax` becomes `full softmax`, `NDCG falls` and `gBCE` stay."""
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title


def begins_with(message: str, title: str) -> bool:
    """Whether a message says its finding's title itself."""
    return message.lower().startswith(title.lower())
