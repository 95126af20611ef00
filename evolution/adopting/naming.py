"""What a name of a parameter, column or number speaks of. Names are guesses, and are only asked where data flow is silent."""

import re

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ROLES = {
    "user": {"u", "uid", "uids", "user", "users", "userid", "usr", "session", "reviewer", "customer", "visitor", "reader", "member", "person", "client", "buyer", "author", "us"},
    "history": {"seq", "seqs", "sequence", "sequences", "hist", "history", "histories", "log", "logs", "session", "sess", "input", "inputs", "ids", "tokens", "x", "context", "past"},
    "time": {"time", "timestamp", "timestamps", "ts", "t", "date", "datetime", "unix", "when"},
    "rating": {"rating", "ratings", "r", "score", "stars", "rate", "overall", "weight"},
    "label": {"label", "labels", "y"},
    "item": {"i", "iid", "iids", "item", "items", "itemid", "sid", "movie", "movies", "product", "asin", "business", "track", "song", "artist", "book", "game", "target", "targets", "candidate", "candidates", "venue", "poi", "article", "news", "vocab", "token", "mid", "pid"},
    "negative": {"neg", "negs", "negative", "negatives", "nj"},
    "position": {"pos", "position", "positional", "positions", "len", "length", "max"},
}  # fmt: skip


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: ["item", "emb"] of `item_emb` and `itemEmb`."""
    return [word.lower() for word in _WORDS.findall(name)]


def role_of(name: str) -> str:
    """The role that a name speaks of, "" for none. Of `log_seqs` and `item_seq` it is the history."""
    words = set(words_of(name)) | {name.lower()}
    words |= {word[:-1] for word in words if word.endswith("s") and len(word) > 3}
    words |= {word[:-3] for word in words if word.endswith(("num", "ids"))} | {
        word.removesuffix("id") for word in words
    }
    for role in ("time", "negative", "label", "rating"):
        if words & _ROLES[role]:
            return role
    if words & (_ROLES["history"] - {"input", "inputs", "ids", "x", "session", "sess", "log"}):
        return "history"
    for role in ("item", "user", "history", "position"):
        if words & _ROLES[role]:
            return role
    return ""
