"""What the parameters of a model's method are: users, histories, items, lengths."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import default_of, parameters_of
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import FoundModel
from evolution.adopting.naming import role_of, words_of

COMPUTED = {"emb", "embs", "embed", "embeds", "embedding", "embeddings", "feat", "feats", "feature", "features", "vec", "vector", "vectors",
            "repr", "logits", "output", "outputs", "matrix", "matrices", "adj", "graph"}  # fmt: skip


def roles_of(unit: CodeUnit, model: FoundModel) -> dict[str, str]:
    """Parameter -> "user", "item", "history", "length", "negative", "mask" (true of events), "padding" (true of padding) or "": by the
    table it is looked up in, then by its name."""
    looked_up = _looked_up(unit, model)
    found: dict[str, str] = {}
    for name in parameters_of(unit):
        if not isinstance(unit.node, ast.Module) and default_of(unit.node, name) is not None:
            continue
        words = set(words_of(name))
        role = role_of(name)
        if words & COMPUTED:
            found[name] = ""
            continue
        if "mask" in words and (of := _masked(unit, name, words)):
            found[name] = of
            continue
        if words & {"last", "prev", "previous"} and not words & {"seq", "history"}:
            found[name] = "last"
            continue
        if words & {"len", "length", "lengths", "lens"}:
            role = "length"
        elif "pos" in words or "positive" in words:
            role = "item"
        about = looked_up.get(name, "")
        if about == "user" or (about == "item" and role not in ("item", "history", "negative")):
            role = "user" if about == "user" else "history"
        found[name] = "history" if role == "position" else role
    return found


def _masked(unit: CodeUnit, name: str, words: set[str]) -> str:
    """What a mask is true of; "" where its name does not say, and it is read."""
    if words & {"pad", "padding", "padded"}:
        return "padding"
    is_read = any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in unit.nodes
    )
    usual = words & {"attention", "attn", "input", "seq", "sequence", "valid", "history", "hist"}
    return "mask" if usual or not is_read else ""


def _looked_up(unit: CodeUnit, model: FoundModel) -> dict[str, str]:
    """Parameter -> what the table is about that it is looked up in, in this very method."""
    tables = {table.path: table.about for table in model.tables}
    found: dict[str, str] = {}
    read = [(call.func, call.args[0]) for call in unit.calls if call.args]
    read += [(node.value, node.slice) for node in unit.nodes if isinstance(node, ast.Subscript)]
    for table, ids in read:
        about = tables.get(dotted(table).removeprefix("self."), "")
        for node in ast.walk(ids) if about else ():
            if isinstance(node, ast.Name):
                found.setdefault(node.id, about)
    return found
