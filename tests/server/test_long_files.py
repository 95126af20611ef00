"""Static rules on a file too long to parse beside the requests: in a process of their own, on the lines as they are."""

from dataclasses import replace

import pytest

from diagnosis.rules.check import check_source
from server.lsp.rules import LONG, Judged, judge, live_of, moved

CARELESS = "import torch.nn.functional as F\n\n\ndef forward(x):\n    return F.dropout(x, 0.5)\n"
LONG_FILE = CARELESS + "".join(f"\n\ndef f{n}(x):\n    return x + {n}\n" for n in range(LONG // 30))
HITS = check_source("a.py", LONG_FILE)


@pytest.mark.process
async def test_a_hit_comes_later_follows_its_line_and_goes_with_it(connect, records):
    assert len(LONG_FILE) > LONG
    editor = await connect("emacs")
    uri = editor.open("model.py", LONG_FILE)
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert (shown.code, shown.range.start.line) == ("functional-dropout", 4)
    editor.change(uri, "import os\n" + LONG_FILE)
    await editor.wait(lambda: [found.range.start.line for found in editor.shown(uri)] == [5])
    editor.change(uri, LONG_FILE.replace("0.5)", "0.5, training=False)"))
    await editor.wait(lambda: not editor.shown(uri))
    editor.change(uri, LONG_FILE)
    await editor.wait(lambda: editor.shown(uri))


@pytest.mark.process
async def test_the_other_process_says_what_this_one_would():
    assert list((await judge("a.py", LONG_FILE)).hits) == HITS != []
    assert await judge("a.py", "def (") == Judged()


def test_until_it_is_judged_again_a_hit_is_known_only_while_its_lines_stand():
    live = live_of("a.py", CARELESS, Judged(hits=tuple(check_source("a.py", CARELESS))))
    assert [note.anchors[0].start_line for note in moved(live, CARELESS)] == [5]
    assert [note.anchors[0].start_line for note in moved(live, "\n\n" + CARELESS)] == [7]
    assert moved(live, CARELESS.replace("0.5", "0.4")) == []
    assert moved(replace(live, notes=()), CARELESS) == []
