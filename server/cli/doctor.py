"""`evolverec doctor`: checks this machine, with the consequence of each missing
thing and the command that installs it.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.errors import ConfigError, UsageError
from evolution.base.places import user_config_folder
from evolution.repo.settings import available_cores, is_trusted, user_settings

if TYPE_CHECKING:
    from evolution.llm.settings import LlmSettings

LLM_TIMEOUT_S = 5.0
OTHER_PYTHON = "evolverec train DIR --python /path/to/python"
PROBE = """
import json, sys
found = {"python": sys.version.split()[0], "numpy": None, "torch": None, "device": "cpu"}
try:
    import numpy
    found["numpy"] = numpy.__version__
except ImportError:
    pass
try:
    import torch
    found["torch"] = torch.__version__
    if torch.cuda.is_available():
        found["device"] = "cuda: " + torch.cuda.get_device_name(0)
    elif torch.backends.mps.is_available():
        found["device"] = "mps"
except ImportError:
    pass
print(json.dumps(found))
"""


def examine(repo: Path, *, python: str) -> dict[str, Any]:
    """The document of `evolverec doctor`. ok: nothing that the main workflow needs is missing."""
    checks = [_check("python", True, f"evolverec runs on Python {sys.version.split()[0]}", "", needed=True)]
    checks += _interpreter(python, repo)
    checks.append(_git())
    checks.append(sandbox_check())
    checks.append(_limits())
    checks.append(_check("cores", True, f"{available_cores()} CPU cores", "", needed=False))
    checks += _llm()
    checks += _repo(repo)
    return {"ok": all(check["ok"] or not check["needed"] for check in checks), "checks": checks}


def _check(name: str, ok: bool, message: str, help_: str, *, needed: bool) -> dict[str, Any]:
    return {"name": name, "ok": ok, "message": message, "help": help_ or None, "needed": needed}


def _interpreter(python: str, repo: Path) -> list[dict[str, Any]]:
    from evolution.jobs.consent import asks_for_interpreter
    from evolution.trials.interpreter import NUMPY_MISSING, answer_about_torch, does_not_run

    try:
        path = user_settings(python=python).python
    except UsageError as error:
        return [_check("interpreter", False, str(error), OTHER_PYTHON, needed=True)]
    if asks_for_interpreter(Path(path), repo):
        message = f"{path} lies inside the repo and was not started: you have not consented to that"
        return [_check("interpreter", False, message, f"evolverec train {repo} --trust-python", needed=True)]
    try:
        found = json.loads(answer_about_torch(path, PROBE))
    except (subprocess.SubprocessError, OSError, json.JSONDecodeError) as error:
        return [_check("interpreter", False, does_not_run(path, error), OTHER_PYTHON, needed=True)]
    torch_help = f"{path} -m pip install torch==2.13.0"
    return [
        _check("interpreter", True, f"repos run on {path}, Python {found['python']}", "", needed=True),
        _check(
            "numpy", bool(found["numpy"]), f"numpy {found['numpy']}" if found["numpy"] else NUMPY_MISSING,
            "" if found["numpy"] else f"{path} -m pip install numpy", needed=True,
        ),
        _check(
            "torch", bool(found["torch"]),
            f"torch {found['torch']}" if found["torch"] else "torch is missing; only numpy recommenders can be trained",
            "" if found["torch"] else torch_help, needed=False,
        ),
        _check(
            "gpu", found["device"] != "cpu",
            found["device"] if found["device"] != "cpu" else "no GPU is visible to torch; trials run on the CPU", "", needed=False,
        ),
    ]  # fmt: skip


def _git() -> dict[str, Any]:
    from evolution.repo.programs import GIT_HELP, GIT_MISSING

    path = shutil.which("git")
    return _check("git", path is not None, path or GIT_MISSING, "" if path else GIT_HELP, needed=True)


def sandbox_check() -> dict[str, Any]:
    """Whether trials are confined here, what is missing of that, and what the user has agreed to."""
    from evolution.repo.consents import consents_file, goes_without_sandbox
    from evolution.trials.sandbox import sandbox_advice, sandbox_lacks, sandbox_problem

    problem = sandbox_problem()
    if not problem:
        lacks = "; it goes without: " + "; ".join(sandbox_lacks()) if sandbox_lacks() else ""
        message = f"bubblewrap works: a candidate sees neither labels nor your home{lacks}"
        return _check("sandbox", True, message, "", needed=False)
    agreed = (
        f"you agreed to go on without one on this machine (delete {consents_file()} to be asked again)"
        if goes_without_sandbox()
        else "nothing of a repo runs until you agree to go on without one (--no-sandbox)"
    )
    return _check("sandbox", False, f"{problem}; {agreed}", sandbox_advice(problem), needed=False)


def _limits() -> dict[str, Any]:
    from evolution.trials.enforcement import group_place, limits_in_words

    message = f"memory and processes of a trial are limited by {limits_in_words()}"
    return _check("limits", group_place() is not None, message, "", needed=False)


WITHOUT_LLM = "findings, recipes and statistical users work without; LLM personas, planner, coder and probe author need one"


def _llm() -> list[dict[str, Any]]:
    """Checks whether an endpoint is set, answers, and offers the models of all roles."""
    from evolution.llm.settings import ROLES
    from evolution.repo.settings import user_llm

    try:
        settings = user_llm()
    except UsageError as error:
        return [_check("llm", False, str(error), "", needed=True)]
    if settings is None:
        message = f"no LLM endpoint is set: {WITHOUT_LLM}"
        return [
            _check(
                "llm",
                False,
                message,
                "export EVOLVEREC_LLM_MODEL=NAME EVOLVEREC_LLM_BASE_URL=URL",
                needed=False,
            )
        ]
    roles = ", ".join(f"{role} {settings.model_of(role)}" for role in ROLES if role in settings.models)
    used = f"{settings.model} for every role" + (f" but {roles}" if roles else "")
    return [_reachable(settings), _check("llm models", True, used, "", needed=False), _priced(settings)]


def _reachable(settings: "LlmSettings") -> dict[str, Any]:
    from evolution.llm.command_endpoint import missing_command
    from evolution.llm.endpoint import Endpoint, Failed
    from evolution.llm.reaching import ask_a_word

    if settings.command:
        why = missing_command(settings)
        message = (
            f"{why}; until then {WITHOUT_LLM}" if why else f"{settings.named} is there; it is not asked here"
        )
        return _check(
            "llm", not why, message, "correct `command` in the [llm] table" if why else "", needed=False
        )
    endpoint = Endpoint(replace(settings, timeout_s=LLM_TIMEOUT_S))
    try:
        known = endpoint.models()
        if settings.models_used()[0] in known:  # a list may be open to all, whatever their key
            ask_a_word(endpoint, settings.models_used()[0])
    except Failed as failure:
        message = f"{settings.base_url} cannot be used: {failure}; until then {WITHOUT_LLM}"
        help_ = "set EVOLVEREC_LLM_BASE_URL and EVOLVEREC_LLM_KEY, or start the endpoint"
        return _check("llm", False, message, help_, needed=False)
    finally:
        endpoint.close()
    missing = [model for model in settings.models_used() if model not in known]
    if missing:
        few = ", ".join(sorted(known)[:8]) or "nothing"
        message = f"{settings.base_url} answers, but does not list {', '.join(missing)}; it lists {few}"
        return _check("llm", False, message, "set EVOLVEREC_LLM_MODEL to a model that it has", needed=False)
    return _check("llm", True, f"{settings.base_url} answers", "", needed=False)


def _priced(settings: "LlmSettings") -> dict[str, Any]:
    from evolution.llm.price_list import AS_OF

    unknown = [model for model in settings.models_used() if model not in settings.prices]
    if not unknown:
        old = f"; {', '.join(sorted(settings.listed))} by the list of {AS_OF}" if settings.listed else ""
        return _check("llm prices", True, f"the price of every model is known{old}", "", needed=False)
    message = f"no price of {', '.join(unknown)} is set: tokens can be limited, dollars cannot"
    help_ = f'add [llm.prices."{unknown[0]}"] with input and output to {user_config_folder() / "config.toml"}'
    return _check("llm prices", False, message, help_, needed=False)


def _repo(repo: Path) -> list[dict[str, Any]]:
    from evolution.base.places import CONFIG_NAME
    from evolution.repo.config import read_config
    from evolution.repo.new_repo import first_seed

    if not (repo / CONFIG_NAME).exists():
        return [
            _check(
                "repo",
                False,
                f"{repo} has no {CONFIG_NAME}",
                f"evolverec new {first_seed()} DIR",
                needed=False,
            )
        ]
    try:
        config = read_config(repo)
    except ConfigError as error:
        return [_check("repo", False, str(error), "", needed=True)]
    trusted = is_trusted(repo)
    message = "you consented to running its code" if trusted else "you have not consented to running its code"
    return [
        _check("repo", True, f"{repo / CONFIG_NAME} is well-formed", "", needed=True),
        _check("trust", trusted, message, "" if trusted else f"evolverec train {repo} --trust", needed=False),
        *_labels(repo, config.data.exposed),
    ]


def _labels(repo: Path, exposed: tuple[str, ...]) -> list[dict[str, Any]]:
    """What the last job found of copies of the log, and what the repo shows to its code although it may hold one."""
    from evolution.repo.withheld import Copies, known_withheld, withheld_in_words

    found = withheld_in_words(Copies(withheld=known_withheld(repo)))
    if exposed:
        message = f"data.exposed shows {', '.join(exposed)} to the code; where copies of the log match, labels are not secret"
        return [_check("labels", False, "; ".join((message, *found)), "", needed=False)]
    return [_check("labels", True, "; ".join(found), "", needed=False)] if found else []
