"""Text that can be sent and stored: halves of surrogate pairs, which some files and answers hold, have no UTF-8."""


def printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
