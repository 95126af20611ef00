"""The text of an adapter: the kit's calls with what was found, each guess with its reason beside it, gaps as errors."""

import json
import textwrap
from dataclasses import dataclass, field
from typing import Any

from evolution.adopting.adapter_data import data_lines
from evolution.adopting.arguments import DEVICE, ON_GPU, ON_GPU_TEXT, SEED
from evolution.adopting.data_files import NEW_FOLDER
from evolution.adopting.findings_of_repo import Adoption
from evolution.adopting.gaps import GAP
from evolution.adopting.recbole_run import (
    ITS_OWN,
    RENUMBERS,
    all_items,
    atomic_files,
    numbering_of_run,
)
from evolution.adopting.training import unreached_loops

WIDTH = 100  # of a line of an adapter; code alone may be longer
HEAD = '''"""Plugs this repo into evolverec: trains it by its own program and asks its model for scores.

Drafted by `evolverec init` from the code, of which nothing was run. Yours to change: what you edit is never overwritten.
Beside each guess stands where it was read. The calls are explained in evolverec_kit.py.
"""
'''
COMPLETED_HEAD = HEAD.replace(
    "from the code, of which nothing was run.",
    "from the code, and completed by {model} until the checks passed.",
).replace(
    "Beside each guess stands where it was read.",
    "Beside each line stands where it was read, or where the model says it was.",
)


@dataclass
class _Lines:
    """Lines of `build`, and the imports that they need."""

    body: list[str] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)

    def add(self, code: str, why: str = "") -> None:
        """why: stands behind the code where the line has room for it, else above it."""
        line = f"    {code}"
        if len(line) + len(why) + 4 <= WIDTH or not why:
            self.body.append(line + (f"  # {why}" if why else ""))
            return
        beside = line[: len(line) - len(line.lstrip())] + "# "
        self.body += textwrap.wrap(
            why, WIDTH, initial_indent=beside, subsequent_indent=beside, break_long_words=False
        )
        self.body.append(line)

    def gap(self, words: str) -> None:
        self.add(f"raise NotImplementedError({json.dumps(GAP + words, ensure_ascii=False)})")


FRAMEWORKS = {
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "jax": "JAX",
    "mxnet": "MXNet",
    "paddle": "PaddlePaddle",
    "theano": "Theano",
    "mindspore": "MindSpore",
}


def adapter_text(found: Adoption) -> str:
    """The adapter of a repo. What was not found is a line that raises and says what to put in its place."""
    lines = _Lines()
    lines.add("kit.seed_all(seed)")
    for part in (_ids, _data, _program, _score):
        part(found, lines)
    imports = "".join(f"import {name}\n" for name in sorted(lines.imports & {"collections", "json"}))
    third = "".join(
        f"import {name}\n" for name in ("numpy as np", "torch") if name.split()[0] in lines.imports
    )
    head = "\n".join(part for part in (imports, third) if part)
    parts = [HEAD, head, "import evolverec_kit as kit\n\n"]
    return (
        "\n".join(part for part in parts if part)
        + "\ndef build(data, *, device, seed):\n"
        + "\n".join(lines.body)
        + "\n"
    )


def _ids(found: Adoption, lines: _Lines) -> None:
    ids = found.numbering
    if ids is None or found.recbole is not None:
        return
    if found.needs_n:
        told = (
            "data.n_items" if not (ids.renumbers or ids.counts_distinct) else "len(set(data.items.tolist()))"
        )
        lines.add(f"n = {told}", "items, as the program counts them")
    if not ids.item_map:
        lines.add(f"ids = kit.Ids(data, {', '.join(_of_ids(found))})", "; ".join(ids.whys))


def _of_ids(found: Adoption) -> list[str]:
    ids = found.numbering
    assert ids is not None
    given = (
        [f"users={ids.users}", f"items={ids.items}"]
        if (ids.users, ids.items) != (1, 1) and not ids.item_map
        else []
    )
    order = "sorted" if ids.counts_distinct else ids.order
    given += [f'order="{order}"'] if order and not ids.item_map else []
    if not found.uses_histories:
        given.append("padding=None")
    elif ids.padding != 0:
        given.append(f"padding={json.dumps(ids.padding)}")
    given += [f"length={ids.length}"] if ids.length and found.uses_histories else []
    given += [f'side="{ids.side}"'] if ids.side != "left" and found.uses_histories else []
    return given or ["users=1", "items=1"]


