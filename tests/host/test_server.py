"""The answer of a server to a case: an outcome, or a reply that tells the implementation's act from the adapter's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from worlds.hosts import make

from bnconform import Case, Implementation, Outcome, Unsupported
from bnconform.contract.reply import Broken, NotOffered, Raised, Reply, in_words
from bnconform.host.server import answer

LIBRARY = "def norm(case):\n    raise {error}\n"


def asked(run: Callable[[Case], Outcome], adapter_file: str = __file__) -> Reply:
    return answer(Implementation(name="bn.norm", run=run), make(), adapter_file)


def raises(error: Exception) -> Callable[[Case], Outcome]:
    def run(case: Case) -> Outcome:
        raise error

    return run


def test_an_outcome_that_fits_is_the_answer() -> None:
    outcome = Outcome(y=np.zeros((3, 2), np.float32))
    assert asked(lambda case: outcome) is outcome


def test_an_outcome_that_does_not_fit_is_the_adapters_fault() -> None:
    reply = asked(lambda case: Outcome(y=np.zeros(3, np.float32)))
    assert reply == Broken("bn.norm returned y of shape (3,); expected (3, 2)")


def test_unsupported_is_not_offered() -> None:
    assert asked(raises(Unsupported("no such rank"))) == NotOffered("no such rank")


@pytest.mark.parametrize("error", [NameError("gama"), AttributeError("no gama"), ImportError("no gama")])
def test_a_slip_in_the_adapters_own_code_is_its_fault(error: Exception) -> None:
    reply = asked(raises(error))
    assert isinstance(reply, Broken)
    assert f"bn.norm: {type(error).__name__} in the adapter's own code, " in reply.message
    assert "test_server.py, line " in reply.message
    assert reply.message.endswith("; correct the adapter")


def test_a_write_to_the_case_is_the_adapters_fault() -> None:
    def run(case: Case) -> Outcome:
        case.x[0] = 0
        return Outcome()

    reply = asked(run)
    assert isinstance(reply, Broken)
    assert "read-only" in reply.message


def test_a_refusal_that_the_adapter_raises_is_an_answer() -> None:
    reply = asked(raises(ValueError("eps must be positive")))
    assert isinstance(reply, Raised)
    assert (reply.type, reply.message) == ("ValueError", "eps must be positive")


def test_an_error_of_the_library_is_the_implementations_act(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(LIBRARY.format(error="NameError('gama')"), encoding="utf-8")
    space: dict[str, Callable[[Case], Outcome]] = {}
    path = tmp_path / "library.py"
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)  # what a framework's module would be
    reply = asked(lambda case: space["norm"](case))
    assert isinstance(reply, Raised)
    assert (reply.type, reply.message) == ("NameError", "gama")
    assert "library.py" in reply.traceback


def test_an_adapter_is_known_by_its_function_too_seen_through_a_partial() -> None:
    def run(case: Case, error: Exception) -> Outcome:
        raise error

    assert isinstance(asked(partial(run, error=NameError("gama")), "elsewhere.py"), Broken)


def test_an_exit_is_an_error_and_a_long_message_is_cut() -> None:
    def run(case: Case) -> Outcome:
        raise SystemExit("x" * 5000)

    reply = asked(run)
    assert isinstance(reply, Raised)
    assert reply.type == "SystemExit"
    assert re.fullmatch(r"x+… \(\d+ characters more\)", reply.message)
    assert len(reply.message) <= 4096


class Odd(BaseException):
    def __str__(self) -> str:
        raise self


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BaseException("no"), "raised BaseException: no"),
        (GeneratorExit(), "raised GeneratorExit, without a message"),
        (AssertionError(" \n"), "raised AssertionError, without a message"),
        (Odd(), "raised Odd: (its message cannot be read: that raises Odd)"),
    ],
)
def test_any_exception_is_an_answer_whatever_its_text(error: BaseException, told: str) -> None:
    def run(case: Case) -> Outcome:
        raise error

    reply = asked(run)
    assert isinstance(reply, Raised)
    assert in_words(reply) == told


def test_an_interrupt_is_the_implementations_act_only_in_a_process_of_its_own() -> None:
    implementation = Implementation(name="bn.norm", run=raises(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        answer(implementation, make(), __file__)
    assert isinstance(answer(implementation, make(), __file__, hosted=True), Raised)


def test_a_state_that_nobody_asked_for_is_not_kept() -> None:
    reply = asked(lambda case: Outcome(y=case.x.copy(), state={"counter": np.zeros(3)}))
    assert isinstance(reply, Outcome)
    assert reply.state is None
