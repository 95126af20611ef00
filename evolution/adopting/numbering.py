"""How a repo numbers users and items: the first id, what pads histories, whether it numbers anew what it reads."""

import ast
import re
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants
from evolution.adopting.data_files import DataFile
from evolution.adopting.foreign_code import CodeUnit, ForeignFile
from evolution.adopting.model_class import FoundModel, beyond, live_paths
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.renumbering import renumberings
from evolution.adopting.scoring import ScoreWay
from evolution.adopting.training import TrainingProgram

LENGTHS = ("maxlen", "max_len", "max_length", "seq_len", "max_seq_len", "max_seq_length", "sequence_length", "seq_length",
           "max_sequence_length", "history_length", "hist_len", "L", "bert_max_len", "MAX_ITEM_LIST_LENGTH", "max_his", "session_max_len")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """users, items: the first ids. order: "sorted", "appearance" or "time" where the repo numbers anew. maps: live variables with its
    dicts from what it read to its ids. padding: a number, "n" or "n+1". length: of histories, None where any will do.
    """

    users: int
    items: int
    padding: int | str
    length: int | None
    side: str
    order: str = ""
    user_map: str = ""
    item_map: str = ""
    whys: tuple[str, ...] = ()
    counted_down: bool = False  # the program takes 1 from the ids that it reads
    counts_distinct: bool = False  # its tables are as long as there are ids in the log: ids without gaps

    @property
    def renumbers(self) -> bool:
        return bool(self.order or self.item_map)


def numbering_of(
    constants: Constants, program: TrainingProgram, model: FoundModel, files: list[DataFile], way: ScoreWay
) -> Numbering:
    """The numbering that code says; what it does not say is that of most repos of its kind."""
    whys: list[str] = []
    items = _first(constants, program, model, "item", whys) or 0
    users = _first(constants, program, model, "user", whys)
    users = items if users is None else users
    made = renumberings(constants, program)
    of_items = next((one for one in made if one.about == "item"), None)
    order = item_map = user_map = ""
    if of_items is not None:
        of_users = next((one for one in made if one.about == "user"), None)
        whys.append(f"{of_items.place} numbers items anew")
        live = live_paths(
            constants, program, {one.attribute for one in (of_items, of_users) if one and one.attribute}
        )
        item_map = live.get(of_items.attribute, "")
        user_map = live.get(of_users.attribute, "") if of_users else ""
        if not item_map:
            order, items = of_items.order, max(of_items.first, items if _pads(model) else 0)
            users = of_users.first if of_users else users
    down = "" if of_items is not None else _counted_down(files)
    whys += [f"{down} takes 1 from what it reads"] if down else []
    distinct = _counts_distinct(files) if of_items is None else ""
    whys += [f"{distinct} counts the items that it meets"] if distinct else []
    padding, why = _padding(constants, program, model, of_items.first if of_items and item_map else items)
    whys += [why] if why else []
    if way.kind == "recurrent":
        padding = "n" if items == 0 else 0
    length, why = _length(constants, program, model)
    whys += [why] if why else []
    return Numbering(
        users=users,
        items=items,
        padding=padding,
        length=length,
        side=way.side or _side(program),
        order=order,
        user_map=user_map,
        item_map=item_map,
        whys=tuple(whys),
        counted_down=bool(down),
        counts_distinct=bool(distinct),
    )


