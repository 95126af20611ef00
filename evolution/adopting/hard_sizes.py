"""Numbers of items and users that stand in the code as such, `n_node = 43098`: the log's own are put in their place."""

import ast
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, argument, assigned_in, parameters_of
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import EmbeddingTable, FoundModel, beyond
from evolution.adopting.numbering import Numbering
from evolution.adopting.training import TrainingProgram


@dataclass(frozen=True, kw_only=True)
class WrittenSize:
    """name: "file.py:function.variable". code: what is put there. place: of the first number."""

    name: str
    code: str
    place: str


def written_sizes(
    constants: Constants, program: TrainingProgram, model: FoundModel, ids: Numbering
) -> list[WrittenSize]:
    """Of tables of users and items whose numbers of rows are constants that the program sets for its own data sets."""
    found: dict[str, WrittenSize] = {}
    for about, first in (("item", ids.items), ("user", ids.users)):
        table = model.table(about)
        if table is None or ids.renumbers:
            continue
        for unit, name in _variables(constants, program, model, table):
            values = assigned_in(unit, name)
            if values and all(isinstance(one, ast.Constant) and type(one.value) is int for one in values):
                more = first - table.beyond
                code = f"data.n_{about}s" + (f" {'+' if more > 0 else '-'} {abs(more)}" if more else "")
                path = f"{unit.file.path}:{'.'.join(part for part in (unit.name, name) if part)}"
                place = f"{unit.file.path}:{values[0].lineno}"
                found.setdefault(path, WrittenSize(name=path, code=code, place=place))
    return list(found.values())


def _variables(
    constants: Constants, program: TrainingProgram, model: FoundModel, table: EmbeddingTable
) -> list[tuple[CodeUnit, str]]:
    """Variables that are handed to the model's constructor as the number of a table's rows."""
    parameter = _counted_by(table)
    found: list[tuple[CodeUnit, str]] = []
    for unit in program.units if parameter else ():
        for call in unit.calls:
            kinds = [node for _, node in constants.repo.classes_called(unit.file, call.func)]
            given = argument(call, table.unit, parameter) if model.kind[1] in kinds else None
            if isinstance(given, ast.Name):
                found.append((unit, given.id))
    return found


def _counted_by(table: EmbeddingTable) -> str:
    """The constructor's parameter that counts a table's rows: of `n`, `n + 1`, or an attribute that it is kept as."""
    rows = table.rows
    while isinstance(rows, ast.BinOp) and beyond(rows):
        rows = rows.left if isinstance(rows.right, ast.Constant) else rows.right
    name = dotted(rows)
    if name.startswith("self."):
        kept = [
            n.value for n in table.unit.nodes if isinstance(n, ast.Assign) and dotted(n.targets[0]) == name
        ]
        name = dotted(kept[0]) if kept else ""
    return name if name in parameters_of(table.unit) else ""
