"""The contract that every patch must keep, in the words of the prompts."""

DATA = """\
Ids run from 1; 0 is padding. `data` holds training events only, sorted by user, then time: `users`, `items` int64 (N,);
  `timestamps` int64 seconds or None; `ratings` float32 or None; `offsets` int64 (n_users + 2,), user u's events are
  `offsets[u]:offsets[u + 1]`; `n_users`, `n_items`; and `item_columns`, each with n_items + 1 entries of which entry 0 is
  padding: `title` and `store` (strings, "" unknown), `categories` (lists of strings, broad to narrow, [] unknown), `price`
  and `average_rating` (float32, NaN unknown). All are numpy arrays but for the strings and lists of `item_columns`."""

CONTRACT = """\
- `{function}(data, *, device, seed)` in module `{module}` builds the recommender; same data, device and seed: same result.
- `recommender.fit()` returns an iterator that yields one mapping of floats per epoch, such as {{"loss": 0.69}}. The caller
  decides after each epoch whether to go on: nothing may rely on a fixed number of epochs, or on the end of training.
- `recommender.score(users, histories)` returns finite floats (B, n_items + 1), higher is better, column 0 is ignored.
  `users` is int64 (B,), `histories` int64 (B, L), left-padded with 0, oldest first, newest last. The same question gets
  the same answer, whoever else is in the batch and however much padding there is; dropout is off while scoring.
- `recommender.instruct(users, texts)` stays where it exists: what users (B,) wish at this moment, a string each, "" for nothing,
  which later scores of theirs heed, and nothing else does.
- `recommender.item_embeddings()`, `state_dict()` and `load_state_dict()` stay where they exist, stay true to what
  `score` uses, and a state that is saved and loaded scores the same.
- {data}
- The program has no network, cannot read files beside its own, and has no package that the code does not import already."""


def contract(entry: str) -> str:
    """The contract for a program with this entry ("module:function")."""
    module, _, function = entry.partition(":")
    return CONTRACT.format(module=module, function=function, data=DATA)
