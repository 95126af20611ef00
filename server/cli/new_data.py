"""What `evolverec new` says of a log of one's own: it is read at once, so that what is wrong with it is known before it is used."""

from pathlib import Path

from evolution.base.errors import DataError
from seeds.loading import built_in


def about_new_data(repo: Path, data: str) -> list[str]:
    """The report on the log of a new repo, in sentences; [] for a built-in shop. What cannot be read is said, and no error."""
    if data in built_in():
        return []
    from evolution.repo.config import read_config
    from evolution.trials.reading_data import read_data
    from seeds.loading.telling import about_split, left_unasked, remarks, summary

    try:
        found = read_data(read_config(repo), repo, tell=lambda words: None, cancelled=lambda: False)
    except DataError as error:
        return [f"The log cannot be used yet: {error}"]
    log = (*summary(found.report), *remarks(found.report)) if found.report else ()
    return [*log, *about_split(found.split_report), *left_unasked(found.split_report)]
