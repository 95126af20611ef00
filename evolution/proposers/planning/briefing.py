"""The values of the planner's prompts: feedback, code map, history and inspirations.

Texts that come from data or code (titles, users' words, source lines) are values like any other; the prompts fence
them. No value holds an absolute path.
"""

from collections.abc import Mapping
from typing import Any

from diagnosis.findings import Finding, Nature, Severity
from evolution.domain.archive import Archive, objective_of
from evolution.domain.feedback import Feedback
from evolution.domain.run import Moved, Node, NodeStatus
from evolution.laboratory.laboratory import Laboratory
from evolution.proposers.coding.views import anchored, code_map, one_line, shown_files
from evolution.proposers.selection import ideas, inspirations
from evolution.proposers.situation import Situation
from evolution.proposers.strategies import Told
from simulator.critiques import Critique

HISTORY = 20  # how many of the newest attempts are told


def briefing(laboratory: Laboratory, situation: Situation) -> dict[str, Any]:
    """All values of the planner's prompts, other than queries and passages."""
    told, feedback = situation.strategy.told, situation.feedback
    directional = told is Told.FEEDBACK
    return {
        "problem": problem(laboratory),
        "figures": figures(situation),
        "directional": directional,
        "findings": [finding_facts(f) for f in worth_telling(feedback)] if directional else [],
        "critiques": [critique_facts(c, feedback) for c in feedback.complaints()] if directional else [],
        "users_say": interpretations(feedback) if directional else [],
        "code_map": code_map(feedback.sites),
        **files(laboratory, situation),
        "history": [] if told is Told.NOTHING else history(situation.archive),
        "inspirations": []
        if told is Told.NOTHING
        else [
            inspiration_facts(situation.archive, node)
            for node in inspirations(situation.archive, situation.parent)
        ],
        "late": situation.progress > 0.5,
        "wanted": situation.count,
    }


def problem(laboratory: Laboratory) -> dict[str, Any]:
    """The task: objective, guardrails, size and columns of the data, and which files may be edited."""
    training = laboratory.data.training
    columns = training.item_columns
    known = {
        "titles": any(columns.title),
        "categories": any(columns.categories),
        "price": bool((columns.price[1:] == columns.price[1:]).any()),
        "store": any(columns.store),
        "ratings": training.ratings is not None,
        "timestamps": training.timestamps is not None,
    }
    return {
        "objective": laboratory.config.objective.expression,
        "guardrails": list(laboratory.config.objective.guardrails),
        "n_users": training.n_users,
        "n_items": training.n_items,
        "n_events": training.n_events,
        "columns": [name for name, there in known.items() if there],
        "entry": laboratory.config.recommender.entry,
        "editable": list(laboratory.config.recommender.editable),
    }


def data_words(laboratory: Laboratory) -> str:
    """Size and columns of the training events, in a sentence."""
    facts = problem(laboratory)
    columns = ", ".join(facts["columns"]) or "nothing"
    return (
        f"{facts['n_users']:,} users, {facts['n_items']:,} items, {facts['n_events']:,} training events; "
        f"known beside ids: {columns}"
    )


def figures(situation: Situation) -> dict[str, Any]:
    """Objectives, with intervals, of the user's version, of the parent, and of the best program."""
    archive = situation.archive
    return {
        "yours": _objective(archive.root),
        "parent": _objective(situation.parent),
        "parent_ideas": ideas(archive, situation.parent),
        "best": _objective(archive.best),
    }


def _objective(node: Node) -> str:
    metric = node.objective
    if metric is None:
        return "not measured"
    spread = (
        f" [{metric.low:.4f}, {metric.high:.4f}]"
        if metric.low is not None and metric.high is not None
        else ""
    )
    return f"{metric.value:.4f}{spread}"


def worth_telling(feedback: Feedback) -> list[Finding]:
    """The findings that are errors or warnings, and advice, worst first."""
    return [
        finding
        for finding in feedback.all_findings()
        if finding.severity is not Severity.INFORMATION or finding.kind.nature is Nature.ADVICE
    ]


