"""Scripts that reproduce a finding: they run, they compare, they read every value back exactly."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from worlds.scripts import make_case, run_script, write_script
from worlds.wired import installed_of

from bnconform.contract.case import Case
from bnconform.contract.snippet import IMPORTS, Snippet
from bnconform.results.script import script

MINI = """
import numpy as np
from bnconform import Case, Implementation, Outcome

def run(case):
    assert case.x.dtype.name == "{dtype}", case.x.dtype
    return Outcome(y=case.x)

IMPLEMENTATIONS = [Implementation(name="mini.identity", run=run, dtypes={{"{dtype}"}})]
"""


def mini(tmp_path: Path, dtype: str = "float32") -> Path:
    path = tmp_path / "mini.py"
    path.write_text(MINI.format(dtype=dtype), encoding="utf-8")
    return path


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_a_value_that_agrees_exits_0(tmp_path: Path, dtype: Any) -> None:
    mini(tmp_path, np.dtype(dtype).name)
    done = run_script(write_script(tmp_path, make_case(dtype), bound=np.zeros((3, 2))), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "worst ratio 0" in done.stdout


def test_a_value_that_disagrees_exits_1_and_shows_both_numbers(tmp_path: Path) -> None:
    mini(tmp_path)
    case = make_case(x=np.array([[1.5, 2], [3, 4], [5, 6]], np.float32))
    expected = case.x.astype(np.float64)
    expected[0, 0] = 0.25
    done = run_script(write_script(tmp_path, case, expected=expected), cwd=tmp_path)
    assert done.returncode == 1
    worst = done.stdout.splitlines()[1]
    assert "(0, 0)" in worst
    assert "1.5" in worst
    assert "0.25" in worst
    assert "1 of 6 elements" in done.stdout


def test_the_adapter_is_found_beside_the_script_and_by_argument(tmp_path: Path) -> None:
    adapter = mini(tmp_path)
    path = write_script(tmp_path, make_case())
    (tmp_path / "elsewhere").mkdir()
    assert run_script(path, cwd=tmp_path / "elsewhere").returncode == 0
    moved = adapter.rename(tmp_path / "elsewhere" / "other.py")
    lost = run_script(path, cwd=tmp_path)
    assert lost.returncode == 2
    assert "mini.py is not here" in lost.stdout
    assert run_script(path, str(moved), cwd=tmp_path).returncode == 0


def test_without_an_expected_value_an_error_is_what_it_reproduces(tmp_path: Path) -> None:
    mini(tmp_path)
    fine = run_script(write_script(tmp_path, make_case(), expected=None, bound=None, actual=None, quantity=None))
    assert fine.returncode == 0
    assert "No error was raised" in fine.stdout
    raising = run_script(write_script(tmp_path, make_case(np.float64), expected=None, bound=None, actual=None))
    assert raising.returncode == 1
    assert "AssertionError" in raising.stderr


def test_what_it_cannot_compare_exits_2(tmp_path: Path) -> None:
    mini(tmp_path)
    done = run_script(write_script(tmp_path, make_case(), quantity="y of shuffled rows", expected=None))
    assert done.returncode == 2
    assert "bnconform replay" in done.stdout


def test_values_are_read_back_exactly() -> None:
    tiny = np.array([[5e-324, -0.0], [np.nan, -np.inf], [1 / 3, 1.7976931348623157e308]])
    told: dict[str, Any] = {"implementation": "i", "adapter": "a.py", "spec": "s", "quantity": "y", "latex": ""}
    told |= {"expected": tiny, "bound": tiny, "actual": tiny}
    text = script(make_case(np.float64, shape=(3, 2), x=tiny), **told)
    scope: dict[str, Any] = {}
    body = [n for n in ast.parse(text).body if isinstance(n, ast.Assign) or "numpy" in ast.dump(n)]
    exec(compile(ast.Module(body, []), "script", "exec"), scope)
    assert scope["VALUES"]["x"].tobytes() == scope["EXPECTED"].tobytes() == tiny.tobytes()


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    evil = 'x"""\nimport os; os.abort()\r\u2028os.abort()\n\\'
    path = write_script(tmp_path, make_case(), spec=evil, latex=evil, quantity=evil, implementation=evil, adapter=evil)
    text = path.read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert "os" not in names


MINE = Snippet(
    code="def run():\n    return {'y': mylib.bn(VALUES['x'])}", imports=IMPORTS + "\nimport mylib", needs="mylib"
)
TOLD: dict[str, Any] = {"implementation": "mylib.bn", "spec": "s", "quantity": "y", "latex": ""}
TOLD |= {"adapter": "my/lib.py", "expected": None, "bound": None}


def test_a_snippet_stands_in_for_the_adapter() -> None:
    with_it, without = script(make_case(), **TOLD, snippet=MINE), script(make_case(), **TOLD)
    assert "needs mylib and NumPy." in with_it
    assert f"\n\n\n{MINE.code}\n\n\n" in with_it
    assert "bnconform import" not in with_it
    assert "from bnconform import Case" in without


def test_a_snippet_is_called_with_parameters_of_a_wider_type() -> None:
    wide = make_case(x=np.ones((3, 2), np.float16), gamma=np.ones(2, np.float32))
    assert wide.needs == {"wide_parameters"}
    assert "mylib.bn(VALUES" in script(wide, **TOLD, snippet=MINE)


