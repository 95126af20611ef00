"""Finds the class of the model: the one that makes the item table in the traced step, else the one the entry returns.

Lines are matched by regular expressions: parsing a long file takes long, and fails while somebody types.
"""

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from diagnosis.findings import Role, Site
from diagnosis.syntax import parsed
from server.lsp.positions import lines_of
from server.shown.edited import Read, has_blob
from server.shown.repo_files import module_file

_CLASS = re.compile(r"(?P<indent>[ \t]*)class[ \t]+(?P<name>\w+)")
_FROM = r"^from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(?:\([^)]*|[^\n]*)\b{}\b"


def find_model(
    root: Path, entry: tuple[str, int | None], sites: Iterable[Site], measured: Mapping[str, str], read: Read
) -> tuple[str, int] | None:
    """(path, line from 0) of the model's class in the current text; None if it cannot be determined.

    entry: path and line of the entry function
    measured: path -> text of the files as they were measured
    """
    for site in sites:
        if site.role is Role.ITEM_TABLE and site.path in measured:
            name = class_around(lines_of(measured[site.path]), site.start_line - 1)
            line = class_line(read(site.path) or "", name) if name else None
            if line is not None:
                return site.path, line
    path, line = entry
    return _returned(root, path, line, read) if line is not None else None


def class_around(lines: tuple[str, ...], row: int) -> str:
    """The name of the outermost class around a line (row from 0), "" if there is none."""
    found = ""
    indent = len(lines[row]) - len(lines[row].lstrip()) if row < len(lines) else 0
    for line in reversed(lines[:row]):
        if not line.strip() or (deep := len(line) - len(line.lstrip())) >= indent:
            continue
        indent = deep
        if head := _CLASS.match(line):
            found = head["name"]
        if indent == 0:
            break
    return found


def class_line(text: str, name: str) -> int | None:
    """The line (from 0) of a top-level class with this name; None if the text has none."""
    head = re.search(rf"^class[ \t]+{re.escape(name)}\b", text, re.MULTILINE)
    return text.count("\n", 0, head.start()) if head else None


def _returned(root: Path, path: str, line: int, read: Read) -> tuple[str, int] | None:
    text = read(path) or ""
    for name in made(function_text(lines_of(text), line)):
        if (found := class_line(text, name)) is not None:
            return path, found
        other = _imported_from(root, path, text, name)
        if other and (found := class_line(read(other) or "", name)) is not None:
            return other, found
    return None


def function_text(lines: tuple[str, ...], row: int) -> str:
    """The text of the top-level function that begins at `row`, with its body."""
    end = row + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t)#"):
        end += 1
    return "\n".join(lines[row:end])


def made(function: str) -> list[str]:
    """Names that a function calls: those in its return value first, followed through one variable, then the rest."""
    body = parsed(textwrap.dedent(function))
    if body is None:
        return []
    assigned = {
        target.id: node.value
        for node in ast.walk(body)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    returned = [node.value for node in ast.walk(body) if isinstance(node, ast.Return) and node.value]
    values = [assigned.get(value.id, value) if isinstance(value, ast.Name) else value for value in returned]
    called = [node for value in (*values, body) for node in ast.walk(value) if isinstance(node, ast.Call)]
    names = [
        call.func.id if isinstance(call.func, ast.Name) else call.func.attr
        for call in called
        if isinstance(call.func, ast.Name | ast.Attribute)
    ]
    return list(dict.fromkeys(names))


def _imported_from(root: Path, path: str, text: str, name: str) -> str | None:
    found = re.search(_FROM.format(re.escape(name)), text, re.MULTILINE)
    if not found:
        return None
    module = found[1]
    if module.startswith("."):
        folder = path.split("/")[: -len(module) + len(module.lstrip("."))]
        module = ".".join([*folder, module.lstrip(".")]).strip(".")
    return module_file(root, module)


def measured_texts(
    files: Mapping[str, str], sources: Mapping[str, str], read: Read, paths: Iterable[str]
) -> dict[str, str]:
    """path -> text as it was measured, for those of `paths` whose measured text is known.

    files: path -> blob of the measured program
    sources: blob -> text of stored files
    """
    found: dict[str, str] = {}
    for path in paths:
        blob = files.get(path, "")
        if blob in sources:
            found[path] = sources[blob]
        elif has_blob(text := read(path), blob, sources):
            found[path] = text or ""
    return found
