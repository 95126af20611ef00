"""Asking the repo's model in its own way."""

import functools

import numpy as np

from .scratch import _torch


class scores:  # noqa: N801 - read as a namespace, kit.scores.by_user("predict")
    """Ways in which repos score. Each gives a function (model, users, histories, ids) -> (B, N), column j the repo's item j.

    method: the model's, "predict" for one; None calls the model itself. users and items come as tensors where torch is used.
    """

    @staticmethod
    def by_items(method=None, *, tensors=False, one_by_one=False):
        """method(users (B,), histories (B, L), items (n,)) -> (B, n); arrays unless tensors. one_by_one: B is 1."""

        def score(model, users, histories, ids):
            items = ids.asked(padding=True)
            ask = lambda *rows: _called(
                model, method, *(_given(one, model, tensors) for one in (*rows, items))
            )
            return _placed(_asked(ask, (users, histories), one_by_one), items, len(users))

        return score

    @staticmethod
    def by_pairs(method=None, *, item_first=False, tensors=True):
        """method(users (P,), items (P,)) -> (P,), a score for each pair."""

        def score(model, users, histories, ids):
            items = ids.asked()
            rows, some = [], max(1, (1 << 18) // len(items))
            for start in range(0, len(users), some):
                part = users[start : start + some]
                pair = [
                    _given(np.repeat(part, len(items)), model, tensors),
                    _given(np.tile(items, len(part)), model, tensors),
                ]
                rows.append(
                    _called(model, method, *(pair[::-1] if item_first else pair)).reshape(
                        len(part), len(items)
                    )
                )
            return _placed(_joined(rows), items, len(users))

        return score

    @staticmethod
    def by_user(method=None, *, tensors=True, one_by_one=False):
        """method(users (B,)) -> (B, N); one_by_one: method(user) -> (N,)."""

        def score(model, users, histories, ids):
            if one_by_one:
                return _joined([_called(model, method, int(user)).reshape(1, -1) for user in users])
            return _called(model, method, _given(users, model, tensors))

        return score

    @staticmethod
    def by_history(method=None, *, tensors=True, position=-1, with_users=False):
        """method(histories (B, L)) -> (B, N), or (B, L, N) of which `position` is taken."""

        def score(model, users, histories, ids):
            given = [
                _given(one, model, tensors) for one in ((users, histories) if with_users else (histories,))
            ]
            return _at(_called(model, method, *given), position)

        return score

    @staticmethod
    def by_last(method=None, *, tensors=True, with_users=False):
        """method(last (B,)) -> (B, N), of models that look at the newest item alone; with_users: method(users, last).

        A row without an item that the model knows is not asked, and gets equal scores.
        """

        def score(model, users, histories, ids):
            known = ids.is_item(histories)
            rows = np.flatnonzero(known.any(1))
            newest = histories[rows, histories.shape[1] - 1 - known[rows, ::-1].argmax(1)]
            if not len(rows):
                return np.zeros((len(users), int(ids.items.max()) + 1), np.float32)
            given = (users[rows], newest) if with_users else (newest,)
            told = _called(model, method, *(_given(one, model, tensors) for one in given))
            if len(rows) == len(users):
                return told
            whole = (np.zeros if isinstance(told, np.ndarray) else told.new_zeros)(
                (len(users), told.shape[1])
            )
            whole[rows] = told
            return whole

        return score

    @staticmethod
    def by_packed(method=None, *, time_first=False, longest_first=False, lengths_first=False):
        """method(histories (B, L), lengths (B,)) -> (B, N), of a model that packs them, padding on the right.

        time_first: histories (L, B). longest_first: rows by falling length. lengths_first: the lengths are the first argument.
        """

        def score(model, users, histories, ids):
            lengths = (histories != ids.padding).sum(1)
            order = np.argsort(-lengths, kind="stable") if longest_first else np.arange(len(lengths))
            rows = histories[order, : max(1, int(lengths.max()))]
            rows = _given(np.ascontiguousarray(rows.T if time_first else rows), model, True)
            given = [rows, np.maximum(lengths[order], 1).tolist()]
            return _called(model, method, *(given[::-1] if lengths_first else given))[np.argsort(order)]

        return score

    @staticmethod
    def in_batches(score, size):
        """The same in batches of one size, the last one filled up, for models whose buffers have it. score: one of these ways, or a
        function of the adapter's; size: a number, or the path of the model's own."""

        def ask(model, users, histories, ids):
            n, parts = size if isinstance(size, int) else int(_found(model, size)), []
            for start in range(0, len(users), n):
                rows = np.minimum(np.arange(start, start + n), len(users) - 1)
                more = [ids] if getattr(score, "__module__", None) == __name__ else []
                parts.append(score(model, users[rows], histories[rows], *more)[: len(users) - start])
            return _joined(parts)

        return ask

    @staticmethod
    def by_bag(method=None, *, tensors=True):
        """method(bags (B, N)) -> (B, N): 1 for each item of a history, 0 for others, as autoencoders take them."""

        def score(model, users, histories, ids):
            bags = np.zeros((len(users), int(ids.items[ids.known].max()) + 1), np.float32)
            for bag, history in zip(bags, histories):
                bag[history[ids.is_item(history)]] = 1
            return _called(model, method, _given(bags, model, tensors))

        return score

    @staticmethod
    def by_table(method, table, *, tensors=True, position=-1):
        """method(histories (B, L)) -> (B, d) or (B, L, d), times the table (N, d) that the path names."""

        def score(model, users, histories, ids):
            state = _at(_called(model, method, _given(histories, model, tensors)), position)
            return state @ _found(model, table).T

        return score

    @staticmethod
    def by_vectors(method=None, *, more=0, tensors=True, **named):
        """method(users (B,), items (n,), so many empty rows of `more` items, **named) -> (B, d), (n, d), ...: scores are products."""

        def score(model, users, histories, ids):
            items = ids.asked()
            given = [_given(one, model, tensors) for one in (users, items, *[items[:0]] * more)]
            of_users, of_items = (model if method is None else _found(model, method))(*given, **named)[:2]
            return _placed(of_users @ of_items.T, items, len(users))

        return score

    @staticmethod
    def all_items(
        method="full_sort_predict", *, user="user_id", history="item_id_list", length="item_length", item="item_id"
    ):  # fmt: skip
        """method({user: (B,), history: (B, L), length: (B,)}) -> (B * N,), as RecBole's models answer; histories on the left.

        A model without it is asked as RecBole asks it: predict({..., item: (P,)}) -> (P,), for each pair of a row and an item.
        """

        def score(model, users, histories, ids):
            lengths = np.maximum((histories != ids.padding).sum(1), 1)
            rows = {user: users, history: histories, length: lengths}
            try:
                return _called(model, method, _interaction(rows, model)).reshape(len(users), -1)
            except NotImplementedError as error:
                if _raised_in(error) != method:
                    raise  # by something that the method calls
                items = ids.asked()
            told, some = [], max(1, (1 << 18) // len(items))
            for start in range(0, len(users), some):
                pairs = {
                    name: np.repeat(one[start : start + some], len(items), 0) for name, one in rows.items()
                }
                pairs[item] = np.tile(items, len(pairs[user]) // len(items))
                told.append(_called(model, "predict", _interaction(pairs, model)).reshape(-1, len(items)))
            return _placed(_joined(told), items, len(users))

        return score

    @staticmethod
    def matrix(users, items):
        """The products of two tables of factors, (U, d) and (N, d), that the paths name."""
        return lambda model, asked, histories, ids: _found(model, users)[asked] @ _found(model, items).T

    @staticmethod
    def frame(method="recommend", *, user="user_id", item="item_id", score="score", **arguments):
        """method(DataFrame of users, ...) -> DataFrame with a row for each user and item that is recommended."""

        def ask(model, users, histories, ids):
            import pandas

            told = _called(model, method, pandas.DataFrame({user: users}), **arguments)
            row_of = {int(one): row for row, one in enumerate(users)}
            told_of = np.full((len(users), int(ids.items.max()) + 1), -np.inf, np.float32)
            told_of[[row_of[int(one)] for one in told[user]], told[item].to_numpy()] = told[score].to_numpy()
            return told_of

        return ask

    @staticmethod
    def file(path):
        """An array (U, N) that the program has written; path: relative to the repo."""

        def score(model, users, histories, ids):
            return np.load(ids.run.scratch / path, allow_pickle=False)[users]

        return score


class _Interaction(dict):
    def to(self, *_, **__):
        return self


def _interaction(rows, model):
    return _Interaction({name: _given(one, model, True) for name, one in rows.items()})


def _raised_in(error):
    """The name of the function that raised it."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_name


def _called(model, method, *given, **named):
    function = model if method is None else _found(model, method)
    told = function(*given, **named)
    told = getattr(told, "logits", told)  # of an output with names
    return told[0] if isinstance(told, (tuple, list)) else told


def _asked(ask, rows, one_by_one):
    """What a model answers to rows (B, ...) of several things, all at once or each by itself."""
    if not one_by_one:
        return ask(*rows)
    return _joined([ask(*(one[at : at + 1] for one in rows)).reshape(1, -1) for at in range(len(rows[0]))])


def _found(model, path):
    """An attribute "item_emb.weight", or what a function of the adapter's makes of the model."""
    return path(model) if callable(path) else functools.reduce(getattr, path.split("."), model)


def _given(array, model, tensors):
    torch = _torch()
    if not tensors or torch is None:
        return array
    first = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
    return torch.as_tensor(array, device=getattr(first, "device", "cpu"))


def _at(told, position):
    return told[:, position] if told.ndim == 3 else told


def _joined(rows):
    return np.concatenate(rows) if isinstance(rows[0], np.ndarray) else _torch().cat(rows)


def _placed(told, items, n):
    """(B, n) of these items into (B, N): column j is item j; minus infinity where none was asked."""
    told = (
        told.reshape(n, len(items))
        if hasattr(told, "reshape")
        else np.asarray(told, np.float32).reshape(n, len(items))
    )
    width = int(items.max()) + 1
    if len(items) == width:
        return told
    back = np.full(width, len(items))
    back[items] = np.arange(len(items))
    return _chosen(told, back)


def _chosen(told, columns):
    """Columns of scores (B, N); one that lies beyond them is minus infinity, -1 is 0."""
    width, rows = told.shape[1], len(told)
    columns = np.where(columns < 0, width + 1, columns)
    if isinstance(told, np.ndarray):
        return np.concatenate(
            [told, np.full((rows, 1), -np.inf, told.dtype), np.zeros((rows, 1), told.dtype)], 1
        )[:, columns]
    beyond = [told.new_full((rows, 1), -float("inf")), told.new_zeros((rows, 1))]
    return _torch().cat([told, *beyond], 1).index_select(1, _torch().as_tensor(columns, device=told.device))
