"""The values of the planner's prompts: feedback, code map, history and inspirations.

Texts that come from data or code (titles, users' words, source lines) are values like any other; the prompts fence
them. No value holds an absolute path.
"""

from collections.abc import Mapping
from textwrap import indent
from typing import Any

from diagnosis.findings import Finding, Measurement, Nature, Severity
from evolution.base.plain_text import first_lines
from evolution.domain.archive import Archive, objective_of
from evolution.domain.feedback import Feedback
from evolution.domain.run import Node, NodeStatus
from evolution.laboratory.laboratory import Laboratory
from evolution.proposers.coding.contract import DATA
from evolution.proposers.coding.views import anchored, code_map, one_line, shown_files
from evolution.proposers.combining import open_combinations
from evolution.proposers.selection import ideas, inspirations
from evolution.proposers.situation import Situation
from evolution.proposers.strategies import Told
from simulator.critiques import Critique, Simulation, Voice

DIFF_CHARS = 4_000  # of another program's diff
SLICES = "slice-gap"  # the measurement that knows the parts of the questions
WEAKEST = 4  # of them that are told
VOICES = 3  # complaints that users do not share widely, told of each kind of users
LEAST_VOICES = 2  # users who make such a complaint
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
        "measured": measured(feedback) if directional else [],
        "weakest": weakest(feedback) if directional else {},
        "voices": [voice_facts(voice, said) for said in feedback.simulations for voice in unshared(said)]
        if directional
        else [],
        "training": training(laboratory, feedback),
        "item_columns": DATA,
        "code_map": code_map(feedback.sites, laboratory.programs.sources(situation.parent.program)),
        **files(laboratory, situation),
        "history": []
        if told is Told.NOTHING
        else history(situation.archive, first_objectives(laboratory, situation.archive)),
        "inspirations": []
        if told is Told.NOTHING
        else [
            inspiration_facts(laboratory, situation.archive, node)
            for node in inspirations(situation.archive, situation.parent)
        ],
        "late": situation.progress > 0.5 and not open_combinations(situation.archive),
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
        "backing": [one_line(line) for line in feedback.bearing_on(critique)],
    }


def measured(feedback: Feedback) -> list[str]:
    """A line for each measurement that no finding tells: what is healthy, or could not be judged, with its reference."""
    told = {finding.code for finding in worth_telling(feedback)}
    return [_measured(one) for one in feedback.all_measurements() if one.code not in told]


def _measured(one: Measurement) -> str:
    if one.healthy is None and one.details.get("reason"):
        return one_line(f"{one.code}: not judged: {one.details['reason']}")
    verdict = {True: "healthy", False: "not healthy", None: "not judged"}[one.healthy]
    return one_line(f"{one.code} ({verdict}): {one.message}")


def weakest(feedback: Feedback) -> dict[str, Any]:
    """The parts of the questions in which the model stays furthest below the best reference ranker; {} where it does nowhere."""
    for one in feedback.all_measurements():
        slices = one.details.get("slices") if one.code == SLICES else None
        if isinstance(slices, list):
            below = sorted(
                (s for s in slices if s["model"] < s["reference"]), key=lambda s: s["model"] - s["reference"]
            )
            said = [
                one_line(
                    f"{s['slice']} {s['model']:.3f} against {s['reference']:.3f} ({s['questions']} questions)"
                )
                for s in below[:WEAKEST]
            ]
            return {"slices": said, "reference": one.details["reference_ranker"]} if said else {}
    return {}


def unshared(said: Simulation) -> list[Voice]:
    """The strongest complaints that too few users make for a critique, if more make them than of what they really chose."""
    shared = {critique.code for critique in said.critiques}
    return [
        voice
        for voice in said.voices
        if voice.code not in shared and voice.count >= LEAST_VOICES and voice.share > voice.control_share
    ][:VOICES]


def voice_facts(voice: Voice, said: Simulation) -> dict[str, Any]:
    """One such complaint for the prompt, with its counts and a quote."""
    return {
        "code": voice.code,
        "users": f"{voice.count} of {voice.users} users",
        "control": f"{voice.control_count} of {voice.control_users}",
        "played_by": one_line(said.model) or "a model of their choices",
        "quotes": [one_line(quote.text) for quote in voice.quotes[:1]],
    }


