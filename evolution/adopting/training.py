"""Which program of a repo trains its model, and where an epoch of it ends."""

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diagnosis.syntax import dotted
from evolution.adopting.constants import assigned_in
from evolution.adopting.foreign_code import CodeUnit, ForeignFile, ForeignRepo
from evolution.adopting.naming import words_of
from evolution.adopting.readme_commands import StartCommand, installed_entries, start_commands

MOST_UNITS = 3000
EVALUATES = {"test", "valid", "validate", "eval", "evaluate", "predict", "inference", "submission"}
Loop = ast.For | ast.AsyncFor | ast.While
# Trainers of libraries: what is called -> the module that must be imported, the call that ends an epoch.
LIBRARY_TRAINERS = {
    "fit": (("lightning", "pytorch_lightning"), "{module}.loops.fit_loop:_FitLoop.on_advance_end"),
    "train": (("transformers",), "transformers.trainer_callback:CallbackHandler.on_epoch_end"),
    "run_recbole": (("recbole",), "recbole.trainer:Trainer._generate_train_loss_output"),
}
EPOCHS = re.compile(r"(?<!per_)epoch|n_iter", re.IGNORECASE)
RECBOLE_FIT = "recbole.trainer:Trainer._generate_train_loss_output"


@dataclass(frozen=True, kw_only=True)
class EpochEnd:
    """Where an epoch ends. loop: (file, function or "", variable or None); at: a library's function; every: steps.

    why: one sentence with file and line.
    """

    why: str
    line: int = 0
    loop: tuple[str, str, str | None] | None = None
    at: str = ""
    every: int = 0
    bound: ast.expr | None = None  # what tells the number of epochs
    unit: CodeUnit | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingProgram:
    """A program that trains. script: a file, or "module:function". units: all code that it may enter, in order of distance."""

    script: str
    cwd: str
    end: EpochEnd
    units: tuple[CodeUnit, ...]
    chain: tuple[tuple[CodeUnit, ast.AST], ...]
    why: str
    score: float
    command: StartCommand | None = None

    @property
    def file(self) -> ForeignFile:
        return self.units[0].file


def programs_of(repo: ForeignRepo, asked: str = "") -> list[TrainingProgram]:
    """The programs that may train, the likeliest first. asked: FILE or FILE:FUNCTION, which alone is looked at then."""
    commands = start_commands(repo.root, repo.others)
    found: list[TrainingProgram] = []
    for start, script in _starts(repo, asked):
        program = _program(repo, start, script, commands)
        if program is not None:
            found.append(program)
    return sorted(found, key=lambda program: (-program.score, program.script))


def unreached_loops(repo: ForeignRepo) -> list[EpochEnd]:
    """The loops over epochs of code that trains, whether or not a script was seen to enter it, as a program that makes its model by
    name (`eval`, `import_module`) hides it."""
    found: list[EpochEnd] = []
    for unit in repo.units:
        node = next((node for node in unit.nodes if _trains(unit, node) == 1), None)
        end = None if node is None or is_of_tests(unit.file.path) else _epoch_end(repo, [(unit, node)])
        if end is not None and end.loop is not None:
            found.append(end)
    return found


def _starts(repo: ForeignRepo, asked: str) -> Iterator[tuple[CodeUnit, str]]:
    path, _, function = asked.partition(":")
    if asked:
        file = repo.files.get(path)
        for unit in file.units if file else ():
            if unit.name == function:
                yield unit, f"{module_of(path)}:{function}" if function else path
        return
    entries = [entry for entry, _ in installed_entries(repo.root, repo.others)]
    for entry in entries:
        module, _, name = entry.partition(":")
        file = repo.module(module, "")
        for unit in file.units if file else ():
            if unit.name == name:
                yield unit, entry
    for file in repo.files.values():
        if not is_of_tests(file.path) and (has_main(file) or _runs(repo, file)):
            yield file.units[0], file.path


def module_of(path: str) -> str:
    """The module of a file, below `src/` where it lies there."""
    return path.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")


def has_main(file: ForeignFile) -> bool:
    """Whether a file says what it does when it is started."""
    return any(is_main(node) for node in file.tree.body)


