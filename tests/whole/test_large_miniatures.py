"""What only cases of real sizes show: an implementation that loses its tail there, beside one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import tiny

from bnconform.engine.book import all_specs

pytestmark = pytest.mark.slow
SIZES = {one.id for one in all_specs() if one.chapter == "sizes"}
OWN = '''
MOST = 65_535  # rows that a launch of the lossy one takes in

def train_whole(case, taken):
    """The paper's training and its gradients in float64, with statistics of the rows `taken`."""
    def rows(t):
        return np.moveaxis(t, case.axis, -1).reshape(-1, case.channels).astype(np.float64)
    x, g = rows(case.x), None if case.dy is None else rows(case.dy)
    if case.mode == "infer" or not len(x):
        raise Unsupported("training on some examples only")
    gamma = np.ones(case.channels) if case.gamma is None else case.gamma.astype(np.float64)
    beta = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
    seen = x[:taken]
    mean, m = seen.mean(axis=0), len(seen)
    var = ((seen - mean) ** 2).mean(axis=0)
    root = np.sqrt(var + case.eps)
    h = (x - mean) / root
    def back(t):
        shape = np.moveaxis(case.x, case.axis, -1).shape
        return np.moveaxis(t.reshape(shape), -1, case.axis).astype(case.x.dtype)
    found = {"y": back(h * gamma + beta)}
    if case.running_mean is not None:
        w, kind = case.momentum, case.x.dtype
        found["running_mean"] = ((1 - w) * case.running_mean.astype(np.float64) + w * mean).astype(kind)
        unbiased = var * m / max(m - 1, 1)
        found["running_var"] = ((1 - w) * case.running_var.astype(np.float64) + w * unbiased).astype(kind)
    if g is not None:
        dgamma, dbeta = (g * h)[:taken].sum(axis=0), g[:taken].sum(axis=0)
        found["dx"] = back(gamma / root * (g - dbeta / m - h * dgamma / m))
        found |= {"dgamma": dgamma.astype(case.x.dtype), "dbeta": dbeta.astype(case.x.dtype)}
    return Outcome(**found)

def whole(case): return train_whole(case, None)
def lossy(case): return train_whole(case, MOST)
'''


def test_a_tail_that_is_lost_beyond_65535_rows_is_seen_by_the_chapter_of_sizes_alone(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "whole", "lossy", own=OWN)
    done = tiny.bnconform("run", "--adapter", "tiny.py", "--examples", 10, "-n", 2, "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    verdicts = tiny.verdicts(tmp_path / "out")
    assert len(verdicts) == 2 * len(all_specs())
    wrong = {
        (name, spec) for (name, _, spec), verdict in verdicts.items() if verdict not in ("conforms", "unsupported")
    }
    assert {name for name, _ in wrong} == {"tiny.lossy"}
    assert {spec for _, spec in wrong} <= SIZES
    assert len(wrong) > 2
    kept = {spec for (name, _, spec), verdict in verdicts.items() if name == "tiny.whole" and verdict == "conforms"}
    assert kept > {spec for _, spec in wrong}
    (defect,) = [line for line in tiny.lines(tmp_path / "out") if line["kind"] == "defect"]
    assert "65,536" in defect["title"]
