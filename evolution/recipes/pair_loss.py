"""Finds pairwise losses, which set a positive item's score against a sampled one's (BCE, BPR and the like).

They are found by what they compute, not by names. A score is an inner product of a hidden state and a row of an
embedding table: the factor that both scores share is the hidden state, the others are looked up in the item table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import RecipeFile, bare, blocks_at, dotted, fresh_name, not_seen, parse_all
from evolution.recipes.flow import Scope
from evolution.recipes.inner_product import Lookup, computed_row, embedding_call, encoder_call, returned_row
from evolution.recipes.loss_reading import LossReader, LossTerms, UnknownTerm
from evolution.recipes.recipe import DoesNotFit, RecipeContext


@dataclass(frozen=True, kw_only=True, eq=False)
class PairLoss:
    """A pairwise loss; all expressions are code that is valid where the loss is computed.

    hidden: hidden states (..., d).
    table: the embedding module, called with ids.
    positives: ids (...,), with the leading shape of hidden.
    negatives: ids of the negatives; "" if they are no lookup.
    mask: which positions count, as a boolean or an index; "" if all do.
    flat: hidden is known to be (B, d).
    padded: row 0 of the table is padding.
    padded_elsewhere: another row is, `<table>.padding_idx`.
    sparse: the table's gradients are sparse, as its optimizer may need.
    plain_table: the table is torch's own Embedding.
    computed: the table is a matrix (items, d) that the model computes, such as LightGCN's, and is indexed with ids.
    encoder: there is no table: what is called with ids computes their vectors, as of an item's text.
    taken: names that new code must not use.
    """

    source: RecipeFile
    scope: Scope
    gone: tuple[cst.SimpleStatementLine, ...]  # the loss's own statements, the first is where it starts
    target: str  # "loss = " or "return "
    hidden: str
    table: str
    positives: str
    negatives: str
    mask: str
    flat: bool
    padded: bool
    padded_elsewhere: bool
    sparse: bool
    plain_table: bool
    computed: bool
    taken: set[str]
    encoder: bool = False

    @property
    def matrix(self) -> str:
        """Code of the rows of all items, (items, d)."""
        return self.table if self.computed else f"{self.table}.weight"

    def name(self, *choices: str) -> str:
        """A name for new code: the first choice that is free. It is taken from then on."""
        return fresh_name(self.taken, *choices)


def find_pair_loss(context: RecipeContext) -> PairLoss:
    """The pairwise loss of the repo on rows of a table. Raises DoesNotFit with the reason at the first place that came near."""
    loss = find_any_pair_loss(context)
    if loss.encoder:
        raise DoesNotFit(f"`{loss.table}({loss.positives})` is no lookup in an embedding table")
    return loss


def find_any_pair_loss(context: RecipeContext) -> PairLoss:
    """The same, whose items' vectors may also be computed by an encoder."""
    sources = parse_all(context)
    reasons, dead = list[str](), list[DoesNotFit]()
    for source, function in blocks_at(sources, context.sites_of(Role.LOSS)):
        scope = Scope(source, function)
        for index, line in enumerate(scope.lines):
            try:
                found = _loss_at(scope, sources, index, line)
            except DoesNotFit as error:
                reasons += [str(error)] if source.trains(line) else []
            else:
                if found is not None and source.trains(line):
                    return found
                if found is not None:
                    dead.append(not_seen("the pairwise loss", source, line))
    none = DoesNotFit("no loss that sets a positive score against a sampled one was found")
    raise [*map(DoesNotFit, reasons), *dead, none][0]


def _loss_at(
    scope: Scope, sources: Sequence[RecipeFile], index: int, line: cst.SimpleStatementLine
) -> PairLoss | None:
    """The loss that starts at a line, with everything that later lines add to it; None if no loss starts there."""
    value, target, is_start = _assigned(line)
    if value is None or not is_start:
        return None
    reader = LossReader(scope, sources, scope.source.line(line))
    gone = [line]
    try:
        reader.read(value, 1)
        for later in scope.lines[index + 1 :]:
            added, its_target, starts = _assigned(later)
            if added is None or starts or its_target != target:
                continue
            reader.line = scope.source.line(later)
            if reader.leads_to_score(added):  # anything else, such as a regulariser, stays
                reader.read(added, 1)
                gone.append(later)
    except UnknownTerm as error:
        if error.is_near or reader.terms.positive or reader.terms.negative:
            raise DoesNotFit(str(error)) from None
        return None
    terms = reader.terms
    if not (terms.reduced and terms.positive and terms.negative):
        return None
    return _joined(scope, sources, gone, target, terms)


