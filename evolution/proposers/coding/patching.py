"""Applies the edits of an answer to the files; for edits that do not fit, the error says why and shows the lines
there.
"""

from collections.abc import Mapping, Sequence

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits, make_edits
from evolution.proposers.coding.views import excerpt


def patched(files: Mapping[str, str], edits: Sequence[Edit], *, editable: Sequence[str]) -> dict[str, str]:
    """All files after the edits. Raises EditError with a paragraph for each edit that does not fit."""
    try:
        return apply_edits(files, edits, editable=editable)
    except EditError as together:
        alone = [_misfit(files, edit, editable) for edit in edits]
        said = [f"edit {number} of {len(edits)}: {why}" for number, why in enumerate(alone, start=1) if why]
        raise EditError("\n".join(said) or _with_lines(files, together)) from None


def edits_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Edit, ...]:
    """The smallest edits that turn `before` into `after`."""
    changed = [path for path in sorted(after) if after[path] != before.get(path)]
    return tuple(edit for path in changed for edit in make_edits(path, before.get(path, ""), after[path]))


def _misfit(files: Mapping[str, str], edit: Edit, editable: Sequence[str]) -> str:
    """Why an edit alone does not fit; "" if it does."""
    try:
        apply_edits(files, [edit], editable=editable)
    except EditError as error:
        return _with_lines(files, error)
    return ""


def _with_lines(files: Mapping[str, str], error: EditError) -> str:
    if not error.line or error.path not in files:
        return str(error)
    return f"{error}\n{error.path} has there:\n{excerpt(files[error.path], error.line)}"
