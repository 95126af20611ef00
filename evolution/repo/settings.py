"""The user's own settings, which a repo cannot change: interpreter, LLM, literature, trusted repos, this machine's mark.

Settings come from `config.toml` in the user's configuration folder, from the environment
(`EVOLVEREC_PYTHON`, `EVOLVEREC_SLOTS`, those of `evolution/llm/settings.py`) and from flags; a
later one in this order overrides an earlier one.
"""

import json
import os
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolution.base.drafts import draft_name
from evolution.base.errors import UsageError
from evolution.base.given_paths import absolute_path
from evolution.base.kept import write_whole
from evolution.base.locking import alone
from evolution.base.places import answers_lock, user_config_folder
from evolution.literature.settings import LiteratureSettings, literature_settings
from evolution.llm.settings import LlmSettings, llm_settings
from seeds.reading import CONFIG_BYTES, RECORD_BYTES, NotPlain, parse_json, parse_toml, read_text

MARK = re.compile(r"[0-9a-f]{32}")
KEYS = {"python": str, "slots": int, "llm": dict, "literature": dict}


@dataclass(frozen=True, kw_only=True)
class UserSettings:
    """The settings of one user.

    python: the interpreter that runs the repo's code. slots: how many trials run in parallel on CPU.
    llm: None if the user has named no model. literature: the sources that may be searched.
    """

    python: str
    slots: int
    llm: LlmSettings | None = None
    literature: LiteratureSettings = field(default_factory=LiteratureSettings)


def user_settings(*, python: str = "", slots: int = 0) -> UserSettings:
    """The settings, with the flags `python` and `slots` if given ("" and 0 are not given).

    Raises UsageError that names the wrong file or variable and says what was expected.
    """
    stored = _stored()
    return UserSettings(
        python=_chosen(python, stored),
        slots=slots or _slots_from_environment() or int(stored.get("slots", 0)) or default_slots(),
        llm=llm_settings(stored.get("llm", {})),
        literature=literature_settings(stored.get("literature", {})),
    )


def chosen_python(flag: str = "") -> str:
    """The absolute path of the interpreter that runs repos, by the flag if given, else as `user_settings` says.

    Raises UsageError: there is none, or the settings name a path relative to nothing.
    """
    return _chosen(flag, _stored())


def _chosen(flag: str, stored: Mapping[str, Any]) -> str:
    """A path is relative to the caller's folder; a bare name is looked up in PATH, in its absolute folders alone."""
    kept = str(stored.get("python", ""))
    if kept and not flag and not os.environ.get("EVOLVEREC_PYTHON") and is_relative(kept):
        raise UsageError(
            f"{user_config_folder() / 'config.toml'}: python is {kept!r}; expected an absolute path, or a name to look "
            "up in PATH"
        )
    named = flag or os.environ.get("EVOLVEREC_PYTHON", "") or kept or sys.executable
    folders = [folder for folder in os.get_exec_path() if Path(folder).is_absolute()]
    wanted = str(absolute_path(Path(named))) if os.sep in named else named
    found = shutil.which(wanted, path=os.pathsep.join(folders))
    if found is None:
        raise UsageError(
            f"the interpreter {named!r} does not exist or cannot be run; {another_interpreter()}"
        )
    return found


def is_relative(python: str) -> bool:
    """Whether an interpreter is named by a path that is relative to some folder. A bare name, which is looked up in PATH,
    and `~/...` are not."""
    return os.sep in python and not python.startswith(("~", os.sep))


def another_interpreter() -> str:
    """The advice for an unsuitable interpreter, to be put after a semicolon."""
    return (
        f"set --python, EVOLVEREC_PYTHON, or `python` in {user_config_folder() / 'config.toml'} "
        "to a Python that has what the repo needs"
    )


def user_llm() -> LlmSettings | None:
    """The same as `user_settings().llm`, without checking the interpreter. Raises UsageError as `user_settings` does."""
    return llm_settings(_stored().get("llm", {}))


def default_slots() -> int:
    """How many trials run at once on CPU by default: half the cores, at most 4; all cores if there are fewer than 4."""
    cores = available_cores()
    return max(1, min(4, cores // 2)) if cores >= 4 else cores


def available_cores() -> int:
    """How many CPU cores this process may use, which can be fewer than the machine has; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _slots_from_environment() -> int:
    text = os.environ.get("EVOLVEREC_SLOTS", "")
    if not text:
        return 0
    if not text.isdigit() or not int(text):
        raise UsageError(f"EVOLVEREC_SLOTS is {text!r}; expected a number of parallel trials, 1 or more")
    return int(text)


def _stored() -> Mapping[str, Any]:
    path = user_config_folder() / "config.toml"
    try:
        values = parse_toml(read_text(path, most=CONFIG_BYTES))
    except FileNotFoundError:
        return {}
    except NotPlain as wrong:
        raise UsageError(f"{path} {wrong.strerror}; mend or delete it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; mend or delete it") from None
    for key, value in values.items():
        if key not in KEYS:
            raise UsageError(f"{path}: unknown key {key!r}; expected one of {', '.join(sorted(KEYS))}")
        if not isinstance(value, KEYS[key]):
            if KEYS[key] is dict:  # the value is not shown, because it may be an API key
                raise UsageError(
                    f"{path}: {key} is no table; expected lines such as model = ... below [{key}]"
                )
            raise UsageError(f"{path}: {key} is {value!r}; expected a {KEYS[key].__name__}")
    return values


def is_trusted(repo: Path) -> bool:
    """Whether the user has consented to running the code of the repo in this folder."""
    return str(repo.resolve()) in _trusted()


def trust(repo: Path) -> None:
    """Remember that the user consents to running the repo's code, for this user and this folder."""
    if is_trusted(repo):
        return
    with alone(answers_lock()):  # or of two answers at once, one would be lost
        known = sorted({*_trusted(), str(repo.resolve())})
        write_whole(_trust_file(), json.dumps(known, indent=1) + "\n")


def _trust_file() -> Path:
    return user_config_folder() / "trusted.json"


def _trusted() -> set[str]:
    try:
        return set(parse_json(read_text(_trust_file(), most=RECORD_BYTES)))
    except (FileNotFoundError, NotPlain, ValueError, TypeError):
        return set()


def machine_mark() -> str:
    """A random text of 32 hex digits, made once for this user and machine.

    A store without a mark made from it came with the repo and is not trusted (see `repo.ownership`).
    """
    path = user_config_folder() / "machine"
    known = _mark_in(path)
    if not known:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(draft_name())
        write_whole(draft, secrets.token_hex(16) + "\n")
        draft.chmod(0o600)
        try:
            if path.exists():  # damaged: an empty mark would be everybody's
                draft.replace(path)
            else:
                os.link(draft, path)  # if two processes do this at once, the first one's mark is kept
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        known = _mark_in(path)
    return known


def _mark_in(path: Path) -> str:
    """The mark in a file; "" if there is none, or the file is damaged. Raises OSError if it cannot be read, UsageError if
    it is no file."""
    try:
        text = read_text(path, most=RECORD_BYTES).strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    except NotPlain as wrong:
        raise UsageError(f"{path} {wrong.strerror}; delete it") from None
    return text if MARK.fullmatch(text) else ""
