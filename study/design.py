"""What one observer is shown, in which order: every pair of methods on every image, repeats and catch trials.

Sides are balanced twice. Within an observer each ordered pair of methods comes up as often as its mirror image (once
more or less where the number of images is odd, and those odd ones are spread like a round-robin tournament, so that no
method lies left more often). And observers come in couples, of whom one sees every pair mirrored.
Everything follows from the study's seed and the observer's number.
"""

from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Literal

from bench.errors import BenchError

Kind = Literal["pair", "repeat", "catch"]
DEGRADED = -1
"""Stands for the degraded copy where else the number of a method stands."""
GAP = 10
"""A repeat comes at least so many trials after its first showing, where the study is long enough."""


@dataclass(frozen=True)
class Plan:
    """A study's design; methods and images are numbered from 0."""

    methods: int
    images: int
    seed: int
    repeats: float = 0.1
    """Share of the pairs that are shown once more, with sides swapped."""
    catches: int = 8
    """Trials whose answer is known: a result against a blurred and darkened copy of itself."""

    def __post_init__(self) -> None:
        if self.methods < 2 or self.images < 1:
            raise BenchError(f"A study needs two methods and one image, not {self.methods} and {self.images}.")
        if not 0 <= self.repeats <= 1:
            raise BenchError(f"The share of repeats lies between 0 and 1, not {self.repeats}.")
        if not 0 <= self.catches <= 100:
            raise BenchError(f"The number of catch trials lies between 0 and 100, not {self.catches}.")

    def catch(self, number: int) -> tuple[int, int]:
        """Image and method of a catch trial: images spread over the study, methods in turn."""
        return number * self.images // max(self.catches, 1) % self.images, number % self.methods


@dataclass(frozen=True)
class Trial:
    """Two pictures of one image. Of a catch trial `left` or `right` is DEGRADED, the other a method."""

    kind: Kind
    image: int
    left: int
    right: int
    first: "Trial | None" = None
    """Of a repeat: the trial it repeats."""
    catch: int | None = None
    """Number of a catch trial."""


def trials(plan: Plan, observer: int) -> list[Trial]:
    """The trials of observer number `observer` (from 0), in the order they are shown."""
    random = Random(f"{plan.seed}/order/{observer}")
    shown = _spread(_pairs(plan, observer), random)
    shown = _with_repeats(shown, round(plan.repeats * len(shown)), random)
    return _with_catches(plan, shown, random)


def _pairs(plan: Plan, observer: int) -> list[Trial]:
    """Every pair on every image, sides balanced; couples of observers (0 and 1, 2 and 3) are mirrored."""
    sides = Random(f"{plan.seed}/sides/{observer // 2}")
    found = []
    for one, other in combinations(range(plan.methods), 2):
        swap = (other - one) % 2 == 0  # as in a round robin: no method gets the odd image more often
        images = list(range(plan.images))
        sides.shuffle(images)
        for place, image in enumerate(images):
            mirrored = (place % 2 == 1) ^ swap ^ (observer % 2 == 1)
            found.append(Trial("pair", image, *((other, one) if mirrored else (one, other))))
    return found


def _spread(pairs: list[Trial], random: Random) -> list[Trial]:
    """Shuffled, and where possible no image twice in a row."""
    waiting = pairs.copy()
    random.shuffle(waiting)
    ordered: list[Trial] = []
    while waiting:
        last = ordered[-1].image if ordered else None
        place = next((k for k in range(len(waiting) - 1, -1, -1) if waiting[k].image != last), len(waiting) - 1)
        ordered.append(waiting.pop(place))
    return ordered


def _with_repeats(shown: list[Trial], count: int, random: Random) -> list[Trial]:
    """Some pairs once more, sides swapped, at least GAP trials later where there is room, beside no equal image."""
    early = shown[: max(len(shown) - GAP, count)]
    full = shown.copy()
    for first in random.sample(early, count):
        again = Trial("repeat", first.image, first.right, first.left, first=first)
        soonest = min(full.index(first) + GAP + 1, len(full))
        places = list(range(soonest, len(full) + 1))
        apart = [k for k in places if first.image not in {trial.image for trial in full[max(k - 1, 0) : k + 1]}]
        full.insert(random.choice(apart or places), again)
    return full


def _with_catches(plan: Plan, shown: list[Trial], random: Random) -> list[Trial]:
    """One catch trial somewhere in each of as many equal stretches, the degraded picture as often left as right."""
    full: list[Trial] = []
    on_left = [number % 2 == 0 for number in range(plan.catches)]
    random.shuffle(on_left)
    for number in range(plan.catches):
        start, stop = (k * len(shown) // plan.catches for k in (number, number + 1))
        image, method = plan.catch(number)
        sides = (DEGRADED, method) if on_left[number] else (method, DEGRADED)
        stretch = shown[start:stop]
        stretch.insert(random.randint(min(1, len(stretch)), len(stretch)), Trial("catch", image, *sides, catch=number))
        full += stretch
    return full or shown
