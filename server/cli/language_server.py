"""`evolverec lsp`: stdio by default, TCP with `--tcp HOST:PORT`. An editor waits, so flags are read without a library."""

import sys

from evolution.base.plain_text import plain_text

USAGE = "usage: evolverec lsp [--stdio | --tcp HOST:PORT]"
HELP = f"""{USAGE}

Run the language server, for editors: over stdin and stdout, or with --tcp for one client that connects to HOST:PORT.
"""


def run_language_server(arguments: list[str]) -> int:
    """Serve until the editor leaves, which ends the process. The exit code where nothing is served: 0 after `--help`, 2 for
    wrong flags."""
    if {"--help", "-h"} & set(arguments):
        print(HELP, end="")
        return 0
    address = ""
    if arguments and arguments != ["--stdio"]:
        if arguments[0] == "--tcp" and len(arguments) == 2:
            address = arguments[1]
        elif len(arguments) == 1 and arguments[0].startswith("--tcp="):
            address = arguments[0].removeprefix("--tcp=")
        else:
            return _wrong_use(f"unknown arguments {' '.join(arguments)!r}")
    if not address:
        from server.lsp.main import serve_stdio

        return serve_stdio()
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        return _wrong_use(f"--tcp is {address!r}; expected HOST:PORT such as 127.0.0.1:9257")
    from server.lsp.main import serve_tcp

    return serve_tcp(host, int(port))


def _wrong_use(problem: str) -> int:
    print(f"evolverec lsp: {plain_text(problem)}\n{USAGE}", file=sys.stderr)
    return 2
