"""The values for the prompts `code`, `code-reflect` and `debug`."""

from collections.abc import Iterable, Mapping
from typing import Any

from evolution.proposers.coding.contract import contract
from evolution.proposers.coding.draft import PatchInProgress
from evolution.proposers.coding.failures import places_of
from evolution.proposers.coding.records import CodingLimits, CodingRound, Problem, Rung, Task
from evolution.proposers.coding.views import anchored, code_map, one_line, shown_files

EARLIER_CHARS = (
    300  # characters shown of the first line of each earlier round's problem; the last problem is shown whole
)


def code_values(task: Task, limits: CodingLimits) -> dict[str, Any]:
    """Values for the prompt `code`: the task, with the files that it is about."""
    return {
        **_common(task, limits),
        **_files(task.sources, _wanted(task)),
        "problems": _problems(task),
        "code_map": code_map(task.sites, task.sources),
    }


def reflect_values(draft: PatchInProgress) -> dict[str, Any]:
    """Values for `code-reflect`: the coder's own diff, with the changed files."""
    return {
        **_common(draft.task, draft.limits),
        **_files(draft.files, draft.changed()),
        "problems": _problems(draft.task),
        "diff": _indented(draft.diff()),
    }


def debug_values(draft: PatchInProgress, problem: Problem) -> dict[str, Any]:
    """Values for `debug`: the problem, the diff, and the files as they are now.

    An answer that was not applied is shown whole. For a failed run the lines that its traceback names are shown.
    """
    places = places_of(problem.message, draft.files)
    named = [place["place"].rpartition(":")[0] for place in places]
    return {
        **_common(draft.task, draft.limits),
        **_files(draft.files, [*named, *draft.changed(), *_wanted(draft.task)]),
        "diff": _indented(draft.diff()),
        "rung": problem.rung.value,
        "message": _indented(problem.message),
        "places": places if problem.rung is Rung.SMOKE else [],  # other messages show their lines themselves
        "answer": _indented(draft.answer) if problem.rung in (Rung.ANSWER, Rung.APPLY) else "",
        "earlier": [_said(earlier) for earlier in draft.rounds],
    }


def _common(task: Task, limits: CodingLimits) -> dict[str, Any]:
    return {
        "idea": {
            "title": one_line(task.idea.title),
            "why": one_line(task.idea.rationale),
            "guidance": _indented(task.guidance),
            "rests_on": [one_line(source) for source in task.idea.rests_on],
        },
        "data": one_line(task.data),
        "contract": contract(task.entry),
        "editable": list(task.editable),
        "changed_lines": limits.changed_lines,
    }


def _files(files: Mapping[str, str], wanted: Iterable[str]) -> dict[str, Any]:
    whole, others = shown_files(files, wanted)
    return {"files": whole, "others": others}


def _wanted(task: Task) -> list[str]:
    """Files to show first: those that findings and critiques point at, then those that play a role, then the entry."""
    anchors = [anchor for finding in task.findings for anchor in finding.anchors]
    anchors += [a for critique in task.critiques for a in task.critique_anchors.get(critique.id, ())]
    entry = task.entry.partition(":")[0].replace(".", "/")
    return [
        *(anchor.path for anchor in anchors),
        *(site.path for site in task.sites),
        f"{entry}.py",
        f"src/{entry}.py",
    ]


def _problems(task: Task) -> list[dict[str, Any]]:
    findings = [
        {
            "id": finding.id,
            "kind": "finding",
            "says": one_line(finding.message),
            "why": f" ({one_line(finding.kind.why)})",
            "lines": anchored(finding.anchors[:2]),
        }
        for finding in task.findings
    ]
    critiques = [
        {
            "id": critique.id,
            "kind": "critique",
            "says": one_line(critique.message),
            "why": "",
            "lines": anchored(task.critique_anchors.get(critique.id, ())[:2]),
        }
        for critique in task.critiques
    ]
    return findings + critiques


def _said(earlier: CodingRound) -> dict[str, str]:
    problem = earlier.problem
    return {
        "words": one_line(earlier.words),
        "problem": f"{problem.rung.value}: {one_line(_first_line(problem.message))[:EARLIER_CHARS]}"
        if problem
        else "",
    }


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]


def _indented(text: str) -> str:
    """Foreign text, indented by four spaces so that it cannot be mistaken for a part of the prompt."""
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().split("\n")) if text.strip() else ""
