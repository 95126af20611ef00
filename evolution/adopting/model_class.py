"""The model that a training program trains: its class, the live variable that holds it, and its tables."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, assigned_in, parameters_of
from evolution.adopting.foreign_code import CodeUnit, ForeignFile, ForeignRepo, makes_by_name
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.training import TrainingProgram

MODULES = {"Module", "LightningModule", "PreTrainedModel", "SequentialRecommender", "GeneralRecommender", "ContextRecommender",
           "KnowledgeRecommender", "AbstractRecommender", "TransformerModelBase", "LightningDataModule"}  # fmt: skip
WRAPPERS = {
    "to",
    "cuda",
    "cpu",
    "float",
    "double",
    "DataParallel",
    "DistributedDataParallel",
    "compile",
    "prepare",
    "from_config",
}
DRAWN = {"empty", "zeros", "rand", "randn", "Tensor", "FloatTensor"}  # what makes a tensor of a shape
Kind = tuple[ForeignFile, ast.ClassDef]


@dataclass(frozen=True, kw_only=True)
class EmbeddingTable:
    """path: from the model, "item_emb". about: "item", "user", "position" or "". rows: the number of rows as it is written.

    bare: a parameter itself, and no embedding that holds one.
    """

    path: str
    about: str
    rows: ast.expr
    unit: CodeUnit
    padding: ast.expr | None
    bag: bool = False
    bare: bool = False

    @property
    def weight(self) -> str:
        """The path of the numbers themselves, "item_emb.weight"."""
        return self.path if self.bare else f"{self.path}.weight"

    @property
    def beyond(self) -> int:
        """How many rows there are beyond what is counted: 1 of `n_items + 1`."""
        return beyond(self.rows)

    @property
    def place(self) -> str:
        return f"{self.unit.file.path}:{self.rows.lineno}"


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """variable: how the kit reaches it, "model" or "self.net"; "" where it was not found. why: one sentence with the place."""

    kind: Kind
    variable: str
    made: ast.AST | None
    unit: CodeUnit | None
    tables: tuple[EmbeddingTable, ...]
    why: str
    torch: bool = True

    @property
    def name(self) -> str:
        return self.kind[1].name

    @property
    def place(self) -> str:
        return f"{self.kind[0].path}:{self.kind[1].lineno}"

    def table(self, about: str) -> EmbeddingTable | None:
        return next((one for one in self.tables if one.about == about), None)


def beyond(node: ast.expr) -> int:
    """2 of `n + 2`, -1 of `n - 1`, 0 of anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        sign = 1 if isinstance(node.op, ast.Add) else -1
        for side, other in ((node.right, node.left), (node.left, node.right)):
            if isinstance(side, ast.Constant) and isinstance(side.value, int):
                return sign * side.value + beyond(other)
    return 0


def is_module(repo: ForeignRepo, kind: Kind) -> bool:
    """Whether a class is a torch module or a library's recommender, by what it inherits from."""
    bases = [dotted(base).rpartition(".")[2] for _, node in repo.lineage(kind) for base in node.bases]
    return any(
        base in MODULES or base.endswith(("Recommender", "PreTrainedModel", "ForSequenceClassification"))
        for base in bases
    )


def find_model(constants: Constants, program: TrainingProgram, asked: str = "") -> FoundModel | None:
    """The model that is made on the way to the training loop. asked: FILE:CLASS, which alone is looked for then."""
    repo = constants.repo
    path, _, wanted = asked.partition(":")
    found: list[tuple[float, FoundModel]] = []
    alive = _live_units(program)
    bound = list(_bindings(alive))
    bound += [one for unit, name, value in bound for one in _inside(constants, unit, name, value)]
    for number, (unit, name, value) in enumerate(bound):
        for kind in _made_of(constants, unit, value):
            if wanted and (kind[1].name != wanted or kind[0].path != path):
                continue
            if not wanted and not is_module(repo, kind) and not _is_numpy_model(repo, kind, program):
                continue
            tables = tables_in(repo, kind)
            about = {table.about for table in tables}
            score = 2.0 * ("item" in about) + 1.0 * bool(tables) + 0.5 * ("user" in about) - 0.01 * number
            score += 0.5 * any(one in words_of(name) for one in ("model", "net", "recommender", "recmodel"))
            score -= 2.0 * any(
                one in words_of(kind[1].name) for one in ("loss", "criterion", "dataset", "loader")
            )
            why = f"{unit.file.path}:{getattr(value, 'lineno', 1)} makes {kind[1].name} ({kind[0].path}:{kind[1].lineno})"
            model = FoundModel(
                kind=kind,
                variable=name,
                made=value,
                unit=unit,
                tables=tables,
                why=why,
                torch=is_module(repo, kind),
            )
            found.append((score, model))
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    best = best_class(repo, {id(unit.owner) for unit in program.units if unit.owner is not None}, asked)
    variable, place = _trained_variable(program, alive)
    if best is None or not variable:
        return best
    return replace(best, variable=variable, why=f"{place} trains it; {best.why}")