def is_main(node: ast.AST) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    return (
        isinstance(node, ast.If) and "__main__" in ast.dump(node.test) and "__name__" in ast.dump(node.test)
    )


def is_of_tests(path: str) -> bool:
    """Whether a file is no program of the repo's, but tests it or installs it."""
    return path.rpartition("/")[2].startswith(("test_", "conftest", "setup.py")) or "tests/" in f"/{path}"


def _runs(repo: ForeignRepo, file: ForeignFile) -> bool:
    """Whether a file without a main part does something at its top beyond defining and importing."""
    if file.path.endswith(".ipynb"):
        return True
    return any(
        isinstance(node, (ast.For, ast.While, ast.Try, ast.With, ast.Expr)) and not _is_text(node)
        for node in file.tree.body
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _program(
    repo: ForeignRepo, start: CodeUnit, script: str, commands: list[StartCommand]
) -> TrainingProgram | None:
    before = _walk_calls(repo, start)
    best = None
    for unit in before:
        for node in unit.nodes:
            rank = _trains(unit, node)
            if rank and (
                best is None
                or rank < best[0]
                or (rank == best[0] and _is_plainer(repo, unit, best[1], before))
            ):
                best = (rank, unit, node)
    if best is None:
        return None
    rank, unit, node = best
    chain = [(unit, node)]
    while (step := before[chain[0][0]]) is not None:
        chain.insert(0, step)
    command, cwd = _started_by(script, start.file.path, commands)
    end = _library_end(unit, node) or _epoch_end(repo, chain)
    if end is None:
        return None
    path = start.file.path
    score = 3.0 * (command is not None) + 2.0 * (rank == 1) - 0.3 * path.count("/") - 0.1 * len(chain)
    score += (
        1.5 * bool(re.search(r"(^|[/_.])(main|train|run)", path))
        + 1.0 * (":" in script)
        - (path.endswith(".ipynb"))
    )
    score += 1.0 * (end.loop is not None)
    score -= 2.0 * bool(
        re.search(r"(?<!fine)(?<!fine_)tun(e|ing)|search|pretrain|baseline|export|preproc", path)
    )
    why = f"{script} reaches {unit.file.path}:{getattr(node, 'lineno', 1)}, which trains"
    if command is not None:
        why += f"; {command.path}:{command.line} starts it"
    return TrainingProgram(
        script=script,
        cwd=cwd,
        end=end,
        units=tuple(before),
        chain=tuple(chain),
        why=why,
        score=score,
        command=command,
    )


def entered_by(repo: ForeignRepo, start: CodeUnit) -> list[CodeUnit]:
    """All code that a start may enter, in order of distance."""
    return list(_walk_calls(repo, start))


def _is_plainer(repo: ForeignRepo, unit: CodeUnit, known: CodeUnit, units: Iterable[CodeUnit]) -> bool:
    """Whether a unit's class is the base of another's that no call names: of trainers that are chosen by a name, the base is usual."""
    if unit.owner is None or known.owner is None or unit.owner is known.owner:
        return False
    if all(node is not unit.owner for _, node in repo.classes_of(known.owner)):
        return False
    made = (
        kind for one in units for call in one.calls for _, kind in repo.classes_called(one.file, call.func)
    )
    return all(kind is not known.owner for kind in made)


def _walk_calls(repo: ForeignRepo, start: CodeUnit) -> dict[CodeUnit, tuple[CodeUnit, ast.AST] | None]:
    """Every unit that a start may enter -> the unit and call that enter it first; imports run files too.

    Methods that no call of the repo's names, such as forward, __iter__ or training_step, come last: a library calls them.
    """
    found: dict[CodeUnit, tuple[CodeUnit, ast.AST] | None] = {start: None}
    waiting, later = deque([start]), deque[tuple[CodeUnit, CodeUnit]]()
    while (waiting or later) and len(found) < MOST_UNITS:
        if not waiting:
            maker, unit = later.popleft()
            if unit in found:
                continue
            found[unit] = (maker, maker.node)
        else:
            unit = waiting.popleft()
        for one, call in _entered_from(repo, unit, start):
            if one not in found:
                found[one] = (unit, call)
                waiting.append(one)
        if unit.owner is not None:
            later += [(unit, one) for one in unit.file.units if one.owner is unit.owner and one not in found]
    return found


def _entered_from(repo: ForeignRepo, unit: CodeUnit, start: CodeUnit) -> list[tuple[CodeUnit, ast.AST]]:
    entered: list[tuple[CodeUnit, ast.AST]] = []
    # A function that trains and evaluates, by a flag, is entered by the call that trains.
    for call in sorted(unit.calls, key=_evaluates):
        if unit is start or not below_main(unit, call):
            entered += [(one, call) for one in repo.reached(unit, call)]
    if isinstance(unit.node, ast.Module) or unit is start:
        entered += [(file.units[0], unit.node) for file in repo.imported(unit.file)]
        entered += [] if isinstance(unit.node, ast.Module) else [(unit.file.units[0], unit.node)]
    return entered


def _evaluates(call: ast.Call) -> bool:
    return bool(EVALUATES & set(words_of(getattr(call.func, "attr", "") or dotted(call.func))))


def below_main(unit: CodeUnit, node: ast.AST) -> bool:
    """Whether a node is run only where its own file is started."""
    return isinstance(unit.node, ast.Module) and any(is_main(above) for above in unit.around(node))


def _trains(unit: CodeUnit, node: ast.AST) -> int:
    """How surely a node trains: 1 a backward pass, 2 a library's trainer, 3 factors that numpy updates; 0 not at all."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", "") or dotted(node.func)
        if name == "backward" or (name == "minimize" and not node.args):
            return 1
        return 2 if _library_end(unit, node) is not None else 0
    if isinstance(node, ast.Assign) and unit.owner is not None and not unit.name.endswith("__init__"):
        name = dotted(node.targets[0])
        return 4 if name.startswith("self.") and name[5:] in drawn_arrays(unit) else 0
    updates = isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub))
    if updates and isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        loops = [one for one in unit.around(node) if isinstance(one, Loop)]
        indexed = dotted(node.target.value).startswith("self.") or _is_factor(node.value)
        return 3 if loops and indexed and _is_factor(node.value) else 0
    return 0


def drawn_arrays(unit: CodeUnit) -> dict[str, ast.Tuple]:
    """Attributes that the constructor of a method's class draws at random with numpy -> their shapes."""
    found: dict[str, ast.Tuple] = {}
    for other in unit.file.units:
        if other.owner is unit.owner and other.name.endswith("__init__"):
            for node in other.nodes:
                if (
                    isinstance(node, ast.Assign)
                    and dotted(node.targets[0]).startswith("self.")
                    and isinstance(node.value, ast.Call)
                ):
                    drawn = re.search(r"normal|random|rand|uniform", ast.unparse(node.value))
                    arguments = [*node.value.args, *(word.value for word in node.value.keywords)]
                    shape = next(
                        (one for one in arguments if isinstance(one, ast.Tuple) and len(one.elts) == 2), None
                    )
                    if drawn and shape is None and len(node.value.args) == 2:  # np.random.randn(n, d)
                        shape = ast.Tuple(elts=list(node.value.args), ctx=ast.Load())
                    if drawn and shape is not None:
                        found[dotted(node.targets[0])[5:]] = shape
    return found


def _is_factor(node: ast.expr) -> bool:
    """A step of descent: something times something."""
    return any(
        isinstance(one, ast.BinOp) and isinstance(one.op, (ast.Mult, ast.MatMult)) for one in ast.walk(node)
    )


def _library_end(unit: CodeUnit, node: ast.AST) -> EpochEnd | None:
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "attr", "") or dotted(node.func)
    modules = {module.partition(".")[0] for module, _ in unit.file.imports.values()}
    wanted, at = LIBRARY_TRAINERS.get(name, ((), ""))
    library = next((one for one in wanted if one in modules), "")
    if name == "fit" and "recbole" in modules:
        library, at = "recbole", RECBOLE_FIT
    if (
        not library
        or (name == "train" and not _is_trainer(unit, node))
        or (name == "fit" and library != "recbole" and not _is_trainer(unit, node))
    ):
        return None
    module = "lightning.pytorch" if library == "lightning" else library
    why = f"{unit.file.path}:{node.lineno} hands the training to {library}, of which this function ends an epoch"
    return EpochEnd(at=at.format(module=module), why=why, line=node.lineno, unit=unit)


