"""How a model is asked for scores, as one of the kit's ways or a few lines of code, and which table it scores with."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.batch_scores import batch_code, batch_function
from evolution.adopting.constants import Constants, parameters_of
from evolution.adopting.foreign_code import CodeUnit, is_abstract
from evolution.adopting.mask_tokens import mask_token
from evolution.adopting.model_class import EmbeddingTable, FoundModel
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.packed_scores import batch_of_buffers, packed_code, packing
from evolution.adopting.parameter_roles import roles_of
from evolution.adopting.products import products
from evolution.adopting.returned_scores import field_of_scores, gives_all_pairs, losses_of, returned
from evolution.adopting.score_way import ScoreWay
from evolution.adopting.training import TrainingProgram, drawn_arrays
from evolution.adopting.vectors import by_fields, by_ranking_pairs, by_vectors, ranks, settings_for_asking

NOT_SCORING = {"loss", "fit", "train", "training", "save", "load", "init", "reset", "configure", "backward", "optimizer", "batch",
               "sample", "step", "regularization", "evaluate", "test", "validation", "graph", "dropout", "mask"}  # fmt: skip
SCORING = (
    "full",
    "predict",
    "rating",
    "ratings",
    "score",
    "scores",
    "recommend",
    "inference",
    "infer",
    "rank",
)
RECURRENT = {"GRU", "RNN"}
# What a method is given besides the histories, and is told by them.
DERIVED = {
    "length": "(histories != 0).sum(1)",
    "last": "histories[:, -1]",
    "mask": "(histories != 0) * 1",
    "padding": "histories == 0",
}


def score_way(constants: Constants, program: TrainingProgram, model: FoundModel) -> ScoreWay:
    """The likeliest way; kind "" where none of the model's methods says what it takes."""
    if not model.torch:
        return _of_factors(constants, program, model)
    if _is_of_recbole(constants, model):
        return _of_recbole(constants, model)
    lost = losses_of(program, model)
    methods = [unit for unit in _methods(constants, model) if unit.name.rpartition(".")[2] not in lost]
    ranked = sorted(methods, key=lambda unit: _rank(unit, model))
    ways = [way for unit in ranked if (way := _way(constants, program, model, unit)) is not None]
    if ways:
        return ways[0]
    if multiplied := products(constants, program, model):
        return multiplied
    for unit in ranked:
        if pairs := by_ranking_pairs(unit, roles_of(unit, model)):
            return ScoreWay(
                kind="by_pairs", code=pairs, why=f"{unit.place} returns the score of the first item first"
            )
    if by_batch := batch_function(constants, program):
        table = model.table("item")
        return ScoreWay(
            kind="by_history",
            code="score",
            before=batch_code(by_batch),
            why=f"{by_batch.unit.place} takes a batch out of the program's own data",
            table=f'"{table.weight}"' if table else "",
            why_table=table.place if table else "",
        )
    return ScoreWay(
        kind="",
        code="",
        why=_unknown_arguments(ranked, model)
        or f"no method of {model.name} ({model.place}) says by its arguments that it scores items",
    )


def _is_of_recbole(constants: Constants, model: FoundModel) -> bool:
    """Whether a model has RecBole's methods: from the library, or from a copy of its classes in the repo."""
    lineage = constants.repo.lineage(model.kind)
    bases = {dotted(base).rpartition(".")[2] for _, node in lineage for base in node.bases}
    known = bases & {"SequentialRecommender", "GeneralRecommender", "ContextRecommender"}
    own = known & {node.name for _, node in lineage}
    return bool(known) and (not own or bool(constants.repo.method_of(model.kind, "full_sort_predict")))


def _of_recbole(constants: Constants, model: FoundModel) -> ScoreWay:
    named = ("full_sort_predict", "predict")
    unit = next((one for name in named for one in constants.repo.method_of(model.kind, name)), None)
    table, why_table = used_table(constants, model, unit) if unit else ("", "")
    return ScoreWay(
        kind="all_items", code="kit.scores.all_items()", why=f"{model.place} is a model of RecBole", table=table, why_table=why_table,
    )  # fmt: skip


