"""The lines of a repo's evaluation that a deviation rests on: by the static rules, and where it draws candidates."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from diagnosis.figures.protocols import Among, Ties, Worth
from diagnosis.rules.check import check_sources
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.draws import is_draw
from diagnosis.rules.judging import judges, made_for_judges, speaks_of_metrics
from diagnosis.rules.source import Function, Loop, ParsedFile, read_source

Deviation = Among | Ties | Worth
CODES: Mapping[Deviation, tuple[str, ...]] = {
    Among.ALL: ("seen-items-ranked",),
    Ties.WON: ("target-always-first", "ties-broken-by-item"),
    Worth.IDEAL_OF_K: ("ideal-gain-of-k-hits",),
    Worth.BY_K: ("recall-divided-by-k",),
}
DRAWN = (Among.SAMPLED_100, Among.SAMPLED_1000, Among.POPULAR_100)


@dataclass(frozen=True, kw_only=True, order=True)
class CodeLine:
    """A line of the repo, from 1."""

    path: str
    line: int


def lines_of(deviations: Sequence[Deviation], sources: Mapping[str, str]) -> dict[Deviation, list[CodeLine]]:
    """Deviation -> the lines that are seen to bring it about, [] where none is. sources: path -> text, the repo whole."""
    hits = check_sources(sources)
    drawn = list(_draws(sources)) if any(deviation in DRAWN for deviation in deviations) else []
    return {
        deviation: drawn
        if deviation in DRAWN
        else [CodeLine(path=h.path, line=h.start_line) for h in hits if h.code in CODES.get(deviation, ())]
        for deviation in deviations
    }


def _draws(sources: Mapping[str, str]) -> Iterator[CodeLine]:
    """Where functions that judge, or make what judging needs, draw items; a draw of the users to judge is none."""
    read = [read_source(path, text) for path, text in sources.items() if path.endswith(".py")]
    files = tuple(file for file in read if file is not None)
    repo = Codebase(files=files, whole=len(files) == len(read))
    seen: set[CodeLine] = set()
    for file in filter(speaks_of_metrics, files):
        made = made_for_judges(file, repo)
        for function in (f for f in file.functions if f in judges(repo) or f in made):
            for call in file.calls_in(function):
                line = CodeLine(path=file.path, line=call.lineno)
                if is_draw(file, call) and not _draws_users(file, function, call) and line not in seen:
                    seen.add(line)
                    yield line


def _draws_users(file: ParsedFile, function: Function, call: ast.Call) -> bool:
    """Whether what is drawn is gone through one by one by a loop of the same function, outside of any other loop."""
    around = list(file.around(call))
    if any(isinstance(node, Loop) for node in around[: around.index(function)]):
        return False
    taken = {name for node in around if isinstance(node, ast.Assign) for name in map(_name, node.targets)}
    loops = [node for node in file.loops if file.function_of(node) is function and isinstance(node, ast.For)]
    return any(_name(loop.iter) in taken or call in ast.walk(loop.iter) for loop in loops)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
