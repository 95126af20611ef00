"""How rows of events stand in a file, told from the code that takes them apart."""

import ast
from dataclasses import dataclass, replace
from typing import Any

from diagnosis.syntax import called_name, dotted
from evolution.adopting.constants import Constants
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.naming import role_of

SPLITS = {"split", "rsplit"}
MOST_COLUMNS = 12


@dataclass(frozen=True, kw_only=True)
class RowFormat:
    """kind: "rows" of columns; "lists", a line `user item item ...` each; "sequences", the same without the user; "items", one
    item a line; "sessions", beginnings with the item that follows; "dict", "json", "csr", "coo", "array"; "unclear" where the code does
    more than these.

    columns: "user", "item", "rating", "time", or a number that stands for what is not used. header: the names of columns.
    """

    kind: str
    columns: tuple[str | int, ...] = ()
    sep: str = " "
    header: tuple[str, ...] = ()
    why: str = ""


def format_of_table(unit: CodeUnit, call: ast.Call, constants: Constants) -> RowFormat:
    """Of `np.loadtxt`: columns by how many the code indexes."""
    given = {word.arg: word.value for word in call.keywords}
    sep = _constant(unit, given.get("delimiter"), constants) or " "
    widest = max((_column_index(node) for node in unit.nodes), default=1)
    columns: tuple[str | int, ...] = ("user", "item", *(("rating", "time")[: max(0, widest - 1)]))
    return RowFormat(
        kind="rows", columns=columns, sep=str(sep), why=f"{dotted(call.func)} at {_place(unit, call)}"
    )


def _column_index(node: ast.AST) -> int:
    """2 for `matrix[:, 2]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        rows, column = node.slice.elts
        if isinstance(rows, ast.Slice) and isinstance(column, ast.Constant) and isinstance(column.value, int):
            return min(column.value, 3)
    return 0


def format_of_frame(unit: CodeUnit, call: ast.Call, constants: Constants) -> RowFormat | None:
    """Of pandas' readers: separator, header and names as they are given; names that the code asks for where there are none."""
    given = {word.arg: word.value for word in call.keywords if word.arg}
    name = getattr(call.func, "attr", "") or dotted(call.func)
    why = f"{name} at {_place(unit, call)}"
    default = "\t" if name == "read_table" else ","
    sep = str(_constant(unit, given.get("sep") or given.get("delimiter"), constants) or default)
    sep = {r"\s+": " ", r"\t": "\t", "::": "::"}.get(sep, sep)
    names = _constant(unit, given.get("names"), constants) or _named_afterwards(unit, call, constants)
    no_header = "header" in given and _constant(unit, given["header"], constants) is None
    if isinstance(names, list):
        columns = _columns([str(one) for one in names])
        has_header = ("header" in given or "names" not in given) and not no_header
        return RowFormat(
            kind="rows",
            columns=columns,
            sep=sep,
            header=tuple(map(str, names)) if has_header else (),
            why=why,
        )
    if no_header:
        asked = [
            node.slice.value
            for node in unit.nodes
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        ]
        widest = max((one for one in asked if isinstance(one, int)), default=1)
        columns = ("user", "item", *(("rating", "time")[: max(0, min(widest, 3) - 1)]))
        return RowFormat(
            kind="rows",
            columns=columns,
            sep=sep,
            why=f"{why} without a header: user and item are taken to come first",
        )
    asked_names = _asked_columns(unit, constants)
    found = {
        role: one
        for one in reversed(asked_names)
        if (role := role_of(one)) in ("user", "item", "rating", "time")
    }
    if not {"user", "item"} <= found.keys():
        if width := _taken_by_place(unit, call):
            places = ("user", "item", "rating", "time")[:width]
            said = f"{why}, whose columns are taken by place: user and item are taken to come first"
            return RowFormat(kind="rows", columns=places, sep=sep, header=places, why=said)
        return RowFormat(kind="unclear", why=why)
    roles = [role for role in ("user", "item", "rating", "time") if role in found]
    return RowFormat(
        kind="rows", columns=tuple(roles), sep=sep, header=tuple(found[role] for role in roles), why=why
    )


def _taken_by_place(unit: CodeUnit, call: ast.Call) -> int:
    """How many columns of a frame that was made an array are taken by their places, as `[:, :3]` does; 0 for none."""
    arrays = {"to_numpy", "values", "iloc", "as_matrix"}
    if not any(isinstance(node, ast.Attribute) and node.attr in arrays for node in unit.nodes):
        return 0
    widest = 0
    for node in unit.nodes:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Tuple)
            and len(node.slice.elts) == 2
        ):
            column = node.slice.elts[1]
            bound = column.upper if isinstance(column, ast.Slice) and column.lower is None else column
            if isinstance(bound, ast.Constant) and isinstance(bound.value, int) and bound.value >= 0:
                widest = max(widest, bound.value + (bound is column))
    return min(widest, 4) if widest > 1 else 0


