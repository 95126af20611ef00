"""The values for the prompt `adapter`, and the draft in its reply."""

import ast
from collections.abc import Sequence
from typing import Any

from diagnosis.syntax import parsed
from evolution.adopting.config_draft import config_with
from evolution.adopting.kit.documentation import kit_documentation
from evolution.proposers.adapting.allowed import LONGEST, MOST_LINES, not_allowed
from evolution.proposers.adapting.attempts import AdapterDraft, Attempt, Step, Task, Wrong
from evolution.proposers.adapting.guesses import with_guesses
from evolution.proposers.adapting.replies import AdapterReply, Setting
from evolution.proposers.coding.contract import contract
from evolution.proposers.coding.failures import places_of, without_paths
from evolution.proposers.coding.views import numbered, one_line, shown_files
from evolution.repo.config import config_problems

WHOLE_NUMBERS = ("recommender.max_history", "training.max_epochs")
SHOWN_WHOLE = 2  # of the newest attempts the texts are shown; of earlier ones what was wrong with them
LONGEST_MESSAGE = 6_000  # characters


def adapter_values(task: Task, draft: AdapterDraft, wrong: Wrong, tried: Sequence[Attempt]) -> dict[str, Any]:
    """Values for the prompt: the draft of init with what is wrong with it, then each attempt with what was wrong."""
    files, others = shown_files(task.files, task.wanted)
    return {
        "contract": contract(task.entry),
        "kit": _indented(kit_documentation()),
        "most_lines": MOST_LINES,
        "longest": LONGEST,
        "found": [one_line(sentence) for sentence in task.found],
        "path": task.path,
        "draft": numbered(draft.text),
        "config": _indented(_without_source(draft.config)),
        "may_set": task.may_set,
        **_said(task, draft, wrong),
        "earlier": [
            _attempted(task, draft, one, is_new=number >= len(tried) - SHOWN_WHOLE)
            for number, one in enumerate(tried)
        ],
        "files": files,
        "others": others,
    }


def _attempted(task: Task, before: AdapterDraft, attempt: Attempt, *, is_new: bool) -> dict[str, Any]:
    draft = attempt.draft
    changed = draft.config != before.config
    said = _said(task, draft, attempt.wrong)
    return {
        "text": numbered(draft.text) if is_new else "",
        "config": _indented(_without_source(draft.config)) if is_new and changed else "",
        **said,
        "places": said["places"] if is_new else [],
    }


def draft_of(
    task: Task, before: AdapterDraft, reply: AdapterReply, header: str
) -> tuple[AdapterDraft, Wrong | None]:
    """The draft in a reply, with the comments of `before` on the lines that it took over; why it cannot be tried, if so.

    header: the docstring that stands at its head, whatever the reply has there.
    """
    text = _unfenced(reply.adapter)
    answered = AdapterDraft(text=text, config=before.config)
    why = not_allowed(text, task.entry.partition(":")[2], task.modules)
    if why:
        return answered, Wrong(step=Step.TEXT, message=why)
    text = header + with_guesses(before.text, without_docstring(text))
    config, wrong = _configured(before.config, reply.settings if task.may_set else [])
    return AdapterDraft(text=text, config=config), Wrong(step=Step.DATA, message=wrong) if wrong else None


def _configured(config: str, settings: Sequence[Setting]) -> tuple[str, str]:
    """The config with these settings, and what is wrong with them; "" for nothing."""
    given = {setting.key: setting.value for setting in settings}
    wrong = [name for name in WHOLE_NUMBERS if not given.get(name, "1").isdecimal()]
    if wrong:
        return config, "; ".join(f"{name} is {given[name]!r}; expected a whole number" for name in wrong)
    values = {name: int(told) if name in WHOLE_NUMBERS else told for name, told in given.items()}
    changed = config_with(config, values) if values else config
    return changed, "; ".join(message for _, message in config_problems(changed))


def without_docstring(text: str) -> str:
    """A module's text behind its docstring, with its blank lines."""
    tree = parsed(text)
    first = tree.body[0] if tree is not None and tree.body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return "\n".join(text.split("\n")[first.end_lineno :]) if first and is_docstring else f"\n{text}"


def _said(task: Task, draft: AdapterDraft, wrong: Wrong | None) -> dict[str, Any]:
    if wrong is None:
        return {"rung": "", "message": "", "places": []}
    files = {**task.files, task.path: draft.text}
    message = without_paths(wrong.message, files)
    places = places_of(message, files) if wrong.step is Step.TRIAL else []
    return {
        "rung": wrong.step.name.lower(),
        "message": _indented(message[:LONGEST_MESSAGE]),
        "places": places,
    }


def _without_source(config: str) -> str:
    """A config without the log's path, which may lie in the user's home folder and is not to be changed."""
    lines = (line for line in config.split("\n") if not line.strip().startswith(("source ", "source=")))
    return "\n".join(lines)


def _unfenced(text: str) -> str:
    """A reply's code without a fence around it."""
    lines = text.strip().split("\n")
    if lines[0].startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return "\n".join(lines).rstrip() + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().split("\n")) if text.strip() else ""
