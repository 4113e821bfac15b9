"""An --adapter names a module, a file, an interpreter or a program; nothing is imported, anything else refused."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from bnconform.contract.address import Address, NotInstalled, installed_addresses, named_address
from bnconform.contract.errors import ContractError


def test_a_module_is_named_by_its_first_part_and_not_imported() -> None:
    address = named_address("mylib_that_is_not_there.norm")
    assert (address.target, address.namespace, address.named) == (
        "mylib_that_is_not_there.norm",
        "mylib_that_is_not_there",
        True,
    )
    assert not address.is_file
    assert not address.is_program
    assert "mylib_that_is_not_there" not in sys.modules


def test_an_installed_adapter_keeps_the_namespace_of_its_entry_point() -> None:
    installed = {address.target: address.namespace for address in installed_addresses()}
    assert installed["bnconform.adapters.keras_torch"] == "keras"
    assert named_address("bnconform.adapters.keras_torch").namespace == "keras"
    assert not any(address.named for address in installed_addresses())


def test_a_file_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    address = named_address("mine.py")
    assert (address.target, address.namespace, str(address)) == (str(tmp_path / "mine.py"), "mine", "mine.py")
    assert address.is_file
    assert address.file == address.target


def test_an_interpreter_stands_before_the_adapter(tmp_path: Path) -> None:
    address = named_address(f"python={sys.executable}:mylib.norm")
    assert (address.target, address.python) == ("mylib.norm", sys.executable)
    assert address.asked == f"python={sys.executable}:mylib.norm"


def test_a_program_is_its_command(tmp_path: Path) -> None:
    program = tmp_path / "my bn"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    address = named_address(f"pipe:'{program}' --fast 'two words'")
    assert address.is_program
    assert not address.is_file
    assert address.program == [str(program), "--fast", "two words"]
    assert str(address) == "pipe:my bn --fast two words"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere/mine.py", r"--adapter nowhere/mine\.py: there is no such file"),
        ("my-lib", r"--adapter 'my-lib' is not the name of a module; expected that or the path of a \.py file"),
        ("", r"--adapter '' is not the name of a module"),
        (
            "python=/no/such/python:mylib",
            r"'/no/such/python' is no program that can be started; expected python=",
        ),
        (f"python={sys.executable}", r"'' is no adapter for it"),
        (f"python={sys.executable}:pipe:cat", r"'pipe:cat' is no adapter for it"),
        ("pipe:", r"nothing is no program that can be started"),
        ("pipe:/no/such/program", r"'/no/such/program' is no program that can be started"),
        ("pipe:'open", r"No closing quotation; expected a command as one types it"),
    ],
)
def test_another_address_is_refused(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        named_address(text)


def test_an_absent_framework_is_named_in_another_process_too() -> None:
    absent = pickle.loads(pickle.dumps(NotInstalled("jax", "bnconform.adapters.flax")))
    assert (absent.needs, absent.target) == ("jax", "bnconform.adapters.flax")
    assert str(absent) == "bnconform.adapters.flax needs jax, which is not installed"


def test_the_file_of_a_module_is_known_once_it_is_imported() -> None:
    assert Address(target="json", namespace="json", named=True).file.endswith("__init__.py")
    assert Address(target="mylib_that_is_not_there", namespace="", named=True).file == ""
