"""Functions of a repo that download its data, which a program in the sandbox cannot, and need not: the adapter writes the data."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.evaluations import UNUSED, LeftOut
from evolution.adopting.foreign_code import CodeUnit, ForeignRepo
from evolution.adopting.training import TrainingProgram

WHY = "downloads data, which is written above; programs run without a network"
FETCHES = {"urlretrieve", "urlopen", "download_url", "wget.download", "gdown.download", "requests.get"}
SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.Popen",
}
PROGRAMS = {"wget", "curl", "gdown", "kaggle", "aria2c"}


def downloads_of(repo: ForeignRepo, program: TrainingProgram) -> list[LeftOut]:
    """Functions that fetch from the network, where nothing takes what they return."""
    found: dict[str, LeftOut] = {}
    used: set[CodeUnit] = set()
    for unit in program.units:
        for call in unit.calls:
            for entered in (one for one in repo.reached(unit, call) if _fetches(one)):
                if not isinstance(unit.file.parents.get(call), ast.Expr):
                    used.add(entered)
                name = f"{entered.file.path}:{entered.name}"
                found.setdefault(
                    name, LeftOut(name=name, gives=UNUSED, place=f"{unit.file.path}:{call.lineno}", why=WHY)
                )
    needed = {f"{unit.file.path}:{unit.name}" for unit in used}
    return [one for name, one in found.items() if name not in needed]


def _fetches(unit: CodeUnit) -> bool:
    """Whether a function does little but fetch a file and unpack it."""
    if isinstance(unit.node, ast.Module) or unit.name.endswith("__init__"):
        return False
    names = [dotted(call.func) for call in unit.calls]
    fetches = any(name in FETCHES or name.rpartition(".")[2] in FETCHES for name in names)
    fetches = fetches or any(dotted(call.func) in SHELLS and _runs_a_download(call) for call in unit.calls)
    return fetches and not any(
        name.rpartition(".")[2] in ("read_csv", "backward", "DataLoader") for name in names
    )


def _runs_a_download(call: ast.Call) -> bool:
    """`os.system("wget ...")`, `subprocess.run(["curl", ...])`"""
    texts = [
        node.value
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return any(text.split()[0].rpartition("/")[2] in PROGRAMS for text in texts if text.strip())
