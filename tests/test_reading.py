"""Every place of the product that opens a file, walks folders or parses: through `seeds.reading` and `diagnosis.syntax`, or
on the list below with the reason why nobody else can have put anything there.
"""

import ast
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("server", "evolution", "diagnosis", "simulator", "seeds")
# Methods and functions that would wait for a pipe, read a device, follow a link out, or call themselves too deeply.
WATCHED = {
    *("read_text", "read_bytes", "open", "rglob", "copytree", "loads", "load", "parse_module", "literal_eval"),
    *("os.walk", "os.open", "sqlite3.connect", "ast.parse", "compile", "np.load", "gzip.open"),
}
OURS = "our own file, shipped with the product"
STORE = "a folder that carries this machine's mark, written by our own job"
USER = "the user's own configuration, outside of any repo"
ANSWER = "the answer of a process or service, already in memory, its size bounded where it came in"
ELSEWHERE = "guarded by itself, see its docstring"
ALLOWED: dict[str, str] = {