def _named_afterwards(unit: CodeUnit, call: ast.Call, constants: Constants) -> list[str] | None:
    """The names that a frame is given once it is read, `frame.columns = [...]`."""
    parent = unit.file.parents.get(call)
    frame = dotted(parent.targets[0]) if isinstance(parent, ast.Assign) else ""
    for node in unit.nodes if frame else ():
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) == f"{frame}.columns":
            told = _constant(unit, node.value, constants)
            return told if isinstance(told, list) else None
    return None


def _asked_columns(unit: CodeUnit, constants: Constants) -> list[str]:
    """Names of columns that code near a reader asks a frame for, those of the same function first."""
    found: list[str] = []
    near = [unit, *(other for other in unit.file.units if other is not unit)]
    everywhere = [other for other in constants.repo.units if other.file is not unit.file]
    for other in [*near, *everywhere]:
        for node in other.nodes:
            keys: list[ast.expr] = []
            if isinstance(node, ast.Subscript):
                keys = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
                "groupby",
                "sort_values",
                "drop_duplicates",
            ):
                keys = [
                    part for arg in node.args for part in (arg.elts if isinstance(arg, ast.List) else [arg])
                ]
            elif isinstance(node, ast.Dict) and other is unit:
                keys = [key for key in node.keys if key is not None]
            for key in keys:
                found += [one for one in constants.values(other, key) if isinstance(one, str)]
        if {"user", "item"} <= {role_of(one) for one in found}:
            break
    return found


def format_of_lines(
    unit: CodeUnit, call: ast.Call, handle: str, constants: Constants, within: ast.AST | None = None
) -> RowFormat | None:
    """Of a file that is read line by line: what a line is split at, and what becomes of its parts.

    within: the `with` block that the file is open in.
    """
    for loop in unit.nodes if within is None else ast.walk(within):
        if not isinstance(loop, (ast.For, ast.While, ast.comprehension)):
            continue
        scope: ast.AST = unit.file.parents.get(loop, loop) if isinstance(loop, ast.comprehension) else loop
        inside = list(ast.walk(scope))
        source = loop.iter if isinstance(loop, (ast.For, ast.comprehension)) else loop
        reads = any(isinstance(node, ast.Name) and node.id == handle for node in ast.walk(source)) or any(
            n is call for n in ast.walk(source)
        )
        if not reads:
            continue
        record = _of_records(unit, call, inside, constants)
        if record is not None:
            return record
        splits = [n for n in inside if isinstance(n, ast.Call) and called_name(n) in SPLITS]
        if splits:
            return _split_line(unit, splits[0], inside, constants)
        if any(isinstance(n, ast.Call) and dotted(n.func) == "int" for n in inside):
            return RowFormat(kind="items", why=f"one number a line at {_place(unit, call)}")
        if any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "strip" for n in inside):
            return RowFormat(kind="catalogue", why=f"one id a line at {_place(unit, call)}")
        if any(
            isinstance(n, ast.Call) and dotted(n.func).endswith(("json.loads", "eval", "literal_eval"))
            for n in inside
        ):
            return RowFormat(kind="unclear", why=f"a record a line at {_place(unit, call)}")
    return None


def _of_records(
    unit: CodeUnit, call: ast.Call, inside: list[ast.AST], constants: Constants
) -> RowFormat | None:
    """Of rows that are read by name: `json.loads(line)["item"]`, `csv.DictReader(file)`."""
    readers = [n for n in inside if isinstance(n, ast.Call)]
    told = next((n for n in readers if dotted(n.func).rpartition(".")[2] in ("DictReader", "loads")), None)
    if told is None or dotted(told.func).startswith(("pickle", "pkl")):
        return None
    as_json = dotted(told.func).endswith("loads")
    keys: dict[str, str] = {}
    for node in unit.nodes:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            key = node.slice.value
            role = role_of(key)
            role = "items" if key.endswith("s") and role in ("item", "history") else role
            role = "time" if not role and "dat" in key else role
            keys.setdefault({"history": "items"}.get(role, role), key)
    keys = {role: key for role, key in keys.items() if role in ("user", "item", "items", "time", "rating")}
    why = f"rows are read by name at {_place(unit, told)}"
    if "items" in keys and "item" not in keys and as_json:
        header = (keys.get("user", "user"), keys["items"])
        return RowFormat(kind="jsonl", columns=("user", "items"), header=header, why=why)
    if not {"user", "item"} <= keys.keys():
        return RowFormat(kind="unclear", why=why)
    roles = [role for role in ("user", "item", "rating", "time") if role in keys]
    given = {word.arg: word.value for word in told.keywords}
    sep = str(_constant(unit, given.get("delimiter"), constants) or ",")
    kind = "jsonl" if as_json else "rows"
    return RowFormat(
        kind=kind, columns=tuple(roles), sep=sep, header=tuple(keys[one] for one in roles), why=why
    )


