"""The first rung: what the entry imports from the program is Python. Costs milliseconds, starts nothing.

Files that the entry does not reach are left alone: a repo may keep templates or scripts of another time.
"""

import ast
from pathlib import Path

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.failing import TrialFailed


def parse_reachable(checkout: Path, entry: str) -> None:
    """entry: "module:function". Raises TrialFailed: import, naming file and line of what is not Python."""
    waiting, known = [entry.partition(":")[0]], set[Path]()
    while waiting:
        name = waiting.pop()
        for file in _files_of(checkout, name):
            if file in known:
                continue
            known.add(file)
            waiting += _imported(
                _parsed(checkout, file), name if file.name == "__init__.py" else name.rpartition(".")[0]
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
                if file.is_file()
            ]
    return found


def _parsed(checkout: Path, file: Path) -> ast.Module:
    path = file.relative_to(checkout).as_posix()
    try:
        return ast.parse(file.read_bytes(), filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deeply
        line = getattr(error, "lineno", 0) or 0
        message = f"{path} is not valid Python: {getattr(error, 'msg', error) or type(error).__name__}"
        failure = Failure(reason=FailureReason.IMPORT, message=message, path=path, line=line)
        raise TrialFailed(failure) from None


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