def _inside(
    constants: Constants, unit: CodeUnit, name: str, value: ast.expr
) -> Iterator[tuple[CodeUnit, str, ast.expr]]:
    """What an object of the repo's that is no model itself holds: ("engine.model", ...) of `engine = Engine(config)`."""
    for kind in _made_of(constants, unit, value)[:1]:
        for file, node in constants.repo.lineage(kind) if not is_module(constants.repo, kind) else ():
            for other in file.units:
                for inner in other.nodes if other.owner is node else ():
                    for target, given in _pairs(inner):
                        if dotted(target).startswith("self.") and dotted(target).count(".") == 1:
                            yield other, f"{name}.{dotted(target)[5:]}", given


def best_class(repo: ForeignRepo, entered: set[int], asked: str) -> FoundModel | None:
    """A model of which no variable was seen. entered: ids of the classes whose methods a program may enter."""
    path, _, wanted = asked.partition(":")
    best: list[tuple[float, FoundModel]] = []
    for kinds in repo.classes.values():
        for kind in kinds:
            if (wanted and (kind[1].name, kind[0].path) != (wanted, path)) or (
                not wanted and not is_module(repo, kind)
            ):
                continue
            tables = tables_in(repo, kind)
            score = (
                2.0 * any(table.about == "item" for table in tables)
                + 1.0 * bool(tables)
                + 2.0 * (id(kind[1]) in entered)
            )
            why = f"{kind[0].path}:{kind[1].lineno} is a model with {'embeddings' if tables else 'no embedding of its own'}"
            model = FoundModel(
                kind=kind,
                variable="",
                made=None,
                unit=None,
                tables=tables,
                why=why,
                torch=is_module(repo, kind),
            )
            best.append((score, model))
    return max(best, key=lambda pair: pair[0])[1] if best else None


def _trained_variable(program: TrainingProgram, alive: list[CodeUnit]) -> tuple[str, str]:
    """What `.train()` or `.parameters()` is called on along the way, where it can be reached while an epoch's end waits."""
    for unit in reversed([unit for unit, _ in program.chain]):
        for call in unit.calls:
            if not (
                isinstance(call.func, ast.Attribute)
                and call.func.attr in ("train", "parameters", "state_dict")
            ):
                continue
            name, place = dotted(call.func.value), f"{unit.file.path}:{call.lineno}"
            if name.startswith("self.") and any(one.owner is unit.owner for one in alive):
                return name, place
            known = [one for one in alive if name in parameters_of(one) or assigned_in(one, name)]
            if name and "." not in name and known:
                return name, place
    return "", ""


def _live_units(program: TrainingProgram) -> list[CodeUnit]:
    """The functions that wait while an epoch's end is told, innermost first, then their files."""
    chain = [unit for unit, _ in program.chain]
    end = program.end.unit
    alive = chain[: chain.index(end) + 1] if end in chain else chain[:1]
    files = [unit.file.units[0] for unit in reversed(alive)]
    return list(dict.fromkeys([*reversed(alive), *files]))


def _bindings(alive: list[CodeUnit]) -> Iterator[tuple[CodeUnit, str, ast.expr]]:
    """(where, variable as the kit reaches it, what it is set to)."""
    for unit in alive:
        for node in unit.nodes:
            for target, value in _pairs(node):
                if isinstance(target, ast.Name):
                    yield unit, target.id, value
                elif dotted(target).startswith("self.") and unit.owner is not None:
                    yield unit, dotted(target), value
    for unit in alive:  # attributes that other methods of a live object set
        for other in unit.file.units if unit.owner is not None else ():
            if other.owner is unit.owner and other is not unit:
                for node in other.nodes:
                    for target, value in _pairs(node):
                        if dotted(target).startswith("self."):
                            yield other, dotted(target), value


