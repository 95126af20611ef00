"""Whether files still have the text that a stored program has."""

from collections.abc import Callable, Mapping

from diagnosis.anchors import blob_hash
from diagnosis.encoding import MARK, unmarked

Read = Callable[
    [str], str | None
]  # relative path -> text as the user sees it, None where there is no such file


def is_edited(files: Mapping[str, str], read: Read, sources: Mapping[str, str]) -> bool:
    """Whether the code differs from the measured program's.

    files: path -> blob of the program, {} if there is none
    sources: blob -> text, for the blobs whose text is stored
    """
    code = {path: blob for path, blob in files.items() if path.endswith(".py")}
    return not all(has_blob(read(path), blob, sources) for path, blob in code.items())


def has_blob(text: str | None, blob: str, sources: Mapping[str, str]) -> bool:
    """Whether git would store this text as `blob`. Some editors send CRLF files with plain line feeds, and
    none sends a byte order mark.

    sources: blob -> text, as in `is_edited`; comparing texts is far faster than hashing a long one
    """
    if text is None:
        return False
    known = sources.get(blob)
    if known is not None:
        known = unmarked(known)
        return known == text or ("\r" in known and "\r" not in text and known == text.replace("\n", "\r\n"))
    ends = (text, text.replace("\n", "\r\n")) if "\r" not in text else (text,)
    return any(blob == blob_hash(mark + ended) for mark in ("", MARK) for ended in ends)
