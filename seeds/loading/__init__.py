"""Data sources by name or path: the built-in shop, and logs in the formats of `formats.FORMATS`.

Importing this is cheap; numpy and polars are imported when a log is read.
"""

from seeds.loading.formats import log_suffixes
from seeds.loading.options import Columns, Options
from seeds.loading.progress import Progress
from seeds.loading.sources import (
    DEMO,
    built_in,
    described_logs,
    described_sources,
    exists,
    files_of,
    is_built_in,
    load,
    source_path,
)

__all__ = [
    "DEMO",
    "Columns",
    "Options",
    "Progress",
    "built_in",
    "described_logs",
    "described_sources",
    "exists",
    "files_of",
    "is_built_in",
    "load",
    "log_suffixes",
    "source_path",
]
