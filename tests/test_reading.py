"""Holds the product to its readers: what a repo may have brought is opened and parsed by `seeds/reading.py`,
`diagnosis/syntax.py` and `evolution/repo/files.py` alone.

A file that opens, walks or parses by other means is named below, with the reason why no repo can have put anything there.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

# They wait for a pipe, read a device to its end, follow a link out of the repo, or call themselves as deeply as a text nests.
WATCHED = {
    *("read_text", "read_bytes", "rglob", "copytree", "parse_module", "literal_eval", "open", "compile"),
    *("os.walk", "os.open", "sqlite3.connect", "ast.parse", "np.load", "json.loads", "json.load"),
    *("tomllib.loads", "tomllib.load", "gzip.open"),
}
HARMLESS = {
    "Store.open",
    "Programs.open",
    "cls.open",
    "re.compile",
    "read_bytes",
    "read_text",
}  # the last two: the readers
GUARDED = "is one of the readers, or looks at what it opens itself"
SHIPPED = "reads our own files, shipped with the product"
MARKED = "reads below `.evolverec` what our own job wrote there, in a folder with this machine's mark"
PERSONAL = "reads the user's own settings or cache, outside of any repo"
DRAFT = "opens a draft that it makes itself"
ANSWER = "parses the answer of a process or a service, which is limited where it comes in"
MACHINE = "reads what the kernel says, or a file made a moment ago in a temporary folder"
ALLOWED = {
    "diagnosis/coevolution/source.py": "parses a probe of at most MAX_CHARACTERS, and catches what a parser raises",
    "diagnosis/evidence.py": MARKED,
    "diagnosis/examination.py": MARKED,
    "diagnosis/syntax.py": GUARDED,
    "diagnosis/user_probes/reading.py": "evaluates nodes of a tree that `diagnosis.syntax.parse` has found to be shallow",
    "evolution/analyst/probe_process.py": MARKED,
    "evolution/analyst/user_probe_process.py": "compiles a probe in the process that is there to run it",
    "evolution/base/kept.py": MARKED,
    "evolution/base/locking.py": PERSONAL,
    "evolution/base/processes.py": MACHINE,
    "evolution/base/versions.py": SHIPPED,
    "evolution/jobs/alive.py": MARKED,
    "evolution/jobs/control.py": MARKED,
    "evolution/jobs/main.py": MARKED,
    "evolution/jobs/list_files.py": DRAFT,
    "evolution/laboratory/devices.py": ANSWER,
    "evolution/laboratory/leases.py": PERSONAL,
    "evolution/literature/semantic_scholar.py": ANSWER,
    "evolution/literature/technique.py": SHIPPED,
    "evolution/literature/web_search.py": ANSWER,
    "evolution/llm/endpoint.py": ANSWER,
    "evolution/llm/prompt.py": SHIPPED,
    "evolution/recipes/code.py": "parses with libcst what `diagnosis.syntax.parse` has found to be shallow",
    "evolution/repo/applying.py": DRAFT,
    "evolution/repo/consents.py": PERSONAL,
    "evolution/repo/copies/content.py": GUARDED,
    "evolution/repo/copies/log_index.py": MARKED,
    "evolution/repo/copies/tables.py": "opens, read-only, what content.py has opened as a plain file",
    "evolution/repo/copies/unpacking.py": "reads archives that content.py has opened as plain files, within an allowance",
    "evolution/repo/mending.py": MARKED,
    "evolution/repo/programs.py": MACHINE,
    "evolution/store/database.py": "opens a file that it has found to be a plain one",
    "evolution/trials/answers.py": GUARDED,
    "evolution/trials/artifacts.py": MARKED,
    "evolution/trials/checkpoint.py": "opens the copy that it makes itself; the user's file by `open_plain`",
    "evolution/trials/control_groups.py": MACHINE,
    "evolution/trials/data.py": MARKED,
    "evolution/trials/deaths.py": MACHINE,
    "evolution/trials/enforcement.py": MACHINE,
    "evolution/trials/exporting.py": MARKED,
    "evolution/trials/foreign_syntax.py": ANSWER,
    "evolution/trials/frozen.py": MARKED,
    "evolution/trials/group_places.py": MACHINE,
    "evolution/trials/interpreter.py": ANSWER,
    "evolution/trials/interpreter_question.py": "is run by the user's interpreter, and reads its packages",
    "evolution/trials/memory_use.py": MACHINE,
    "evolution/trials/sandbox.py": MACHINE,
    "evolution/trials/session.py": MARKED,
    "evolution/trials/wire.py": ANSWER,
    "evolution/trials/worker_log.py": MARKED,
    "evolution/worker/archive.py": SHIPPED,
    "seeds/new.py": SHIPPED,
    "seeds/reading.py": GUARDED,
    "server/cli/demo_folder.py": "reads the folder that the demo has made, and whose content it knows",
    "server/cli/doctor.py": ANSWER,
    "server/cli/exporting.py": DRAFT,
    "server/cli/output.py": "opens /dev/null alone",
    "server/lsp/config_offers.py": SHIPPED,
    "server/lsp/main.py": MACHINE,
    "server/lsp/messages.py": ANSWER,
    "server/lsp/panels/setup.py": ANSWER,
    "server/lsp/rules.py": ANSWER,
}
# The worker's code, the adapter's kit and the seed repos run in a sandbox; the loaders read data sources within limits of their own.
ELSEWHERE = (
    "evolution/worker/guest/",
    "evolution/adopting/kit/",
    "seeds/repos/",
    "seeds/loading/",
)


def test_what_a_repo_brings_is_read_by_the_readers_alone() -> None:
    found = {path: calls for path in _product() if (calls := sorted(_unguarded(ROOT / path)))}
    new = {path: calls for path, calls in found.items() if path not in ALLOWED}
    assert not new, (
        f"read through seeds/reading.py or evolution/repo/files.py, or say why not in {__file__}: {new}"
    )
    assert not ALLOWED.keys() - found.keys(), "these no longer read by other means; take them off the list"


def test_the_check_sees_each_way_to_read(tmp_path: Path) -> None:
    code = "a.read_text()\nopen(b)\nos.walk(c)\nast.parse(d)\nfolder.rglob('*')\nread_bytes(e, most=1)\nre.compile(f)\n"
    (tmp_path / "m.py").write_text(code)
    assert sorted(_unguarded(tmp_path / "m.py")) == [
        "a.read_text",
        "ast.parse",
        "folder.rglob",
        "open",
        "os.walk",
    ]


def _product() -> Iterator[str]:
    for package in ("server", "evolution", "diagnosis", "simulator", "seeds"):
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if not path.startswith(ELSEWHERE):
                yield path


def _unguarded(file: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
    names = {_dotted(called) for called in calls} - HARMLESS
    return {name for name in names if name in WATCHED or name.rpartition(".")[2] in WATCHED}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"
