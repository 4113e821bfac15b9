"""Entries of the registry are read, refused in words that teach, found by what they cover, and proposed from a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from bnconform.cli import main
from bnconform.contract.errors import ContractError
from bnconform.engine.book import all_specs
from bnconform.results.case_line import read_case
from bnconform.results.deviations import Registry, Signature, load_registry
from bnconform.results.deviations.registry import FOLDER
from bnconform.results.deviations.signature import signature_in
from bnconform.results.deviations.witnesses import Packed, case_key, is_small, write_packed
from bnconform.results.records import Finding

ENTRY = {
    "implementations": '["lib.norm"]',
    "versions": '">=2,<3"',
    "fault": '"implementation"',
    "reason": '"It adds one."',
    "link": '"https://example.org/1"',
    "findings": '[{ spec = "adds", dtypes = ["float32"], quantity = "y", witness = "KEY" }]',
}
LINE = "train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5]"
KEY = case_key(read_case(LINE))
LARGE = read_case(LINE.replace("2,1", "50,1").replace("0 0.5", "0 0.5 " * 25))


def write_cause(folder: Path, *, times: int = 1, **changed: str | None) -> None:
    """Writes a cause, with what was changed (None: left out), and its witness."""
    entry = {"witnesses": f'{{ KEY = "{LINE}" }}', **ENTRY, **changed}
    text = "[[cause]]\n" + "\n".join(f"{key} = {value}" for key, value in entry.items() if value is not None)
    (folder / "lib.toml").write_text("\n\n".join([text.replace("KEY", KEY)] * times), encoding="utf-8")


def registry_of(folder: Path, *, drafts: bool = False, times: int = 1, **changed: str | None) -> Registry:
    """Returns the registry of a cause that was written as `write_cause` does."""
    write_cause(folder, times=times, **changed)
    return load_registry(folder, drafts=drafts)


def rows(more: str, witness: str = '"KEY"') -> str:
    return f'[{{ spec = "adds", quantity = "y", witness = {witness}, {more} }}]'


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


def test_a_glob_covers_variants(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, implementations='["lib.norm*"]')
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
        ({"findings": rows('dtypes = ["float8"]')}, "dtypes is 'float8'"),
        ({"findings": rows('dtypes = ["float32"], ratio = 3')}, "has ratio"),
        ({"findings": '[{ spec = "adds", dtypes = ["float32"], witness = "KEY" }]'}, "expected either quantity"),
        ({"findings": '[{ spec = "adds", dtypes = ["float32"], quantity = "y" }]'}, "lacks witness"),
        ({"findings": rows('dtypes = ["float32"]', '"0"')}, "its witness 0 is neither in [cause.witnesses] nor in lib"),
        (
            {"findings": rows('dtypes = ["float32"]', '{ float64 = "KEY" }')},
            "expected a key, or one for each of float32",
        ),
        ({"witnesses": f'{{ KEY = "{LINE}", a = "{LINE}" }}'}, "no finding names the witness a; remove it"),
        ({"witnesses": '["KEY"]'}, "expected a table of keys"),
        ({"link": '"lib/none.py"'}, "link is 'lib/none.py', and there is no file"),
        ({"script": '"lib/none.py"'}, "script is 'lib/none.py', and there is no file"),
        ({"script": '"https://example.org"'}, "expected a path from the registry's folder on"),
        (
            {"findings": rows('dtypes = ["float32"], implementations = ["lib.no"]')},
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
    with pytest.raises(ContractError, match=r"got cause; expected \[\[cause\]\] and \[defects"):
        load_registry(tmp_path)


def test_an_entry_of_no_spec_is_a_wrong_call_where_its_implementation_takes_part(tmp_path: Path) -> None:
    registry = registry_of(tmp_path)
    registry.check([("lib.norm", "1.0"), ("lib.other", "2.0")], {"add"})
    with pytest.raises(ContractError, match="there is no spec 'adds'; did you mean 'add'"):
        registry.check([("lib.norm", "2.0")], {"add"})


def test_a_witness_is_read_when_it_is_asked_for_and_must_be_that_of_its_key(tmp_path: Path) -> None:
    (known,) = registry_of(tmp_path).deviations
    assert known.witness.x.tolist() == [[0.0], [0.5]]
    (wrong,) = registry_of(tmp_path, witnesses=f'{{ KEY = "{LINE.replace("0.5]", "0.25]")}" }}').deviations
    with pytest.raises(ContractError, match=rf"lib.toml, cause 1: witness {KEY} is a case whose key is [0-9a-f]{{8}};"):
        _ = wrong.witness
    (unread,) = registry_of(tmp_path, witnesses='{ KEY = "train nothing" }').deviations
    with pytest.raises(ContractError, match=rf"lib.toml, cause 1, witness {KEY}: got the case 'train nothing'"):
        _ = unread.witness


def test_a_large_witness_lies_packed_beside_the_registry(tmp_path: Path) -> None:
    write_packed(tmp_path / "lib.safetensors", {case_key(LARGE): LARGE, KEY: read_case(LINE)})
    (known,) = registry_of(
        tmp_path, witnesses=None, findings=rows('dtypes = ["float32"]', f'"{case_key(LARGE)}"')
    ).deviations
    assert case_key(known.witness) == case_key(LARGE)
    (tmp_path / "lib.safetensors").write_bytes(b"none")
    with pytest.raises(ContractError, match="expected the packed witnesses of a registry"):
        registry_of(tmp_path, witnesses=None, findings=rows('dtypes = ["float32"]', f'"{case_key(LARGE)}"'))


def test_what_is_wrong_with_packed_witnesses_is_told_in_one_line_whatever_they_say(tmp_path: Path) -> None:
    packed = tmp_path / "lib.safetensors"
    write_packed(packed, {case_key(LARGE): LARGE})
    blob = packed.read_bytes()
    packed.write_bytes(blob.replace(b'"dtype":"F32"', b'"dtype":"a\\n"'))  # which the reader quotes, as a line end
    (known,) = registry_of(
        tmp_path, witnesses=None, findings=rows('dtypes = ["float32"]', f'"{case_key(LARGE)}"')
    ).deviations
    with pytest.raises(ContractError, match="expected a whole safetensors file") as refused:
        _ = known.witness
    assert "\n" not in str(refused.value)


def test_each_dtype_may_have_a_witness_of_its_own(tmp_path: Path) -> None:
    other = LINE.replace("float32", "float64")
    key = case_key(read_case(other))
    registry = registry_of(
        tmp_path,
        findings=rows('dtypes = ["float32", "float64"]', f'{{ float32 = "KEY", float64 = "{key}" }}'),
        witnesses=f'{{ KEY = "{LINE}", {key} = "{other}" }}',
    )
    assert {one.dtype: one.witness.dtype for one in registry.deviations} == {
        "float32": "float32", "float64": "float64",
    }  # fmt: skip


def test_a_link_within_the_registry_is_shown_as_a_path(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "adds_one.py").touch()
    (known,) = registry_of(tmp_path, link='"lib/adds_one.py"').deviations
    assert known.cause.link == known.cause.script == f"{tmp_path.name}/lib/adds_one.py"


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
        assert one.witness.dtype == one.dtype
        assert Version("0") not in one.cause.versions


def test_the_registry_of_bnconform_is_small_and_has_no_witness_too_many() -> None:
    packed = {path.stem: set(Packed(path).settings) for path in FOLDER.glob("*.safetensors")}
    named = [one for one in load_registry().deviations if one.stored.line is None]
    assert packed == {one.stored.packed.path.stem: packed[one.stored.packed.path.stem] for one in named}
    assert set().union(*packed.values()) == {one.stored.key for one in named}
    assert not any(is_small(one.witness) for one in named)
    assert all(is_small(one.witness) for one in load_registry().deviations if one.stored.line is not None)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 0.7e6


def test_a_script_is_shown_as_an_installed_bnconform_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    links = {one.cause.link for one in load_registry().deviations}
    assert all(link.startswith(("https://", "bnconform/results/deviations/")) for link in links)
    assert main.main(["deviations"]) == 0
    shown = capsys.readouterr().out
    assert "link    bnconform/results/deviations/torch/noncontiguous_sums.py" in shown
    assert "script  bnconform/results/deviations/torch/third_derivative.py" in shown


DEFECT = '[defects.one_more]\ntitle = "It adds one"\nseverity = "ordinary"\neffect = "y is one too large."\n\n'


def with_defects(folder: Path, tables: str, **changed: str | None) -> Registry:
    """Returns the registry of a cause below tables of defects."""
    write_cause(folder, **changed)
    file = folder / "lib.toml"
    file.write_text(tables + file.read_text(encoding="utf-8"), encoding="utf-8")
    return load_registry(folder)


def test_a_cause_is_of_a_defect_that_its_file_states(tmp_path: Path) -> None:
    (known,) = with_defects(tmp_path, DEFECT, defect='"one_more"').deviations
    defect = known.cause.defect
    assert (defect.id, defect.title, defect.severity) == ("lib/one_more", "It adds one", "ordinary")
    assert defect.effect == "y is one too large."


def test_a_cause_without_a_defect_is_one_of_its_own(tmp_path: Path) -> None:
    (known,) = registry_of(tmp_path).deviations
    assert (known.cause.defect.id, known.cause.defect.title) == ("lib/1", "It adds one.")


@pytest.mark.parametrize(
    ("tables", "defect", "said"),
    [
        (DEFECT, '"two_more"', r"lib.toml: no cause is of defects.one_more; remove it, or name it in a cause"),
        ("", '"two_more"', r"lib.toml, cause 1: defect is 'two_more'; expected one of none"),
        (DEFECT.replace("ordinary", "awful"), '"one_more"', r"severity is 'awful'; expected one of ordinary, unusual"),
        (
            DEFECT.replace('"It adds one"', '" "'),
            '"one_more"',
            r"\[defects.one_more\]: title is ' '; expected a person",
        ),
        (DEFECT.replace("effect", "affect"), '"one_more"', r"\[defects.one_more\]: lacks effect; expected title"),
        ("defects = 3\n", None, r"lib.toml: defects is 3; expected \[defects.NAME\] tables"),
    ],
)
def test_a_wrong_defect_is_refused_with_its_place(tmp_path: Path, tables: str, defect: str | None, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        with_defects(tmp_path, tables, defect=defect)


def test_every_cause_of_our_own_registry_is_of_a_stated_defect() -> None:
    causes = {one.cause.place: one.cause for one in load_registry().deviations}.values()
    assert [cause.place for cause in causes if not cause.defect.effect] == []
    titles = {cause.defect.id: cause.defect.title for cause in causes}
    assert [title for title in titles.values() if len(title) > 110 or title.endswith(".")] == []


def test_every_cause_of_bnconform_names_the_script_that_shows_it() -> None:
    assert {one.cause.place for one in load_registry().deviations if not one.cause.script} == set()
