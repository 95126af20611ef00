"""The command line's door: three fast ways in for processes, and the full command line for people."""

import sys
from pathlib import Path


def run(argv: list[str]) -> int:
    """The exit code: 0 done, 1 the repo's fault, 2 wrong use, 130 cancelled.

    `lsp`, `run-job` and `check-rules` skip the command-line library: an editor waits for the first, and the others
    are started by our own code only.
    """
    if argv[:1] == ["lsp"]:
        from server.cli.language_server import run_language_server

        return run_language_server(argv[1:])
    if argv[:1] == ["run-job"] and len(argv) == 3:
        from evolution.jobs.main import run_job

        return run_job(Path(argv[1]), argv[2])
    if argv[:1] == ["check-rules"] and len(argv) == 2:
        from server.lsp.rule_process import check_rules

        return check_rules(argv[1])
    from server.cli.app import run_app

    try:
        return run_app(argv)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        return 1
