"""Completions for evolverec.toml (sections, keys, values), from the config's schema and the repo's files."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.lsp.config_schema import Key, key_of, schema
from server.lsp.config_text import Place, PlaceKind
from server.shown.repo_files import code_files, functions, logs_below


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One completion item.

    text: replaces the characters start to end of the line
    kind: section, key, value, function, file or metric
    """

    label: str
    text: str
    start: int
    end: int
    kind: str
    detail: str = ""
    documentation: str = ""


def offers(place: Place | None, root: Path, taken: frozenset[str], line: str) -> list[Offer]:
    """Completions at a place, best first.

    root: the repo's folder, whose files are read for keys that name functions or files
    taken: sections already in the text, or keys already in this section
    line: the whole line that the place is in
    """
    if place is None:
        return []
    if place.kind is PlaceKind.SECTION:
        close = "" if place.closed else "]"
        return [_section(name, f"{name}{close}", place) for name in schema() if name not in taken]
    if place.kind is PlaceKind.KEY:
        return _keys(place, taken, line)
    key = key_of(place.section, place.key)
    return _values(key, place, root) if key else []


def _section(name: str, text: str, place: Place) -> Offer:
    keys = ", ".join(schema()[name])
    return Offer(label=text, text=text, start=place.start, end=place.end, kind="section", detail=keys)


def _keys(place: Place, taken: frozenset[str], line: str) -> list[Offer]:
    found = [
        Offer(
            label=key.name,
            text=key.name if place.closed else f"{key.name} = {key.default or _empty(key)}",
            start=place.start,
            end=place.end,
            kind="key",
            detail=key.type + ("" if key.required else f", default {key.default}"),
            documentation=key.description,
        )
        for key in schema().get(place.section, {}).values()
        if key.name not in taken or key.name == place.key
    ]
    if line.strip() == place.text:  # nothing else on the line: a section may begin here too
        found += [_section(name, f"[{name}]", place) for name in schema() if name != place.section]
    return found


def _empty(key: Key) -> str:
    return "[]" if key.many else '""' if key.text else ""


def _values(key: Key, place: Place, root: Path) -> list[Offer]:
    special = SPECIAL.get((key.section, key.name))
    if special is not None:
        return special(key, place, root)
    values = key.values or key.examples or ((key.default,) if key.default else ())
    return [_value(value, key, place, "value") for value in values]


def _value(value: str, key: Key, place: Place, kind: str, detail: str = "") -> Offer:
    """A value as a completion, with the quotes and brackets that the text lacks around it."""
    text = value
    if place.quote:
        text += "" if place.closed else place.quote
    elif key.text or key.many:
        text = json.dumps(value, ensure_ascii=False)
    if key.many and not place.listed:
        text = f"[{text}]"
    return Offer(
        label=value,
        text=text,
        start=place.start,
        end=place.end,
        kind=kind,
        detail=detail,
        documentation=key.description,
    )


def _entries(key: Key, place: Place, root: Path) -> list[Offer]:
    return [
        _value(function.entry, key, place, "function", f"{function.path}, line {function.line + 1}")
        for function in functions(root)
    ]


def _sources(key: Key, place: Place, root: Path) -> list[Offer]:
    named = [_value(name, key, place, "value", "built-in shop") for name in key.examples]
    return named + [_value(path, key, place, "file") for path in logs_below(root, place.typed)]


def _editable(key: Key, place: Place, root: Path) -> list[Offer]:
    paths = code_files(root)
    folders = sorted({path.rpartition("/")[0] for path in paths} - {""})
    return [_value(name, key, place, "file") for name in ("*.py", *(f"{f}/*.py" for f in folders), *paths)]


def _expression(key: Key, place: Place, root: Path) -> list[Offer]:
    """Inside the string: metrics, each a term of the sum. Outside of a string: the whole default expression."""
    from evolution.domain.objective import ACCURACY, CUTOFFS, session_metrics

    if not place.quote:
        return [_value(str(json.loads(key.default)), key, place, "value")]
    of_lists = [_term(f"{name}@{k}", key, place) for name in ACCURACY for k in CUTOFFS]
    return [*of_lists, *(_term(name, key, place) for name in session_metrics())]


def _guardrails(key: Key, place: Place, root: Path) -> list[Offer]:
    """Whole example guardrails first; inside a string also metric names, and after a name the limits it may have."""
    from evolution.domain.objective import ACCURACY, CUTOFFS, LISTS, session_metrics

    whole = [_value(example, key, place, "value") for example in key.examples]
    if not place.quote:
        return whole
    if re.fullmatch(r"\s*[\w@]*", place.typed):
        of_lists = (f"{name}@{k}" for name in (*LISTS, *ACCURACY) for k in CUTOFFS)
        named = ("cost", "memory", *of_lists, *session_metrics())
        return [*whole, *(_term(name, key, place) for name in named)]
    costs = place.typed.split()[:1] in (["cost"], ["memory"])
    limits = ("<= 2 * parent",) if costs else (">= 0.2", ">= 0.9 * parent")
    return [_term(limit, key, place) for limit in limits if re.fullmatch(r"\s*[\w@]+\s+", place.typed)]


def _term(text: str, key: Key, place: Place) -> Offer:
    """A completion that replaces only the word around the cursor, not the rest of the string."""
    before = re.search(r"[A-Za-z][\w@]*$", place.typed)
    after = re.match(r"[\w@]*", place.text[len(place.typed) :])
    column = place.start + len(place.typed)
    return Offer(
        label=text,
        text=text,
        start=column - len(before.group() if before else ""),
        end=column + len(after.group() if after else ""),
        kind="metric",
        documentation=key.description,
    )


Values = Callable[[Key, Place, Path], list[Offer]]
SPECIAL: dict[tuple[str, str], Values] = {
    ("recommender", "entry"): _entries,
    ("recommender", "editable"): _editable,
    ("data", "source"): _sources,
    ("objective", "expression"): _expression,
    ("objective", "guardrails"): _guardrails,
}
