"""Functions of a repo that download its data, which a program in the sandbox cannot, and need not: the adapter writes the data."""

import ast

from diagnosis.syntax import called_name, dotted
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


# Calls of functions that put files in their places, and nothing else.
ARRANGES = {"unzip", "extract", "extractall", "ZipFile", "is_zipfile", "unpack_archive", "is_tarfile", "move", "rename", "replace", "rmtree", "remove",
            "unlink", "rmdir", "mkdir", "makedirs", "mkdtemp", "mkstemp", "TemporaryDirectory", "copy", "copyfile", "copytree", "close", "is_dir",
            "is_file", "isdir", "isfile", "exists", "join", "joinpath", "dirname", "basename", "with_suffix", "listdir", "iterdir", "glob", "Path", "print",
            "info", "debug", "warning", "format", "all", "any", "len", "str", "endswith", "startswith", "split"}  # fmt: skip
DEEPEST = 4  # functions around a download that only arrange what it brings


def downloads_of(repo: ForeignRepo, program: TrainingProgram) -> list[LeftOut]:
    """Functions that fetch from the network, where nothing takes what they return: the outermost ones, which unpack what came and move it."""
    found: dict[str, LeftOut] = {}
    used: set[CodeUnit] = set()
    fetching = _fetching(repo, program)
    for unit in (one for one in program.units if one not in fetching):
        for call in unit.calls:
            for entered in (one for one in repo.reached(unit, call) if one in fetching):
                if not isinstance(unit.file.parents.get(call), ast.Expr):
                    used.add(entered)
                name = f"{entered.file.path}:{entered.name}"
                found.setdefault(
                    name, LeftOut(name=name, gives=UNUSED, place=f"{unit.file.path}:{call.lineno}", why=WHY)
                )
    needed = {f"{unit.file.path}:{unit.name}" for unit in used}
    return [one for name, one in found.items() if name not in needed]


def _fetching(repo: ForeignRepo, program: TrainingProgram) -> set[CodeUnit]:
    """The functions that fetch, and those that call them and otherwise only arrange files: without the file they would fail."""
    fetching = {
        one
        for unit in program.units
        for call in unit.calls
        for one in repo.reached(unit, call)
        if _fetches(one)
    }
    for _ in range(DEEPEST):
        around = {
            unit
            for unit in program.units
            if unit not in fetching
            and not isinstance(unit.node, ast.Module)
            and any(one in fetching for call in unit.calls for one in repo.reached(unit, call))
            and _only_arranges(repo, unit, fetching, 0)
        }
        if not around:
            break
        fetching |= around
    return fetching


def _only_arranges(repo: ForeignRepo, unit: CodeUnit, fetching: set[CodeUnit], depth: int) -> bool:
    """Whether a function leaves nothing but files in their places: it gives nothing back, keeps nothing, and reads no data."""
    if depth > DEEPEST:
        return False
    keeps = depth == 0 and any(
        (isinstance(node, ast.Return) and node.value is not None)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
        or isinstance(node, ast.Yield | ast.Global)
        for node in unit.nodes
    )
    return not keeps and all(_arranges(repo, unit, call, fetching, depth) for call in unit.calls)


def _arranges(repo: ForeignRepo, unit: CodeUnit, call: ast.Call, fetching: set[CodeUnit], depth: int) -> bool:
    if called_name(call) in ARRANGES:
        return True
    entered = repo.reached(unit, call)
    return bool(entered) and all(
        one in fetching or _only_arranges(repo, one, fetching, depth + 1) for one in entered
    )


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