def _assigned(line: cst.SimpleStatementLine) -> tuple[cst.BaseExpression | None, str, bool]:
    """(value, target as code, whether the value starts there) of `x = v`, `x += v` (which adds) and `return v`."""
    if len(line.body) != 1:
        return None, "", False
    part = line.body[0]
    if isinstance(part, cst.Return):
        return part.value, "return ", True
    if (
        isinstance(part, cst.Assign)
        and len(part.targets) == 1
        and isinstance(part.targets[0].target, cst.Name)
    ):
        return part.value, f"{part.targets[0].target.value} = ", True
    if isinstance(part, cst.AugAssign) and isinstance(part.operator, cst.AddAssign):
        return part.value, f"{dotted(part.target)} = ", False
    return None, "", False


def _joined(
    scope: Scope,
    sources: Sequence[RecipeFile],
    gone: Sequence[cst.SimpleStatementLine],
    target: str,
    terms: LossTerms,
) -> PairLoss:
    """The loss that these terms make. Raises DoesNotFit if they are not a hidden state against two rows of a table."""
    positive, negative = terms.positive[0], terms.negative[0]
    shared = [
        factor for factor in positive.factors if factor.code in {other.code for other in negative.factors}
    ]
    apart = [factor for factor in positive.factors if factor not in shared]
    if len(shared) != 1 or len(apart) != 1:
        raise DoesNotFit("positive and negative scores do not share one hidden state")
    others = [factor.value for factor in negative.factors if factor.code != shared[0].code]
    masks = list(dict.fromkeys(terms.masks))
    lookup, drawn = _lookup(apart[0].value, scope, sources, positive.flat), None
    if len(others) == 1:
        drawn = _lookup(others[0], scope, sources, positive.flat)
    encoder = lookup is None
    if lookup is None and len(others) == 1 and (masks or positive.flat):
        lookup, drawn = _encoded(apart[0].value, others[0], scope)
    if lookup is None:
        raise DoesNotFit(f"`{apart[0].code}` is no lookup in an embedding table")
    if len(masks) > 1:
        raise DoesNotFit(f"the loss is masked in several ways: {', '.join(f'`{mask}`' for mask in masks)}")
    table, ids = scope.source.code(lookup.table), scope.source.code(lookup.ids)
    padding = f"{table}.padding_idx" if lookup.padded_elsewhere else "0"
    is_padded = (lookup.padded or lookup.padded_elsewhere) and not positive.flat
    mask = masks[0] if masks else (f"{ids} != {padding}" if is_padded else "")
    return PairLoss(
        source=scope.source,
        scope=scope,
        gone=tuple(gone),
        target=target,
        hidden=shared[0].shown,
        table=table,
        positives=ids,
        negatives=scope.source.code(drawn.ids) if drawn is not None else "",
        mask=mask,
        flat=positive.flat,
        padded=lookup.padded,
        padded_elsewhere=lookup.padded_elsewhere,
        sparse=lookup.sparse,
        plain_table=lookup.plain,
        computed=lookup.computed,
        taken=scope.names() | {name for source in sources for name in module_names(source)},
        encoder=encoder,
    )


def _encoded(
    positive: cst.BaseExpression, negative: cst.BaseExpression, scope: Scope
) -> tuple[Lookup | None, Lookup | None]:
    """Both ids where one encoder is called with each of them."""
    code, found = scope.source.code, list[Lookup]()
    for node in map(bare, (positive, negative)):
        if isinstance(node, cst.Call) and len(node.args) == 1 and dotted(node.func).count("."):
            found.append(encoder_call(node))
    if len(found) < 2 or code(found[0].table) != code(found[1].table):
        return None, None
    return found[0], found[1]


def _lookup(
    node: cst.BaseExpression, scope: Scope, sources: Sequence[RecipeFile], flat: bool
) -> Lookup | None:
    held = embedding_call(node, sources)
    if held is None and flat:
        return computed_row(node, scope) or returned_row(node, scope, sources)
    return held


def module_names(source: RecipeFile) -> set[str]:
    """Names of the functions and classes at the top level of a file."""
    return {
        node.name.value for node in source.module.body if isinstance(node, (cst.FunctionDef, cst.ClassDef))
    }
