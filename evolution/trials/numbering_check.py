"""Contract check of an adapter's numbering: does what training looks up consist of events of the users' histories?

The worker holds the ids of the first traced steps against the log (`evolution/worker/guest/numbering_fit.py`), by the adapter's
numbering and by others that repos have. The check fails where another one fits and the adapter's does not; a numbering that fits no
better than others is no finding, for a training may look up things that are no histories.
"""

from collections.abc import Mapping
from typing import Any

from diagnosis.findings import CodePlace
from evolution.base.amounts import percent
from evolution.domain.trial import ContractCheck
from evolution.trials.asked import said

CODE = "ids-as-trained"
TELLING = {"rows": 0.6, "pairs": 0.08}  # above chance; pairs hold the negatives of training, too
NOT = 0.5  # of what the best numbering has above chance
_OF = {"rows": "histories that training looks up", "pairs": "pairs of user and item that training looks up"}


def check_numbering(trace: Mapping[str, Any]) -> ContractCheck | None:
    """The check of a trace; None where the adapter says no numbering, or training looks nothing up that can be told."""
    told = trace.get("numbering") or {}
    if not told:
        return None
    of, (given, best, chance) = _OF[told["kind"]], (float(told[name]) for name in ("given", "best", "chance"))
    table = CodePlace(path=told["path"], line=told["line"])
    made = CodePlace(path=told["ids_path"], line=told["ids_line"])
    places = (made, table) if made.path else (table,)
    where = f" ({', '.join(f'{one.path}:{one.line}' for one in places)})"
    gained, own = best - chance, given - chance
    if gained >= TELLING[told["kind"]] and own < NOT * gained:
        words = f"{percent(given)} of the {of} are events of one user by the adapter's numbering; {_fitting(told)} fits {percent(best)}{where}"
        return said(CODE, False, "warning", words, places)
    if own < TELLING[told["kind"]]:
        return None
    if told["padding"]:
        value, side, padding, own_side = told["padding"]
        words = f"training fills histories with {value} on the {side}, kit.Ids with {padding} on the {own_side}: change padding= and side={where}"
        return said(CODE, False, "warning", words, places)
    return said(CODE, True, "warning", f"{percent(given)} of the {of} are events of one user")


def _fitting(told: Mapping[str, Any]) -> str:
    first, order, shift, of_users = (told[name] for name in ("first", "order", "shift", "user_shift"))
    call = f'order="{order}", items={first}' if order else f"items={first}"
    if (of_users_too := told.get("users")) is not None:
        return f'that of kit.Ids(data, order="{order}", users={of_users_too}, items={first})'
    of_items = f"items shifted by {shift:+d}" if shift else "that of"
    users = f" with users shifted by {of_users:+d}" if of_users else ""
    return (
        f"{of_items} (kit.Ids(data, {call})){users}" if shift else f"{of_items} kit.Ids(data, {call}){users}"
    )
