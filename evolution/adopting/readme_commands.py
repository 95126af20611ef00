"""The commands by which a repo's README, scripts and installed entries start its programs."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from seeds.reading import parse_toml, read_text

MOST_CHARACTERS = 400_000
_COMMAND = re.compile(
    r"(?:^|[\s`$>(])(?:CUDA_VISIBLE_DEVICES=\S+\s+)?(?:python[\d.]*|accelerate launch|torchrun)\s+(-m\s+)?([\w./-]+)([^\n`]*)"
)
_FOLDER = re.compile(r"(?:^|[\s`$>;&])cd\s+([\w./-]+)")
_PLACEHOLDER = re.compile(
    r"[<>\[\]$…{}*]|\.\.\.|(^|[/=])(path|your|my)[_-]?(to|path|dir|folder|data|dataset)?(/|$)", re.I
)
_LIST = re.compile(r"\[[-+\d.eE,\s'\"]*\]")  # of numbers


@dataclass(frozen=True, kw_only=True)
class StartCommand:
    """script: relative to `cwd`, or a module with dots. arguments: what follows it. line: of the file `path`."""

    script: str
    arguments: tuple[str, ...]
    cwd: str
    path: str
    line: int


def start_commands(root: Path, others: tuple[str, ...]) -> list[StartCommand]:
    """Commands in READMEs and shell scripts of the repo, in the order of the files."""
    found: list[StartCommand] = []
    texts = [p for p in others if _tells(p)]
    for path in sorted(texts, key=lambda p: (p.count("/"), not p.lower().startswith("readme"), p))[:40]:
        try:
            text = read_text(root / path, most=MOST_CHARACTERS, inside=root, errors="replace")
        except OSError:
            continue
        found += _commands(path, text)
    return found


def _tells(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith("readme") or name.endswith((".sh", ".bat")) or name == "makefile"


def _commands(path: str, text: str) -> list[StartCommand]:
    found, cwd = list[StartCommand](), ""
    joined = text.replace("\\\n", "  ")
    for number, line in enumerate(joined.splitlines(), start=1):
        if folder := _FOLDER.search(line):
            cwd = folder.group(1).strip("./").removesuffix("/")
        for module, script, rest in _COMMAND.findall(line):
            if not module and not script.endswith((".py", ".ipynb")):
                continue
            try:
                words = shlex.split(rest, comments=True)
            except ValueError:
                words = rest.split()
            found.append(
                StartCommand(
                    script=script.removeprefix("./"), arguments=_plain(words), cwd=cwd, path=path, line=number
                )
            )
    return found


def _plain(words: list[str]) -> tuple[str, ...]:
    """The words of a command up to a pipe; placeholders such as <dataset>, [OPTIONS] or $1 say nothing, nor do their flags."""
    kept: list[str] = []
    for word in words:
        if word in ("|", ">", "&", "&&", ";", "2>&1", ">>"):
            break
        optional = word.startswith(("[", "-")) or word.endswith("]")  # [--flag VALUE]
        if not is_placeholder(word):
            kept.append(word.rstrip(";"))
        elif kept and not optional and kept[-1].startswith("-") and "=" not in kept[-1]:
            kept.pop()
    return tuple(kept)


def is_placeholder(word: str) -> bool:
    """Whether a word of a command stands for another: <dataset>, [OPTIONS], $1, path/to/data; [64,64] is a value."""
    return bool(_PLACEHOLDER.search(word)) and not _LIST.fullmatch(word.rpartition("=")[2])


def installed_entries(root: Path, others: tuple[str, ...]) -> list[tuple[str, str]]:
    """("package.module:function", file) of the programs that the repo installs."""
    found: list[tuple[str, str]] = []
    if "pyproject.toml" in others:
        try:
            told = parse_toml(read_text(root / "pyproject.toml", most=64_000, inside=root))
            scripts = {
                **told.get("project", {}).get("scripts", {}),
                **told.get("tool", {}).get("poetry", {}).get("scripts", {}),
            }
            found += [
                (str(one), "pyproject.toml")
                for one in scripts.values()
                if isinstance(one, str) and ":" in one
            ]
        except (OSError, ValueError, AttributeError, TypeError):
            pass  # what cannot be read, or has another shape, names no program
    for path in ("setup.py", "setup.cfg"):
        try:
            text = read_text(root / path, most=64_000, inside=root)
        except (OSError, ValueError):
            continue
        part = text[text.find("console_scripts") :] if "console_scripts" in text else ""
        found += [(f"{m}:{f}", path) for m, f in re.findall(r"=\s*([\w.]+):(\w+)", part)]
    return found
