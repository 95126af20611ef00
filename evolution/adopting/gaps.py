"""Gaps that a drafted adapter has: lines that raise and say what to put in their place."""

import ast

from diagnosis.syntax import dotted, parsed

GAP = "fill in: "


def gaps_in(text: str) -> list[tuple[int, str]]:
    """(line from 1, what to fill in) of each gap in the text of an adapter."""
    tree = parsed(text) if GAP in text else None
    found = []
    for node in ast.walk(tree) if tree else ():
        if (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Call)
            and dotted(node.exc.func) == "NotImplementedError"
        ):
            words = node.exc.args[0] if node.exc.args else None
            if (
                isinstance(words, ast.Constant)
                and isinstance(words.value, str)
                and words.value.startswith(GAP)
            ):
                found.append((node.lineno, words.value))
    return sorted(found)