def _is_trainer(unit: CodeUnit, call: ast.Call) -> bool:
    """Whether a method is called on what a class named ...Trainer made."""
    if not isinstance(call.func, ast.Attribute):
        return False
    base = dotted(call.func.value)
    made = [
        node.value
        for one in unit.file.units
        for node in one.nodes
        if isinstance(node, ast.Assign) and any(dotted(t) == base for t in node.targets)
    ]
    made.append(call.func.value)
    return any(
        isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2].endswith("Trainer") for one in made
    )


def _epoch_end(repo: ForeignRepo, chain: list[tuple[CodeUnit, ast.AST]]) -> EpochEnd | None:
    """From the loops around each call on the way to the backward pass, outermost first."""
    loops: list[tuple[CodeUnit, Loop]] = []
    for unit, node in chain:
        loops += [(unit, one) for one in reversed(unit.around(node)) if isinstance(one, Loop)]
    if not loops:
        return None
    # The variable says more than the bound: `for batch in range(batches_per_epoch)` runs over batches.
    named = [pair for pair in loops if EPOCHS.search(_variable(pair[1]) or "")] or [
        pair for pair in loops if EPOCHS.search(_head(pair[1]))
    ]
    counted = [pair for pair in loops if _counts(pair[1])]
    unit, loop = named[-1] if named else (counted or loops)[-1 if len(loops) == 1 else 0]
    if len(loops) > 1 and not named and (unit, loop) == loops[-1]:
        unit, loop = loops[-2]
    variable = _variable(loop)
    inner = len(loops) - loops.index((unit, loop)) - 1
    why = f"the loop at {unit.file.path}:{loop.lineno} is around " + (
        "the loop over batches" if inner else "the backward pass"
    )
    bound = loop.iter if isinstance(loop, ast.For) else None
    if (
        inner == 0
        and not named
        and (re.search(r"step|iter|batch", _head(loop), re.I) or _over_loader(unit, loop))
    ):
        why = f"the only loop of the training, at {unit.file.path}:{loop.lineno}, is over steps"
        return EpochEnd(every=100, why=why, line=loop.lineno, unit=unit)
    return EpochEnd(
        loop=(unit.file.path, unit.name, variable), why=why, line=loop.lineno, bound=bound, unit=unit
    )


