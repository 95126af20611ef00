"""What one file of a repo is: a copy of the log, something that cannot be looked into, or neither."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evolution.repo.copies.content import CannotLook, Content, open_regular
from evolution.repo.copies.judging import Evidence, Judge
from evolution.repo.copies.log_index import LogIndex
from evolution.repo.copies.numeric import RAW_BYTES, array_rows, column_rows, npy_array, raw_rows
from evolution.repo.copies.rows import Rows
from evolution.repo.copies.tables import is_table, pickle_rows, table_rows
from evolution.repo.copies.texts import as_text, text_rows
from evolution.repo.copies.unpacking import inflated_within, is_packed, unpacked

SMALLEST_BYTES = 48  # thirty events take more
HEAD = 8192
NPY = b"\x93NUMPY"
# Pictures, sound, fonts, documents, programs and views of folders.
_OTHER = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"OggS",
    b"\x7fELF",
    b"%PDF",
    b"wOFF",
    b"\x00\x01\x00\x00\x00",
    b"\x00\x00\x00\x01Bud1",  # .DS_Store, which the Finder of macOS leaves in every folder
)
_SEALED = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"ORC": "an ORC table",
}


def copy_of_the_log(path: Path, index: LogIndex) -> str:
    """Why a file is kept from candidates, in half a sentence; "" for any other file, and for what is no regular one."""
    stream = open_regular(path)
    if stream is None:
        return ""
    with stream:
        size = stream.seek(0, 2)
        content = Content(stream=stream, size=size, name=path.name, path=path)
        try:
            found = _look(content, index, Judge(index))
        except CannotLook as closed:
            return f"it is {closed}, which cannot be looked into"
        except OSError:
            return ""
    return (
        f"it holds events of the log, {found.events:,} in the {found.rows:,} rows looked at" if found else ""
    )


def _look(content: Content, index: LogIndex, judge: Judge) -> Evidence | None:
    if content.size < SMALLEST_BYTES:
        return None
    head = content.piece(0, HEAD)
    for mark, what in _SEALED.items():
        if head.startswith(mark):
            raise CannotLook(what)
    if is_packed(head):
        return _look_inside(content, head, index, judge)
    for rows in _rows(content, head, index):
        if found := judge.judged(rows):
            return found
    return None


def _look_inside(content: Content, head: bytes, index: LogIndex, judge: Judge) -> Evidence | None:
    arrays: list[np.ndarray] = []
    for member in unpacked(content, head):
        found = _look(member, index, judge)
        if found:
            return found
        array = npy_array(member) if member.piece(0, 6) == NPY else None
        arrays += [array] if array is not None and array.ndim == 1 and len(array) > 1 else []
    for length in {len(array) for array in arrays}:
        together = [array for array in arrays if len(array) == length][:8]
        for rows in column_rows(together, index) if len(together) > 1 else ():
            if found := judge.judged(rows):
                return found
    return None


def _rows(content: Content, head: bytes, index: LogIndex) -> Iterator[Rows]:
    if head.startswith(_OTHER):
        return
    if head.startswith(NPY):
        array = _array(content)
        yield from array_rows(array, index) if array is not None else pickle_rows(content, index)
    elif is_table(head):
        yield from table_rows(content, head)
    elif head[0] == 0x80 and head[1] in range(2, 6):
        yield from pickle_rows(content, index)
    elif as_text(head) is not None:
        yield from text_rows(content, index)
    else:
        data = content.piece(0, RAW_BYTES)
        yield from raw_rows(data, index, shifts=True)
        for part in inflated_within(data):
            yield from raw_rows(part, index, shifts=False)


def _array(content: Content) -> np.ndarray | None:
    try:
        return npy_array(content)
    except (ValueError, EOFError, MemoryError):
        return None