def _unknown_arguments(ranked: list[CodeUnit], model: FoundModel) -> str:
    """What the likeliest method takes beyond users, histories and items; "" where none is named for scoring."""
    for unit in ranked[:1]:
        roles = roles_of(unit, model)
        other = [name for name, role in roles.items() if role not in ("user", "history", "item", *DERIVED)]
        if set(words_of(unit.name.rpartition(".")[2])) & set(SCORING) and other:
            return f"{unit.place} {unit.name} takes {', '.join(roles)}; what its {', '.join(other)} holds is not known here"
    return ""


def _methods(constants: Constants, model: FoundModel) -> list[CodeUnit]:
    """The model's own methods that could score; of a name the one that is called."""
    found: dict[str, CodeUnit] = {}
    own = [
        unit for file, node in constants.repo.lineage(model.kind) for unit in file.units if unit.owner is node
    ]
    helpers = {
        dotted(call.func)[5:] for unit in own for call in unit.calls if dotted(call.func).startswith("self.")
    }
    helpers = {name for name in helpers if name != "forward" and not set(words_of(name)) & set(SCORING)}
    for file, node in constants.repo.lineage(model.kind):
        for unit in file.units:
            name = unit.name.rpartition(".")[2]
            if (
                unit.owner is node
                and not name.startswith("_")
                and name not in helpers
                and not set(words_of(name)) & NOT_SCORING
                and not is_abstract(unit)
                and not ranks(unit)
            ):
                found.setdefault(name, unit)
    return list(found.values())


def _rank(unit: CodeUnit, model: FoundModel) -> tuple[int, int]:
    name = unit.name.rpartition(".")[2]
    words = words_of(name)
    place = min((SCORING.index(word) for word in words if word in SCORING), default=50)
    return (
        60 if name == "forward" else 70 if place == 50 else place,
        unit.node.lineno if not isinstance(unit.node, ast.Module) else 0,
    )


def _way(
    constants: Constants, program: TrainingProgram, model: FoundModel, unit: CodeUnit
) -> ScoreWay | None:
    roles = roles_of(unit, model)
    name = unit.name.rpartition(".")[2]
    asked = "" if name == "forward" else f'"{name}"'
    given = list(roles.values())
    known = set(given)
    why = f"{unit.place} takes {', '.join(roles) or 'nothing'}"
    if vectors := by_vectors(unit, roles):
        return ScoreWay(kind="by_vectors", code=vectors, why=f"{why} and returns their vectors")
    if fields := by_fields(unit, constants.repo.method_of(model.kind, "__init__")):
        return ScoreWay(
            kind="by_pairs",
            code=fields,
            why=f"{unit.place} takes a row of fields, of which the first are a user and an item",
        )
    if not roles or "negative" in known:
        return None
    if (
        len(given) == 1
        and known <= {"rating", "user", "item", "history"}
        and (dense := _dense(constants, program, model, unit, why))
    ):
        return dense
    if "" in known or "rating" in known or "label" in known or "time" in known:
        return _recurrent(constants, model, unit, roles, why)
    table, why_table = used_table(constants, model, unit)
    if known == {"user", "item"} and len(given) == 2 and gives_all_pairs(unit):
        called = "model" if name == "forward" else f"model.{name}"
        order = "users, items" if given[0] == "user" else "items, users"
        turned = "" if given[0] == "user" else ".T"
        return ScoreWay(
            kind="by_items",
            code=f"kit.scores.by_items(lambda model: lambda users, histories, items: {called}({order}){turned}, tensors=True)",
            why=f"{why} and multiplies all of them: a row for each user",
            table=table,
            why_table=why_table,
        )
    if known == {"user", "item"} and len(given) == 2:
        first = ", item_first=True" if given[0] == "item" else ""
        return ScoreWay(
            kind="by_pairs",
            code=f"kit.scores.by_pairs({asked or 'None'}{first})",
            why=f"{why}: a score for each pair",
        )
    if known == {"user"} and len(given) == 1:
        return ScoreWay(
            kind="by_user",
            code=f"kit.scores.by_user({asked or 'None'})",
            why=f"{why}: a row of scores for each user",
            table=table,
            why_table=why_table,
        )
    if (
        known & {"history", "last"}
        and "item" in known
        and len(set(given)) == len(given)
        and known <= {"history", "item", "user", *DERIVED}
    ):
        return _by_items(constants, model, unit, roles, why, table, why_table)
    how = packing(constants, unit) if sorted(given) == ["history", "length"] else None
    if how and any(how.values()) and returned(constants, model, unit) == "scores":
        code = packed_code(asked or "None", how, lengths_first=given[0] == "length")
        return ScoreWay(
            kind="by_history",
            code=code,
            why=f"{why}, which it packs",
            table=table,
            why_table=why_table,
            side="right",
        )
    if known <= {"history", "user", *DERIVED} and given.count("history") + given.count("last") == 1:
        return _by_history(constants, program, model, unit, roles, why, table, why_table)
    if known == {"item"} and len(given) == 1 and name == "forward":  # an item sequence that is called items
        return _by_history(
            constants, program, model, unit, {next(iter(roles)): "history"}, why, table, why_table
        )
    return None


