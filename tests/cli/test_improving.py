"""What `improve` prints: all that its four steps found, and one line at its end."""

from evolution.store.documents import diagnose_document, propose_document, simulate_document, train_document
from evolution.store.store import Store
from server.cli.improving import show_improved
from tests.cli.report_store import fill


def test_every_step_is_shown_and_the_last_line_has_it_all(repo, capfd):
    filled = fill(repo)
    with Store.open(repo) as store:
        feedback = store.feedback(filled.version.id)
    assert feedback is not None
    document = {
        "train": train_document(filled.version),
        "diagnosis": diagnose_document(filled.version, feedback, set()),
        "users": simulate_document(feedback, set()),
        **propose_document([filled.best]),
    }
    show_improved(repo, document)
    printed = capfd.readouterr().out
    steps = (
        "trial trial000000a on validation",
        "! warning: popularity-bias",
        "200 simulated users",
        "best: abcdef0123",
    )
    places = [printed.index(words) for words in steps]
    assert places == sorted(places)
    last = printed.rstrip().splitlines()[-1]
    assert last.startswith(
        "NDCG@10 .142 ± .004; 3 findings; 200 users, 1 complaint; 1 of 1 patch verified, best: Shuffle"
    )
