"""A Target is one implementation in one dtype on one device, the subject of a finding."""

from __future__ import annotations

from dataclasses import dataclass

from bnconform.cases.strategies import Traits
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Described


@dataclass(frozen=True, kw_only=True)
class Target:
    """One implementation in one dtype on one device."""

    implementation: Described
    dtype: str
    device: str = "cpu"

    @property
    def dialect(self) -> Dialect:
        """The Dialect that the implementation declares for this dtype."""
        return self.implementation.dialect_for(self.dtype)

    @property
    def traits(self) -> Traits:
        """The traits of the target that strategies need."""
        settings = self.implementation.settings
        short = self.dialect.attribute_dtype == "float32" and self.dtype == "float64"
        return Traits(
            dtype=self.dtype,
            ranks=tuple(self.implementation.ranks),
            compiled=self.implementation.compiled,
            short_settings=short,
            default_eps=None if settings is None else settings.default_eps,
            default_momentum=None if settings is None else settings.default_momentum,
            fixed_eps=self.implementation.fixed_eps,
            fixed_momentum=self.implementation.fixed_momentum,
        )
