"""Data sources by name or path: the built-in shop, and the formats of `FORMATS`."""

from seeds.loading.sources import FORMATS, Format, load

__all__ = ["FORMATS", "Format", "load"]
