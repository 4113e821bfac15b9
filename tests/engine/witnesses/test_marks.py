"""Two judgements bear the same marks where they show the same failure, whatever figures stand in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnconform.contract.reply import Crashed, Raised, TimedOut
from bnconform.engine.agreement import Agreement, Judgement, agree, judgement, unless_declared
from bnconform.engine.witnesses.marks import Marks, marks_of
from bnconform.oracle.bounds import Bound


def off_by(ratio: float, output: str = "y", quantity: str = "") -> Agreement:
    within = Bound(np.ones(1), np.full(1, 1e6))
    return agree(np.array([ratio]), np.zeros(1), within=within, output=output, quantity=quantity)


def raised(message: str, kind: str = "ValueError") -> Marks:
    return marks_of(Judgement(reply=Raised(kind, message, f'File "a.py", line {len(message)}')))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("expected 4D input (got 3D input)", "expected 2D input (got 5D input)"),
        ("got input size torch.Size([1, 3])", "got input size torch.Size([1, 3, 1, 1])"),
        ("shapes (1,) and (16, 3) differ", "shapes (4, 4) and (2,) differ"),
        ("value -1.5e-05 at 0x7f3a", "value nan at 0x11"),
        ("bad f32[2x3]", "bad f32[2x3x4x5]"),
        ("unknown shape [None, 3]", "unknown shape [2, 3, 4]"),
    ],
)
def test_sizes_and_values_in_what_an_exception_says_are_no_marks(one: str, other: str) -> None:
    assert raised(one) == raised(other)


def test_exceptions_of_another_class_or_with_another_message_are_other_failures() -> None:
    assert raised("no scale") != raised("no shift")
    assert raised("no scale") != raised("no scale", "TypeError")
    assert raised("Traceback:\n  line 3\nno scale") != raised("Traceback:\n  line 3\nno shift")
    assert raised("Traceback:\n  line 3\nno scale") == raised("Traceback:\n  line 3\n  line 14\nno scale")
    assert raised("") != raised("no scale")


def test_a_process_that_ended_otherwise_is_another_failure() -> None:
    found = [marks_of(Judgement(reply=one)) for one in (Crashed("SIGSEGV", "a"), Crashed("SIGABRT", ""), TimedOut(1.0))]
    assert len(set(found)) == 3
    assert found[0] == marks_of(Judgement(reply=Crashed("SIGSEGV", "b")))
    assert found[2] == marks_of(Judgement(reply=TimedOut(5.0)))


def test_a_step_in_the_words_of_a_quantity_is_no_mark_and_another_output_is() -> None:
    first, later = (judgement(off_by(2.0, "dx", f"dx of layer 1 in step {step}")) for step in (1, 20))
    assert marks_of(first) == marks_of(later)
    assert marks_of(first) != marks_of(judgement(off_by(2.0, "dgamma")))


def test_an_output_that_has_a_part_in_a_comparison_marks_it_as_one_that_is_compared() -> None:
    forward = replace(off_by(2.0, output=""), involves=("y",))
    assert marks_of(judgement(forward)) == marks_of(judgement(off_by(3.0, "y")))


def test_the_mean_of_an_output_is_another_failure_than_its_variance() -> None:
    mean, variance = (replace(off_by(2.0), aspect=name) for name in ("mean", "variance"))
    assert marks_of(judgement(mean)) != marks_of(judgement(variance))


def test_the_comparison_that_decided_gives_the_marks() -> None:
    found = judgement([off_by(0.5, "y"), off_by(3.0, "dx"), off_by(2.0, "dgamma")])
    assert marks_of(found).outputs == {"dx"}


def test_what_one_field_of_the_dialect_admits_is_another_matter_than_what_another_does() -> None:
    one, other = (judgement(unless_declared(off_by(3.0), name, off_by(0.5))) for name in ("single_value", "variance"))
    assert marks_of(one).verdict == marks_of(other).verdict == "deviates"
    assert marks_of(one) != marks_of(other)
