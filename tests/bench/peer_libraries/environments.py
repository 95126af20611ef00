"""Makes a virtual environment for each peer library, since they pin other versions of numpy and attrs than we do.

torch is the one of the running interpreter, seen through a .pth file: it is the same for all that are compared, and is
not downloaded again. Everything else is pinned in constraints.txt.
"""

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parent / "constraints.txt"
OURS = "evolverec"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """installed: what pip installs with its dependencies. alone: what it installs without them."""

    installed: tuple[str, ...]
    alone: tuple[str, ...] = ()


ENVIRONMENTS = {
    "rectools": Environment(installed=("rectools[torch]", "torch")),
    # RecBole 1.2.1 asks for ray of at most 2.6.3, which is not made for today's Python and is only needed to tune.
    "recbole": Environment(
        alone=("recbole",),
        installed=(
            *("torch", "numpy", "pandas", "scipy", "scikit-learn", "tqdm", "colorlog", "colorama", "pyyaml"),
            *("tensorboard", "thop", "tabulate", "plotly", "texttable", "psutil"),
        ),
    ),
}


def interpreter(library: str, folder: Path) -> Path:
    """The Python that has `library`: ours for OURS, else of an environment below `folder`, made where it is missing.

    Raises SystemExit with pip's words if it cannot be installed.
    """
    if library == OURS:
        return Path(sys.executable)
    place = folder / library
    python = place / "bin" / "python"
    made_of = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    mark = place / "constraints.sha256"
    if not mark.exists() or mark.read_text(encoding="utf-8") != made_of:
        print(f"making an environment for {library} in {place}", flush=True)
        venv.create(place, clear=True, with_pip=True)
        _share_torch(place)
        _install(python, ENVIRONMENTS[library])
        mark.write_text(made_of, encoding="utf-8")
    return python


def _share_torch(place: Path) -> None:
    import torch

    packages = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    ours = Path(torch.__file__).parents[1]
    (packages / "shared_torch.pth").write_text(f"{ours}\n", encoding="utf-8")


def _install(python: Path, environment: Environment) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS)]
    for options, names in ((["--no-deps"], environment.alone), ([], environment.installed)):
        if not names:
            continue
        done = subprocess.run([*pip, *options, *names], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"pip could not install {', '.join(names)} for {python}:\n{done.stderr}")
