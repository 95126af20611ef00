"""Reads a probe of the user's from its text, without running it and without numpy: a language server does so while it is typed.

\"\"\"Long tail: share of the first ten items that are among the least popular four fifths.\"\"\"
import numpy as np

UNIT = "share of the page"
WARN_BELOW = 0.05

def measure(view):
    tail = view.popularity <= np.quantile(view.popularity[1:], 0.8)
    return tail[view.lists[:, :10]].mean(axis=1)
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from diagnosis.findings import Nature, Severity
from diagnosis.syntax import Hurdle, Unparsed, parse
from diagnosis.user_probes.probe import REFERENCES, Fault, Terms, UserProbe

FUNCTION = "measure"
LONGEST = 200_000  # characters of a probe
LONGEST_WORDS = 2_000  # characters of what a probe says of itself
TOO_LONG = Unparsed(hurdle=Hurdle.LENGTH, message=f"is longer than {LONGEST:,} characters")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DEFINES = re.compile(rf"^def[ \t]+{FUNCTION}\b", re.MULTILINE)


def defines_measure(text: str) -> bool:
    """Whether a text means to be a probe: it defines `measure` at its top level, even if it does not parse yet."""
    return _DEFINES.search(text) is not None


def read_user_probe(path: str, text: str) -> UserProbe:
    """The probe in a file of `probes/`, with what is wrong with it."""
    name = PurePosixPath(path).stem
    tree = parse(text) if len(text) <= LONGEST else TOO_LONG
    if isinstance(tree, Unparsed):
        fault = Fault(line=tree.line, message=tree.message)
        return UserProbe(path=path, text=text, title=name, definition="", faults=(fault,))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == FUNCTION]
    terms, faults = _terms(tree)
    faults += _faults_of_outline(name, functions)
    measure = functions[-1] if functions else None
    definition = (ast.get_docstring(tree) or (ast.get_docstring(measure) if measure else "") or "").strip()
    line = measure.lineno if measure else 1
    return UserProbe(
        path=path,
        text=text,
        title=_title(definition) or name.replace("_", " ").replace("-", " ").capitalize(),
        definition=definition[:LONGEST_WORDS],
        terms=terms,
        measure_line=line,
        return_line=_return_line(measure) or line,
        needs=frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)),
        faults=tuple(sorted(faults, key=lambda fault: fault.line)),
    )


def _title(definition: str) -> str:
    """What stands before the first colon or end of a sentence on the first line."""
    first = definition.split("\n")[0]
    return re.split(r": |\. |\.$|:$", first)[0].strip()[:100]


def _return_line(measure: ast.FunctionDef | None) -> int:
    """The line of the only `return` of a function; 0 if there are several, or none."""
    lines = [node.lineno for node in _own_nodes(measure) if isinstance(node, ast.Return)] if measure else []
    return lines[0] if len(lines) == 1 else 0


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own_nodes(child)


def _faults_of_outline(name: str, functions: list[ast.FunctionDef]) -> list[Fault]:
    faults = []
    if _NAME.fullmatch(name) is None:
        words = f"the file's name {name!r} is the probe's code: expected letters, digits, `_` and `-`"
        faults.append(Fault(line=1, message=words))
    if not functions:
        faults.append(Fault(line=1, message="expected a function `def measure(view):`"))
    for measure in functions[:1]:
        arguments = measure.args
        given = [*arguments.posonlyargs, *arguments.args]
        needed = len(given) - len(arguments.defaults)
        required = [a for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None]
        if not given or needed > 1 or required:
            words = "measure is called with one argument: expected `def measure(view):`"
            faults.append(Fault(line=measure.lineno, message=words))
    return faults


class _WrongTerm(Exception):
    """A constant has another value than it may; the text says what was expected."""


def _words(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_WORDS:
        raise _WrongTerm("a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongTerm("a number")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongTerm("True or False")
    return value


def _one_of(names: Mapping[str, Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, str) or value not in names:
            raise _WrongTerm("one of " + ", ".join(f'"{name}"' for name in names))
        return names[value]

    return checked


def _codes(value: Any) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, tuple | list) or not all(isinstance(code, str) for code in found):
        raise _WrongTerm("a code of a finding, or a tuple of them")
    return tuple(found)


def _by_value(kind: type[StrEnum]) -> dict[str, Any]:
    return {member.value: member for member in kind}


@dataclass(frozen=True, kw_only=True)
class Term:
    """A constant that a probe may set. field: of `Terms`. read: value -> checked value. meaning: for people."""

    field: str
    read: Callable[[Any], Any]
    meaning: str


TERMS: Mapping[str, Term] = {
    "UNIT": Term(field="unit", read=_words, meaning='of the value, such as "share of the page"'),
    "WARN_ABOVE": Term(
        field="warn_above", read=_number, meaning="a value beyond doubt above it is unhealthy"
    ),
    "WARN_BELOW": Term(
        field="warn_below", read=_number, meaning="a value beyond doubt below it is unhealthy"
    ),
    "REFERENCE": Term(
        field="reference",
        read=_one_of({name: name for name in REFERENCES}),
        meaning="a ranker that is measured too: worse than it, beyond doubt, is unhealthy. "
        + ", ".join(REFERENCES),
    ),
    "HIGHER_IS_BETTER": Term(
        field="higher_is_better", read=_truth, meaning="True; False beside WARN_ABOVE alone"
    ),
    "SEVERITY": Term(
        field="severity",
        read=_one_of(_by_value(Severity)),
        meaning="error, warning (the default) or information",
    ),
    "NATURE": Term(
        field="nature", read=_one_of(_by_value(Nature)), meaning="symptom (the default), cause or advice"
    ),
    "EXPLAINS": Term(field="explains", read=_codes, meaning="codes of findings that it brings about"),
    "AT": Term(
        field="at",
        read=_words,
        meaning='where its finding stands: a role such as "loss" or "item_table", "model.py:Net.forward" or "model.py:12"; '
        "else the entry",
    ),
}


def _terms(tree: ast.Module) -> tuple[Terms, list[Fault]]:
    """What the constants at the top of the file say, and which of them are wrong."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value, line in _constants(tree):
        term = TERMS.get(name)
        if term is None:
            meant = get_close_matches(name, TERMS, n=1, cutoff=0.85)
            if meant:
                faults.append(
                    Fault(line=line, message=f"{name} means nothing here; did you mean {meant[0]}?")
                )
            continue
        try:
            found[term.field] = term.read(ast.literal_eval(value))
        except _WrongTerm as wrong:
            faults.append(Fault(line=line, message=f"{name} is {ast.unparse(value)[:100]}; expected {wrong}"))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            words = f'{name} is read without running the file; expected a plain value such as 0.1 or "loss"'
            faults.append(Fault(line=line, message=words))
        if name == "AT":
            found["at_line"] = line
    if "warn_above" in found and "warn_below" not in found:
        found.setdefault("higher_is_better", False)
    return Terms(**found), faults


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr, int]]:
    """(name, value, line) of each assignment to a name in capitals at the top level."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                targets = [target]
            case _:
                continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                yield target.id, value, node.lineno
