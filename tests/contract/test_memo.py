"""What was made of a case is made once, and forgotten with the case."""

import gc
import weakref

from bnconform.contract.memo import once


class Thing:
    """Something that can be remembered of."""


def test_a_value_is_made_once_for_each_combination_of_arguments() -> None:
    asked = []

    @once
    def made(first: Thing, *more: object) -> Thing:
        asked.append((first, *more))
        return Thing()

    one, other, word = Thing(), Thing(), "further"
    assert made(one) is made(one) is not made(other)
    assert made(one, word) is made(one, word) is not made(one)
    assert made(one, Thing()) is not made(one, Thing())
    assert len(asked) == 5


def test_what_is_nothing_is_remembered_too() -> None:
    asked: list[Thing] = []
    one, nothing = Thing(), once(asked.append)
    assert nothing(one) is nothing(one) is None
    assert asked == [one]


def test_it_is_forgotten_with_the_first_argument_and_not_before() -> None:
    made = once(lambda first, more: Thing())
    one, more = Thing(), Thing()
    kept, further = weakref.ref(made(one, more)), weakref.ref(more)
    del more
    gc.collect()
    assert kept() is not None
    assert further() is not None
    del one
    gc.collect()
    assert kept() is None
    assert further() is None


def test_it_keeps_the_name_of_what_it_calls() -> None:
    def mean(case: Thing) -> int:
        """Returns a mean."""
        return 1

    assert (once(mean).__name__, once(mean).__doc__) == ("mean", "Returns a mean.")
