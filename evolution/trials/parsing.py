"""The first rung: what the entry imports from the program is Python, for the interpreter that runs it.

Costs milliseconds; the interpreter is asked only about files that our own parser cannot read. Files that the entry does not reach are left alone: a repo may keep templates or scripts of another time.
"""

import ast
from pathlib import Path

from diagnosis.encoding import decoded
from diagnosis.syntax import parse
from evolution.domain.trial import Failure, FailureReason
from evolution.trials.failing import TrialFailed
from evolution.trials.foreign_syntax import judged
from evolution.trials.interpreter import interpreter_at
from seeds.reading import CODE_BYTES, is_plain, read_bytes

NOTHING = ast.Module(body=[], type_ignores=[])


def parse_reachable(checkout: Path, entry: str, python: Path) -> None:
    """entry: "module:function". python: the interpreter of the trial.

    Raises TrialFailed: import, naming file and line of what is not Python. What a file imports that only the
    interpreter can read is not followed.
    """
    waiting, known = [entry.partition(":")[0]], set[Path]()
    while waiting:
        name = waiting.pop()
        for file in _files_of(checkout, name):
            if file in known:
                continue
            known.add(file)
            waiting += _imported(
                _parsed(checkout, file, python),
                name if file.name == "__init__.py" else name.rpartition(".")[0],
            )


def _files_of(checkout: Path, name: str) -> list[Path]:
    """The files that importing the dotted name would run, as far as the program has them."""
    parts = name.split(".")
    found = []
    for base in (checkout, checkout / "src"):
        for depth in range(1, len(parts) + 1):
            inner = base.joinpath(*parts[:depth])
            found += [
                file
                for file in (inner / "__init__.py", inner.with_name(inner.name + ".py"))
                if is_plain(file)
            ]
    return found


def _parsed(checkout: Path, file: Path, python: Path) -> ast.Module:
    """The syntax tree; an empty one for a file that only the interpreter can read, or that lies outside the program."""
    try:
        text = decoded(read_bytes(file, most=CODE_BYTES, inside=checkout))
    except OSError:
        return NOTHING
    tree = parse(text)
    if isinstance(tree, ast.Module):
        return tree
    fault = judged(interpreter_at(python), text, tree)
    if fault is None:
        return NOTHING
    path = file.relative_to(checkout).as_posix()
    message = f"{path} is not valid Python: {fault.message.removeprefix('syntax error: ')}"
    failure = Failure(reason=FailureReason.IMPORT, message=message, path=path, line=fault.line)
    raise TrialFailed(failure)


def _imported(tree: ast.Module, package: str) -> list[str]:
    """Dotted names that the module imports anywhere; package: the one that relative imports start from."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
    return names