def training(laboratory: Laboratory, feedback: Feedback) -> dict[str, Any]:
    """How long the version to change was trained, and what ends a training."""
    with laboratory.context.store_lock:
        trial = laboratory.context.store.trial(feedback.trial)
    settings = laboratory.config.training
    epochs = len(trial.epochs) if trial is not None else 0
    return {
        "epochs": epochs,
        "best_epoch": trial.best_epoch if trial is not None else 0,
        "epoch_s": f"{trial.cost.fit_s / epochs:.1g}"
        if trial is not None and epochs
        else "an unknown number of",
        "max_epochs": settings.max_epochs,
        "patience": settings.patience,
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
            "right": [one_line(f"{p.sentence} ({p.count} of {p.users} users)") for p in said.right],
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


def first_objectives(laboratory: Laboratory, archive: Archive) -> Mapping[str, float]:
    """By trial id, what each node's first trial reached, which all have with the same seed."""
    with laboratory.context.store_lock:
        trials = [laboratory.context.store.trial(node.trial) for node in archive.nodes if node.trial]
    return {
        trial.id: trial.objective.value
        for trial in trials
        if trial is not None and trial.objective is not None
    }


def history(archive: Archive, first: Mapping[str, float]) -> list[str]:
    """The newest attempts and their outcomes in words, oldest first. A patch that was void says nothing of its idea.

    first: see `first_objectives`.
    """
    tried = [node for node in archive.nodes if node.idea is not None and node.status is not NodeStatus.VOID]
    return [attempt(archive, node, first) for node in tried[-HISTORY:]]


def attempt(archive: Archive, node: Node, first: Mapping[str, float]) -> str:
    """One attempt in words: `tried "Full softmax loss" (softmax): overconfidence moved from .9 to .7; objective .142
    -> .171 (+20 %)`. Objectives are compared over the same seeds: all of both programs', or their first.
    """
    assert node.idea is not None
    line = archive.lineage(node)
    before = line[1] if len(line) > 1 else archive.root
    said = [f"tried {node.idea.title!r} ({node.idea.code}) on {_name(archive, before)}"]
    if node.status is NodeStatus.WAITING:
        return one_line(f"{said[0]}: about to be trained, so nothing is known of it yet")
    if node.status is not NodeStatus.COMPLETE:
        return one_line(f"{said[0]}: {node.status.value}: {node.why}")
    effects = [moved.words for moved in node.moved]
    effects.append(_change(*_compared(before, node, first)))
    verified = {"gain": "a verified gain", "fix": "a verified fix"}.get(node.verified.value, "not verified")
    return one_line(f"{said[0]}: {'; '.join(effects)}; {verified}" + (f" ({node.why})" if node.why else ""))


def _compared(before: Node, node: Node, first: Mapping[str, float]) -> tuple[float, float]:
    if node.seeds == before.seeds or not {before.trial, node.trial} <= set(first):
        return objective_of(before), objective_of(node)
    return first[before.trial], first[node.trial]


def _name(archive: Archive, node: Node) -> str:
    made_of = ideas(archive, node)
    return f"the version with {', '.join(reversed(made_of))}" if made_of else "the user's version"


def _change(before: float, after: float) -> str:
    relative = f" ({100 * (after / before - 1):+.1f} %)" if before > 0 else ""
    return f"objective {before:.4f} -> {after:.4f}{relative}"


def inspiration_facts(laboratory: Laboratory, archive: Archive, node: Node) -> Mapping[str, Any]:
    """Another program for the prompt: its ideas, objective, rationale, open problems, and its diff to the user's version."""
    diff = laboratory.programs.diff(archive.root.program, node.program).replace("</data", "</ data")
    return {
        "diff": indent(first_lines(diff, DIFF_CHARS), "    "),
        "ideas": list(reversed(ideas(archive, node))),
        "objective": _objective(node),
        "why": one_line(node.idea.rationale) if node.idea else "",
        "open": [*(node.findings or ()), *(node.critiques or ())],
    }