def finding_facts(finding: Finding) -> dict[str, Any]:
    """One finding for the prompt, without newlines that could end its fence."""
    return {
        "id": finding.id,
        "code": finding.code,
        "severity": finding.severity.value,
        "message": one_line(finding.message),
        "why": one_line(finding.kind.why),
        "definition": one_line(finding.kind.definition),
        "self_reported": finding.self_reported,
        "places": [lines["place"] for lines in anchored(finding.anchors)],
    }


def critique_facts(critique: Critique, feedback: Feedback) -> dict[str, Any]:
    """One critique for the prompt, with quotes and with how far its users can be trusted."""
    fidelity = critique.fidelity
    return {
        "id": critique.id,
        "code": critique.code,
        "message": one_line(critique.message),
        "trust": f"AUC {fidelity.auc:.2f}, 95 % interval {fidelity.low:.2f}-{fidelity.high:.2f}",
        "quotes": [one_line(f"{quote.persona}: {quote.text}") for quote in critique.quotes],
        "places": [lines["place"] for lines in anchored(feedback.critique_anchors.get(critique.id, ()))],
    }


def interpretations(feedback: Feedback) -> list[dict[str, Any]]:
    """How each kind of simulated users sums up the pages."""
    return [
        {
            "users": simulation.users,
            "played_by": one_line(simulation.model) or "a model of their choices",
            "status": said.status.value,
            "because": one_line(said.because),
            "reads_intent": one_line(said.reads_intent),
            "right": [one_line(pattern.sentence) for pattern in said.right],
            "main_failure": one_line(said.main_failure),
        }
        for simulation in feedback.simulations
        if (said := simulation.interpretation) is not None
    ]


def files(laboratory: Laboratory, situation: Situation) -> dict[str, Any]:
    """The files that may be edited, with line numbers; those that play a role first, the rest as outlines."""
    sources = laboratory.programs.sources(situation.parent.program, laboratory.config.recommender.editable)
    whole, others = shown_files(sources, [site.path for site in situation.feedback.sites])
    return {"files": whole, "others": others}


def history(archive: Archive) -> list[str]:
    """The newest attempts and their outcomes in words, oldest first."""
    tried = [node for node in archive.nodes if node.idea is not None]
    return [attempt(archive, node) for node in tried[-HISTORY:]]


def attempt(archive: Archive, node: Node) -> str:
    """One attempt in words: `tried "Full softmax loss" (softmax): overconfidence moved from .9 to .7; objective .142
    -> .171 (+20 %)`.
    """
    assert node.idea is not None
    line = archive.lineage(node)
    before = line[1] if len(line) > 1 else archive.root
    said = [f"tried {node.idea.title!r} ({node.idea.code}) on {_name(archive, before)}"]
    if node.status is not NodeStatus.COMPLETE:
        return one_line(f"{said[0]}: {node.status.value}: {node.why}")
    effects = [_movement(moved) for moved in node.moved]
    effects.append(_change(objective_of(before), objective_of(node)))
    verified = {"gain": "a verified gain", "fix": "a verified fix"}.get(node.verified.value, "not verified")
    return one_line(f"{said[0]}: {'; '.join(effects)}; {verified}" + (f" ({node.why})" if node.why else ""))


def _name(archive: Archive, node: Node) -> str:
    made_of = ideas(archive, node)
    return f"the version with {', '.join(reversed(made_of))}" if made_of else "the user's version"


def _movement(moved: Moved) -> str:
    words = "as intended" if moved.as_intended else "not as intended"
    healthy = ", now healthy" if moved.healthy else ""
    return f"{moved.code} moved from {moved.before:.3g} to {moved.after:.3g} ({words}{healthy})"


def _change(before: float, after: float) -> str:
    relative = f" ({100 * (after / before - 1):+.1f} %)" if before > 0 else ""
    return f"objective {before:.4f} -> {after:.4f}{relative}"


def inspiration_facts(archive: Archive, node: Node) -> Mapping[str, Any]:
    """Another program for the prompt: its ideas, objective, rationale, and open problems."""
    return {
        "ideas": list(reversed(ideas(archive, node))),
        "objective": _objective(node),
        "why": one_line(node.idea.rationale) if node.idea else "",
        "open": [*(node.findings or ()), *(node.critiques or ())],
    }
