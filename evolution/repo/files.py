"""Reads the files of a repo that anybody may have written; see `seeds.reading` for what is refused."""

from pathlib import Path

from diagnosis.encoding import decoded
from evolution.base.errors import ConfigError, RepoError
from evolution.base.places import CONFIG_NAME
from seeds.reading import CODE_BYTES, CONFIG_BYTES, read_bytes


def read_code(repo: Path, path: str) -> str | None:
    """The text of a source file, as `diagnosis.encoding.decoded` returns it; None if there is no such file.

    Raises RepoError if what is there is no plain file inside the repo, is too large, or may not be read.
    """
    try:
        return decoded(read_bytes(repo / path, most=CODE_BYTES, inside=repo))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # the second: a null byte in the path
        raise RepoError(_said(error), path=path) from None


def config_text(repo: Path) -> str:
    """The text of evolverec.toml without a byte order mark. Raises FileNotFoundError, or ConfigError if it is not read."""
    try:
        data = read_bytes(repo / CONFIG_NAME, most=CONFIG_BYTES, inside=repo)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(_said(error), path=CONFIG_NAME) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wide = " (it looks like UTF-16)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise ConfigError(
            f"is not UTF-8 text: {error.reason} at byte {error.start}{wide}; store the file as UTF-8",
            path=CONFIG_NAME,
            line=line,
        ) from None


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
