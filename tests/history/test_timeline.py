"""Since when something is broken, and in which release that ended, by what was judged and nothing else."""

from __future__ import annotations

import pytest

from bnconform.history.row import Release, Row
from bnconform.history.timeline import History, Timeline

BN = "mini.bn"
SIGNS = {"x": "fails", "+": "conforms", "~": "deviates", "-": "unsupported"}


def row(version: str, sign: str, **changed: str) -> Row:
    told = {"implementation": BN, "spec": "a", "dtype": "float32", "device": "cpu", "verdict": SIGNS[sign]} | changed
    return Row(release=Release(version), **told)


def timeline(strip: str) -> Timeline:
    """Returns the timeline of versions 1, 2 …, a sign for each; a blank for one in which it was not run."""
    rows = [row(str(at), sign) for at, sign in enumerate(strip, 1) if sign != " "]
    others = [row(str(at), "+", spec="b") for at, _ in enumerate(strip, 1)]
    return History([*rows, *others]).timeline(BN, [("a", "float32", "cpu")])


@pytest.mark.parametrize(
    ("strip", "words"),
    [
        ("+++", ""),
        ("xxx", "in 1 already, the oldest that was judged"),
        (" xx", "in 2 already, the oldest that was judged"),
        ("+xx", "since 2; 1 kept it"),
        ("+ x", "since 3; 1 kept it"),
        ("+-x", "since 3; 1 kept it"),
        ("~xx+", "since 2; 1 kept it; fixed in 4, 3 still had it"),
        ("xx +", "in 1 already, the oldest that was judged; fixed in 4, 2 still had it"),
        ("x-", "in 1 already, the oldest that was judged"),
        ("x+x", "since 3; 2 kept it"),
        ("x+x+", "since 3; 2 kept it; fixed in 4, 3 still had it"),
    ],
)
def test_a_timeline_says_since_when_and_until_when(strip: str, words: str) -> None:
    assert timeline(strip).words == words


def test_versions_are_ordered_as_versions_and_companions_apart() -> None:
    versions = ("0.10.1", "0.9", "1.0rc1", "1.0", "", "odd")
    history = History([row(one, "+") for one in versions])
    assert [one.version for one in history.releases(BN)] == ["", "odd", "0.9", "0.10.1", "1.0rc1", "1.0"]
    beside = [Row(implementation=BN, release=Release("1", jax), spec="a", dtype="f", device="cpu", verdict=verdict)
              for jax, verdict in (("jax 2", "fails"), ("jax 1", "conforms"))]  # fmt: skip
    assert History(beside).timeline(BN, [("a", "f", "cpu")]).words == "since 1; 1 kept it"


def test_the_later_run_of_a_release_counts() -> None:
    rows = [row("1", "x", started="2026-02"), row("1", "+", started="2026-01")]
    assert History(rows).timeline(BN, [rows[0].key]).words != ""
    assert History(rows[::-1]).timeline(BN, [rows[0].key]).words != ""


def test_what_changed_is_told_together_and_what_says_nothing_is_no_change() -> None:
    rows = [row(version, sign, spec=spec, title=title if sign == "x" else "", defect=title if sign == "x" else "")
            for spec, strip, title in (("a", "x+", "one"), ("b", "x+", "one"), ("c", "++", ""), ("d", "~+", ""))
            for version, sign in zip("12", strip, strict=True)]  # fmt: skip
    rows += [row("1", "-", spec="e", missing="no claim"), row("2", "+", spec="e"), row("2", "x", spec="f")]
    rows += [row("1", "-", spec="g", missing="refused"), row("2", "+", spec="g")]
    told = {one.specs: (one.marks, one.title, one.timeline.words) for one in History(rows).changes(BN)}
    assert told == {
        ("a", "b"): (
            ("fails", "conforms"),
            "one",
            "in 1 already, the oldest that was judged; fixed in 2, 1 still had it",
        ),
        ("d",): (("deviates", "conforms"), "", ""),
        ("g",): (("refused", "conforms"), "", ""),
    }
    assert History(rows).keys_of(BN, "one") == (("a", "float32", "cpu"), ("b", "float32", "cpu"))
