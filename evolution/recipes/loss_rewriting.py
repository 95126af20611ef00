"""Writes another loss in the place of a pair loss: the positions that count, candidates, and what falls away."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import loaded_names, rewrite, statements, torch_name
from evolution.recipes.flow import dead_after
from evolution.recipes.loss_reading import indexable
from evolution.recipes.pair_loss import PairLoss
from evolution.recipes.recipe import DoesNotFit, RecipePatch

MOST_NEGATIVES = 256


@dataclass(frozen=True, kw_only=True)
class Positions:
    """Names of the states and ids where the loss counts, and the lines that make them.

    states: (P, d). wanted: (P,) ids of the positives.
    """

    lines: tuple[str, ...]
    states: str
    wanted: str


def counted_positions(loss: PairLoss) -> Positions:
    """Gather the positions that count first: logits of padding would cost most of the time and memory."""
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
    if code.isidentifier():
        return code
    name = loss.name(*choices)
    lines.append(f"{name} = {code}")
    return name


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Code for the item table under a short name, and the line that gives it one; rows: how many it has."""

    lines: tuple[str, ...]
    table: str
    rows: str


def candidates(loss: PairLoss) -> Candidates:
    table = loss.table if len(loss.table) < 24 else loss.name("items", "item_table")
    lines = () if table == loss.table else (f"{table} = {loss.table}",)
    rows = f"{table}.num_embeddings" if loss.plain_table else f"len({table}.weight)"
    return Candidates(lines=lines, table=table, rows=rows)


def shared_negatives(n_items: int) -> int:
    """How many negatives all positions of a batch share: at most a quarter of the catalogue, a power of two.

    Raises DoesNotFit where that would be fewer than 16.
    """
    n = min(MOST_NEGATIVES, 1 << max(n_items // 4, 1).bit_length() - 1)
    if n < 16:
        raise DoesNotFit(f"with {n_items:,} items the full softmax is as cheap as any sample")
    return n


def random_items(loss: PairLoss, rows: str, shape: str, device_of: str) -> str:
    """Code that draws item ids uniformly; padding is never drawn."""
    first = "1" if loss.padded else "0"
    return f"{torch_name(loss.source)}.randint({first}, {rows}, {shape}, device={device_of}.device)"


def replace_loss(loss: PairLoss, lines: Sequence[str], value: str, *, summary: str, note: str) -> RecipePatch:
    """A draft in which the loss is computed by `lines` and is `value`; what only fed the old one goes.

    lines come with their comments; one of them says why. summary takes the place of a one-line docstring that
    tells of the old loss.
    """
    new = statements([*lines, f"{loss.target}{value}"])
    first = loss.gone[0]
    blank = [line for line in first.leading_lines if line.comment is None]
    new[0] = new[0].with_changes(leading_lines=[*blank[:1], *new[0].leading_lines])
    read = {name for statement in new for name in loaded_names(statement)}
    dead = dead_after(loss.scope, loss.gone, read)
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {statement: [] for statement in (*loss.gone, *dead)}
    changes[first] = new
    docstring = _outdated_docstring(loss)
    if docstring is not None:
        changes[docstring] = statements([f'"""{summary}"""'])
    return RecipePatch(edits=tuple(rewrite(loss.source, changes)), note=note)


def _outdated_docstring(loss: PairLoss) -> cst.SimpleStatementLine | None:
    lines = loss.scope.lines
    text = loss.source.code(lines[0].body[0]) if lines else ""
    is_one_line = text.startswith('"""') and "\n" not in text
    tells = re.search(r"binary|\bbce\b|\bbpr\b|pairwise|negative|did not|cross.entropy", text, re.IGNORECASE)
    return lines[0] if is_one_line and tells else None
