"""Adapters are found without being imported, and one that cannot be loaded is refused with the culprit's name."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from bnconform.contract.address import AdapterFailure, Address, NotInstalled, installed_addresses, named_address
from bnconform.contract.errors import ContractError
from bnconform.host.loader import load

HEAD = "from bnconform import Implementation, Outcome\ndef run(case): return Outcome(y=case.x)\n"
GOOD = HEAD + "IMPLEMENTATIONS = [Implementation(name='mylib.bn', run=run)]\n"


def write(folder: Path, text: str, name: str = "adapter.py") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def installed(target: str) -> Address:
    return Address(target=target, namespace="mylib", named=False)


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that holds what looks like an installed distribution with adapters."""
    info = tmp_path / "fake-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1.0\n")
    points = "[bnconform.adapters]\nfakelib-second = fake_second\nfakelib = fake_first:IMPLEMENTATIONS\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_installed_adapters_are_found_but_not_imported(distribution: Path) -> None:
    write(distribution, "raise SystemExit", "fake_first.py")
    found = [address for address in installed_addresses() if address.namespace == "fakelib"]
    assert [address.target for address in found] == ["fake_first", "fake_second"]
    assert not any(address.named for address in found)
    assert "fake_first" not in sys.modules


def test_naming_an_installed_adapter_keeps_its_namespace(distribution: Path) -> None:
    address = named_address("fake_second")
    assert (address.namespace, address.named) == ("fakelib", True)


def test_a_file_is_loaded_whatever_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    address = named_address("adapter.py")
    monkeypatch.chdir("/")
    assert (address.namespace, str(address)) == ("adapter", "adapter.py")
    assert [item.name for item in load(address)] == ["mylib.bn"]


def test_a_module_of_the_current_folder_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "bnconform_test_of_cwd.py")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    address = named_address("bnconform_test_of_cwd")
    assert [item.name for item in load(address)] == ["mylib.bn"]
    assert address.file == str(tmp_path / "bnconform_test_of_cwd.py")
    del sys.modules["bnconform_test_of_cwd"]


def test_a_file_finds_its_neighbours_but_does_not_hide_what_it_wraps(tmp_path: Path) -> None:
    write(tmp_path, "NAME = 'mylib.helped'\n", "bnconform_test_helper.py")
    text = f"import colorsys, bnconform_test_helper as helper\nassert colorsys.hsv_to_rgb\n{GOOD}"
    address = named_address(write(tmp_path, text.replace("'mylib.bn'", "helper.NAME"), "colorsys.py"))
    assert [item.name for item in load(address)] == ["mylib.helped"]


def test_an_adapter_is_named_with_its_interpreter(tmp_path: Path, distribution: Path) -> None:
    assert distribution.is_dir()
    python = tmp_path / "my python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    module, file = (named_address(f"python={python}:{text}") for text in ("fake_second", write(tmp_path, GOOD)))
    assert (module.target, module.namespace, module.python) == ("fake_second", "fakelib", str(python))
    assert (file.python, str(file)) == (str(python), "adapter.py")
    for address in (module, file, named_address("fake_second")):
        assert named_address(address.asked) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python=", "'' is no program that can be started"),
        ("python=no_such_python:mylib", "'no_such_python' is no program that can be started"),
        (f"python={sys.executable}", "'' is no adapter for it"),
        (f"python={sys.executable}:pipe:sh", "'pipe:sh' is no adapter for it"),
    ],
)
def test_an_interpreter_that_cannot_run_an_adapter_is_refused(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=rf"--adapter .*{message}; expected python=INTERPRETER:MODULE"):
        named_address(text)


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one = named_address(write(tmp_path / "one", GOOD))
    two = named_address(write(tmp_path / "two", GOOD.replace("mylib", "other")))
    assert [load(address)[0].name for address in (one, two, one)] == ["mylib.bn", "other.bn", "mylib.bn"]


@pytest.mark.parametrize("text", ["nowhere.py", "some folder", "-n", "", "a..b", os.path.join("a", "b")])
def test_what_cannot_be_an_adapter_is_refused_at_once(text: str) -> None:
    with pytest.raises(ContractError, match=r"--adapter .*expected (a module|that) or the path of a \.py file"):
        named_address(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"adapter\.py has no IMPLEMENTATIONS; expected a list"),
        ("IMPLEMENTATIONS = []", r"adapter\.py: IMPLEMENTATIONS is \[\] of type list; expected a list"),
        ("IMPLEMENTATIONS = 'bn'", r"IMPLEMENTATIONS is 'bn' of type str; expected a list"),
        (GOOD + "IMPLEMENTATIONS += [run]", r"IMPLEMENTATIONS\[1\] is <function run .*expected a bnconform\.Implem"),
        (GOOD + "IMPLEMENTATIONS *= 2", r"IMPLEMENTATIONS\[0\] and \[1\] are both called 'mylib\.bn'"),
        (HEAD + "\nImplementation(name='a b', run=run)", r"adapter\.py \(line 4\): Implementation\.name is 'a b'"),
    ],
)
def test_a_module_that_breaks_the_contract_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        load(named_address(write(tmp_path, text)))
    assert not isinstance(caught.value, AdapterFailure)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", r"could not be imported: .*SyntaxError"),
        ("x = 1\nx.y", r"adapter adapter\.py \(line 2\) could not be imported: AttributeError: .*'y'"),
        ("raise SystemExit(3)", r"adapter\.py \(line 1\) could not be imported: SystemExit: 3"),
        ("import bnconform.nothing", r"ModuleNotFoundError: No module named 'bnconform\.nothing'"),
        ("import os.nothing", r"ModuleNotFoundError: No module named 'os\.nothing'"),
        ("from os import nothing", r"ImportError: cannot import name 'nothing'"),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["named", "installed"])
def test_a_file_that_fails_to_import_is_refused(tmp_path: Path, text: str, message: str, named: bool) -> None:
    address = Address(target=write(tmp_path, text), namespace="mylib", named=named)
    with pytest.raises(AdapterFailure, match=f"(?s){message}"):
        load(address)


def test_a_failed_import_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(AdapterFailure):
        load(named_address(write(tmp_path, "raise ValueError")))
    assert set(sys.modules) == before


def test_an_absent_framework_is_no_error_unless_named(tmp_path: Path) -> None:
    path = write(tmp_path, "import bnconform_no_such_framework.nn")
    with pytest.raises(NotInstalled, match=r"adapter\.py needs bnconform_no_such_framework, which is not") as caught:
        load(installed(path))
    assert caught.value.needs == "bnconform_no_such_framework"
    with pytest.raises(AdapterFailure, match=r"adapter\.py \(line 1\) .*No module named 'bnconform_no_such_framework'"):
        load(named_address(path))


def test_an_absent_adapter_is_an_error_also_when_installed() -> None:
    for address in (installed("bnconform_no_such_adapter"), named_address("bnconform_no_such_adapter.part")):
        with pytest.raises(AdapterFailure, match="No module named 'bnconform_no_such_adapter"):
            load(address)


def test_not_installed_travels_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(NotInstalled("torch", "adapters.torch")))
    assert (copy.needs, str(copy)) == ("torch", "adapters.torch needs torch, which is not installed")
