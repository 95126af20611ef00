"""The repo's numbering."""

import os
import sys

import numpy as np

from .scratch import ROOT, _in_repo


class Ids:
    """How the repo numbers users and items; evolverec's ids are 1 to n.

    users, items: the first id; or the repo's id of each of ours, as a dict or an array. order: "sorted", "sorted-text", "appearance" or "time"
    where the repo numbers anew what it meets, in that order ("time": what happened first, first). padding: what fills histories, a number, "n" (of items) or "n+1".
    length: of the histories that the model takes, None for whatever they are; side: where padding stands.
    """

    def __init__(self, data, *, users=1, items=1, order=None, padding=0, length=None, side="left"):
        self.n_users, self.n_items = int(data.n_users), int(data.n_items)
        self.place = _caller()  # the adapter's line, for those who find that the numbering does not fit
        self.users = _numbers(users, self.n_users, _met(data, data.users, order), order, "users")
        self.items = _numbers(
            items, self.n_items, _met(data, data.items, order), order, "items"
        )  # (n + 1,), -1 where the repo has none
        n = int((self.items[1:] >= 0).sum()) if order or not isinstance(items, int) else self.n_items
        self.padding = {"n": n, "n+1": n + 1}.get(padding, padding)
        self.length, self.side = length, side
        largest = int(self.items[data.items].max()) if len(data.items) else 0
        self.known = (self.items >= 0) & (
            self.items <= largest
        )  # (n + 1,): items that the model may be asked with
        self.known[0] = False

    def histories(self, histories):
        """int64 (B, length): evolverec's left-padded histories (B, L) as the repo writes them."""
        given = np.asarray(histories)
        width = self.length or given.shape[1]
        rows = np.full((len(given), width), -1 if self.padding is None else self.padding, np.int64)
        for row, history in zip(rows, given):
            kept = history[self.known[history]][-width:] if width else history[:0]
            if len(kept):
                place = slice(width - len(kept), None) if self.side == "left" else slice(0, len(kept))
                row[place] = self.items[kept]
        return rows

    def lists(self, histories):
        """The same without padding: a list for each row."""
        return [self.items[row[self.known[row]]].tolist() for row in np.asarray(histories)]

    def is_item(self, numbers):
        """Which of the repo's ids are items rather than padding."""
        return np.isin(numbers, self.items[self.known])

    def asked(self, padding=False):
        """int64 (n,): the repo's ids of the items that the model knows, in order; with that of padding where it is 0."""
        items = np.unique(self.items[self.known])
        return np.concatenate([[0], items]) if padding and self.padding == 0 and items[0] > 0 else items

    def columns(self, width):
        """int64 (n + 1,): which column of the repo's scores belongs to each item; `width` where none does, -1 for padding."""
        columns = np.where((self.items >= 0) & (self.items < width), self.items, width)
        columns[0] = self.padding if isinstance(self.padding, int) and 0 <= self.padding < width else -1
        return columns


def _caller():
    """(path relative to the repo, line) of the code outside of this file that is at work."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is None or not _in_repo(frame.f_code.co_filename):
        return "", 0
    return os.path.relpath(os.path.realpath(frame.f_code.co_filename), str(ROOT)).replace(
        os.sep, "/"
    ), frame.f_lineno


def _met(data, ids, order):
    """The ids of the log in the order in which the repo meets them."""
    times = getattr(data, "timestamps", None)
    return ids if order != "time" or times is None else ids[np.argsort(times, kind="stable")]


def _numbers(given, n, seen, order, what):
    numbers = np.full(n + 1, -1, np.int64)
    if order is not None:
        met, first = np.unique(seen, return_index=True)
        if order in ("appearance", "time"):
            met = met[np.argsort(first, kind="stable")]
        elif order == "sorted-text":
            met = np.array(sorted(met.tolist(), key=str))
        numbers[met] = np.arange(len(met)) + given
    elif isinstance(given, int):
        numbers[1:] = np.arange(n) + given
    elif isinstance(given, dict):
        for ours, theirs in given.items():
            if str(ours).lstrip("-").isdigit() and 1 <= int(ours) <= n:
                numbers[int(ours)] = int(theirs)
    else:
        numbers[:] = np.asarray(given)
        numbers[0] = -1
    if not (numbers >= 0).any():
        raise ValueError(
            f"Ids({what}=...) gives no number to any of the {n} {what}; a dict from evolverec's id (1 to n, number or text) is expected"
        )
    return numbers