def _by_items(
    constants: Constants,
    model: FoundModel,
    unit: CodeUnit,
    roles: dict[str, str],
    why: str,
    table: str,
    why_table: str,
) -> ScoreWay:
    given, name = list(roles.values()), unit.name.rpartition(".")[2]
    tensors = "" if converts(constants, model, unit) else ", tensors=True"
    if given == ["user", "history", "item"] and name != "forward":
        return ScoreWay(
            kind="by_items",
            code=f'kit.scores.by_items("{name}"{tensors})',
            why=why,
            table=table,
            why_table=why_table,
        )
    words = {
        "user": "users",
        "history": "histories",
        "item": "items",
        **DERIVED,
    }
    # A forward that trains takes a row of items for each user.
    rows = (
        ".expand(len(users), -1)" if not converts(constants, model, unit) else "[None].repeat(len(users), 0)"
    )
    words["item"] += rows if name == "forward" else ""
    called = "model" if name == "forward" else f"model.{name}"
    code = f"kit.scores.by_items(lambda model: lambda users, histories, items: {called}({', '.join(words[one] for one in given)}){tensors})"
    return ScoreWay(kind="by_items", code=code, why=why, table=table, why_table=why_table)


def _by_history(
    constants: Constants,
    program: TrainingProgram,
    model: FoundModel,
    unit: CodeUnit,
    roles: dict[str, str],
    why: str,
    table: str,
    why_table: str,
) -> ScoreWay:
    given, name = list(roles.values()), unit.name.rpartition(".")[2]
    told, field = returned(constants, model, unit), field_of_scores(unit)
    told = "scores" if set(words_of(name)) & set(SCORING) else told
    token, mask = mask_token(constants, program)
    item = model.table("item")
    tensors = ", tensors=False" if converts(constants, model, unit) else ""
    if mask and not tensors:
        called = "model" if name == "forward" else f"model.{name}"
        before = (
            "def ask(model):",
            f"    return lambda seqs: {called}(torch.cat([seqs[:, 1:], torch.full_like(seqs[:, :1], {token})], 1))",
        )
        return ScoreWay(
            kind="by_history",
            code="kit.scores.by_history(ask)",
            before=before,
            why=f"{why}; {mask} stands for the item that is asked for",
            table=table,
            why_table=why_table,
        )
    if (told == "scores" or field) and set(given) in ({"last"}, {"last", "user"}):
        of = "model" if name == "forward" else f"model.{name}"
        plain = given in (["last"], ["user", "last"]) and not field
        called = (f'"{name}"' if name != "forward" else "None") if plain else f"lambda model: lambda {', '.join(sorted(given, reverse=True))}: {of}({', '.join(given)}){field}"  # fmt: skip
        more = ", with_users=True" if "user" in given else ""
        code = f"kit.scores.by_last({called}{tensors}{more})"
        why = f"{why} and returns a score for each item"
        return ScoreWay(kind="by_last", code=code, why=why, table=table, why_table=why_table)
    if given == ["history"] and not field:
        called = f'"{name}"' if name != "forward" else "None"
    else:
        words = {
            "user": "users",
            "history": "histories",
            **DERIVED,
        }
        of = "model" if name == "forward" else f"model.{name}"
        params = "users, histories" if "user" in given else "histories"
        called = f"lambda model: lambda {params}: {of}({', '.join(words[one] for one in given)}){field}"
        told = "scores" if field else told
    with_users = ", with_users=True" if "user" in given else ""
    if told == "scores" or item is None:
        said = (
            f"{why} and returns a score for each item"
            if told == "scores"
            else f"{why}; taken to return a score for each item"
        )
        return ScoreWay(
            kind="by_history",
            code=f"kit.scores.by_history({called}{tensors}{with_users})",
            why=said,
            table=table,
            why_table=why_table,
        )
    path = out_table(model) or item
    code = f'kit.scores.by_table({called}, "{path.weight}"{tensors})'
    return ScoreWay(
        kind="by_table", code=code, why=f"{why} and returns states, which are multiplied with {path.path} ({path.place})",
        table=f'"{path.weight}"', why_table=path.place,
    )  # fmt: skip


