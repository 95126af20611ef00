"""Finds which lines play which role in a recommender, from the data flow of a traced step, never from the repo's
names.

What the trace cannot show (numpy code, or no trace at all) is read from the syntax tree of the lines that ran, by the
names of library functions; such sites have `"coarse": True` in their detail.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diagnosis.coarse_roles import coarse_sites, entry_sites, loop_sites
from diagnosis.findings import Role, Site
from diagnosis.flow import Flow
from diagnosis.loss_roles import loss_sites, negative_sites
from diagnosis.model_roles import (
    dropout_sites,
    encoder_sites,
    mask_sites,
    normalization_sites,
    position_sites,
)
from diagnosis.syntax import statement_range
from diagnosis.table_roles import initialization_sites, scoring_sites, table_parameters, table_sites

# Roles that numpy or plain Python code may play in a torch repo: searched in the syntax tree where the trace has none.
OUTSIDE_TORCH = (Role.NEGATIVES, Role.LOADER)


def find_sites(trace: Mapping[str, Any], sources: Mapping[str, str], n_items: int) -> list[Site]:
    """The sites of every role, best first within a role; each covers whole statements.

    sources: path -> text of the traced program. Sites outside of it are dropped.
    """
    flow = Flow(trace)
    tables = table_parameters(flow, n_items)
    found: list[Site] = []
    found += table_sites(flow, trace, tables)
    found += position_sites(flow, tables)
    found += encoder_sites(flow, trace)
    found += mask_sites(flow)
    found += dropout_sites(flow, trace)
    found += normalization_sites(flow, trace)
    found += loss_sites(flow)
    found += negative_sites(flow, tables, n_items)
    found += loader_sites(flow, trace)
    found += optimizer_sites(trace, tables)
    found += scoring_sites(flow, trace, tables)
    found += initialization_sites(flow, tables)
    roles = {site.role for site in found}
    wanted = OUTSIDE_TORCH if trace.get("kind") == "torch" else tuple(Role)
    found += [site for site in coarse_sites(trace, sources) if site.role in wanted and site.role not in roles]
    if not any(site.role is Role.LOADER for site in found):
        found += loop_sites(trace, sources)
    found += entry_sites(sources)
    return list(_whole_statements(found, sources))


def loader_sites(flow: Flow, trace: Mapping[str, Any]) -> Iterator[Site]:
    """Sites of the data loaders that training iterates, then of permutations drawn while training."""
    for loader in trace.get("loaders", ()):
        if loader["trained"]:
            yield _site(Role.LOADER, loader, {"kind": "dataloader"} | _facts(loader, "sampler", "batch_size"))
    for op in flow.ops:
        if op["phase"] == "train" and op["function"] == "randperm":
            yield _site(
                Role.LOADER, op, {"kind": "permutation", "function": "randperm", "shape": op["out"][:1]}
            )


def optimizer_sites(trace: Mapping[str, Any], tables: list[int]) -> list[Site]:
    """Sites of the optimizers, the one that updates the item table first.

    detail: type, defaults, groups, and steps (where `step()` is called).
    """
    table = f"p{tables[0]}" if tables else ""
    steps = [{"path": step["path"], "line": step["line"]} for step in trace.get("step_sites", ())]
    ordered = sorted(trace.get("optimizers", ()), key=lambda optimizer: table not in optimizer["parameters"])
    return [
        _site(Role.OPTIMIZER, optimizer, _facts(optimizer, "type", "defaults", "groups") | {"steps": steps})
        for optimizer in ordered
    ]


def _facts(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names}


def _site(role: Role, record: Mapping[str, Any], detail: Mapping[str, Any]) -> Site:
    return Site(
        role=role, path=record["path"], start_line=record["line"], end_line=record["line"], detail=detail
    )


def _whole_statements(sites: Iterable[Site], sources: Mapping[str, str]) -> Iterator[Site]:
    """Widen every site to its statement; of several sites of one role in one statement keep the first.

    The lines and functions of the merged sites are kept in detail["lines"] and detail["functions"].
    """
    merged: dict[tuple[Role, str, int, int], tuple[dict[str, Any], set[int], list[str]]] = {}
    for site in sites:
        if site.path not in sources or site.start_line < 1:
            continue
        start, end = statement_range(sources[site.path], site.start_line)
        key = (site.role, site.path, start, end)
        detail, lines, functions = merged.setdefault(key, (dict(site.detail), set(), []))
        lines.add(site.start_line)
        function = site.detail.get("function")
        if function and function not in functions:
            functions.append(function)
    for (role, path, start, end), (detail, lines, functions) in merged.items():
        facts = detail | {"lines": sorted(lines), "functions": functions}
        yield Site(role=role, path=path, start_line=start, end_line=end, detail=facts)
