"""Asks the interpreter that runs a repo whether a file is Python, where our own parser, of another version, says no.

The interpreter reads the file and runs nothing of it. It is asked once for each content.
"""

import json
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from subprocess import CalledProcessError, SubprocessError, TimeoutExpired

from diagnosis.encoding import encoded
from diagnosis.syntax import Hurdle, Unparsed
from evolution.trials.interpreter import ASKED_S, Interpreter, answer_of

_QUESTION = """
import json, sys, warnings
warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as file:
    data = file.read()
said = None
try:
    compile(data, "file", "exec", dont_inherit=True)
except SyntaxError as error:
    said = ["syntax error: %s" % error.msg, error.lineno or 1]
except (RecursionError, MemoryError):
    said = ["is nested too deeply for Python to run it", 1]
except ValueError as error:
    said = ["syntax error: %s" % error, 1]
print(json.dumps(said))
"""


def judged(interpreter: Interpreter, text: str, fault: Unparsed) -> Unparsed | None:
    """What keeps the interpreter from running a file; None if nothing does.

    text: as `diagnosis.encoding.decoded` returns it. fault: why our own parser has no tree of it.
    """
    if fault.hurdle is Hurdle.SYNTAX and interpreter.version == sys.version_info[:2]:
        return fault
    return _asked(interpreter.executable, encoded(text))


def of_later_python(interpreter: Interpreter) -> str:
    """Why no rule has looked at a file that the interpreter can run and our own parser cannot read."""
    theirs, ours = (".".join(map(str, version[:2])) for version in (interpreter.version, sys.version_info))
    return f"it uses syntax of Python {theirs}, and evolverec runs on Python {ours}"


@lru_cache(maxsize=32)
def _asked(executable: Path, data: bytes) -> Unparsed | None:
    with tempfile.NamedTemporaryFile(prefix="evolverec-", suffix=".py") as file:
        file.write(data)
        file.flush()
        try:
            answer = json.loads(answer_of([str(executable), "-I", "-S", "-B", "-c", _QUESTION, file.name]))
        except TimeoutExpired:
            return Unparsed(
                hurdle=Hurdle.DEPTH, message=f"keeps the parser of {executable} busy for {ASKED_S:g} s"
            )
        except CalledProcessError as error:
            if error.returncode < 0:  # nested so deeply that the parser itself dies
                return Unparsed(
                    hurdle=Hurdle.DEPTH, message=f"ends {executable} by signal {-error.returncode}"
                )
            return None
        except (OSError, ValueError, SubprocessError):
            return None  # nobody can tell: the trial will
    return (
        None
        if answer is None
        else Unparsed(hurdle=Hurdle.SYNTAX, message=str(answer[0]), line=int(answer[1]))
    )
