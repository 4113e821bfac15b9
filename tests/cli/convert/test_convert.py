"""A conversion writes the same function in another implementation's words, and says what it cannot."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import conversions as world
from worlds import tiny

from bnconform import Argument, Case, Dialect, Implementation, Outcome, Settings
from bnconform.cli.convert import Conversion, Wish, convert
from bnconform.cli.convert.written import number_text
from bnconform.contract.errors import CallError
from bnconform.contract.implementation import Described
from bnconform.oracle import reference

ADAPTER = """
from bnconform import Argument, Dialect, Implementation, Outcome, Settings

def run(case):
    return Outcome()

NEW = Settings(call="m.new", eps=Argument("eps", "1e-5"), momentum=Argument("momentum", "0.1"), weighs="new")
OLD = Settings(call="m.old", eps=Argument("epsilon", "0.001"), momentum=Argument("decay", "0.99"), weighs="old")
IMPLEMENTATIONS = [
    Implementation(name="m.new", run=run, settings=NEW),
    Implementation(name="m.old", run=run, settings=OLD),
    Implementation(name="m.old_biased", run=run, settings=OLD, dialect=Dialect(running_var="biased")),
    Implementation(name="m.unknown", run=run),
]
"""


def described(dialect: Dialect | None = None, name: str = "m.bn", **stated: Any) -> Described:
    settings = {
        "call": name,
        "eps": Argument("eps", "1e-05", "https://example.org/eps"),
        "momentum": Argument("momentum", "0.1", "https://example.org/momentum"),
        "weighs": "new",
        **stated,
    }
    dtypes = {"float16", "float32", "float64"}
    one = Implementation(
        name=name,
        run=lambda case: Outcome(),
        dialect=dialect or Dialect(),
        dtypes=dtypes,
        settings=Settings(**settings),
    )
    return Described.of(one)


NEW = described(name="m.new", affine=Argument("affine", "True"), state=Argument("track", "True"), cumulative="None")
OLD = described(
    name="m.Old{n}D",
    eps=Argument("epsilon", "0.001"),
    momentum=Argument("decay", "0.99"),
    weighs="old",
    scale=Argument("use_scale", "True"),
    shift=Argument("use_shift", ""),
    axis=Argument("axis", "-1"),
)


def differing(conversion: Conversion) -> dict[str, str]:
    return {one.function: one.verdict for one in conversion.matches if one.verdict != "same"}


def why(conversion: Conversion, function: str) -> str:
    (one,) = [match for match in conversion.matches if match.function == function]
    return " ".join(f"{obstacle.why} {obstacle.remedy}" for obstacle in one.obstacles)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), "m.Old2D(epsilon=1e-05, decay=0.9, axis=1, use_shift=True)"),
        (Wish(eps="0.25", momentum="0.01"), "m.Old2D(epsilon=0.25, decay=0.99, axis=1, use_shift=True)"),
        (
            Wish(scale=False, shift=False, ndim=2),
            "m.Old1D(epsilon=1e-05, decay=0.9, axis=-1, use_scale=False, use_shift=False)",
        ),
        (Wish(ndim=5), "m.Old3D(epsilon=1e-05, decay=0.9, axis=1, use_shift=True)"),
        (Wish(momentum="1e-3"), "m.Old2D(epsilon=1e-05, decay=0.999, axis=1, use_shift=True)"),
        (Wish(state=False), "m.Old2D(epsilon=1e-05, axis=1, use_shift=True)"),
    ],
)  # fmt: skip
def test_the_same_settings_are_written_in_other_words(wish: Wish, expected: str) -> None:
    conversion = convert(NEW, OLD, wish)
    assert conversion.after.text == expected
    assert conversion.complete


def test_one_minus_a_tenth_is_nine_tenths_and_reads_back_exactly() -> None:
    for text in ("0.1", "0.9", "0.01", "0.003", "0.30000000000000004", "1e-20", "0.5"):
        there = convert(NEW, OLD, Wish(momentum=text)).after.arguments["decay"]
        assert Decimal(there) == 1 - Decimal(text)
    assert number_text(1 - Decimal("0.1")) == "0.9"
    assert number_text(Decimal("0.00001")) == "1e-05"


def test_there_and_back_is_what_it_was() -> None:
    for momentum in ("0.1", "0.03", "0.999"):
        there = convert(NEW, OLD, Wish(momentum=momentum, eps="0.002", axis=1))
        arguments = there.after.arguments
        wish = Wish(eps=arguments["epsilon"], momentum=arguments["decay"], axis=int(arguments["axis"]))
        assert convert(OLD, NEW, wish).after.arguments == there.before.arguments


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (Dialect(running_var="biased"), {"running variance": "differs"}),
        (Dialect(single_value="raises"), {"single value": "differs"}),
        (Dialect(average="debiased"), {"running mean": "differs", "running variance": "differs"}),
        (Dialect(variance="one-pass", stats_dtype="float32"), {}),
    ],
)
def test_what_cannot_be_matched_is_said_with_the_reason(dialect: Dialect, expected: dict[str, str]) -> None:
    assert differing(convert(NEW, described(dialect))) == expected


def test_a_biased_variance_says_the_factor_and_what_to_do_with_stored_ones() -> None:
    links = {"running_var": "https://example.org/var"}
    biased = described(Dialect(running_var="biased", links=links))
    there, back = convert(NEW, biased), convert(biased, NEW)
    assert "by the factor (m - 1)/m" in why(there, "running variance")
    assert "by the factor m/(m - 1)" in why(back, "running variance")
    assert "copy stored variances as they are" in why(there, "running variance")
    (match,) = [one for one in there.matches if one.verdict == "differs"]
    assert match.obstacles[0].links == ("https://example.org/var",)


def test_a_rounding_that_differs_is_a_note_and_no_obstacle() -> None:
    conversion = convert(NEW, described(Dialect(variance="one-pass")))
    assert conversion.complete
    assert conversion.notes == ("variance is two-pass in m.new, one-pass in m.bn",)


def test_a_cumulative_average_is_matched_only_where_it_is_offered() -> None:
    assert set(differing(convert(NEW, OLD, Wish(momentum="None")))) == {"running mean", "running variance"}
    same = convert(NEW, NEW, Wish(momentum="None"))
    assert same.complete
    assert same.after.arguments["momentum"] == "None"


def test_an_epsilon_kept_in_float32_matters_for_float64_alone() -> None:
    narrow = described(Dialect(attribute_dtype="float32"))
    assert convert(NEW, narrow).complete
    assert set(differing(convert(NEW, narrow, Wish(dtype="float64")))) == {
        "training output", "gradients", "inference output"
    }  # fmt: skip
    assert convert(NEW, narrow, Wish(dtype="float64", eps="0.0009765625")).complete


def test_a_weight_that_its_complement_swallows_is_no_match() -> None:
    conversion = convert(NEW, OLD, Wish(momentum="1e-20"))
    assert set(differing(conversion)) == {"running mean", "running variance"}
    assert "1 - 1E-20 is 1 in float64" in why(conversion, "running mean")


def test_narrow_averages_are_no_match_for_wide_ones() -> None:
    wide = described(Dialect(params_dtype="float32"))
    assert convert(NEW, wide).complete
    assert set(differing(convert(NEW, wide, Wish(dtype="float16")))) == {"running mean", "running variance"}


def test_what_is_not_offered_is_said() -> None:
    inference = described(offers=("inference", "affine"))
    expected = dict.fromkeys(
        ("training output", "gradients", "running mean", "running variance", "single value"), "not offered"
    )
    assert differing(convert(NEW, inference)) == expected
    assert [one.function for one in convert(inference, NEW).matches] == ["inference output"]


def test_without_a_state_there_are_no_averages_to_match() -> None:
    conversion = convert(NEW, OLD, Wish(state=False))
    assert [one.function for one in conversion.matches] == ["training output", "gradients", "single value"]
    assert "keeps running statistics all the same" in conversion.after.by_hand[0]


def test_what_no_argument_does_is_to_be_done_by_hand() -> None:
    moved = convert(OLD, NEW, Wish(scale=False))
    assert moved.after.by_hand == (
        "move the channels from axis 3 to axis 1 before the call, and back behind it",
        "keep the scale at 1 and do not train it: it cannot be left out by itself",
    )
    plain = described(offers=("training", "gradients"))
    assert convert(OLD, plain, Wish(axis=1)).after.by_hand == (
        "multiply by the scale behind the call", "add the shift behind the call"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ndim", "axis", "layout", "reduced"),
    [
        (2, 1, "'NC'", "(0,)"),
        (3, -1, "'NLC'", "(0, 1)"),
        (4, 1, "'NCHW'", "(0, 2, 3)"),
        (5, 4, "'NDHWC'", "(0, 1, 2, 3)"),
    ],
)
def test_an_axis_is_written_as_it_is_there(ndim: int, axis: int, layout: str, reduced: str) -> None:
    formats = {"1": "'NC{s}'", "-1": "'N{s}C'"}
    by_layout = described(axis=Argument("data_format", "'NCHW'"), layouts=formats)
    by_axes = described(axis=Argument("axis", "None"), reduced=True)
    wish = Wish(ndim=ndim, axis=axis)
    assert convert(OLD, by_layout, wish).after.arguments["data_format"] == layout
    assert convert(OLD, by_axes, wish).after.arguments["axis"] == reduced
    assert convert(by_layout, by_axes, wish).after.arguments["axis"] == reduced
    assert convert(by_layout, OLD).layer.axis == 1


def test_a_switch_may_have_no_default_and_something_beside_it() -> None:
    given = Argument("mean", "", on="mean, var=var", off="None, var=None")
    both = described(state=given)
    assert convert(NEW, both).after.arguments == {"eps": "1e-05", "momentum": "0.1", "mean": "mean", "var": "var"}
    assert convert(NEW, both, Wish(state=False)).after.arguments == {"eps": "1e-05", "mean": "None", "var": "None"}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(eps="small"), "--eps 'small': expected a number"),
        (Wish(eps="inf"), "--eps inf: expected a finite number"),
        (Wish(scale=False), "--no-scale: m.new has no argument to do without the scale alone; it takes --no-scale"),
        (Wish(axis=2), "--axis 2: m.new takes the channels on axis 1"),
        (Wish(ndim=7), "--ndim 7: m.new takes 2, 3, 4, 5"),
        (Wish(dtype="bfloat16"), "--dtype bfloat16: m.new takes float16, float32, float64"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_a_wrong_call(wish: Wish, expected: str) -> None:
    with pytest.raises(CallError) as error:
        convert(NEW, OLD, wish)
    assert str(error.value).startswith(expected)


def test_an_axis_is_one_of_the_channels() -> None:
    for axis in (7, 0, -4):
        with pytest.raises(CallError, match=f"--axis {axis}: expected an axis of 4 that is not that of the examples"):
            convert(OLD, NEW, Wish(axis=axis))


def numpy_layer(arguments: dict[str, Any], case: Case, dialect: Dialect) -> Outcome:
    """Runs the equations in the case's type, by an ε and a momentum that the arguments name."""
    eps = next(arguments[name] for name in ("eps", "epsilon") if name in arguments)
    weight = arguments["momentum"] if "momentum" in arguments else 1 - arguments.get("decay", 1.0)
    one = Case(**{**vars(case), "eps": eps, "momentum": weight})
    dtype = case.x.dtype
    if case.mode == "infer":
        return Outcome(y=reference.y(one).astype(dtype))
    correction = int(dialect.running_var == "unbiased")
    found = {name: getattr(reference, name)(one) for name in ("dx", "dgamma", "dbeta")}
    found |= {"y": reference.y(one)}
    if case.running_mean is not None:
        found |= {"running_mean": reference.running_mean(one), "running_var": reference.running_var(one, correction)}
    return Outcome(**{name: np.asarray(array).astype(dtype) for name, array in found.items()})


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(running_var="biased")])
@pytest.mark.parametrize("momentum", ["0.1", "0.25", "0.9"])
def test_layers_of_two_conventions_do_what_the_conversion_says(dialect: Dialect, momentum: str) -> None:
    old = Described(**{**vars(OLD), "dialect": dialect})
    conversion = convert(NEW, old, Wish(momentum=momentum, eps="0.01"))
    both = [(one, lambda arguments, case, one=one: numpy_layer(arguments, case, one.dialect)) for one in (NEW, old)]
    world.check(conversion, *both)


