"""The kit that `init` copies beside a repo's adapter: one file that needs numpy alone, the user's own from then on.

Its parts are files in `parts`, which nothing of ours imports: `kit_text` joins them.
"""

import ast
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("parts")
# In the order in which they stand in the one file.
PARTS = (
    "scratch", "threads", "marks", "surroundings", "older", "core", "program", "log", "ids", "scoring", "recommender",
)  # fmt: skip
HEAD = '''"""What an adapter needs to let evolverec train a repo that was not written for it. Yours to keep and to change.

`Program` runs the repo's own training script, `write_events` gives it the log in its own format, `Ids` knows its numbering,
`scores` asks its model in its own way, `Recommender` is what `build()` returns. Nothing but numpy is needed; torch is used
where the repo uses it. Python 3.9 or newer.
"""
'''


@cache
def kit_text() -> str:
    """The text of `evolverec_kit.py`."""
    imports: set[str] = set()
    bodies = []
    for name in PARTS:
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        tree = ast.parse(text)
        taken = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        imports.update(ast.unparse(node) for node in taken if not getattr(node, "level", 0))
        first = max(node.end_lineno or 0 for node in (tree.body[0], *taken))
        body = "".join(text.splitlines(keepends=True)[first:]).strip("\n")
        bodies.append(f"# -- {ast.get_docstring(tree)}\n\n\n{body}\n")
    plain = sorted(line for line in imports if line != "import numpy as np")
    return "\n".join([HEAD, *plain, "", "import numpy as np\n\n"]) + "\n\n\n".join(bodies)
