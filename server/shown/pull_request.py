"""A proposal as the text of a pull request: what it changes, what was measured, and how. Markdown, pure."""

import re
from collections.abc import Iterable

from evolution.base.amounts import count, number
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Proposal, Verified
from server.shown.wording import corrected_words, relative

_MENTION = re.compile(r"(?<![\w`])@(?=\w)")
WORDS = {
    Verified.GAIN: "A verified gain: the lower bound of the change is above 0.",
    Verified.FIX: "A verified fix: what it was made for is healthy, and the objective does not fall by more than 1 %.",
    Verified.NO: "Not verified",
}


def pull_request_text(proposal: Proposal, codes: dict[str, str]) -> str:
    """The text, whose first line is the title.

    codes: id -> code of the findings that are known, for those that the proposal addresses.
    """
    idea = proposal.idea
    by = f" Proposed by {_plain(idea.proposer)}." if idea.by_llm else ""
    parts = [_plain(idea.title), f"{_plain(idea.rationale)}{by}", _verdict(proposal), _table(proposal)]
    if addressed := sorted({codes[name] for name in idea.addresses if name in codes}):
        parts.append("Fixes: " + ", ".join(f"`{code}`" for code in addressed))
    if proposal.fixed:
        parts.append("Now healthy: " + ", ".join(f"`{code}`" for code in proposal.fixed))
    if idea.rests_on:
        parts.append("Source: " + "; ".join(map(_plain, idea.rests_on)))
    told = f"evolverec proposal {proposal.id}, trials {', '.join(proposal.trials)}"
    method = f"Validation events, full ranking, 95 % intervals by paired bootstrap over users, {count(len(proposal.trials), 'seed')}"
    parts.append(f"<sub>{method}. {told}.</sub>")
    return "\n\n".join(filter(None, parts)) + "\n"


def codes_in(known: Iterable[Feedback]) -> dict[str, str]:
    """Id -> code of the findings and complaints of these feedbacks."""
    told = {}
    for feedback in known:
        told |= {one.id: one.code for one in feedback.all_findings()}
        told |= {one.id: one.code for simulation in feedback.simulations for one in simulation.critiques}
    return told


def _verdict(proposal: Proposal) -> str:
    if proposal.verified is Verified.NO:
        return f"{WORDS[Verified.NO]}: {_plain(proposal.why_not or 'its trials prove neither a gain nor a repair')}."
    compared = str(proposal.details.get("compared", ""))
    return " ".join(filter(None, (WORDS[proposal.verified], _plain(compared))))


def _table(proposal: Proposal) -> str:
    effects = {"objective": proposal.effect, **proposal.effects}
    rows = [
        f"| {_cell(name)} | {number(effect.before)} | {number(effect.after)} | {relative(effect)} |"
        for name, effect in effects.items()
        if effect is not None
    ]
    if not rows:
        return ""
    table = "\n".join(["| metric | before | after | change |", "|---|---|---|---|", *rows])
    left = corrected_words(proposal.corrected, proposal.effect.before) if proposal.effect else ""
    return f"{table}\n\nThe objective's change is {left}." if left else table


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Text of a recipe or an LLM on one line, so that it opens no other block, mentions nobody and is no HTML."""
    line = " ".join(text.split()).replace("<", "&lt;")
    return _MENTION.sub("@\u200b", line)