def out_table(model: FoundModel) -> EmbeddingTable | None:
    """A second table of items for the output, where the model has one."""
    tables = [table for table in model.tables if table.about == "item" and not table.bag]
    outer = [t for t in tables if {"out", "output", "target", "w2", "context", "dst"} & set(words_of(t.path))]
    return outer[0] if outer else None


def converts(constants: Constants, model: FoundModel, unit: CodeUnit) -> bool:
    """Whether the model itself makes tensors of the arrays it is given."""
    names = set(parameters_of(unit))
    waiting, seen = [(unit, names)], {unit}
    while waiting:
        here, given = waiting.pop()
        for call in here.calls:
            inside = {
                node.id for arg in call.args for node in ast.walk(arg) if isinstance(node, ast.Name)
            } & given
            last = getattr(call.func, "attr", "") or dotted(call.func)
            if inside and last in ("LongTensor", "from_numpy", "tensor", "as_tensor", "IntTensor"):
                return True
            for other in (
                constants.repo.reached(here, call) if inside and dotted(call.func).startswith("self.") else []
            ):
                if other not in seen and len(seen) < 12:
                    seen.add(other)
                    waiting.append((other, set(parameters_of(other))))
    return False


def used_table(constants: Constants, model: FoundModel, unit: CodeUnit, depth: int = 0) -> tuple[str, str]:
    """The table that a scoring method multiplies: its path as code and the place, or ("", "")."""
    tables = {
        f"self.{table.path}": table for table in model.tables if table.about == "item" and not table.bag
    }
    computed = _computed(constants, unit, tables)
    if computed:
        return computed
    used = [
        tables[name]
        for node in unit.nodes
        if isinstance(node, ast.Attribute) and (name := dotted(node)) in tables
    ]
    out = out_table(model)
    if out is not None and out in used:
        return f'"{out.weight}"', f"{unit.place} scores with {out.path}, {out.place}"
    if len({table.path for table in used}) == 1:
        return f'"{used[0].weight}"', f"{unit.place} scores with it, {used[0].place}"
    return "", ""


def _computed(
    constants: Constants, unit: CodeUnit, tables: dict[str, EmbeddingTable]
) -> tuple[str, str] | None:
    """A table that a method computes from others, such as LightGCN's: `users, items = self.computer()`."""
    for node in unit.nodes:
        if not (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Call)
        ):
            continue
        called = dotted(node.value.func)
        if not called.startswith("self.") or node.value.args or node.value.keywords:
            continue
        about = [role_of(getattr(part, "id", "")) for part in node.targets[0].elts]
        if "item" in about and constants.repo.reached(unit, node.value):
            place = f"{unit.file.path}:{node.lineno}"
            return (
                f"lambda model: model.{called[5:]}()[{about.index('item')}]",
                f"{place} scores with what {called[5:]}() computes",
            )
    return None


