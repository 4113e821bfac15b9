"""Entries of the registry are read, refused in words that teach, found by what they cover, and proposed from a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from bnconform.contract.errors import ContractError
from bnconform.contract.wire import load_case
from bnconform.engine.book import all_specs
from bnconform.results.deviations import Registry, Signature, load_registry
from bnconform.results.deviations.registry import FOLDER, WITNESSES
from bnconform.results.deviations.signature import signature_in
from bnconform.results.records import Finding

ENTRY = {
    "implementations": '["lib.norm"]',
    "versions": '">=2,<3"',
    "fault": '"implementation"',
    "reason": '"It adds one."',
    "link": '"https://example.org/1"',
    "findings": '[{ spec = "adds", dtypes = ["float32"], quantity = "y" }]',
}


def registry_of(folder: Path, *, drafts: bool = False, times: int = 1, **changed: str | None) -> Registry:
    """Writes a cause, with what was changed (None: left out), and an empty witness, and returns the registry."""
    entry = {key: value for key, value in {**ENTRY, **changed}.items() if value is not None}
    text = "[[cause]]\n" + "\n".join(f"{key} = {value}" for key, value in entry.items())
    (folder / "lib.toml").write_text("\n\n".join([text] * times), encoding="utf-8")
    (folder / WITNESSES / "lib").mkdir(parents=True, exist_ok=True)
    (folder / WITNESSES / "lib" / "adds-lib.norm-float32-cpu.safetensors").touch()
    return load_registry(folder, drafts=drafts)


def asked(registry: Registry, version: str = "2.1", name: str = "lib.norm", dtype: str = "float32") -> bool:
    return registry.of("adds", name, version, dtype, "cpu") is not None


def test_an_entry_covers_its_spec_implementation_dtype_and_versions(tmp_path: Path) -> None:
    registry = registry_of(tmp_path)
    assert asked(registry)
    assert asked(registry, version="2.5.0+cpu")
    assert not asked(registry, version="3.0")
    assert not asked(registry, version="no version")
    assert not asked(registry, dtype="float64")
    assert not asked(registry, name="lib.norm:variant")
    assert registry.of("adds", "lib.norm", "2.1", "float32", "cuda") is None


def test_a_glob_covers_variants_by_a_witness_that_it_names(tmp_path: Path) -> None:
    witness = (
        '[{ spec = "adds", dtypes = ["float32"], quantity = "y", witness = "adds-lib.norm-float32-cpu.safetensors" }]'
    )
    registry = registry_of(tmp_path, implementations='["lib.norm*"]', findings=witness)
    assert asked(registry, name="lib.norm:variant")
    assert not asked(registry, name="lib.other")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": '"  "'}, "lib.toml, cause 1: reason is '  '; expected a person's words"),
        ({"link": '""'}, "link is ''"),
        ({"reason": None}, "lacks reason"),
        ({"colour": '"red"'}, "has colour, which nothing reads"),
        ({"versions": '"two"'}, "versions is 'two'; expected a range"),
        ({"versions": '""'}, "versions is ''; expected a range"),
        ({"fault": '"nobody"'}, "fault is 'nobody'; expected one of implementation, adapter, by-design"),
        ({"implementations": '"lib.norm"'}, "expected a list of one or more words"),
        ({"devices": '["tpu"]'}, "devices is 'tpu'; expected one of cpu, cuda"),
        ({"findings": "[]"}, "expected a list of tables"),
        ({"findings": '[{ spec = "adds", dtypes = ["float8"], quantity = "y" }]'}, "dtypes is 'float8'"),
        ({"findings": '[{ spec = "adds", dtypes = ["float32"], quantity = "y", ratio = 3 }]'}, "has ratio"),
        ({"findings": '[{ spec = "adds", dtypes = ["float32"] }]'}, "expected either quantity"),
        ({"findings": '[{ spec = "adds", dtypes = ["float64"], quantity = "y" }]'}, "is not there; copy it"),
        (
            {"findings": '[{ spec = "adds", dtypes = ["float32"], quantity = "y", implementations = ["lib.no"] }]'},
            "lib.no is none of the cause's implementations",
        ),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(tmp_path: Path, changed: dict[str, str | None], said: str) -> None:
    with pytest.raises(ContractError) as refused:
        registry_of(tmp_path, **changed)
    assert str(refused.value).startswith("lib.toml, cause 1")
    assert said in str(refused.value)


def test_what_is_known_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"cause 2, finding 1: adds of .* is known already, by lib.toml, cause 1"):
        registry_of(tmp_path, times=2)


def test_a_draft_is_read_only_to_propose_more(tmp_path: Path) -> None:
    assert asked(registry_of(tmp_path, drafts=True, reason='""', link='""'))


def test_a_file_that_is_no_registry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lib.toml").write_text("[cause]\n", encoding="utf-8")
    with pytest.raises(ContractError, match="expected \\[\\[cause\\]\\] tables"):
        load_registry(tmp_path)


def test_an_entry_of_no_spec_is_a_wrong_call_where_its_implementation_takes_part(tmp_path: Path) -> None:
    registry = registry_of(tmp_path)
    registry.check([("lib.norm", "1.0"), ("lib.other", "2.0")], {"add"})
    with pytest.raises(ContractError, match="there is no spec 'adds'; did you mean 'add'"):
        registry.check([("lib.norm", "2.0")], {"add"})


def found(**changed: object) -> Finding:
    record = {"verdict": "fails", "quantity": "y", "reason": "y[0] is 2", "diagnosis": [{"fault": "a"}, {"fault": "b"}]}
    return {**record, **changed}  # type: ignore[typeddict-item]


def test_a_signature_holds_no_measured_figure() -> None:
    assert signature_in(found()) == signature_in(found(reason="y[1] is 3"))
    assert signature_in(found(quantity=None, raises="RuntimeError")).raises == "RuntimeError"


def test_a_signature_differs_by_verdict_quantity_exception_and_diagnosis() -> None:
    recorded = Signature(verdict="fails", quantity="y", diagnoses=("b",))
    assert recorded.differences(signature_in(found())) == []
    assert recorded.differences(signature_in(found(verdict="hangs", quantity=None))) == [
        "verdict hangs for fails", "quantity none for y",
    ]  # fmt: skip
    assert recorded.differences(signature_in(found(diagnosis=[{"fault": "c"}]))) == ["diagnosis c for b"]
    assert Signature(verdict="fails", quantity="y").differences(signature_in(found())) == []


# The registry that bnconform carries


def test_the_registry_of_bnconform_is_whole() -> None:
    known = load_registry().deviations
    specs = {one.id for one in all_specs()}
    assert {one.spec for one in known} <= specs
    for one in known:
        case, about = load_case(one.witness)
        assert (case.dtype, about["spec"]) == (one.dtype, one.spec)
        assert Version("0") not in one.cause.versions


def test_the_registry_of_bnconform_is_small_and_has_no_file_too_many() -> None:
    files = set(FOLDER.glob(f"{WITNESSES}/*/*"))
    assert files == {one.witness for one in load_registry().deviations}
    assert sum(path.stat().st_size for path in files) < 1.5e6


def test_a_link_to_a_script_of_ours_leads_to_one() -> None:
    minimal = Path(__file__).parents[2] / "reports" / "snapshot" / "minimal"
    links = {one.cause.link for one in load_registry().deviations}
    for link in links:
        assert link.startswith("https://") or (minimal / Path(link).name).is_file(), link