def _pairs(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if (
                isinstance(target, ast.Tuple)
                and isinstance(node.value, ast.Tuple)
                and len(target.elts) == len(node.value.elts)
            ):
                yield from zip(target.elts, node.value.elts)
            else:
                yield target, node.value
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        yield node.target, node.value


def _made_of(constants: Constants, unit: CodeUnit, value: ast.expr, depth: int = 0) -> list[Kind]:
    """The classes of the repo that an expression may be an object of."""
    repo = constants.repo
    if depth > 4:
        return []
    if isinstance(value, ast.Name):
        return [
            k
            for one in assigned_in(unit, value.id)[:3]
            if one is not value
            for k in _made_of(constants, unit, one, depth + 1)
        ]
    if not isinstance(value, ast.Call):
        return []
    if repo.chosen is not None and makes_by_name(unit, value) and dotted(value.func) == "getattr":
        return []  # the class itself
    called = [value.func, *(assigned_in(unit, value.func.id) if isinstance(value.func, ast.Name) else ())]
    if repo.chosen is not None and any(
        isinstance(one, ast.Call) and makes_by_name(unit, one) for one in called
    ):
        return [repo.chosen[0]]
    name = getattr(value.func, "attr", "") or dotted(value.func)
    if name in WRAPPERS:
        inner = (
            value.args[0]
            if name[0].isupper() or (name in ("compile", "prepare") and value.args)
            else getattr(value.func, "value", None)
        )
        return _made_of(constants, unit, inner, depth + 1) if isinstance(inner, ast.expr) else []
    kinds = repo.classes_called(unit.file, value.func)
    if kinds:
        return kinds[:1]
    if isinstance(value.func, ast.Subscript) and (chosen := _chosen_class(constants, unit, value.func)):
        return chosen
    found: list[Kind] = []
    for entered in repo.reached(unit, value)[:8]:
        if entered.name.endswith("__init__") and entered.owner is not None:
            found.append((entered.file, entered.owner))
            continue
        for node in entered.nodes:
            if isinstance(node, ast.Return) and node.value is not None:
                found += _made_of(constants, entered, node.value, depth + 1)
                if isinstance(node.value, ast.Call) and dotted(node.value.func) == "cls" and entered.owner:
                    found.append((entered.file, entered.owner))
                if isinstance(node.value, ast.Call):
                    found += _chosen_class(constants, entered, node.value.func)
    return [*found, *_chosen_class(constants, unit, value.func)]


def _chosen_class(constants: Constants, unit: CodeUnit, called: ast.expr, depth: int = 0) -> list[Kind]:
    """Classes behind `MODELS[args.model]`, or a name that is set to it: the one that the key chooses, else all in the table."""
    if isinstance(called, ast.Name) and depth < 3:
        return [
            kind
            for value in assigned_in(unit, called.id)
            for kind in _chosen_class(constants, unit, value, depth + 1)
        ]
    if not isinstance(called, ast.Subscript):
        return []
    repo, keys, chosen, others = (
        constants.repo,
        constants.values(unit, called.slice),
        list[Kind](),
        list[Kind](),
    )
    base, _, last = dotted(called.value).rpartition(".")
    for file, inner in repo.bindings_of(unit.file, base or last):
        name = last if base else inner
        for table in assigned_in(file.units[0], name) if name else []:
            for key, value in zip(table.keys, table.values) if isinstance(table, ast.Dict) else ():
                fits = isinstance(key, ast.Constant) and key.value in keys
                (chosen if fits else others).extend(repo.classes_called(file, value)[:1])
    return chosen or others


def _is_numpy_model(repo: ForeignRepo, kind: Kind, program: TrainingProgram) -> bool:
    """Whether the training's last statement is a method's of this class, which sets arrays of its own."""
    end, node = program.chain[-1]
    sets = isinstance(node, (ast.AugAssign, ast.Assign))
    return sets and end.owner is not None and any(end.owner is one for _, one in repo.lineage(kind))


def tables_in(repo: ForeignRepo, kind: Kind) -> tuple[EmbeddingTable, ...]:
    """The tables of a model; its only one holds items, whatever it is called."""
    found = tuple(tables_of(repo, kind))
    return (replace(found[0], about="item"),) if len(found) == 1 and not found[0].about else found


def tables_of(repo: ForeignRepo, kind: Kind, prefix: str = "", depth: int = 0) -> Iterator[EmbeddingTable]:
    """The embeddings that a model makes for itself, and those of modules of the repo that it holds."""
    if prefix and any(dotted(base).rpartition(".")[2] == "Embedding" for base in kind[1].bases):
        for unit in repo.method_of(kind, "__init__"):
            yield from (
                t
                for c in unit.calls
                if getattr(c.func, "attr", "") == "__init__"
                for t in _table(unit, prefix[:-1], c)
            )
    for file, node in repo.lineage(kind):
        for unit in [one for one in file.units if one.owner is node]:
            for inner in unit.nodes:
                for target, value in _pairs(inner):
                    name = dotted(target)
                    if not name.startswith("self.") or not isinstance(value, ast.Call):
                        continue
                    path = f"{prefix}{name[5:]}"
                    if dotted(value.func).rpartition(".")[2] in ("Embedding", "EmbeddingBag"):
                        yield from _table(unit, path, value)
                    elif dotted(value.func).rpartition(".")[2] == "Parameter":
                        yield from _parameter(unit, path, value)
                    elif depth < 3:
                        for held in repo.classes_called(unit.file, value.func)[:1]:
                            if is_module(repo, held) and held[1] is not kind[1]:
                                yield from tables_of(repo, held, f"{path}.", depth + 1)


def _table(unit: CodeUnit, path: str, call: ast.Call) -> Iterator[EmbeddingTable]:
    given = {word.arg: word.value for word in call.keywords}
    rows = call.args[0] if call.args else given.get("num_embeddings")
    if rows is None:
        return
    padding = given.get("padding_idx", call.args[2] if len(call.args) > 2 else None)
    yield EmbeddingTable(
        path=path,
        about=_about(path, rows),
        rows=rows,
        unit=unit,
        padding=padding,
        bag=dotted(call.func).endswith("Bag"),
    )


def _parameter(unit: CodeUnit, path: str, call: ast.Call) -> Iterator[EmbeddingTable]:
    """`nn.Parameter(torch.empty(n_items, dim))`, where what counts its rows says that they are users or items."""
    made = [one for one in ast.walk(call) if isinstance(one, ast.Call) and one is not call]
    for one in made:
        shape = one.args[0].elts if one.args and isinstance(one.args[0], (ast.Tuple, ast.List)) else one.args
        if dotted(one.func).rpartition(".")[2] in DRAWN and len(shape) == 2:
            about = _about("", shape[0])
            if about in ("item", "user"):
                yield EmbeddingTable(
                    path=path, about=about, rows=shape[0], unit=unit, padding=None, bare=True
                )
            return


def _about(path: str, rows: ast.expr) -> str:
    """What the rows of a table are, by what counts them, then by the table's name."""
    counted = [
        one
        for node in ast.walk(rows)
        if (one := getattr(node, "attr", "") or getattr(node, "id", "")) not in ("self", "args", "config", "")
    ]
    last = path.rpartition(".")[2]
    for name in [*counted, last]:
        words = words_of(name)
        if (
            any(one in words for one in ("pos", "position", "positional", "maxlen", "len", "length"))
            or name == "maxlen"
        ):
            return "position"
        role = role_of(name)
        if role in ("item", "user"):
            return role
    return {"token": "item", "tok": "item"}.get(next(iter(words_of(last)), ""), "")


def live_paths(constants: Constants, program: TrainingProgram, attributes: set[str]) -> dict[str, str]:
    """Attribute -> "variable.attribute" where a live variable holds an object of a class that sets it; a plain name is itself."""
    found: dict[str, str] = {}
    for unit, name, value in _bindings(_live_units(program)):
        if name in attributes:
            found.setdefault(name, name)
        for kind in _made_of(constants, unit, value)[:1]:
            for attribute in _set_in(kind) & attributes:
                found.setdefault(attribute, f"{name}.{attribute}")
    for unit in _live_units(program):
        for name in [*parameters_of(unit), *_unpacked(unit)]:
            if name in attributes:
                found.setdefault(name, name)
    for unit in _live_units(program):
        for name, entered, result in _results(constants, unit):
            if isinstance(result, ast.Name) and result.id in attributes:
                found.setdefault(result.id, name)
            for kind in _made_of(constants, entered, result)[:1]:
                for attribute in _set_in(kind) & attributes:
                    found.setdefault(attribute, f"{name}.{attribute}")
    return found


def _set_in(kind: Kind) -> set[str]:
    """The attributes that a class's own methods set on `self`."""
    methods = [unit for unit in kind[0].units if unit.owner is kind[1]]
    told = {dotted(target) for unit in methods for node in unit.nodes for target, _ in _pairs(node)}
    return {one.removeprefix("self.") for one in told if one.startswith("self.")}


def _results(constants: Constants, unit: CodeUnit) -> Iterator[tuple[str, CodeUnit, ast.expr]]:
    """(name, function, what it returns for it) of `rows, catalogue = read(path)`."""
    for node in unit.nodes:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Tuple):
            continue
        for entered in constants.repo.reached(unit, node.value)[:4]:
            for part in entered.nodes:
                if not (isinstance(part, ast.Return) and isinstance(part.value, ast.Tuple)):
                    continue
                if len(part.value.elts) == len(target.elts):
                    for name, result in zip(target.elts, part.value.elts):
                        if isinstance(name, ast.Name):
                            yield name.id, entered, result


def _unpacked(unit: CodeUnit) -> Iterator[str]:
    """Names that take one of several results: `vocab` of `vocab, sequences = load()`."""
    for node in unit.nodes:
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Tuple):
            tuples = [target for target in node.targets if isinstance(target, ast.Tuple)]
            yield from (one.id for target in tuples for one in target.elts if isinstance(one, ast.Name))


def constants_of(table: EmbeddingTable, constants: Constants) -> list[int]:
    """How many rows a table has, where constants say so."""
    return [value for value in constants.values(table.unit, table.rows) if isinstance(value, int)]
