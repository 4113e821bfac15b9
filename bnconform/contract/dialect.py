"""A Dialect holds an implementation's documented choices; an Implementation is one entry point under test.

Rules: a Dialect field states what the implementation's documentation (or the plain text of its arithmetic) states, and
`links` holds where. Nothing here widens a bound to hide a surprise: an undocumented choice is a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError

CHOICES: dict[str, tuple[object, ...]] = {
    "running_var": ("unbiased", "biased"),
    "variance": ("two-pass", "one-pass"),
    "single_value": ("raises", "zero"),
    "average": ("exponential", "cumulative", "first copy", "debiased"),
    "backward": ("centred", "uncentred"),
    "rounded_branches": (False, True),
    "clamps_variance": (False, True),
    "stats_dtype": (None, *DTYPES),
    "stored_dtype": (None, *DTYPES),
    "elementwise_dtype": (None, *DTYPES),
    "cotangent_dtype": (None, *DTYPES),
    "params_dtype": (None, *DTYPES),
    "running_dtype": (None, *DTYPES),
    "attribute_dtype": (None, "float32"),
}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The choices that the paper leaves open and that an implementation documents.

    The dtype fields speak of inputs narrower than that dtype and mean nothing for wider ones.

    running_var: variance in the running average, m/(m-1) ("unbiased", the paper's) or 1/m ("biased").
    variance: algorithm, "two-pass" (or Welford's, Chan's) or "one-pass", E[x²] - E[x]².
    single_value: the outcome of one value per channel in training, an error or a variance of zero.
    average: how a layer with a state of its own averages its batches: by one weight ω ("exponential"), by 1/j at step j
    ("cumulative"), by ω after a copy of the first batch ("first copy"), or from zero and divided by 1 - (1 - ω)^j
    ("debiased").
    stats_dtype: type that sums are accumulated in; None: x's.
    stored_dtype: type that batch statistics are stored in between passes; None: stats_dtype.
    elementwise_dtype: type of the elementwise arithmetic; None: stats_dtype.
    cotangent_dtype: type that cotangents are summed in; None: stats_dtype.
    params_dtype: type of gamma, beta, the running statistics and their gradients; None: x's.
    running_dtype: type that the running statistics alone are kept in; None: params_dtype.
    attribute_dtype: type that epsilon and momentum are kept in, whatever x's; None: at least x's.
    backward: in inference, sums of g(x - mean) ("centred") or of gx and g ("uncentred").
    rounded_branches: the summands of dx are rounded to x's dtype before they are added.
    clamps_variance: a one-pass variance below zero is set to zero.
    links: for each field that is stated, where the documentation states it.
    """

    running_var: Literal["unbiased", "biased"] = "unbiased"
    variance: Literal["two-pass", "one-pass"] = "two-pass"
    single_value: Literal["raises", "zero"] = "zero"
    average: Literal["exponential", "cumulative", "first copy", "debiased"] = "exponential"
    stats_dtype: str | None = None
    stored_dtype: str | None = None
    elementwise_dtype: str | None = None
    cotangent_dtype: str | None = None
    params_dtype: str | None = None
    running_dtype: str | None = None
    attribute_dtype: str | None = None
    backward: Literal["centred", "uncentred"] = "centred"
    rounded_branches: bool = False
    clamps_variance: bool = True
    links: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ContractError(f"Dialect.{name} is {getattr(self, name)!r:.200}; expected one of {allowed}")
        known = {field.name for field in fields(self)}
        for name in self.links:
            if name not in known:
                raise ContractError(f"Dialect.links names {name!r:.200}; expected a field of Dialect")
