"""An adapter that answers with the judge's own reference is told; one that does not is not."""

from __future__ import annotations

from pathlib import Path

from worlds import tiny

from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered
from bnconform.contract.wire import is_beside_reference, pack_reply, unpack_reply
from bnconform.results.records import beside_reference

ANSWERS_WITH_THE_REFERENCE = """
def copied(case):
    from bnconform.oracle import reference
    return Outcome(y=reference.y(checked(case)).astype(case.x.dtype))
"""
CALL = ("--spec", "normalizes_by_the_batch", "--examples", 4, "--out", "out")


def test_who_answers_with_the_reference_is_told_on_the_screen_in_the_results_and_on_the_page(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", file="first.py")
    tiny.adapter(tmp_path, "copied", own=ANSWERS_WITH_THE_REFERENCE, file="second.py")
    done = tiny.bnconform("run", "--adapter", "first.py", "--adapter", "second.py", *CALL, cwd=tmp_path)
    found = [line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding"]
    assert [one["verdict"] for one in found] == ["conforms", "conforms"], done.stdout + done.stderr
    assert beside_reference(found) == ["tiny.copied"]  # type: ignore[arg-type]
    told = "tiny.copied answers from a process that has loaded bnconform's own reference"
    assert told in done.stdout
    assert "tiny.right answers from" not in done.stdout
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("had loaded bnconform's own reference") + page.count("had loaded bnconform&#39;s own") == 1


def test_a_reply_says_that_it_comes_from_beside_the_reference_and_is_the_same_else() -> None:
    plain = NotOffered("beside_reference")
    assert not is_beside_reference(pack_reply(plain, beside_reference=True))  # of an Outcome alone
    blobs = pack_reply(Outcome(), beside_reference=True), pack_reply(Outcome())
    assert [is_beside_reference(blob) for blob in blobs] == [True, False]
    assert [vars(unpack_reply(blob)) for blob in blobs] == [vars(Outcome())] * 2
