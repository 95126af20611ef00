"""What the first line of a file in the repo says: tables of users or of items are no events, and their ids are the log's own."""

import re
from pathlib import Path

from evolution.adopting.naming import role_of
from seeds.reading import open_plain

HEAD_BYTES = 4096


def described(root: Path, path: str) -> tuple[str, tuple[str, ...]]:
    """("user" or "item", names of columns) of a table with a row for each user or each item; ("", ()) for another file.

    A name may have a type behind it (`user_id:token`). Where the file is missing or cannot be read, nothing is said.
    """
    try:
        with open_plain(root / path, inside=root) as file:
            line = file.read(HEAD_BYTES).decode("utf-8", "replace").partition("\n")[0]
    except OSError:
        return "", ()
    names = tuple(re.split(r"\t|,|;|\|", line.strip()))
    roles = [role_of(name.partition(":")[0]) for name in names]
    keyed = {role for role in roles[:1] if role in ("user", "item")}
    is_table = len(names) > 1 and len(keyed) == 1 and not ({"user", "item", "time"} - keyed) & set(roles)
    return (keyed.pop(), names) if is_table else ("", ())
