"""Models that are asked for vectors of users and items, of which the scores are the products, and not for scores."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import default_of, parameters_of
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.naming import role_of, words_of

# Words of options that are for training alone, and of those that are for asking alone.
TRAINS = {"train", "training", "loss", "drop", "dropout", "augment", "perturbed", "noise"}
ASKS = {"test", "eval", "evaluate", "predict", "inference", "testing"}
SCORED = {
    "prediction",
    "predictions",
    "pred",
    "preds",
    "score",
    "scores",
    "logit",
    "logits",
    "rating",
    "ratings",
    "pos",
}
RANKED = {"argsort", "topk", "sort", "argpartition"}


def vectors_returned(unit: CodeUnit) -> list[str]:
    """The roles of what a method returns as a tuple: ["user", "item"] of `return user_emb, item_emb`; [] for anything else."""
    for node in unit.nodes:
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            roles = _halves(node.value.elts) or [_role(part) for part in node.value.elts]
            if {"user", "item"} <= set(roles):
                return roles
    return []


def _halves(parts: list[ast.expr]) -> list[str]:
    """The roles of `both[:n_users], both[n_users:]`, the rows of one table of users and items; [] for anything else."""
    if len(parts) != 2 or not all(
        isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice) for part in parts
    ):
        return []
    ends = [
        (dotted(part.value), part.slice.lower, part.slice.upper)
        for part in parts
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice)
    ]
    (table, begin, middle), (same, rest, end) = ends
    if not table or table != same or begin is not None or middle is None or rest is None or end is not None:
        return []
    if ast.dump(middle) != ast.dump(rest):
        return []
    first = role_of(dotted(middle).rpartition(".")[2])
    return {"user": ["user", "item"], "item": ["item", "user"]}.get(first, [])


def _role(node: ast.expr) -> str:
    """What a vector is of, by its name; a loss is no vector."""
    words = set(words_of(dotted(node)))
    if not words or "loss" in words:
        return ""
    if words & {"neg", "negative", "negatives"}:
        return "negative"
    return "item" if words & {"pos", "positive"} else role_of(dotted(node).removeprefix("self."))


def required(unit: CodeUnit) -> list[str]:
    """The parameters of a method that have no default."""
    return [name for name in parameters_of(unit) if default_of(unit.node, name) is None]


def settings_for_asking(unit: CodeUnit) -> list[str]:
    """The options that a method is given when it is asked, and not trained: ["calculate_loss=False"]."""
    found = []
    for name in parameters_of(unit):
        default, words = default_of(unit.node, name), set(words_of(name))
        if isinstance(default, ast.Constant) and isinstance(default.value, bool):
            if default.value and words & TRAINS:
                found.append(f"{name}=False")
            elif not default.value and words & ASKS:
                found.append(f"{name}=True")
    return found


def by_vectors(unit: CodeUnit, roles: dict[str, str]) -> str:
    """The code of the kit's way for a method that takes users, items and perhaps negatives, and returns their vectors; "" for another."""
    given = list(roles.values())
    told = vectors_returned(unit)
    if given[:2] != ["user", "item"] or set(given[2:]) - {"negative"} or told[:2] != ["user", "item"]:
        return ""
    name = unit.name.rpartition(".")[2]
    called = "None" if name == "forward" else f'"{name}"'
    more = f", more={len(given) - 2}" if given[2:] else ""
    return f"kit.scores.by_vectors({', '.join([called + more, *settings_for_asking(unit)])})"


def by_fields(unit: CodeUnit, makes: list[CodeUnit]) -> str:
    """The code for a model of fields, such as a factorization machine, which takes rows (user, item); "" for another.

    makes: its constructors, of which one is told the size of each field.
    """
    told = {word for one in makes for name in parameters_of(one) for word in words_of(name)}
    if (
        len(required(unit)) != 1
        or unit.name.rpartition(".")[2] != "forward"
        or not told & {"field", "fields"}
    ):
        return ""
    return "kit.scores.by_pairs(lambda model: lambda users, items: model(torch.stack([users, items], 1)))"


def by_ranking_pairs(unit: CodeUnit, roles: dict[str, str]) -> str:
    """The code for a method that takes users and two items each, and returns the score of the first one first; "" for another."""
    given = list(roles.values())
    if len(given) != 3 or given[:2] != ["user", "item"] or given[2] not in ("item", "negative"):
        return ""
    firsts = [
        set(words_of(dotted(node.value.elts[0])))
        for node in unit.nodes
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1
    ]
    if not firsts or not all(words & SCORED and not words & {"loss", "emb", "embedding"} for words in firsts):
        return ""
    name = unit.name.rpartition(".")[2]
    called = "model" if name == "forward" else f"model.{name}"
    settings = "".join(f", {one}" for one in settings_for_asking(unit))
    return f"kit.scores.by_pairs(lambda model: lambda users, items: {called}(users, items, items{settings}))"


def tables_returned(unit: CodeUnit, given: dict[str, str]) -> tuple[str, str] | None:
    """The code for all vectors of users and of items, where a method returns both that needs no argument but what is `given`.

    given: parameter -> code, of what the program holds and hands to the method, such as its graph.
    """
    told = vectors_returned(unit)
    if not told or any(name not in given for name in required(unit)) or unit.owner is None:
        return None
    name = unit.name.rpartition(".")[2]
    arguments = [*(given[one] for one in required(unit)), *settings_for_asking(unit)]
    called = f"lambda model: model{'' if name == 'forward' else '.' + name}({', '.join(arguments)})"
    return f"{called}[{told.index('user')}]", f"{called}[{told.index('item')}]"


def ranks(unit: CodeUnit) -> bool:
    """Whether a method returns ids in order, or one number, instead of scores."""
    return any(
        isinstance(call, ast.Call) and getattr(call.func, "attr", "") in {*RANKED, "item"}
        for node in unit.nodes
        if isinstance(node, ast.Return) and node.value is not None
        for value in _stood_for(unit, node.value)
        for call in ast.walk(value)
    )


def _stood_for(unit: CodeUnit, value: ast.expr) -> list[ast.expr]:
    """An expression, and what its names were set to last in the same method."""
    named = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    return [value] + [
        node.value
        for node in unit.nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        for part in (target.elts if isinstance(target, ast.Tuple) else [target])
        if isinstance(part, ast.Name)
        and part.id in named
        and isinstance(value, (ast.Name, ast.Call, ast.Subscript))
    ]