@pytest.mark.parametrize("asked", [{"dot_x": np.ones((3, 2), np.float32)}, {"default_eps": True}])
def test_a_case_that_asks_for_more_goes_through_the_adapter(asked: dict[str, Any]) -> None:
    text = script(make_case(**asked), **TOLD, snippet=MINE)
    assert "mylib.bn(VALUES" not in text
    assert "from bnconform import Case" in text


@pytest.mark.parametrize("adapter", ["pipe:sh", "python=/usr/bin/python3:lib"])
def test_what_runs_elsewhere_goes_there(adapter: str) -> None:
    text = script(make_case(), **TOLD | {"adapter": adapter}, snippet=MINE)
    assert "mylib.bn(VALUES" not in text
    assert "Host(" in text


def test_a_snippet_is_not_a_template() -> None:
    text = "{{ 1 + 1 }} {% raise %}"
    snippet = Snippet(code=f"def run():\n    return {text!r}", needs=f"{text}\nimport os")
    found = script(make_case(), **TOLD, snippet=snippet)
    assert f"return {text!r}" in found
    assert f"needs {text} import os and NumPy." in found.splitlines()[0]


def reference(case: Case) -> dict[str, np.ndarray]:
    axes = tuple(i for i in range(case.x.ndim) if i != case.axis)
    shape = [1] * case.x.ndim
    shape[case.axis] = -1
    x, dy = case.x.astype(np.float64), np.asarray(case.dy).astype(np.float64)
    gamma, beta = (np.asarray(p).astype(np.float64).reshape(shape) for p in (case.gamma, case.beta))
    h = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + case.eps)
    inner = dy - dy.mean(axes, keepdims=True) - h * (dy * h).mean(axes, keepdims=True)
    dx = gamma / np.sqrt(x.var(axes, keepdims=True) + case.eps) * inner
    found = {"y": gamma * h + beta, "dx": dx, "dgamma": (dy * h).sum(axes), "dbeta": dy.sum(axes)}
    return found | {"running_mean": 0.1 * x.mean(axes)}


QUANTITIES = ["y", "dx", "dgamma", "dbeta", "running_mean"]
STATELESS = ("jax.nn", "tf.nn", "numpy")


SNIPPETS = {  # the adapter of each implementation that states one
    "torch.nn.functional.batch_norm": "bnconform.adapters.torch",
    "torch.nn.BatchNorm": "bnconform.adapters.torch",
    "tf.nn.batch_normalization": "bnconform.adapters.tf",
    "tf.raw_ops.FusedBatchNormV3": "bnconform.adapters.tf",
    "keras.layers.BatchNormalization@tensorflow": "bnconform.adapters.keras_tensorflow",
    "keras.layers.BatchNormalization@torch": "bnconform.adapters.keras_torch",
    "keras.layers.BatchNormalization@jax": "bnconform.adapters.keras_jax",
    "flax.linen.BatchNorm": "bnconform.adapters.flax",
    "flax.linen.BatchNorm:two_pass": "bnconform.adapters.flax",
    "jax.nn.standardize": "bnconform.adapters.jax",
    "jax.nn.standardize:stable": "bnconform.adapters.jax",
    "numpy.batchnorm_listing": "bnconform.adapters.numpy_listing",
}


@functools.cache
def stated(adapter: str) -> dict[str, Snippet]:
    """The snippets of an adapter's implementations, as its host describes them."""
    return {one.name: one.snippet for one in installed_of(adapter) if one.snippet is not None}


@pytest.mark.framework
@pytest.mark.parametrize("adapter", sorted(set(SNIPPETS.values())))
def test_the_snippets_are_those_that_are_known_here(adapter: str) -> None:
    assert stated(adapter).keys() == {name for name, own in SNIPPETS.items() if own == adapter}


@pytest.mark.framework
@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float32])
@pytest.mark.parametrize("implementation", SNIPPETS)
def test_framework_only_scripts_run(tmp_path: Path, implementation: str, dtype: Any) -> None:
    snippet = stated(SNIPPETS[implementation])[implementation]
    listing = implementation.startswith("numpy")
    if listing and dtype is not np.float32:
        pytest.skip("the listing has no bfloat16")
    case = make_case(dtype, shape=(6, 3) if listing else (2, 3, 4, 5))
    expected = reference(case)
    quantities = ["y"] if listing else QUANTITIES[:4] if implementation.startswith(STATELESS) else QUANTITIES
    quantity, checked = quantities[0], quantities[1:]
    loose = 0.3 if dtype is not np.float32 else 1e-4
    told: dict[str, Any] = {"implementation": implementation, "adapter": SNIPPETS[implementation], "quantity": quantity}
    path = write_script(
        tmp_path, case, **told, snippet=snippet, expected=expected[quantity], bound=np.full(case.x.shape, loose)
    )
    more = "".join(
        f"    assert np.allclose(np.asarray(o[{name!r}]).astype(float), {expected[name].tolist()}, atol={loose})\n"
        for name in checked
    )
    assert "bnconform import" not in path.read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("sys.exit(main())", f"o = run()\n{more}    sys.exit(main())")
    path.write_text(text, encoding="utf-8")
    done = run_script(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "30 of" not in done.stdout
    assert "0 of" in done.stdout
