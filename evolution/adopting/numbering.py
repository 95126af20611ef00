"""How a repo numbers users and items: the first id, what pads histories, whether it numbers anew what it reads."""

import ast
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, assigned_in
from evolution.adopting.data_files import DataFile
from evolution.adopting.foreign_code import CodeUnit, ForeignFile
from evolution.adopting.model_class import FoundModel, beyond, live_paths
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.scoring import ScoreWay
from evolution.adopting.training import TrainingProgram, below_main

LENGTHS = ("maxlen", "max_len", "max_length", "seq_len", "max_seq_len", "max_seq_length", "sequence_length", "seq_length",
           "max_sequence_length", "history_length", "hist_len", "L", "bert_max_len", "MAX_ITEM_LIST_LENGTH", "max_his", "session_max_len")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """users, items: the first ids. order: "sorted" or "appearance" where the repo numbers anew. maps: live variables with its
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

    @property
    def renumbers(self) -> bool:
        return bool(self.order or self.item_map)


@dataclass(frozen=True, kw_only=True)
class _Renumbering:
    attribute: str  # the dict, "" where there is none
    about: str
    order: str
    first: int
    place: str


def numbering_of(
    constants: Constants, program: TrainingProgram, model: FoundModel, files: list[DataFile], way: ScoreWay
) -> Numbering:
    """The numbering that code says; what it does not say is that of most repos of its kind."""
    whys: list[str] = []
    items = _first(constants, program, model, "item", whys) or 0
    users = _first(constants, program, model, "user", whys)
    users = items if users is None else users
    made = _renumberings(constants, program)
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
    padding, why = _padding(constants, program, model, 1 if item_map else items)
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
    tables = {f"self.{table.path}.weight" for table in model.tables if table.about == "item"}
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
                    return 0 if beyond(node.value) >= 1 else 1
    return 0


def _renumberings(constants: Constants, program: TrainingProgram) -> list[_Renumbering]:
    """Where dicts from what was read to new ids are made, for items and users."""
    found: list[_Renumbering] = []
    for unit in program.units:
        for node in unit.nodes:
            if unit is not program.units[0] and below_main(unit, node):
                continue
            if isinstance(node, ast.Assign):
                one = _made_dict(unit, node) or _factorised(unit, node) or _filled_dict(constants, unit, node)
            else:
                one = _set_by_default(constants, unit, node)
            if one is not None and one.about in ("item", "user"):
                found.append(one)
    return found


def _made_dict(unit: CodeUnit, node: ast.Assign) -> _Renumbering | None:
    """`{x: i for i, x in enumerate(xs)}`, `dict(zip(xs, range(n)))`, `pd.Series(np.arange(n), index=xs)`."""
    value, target = node.value, dotted(node.targets[0]).rpartition(".")[2]
    source, first = None, 0
    if (
        isinstance(value, ast.Call)
        and dotted(value.func) == "dict"
        and value.args
        and isinstance(value.args[0], (ast.GeneratorExp, ast.ListComp, ast.Call))
    ):
        inner = value.args[0]
        if isinstance(inner, ast.Call) and dotted(inner.func) == "zip" and len(inner.args) == 2:
            source, first = inner.args[0], _start_of(inner.args[1])
            return _named(unit, node, target, source, first)
        value = inner
    if isinstance(value, (ast.DictComp, ast.GeneratorExp, ast.ListComp)):
        loop = value.generators[0]
        if (
            isinstance(loop.iter, ast.Call)
            and dotted(loop.iter.func) == "enumerate"
            and loop.iter.args
            and isinstance(loop.target, ast.Tuple)
        ):
            counter = getattr(loop.target.elts[0], "id", "")
            told = value.value if isinstance(value, ast.DictComp) else value.elt
            if isinstance(value, ast.DictComp) and not any(
                getattr(n, "id", "") == counter for n in ast.walk(value.value)
            ):
                return None  # from ids to what was read
            source = loop.iter.args[0]
            first = beyond(told) if isinstance(value, ast.DictComp) else 0
            starts = [
                *loop.iter.args[1:2],
                *(word.value for word in loop.iter.keywords if word.arg == "start"),
            ]
            first += sum(
                one.value for one in starts if isinstance(one, ast.Constant) and isinstance(one.value, int)
            )
    if isinstance(value, ast.Call) and dotted(value.func).endswith("Series"):
        source = next((word.value for word in value.keywords if word.arg == "index"), None)
    return _named(unit, node, target, source, first) if source is not None else None


def _named(
    unit: CodeUnit, node: ast.Assign, target: str, source: ast.expr, first: int
) -> _Renumbering | None:
    words = words_of(target)
    about = role_of(target) or role_of(ast.unparse(source))
    about = {"smap": "item", "umap": "user"}.get(target, about)
    said = ast.unparse(source)
    if isinstance(source, ast.Name):
        said += " ".join(
            ast.unparse(one.value)
            for one in unit.nodes
            if isinstance(one, ast.Assign) and dotted(one.targets[0]) == source.id
        )
    order = (
        "sorted"
        if any(one in said for one in ("sorted", "set(", "np.unique", "numpy.unique", "range("))
        else "appearance"
    )
    return _Renumbering(
        attribute=target if words else "",
        about=about,
        order=order,
        first=first,
        place=f"{unit.file.path}:{node.lineno}",
    )


def _start_of(node: ast.expr) -> int:
    if (
        isinstance(node, ast.Call)
        and dotted(node.func).endswith(("range", "arange"))
        and len(node.args) > 1
        and isinstance(node.args[0], ast.Constant)
    ):
        return int(node.args[0].value) if isinstance(node.args[0].value, int) else 0
    return 0


def _factorised(unit: CodeUnit, node: ast.Assign) -> _Renumbering | None:
    """`pd.factorize(df.item)`, `.astype("category").cat.codes`, `LabelEncoder().fit_transform(...)`."""
    said = ast.unparse(node.value)
    target = ast.unparse(node.targets[0])
    counts = (
        isinstance(node.value, ast.Call)
        and dotted(node.value.func).endswith(("arange", "range"))
        and "len(" in said
    )
    if counts and isinstance(
        node.targets[0], ast.Subscript
    ):  # df["itemId"] = np.arange(len(df)), below drop_duplicates
        about = role_of(str(getattr(node.targets[0].slice, "value", "")))
        place = f"{unit.file.path}:{node.lineno}"
        return _Renumbering(attribute="", about=about, order="appearance", first=0, place=place)
    if not any(one in said for one in ("factorize(", ".cat.codes", "fit_transform(")):
        return None
    if "fit_transform(" in said and "ncoder" not in unit.file.text and "le." not in said.lower():
        return None
    about = role_of(target) or role_of(said)
    order = "appearance" if "factorize(" in said and "sort=True" not in said else "sorted"
    return _Renumbering(
        attribute="",
        about=about,
        order=order,
        first=beyond(node.value),
        place=f"{unit.file.path}:{node.lineno}",
    )


def _set_by_default(constants: Constants, unit: CodeUnit, node: ast.AST) -> _Renumbering | None:
    """`vocab.setdefault(item, len(vocab))`, of which the special tokens that stand there before are the first ids."""
    if not (
        isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault" and len(node.args) == 2
    ):
        return None
    name = dotted(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    counted = ast.unparse(node.args[1])
    if not name or f"len({name})" not in counted:
        return None
    first = beyond(node.args[1]) + max(
        (_size(constants, unit, one) for one in assigned_in(unit, name)), default=0
    )
    place = f"{unit.file.path}:{node.lineno}"
    return _Renumbering(attribute=name.rpartition(".")[2], about=role_of(name), order="appearance", first=first, place=place)  # fmt: skip


def _size(constants: Constants, unit: CodeUnit, made: ast.expr) -> int:
    """How many entries a dict has from the start."""
    if isinstance(made, ast.Dict):
        return len(made.keys)
    if isinstance(made, ast.DictComp):
        over = made.generators[0].iter
        inner = over.args[0] if isinstance(over, ast.Call) and dotted(over.func) == "enumerate" else over
        return next((len(one) for one in constants.values(unit, inner) if isinstance(one, list)), 0)
    return 0


def _filled_dict(constants: Constants, unit: CodeUnit, node: ast.Assign) -> _Renumbering | None:
    """`item_map[item] = num_item` below `if item not in item_map`."""
    target = node.targets[0]
    if not isinstance(target, ast.Subscript):
        return None
    name = dotted(target.value)
    if (enumerated := _enumerated(unit, node, target)) is not None:
        return _named(unit, node, name.rpartition(".")[2], *enumerated)
    value, more = _counted(constants, unit, node.value)
    counts = (
        isinstance(value, ast.Name) or (isinstance(value, ast.Call) and dotted(value.func) == "len") or more
    )
    asked = any(
        isinstance(above, ast.If) and any(isinstance(op, ast.NotIn) for one in ast.walk(above.test) if isinstance(one, ast.Compare) for op in one.ops)
        and name in ast.unparse(above.test)
        for above in unit.around(node)
    )  # fmt: skip
    if not name or not counts or not asked:
        return None
    first = more
    return _Renumbering(
        attribute=name.rpartition(".")[2],
        about=role_of(name),
        order="appearance",
        first=first,
        place=f"{unit.file.path}:{node.lineno}",
    )


def _enumerated(unit: CodeUnit, node: ast.Assign, target: ast.Subscript) -> tuple[ast.expr, int] | None:
    """What is numbered, and from where, by `for i, item in enumerate(items): ids[item] = i + 1`."""
    loop = next((one for one in unit.around(node) if isinstance(one, ast.For)), None)
    if loop is None or not isinstance(loop.target, ast.Tuple) or len(loop.target.elts) != 2:
        return None
    counter, each = (dotted(one) for one in loop.target.elts)
    starts = isinstance(loop.iter, ast.Call) and dotted(loop.iter.func) == "enumerate" and loop.iter.args
    counts = any(dotted(one) == counter for one in ast.walk(node.value) if isinstance(one, ast.Name))
    if not starts or dotted(target.slice) != each or not counts or not isinstance(loop.iter, ast.Call):
        return None
    more = loop.iter.args[1] if len(loop.iter.args) > 1 else None
    start = more.value if isinstance(more, ast.Constant) and isinstance(more.value, int) else 0
    return loop.iter.args[0], start + beyond(node.value)


def _counted(constants: Constants, unit: CodeUnit, node: ast.expr) -> tuple[ast.expr, int]:
    """What is counted, and what is added to it: (len(vocab), 2) of `len(vocab) + FIRST` where FIRST is 2."""
    more = 0
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (
            next((one for one in constants.values(unit, side) if type(one) is int), None)
            for side in (node.left, node.right)
        )
        if right is not None:
            node, more = node.left, more + right
        elif left is not None:
            node, more = node.right, more + left
        else:
            break
    return node, more


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
