"""Packs the guest into one archive under one private top-level name, so that no module of ours meets a repo's."""

import zipfile
from pathlib import Path

GUEST = Path(__file__).resolve().parent / "guest"
PRIVATE_NAME = "_evolverec_worker"
_START = f"from {PRIVATE_NAME}.main import serve\n\nserve()\n"


def guest_files() -> list[Path]:
    return sorted(GUEST.glob("*.py"))


def write_archive(path: Path) -> Path:
    """Write the archive that `python path` runs. The same files make the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in guest_files():
            archive.writestr(zipfile.ZipInfo(f"{PRIVATE_NAME}/{file.name}"), file.read_bytes())
        archive.writestr(zipfile.ZipInfo("__main__.py"), _START)
    return path
