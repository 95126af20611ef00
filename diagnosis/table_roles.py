"""Finds the item table, its initialization, and the product that makes scores from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.findings import Role, Site
from diagnosis.flow import Flow

LOOKUPS = {"embedding", "embedding_bag", "__getitem__", "index_select", "gather", "take_along_dim"}
PRODUCTS = {
    "matmul",
    "__matmul__",
    "__rmatmul__",
    "mm",
    "bmm",
    "linear",
    "einsum",
    "addmm",
    "mv",
    "inner",
    "tensordot",
    "baddbmm",
}
VIEWS = {
    "T",
    "mT",
    "t",
    "transpose",
    "permute",
    "data",
    "detach",
    "__getitem__",
    "to",
    "contiguous",
    "view",
    "reshape",
}
INITIALISERS = {
    "normal_", "uniform_", "trunc_normal_", "xavier_normal_", "xavier_uniform_", "kaiming_normal_", "kaiming_uniform_",
    "zero_", "zeros_", "fill_", "constant_", "orthogonal_", "copy_", "mul_", "div_",
}  # fmt: skip


def table_parameters(flow: Flow, n_items: int) -> list[int]:
    """Indices of the parameters that may be the item table, best first.

    A candidate has as many rows as there are items, and a few more for padding or masks. Better ones are multiplied
    with while scoring and looked up while training.
    """
    slack = max(8, n_items // 100)
    fitting = [
        index
        for index, parameter in enumerate(flow.parameters)
        if len(parameter["shape"]) == 2 and n_items <= parameter["shape"][0] <= n_items + 1 + slack
    ]
    trained = set(flow.upstream(flow.backward))
    used = [index for index in fitting if any(op in trained for op in flow.consumers(f"p{index}"))] or fitting

    def rank(index: int) -> tuple[bool, bool, int]:
        parameter = flow.parameters[index]
        looked_up = any(flow.ops[op]["function"] in LOOKUPS for op in flow.consumers(f"p{index}"))
        multiplied = any(True for _ in products_with(flow, index, "score"))
        return not multiplied, not looked_up, abs(parameter["shape"][0] - n_items - 1)

    return sorted(used, key=rank)


def products_with(flow: Flow, parameter: int, phase: str) -> Iterator[int]:
    """Indices of the calls that multiply something with the whole table, directly or through a view of it."""
    queue, seen = flow.consumers(f"p{parameter}").copy(), set()
    while queue:
        op = queue.pop(0)
        if op in seen:
            continue
        seen.add(op)
        call = flow.ops[op]
        if call["phase"] == phase and call["function"] in PRODUCTS:
            yield op
        elif call["function"] in VIEWS:
            queue += flow.consumers(f"o{op}")


def table_sites(flow: Flow, trace: Mapping[str, Any], tables: list[int]) -> Iterator[Site]:
    """Where the table is created: the innermost line of the repo, then the line that builds its module.

    detail: shape, name (dotted, as the outermost module knows it), attribute, module (its class, "" for a bare
        parameter), and lookups (the lines that index it).
    """
    modules = trace.get("modules", ())
    for index in tables[:1]:
        parameter = flow.parameters[index]
        module = modules[parameter["module"]] if parameter["module"] >= 0 else None
        parts = parameter["name"].split(".") if parameter["name"] else [""]
        library = module if module is not None and module["library"] else None
        detail = {
            "shape": parameter["shape"],
            "name": parameter["name"],
            "attribute": parts[-2] if library and len(parts) > 1 else parts[-1],
            "module": library["type"] if library else "",
            "lookups": _lookups(flow, index),
        }
        yield _at(Role.ITEM_TABLE, parameter, detail)
        if library:
            yield _at(Role.ITEM_TABLE, library, detail)


def _lookups(flow: Flow, parameter: int) -> list[dict[str, Any]]:
    found = [flow.ops[op] for op in flow.consumers(f"p{parameter}") if flow.ops[op]["function"] in LOOKUPS]
    return [
        {"path": op["path"], "line": op["line"], "phase": op["phase"]}
        for op in found
        if op["phase"] != "build"
    ]


def initialization_sites(flow: Flow, tables: list[int]) -> Iterator[Site]:
    """Calls that fill the item table, on lines other than the one that creates it; the call that ran last comes first.

    detail: function, scalars (its plain arguments, such as std).
    """
    if not tables:
        return
    table = flow.parameters[tables[0]]
    reached = set(flow.consumers(f"p{tables[0]}"))
    for op in list(reached):
        if flow.ops[op]["function"] in VIEWS:
            reached |= set(flow.consumers(f"o{op}"))
    if table["data"].startswith("o"):
        reached |= set(flow.upstream([int(table["data"][1:])]))
    for index in sorted(reached, reverse=True):
        op = flow.ops[index]
        elsewhere = (op["path"], op["line"]) != (table["path"], table["line"])
        if op["phase"] == "build" and op["function"] in INITIALISERS and elsewhere:
            whole = op["in"][:1] == [table["shape"]] or op["function"] not in (
                "zero_",
                "zeros_",
                "fill_",
                "constant_",
            )
            if whole:
                yield _at(Role.INITIALIZATION, op, {"function": op["function"], "scalars": op["scalars"]})


def scoring_sites(flow: Flow, trace: Mapping[str, Any], tables: list[int]) -> Iterator[Site]:
    """The product that makes the scores, nearest to the answer first.

    detail: function, shape of the answer.
    """
    answer = trace.get("score", {})
    start = [int(source[1:]) for source in answer.get("sources", ()) if source.startswith("o")]
    upstream = [op for op in flow.upstream(start) if flow.ops[op]["phase"] == "score"]
    with_table = set(products_with(flow, tables[0], "score")) if tables else set()
    products = [op for op in upstream if flow.ops[op]["function"] in PRODUCTS]
    best = [op for op in products if op in with_table] or products[:1] or upstream[:1]
    for op in best[:2]:
        call = flow.ops[op]
        yield _at(Role.SCORING, call, {"function": call["function"], "shape": answer.get("shape", [])})


def _at(role: Role, record: Mapping[str, Any], detail: Mapping[str, Any]) -> Site:
    return Site(
        role=role, path=record["path"], start_line=record["line"], end_line=record["line"], detail=detail
    )
