"""How long a newcomer waits: seconds from opening a fresh sasrec to the first finding and the first patch, through the language server.

python tests/bench/first_minutes.py                     until the first verified patch, or the end where there is none
python tests/bench/first_minutes.py --whole             until Improve has ended, so that its whole length is told too
python tests/bench/first_minutes.py --data shop-micro   a short form; does not write the figure

An editor opens the repo of `evolverec new sasrec`, on data that this machine has divided for no other repo, and asks for
Improve at once. Told are the seconds until a measured finding stands on a line, until the first patch is told as promising, until one
is told as verified, each with its words, and until all of Improve is done. After the first verified patch the job is cancelled. Writes docs/results/first-minutes.json. Limit: 300 s to the
first verified patch. `load_before`: what else the machine was doing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import record
from lsp_wire import Connection

import evolverec_entry

LIMIT_S = 300.0
ASK_EVERY_S = 0.5
COSTS_ACCURACY = (1, 2)  # severities of diagnostics: errors and warnings


class Watch:
    """What the server told first, and when."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.first: dict[str, tuple[float, str]] = {}
        self.training = False

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """One notification of the server's."""
        if method == "textDocument/publishDiagnostics" and self.training:
            costly = [one for one in params["diagnostics"] if one.get("severity") in COSTS_ACCURACY]
            for one in costly[:1]:
                self._note("finding", f"{one.get('code')}: {one['message']}")
        elif method == "evolverec/told":
            if params["level"] == "error":
                sys.exit(f"improve failed: {params['message']}")
            kind = "promising" if params["level"] == "promising" else "verified" if params["verified"] else ""
            self._note(kind, params["message"])
            if params["level"] == "promising" or params["message"].startswith("Verified: "):
                return
            self._note("all", params["message"])  # the last word of Improve

    def _note(self, kind: str, words: str) -> None:
        if kind:
            self.first.setdefault(kind, (time.perf_counter() - self.begun, words))


def improved(root: Path, *, until: str) -> Watch:
    """Open the repo, ask for Improve, and listen until what is waited for was told, or all has ended."""
    connection = Connection()
    watch = Watch(connection.started)
    connection.heard = watch.hear
    connection.open(root, root / "recommender.py", options={"trusted": True, "views": True})
    asked = {"command": "evolverec.improve", "arguments": [{"repo": str(root)}]}
    answer = connection.ask("workspace/executeCommand", asked)[1]
    if "error" in answer:
        sys.exit(str(answer["error"]))
    watch.training = True
    while not {until, "all"} & watch.first.keys():
        time.sleep(ASK_EVERY_S)
        connection.ask("evolverec/overview", {})
    connection.ask(
        "workspace/executeCommand", {"command": "evolverec.cancel", "arguments": [{"repo": str(root)}]}
    )
    while connection.ask("evolverec/overview", {})[1]["result"]["repos"][0]["jobs"]:
        time.sleep(ASK_EVERY_S)  # its folder is deleted next
    connection.close()
    return watch


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="shop-demo")
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="first-minutes-") as folder:
        os.environ["EVOLVEREC_CONFIG_HOME"] = str(Path(folder) / "config")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")  # nobody else's jobs hold the slots
        root = Path(folder) / "repo"
        new = [sys.executable, evolverec_entry.__file__, "new", "sasrec", str(root), "--data", options.data]
        subprocess.run(new, check=True, stdout=sys.stderr)
        watch = improved(root, until="all" if options.whole else "verified")
    told = {
        kind: {"seconds": round(seconds, 1), "words": words} for kind, (seconds, words) in watch.first.items()
    }
    within = "verified" in watch.first and watch.first["verified"][0] <= LIMIT_S
    figures = {
        "data": options.data,
        "load_before": load_before,
        "first": told,
        "limit_s": LIMIT_S,
        "within_limit": within,
    }
    if options.data == "shop-demo":
        record("first-minutes", figures)
    else:
        print(figures)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