def _dense(
    constants: Constants, program: TrainingProgram, model: FoundModel, unit: CodeUnit, why: str
) -> ScoreWay | None:
    """An autoencoder: no table of items, no recurrence, and the program makes dense rows of its matrix."""
    if model.tables or _recurrences(constants, model) or unit.name.rpartition(".")[2] != "forward":
        return None
    if _attends(constants, model):
        return None
    said = f"{why}; {model.name} has no table to look ids up in, so that rows of the matrix of users and items are meant"
    settings = settings_for_asking(unit)
    asked = f"lambda model: lambda bags: model(bags, {', '.join(settings)})" if settings else ""
    return ScoreWay(kind="dense", code=f"kit.scores.by_bag({asked})", why=said)


def _attends(constants: Constants, model: FoundModel) -> bool:
    """Whether the model has layers of attention, which take sequences."""
    text = "".join(ast.unparse(node) for _, node in constants.repo.lineage(model.kind))
    return any(word in text for word in ("Attention", "Transformer", "BertModel", "GPT2"))


def _recurrences(constants: Constants, model: FoundModel) -> list[str]:
    """Attributes of the model that are recurrent layers."""
    found = []
    for file, node in constants.repo.lineage(model.kind):
        for unit in file.units:
            for inner in unit.nodes if unit.owner is node else ():
                if (
                    isinstance(inner, ast.Assign)
                    and isinstance(inner.value, ast.Call)
                    and dotted(inner.value.func).rpartition(".")[2] in RECURRENT
                ):
                    found.append(dotted(inner.targets[0]).removeprefix("self."))
    return list(dict.fromkeys(found))


def _recurrent(
    constants: Constants, model: FoundModel, unit: CodeUnit, roles: dict[str, str], why: str
) -> ScoreWay | None:
    """A step of a recurrent model: (items (B,), hidden) -> (scores, hidden)."""
    layers = _recurrences(constants, model)
    names = list(roles)
    if not layers or len(names) != 2 or not {"hidden", "h", "state", "hx"} & set(words_of(names[1])):
        return None
    before = (
        "def score(model, users, histories):  # step by step; left padding, which is n, leaves the state as it is",
        f"    state = torch.zeros(model.{layers[0]}.num_layers, len(users), model.{layers[0]}.hidden_size, device=device)",
        "    for step in torch.as_tensor(histories, device=device).T:",
        "        told, new = model(step.clamp(max=n - 1), state)",
        "        state = torch.where((step < n)[None, :, None], new, state)",
        "    return told",
    )
    sized = batch_of_buffers(constants, model)
    code = f'kit.scores.in_batches(score, "{sized}")' if sized else "score"
    return ScoreWay(kind="recurrent", code=code, before=before, why=f"{why}: one step of {layers[0]}")


def _of_factors(constants: Constants, program: TrainingProgram, model: FoundModel) -> ScoreWay:
    """Two arrays of factors that the training's own statements update."""
    step = program.chain[-1][0]
    updated: dict[str, str] = {}
    for name, shape in drawn_arrays(step).items():
        updated.setdefault(role_of(ast.unparse(shape.elts[0])), name)
    updated = {role: name for role, name in updated.items() if role in ("user", "item")}
    for node in step.nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            name = dotted(node.target.value).removeprefix("self.")
            index = role_of(getattr(node.target.slice, "id", "")) or role_of(name)
            if index in ("user", "item") and not {"b", "bias", "bu", "bi"} & set(words_of(name)):
                updated.setdefault(index, name)
    if {"user", "item"} <= updated.keys():
        code = f'kit.scores.matrix(users="{updated["user"]}", items="{updated["item"]}")'
        return ScoreWay(
            kind="matrix",
            code=code,
            why=f"{step.place} updates {updated['user']} and {updated['item']}",
            table=f'"{updated["item"]}"',
            why_table=step.place,
        )
    return ScoreWay(
        kind="",
        code="",
        why=f"{step.place} updates arrays, of which none is told to be the users' or the items'",
    )
