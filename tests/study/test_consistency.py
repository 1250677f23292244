from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from study.consistency import observer_table
from study.votes import COLUMNS

METHODS = ("a", "b", "c", "d", "e")


def table(rows, methods=METHODS):
    """The one row of an observer with votes (kind, image, left, right, choice, first)."""
    full = [("o", k, kind, image, left, right, choice, 1000 * (k + 1), first)
            for k, (kind, image, left, right, choice, first) in enumerate(rows)]  # fmt: skip
    (row,) = observer_table(pd.DataFrame(full, columns=list(COLUMNS)), methods).itertuples()
    return row


def catch(right_one, choice):
    left, right = ("a", "") if right_one == "left" else ("", "a")
    return ("catch", "i", left, right, choice, np.nan)


def test_repeats_agree_when_the_same_picture_is_chosen():
    pairs = [("pair", str(k), "a", "b", choice, np.nan) for k, choice in enumerate(["left", "right", "tie", "left"])]
    again = [
        ("repeat", str(k), "b", "a", choice, float(k)) for k, choice in enumerate(["right", "right", "tie", "left"])
    ]
    row = table([*pairs, *again])
    assert (row.repeats, row.agreed) == (4, 2)
    assert (row.votes, row.ties) == (4, 1)
    assert row.seconds == 4.5


@pytest.mark.parametrize(
    ("failed", "shown", "out"),
    [(0, 8, False), (1, 8, False), (2, 8, True), (1, 1, False), (1, 3, False), (2, 10, False), (3, 10, True)],
)
def test_who_fails_more_than_a_fifth_of_the_catch_trials_is_left_out(failed, shown, out):
    wrong = [catch("left", "right"), catch("right", "tie"), catch("right", "left")]
    right = [catch("left", "left"), catch("right", "right")]
    row = table([wrong[k % 3] for k in range(failed)] + [right[k % 2] for k in range(shown - failed)])
    assert (row.failed, row.catches) == (failed, shown)
    assert bool(row.excluded) == out
    assert not out or row.excluded == f"failed {failed} of {shown} catch trials, more than a fifth"


def ranked(better):
    return [("pair", "i", one, other, "left" if better(one, other) else "right", np.nan)
            for one, other in combinations(METHODS, 2)]  # fmt: skip


def test_zeta_is_one_for_an_order_and_zero_for_the_most_circles():
    straight = table(ranked(lambda one, other: one < other))
    assert (straight.triads, straight.zeta) == (0, 1.0)
    ring = table(ranked(lambda one, other: (METHODS.index(other) - METHODS.index(one)) % 5 in (1, 2)))
    assert (ring.triads, ring.zeta) == (5, 0.0)  # (5^3 - 5) / 24 = 5
    one_swap = table(ranked(lambda one, other: (one < other) != ((one, other) == ("a", "c"))))
    assert one_swap.triads == 1
    assert one_swap.zeta == pytest.approx(0.8)


def test_four_methods_have_at_most_two_circles():
    methods = ("a", "b", "c", "d")
    beats = {("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("b", "d"), ("c", "d")}
    rows = [("pair", "i", x, y, "left" if (x, y) in beats else "right", np.nan) for x, y in combinations(methods, 2)]
    row = table(rows, methods)
    assert (row.triads, row.zeta) == (2, 0.0)


def test_ties_make_no_circle_and_unfinished_images_do_not_count():
    ring = ranked(lambda one, other: (METHODS.index(other) - METHODS.index(one)) % 5 in (1, 2))
    tied = table([(*row[:4], "tie", np.nan) for row in ring])
    assert (tied.triads, tied.zeta) == (0, 1.0)
    assert np.isnan(table(ring[:-1]).zeta)


def test_a_preference_for_a_side_is_told():
    row = table([("pair", str(k), "a", "b", "left", np.nan) for k in range(12)])
    assert row.left_share == 1.0
    assert row.side_p == pytest.approx(2 * 0.5**12)
