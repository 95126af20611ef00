"""Numbers in sentences."""


def count(size: int, noun: str) -> str:
    """`1 finding`, `3 findings`."""
    return f"{size} {noun}" if size == 1 else f"{size} {noun}s"
