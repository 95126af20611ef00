"""The repo of the sasrec seed, as it stands in the package."""

from tests.conftest import ROOT

SASREC = ROOT / "seeds" / "repos" / "sasrec"


def sasrec_sources() -> dict[str, str]:
    """Path -> text of its Python files."""
    return {path.name: path.read_text(encoding="utf-8") for path in SASREC.glob("*.py")}
