"""Each defect has a script beside the results: the registry's, or that of the finding that shows it best, run once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records

from bnconform.results import proving
from bnconform.results.defects import Defect, defects_of
from bnconform.results.folder import Folder
from bnconform.results.proving import Surroundings, prove, shown_best

STILL, MENDED = "raise SystemExit(1)\n", "raise SystemExit(0)\n"


def failing(out: Path, script: str | None = STILL, **changed: Any) -> Any:
    name = None
    if script is not None:
        name = f"reproduce/{len(list(out.rglob('*.py')))}.py"
        (out / "reproduce").mkdir(exist_ok=True)
        (out / name).write_text(script, encoding="utf-8")
    return records.finding(**{"verdict": "fails", "output": "y", "reproduce": name, **changed})


def proved(out: Path, *findings: Any, **around: Surroundings) -> Any:
    folder = Folder(out)
    (record,) = prove(defects_of(findings, {}), folder, around, workers=1)
    folder.release()
    return record


@pytest.mark.parametrize(("script", "status"), [(STILL, 1), (MENDED, 0), ("raise ValueError\n", 2)])
def test_the_script_is_written_beside_the_results_and_run(tmp_path: Path, script: str, status: int) -> None:
    record = proved(tmp_path, failing(tmp_path, script))
    assert (record["script"], record["status"]) == ("scripts/mini.batch_norm--y.py", status)
    assert (tmp_path / record["script"]).read_text(encoding="utf-8") == script
    assert (record["kind"], record["findings"], record["known"]) == ("defect", 1, False)


def test_a_defect_without_a_script_says_so(tmp_path: Path) -> None:
    record = proved(tmp_path, failing(tmp_path, None))
    assert (record["script"], record["status"]) == (None, None)


@pytest.mark.parametrize("verdict", ["fails", "hangs"])
def test_a_script_that_takes_longer_than_its_adapter_may_did_not_run(tmp_path: Path, verdict: str) -> None:
    finding = failing(tmp_path, "import time\ntime.sleep(60)\n", verdict=verdict)
    record = proved(tmp_path, finding, **{finding["implementation"]: Surroundings(limit=0.2)})
    assert (record["script"] is None, record["status"]) == (False, None)


def test_a_script_of_the_registry_takes_precedence(tmp_path: Path) -> None:
    cause = {"fault": "implementation", "reason": "so", "defect": "torch/third_derivative", "title": "t"}
    cause |= {"link": "https://x.org", "script": "bnconform/results/deviations/torch/third_derivative.py"}
    defect = defects_of([failing(tmp_path, MENDED, known=cause)], {})
    assert "third" in proving._script(defect[0], defect[0].findings[0], tmp_path)


def test_the_adapter_and_its_variables_reach_the_script(tmp_path: Path) -> None:
    text = "import os, sys\nraise SystemExit(int(sys.argv[1:] == ['a.py'] and os.environ['BN'] == '7'))\n"
    around = {"mini.batch_norm": Surroundings(argument="a.py", variables=(("BN", "7"),))}
    assert proved(tmp_path, failing(tmp_path, text), **around)["status"] == 1
    assert proved(tmp_path, failing(tmp_path, text))["status"] == 0


def test_the_finding_shown_is_named_wrong_by_itself_as_drawn_and_small() -> None:
    small, large = ({**records.CASE, "shape": shape} for shape in ([2, 1], [9, 9]))

    def one(case: Any, shown: Any = None, fault: str = "a") -> Any:
        likely = [{"fault": fault, "sentence": "s", "ratio": 0.1, "convention": False}]
        detail = {**records.DETAIL, "case": case} | ({} if shown is None else {"shown": {"case": shown}})
        return records.finding(verdict="fails", diagnosis=likely, detail=detail)

    worst_first = [one(small, fault="b"), one(small), one(large, small), one(large, large), one(small, small)]
    for place in range(1, len(worst_first)):
        defect = Defect(
            id="d", title="t", severity="ordinary", effect="", likely="a", findings=worst_first[: place + 1]
        )
        assert shown_best(defect) is worst_first[place]
