"""Makes text fit to be sent and stored: halves of surrogate pairs, which some files and answers hold, have no UTF-8."""


def printable(text: str) -> str:
    """The text with "?" for every character that UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")
