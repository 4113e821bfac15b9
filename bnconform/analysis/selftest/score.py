"""The Score of a self-test: how many faults were caught, how soon, and how many values raised no false alarm.

Rules: a score is computed from trials and from nothing else; one that was measured on other sources than those that
run now says so, and is never passed off as theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bnconform.analysis.selftest.trial import Trial
from bnconform.engine.book import specs_folder

RECORD = Path(__file__).with_name("score.json")
LEAST = {"float16": 0.96, "bfloat16": 0.96, "float32": 1.0, "float64": 1.0}
"""The share of faults that must be caught in each dtype."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score of a self-test. faults, caught: by dtype. median, worst: examples to catch one. compared: values of
    correct variants. alarms: specs that a correct variant did not keep. sources: digest of the tested sources.
    """

    faults: dict[str, int]
    caught: dict[str, int]
    median: float
    worst: int
    compared: int
    alarms: int
    sources: str

    @property
    def enough(self) -> bool:
        """Whether the suite sees what it must, and does not cry wolf."""
        shares = {dtype: self.caught[dtype] / count for dtype, count in self.faults.items() if count}
        return not self.alarms and all(share >= LEAST[dtype] for dtype, share in shares.items())


def score(faults: Sequence[Trial], variants: Sequence[Trial]) -> Score:
    """Returns the score of these trials."""
    dtypes = list(dict.fromkeys(one.dtype for one in (*faults, *variants)))
    examples = [one.examples for one in faults if one.caught]
    return Score(
        faults={dtype: sum(one.dtype == dtype for one in faults) for dtype in dtypes},
        caught={dtype: sum(one.dtype == dtype and bool(one.caught) for one in faults) for dtype in dtypes},
        median=float(median(examples)) if examples else 0.0,
        worst=max(examples, default=0),
        compared=sum(one.compared for one in variants),
        alarms=sum(len(one.caught) for one in variants),
        sources=sources(),
    )


DECIDING = ("contract", "cases", "oracle", "engine", "relations", "analysis")
"""The rooms that decide a verdict: what only asks, records or shows is none of them."""


def sources() -> str:
    """Returns a digest of all that decides a verdict: the Python files of DECIDING, and the specs wherever they lie."""
    package = Path(__file__).resolve().parents[2]
    files = [path for room in DECIDING for path in (package / room).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted([*files, *specs_folder().glob("*.py")], key=lambda path: (path.parent.name, path.name)):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def save(measured: Score, path: Path = RECORD) -> None:
    """Writes a score down, for the reports of this version."""
    path.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")


def recorded(path: Path = RECORD) -> Score | None:
    """Returns the score that was measured on these very sources; None where there is none of them."""
    if not path.is_file():
        return None
    known = Score(**json.loads(path.read_text(encoding="utf-8")))
    return known if known.sources == sources() else None
