"""The command line's door: three fast ways in for processes, and the full command line for people."""

import sys
from pathlib import Path


def run(argv: list[str]) -> int:
    """Run the command. Returns the exit code: 0 done, 1 a fault of the repo, 2 wrong use, 130 cancelled.

    `lsp`, `run-job` and `check-rules` skip typer, which is slow to import: an editor waits for the first, and
    only our own code starts the others.
    """
    if argv[:1] == ["lsp"]:
        from server.cli.language_server import run_language_server

        return run_language_server(argv[1:])
    if argv[:1] == ["run-job"] and len(argv) == 3:
        from evolution.jobs.main import run_job

        return run_job(Path(argv[1]), argv[2])
    if argv[:1] == ["check-rules"] and len(argv) == 3:
        from server.lsp.rule_process import check_rules

        return check_rules(argv[1], argv[2])
    from server.cli.app import run_app
    from server.cli.output import end_output

    try:
        code = run_app(argv)
    except BrokenPipeError:  # the process that reads our output has ended, as `| head` does
        sys.stderr.close()
        return 1
    return code if end_output() else code or 1
