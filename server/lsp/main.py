"""The language server's front doors: over stdio, and over TCP for one client.

Nothing but the wire touches the client's pipe: before anything else is imported, descriptors 0 and 1 are
moved away, so that a library that prints goes to stderr and a child process cannot read the client's messages.
"""

import os
import sys
from typing import BinaryIO, NoReturn

from server.lsp import handshake


def serve_stdio() -> NoReturn:
    """Speak LSP on stdin and stdout until the client leaves; then the process ends."""
    wire_in = os.fdopen(os.dup(0), "rb")
    wire_out = os.fdopen(os.dup(1), "wb")
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    _serve(wire_in, wire_out)


def serve_tcp(host: str, port: int) -> NoReturn:
    """Wait for one client on host:port (port 0: any free one, printed to stderr) and speak LSP with it."""
    import socket

    with socket.create_server((host, port)) as listener:
        print(
            "evolverec lsp listens on {}:{}".format(*listener.getsockname()[:2]), file=sys.stderr, flush=True
        )
        connection, _ = listener.accept()
    with connection:
        _serve(connection.makefile("rb"), connection.makefile("wb"))


def _serve(wire_in: BinaryIO, wire_out: BinaryIO) -> NoReturn:
    reader, writer = handshake.answer_initialize(wire_in, wire_out)
    from server.lsp.server import EvolverecServer

    server = EvolverecServer()
    server.start_io(reader, writer)
    # A pool thread may still be reading; whatever must last is in the store already.
    sys.stderr.flush()
    os._exit(0 if server.left_orderly else 1)