def test_settings_that_are_not_converted_would_be_seen() -> None:
    conversion = convert(NEW, OLD)
    as_is = {"epsilon": "0.001", "decay": "0.1"}
    wrong = type(conversion.after)(conversion.after.call, as_is)
    conversion = type(conversion)(**{**vars(conversion), "after": wrong})
    both = [(one, lambda arguments, case, one=one: numpy_layer(arguments, case, one.dialect)) for one in (NEW, OLD)]
    assert not any(world.judged(conversion, *both).values())


def test_the_command_prints_and_its_exit_status_tells(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(ADAPTER, encoding="utf-8")

    def call(*words: str) -> Any:
        return tiny.bnconform("convert", *words, "--adapter", "m.py", cwd=tmp_path)

    whole = call("m.new", "m.old", "--momentum", "0.2")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.splitlines()[:2] == ["m.new(eps=1e-05, momentum=0.2)", "  → m.old(epsilon=1e-05, decay=0.8)"]
    part = call("m.new", "m.old_biased", "--json")
    assert part.returncode == 1, part.stderr
    said = json.loads(part.stdout)
    assert said["arguments"] == {"epsilon": "1e-05", "decay": "0.9"}
    assert [one["function"] for one in said["functions"] if one["verdict"] != "same"] == ["running variance"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("m.new", "m.odd"), "'m.odd' fits nothing; did you mean 'm.old'?"),
        (("m.*", "m.old"), "'m.*' fits m.new, m.old, m.old_biased, m.unknown; expected the name of one"),
        (("m.new", "m.unknown"), "m.unknown: its adapter declares no settings"),
    ],
)
def test_a_name_that_fits_none_or_several_is_a_wrong_call(
    tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "m.py").write_text(ADAPTER, encoding="utf-8")
    done = tiny.bnconform("convert", *words, "--adapter", "m.py", cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