def _counted_down(files: list[DataFile]) -> str:
    """The place where the reader of the training events takes 1 from users and items: `data[:, :2] - 1`, `int(u) - 1`; "" for none."""
    unit = next((file.unit for file in files if not file.held_out), None)
    for node in unit.nodes if unit is not None else ():
        if not isinstance(node, (ast.Assign, ast.AugAssign)):
            continue
        value = node.value
        if isinstance(node, ast.AugAssign):
            less, left = isinstance(node.op, ast.Sub), node.target
            one: ast.expr | None = value
        elif isinstance(value, ast.BinOp):
            less, left, one = isinstance(value.op, ast.Sub), value.left, value.right
        else:
            continue
        if not (less and isinstance(one, ast.Constant) and one.value == 1) or _is_a_count(left):
            continue
        if unit is not None and _are_the_first_columns(left):
            return f"{unit.file.path}:{node.lineno}"
        names = [
            dotted(t).rpartition(".")[2]
            for t in getattr(node, "targets", [getattr(node, "target", None)])
            if t is not None
        ]
        keys = [
            part.value
            for part in ast.walk(left)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        if any(role_of(name) in ("user", "item") for name in (*names, *keys)):
            return f"{unit.file.path}:{node.lineno}" if unit is not None else ""
    return _indexed_less(unit.file) if unit is not None else ""


def _are_the_first_columns(node: ast.expr) -> bool:
    """Whether it is both columns of ids of a table that is read: `rows[:, :2]`, `rows[:, 0:2]`, `rows[:, [0, 1]]`."""
    match node:
        case ast.Subscript(slice=ast.Tuple(elts=[ast.Slice(lower=None, upper=None), columns])):
            return ast.unparse(columns) in (":2", "0:2", "[0, 1]", "(0, 1)")
        case _:
            return False


def _counts_distinct(files: list[DataFile]) -> str:
    """The place where the reader of the training events counts the items in them: `log.item.nunique()`, `len(set(items))`; "" for none."""
    unit = next((file.unit for file in files if not file.held_out), None)
    if unit is None:
        return ""
    for node in unit.file.all_nodes:
        if isinstance(node, ast.Assign) and role_of(dotted(node.targets[0]).rpartition(".")[2]) == "item":
            text = ast.unparse(node.value)
            if text.endswith((".nunique()", ".unique().shape[0]", ".unique().size")) or re.fullmatch(
                r"len\((set\(.*\)|np\.unique\(.*\)|.*\.unique\(\))\)|np\.unique\(.*\)\.(size|shape\[0\])",
                text,
            ):
                return f"{unit.file.path}:{node.lineno}"
    return ""


def _indexed_less(file: ForeignFile) -> str:
    """The same where a matrix is filled: `matrix[row[1] - 1, row[2] - 1] = ...`."""
    for node in file.all_nodes:
        places = (
            node.slice.elts if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) else []
        )
        less = [
            isinstance(place, ast.BinOp)
            and isinstance(place.op, ast.Sub)
            and isinstance(place.right, ast.Constant)
            and place.right.value == 1
            and not _is_a_count(place.left)
            for place in places
        ]
        if len(less) == 2 and all(less):
            return f"{file.path}:{getattr(node, 'lineno', 1)}"
    return ""


def _is_a_count(node: ast.expr) -> bool:
    """Whether an expression is a number of things, and no ids."""
    counts = {"max", "len", "nunique", "shape", "size", "count", "sum"}
    return any(
        (getattr(part, "attr", "") or getattr(part, "id", "")) in counts
        for part in ast.walk(node)
        if isinstance(part, (ast.Name, ast.Attribute))
    )


def _pads(model: FoundModel) -> bool:
    """Whether row 0 of the items is padding."""
    table = model.table("item")
    return bool(table and isinstance(table.padding, ast.Constant) and table.padding.value == 0)


def _first(
    constants: Constants, program: TrainingProgram, model: FoundModel, about: str, whys: list[str]
) -> int | None:
    """0 or 1: by the padding row, then by whether the table has a row more than there are ids."""
    table = model.table(about)
    if about == "item" and _pads(model) and table:
        whys.append(f"{table.place} pads with row 0, so items begin with 1")
        return 1
    if table is None:
        return None if about == "user" else _of_counting(program, about)
    if table.beyond >= 1:
        whys.append(f"{table.place} has a row more than there are {about}s, so they begin with 1")
        return 1
    if about == "item" and (cut := _scored_from_row_1(program, model)):
        whys.append(f"{cut} scores with all rows but row 0, so items begin with 1")
        return 1
    counted = _of_counting(program, about)
    whys.append(f"{table.place} has as many rows as there are {about}s, so they begin with 0")
    return 0 if counted is None else min(counted, 0)


def _scored_from_row_1(program: TrainingProgram, model: FoundModel) -> str:
    """Where the model cuts row 0 off its table of items, `self.items.weight[1:]`; "" where it does not."""
    tables = {f"self.{table.weight}" for table in model.tables if table.about == "item"}
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.Subscript) and dotted(node.value) in tables:
                match node.slice:
                    case ast.Slice(lower=ast.Constant(value=1), upper=None, step=None):
                        return f"{unit.file.path}:{node.lineno}"
    return ""


