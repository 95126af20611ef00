"""The lines of an adapter that write the training events where the program reads its data."""

import ast
import json
import posixpath

from evolution.adopting.data_files import DataFile
from evolution.adopting.file_heads import described
from evolution.adopting.findings_of_repo import Adoption
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.row_format import RowFormat

MOST_FILES = 8
Line = tuple[str, str]  # code and its reason; a gap has no code


def data_lines(found: Adoption) -> tuple[list[Line], set[str]]:
    """The lines, and the modules that they need."""
    if found.program is None:
        return [], set()
    files = [one for one in found.files if one.path]
    lines: list[Line] = []
    imports: set[str] = set()
    train = next((one for one in files if not one.held_out), None)
    if train is None:
        lines.append(("", _gap_of_data(found)))
    for one in files[:MOST_FILES]:
        told = _line(found, one, first=one is train)
        if told is not None:
            lines.append(told)
            imports |= {"json"} if "json." in told[0] else set()
    return lines, imports


def _gap_of_data(found: Adoption) -> str:
    unclear = [one for one in found.files if not one.path][:3]
    said = "; ".join(f"{one.place} reads {one.outside or one.text}" for one in unclear)
    return (
        'kit.write_events(PATH, data, columns=("user", "item"), sep=" "): the file that the program trains on'
        + (f". Which it is was not found out: {said}" if said else ". No call that reads one was found")
    )


def _line(found: Adoption, file: DataFile, *, first: bool) -> Line | None:
    form = file.format
    about, names = described(found.repo.root, file.path)
    if about:
        words = f"write {file.path} with kit.write_text: a line for each {about} of evolverec's, columns {', '.join(names)}"
        return "", f"{words}; {file.place} reads it, and its ids are those of your log"
    if _is_read_afterwards(found, file):
        return None
    why = f"{form.why if form else 'no loop over its lines was understood'}; opened at {file.place}"
    if form is None or form.kind == "unclear":
        if not file.held_out:
            parts = f", which has {', '.join(map(str, form.columns))}" if form and form.columns else ""
            words = f"write {file.path} in the form that {file.place} reads{parts}, with kit.write_events or kit.write_text"
            return ("", words) if first or form is not None else None
        return (
            f'kit.write_text({_q(file.path)}, "")',
            f"{file.place} reads it to evaluate, which evolverec does itself: no events",
        )
    numbering = found.numbering
    dense = numbering is not None and numbering.counts_distinct and not numbering.renumbers
    ids = ", ids=ids" if _shifted(found) else ', ids=kit.Ids(data, order="sorted")' if dense else ""
    held = f", held_out={found.held_out[0]}" if found.held_out[0] and not file.held_out else ""
    why += f"; {found.held_out[1]} holds out {found.held_out[0]} of each user" if held else ""
    why += (
        "; the repo's own held-out part, which evolverec keeps from it: each user's last training event stands here"
        if file.held_out
        else ""
    )
    return _written(file, form, ids, held), why


def _is_read_afterwards(found: Adoption, file: DataFile) -> bool:
    """Whether the program reads the file when it has trained, such as its own figures."""
    return any(
        file.unit is unit and file.line > getattr(call, "end_lineno", file.line)
        for unit, call in found.programs[0].chain
        if isinstance(call, ast.Call)
    )


def _written(file: DataFile, form: RowFormat, ids: str, held: str) -> str:
    path, last = _q(file.path), ", last=1" if file.held_out else ""
    if file.path.endswith(".inter"):  # RecBole's form, whose head the kit writes
        return f'kit.write_events({path}, data, columns=("user", "item", "time"){ids}{held}{last})'
    match form.kind:
        case "rows":
            columns = "" if form.columns == ("user", "item") else f", columns={_tuple(form.columns)}"
            sep = "" if form.sep == "\t" else f", sep={_q(form.sep)}"
            header = f", header={_tuple(form.header)}" if form.header else ""
            # Suffixes that the kit would take for something else than rows.
            kind = (
                ', kind="rows"'
                if posixpath.splitext(file.path)[1] in (".json", ".pkl", ".npz", ".npy")
                else ""
            )
            return f"kit.write_events({path}, data{columns}{sep}{header}{ids}{held}{last}{kind})"
        case "jsonl":
            kind = "" if file.path.endswith(".jsonl") else ', kind="jsonl"'
            return f"kit.write_events({path}, data, columns={_tuple(form.columns)}, header={_tuple(form.header)}{ids}{held}{last}{kind})"
        case "lists":
            return f'kit.write_events({path}, data, kind="lists"{ids}{held}{last})'
        case "sequences":
            sep = "" if form.sep == " " else f", sep={_q(form.sep)}"
            return f'kit.write_events({path}, data, kind="lists", columns=("item",){sep}{ids}{held}{last})'
        case "items":
            return f'kit.write_events({path}, data, columns=("item",){ids}, last=1)'
        case "catalogue":
            about = (
                "user"
                if role_of(posixpath.basename(file.path)) == "user" or "uid" in words_of(file.path)
                else "item"
            )
            return f'kit.write_text({path}, "".join(f"{{i}}\\n" for i in range(data.n_{about}s)))'
        case "json" if form.columns:
            counts = ", ".join(f"{_q(str(key))}: {_count(str(key))}" for key in form.columns)
            return f"kit.write_text({path}, json.dumps({{{counts}}}))"
        case "csr" | "coo" | "array":
            return f'kit.write_events({path}, data, kind="{form.kind}"{ids}{held}{last})'
        case "sessions":
            return f'kit.write_events({path}, data, kind="sessions"{ids}{held}{last})'
        case _:
            return f'kit.write_events({path}, data, kind="dict"{ids}{held}{last})'


def _count(key: str) -> str:
    return (
        "data.n_users"
        if role_of(key) == "user"
        else "data.n_items"
        if role_of(key) == "item"
        else "len(data.users)"
    )


def _shifted(found: Adoption) -> bool:
    """Whether what is written has other ids than evolverec's own, which begin with 1."""
    ids = found.numbering
    from_one = ids is not None and (ids.counted_down or (ids.users, ids.items) == (1, 1))
    return ids is not None and not ids.renumbers and not from_one


def _tuple(values: tuple[object, ...]) -> str:
    return (
        "("
        + ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
        + ("," if len(values) == 1 else "")
        + ")"
    )


def _q(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
