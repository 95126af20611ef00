"""Prints the document of `simulate --session`: figures with baselines beside them, why users left, one user's session."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evolution.base.amounts import count, number, percent, short, signed
from server.cli.console import console
from server.shown.session_words import EXPLAINED, LEFT_WORDS, LISTENING, RECOMMENDERS


def show_sessions(document: dict[str, Any]) -> None:
    """Print all of the document."""
    out = console()
    fidelity = document["fidelity"]
    out.print(
        f"{count(document['users'], 'simulated user')} went through pages of {document['page_size']}, at most {document['most_pages']}; "
        f"they tell their user's real next choice from a random item with AUC {_figure(fidelity['auc'], fidelity)} (.5 is chance)"
    )
    if document["no_vote"]:
        out.print(f"[yellow]{escape(document['no_vote'])}[/], so these figures say nothing")
    _show_figures(out, document)
    _show_exits(out, document)
    _show_listening(out, document["listening"])
    for words in document["lacking"]:
        out.print(f"[dim]{escape(words)}[/]")
    if document["session"]:
        _show_session(out, document["session"])


def _show_figures(out: Console, document: dict[str, Any]) -> None:
    table = Table(title="sessions, 95 % intervals over users", title_justify="left", box=SIMPLE_HEAD)
    table.add_column()
    for column in ("Satisfy", "View", "Depth"):
        table.add_column(column, justify="right")
    for one in document["recommenders"]:
        table.add_row(_name(one), _interval(one["satisfy"]), _shares(one["view"]), _interval(one["depth"]))
    out.print(table)
    out.print(f"[dim]{EXPLAINED}[/]")
    for one in document["recommenders"]:
        if (ahead := one["model_ahead_by"]) is not None:
            out.print(f"  ahead of {_name(one)} in Satisfy by {_signed_interval(ahead)}")
    if liked := document["recommenders"][0]["like"]:
        out.print(f"  of what they took from your model they would rate {_shares(liked)} 4 or 5")


def _show_exits(out: Console, document: dict[str, Any]) -> None:
    """Reasons that nobody had are left out."""
    recommenders = document["recommenders"]
    table = Table(title="why they left, % of users", title_justify="left", box=SIMPLE_HEAD)
    table.add_column()
    for one in recommenders:
        table.add_column(_name(one), justify="right")
    for reason, words in LEFT_WORDS.items():
        shares = [one["exits"][reason] for one in recommenders]
        if any(share["value"] for share in shares):
            table.add_row(words, *(_shares(share).replace(" %", "") for share in shares))
    out.print(table)


def _show_listening(out: Console, heard: dict[str, Any]) -> None:
    out.print(
        f"{_shares(heard['wished'])} of them asked to be spared a kind of thing: {escape(LISTENING[heard['told']])}"
    )
    if heard["satisfy"] is not None and heard["depth"] is not None:
        gain = f"Satisfy {_signed_interval(heard['satisfy'])}, pages {_signed_interval(heard['depth'])}"
        out.print(f"  lists that put last what each of them asked to be spared: {gain}")


def _name(recommender: dict[str, Any]) -> str:
    return escape(RECOMMENDERS.get(recommender["name"], str(recommender["name"])))


def _show_session(out: Console, session: dict[str, Any]) -> None:
    out.print(
        f"\n[bold]user {escape(session['user'])}[/]: {escape(session['persona'])} [dim](one user: no intervals)[/]"
    )
    if session["history"]:
        out.print("  before: " + escape(", ".join(session["history"])))
    for place, page in enumerate(session["pages"], start=1):
        out.print(f"[bold]page {place}[/]  felt {short(page['felt'])} of 10, trust {percent(page['trust'])}")
        if page["mood"]:
            out.print(f"  [italic]{escape(page['mood'])}[/]")
        for item in page["items"]:
            rating = f" ({item['rating']} of 5)" if item["rating"] is not None else ""
            mark = "[green]+[/]" if item["taken"] else "[dim]-[/]"
            title = f"[green]{escape(item['title'])}[/]{rating}" if item["taken"] else escape(item["title"])
            out.print(f"  {mark} {item['rank']:>2}. {title}  [dim]{escape(item['reason'])}[/]")
        if page["wish"]:
            out.print(f'  says: "{escape(page["wish"])}" [dim]({LISTENING[session["heard"]]})[/]')
    out.print(f"[bold]left[/]: {escape(session['left'])} Satisfy {number(session['satisfy'])}")


def _figure(value: float, interval: dict[str, Any]) -> str:
    return f"{number(value)} [{number(interval['low'])}, {number(interval['high'])}]"


def _interval(mean: dict[str, Any]) -> str:
    return _figure(mean["value"], mean)


def _signed_interval(mean: dict[str, Any]) -> str:
    value, low, high = (signed(round(mean[name], 3)) for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _shares(mean: dict[str, Any]) -> str:
    low, high = (percent(mean[end]).removesuffix(" %") for end in ("low", "high"))
    return f"{percent(mean['value'])} [{low}, {high}]"
