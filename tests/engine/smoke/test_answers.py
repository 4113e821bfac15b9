"""What an adapter did, what its implementation did and what keeps it from loading are told apart, in every host."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from worlds.hosts import ANY_HOST, ECHO, adapter, echoes, make

from bnconform.contract.address import AdapterFailure, NotInstalled
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Broken, NotOffered, Raised
from bnconform.host.client import Host, InProcessHost
from bnconform.host.process import environment


@ANY_HOST
def test_it_describes_and_answers(tmp_path: Path, kind: type[Host]) -> None:
    case = make()
    with kind(adapter(tmp_path, ECHO)) as host:
        (described,) = host.describe()
        assert (described.name, described.version, described.dtypes) == ("bn.echo", "1.2", ("bfloat16", "float32"))
        assert echoes(host.run("bn.echo", case), case)
        narrow = make(dtype="bfloat16")
        assert echoes(host.run("bn.echo", narrow), narrow)


@ANY_HOST
def test_an_unknown_implementation_is_refused(tmp_path: Path, kind: type[Host]) -> None:
    with kind(adapter(tmp_path, ECHO)) as host:
        with pytest.raises(ContractError, match=r"adapter\.py has no implementation 'bn\.x'; expected one of .*echo"):
            host.run("bn.x", make())
        assert echoes(host.run("bn.echo", make()), make())


BROKEN = {
    "none": ("None", r"bn\.bad returned None of type NoneType; expected a bnconform\.Outcome"),
    "tuple": ("(1.0,)", r"bn\.bad returned .* of type tuple; expected a bnconform\.Outcome"),
    "list": ("Outcome(y=case.x.tolist())", r"returned y as .* of type list; expected a numpy\.ndarray of shape \(3, "),
    "shape": ("Outcome(y=case.x.T)", r"bn\.bad returned y of shape \(2, 3\); expected \(3, 2\)"),
    "dtype": ("Outcome(y=case.x.astype('f8'))", r"returned y of dtype float64; expected float32"),
    "unknown": ("Outcome(y=no_such_name)", r"bn\.bad: NameError in the adapter's own code, adapter\.py, line \d+: "),
    "attribute": ("Outcome(y=case.nothing)", r"AttributeError in the adapter's own code"),
    "import": ("__import__('no_such_module')", r"ModuleNotFoundError in the adapter's own code"),
    "syntax": ("eval('1 +')", r"SyntaxError in the adapter's own code"),
    "field": ("Outcome(z=case.x)", r"TypeError in the adapter's own code, .*unexpected keyword argument 'z'"),
    "call": ("np.zeros()", r"TypeError in the adapter's own code"),
    "write": ("case.x.__setitem__(0, 1)", r"ValueError in the adapter's own code, .*read-only"),
    "write_into": ("np.add(case.x, 1, out=case.x)", r"ValueError in the adapter's own code, .*read-only"),
}


@ANY_HOST
@pytest.mark.parametrize(("code", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_the_adapter_did_wrong_is_told_apart(tmp_path: Path, kind: type[Host], code: str, message: str) -> None:
    with kind(adapter(tmp_path, f"def bad(case): return {code}\n")) as host:
        reply = host.run("bn.bad", make())
    assert isinstance(reply, Broken)
    assert re.search(message, reply.message), reply.message


def test_a_run_that_takes_no_case_is_the_adapters_fault(tmp_path: Path) -> None:
    with InProcessHost(adapter(tmp_path, "def bad(): return Outcome()\n")) as host:
        assert isinstance(host.run("bn.bad", make()), Broken)


LIBRARY = """
def normalize(x, eps):
    if eps == 0: raise ValueError("eps must be positive")
    return x.nothing
"""
RAISED = {
    "value": ("library.normalize(case.x, 0)", "ValueError", "eps must be positive"),
    "their_attribute": ("library.normalize(case.x, 1)", "AttributeError", "nothing"),
    "memory": ("(_ for _ in ()).throw(MemoryError('too large'))", "MemoryError", "too large"),
    "exit": ("sys.exit(3)", "SystemExit", "3"),
    "own": ("(_ for _ in ()).throw(TypeError('float16 is not taken'))", "TypeError", "float16 is not taken"),
}


@ANY_HOST
@pytest.mark.parametrize(("code", "kind_of_error", "message"), RAISED.values(), ids=RAISED.keys())
def test_what_the_implementation_raised_is_kept(
    tmp_path: Path, kind: type[Host], code: str, kind_of_error: str, message: str
) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    load = f"sys.modules.pop('library', None); sys.path.insert(0, {str(tmp_path)!r}); import library; del sys.path[0]\n"
    with kind(adapter(tmp_path, f"{load}def bad(case): return {code}\n")) as host:
        reply = host.run("bn.bad", make())
    assert isinstance(reply, Raised)
    assert reply.type == kind_of_error
    assert message in reply.message
    assert 'File "adapter.py"' in reply.traceback
    assert "host.py" not in reply.traceback
    assert str(tmp_path) not in reply.traceback
    assert ("library.py" in reply.traceback) == ("library" in code)


@ANY_HOST
def test_what_is_not_offered_comes_with_its_reason(tmp_path: Path, kind: type[Host]) -> None:
    with kind(adapter(tmp_path, "def none(case): raise Unsupported('no rank 2')\n")) as host:
        assert host.run("bn.none", make()) == NotOffered("no rank 2")


def test_warnings_of_an_implementation_are_not_its_errors(tmp_path: Path) -> None:
    warns = "import warnings\ndef warn(case):\n    warnings.warn('slow')\n    return Outcome(y=case.x)\n"
    with InProcessHost(adapter(tmp_path, warns)) as host:
        assert echoes(host.run("bn.warn", make()), make())


@ANY_HOST
def test_an_adapter_that_does_not_load_is_said_to(tmp_path: Path, kind: type[Host]) -> None:
    address = adapter(tmp_path, "import bnconform_no_such_framework\n")
    with kind(address) as host, pytest.raises(AdapterFailure, match=r"adapter\.py .*No module named 'bnconform_no_su"):
        host.describe()
    with (
        kind(replace(address, named=False)) as host,
        pytest.raises(NotInstalled, match="needs bnconform_no_such_frame"),
    ):
        host.describe()
    with kind(adapter(tmp_path, "no_such_name\n")) as host, pytest.raises(AdapterFailure, match="NameError"):
        host.describe()
    with kind(adapter(tmp_path, "")) as host, pytest.raises(ContractError, match=r"IMPLEMENTATIONS is \[\]"):
        host.describe()


def test_on_an_accelerator_nothing_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    variables = environment(adapter(tmp_path, ECHO), "cuda")
    assert (variables["BNCONFORM_DEVICE"], variables["CUDA_VISIBLE_DEVICES"]) == ("cuda", "1")
    assert "JAX_PLATFORMS" not in variables
