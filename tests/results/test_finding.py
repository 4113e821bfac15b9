"""A finding says in one sentence why its verdict is what it is, and is strict JSON."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from worlds import records
from worlds.searches import (
    DOCUMENTED,
    RUNNING,
    SPECS,
    Here,
    Replying,
    biased,
    correct,
    implementation,
    searched,
    without,
)

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported
from bnconform.contract.implementation import LONGEST_NAME, Described
from bnconform.contract.reply import Crashed, Raised, Reply, TimedOut
from bnconform.engine.agreement import Judgement, agree
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target
from bnconform.oracle.bounds import Bound
from bnconform.results.finding import finding
from bnconform.results.records import LARGEST
from bnconform.results.text import LONGEST_TEXT

MEAN, VARIANCE = RUNNING
Y = "normalizes_by_the_batch"


def found(about: Implementation | Here, spec: str = Y, dtype: str = "float32", examples: int = 8) -> dict[str, Any]:
    """Returns the finding of one spec, read back from a file of results."""
    host = about if isinstance(about, Here) else Here(about)
    tally = searched(host, spec, dtype=dtype, examples=examples)[spec]
    record = finding(tally, Target(implementation=Described.of(host.implementation), dtype=dtype))
    return strict(record)


def strict(record: Any) -> dict[str, Any]:
    with TemporaryDirectory() as out:
        (one,) = records.write(Path(out), record).findings
    return dict(one)


def test_a_finding_that_conforms_says_how_near_it_came_to_its_bound() -> None:
    one = found(implementation(correct))
    assert re.fullmatch(r"within the bound everywhere; worst error 0\.\d+ of the bound, in y", one["reason"])
    assert (one["kind"], one["spec"], one["implementation"], one["version"]) == ("finding", Y, "bn.norm", "1.2")
    assert (one["dtype"], one["device"], one["verdict"], one["quantity"]) == ("float32", "cpu", "conforms", "y")
    assert (one["examples"], one["diagnosis"], one["witness"], one["reproduce"]) == (8, [], None, None)
    assert 0 < one["worst_ratio"] <= 1
    assert 0 < one["claimed"] <= 1
    assert one["compared"] > 0
    assert (one["detail"], one["fault"]) == (None, None)


def test_a_finding_that_fails_names_quantity_place_got_and_expected() -> None:
    one = found(implementation(lambda case: Outcome(y=np.zeros_like(case.x))))
    number = r"-?[\d.e+-]+"
    assert re.fullmatch(
        rf"y\[\d+(, \d+)*\] is 0; expected {number} ± {number}: {number} times the bound", one["reason"]
    )
    detail = one["detail"]
    assert (one["verdict"], one["fault"]) == ("fails", "implementation")
    assert (detail["actual"], detail["case"]["dtype"]) == (0.0, "float32")
    place = tuple(detail["index"])
    assert np.array(detail["expected_values"])[place] == detail["expected"] != 0
    assert np.array(detail["bound_values"])[place] == detail["bound"] > 0
    assert one["reason"].startswith(f"y[{', '.join(map(str, place))}]")


def test_a_finding_with_values_that_are_no_numbers_is_json_all_the_same() -> None:
    one = found(implementation(lambda case: Outcome(y=np.full_like(case.x, np.nan))))
    assert (one["verdict"], one["detail"]["actual"]) == ("fails", "nan")
    assert one["reason"].startswith("y[0")
    assert " is nan; expected " in one["reason"]
    assert one["reason"].endswith(": inf times the bound")


@pytest.mark.parametrize(
    ("links", "said"),
    [
        (DOCUMENTED, "documented at https://example.org/documented"),
        ({}, "which its Dialect declares without a link"),
    ],
)
def test_a_finding_that_deviates_says_what_is_declared_and_where(links: dict[str, str], said: str) -> None:
    one = found(implementation(biased, Dialect(running_var="biased", links=links)), VARIANCE, "float64")
    assert one["reason"].startswith(f"running_var is as declared, running_var = 'biased', {said}; worst error 0.")
    assert one["reason"].endswith("times the bound of this statement")
    assert (one["verdict"], one["fault"], one["quantity"]) == ("deviates", None, "running_var")
    assert one["detail"]["actual"] != one["detail"]["expected"], "expected by the paper"


def test_a_finding_that_is_not_even_as_declared_says_so_by_the_alternative() -> None:
    one = found(implementation(correct, Dialect(running_var="biased")), VARIANCE, "float64")
    assert one["verdict"] == "fails"
    assert one["reason"].startswith("running_var[0] is ")
    assert one["reason"].endswith("times the bound, though its Dialect declares running_var")
    number = re.search(r"([\d.e+]+) times the bound", one["reason"])
    assert number is not None
    assert float(number[1]) > 1, "by the declared alternative; by the paper it is within the bound"
    assert str(one["detail"]["expected"])[:5] in one["reason"]


def test_an_exception_is_told_by_its_class_and_first_line() -> None:
    def raises(case: Case) -> Outcome:
        raise ValueError("no such thing\nand more")

    one = found(implementation(raises))
    assert (one["verdict"], one["reason"]) == ("fails", "raised ValueError: no such thing")
    assert one["detail"]["traceback"].endswith("ValueError: no such thing\nand more")
    assert "in raises" in one["detail"]["traceback"]


def test_long_and_half_readable_texts_of_a_program_are_cut_and_said_to_be() -> None:
    text = f"\udc80{'a' * 100_000}\nthe end"
    one = found(Replying(implementation(correct), lambda case: Raised("E" * 300, text, text)))
    assert len(one["reason"]) <= LONGEST_TEXT
    assert re.search(r"^raised E+: \N{REPLACEMENT CHARACTER}a+… \([\d,]+ characters more\)$", one["reason"])
    assert len(one["raises"]) <= LONGEST_NAME
    assert one["raises"].startswith("EEE")
    traceback = one["detail"]["traceback"]
    assert len(traceback) <= LONGEST_TEXT
    assert re.fullmatch(r"\([\d,]+ characters more\) …a+\nthe end", traceback)


def test_a_broken_adapter_is_said_to_be_one() -> None:
    one = found(implementation(lambda case: Outcome(y=case.x[:1])))
    assert (one["verdict"], one["fault"], one["detail"]) == ("unsupported", "adapter", None)
    assert one["reason"].startswith("the adapter is broken: bn.norm returned y of shape (1, ")
    assert one["worst_ratio"] is None


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        (Crashed("SIGABRT", "free(): invalid pointer\n"), "crashes", "its process ended: SIGABRT"),
        (TimedOut(2.5), "hangs", "no answer within 2.5 s"),
    ],
)
def test_a_lost_process_is_told_by_how_it_ended(reply: Reply, verdict: str, reason: str) -> None:
    one = found(Replying(implementation(correct), lambda case: reply))
    assert (one["verdict"], one["reason"], one["fault"]) == (verdict, reason, "implementation")
    assert one["detail"]["stderr"] == ("free(): invalid pointer\n" if verdict == "crashes" else None)
    assert one["detail"]["case"]["shape"] == [2, 1]


def test_a_hang_after_which_the_limit_was_lowered_says_that_the_full_one_was_waited_for() -> None:
    host = Replying(implementation(correct), lambda case: TimedOut(host.timeout))
    run = Runner(lambda: host, "bn.norm")
    tally = Tally(spec=SPECS[Y])
    tally.record(example(), SPECS[Y].judge(Subject(run, Dialect()), example()))
    about = Target(implementation=Described.of(host.implementation), dtype="float32")
    assert finding(tally, about, run)["reason"] == "no answer within 60 s; the full limit was waited for once"


def example() -> Case:
    return Case(mode="train", x=np.ones((2, 1), np.float32), gamma=None, beta=None, running_mean=None,
                running_var=None, eps=0.1, momentum=0.1)  # fmt: skip


def test_what_is_unsupported_says_every_reason_there_was() -> None:
    def refuses(case: Case) -> Outcome:
        raise Unsupported("no rank 2" if case.x.ndim == 2 else "no such rank")

    assert found(implementation(refuses), examples=20)["reason"] == "no rank 2; no such rank"
    one = found(implementation(without("dgamma")), "sums_the_gradient_of_the_scale")
    assert (one["verdict"], one["reason"]) == ("unsupported", "dgamma is not offered")
    assert (one["worst_ratio"], one["claimed"], one["quantity"]) == (None, None, None)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"total": 9, "compared": 4}, "none of the 4 compared elements has a bound narrow enough to make a claim"),
        ({"total": 9}, "no element of 9 has a finite bound: the arithmetic may overflow there"),
        ({}, "no example was judged"),
    ],
)
def test_a_comparison_of_nothing_says_why_it_is_none(counts: dict[str, int], reason: str) -> None:
    about = Target(implementation=Described.of(implementation(correct)), dtype="float32")
    one = strict(finding(Tally(spec=SPECS[Y], **counts), about))  # type: ignore[arg-type]
    assert (one["verdict"], one["reason"]) == ("unsupported", reason)


def test_a_metamorphic_quantity_is_named_in_words() -> None:
    def counts_its_rows(case: Case) -> Outcome:
        return Outcome(y=np.full_like(case.x, case.rows))

    one = found(implementation(counts_its_rows), "ignores_a_repeated_batch")
    assert one["quantity"] == "y of the repeated batch"
    assert one["reason"].startswith("y of the repeated batch at [")


def test_a_finding_on_y_in_training_says_how_exact_it_was_by_condition_and_size() -> None:
    record = found(implementation(correct))
    assert record["accuracy"]
    assert all(kappa >= 1 and size >= 1 and error < LARGEST for kappa, size, error in record["accuracy"])
    assert "accuracy" not in found(implementation(correct), MEAN)


def test_a_place_is_told_apart_from_words_and_a_truth_from_a_number() -> None:
    def told(quantity: str, value: float, due: float, bound: float) -> str:
        one = agree(np.array([value]), np.array([due]), within=Bound(np.array([bound]), np.ones(1)), quantity=quantity)
        tally = Tally(spec=SPECS[Y])
        tally.record(example(), Judgement(agreements=(one,)))
        return str(
            finding(tally, Target(implementation=Described.of(implementation(correct)), dtype="float32"))["reason"]
        )

    assert told("y", 2.0, 1.0, 0.5) == "y[0] is 2; expected 1 ± 0.5: 2 times the bound"
    assert told("y of the shifted input", 2.0, 1.0, 0.5).startswith("y of the shifted input at [0] is 2;")
    assert told("finite y", 0.0, 1.0, 0.0) == "finite y at [0]: this is not so"
    assert told("count", 4.0, 3.0, 0.0) == "count[0] is 4, and must be 3 to the last bit"
