from collections import Counter
from itertools import combinations, pairwise

import pytest

from bench.errors import BenchError
from study.design import DEGRADED, GAP, Plan, trials


def of(kind, shown):
    return [trial for trial in shown if trial.kind == kind]


@pytest.mark.parametrize(("methods", "images"), [(2, 1), (2, 7), (3, 4), (4, 9), (5, 23), (6, 11)])
def test_every_pair_is_shown_once_on_every_image(methods, images):
    shown = of("pair", trials(Plan(methods, images, seed=3), 0))
    wanted = {(image, frozenset(pair)) for image in range(images) for pair in combinations(range(methods), 2)}
    assert Counter((t.image, frozenset((t.left, t.right))) for t in shown) == Counter(wanted)


@pytest.mark.parametrize(("methods", "images"), [(2, 7), (3, 4), (4, 9), (5, 23), (6, 11)])
def test_sides_are_balanced_within_an_observer(methods, images):
    shown = of("pair", trials(Plan(methods, images, seed=1), 4))
    ordered = Counter((t.left, t.right) for t in shown)
    for one, other in combinations(range(methods), 2):
        assert abs(ordered[one, other] - ordered[other, one]) == images % 2
    left = Counter(t.left for t in shown)
    assert max(left.values()) - min(left.values()) <= (0 if images % 2 == 0 or methods % 2 else 1)


def test_couples_of_observers_see_every_pair_on_both_sides():
    plan = Plan(5, 23, seed=8)
    shown = Counter((t.image, t.left, t.right) for k in (6, 7) for t in of("pair", trials(plan, k)))
    assert set(shown.values()) == {1}
    assert len(shown) == 2 * 230


def test_the_order_is_seeded_and_each_observers_own():
    plan = Plan(4, 6, seed=5)
    assert trials(plan, 2) == trials(plan, 2)
    assert trials(plan, 2) != trials(plan, 3)
    assert trials(plan, 2) != trials(Plan(4, 6, seed=6), 2)


@pytest.mark.parametrize("observer", range(6))
def test_repeats_are_swapped_and_come_later(observer):
    shown = trials(Plan(5, 23, seed=0, repeats=0.1), observer)
    again = of("repeat", shown)
    assert len(again) == len(set(again)) == 23
    for trial in again:
        assert (trial.left, trial.right) == (trial.first.right, trial.first.left)
        assert shown.index(trial) - shown.index(trial.first) > GAP


def test_catch_trials_are_spread_over_the_study_on_both_sides():
    plan = Plan(5, 23, seed=0, catches=6)
    places, sides, images = [], Counter(), Counter()
    for observer in range(40):
        shown = trials(plan, observer)
        found = [place for place, trial in enumerate(shown) if trial.kind == "catch"]
        assert len(found) == 6
        assert min(found) > 0  # nobody meets a spoilt picture before a real one
        places.append([place // 44 for place in found])
        assert sum(shown[place].left == DEGRADED for place in found) == 3
        sides.update(place for place, number in enumerate(found) if shown[number].left == DEGRADED)
        images.update(shown[place].image for place in found)
    assert all(len(set(row)) >= 5 for row in places)  # one a stretch of the study
    assert all(8 <= sides[place] <= 32 for place in range(6))  # and nobody can tell where the next one will be
    assert len(images) == 6


def test_one_image_seldom_comes_twice_in_a_row():
    shown = trials(Plan(5, 23, seed=0, repeats=0.1), 1)
    assert sum(a.image == b.image for a, b in pairwise(shown)) <= 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"methods": 1}, "two methods and one image"),
        ({"images": 0}, "two methods and one image"),
        ({"repeats": 1.5}, "repeats"),
        ({"repeats": float("nan")}, "repeats"),
        ({"catches": -1}, "catch trials"),
    ],
)
def test_impossible_designs_are_refused(words, told):
    with pytest.raises(BenchError, match=told):
        Plan(**({"methods": 3, "images": 3, "seed": 0} | words))


@pytest.mark.parametrize("repeats", [0.0, 0.5, 1.0])
def test_the_smallest_study_has_all_its_trials(repeats):
    shown = trials(Plan(2, 1, seed=0, repeats=repeats, catches=3), 0)
    assert Counter(t.kind for t in shown) == Counter(pair=1, catch=3, repeat=round(repeats))
