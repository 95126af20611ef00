"""Entry points of the language server: LSP over stdio, and over TCP for one client.

Only LSP messages may reach the client's pipe. Before anything else is imported, file descriptors 0 and 1 are
replaced, so that a library that prints writes to stderr and a child process cannot read the client's messages.
"""

import logging
import os
import sys
from typing import BinaryIO, NoReturn

from server.lsp.arrivals import Arrivals
from server.lsp.handshake import answer_initialize
from server.lsp.outbox import Outbox


def serve_stdio() -> NoReturn:
    """Speak LSP on stdin and stdout until the client leaves; then the process ends."""
    try:
        wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    except OSError as error:
        sys.exit(
            f"evolverec lsp: stdin or stdout is closed ({error}); an editor starts it with a pipe on each"
        )
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
    try:
        orderly = converse(wire_in, wire_out)
    except KeyboardInterrupt:
        orderly = False
    # os._exit, because a thread may still be reading; everything that must last is in the store already.
    sys.stderr.flush()
    os._exit(0 if orderly else 1)


def converse(wire_in: BinaryIO, wire_out: BinaryIO) -> bool:
    """Speak LSP on two streams until the client leaves. Returns whether it sent `shutdown` before."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    arrivals, outbox = Arrivals(wire_in), Outbox(wire_out)
    try:
        opening = answer_initialize(arrivals, outbox)
        if opening is None:
            return False
        from server.lsp.server import EvolverecServer

        return EvolverecServer().hold(opening, arrivals, outbox)
    finally:
        outbox.close()
