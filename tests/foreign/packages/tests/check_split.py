from shopdata import Event, leave_one_out


def test_the_newest_is_held_out():
    split = leave_one_out([Event(0, 5, 1.0), Event(0, 6, 2.0), Event(1, 7, 1.0)])
    assert split.train == {0: [5], 1: [7]}
    assert split.held_out == {0: 6}
