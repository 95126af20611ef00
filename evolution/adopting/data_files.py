"""Which files a training program reads, and how its code takes their rows apart."""

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import HERE, Constants
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.row_format import RowFormat, format_of_frame, format_of_lines, format_of_table
from evolution.adopting.session_pickles import is_pair_of_sessions
from evolution.adopting.training import TrainingProgram, below_main

NEW_FOLDER = "evolverec_data"  # where a program finds the log that would read it outside of the repo
FRAMES = {"read_csv", "read_table", "read_parquet", "read_feather", "read_json", "scan_csv"}
TABLES = {"loadtxt", "genfromtxt", "fromfile"}
OTHERS = {"load_npz": "csr", "read_pickle": "dict"}
NOT_EVENTS = re.compile(
    r"\.(pth?|ckpt|pt|bin|model|ya?ml|toml|cfg|ini|log|png|md|py|state|weights)$|s?adj_?mat|checkpoint", re.I
)
MAPS = re.compile(
    r"(user|item|entity|relation)s?(2|_?to_?)(id|index|idx)|id(2|_?to_?)(user|item|entity)", re.I
)
SPARSE = {
    "tocoo",
    "tocsr",
    "tocsc",
    "todok",
    "tolil",
    "nnz",
    "indptr",
    "getrow",
    "todense",
}  # attributes of scipy's matrices alone
HELD_OUT = re.compile(
    r"(^|[^a-z])(test|tst|valid|validation|val|vad|dev|eval|te|neg|negative|negatives)([^a-z]|mat|$)", re.I
)
CANDIDATES = re.compile(r"[^a-z](sample|samples|sampled|candidates?)([^a-z]|$)", re.I)


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file that is read. path: relative to the repo, "" where it is not known; outside: an absolute path elsewhere.

    format: None where the code does not say it. text: the expression that names the file.
    """

    path: str
    format: RowFormat | None
    unit: CodeUnit
    line: int
    text: str
    outside: str = ""
    held_out: bool = False

    @property
    def place(self) -> str:
        return f"{self.unit.file.path}:{self.line}"


def data_files(program: TrainingProgram, constants: Constants) -> list[DataFile]:
    """The files of events that a program reads, the one it trains on first; each path once."""
    found: dict[str, DataFile] = {}
    written = _written(program, constants)
    unknown: list[DataFile] = []
    for unit in [one for one in program.units if not constants.is_dead(one)]:
        for call, path, form in _readings(unit, constants, program.units[0]):
            if constants.is_dead(unit, call):
                continue
            constants.kind = (unit.file, unit.owner) if unit.owner is not None else None
            texts = [value for value in constants.values(unit, path) if isinstance(value, str)]
            made = [text for text in texts if text in written]
            texts = [text for text in texts if not NOT_EVENTS.search(text) and text not in written]
            maps = MAPS.search(" ".join([*texts, ast.unparse(path)]))
            if maps and _is_optional(unit, call):
                continue
            form = (
                RowFormat(kind="unclear", why=f"ids are read at {unit.file.path}:{call.lineno}")
                if maps
                else form
            )
            named = (
                made
                or NOT_EVENTS.search(ast.unparse(path))
                or re.search(r"log_?file|save|config|ckpt|weight|pretrain", ast.unparse(path), re.I)
            )
            if not texts and not named:
                unknown.append(
                    DataFile(path="", format=form, unit=unit, line=call.lineno, text=ast.unparse(path))
                )
            for text in texts:
                one = _placed(text, program.cwd, form, unit, call.lineno, ast.unparse(path))
                known = found.get(one.path or one.outside)
                if known is None or (known.format is None and form is not None):
                    found[one.path or one.outside] = one
    order = {unit: number for number, unit in enumerate(program.units)}
    ranked = sorted(
        found.values(),
        key=lambda one: (one.held_out, one.format is None, not _trains(one), order[one.unit], one.line),
    )
    return [*ranked, *(one for one in unknown if one.format is not None)]


def _written(program: TrainingProgram, constants: Constants) -> set[str]:
    """Paths that the program writes itself; what it makes of the log and reads again is not asked for."""
    found: set[str] = set()
    for unit in program.units:
        for call in unit.calls:
            if unit is not program.units[0] and below_main(unit, call):
                continue
            name = getattr(call.func, "attr", "") or dotted(call.func)
            place = 1 if isinstance(call.func, ast.Name) else 0
            mode = call.args[place] if name == "open" and len(call.args) > place else None
            path = call.args[0] if place and call.args else getattr(call.func, "value", None)
            if name in ("save", "save_npz", "to_csv", "to_pickle", "savez") and call.args:
                path, mode = call.args[0], ast.Constant(value="w")
            if path is not None and isinstance(mode, ast.Constant) and str(mode.value)[:1] in "wax":
                found.update(one for one in constants.values(unit, path) if isinstance(one, str))
    return found


def _trains(file: DataFile) -> bool:
    return bool(re.search(r"train|(^|[^a-z])tr([^a-z]|$)", f"{file.path} {file.text}", re.I))


def _placed(text: str, cwd: str, form: RowFormat | None, unit: CodeUnit, line: int, said: str) -> DataFile:
    own = text.startswith(HERE)
    path = posixpath.normpath(text[len(HERE) :].lstrip("/") if own else posixpath.join(cwd, text))
    outside = text if (text.startswith(("/", "~")) and not own) or path.startswith("../") else ""
    folder, _, name = path.rpartition("/")
    held_out = bool(HELD_OUT.search(name) or CANDIDATES.search(name)) or (
        bool(HELD_OUT.search(folder.rpartition("/")[2])) and "train" not in name
    )
    return DataFile(
        path="" if outside else path,
        format=form,
        unit=unit,
        line=line,
        text=said,
        outside=outside,
        held_out=held_out,
    )


def _readings(
    unit: CodeUnit, constants: Constants, start: CodeUnit
) -> Iterator[tuple[ast.Call, ast.expr, RowFormat | None]]:
    """(call, the expression of the path, format) of each call in a unit that reads a file."""
    for call in unit.calls:
        if unit is not start and below_main(unit, call):
            continue
        name = getattr(call.func, "attr", "") or dotted(call.func)
        base = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        path = (
            call.args[0]
            if call.args
            else next(
                (w.value for w in call.keywords if w.arg in ("file", "path", "fname", "filepath_or_buffer")),
                None,
            )
        )
        if name == "open" and (base in ("", "io", "codecs", "gzip") or not _is_path(base)):
            if isinstance(call.func, ast.Name) or base in ("io", "codecs", "gzip"):
                if path is not None and _reads(call, 1):
                    yield call, path, _format_of_open(unit, call, constants)
            elif _reads(call, 0) and isinstance(call.func, ast.Attribute):  # path.open("rb")
                yield call, call.func.value, _format_of_open(unit, call, constants)
        elif name == "read_text" and isinstance(call.func, ast.Attribute):
            parent = unit.file.parents.get(call)
            if isinstance(parent, ast.Call) and _loads(parent):
                why = f"{dotted(parent.func)} at {unit.file.path}:{parent.lineno}"
                yield (
                    call,
                    call.func.value,
                    RowFormat(kind=_loads(parent), columns=_keys_of(unit, parent), why=why),
                )
            else:
                yield call, call.func.value, format_of_lines(unit, call, "", constants)
        elif path is None:
            continue
        elif name in FRAMES:
            yield call, path, format_of_frame(unit, call, constants)
        elif name in TABLES:
            yield call, path, format_of_table(unit, call, constants)
        elif name in OTHERS:
            yield call, path, RowFormat(kind=OTHERS[name], why=f"{name} at {unit.file.path}:{call.lineno}")
        elif name == "load" and base in ("np", "numpy"):
            parent = unit.file.parents.get(call)
            several = isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple)
            objects = several or (isinstance(parent, ast.Attribute) and parent.attr in ("item", "tolist"))
            yield (
                call,
                path,
                RowFormat(
                    kind="unclear" if objects else "array",
                    columns=() if objects else ("user", "item"),
                    why=f"np.load at {unit.file.path}:{call.lineno}",
                ),
            )


def _is_optional(unit: CodeUnit, call: ast.Call) -> bool:
    """Whether a file is read only where it is there."""
    return any(
        isinstance(outer, ast.If)
        and any(
            isinstance(test, ast.Call)
            and (getattr(test.func, "attr", "") or dotted(test.func)) in ("exists", "isfile", "is_file")
            for test in ast.walk(outer.test)
        )
        for outer in unit.around(call)
    )


def _is_path(base: str) -> bool:
    return base in ("os", "Image", "wave", "tarfile", "zipfile", "webbrowser")


def _reads(call: ast.Call, place: int) -> bool:
    """Whether a call of `open` reads."""
    mode = (
        call.args[place]
        if len(call.args) > place
        else next((w.value for w in call.keywords if w.arg == "mode"), None)
    )
    return mode is None or (
        isinstance(mode, ast.Constant) and str(mode.value).startswith("r") and "+" not in str(mode.value)
    )


def _format_of_open(unit: CodeUnit, call: ast.Call, constants: Constants) -> RowFormat | None:
    """What is done with a file that is opened: unpickled, parsed as JSON, or read line by line."""
    parent, handle = unit.file.parents.get(call), ""
    if isinstance(parent, ast.Call):
        loaded = _loads(parent)
        if loaded:
            return _unpickled(unit, parent, loaded, constants, ())
        direct = parent.args[0] if parent.args and parent.args[0] is call else None
        if direct is None:
            return None
    while isinstance(parent, (ast.Attribute, ast.Call)):  # csv.reader(open(...)), open(...).readlines()
        parent = unit.file.parents.get(parent)
    if isinstance(parent, ast.withitem) and isinstance(parent.optional_vars, ast.Name):
        handle = parent.optional_vars.id
    elif isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        handle = parent.targets[0].id
    for other in unit.calls:
        if (
            handle
            and other.args
            and isinstance(other.args[0], ast.Name)
            and other.args[0].id == handle
            and (kind := _loads(other))
        ):
            near = isinstance(parent, ast.Assign) or any(
                a is parent or parent in getattr(a, "items", ()) for a in unit.around(other)
            )
            if near:
                return _unpickled(unit, other, kind, constants, _keys_of(unit, other))
    block = unit.file.parents.get(parent) if isinstance(parent, ast.withitem) else None
    return format_of_lines(unit, call, handle, constants, within=block)


def _unpickled(
    unit: CodeUnit, load: ast.Call, kind: str, constants: Constants, columns: tuple[str | int, ...]
) -> RowFormat:
    """What one call reads whole: sessions with the item that follows, where the code takes them apart so."""
    sessions = kind == "dict" and is_pair_of_sessions(constants.repo, unit, load)
    if kind == "dict" and not sessions and (matrix := _sparse(unit, load)):
        kind = matrix
    why = f"{dotted(load.func)} at {unit.file.path}:{load.lineno}"
    why += ", which gives beginnings of sessions and the items that follow" if sessions else ""
    if sessions:
        kind = "sessions"
    elif kind == "dict" and columns:
        kind = "unclear"  # parts with names are no events
    return RowFormat(kind=kind, columns=columns, why=why)


def _sparse(unit: CodeUnit, load: ast.Call) -> str:
    """ "coo" or "csr" where what is unpickled is used as a sparse matrix; "" for anything else."""
    outer: ast.AST = load
    asked = set[str]()
    while not isinstance(outer, ast.stmt):
        parent = unit.file.parents[outer]
        if isinstance(parent, ast.Attribute):
            asked.add(parent.attr)
        outer = parent
    names = {dotted(target) for target in getattr(outer, "targets", [])} - {""}
    asked |= {
        node.attr for node in unit.nodes if isinstance(node, ast.Attribute) and dotted(node.value) in names
    }
    compared = any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.NotEq)
        and (node.left is load or dotted(node.left) in names)
        for node in unit.nodes
    )
    if {"row", "col"} <= asked:
        return "coo"
    return (
        "csr"
        if asked & SPARSE
        or (compared and "astype" in {n.attr for n in unit.nodes if isinstance(n, ast.Attribute)})
        else ""
    )


def _keys_of(unit: CodeUnit, load: ast.Call) -> tuple[str | int, ...]:
    """The keys that a record is asked for."""
    parent = unit.file.parents.get(load)
    if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
        return (str(parent.slice.value),)
    name = dotted(parent.targets[0]) if isinstance(parent, ast.Assign) else ""
    asked = [
        node.slice.value
        for node in unit.nodes
        if isinstance(node, ast.Subscript)
        and dotted(node.value) == name
        and isinstance(node.slice, ast.Constant)
    ]
    return tuple(dict.fromkeys(one for one in asked if isinstance(one, str))) if name else ()


def _loads(call: ast.Call) -> str:
    base, _, name = dotted(call.func).rpartition(".")
    if name in ("load", "loads", "Unpickler") and base in (
        "pickle",
        "pkl",
        "cPickle",
        "pk",
        "dill",
        "json",
        "ujson",
        "joblib",
    ):
        return "json" if "json" in base else "dict"
    return ""
