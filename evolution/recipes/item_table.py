"""Finds the statement that creates the item table, at the site that diagnosis found, or as the table of the loss."""

from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import RecipeFile, bare, call_name, dotted, parse_all
from evolution.recipes.pair_loss import find_pair_loss
from evolution.recipes.recipe import DoesNotFit, RecipeContext


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemTable:
    """The statement that creates the item table.

    target: the name or attribute that it assigns, such as "self.items".
    call: the Embedding(...) that creates the table.
    """

    source: RecipeFile
    statement: cst.SimpleStatementLine
    target: str
    call: cst.Call

    @property
    def owner(self) -> cst.ClassDef | None:
        """The class that creates the table; None outside of any class."""
        return self.source.enclosing(self.statement, cst.ClassDef)


def find_item_table(context: RecipeContext) -> ItemTable:
    """The statement that creates the item table. Raises DoesNotFit if none is found."""
    sources = parse_all(context)
    known = [table for source in sources for table in _tables(source)]
    made = [table for table in known if table.source.ran(table.statement)]
    for site in context.sites_of(Role.ITEM_TABLE):
        for table in made:
            is_there = table.source.line(
                table.statement
            ) <= site.end_line and site.start_line <= table.source.last_line(table.statement)
            if table.source.path == site.path and is_there:
                return table
    try:
        name = find_pair_loss(context).table.rpartition(".")[2]
    except DoesNotFit:
        name = ""
    named = [table for table in made if table.target.rpartition(".")[2] == name]
    padded = [table for table in made if "padding_idx" in table.source.code(table.call)]
    for choice in (named, padded):
        if len(choice) == 1:
            return choice[0]
    raise DoesNotFit("no statement that makes the item embedding was found")


def _tables(source: RecipeFile) -> list[ItemTable]:
    found: list[ItemTable] = []
    for line in source.all_of(cst.SimpleStatementLine):
        part = line.body[0]
        if not isinstance(part, cst.Assign) or len(part.targets) != 1 or len(line.body) != 1:
            continue
        call, target = bare(part.value), dotted(part.targets[0].target)
        if isinstance(call, cst.Call) and call_name(call) == "Embedding" and target:
            found.append(ItemTable(source=source, statement=line, target=target, call=call))
    return found
