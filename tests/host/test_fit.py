"""An adapter states the versions that it fits; one outside is told once and charged to nobody."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import bnconform
from bnconform.contract.address import AdapterFailure, Address, NotInstalled, named_address
from bnconform.contract.errors import ContractError
from bnconform.host.fit import check_fit, fits, stated

HERE = metadata.version("numpy")


def written(folder: Path, text: str) -> Address:
    path = folder / "adapter.py"
    path.write_text(f"{text}\nraise RuntimeError('it was imported')\n", encoding="utf-8")
    return named_address(str(path))


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("1.2", ">=1.2", True), ("1.2.0", "==1.2", True), ("1.10", ">=1.9", True), ("1.9", ">=1.10", False),
        ("0.7.5", "==0.7.*", True), ("0.8", "==0.7.*", False), ("2.13.0+cpu", ">=2.6,<3", True), ("3", ">2,<3", False),
        ("1.0rc1", ">1.0", False), ("1.4", "!=1.4.*", False), ("1.5", "!=1.4.*", True), ("1.2", "<=1.1", False),
        ("unknown", ">=1", True),
    ],
)  # fmt: skip
def test_a_version_lies_in_a_range_by_its_numbers(version: str, wanted: str, holds: bool) -> None:
    assert fits(version, wanted) is holds


def test_one_that_the_user_named_and_does_not_fit_is_told_and_never_imported(tmp_path: Path) -> None:
    with pytest.raises(AdapterFailure, match=f"fits numpy>=99, and numpy {HERE} is installed; install one that fits"):
        check_fit(written(tmp_path, 'FITS = {"numpy": ">=99"}'))


def test_an_installed_one_that_does_not_fit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mini_of_the_future.py").write_text('FITS = {"numpy": ">=99"}\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NotInstalled) as caught:
        check_fit(Address(target="mini_of_the_future", namespace="mini", named=False))
    assert caught.value.needs == f"numpy>=99 (here is {HERE})"
    assert "mini_of_the_future" not in sys.modules


@pytest.mark.parametrize("text", ['FITS = {"numpy": ">=1"}', 'FITS = {"no-such-distribution": "<1"}', "", "x = ("])
def test_what_fits_is_absent_or_unstated_is_left_to_the_import(tmp_path: Path, text: str) -> None:
    check_fit(written(tmp_path, text))


@pytest.mark.parametrize(
    "text", ["FITS = ranges()", 'FITS = [">=1"]', 'FITS = {"numpy": "newer"}', "FITS = {1: '>=1'}"]
)
def test_a_statement_that_cannot_be_read_is_the_adapters_mistake(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContractError, match=r"adapter\.py: FITS"):
        check_fit(written(tmp_path, text))


@pytest.mark.parametrize("name", ["equinox", "tinygrad"])
def test_adapters_that_did_not_fit_older_versions_say_so(name: str) -> None:
    ranges = stated(Path(bnconform.__file__).parent / "adapters" / f"{name}.py")
    assert not fits({"equinox": "0.12.2", "tinygrad": "0.10.0"}[name], ranges[name])
    assert fits({"equinox": "0.13.8", "tinygrad": "0.14.0"}[name], ranges[name])


def test_an_older_python_is_told_what_is_needed() -> None:
    code = "import sys; sys.version_info = (3, 9, 1); import bnconform"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "need Python 3.10 or newer" in found.stderr
    assert "Traceback" not in found.stderr
