"""Replaces a pairwise loss by another loss, and removes the statements that become dead."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import loaded_names, rewrite, statements, torch_name
from evolution.recipes.flow import dead_after
from evolution.recipes.leftovers import without_unread
from evolution.recipes.loss_reading import indexable
from evolution.recipes.pair_loss import PairLoss
from evolution.recipes.recipe import DoesNotFit, RecipePatch

MOST_NEGATIVES = 256


@dataclass(frozen=True, kw_only=True)
class Positions:
    """Code for the positions that the loss counts.

    lines: statements that define the names below.
    states: name of the hidden states (P, d).
    wanted: name of the ids of the positives (P,).
    """

    lines: tuple[str, ...]
    states: str
    wanted: str


def counted_positions(loss: PairLoss) -> Positions:
    """Code that gathers the counted positions before the loss: logits of padding would cost most of the time and
    memory.
    """
    lines: list[str] = []
    hidden, positives, mask = loss.hidden, loss.positives, loss.mask
    if not mask and loss.flat:
        states, wanted = hidden, positives
        if not hidden.isidentifier():
            states = loss.name("states", "user_states")
            lines.append(f"{states} = {hidden}")
        return Positions(lines=tuple(lines), states=states, wanted=wanted)
    if not mask:
        dense = _named(loss, hidden, lines, "hidden", "dense_states")
        states, wanted = loss.name("states", "flat_states"), loss.name("wanted", "next_items")
        lines += [f"{states} = {dense}.flatten(0, -2)  # (positions, d)", f"{wanted} = {positives}.flatten()"]
        return Positions(lines=tuple(lines), states=states, wanted=wanted)
    is_short = mask.isidentifier() or mask.endswith(".bool()")
    valid = mask if is_short else _named(loss, mask, lines, "valid", "counted")
    dense = _named(loss, hidden, lines, "hidden", "dense_states") if len(hidden) > 40 else hidden
    states, wanted = loss.name("states", "valid_states"), loss.name("wanted", "next_items")
    lines += [
        f"{states} = {indexable(dense)}[{valid}]  # (positions, d)",
        f"{wanted} = {indexable(positives)}[{valid}]",
    ]
    return Positions(lines=tuple(lines), states=states, wanted=wanted)


def _named(loss: PairLoss, code: str, lines: list[str], *choices: str) -> str:
    """A name for an expression; unless it is a name already, a line that assigns it is added to `lines`."""
    if code.isidentifier():
        return code
    name = loss.name(*choices)
    lines.append(f"{name} = {code}")
    return name


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Code for the item table.

    lines: the statement that gives it a short name, if its own is long.
    table: its name.
    rows: how many rows it has.
    computed: it is a matrix, and no module.
    """

    lines: tuple[str, ...]
    table: str
    rows: str
    computed: bool

    def of(self, ids: str) -> str:
        """Code that looks ids up."""
        return f"{self.table}[{ids}]" if self.computed else f"{self.table}({ids})"


def candidates(loss: PairLoss) -> Candidates:
    """The item table, under a short name if its own is long."""
    is_short = len(loss.table) < 24 and "(" not in loss.table  # a call is made once
    table = loss.table if is_short else loss.name("items", "item_table")
    lines = () if table == loss.table else (f"{table} = {loss.table}",)
    counted = f"len({table})" if loss.computed else f"len({table}.weight)"
    rows = f"{table}.num_embeddings" if loss.plain_table else counted
    return Candidates(lines=lines, table=table, rows=rows, computed=loss.computed)


def shared_negatives(n_items: int) -> int:
    """How many negatives all positions of a batch share: a power of two, at most a quarter of the catalogue.

    Raises DoesNotFit if that would be fewer than 16.
    """
    n = min(MOST_NEGATIVES, 1 << max(n_items // 4, 1).bit_length() - 1)
    if n < 16:
        raise DoesNotFit(f"with {n_items:,} items the full softmax is as cheap as any sample")
    return n


def random_items(loss: PairLoss, rows: str, shape: str, device_of: str) -> str:
    """Code that draws item ids uniformly, never padding, on the device of `device_of`.

    Raises DoesNotFit if the padding row is another than 0.
    """
    if loss.padded_elsewhere:
        raise DoesNotFit(
            f"the padding row of `{loss.table}` is not 0, and random items would have to leave it out"
        )
    first = "1" if loss.padded else "0"
    return f"{torch_name(loss.source)}.randint({first}, {rows}, {shape}, device={device_of}.device)"


def replace_loss(loss: PairLoss, lines: Sequence[str], value: str, *, summary: str, note: str) -> RecipePatch:
    """A patch in which `lines` prepare the new loss and `value` is the new loss; statements that only served the old
    one go.

    lines: code with its comments, one of which says why.
    summary: replaces a one-line docstring that describes the old loss.
    """
    new = statements([*lines, f"{loss.target}{value}"])
    first = loss.gone[0]
    blank = [line for line in first.leading_lines if line.comment is None]
    new[0] = new[0].with_changes(leading_lines=[*blank[:1], *new[0].leading_lines])
    read = {name for statement in new for name in loaded_names(statement)}
    dead = dead_after(loss.scope, loss.gone, read)
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {statement: [] for statement in (*loss.gone, *dead)}
    changes[first] = new
    changes |= _paragraphs_kept(loss, changes)
    served = {name for statement in (*loss.gone, *dead) for name in loaded_names(statement)}
    changes |= without_unread(loss.scope, changes, served)
    docstring = _outdated_docstring(loss)
    if docstring is not None:
        changes[docstring] = statements([f'"""{summary}"""'])
    return RecipePatch(edits=tuple(rewrite(loss.source, changes)), note=note)


def _paragraphs_kept(
    loss: PairLoss, changes: Mapping[cst.CSTNode, Sequence[cst.CSTNode]]
) -> dict[cst.CSTNode, list[cst.CSTNode]]:
    """The blank line before a removed statement goes to the next one, so that what was apart stays apart."""
    kept: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    for node in (gone for gone, new in changes.items() if not new):
        body = list(getattr(loss.source.parents.get(node), "body", ()))
        at = body.index(node) if node in body else len(body)
        following = body[at + 1] if at + 1 < len(body) else None
        if not isinstance(node, cst.SimpleStatementLine) or not isinstance(
            following, cst.SimpleStatementLine
        ):
            continue
        if _starts_apart(node) and following not in changes and not following.leading_lines:
            kept[following] = [following.with_changes(leading_lines=[cst.EmptyLine(indent=False)])]
    return kept


def _starts_apart(statement: cst.SimpleStatementLine) -> bool:
    return bool(statement.leading_lines) and statement.leading_lines[0].comment is None


def _outdated_docstring(loss: PairLoss) -> cst.SimpleStatementLine | None:
    """The function's docstring, if it is one line that describes the old loss."""
    lines = loss.scope.lines if isinstance(loss.scope.function, cst.FunctionDef) else []
    text = loss.source.code(lines[0].body[0]) if lines else ""
    is_one_line = text.startswith('"""') and "\n" not in text
    tells = re.search(
        r"binary|\bbce\b|\bbpr\b|pairwise|negative|did not|cross.entropy|top1|in.batch", text, re.IGNORECASE
    )
    return lines[0] if is_one_line and tells else None
