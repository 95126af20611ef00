"""A stand-in for an interpreter of a later Python, for machines that have none.

It is our own interpreter, started through a script that says another version and, before it compiles a file, rewrites the
few statements of LATER to what our own Python reads. It shows that the interpreter is asked and believed; what a real one
reads is shown where there is one.
"""

import sys
from pathlib import Path

LATER = (
    "type Pair = tuple[int, int]\n",
    "def first[T](items: list[T]) -> T:\n    return items[0]\n",
    "name = f'{'a'}'\n",
    "try:\n    pass\nexcept ValueError, TypeError:\n    pass\n",
    "text = t'{1}'\n",
)
_SCRIPT = """#!{python}
import builtins, sys
LATER = {later!r}
real = builtins.compile
def compile(source, *more, **named):
    if isinstance(source, bytes):
        for text in LATER:
            source = source.replace(text.encode(), b"pass\\n" * text.count("\\n"))
    return real(source, *more, **named)
builtins.compile = compile
arguments = sys.argv[1:]
question = arguments[arguments.index("-c") + 1]
sys.argv = ["-c", *arguments[arguments.index("-c") + 2 :]]
sys.executable = {path!r}
sys.version_info = (3, 99, 0, "final", 0)
exec(real(question, "question", "exec"), {{"__name__": "__main__"}})
"""


def stand_in(folder: Path) -> Path:
    """The path of the stand-in, which is written into the folder."""
    path = folder / "python3.99"
    path.write_text(_SCRIPT.format(python=sys.executable, later=LATER, path=str(path)), encoding="utf-8")
    path.chmod(0o755)
    return path
