"""How `[data]` of evolverec.toml asks for a log to be read, in the words of `seeds.loading`."""

from pathlib import Path

from evolution.repo.config import NO_RATING, DataSection
from seeds.loading import Columns, Options, source_path


def options_of(data: DataSection, repo: Path) -> Options:
    """The options of a source; paths are relative to the repo."""
    parts = {part: name for part, name in data.parts.model_dump().items() if name}
    return Options(
        columns=Columns(**data.columns.model_dump()),
        given=data.split == "given",
        parts=parts,
        items=source_path(data.items, repo) if data.items else None,
        separator=data.separator,
        encoding=data.encoding,
        time_unit=data.time_unit,
        repeats=data.repeats,
        core=data.core,
        **({"min_rating": data.min_rating} if data.min_rating > NO_RATING else {}),
    )