def _data(found: Adoption, lines: _Lines) -> None:
    if found.recbole is not None:
        for line, why in atomic_files(found.recbole):
            lines.add(line, why) if line else lines.gap(why)
        return
    code, imports = data_lines(found)
    lines.imports |= imports
    for line, why in code:
        if line:
            lines.add(line, why)
        else:
            lines.gap(why)


def _program(found: Adoption, lines: _Lines) -> None:
    program = found.program
    if program is None:
        lines.gap(_without_program(found))
        return
    arguments = [(_quoted(program.script), program.why)]
    if found.command.words:
        arguments.append(
            (f"argv=[{', '.join(_words(found.command.words, found.command.flags))}]", found.command.why)
        )
    for option in found.command.gaps:
        lines.gap(
            f"a value for {option.flag} ({option.place}) in argv of kit.Program below; the program needs it"
        )
    if program.cwd not in ("", "."):
        arguments.append((f"cwd={_quoted(program.cwd)}", ""))
    end = program.end
    if end.loop is not None:
        arguments.append((f"loop={end.loop!r}".replace("'", '"'), end.why))
    elif end.at:
        arguments.append((f"at={_quoted(end.at)}", end.why))
    else:
        arguments.append((f"every={end.every}", f"{end.why}; so many steps are told as an epoch"))
    if left_out := found.left_out:
        told = "{" + ", ".join(f"{_quoted(one.name)}: {one.gives}" for one in left_out) + "}"
        lines.imports |= {"collections"} if "collections." in told else set()
        lines.imports |= {"numpy"} if "np." in told else set()
        alone = len(left_out) == 1 and left_out[0].gives == "None"
        code = f"skip={_quoted(left_out[0].name)}" if alone else f"skip={told}"
        why = "; ".join({one.why: f"{one.place} {one.why}" for one in reversed(left_out)}.values())
        arguments.append((code, why))
    arguments += _replaced(found)
    if found.recbole is not None and found.recbole.dataset == ITS_OWN:
        arguments.append(
            (
                f'paths={{"recbole:dataset_example": "{NEW_FOLDER}"}}',
                f"RecBole reads {ITS_OWN} from its own folder",
            )
        )
    if found.answers:
        arguments.append((f"answers={found.answers!r}".replace("'", '"'), "what input() is told"))
    if found.stubs:
        arguments.append(
            (
                f"stubs={found.stubs!r}".replace("'", '"'),
                "not needed for training, so that programs run without them",
            )
        )
    lines.add("run = kit.Program(")
    for code, why in arguments:
        lines.add(f"    {code},", why)
    lines.add(")")


def _without_program(found: Adoption) -> str:
    """What is to be filled in where no script was seen to train, with the loops that train all the same."""
    said = "run = kit.Program(SCRIPT, loop=VARIABLE): the script that trains, and the variable of its loop over epochs. "
    loops = unreached_loops(found.repo)
    if not loops and (other := _other_framework(found)):
        return f"{said}The code trains with {other}, which evolverec neither traces nor patches: it drives PyTorch and numpy"
    if not loops:
        return f"{said}No loop around a backward pass was found from the repo's scripts"
    shown = f"{loops[0].loop!r}".replace("'", '"')
    more = f", and {len(loops) - 1} others train likewise" if len(loops) > 1 else ""
    first = loops[0].unit
    owner = first.owner.name if first is not None and first.owner is not None else ""
    taken = f". init --train {first.file.path}:{owner} drafts for it" if first is not None and owner else ""
    return (
        f"{said}No script was seen to reach code that trains, perhaps as it makes its model by a name; {loops[0].why}: "
        f"loop={shown}{more}{taken}"
    )


def _other_framework(found: Adoption) -> str:
    """The library that the repo's code trains with where it imports no torch: "TensorFlow"; "" for torch, or none that is known."""
    imported = {
        module.partition(".")[0] for file in found.repo.files.values() for module, _ in file.imports.values()
    }
    known = "" if "torch" in imported else next((one for one in FRAMEWORKS if one in imported), "")
    return FRAMEWORKS.get(known, "")