def _head(loop: Loop) -> str:
    return (
        ast.unparse(loop.test)
        if isinstance(loop, ast.While)
        else f"{ast.unparse(loop.target)} {ast.unparse(loop.iter)}"
    )


def _over_loader(unit: CodeUnit, loop: Loop) -> bool:
    """Whether a loop takes what a loader gives: `for users, liked in loader`, with all epochs in one."""
    if not isinstance(loop, ast.For):
        return False
    named = {one.id for one in ast.walk(loop.iter) if isinstance(one, ast.Name)}
    made = [value for name in named for value in assigned_in(unit, name)]
    return any(
        isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2].endswith("Loader")
        for value in [loop.iter, *made]
        for call in ast.walk(value)
    )


def _counts(loop: Loop) -> bool:
    return isinstance(loop, ast.While) or any(
        isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2] in ("range", "trange", "count")
        for one in ast.walk(loop.iter)
    )


def _variable(loop: Loop) -> str | None:
    read = loop.test if isinstance(loop, ast.While) else loop.target
    names = [one.id for one in ast.walk(read) if isinstance(one, ast.Name) and one.id != "self"]
    return names[0] if names else None


def _started_by(script: str, path: str, commands: list[StartCommand]) -> tuple[StartCommand | None, str]:
    """The command that starts a program, and the folder it is started in."""
    for command in commands:
        told = (
            command.script
            if command.script.endswith((".py", ".ipynb"))
            else command.script.replace(".", "/") + ".py"
        )
        if path == told or path.endswith(f"/{told}"):
            cwd = path[: -len(told)].rstrip("/")
            return command, cwd or "."
    return None, "." if ":" in script else _folder_of_data(path)


def _folder_of_data(path: str) -> str:
    """Without a word on it, a program is started where it lies."""
    return path.rpartition("/")[0] or "."
