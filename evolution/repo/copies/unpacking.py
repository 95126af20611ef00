"""What is packed in a file: the bounded beginnings of compressed streams and of the members of archives."""

import bz2
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace

from evolution.repo.copies.content import DEPTH, CannotLook, Content

MEMBER_BYTES = 2_000_000
MEMBERS = 64  # of one archive, spread over it
READ_BYTES = 4_000_000  # of a compressed stream
STREAMS = 32  # compressed streams inside a file of another format
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is an archive or a compressed stream that can be unpacked here."""
    return head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"\x5d\x00\x00")) or _is_tar(
        head
    )


def unpacked(content: Content, head: bytes) -> Iterator[Content]:
    """The content of a compressed stream or of an archive's members, as far as the allowance goes.

    Raises CannotLook where it cannot be unpacked: encrypted, or by a method that is not known here.
    """
    if content.depth >= DEPTH:
        raise CannotLook("archives within archives")
    if head.startswith(b"PK\x03\x04"):
        yield from _members(content)
    elif _is_tar(head):
        yield from _tar_members(content)
    else:
        data = content.allowance.take(_inflated(content, head))
        if not data:
            raise CannotLook("a damaged compressed file")
        yield _inner(content, data, content.name.rpartition(".")[0])


def inflated_within(data: bytes) -> Iterator[bytes]:
    """The zlib streams that stand in a file of another format, such as a table with compressed columns."""
    for number, found in enumerate(_ZLIB.finditer(data)):
        if number >= 8 * STREAMS:
            return
        try:
            part = zlib.decompressobj().decompress(data[found.start() :], MEMBER_BYTES // 8)
        except zlib.error:
            continue
        if len(part) >= 256:
            yield part


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _inner(content: Content, data: bytes, name: str) -> Content:
    return replace(
        content, stream=io.BytesIO(data), size=len(data), name=name, depth=content.depth + 1, path=None
    )


def _inflated(content: Content, head: bytes) -> bytes:
    packed = content.piece(0, READ_BYTES)
    most = max(0, min(8 * MEMBER_BYTES, content.allowance.left_bytes))
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(packed, most)
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(packed, most)
        return lzma.LZMADecompressor(memlimit=1 << 28).decompress(packed, most)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise CannotLook("a damaged compressed file") from error


def _members(content: Content) -> Iterator[Content]:
    content.stream.seek(0)
    try:
        archive = zipfile.ZipFile(content.stream)
        listed = [member for member in archive.infolist() if not member.is_dir() and member.file_size]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CannotLook("a damaged archive") from error
    for member in listed[:: max(1, -(-len(listed) // MEMBERS))]:
        if content.allowance.left_bytes <= 0:
            return
        try:
            with archive.open(member) as stream:
                data = content.allowance.take(stream.read(MEMBER_BYTES))
        except RuntimeError as error:  # a password is needed
            raise CannotLook("an encrypted archive") from error
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
            raise CannotLook("a damaged archive") from error
        yield _inner(content, data, member.filename)


def _tar_members(content: Content) -> Iterator[Content]:
    content.stream.seek(0)
    seen = 0
    try:
        with tarfile.open(fileobj=content.stream, mode="r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() and member.size else None
                if stream is None:
                    continue
                seen += 1
                if seen > MEMBERS or content.allowance.left_bytes <= 0:
                    return
                yield _inner(content, content.allowance.take(stream.read(MEMBER_BYTES)), member.name)
    except (tarfile.TarError, OSError, EOFError, ValueError):  # its end was not unpacked
        return
