"""Lines of example files that a comment marks."""


def line_of(sources: dict[str, str], said: str) -> tuple[str, int]:
    """The first line of these files that holds a text."""
    return next(
        (path, n)
        for path, text in sources.items()
        for n, line in enumerate(text.split("\n"), 1)
        if said in line
    )
