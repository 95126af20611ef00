"""Prompt files: loaded by name, rendered with every value required, and refused if they would reveal a secret.

A file of `prompts/` has a front matter between two lines `+++` (`role`, `version`), then a part `# system` and a part
`# user`. The version is part of every exchange's identity: raise it when the text changes.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.errors import UnsafePrompt
from evolution.llm.settings import ROLES
from evolution.llm.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER = Path(__file__).parent / "prompts"
PARTS = ("system", "user")
SHORTEST_SECRET = (
    8  # characters; a shorter key is a local endpoint's placeholder, and may be an everyday word
)
KEY_VARIABLES = ("EVOLVEREC_LLM_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt file.

    parts: template by name of the part.
    """

    name: str
    role: str
    version: int
    parts: "Mapping[str, Template]"

    def render(self, values: Mapping[str, Any]) -> list[dict[str, str]]:
        """The messages. Raises jinja2.UndefinedError if a value is missing."""
        texts = {part: printable(self.parts[part].render(values).strip()) for part in PARTS}
        return [{"role": part, "content": text} for part, text in texts.items()]


def prompt_names() -> list[str]:
    """Names of all prompt files, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of this name. Raises KeyError if it has no file, ValueError if the file is not well-formed."""
    path = FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        raise KeyError(f"no prompt {name!r}; there are {', '.join(prompt_names())}")
    return parse_prompt(name, path.read_text(encoding="utf-8"))


def parse_prompt(name: str, text: str) -> Prompt:
    """The prompt in a file's text. Raises ValueError if the text is not well-formed."""
    match = re.fullmatch(r"\+\+\+\n(.*?)\+\+\+\n# system\n(.*?)\n# user\n(.*)", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{name}.md: expected front matter between lines +++, then # system, then # user")
    front = tomllib.loads(match[1])
    if (
        set(front) != {"role", "version"}
        or front["role"] not in ROLES
        or not isinstance(front["version"], int)
    ):
        raise ValueError(f"{name}.md: expected role, one of {', '.join(ROLES)}, and version, a number")
    parts = {part: _environment().from_string(match[place]) for place, part in enumerate(PARTS, start=2)}
    return Prompt(name=name, role=front["role"], version=front["version"], parts=parts)


@cache
def _environment() -> "Environment":
    """Renders without escaping: prompts are plain text, and their own words fence the data in them."""
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The last check that a prompt reveals no secret.

    forbidden: (what it is, in words; a pattern that finds it).
    """

    forbidden: tuple[tuple[str, re.Pattern[str]], ...]

    def check(self, name: str, messages: list[dict[str, str]]) -> None:
        """Raises UnsafePrompt, which says what would be revealed and where, but not the secret itself."""
        for message in messages:
            for what, pattern in self.forbidden:
                if match := pattern.search(message["content"]):
                    line = message["content"].count("\n", 0, match.start()) + 1
                    raise UnsafePrompt(
                        f"the prompt {name!r} was not sent: line {line} of its {message['role']} part holds {what}; "
                        "if it stands in the repo's own files, take it out of them"
                    )


def guard(*, key: str, repo: Path | None = None) -> Guard:
    """A guard against revealing the key, other keys in the environment, the home folder, and the repo's absolute path."""
    keys = {key, *(os.environ.get(name, "") for name in KEY_VARIABLES)}
    secrets = sorted(text for text in keys if len(text) >= SHORTEST_SECRET)
    folders = [("the path of the home folder", Path.home())]
    folders += [("the absolute path of the repo", repo)] if repo is not None else []
    paths = {(what, str(path)) for what, own in folders for path in (own.absolute(), own.resolve())}
    return Guard(
        forbidden=(
            *(("a key", re.compile(re.escape(text))) for text in secrets),
            *((what, _path_pattern(path)) for what, path in sorted(paths) if len(path) > 1),
        )
    )


def _path_pattern(path: str) -> re.Pattern[str]:
    """Finds a path as a whole or as the beginning of another: /root is found in neither /rooted nor docs/root."""
    return re.compile(rf"(?<![\w.-]){re.escape(path)}(?![\w-])")