def _replaced(found: Adoption) -> list[tuple[str, str]]:
    """Arguments of `kit.Program` that put the log's own folders and numbers in the place of what the code names."""
    given: list[tuple[str, str]] = []
    named = {one.constant: _quoted(one.new) for one in found.moved if one.constant}
    named |= {one.name: one.code for one in found.sizes}
    if found.named is not None and found.named.field:
        named[found.named.field] = _quoted(found.named.name)
    folders = {one.old: _quoted(one.new) for one in found.moved if not one.constant}
    away = [f"{found.moved[0].place} names a folder outside of the repo"] if found.moved else []
    counted = [f"{one.place} counts other data" for one in found.sizes]
    for keyword, pairs, whys in (("values", named, [*away, *counted]), ("paths", folders, away)):
        if pairs:
            told = ", ".join(f"{_quoted(name)}: {code}" for name, code in pairs.items())
            given.append((f"{keyword}={{{told}}}", "; ".join(whys)))
    return given


def _words(words: tuple[tuple[str, Any], ...], flags: frozenset[str]) -> list[str]:
    """Code for each word of a command line. flags: options that take no value."""
    told: list[str] = []
    for flag, value in words:
        if value is ON_GPU and flag in flags:
            told.append(f'*([{_quoted(flag)}] if device != "cpu" else [])')
        elif value in (DEVICE, ON_GPU, ON_GPU_TEXT, SEED):
            told += [_quoted(flag)] if flag.startswith("-") else []
            code = {DEVICE: "device", SEED: "seed", ON_GPU_TEXT: '"1" if device != "cpu" else ""'}
            told.append(code.get(value, 'str(device != "cpu")'))
        elif not flag.startswith("-"):
            told.append(_quoted(str(value)))
        else:
            told.append(_quoted(f"{flag}={value}" if value != "" and flag.startswith("--") else flag))
            told += [_quoted(str(value))] if value != "" and not flag.startswith("--") else []
    return told


def _score(found: Adoption, lines: _Lines) -> None:
    model, way, ids = found.model, found.way, found.numbering
    if found.recbole is not None and (model is None or found.recbole.named_model):
        lines.add("return kit.Recommender(")
        lines.add(
            '    data, run, model="trainer.model",',
            f"{found.recbole.named_model or 'a model'} of RecBole, which its trainer holds",
        )
        lines.add(f"    score={all_items(found.recbole)},")
        lines.add(f"    ids={numbering_of_run(found.recbole)},", RENUMBERS)
        lines.add(")")
        return
    if model is None or way is None or not way.kind:
        why = (
            way.why
            if way is not None
            else "no class with torch.nn.Module as its base was found in the repo"
            if model is None
            else f"that of {model.name} ({model.place}) is read once it is known what trains"
        )
        lines.gap(
            f"return kit.Recommender(data, run, model=VARIABLE, score=kit.scores...): how the model is asked for scores; {why}"
        )
        return
    if not model.variable:
        lines.gap(
            f"model= of kit.Recommender below: the variable of the program that holds {model.name} ({model.place})"
        )
    if any("torch." in line for line in (*way.before, way.code)):
        lines.imports.add("torch")
    if any("np." in line for line in way.before):
        lines.imports.add("numpy")
    for number, line in enumerate(way.before):
        lines.add(line, way.why if number == 0 and "#" not in line else "")
    lines.add("return kit.Recommender(")
    lines.add(f"    data, run, model={_quoted(model.variable or 'FILL_IN')},", model.why)
    lines.add(
        f"    score={all_items(found.recbole) if found.recbole else way.code},",
        way.why if not way.before else "",
    )
    if found.recbole is not None:
        lines.add(f"    ids={numbering_of_run(found.recbole)},", RENUMBERS)
    elif ids is not None:
        lines.add(
            f"    ids={_late_ids(found) if ids.item_map else 'ids'},",
            "; ".join(ids.whys) if ids.item_map else "",
        )
    if way.table:
        lines.add(f"    table={way.table},", way.why_table)
    if way.kept:
        lines.add(f"    kept=({', '.join(map(_quoted, way.kept))},),", "made by each step, and no parameters")
    lines.add(")")


def _late_ids(found: Adoption) -> str:
    ids = found.numbering
    assert ids is not None
    users = [f'users=run["{ids.user_map}"]'] if ids.user_map else [f"users={ids.users}"]
    rest = [one for one in _of_ids(found) if not one.startswith(("users", "items"))]
    return f'lambda: kit.Ids(data, {", ".join([*users, f"""items=run["{ids.item_map}"]""", *rest])})'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def counted_lines(text: str) -> int:
    """Lines of an adapter that are neither blank, comments, nor its first docstring."""
    body = text.split('"""', 2)[2] if text.startswith('"""') else text
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in body.splitlines())