def _of_counting(program: TrainingProgram, about: str) -> int:
    """1 where the highest id is taken for the number, 0 where one is added to it."""
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.Assign) and any(
                role_of(dotted(t).rpartition(".")[2]) == about for t in node.targets
            ):
                calls = [
                    c
                    for c in ast.walk(node.value)
                    if isinstance(c, ast.Call) and (getattr(c.func, "attr", "") or dotted(c.func)) == "max"
                ]
                if calls:
                    counts = {dotted(target) for target in node.targets}
                    return 0 if beyond(node.value) >= 1 or _is_raised(unit, counts) else 1
    return 0


def _is_raised(unit: CodeUnit, counts: set[str]) -> bool:
    """Whether 1 is added to one of these counts afterwards: `self.n_items += 1`."""
    return any(
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Add)
        and isinstance(node.value, ast.Constant)
        and node.value.value == 1
        and dotted(node.target) in counts
        for node in unit.nodes
    )


def _padding(
    constants: Constants, program: TrainingProgram, model: FoundModel, items: int
) -> tuple[int | str, str]:
    """What fills histories: the table's padding row, then what the code names padding."""
    table = model.table("item")
    if table is not None and table.padding is not None:
        value = constants.values(table.unit, table.padding)
        if value and isinstance(value[0], int):
            return value[0], ""
        return (
            "n+1" if beyond(table.padding) >= 1 else "n"
        ), f"{table.place} pads with a row behind the items"
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.Assign) and {"pad", "padding"} & set(
                words_of(dotted(node.targets[0]).rpartition(".")[2])
            ):
                names = [getattr(one, "id", "") or getattr(one, "attr", "") for one in ast.walk(node.value)]
                counted = any(role_of(name) == "item" for name in names) or any(
                    "item" in str(getattr(c, "value", "")) for c in ast.walk(node.value)
                )
                if counted:
                    return (
                        "n+1" if beyond(node.value) >= 1 else "n"
                    ), f"{unit.file.path}:{node.lineno} pads with an id behind the items"
    filled = _filled_with(program)
    if filled is not None:
        return filled
    return (0, "") if items else ("n", "")


def _filled_with(program: TrainingProgram) -> tuple[int, str] | None:
    """The number in `[0] * missing + items`."""
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                for side in (node.left, node.right):
                    for part in (
                        (side.left, side.right) if isinstance(side, ast.BinOp) and _is_filling(side) else ()
                    ):
                        if (
                            isinstance(part, ast.List)
                            and len(part.elts) == 1
                            and isinstance(part.elts[0], ast.Constant)
                            and part.elts[0].value == 0
                        ):
                            return 0, f"{unit.file.path}:{node.lineno} fills with 0"
    return None


def _length(constants: Constants, program: TrainingProgram, model: FoundModel) -> tuple[int | None, str]:
    """The width of histories: the table of positions, then an option or setting that is named so."""
    table = model.table("position")
    values = (
        [one for one in constants.values(table.unit, table.rows) if isinstance(one, int)] if table else []
    )
    if table is not None and values and 0 < values[0] - table.beyond <= 2000:
        return values[0] - table.beyond, f"{table.place} has positions for it"
    for name in LENGTHS:
        known = name in constants.options or name in constants.settings()
        if not known and table is None:
            continue
        node: ast.expr = ast.Attribute(value=ast.Name(id="args"), attr=name)
        values = [
            one
            for one in constants.values(program.units[0], node)
            if isinstance(one, int) and not isinstance(one, bool) and 0 < one <= 2000
        ]
        if values:
            return values[0], f"the program's {name} is {values[0]}"
    return None, ""


def _side(program: TrainingProgram) -> str:
    """ "right" where the code writes `items + [0] * missing`, "left" where it does not."""
    left = right = 0
    for unit in program.units:
        for node in unit.nodes:
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                left += _is_filling(node.left) and not _is_filling(node.right)
                right += _is_filling(node.right) and not _is_filling(node.left)
    return "right" if right > left else "left"


def _is_filling(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and (isinstance(node.left, ast.List) or isinstance(node.right, ast.List))
    )