def _split_line(unit: CodeUnit, split: ast.Call, inside: list[ast.AST], constants: Constants) -> RowFormat:
    sep = str(_constant(unit, split.args[0] if split.args else None, constants) or " ")
    why = f"a line is split at {_place(unit, split)}"
    parent = unit.file.parents.get(split)
    while isinstance(parent, (ast.Subscript, ast.ListComp, ast.comprehension)) or (
        isinstance(parent, ast.Call) and dotted(parent.func) in ("map", "list", "tuple", "np.array")
    ):
        parent = unit.file.parents.get(parent)
    base = RowFormat(kind="rows", sep=sep, why=why)
    taken = unit.file.parents.get(split)
    if (
        isinstance(taken, ast.Subscript)
        and isinstance(taken.slice, ast.Slice)
        and getattr(taken.slice.lower, "value", 0) == 1
    ):
        return replace(base, kind="lists")
    if any(
        isinstance(n, ast.Call) and dotted(n.func).rpartition(".")[2] in ("eval", "literal_eval", "loads")
        for n in inside
    ):
        return replace(base, kind="unclear")
    if isinstance(parent, ast.Assign):
        target = parent.targets[0]
        if isinstance(target, (ast.Tuple, ast.List)):
            names = [getattr(part, "id", "_") for part in target.elts]
            rest = [
                n
                for n in inside
                if isinstance(n, ast.Call) and n is not split and getattr(n.func, "attr", "") in SPLITS
            ]
            if len(names) == 2 and any(dotted(getattr(n.func, "value", n)) == names[1] for n in rest):
                return replace(base, kind="lists")  # u, items = line.split(" ", 1); items.split(" ")
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            return replace(base, kind="lists") if starred else replace(base, columns=_columns(names))
        if isinstance(target, ast.Name):
            return _indexed(base, target.id, inside)
    # Whole lines become lists of ids.
    return replace(base, kind="sequences")


def _indexed(base: RowFormat, name: str, inside: list[ast.AST]) -> RowFormat:
    """From `parts[0]`, `parts[1:]`; the names that take them say what they are."""
    places: dict[int, str] = {}
    for node in inside:
        if not (
            isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name
        ):
            continue
        if isinstance(node.slice, ast.Slice):
            lower = getattr(node.slice.lower, "value", None)
            if lower == 1 and node.slice.upper is None:
                return replace(base, kind="lists")
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            places.setdefault(node.slice.value, "")
    for node in inside:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for inner in ast.walk(node.value):
                if (
                    (
                        isinstance(inner, ast.Subscript)
                        and isinstance(inner.value, ast.Name)
                        and inner.value.id == name
                    )
                    and isinstance(inner.slice, ast.Constant)
                    and isinstance(inner.slice.value, int)
                ):
                    places[inner.slice.value] = node.targets[0].id
    if not places:
        unpacked = [
            n
            for n in inside
            if isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Tuple)
            and isinstance(n.value, ast.Name)
            and n.value.id == name
        ]
        if unpacked and isinstance(unpacked[0].targets[0], ast.Tuple):
            return replace(
                base, columns=_columns([getattr(part, "id", "_") for part in unpacked[0].targets[0].elts])
            )
        return replace(base, kind="sequences")
    width = min(max(places, default=1) + 1, MOST_COLUMNS)
    return replace(base, columns=_columns([places.get(place, "_") for place in range(max(width, 2))]))


def _columns(names: list[str]) -> tuple[str | int, ...]:
    """What each column is: by its name, then by its place, as user comes before item, rating and time in nearly all logs."""
    told: list[str | int] = [role_of(name) or "" for name in names]
    for role in ("user", "item"):
        if role not in told and "" in told:
            told[told.index("")] = role
    seen: set[Any] = set()
    for place, role in enumerate(told):
        told[place] = 1 if role == "" or role in seen or role in ("history", "position", "label") else role
        seen.add(role)
    return tuple(told)


def _constant(unit: CodeUnit, node: ast.expr | None, constants: Constants) -> Any:
    values = constants.values(unit, node) if node is not None else []
    return values[0] if values else None


def _place(unit: CodeUnit, node: ast.AST) -> str:
    return f"{unit.file.path}:{getattr(node, 'lineno', 1)}"
