"""A Signature holds the marks by which a failing finding is the same again: verdict, quantity, exception, diagnosis.

Rules: it holds no measured figure, which differs between machines; it is read off fields and never off sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnconform.analysis.diagnosis import Diagnosis
from bnconform.engine.tally import Tally
from bnconform.results.records import Finding


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The marks of a finding. quantity: None where a reply came in place of an outcome; `raises` is then its class of
    exception. diagnoses: the faults that explain it; the registry has at most one, and it must be among them."""

    verdict: str
    quantity: str | None = None
    raises: str | None = None
    diagnoses: tuple[str, ...] = ()

    def differences(self, found: Signature) -> list[str]:
        """Returns in words the differences of `found` from this one.

        Faults that no case tells apart are all named, in an order that depends on measured ratios, so it is enough that
        the one recorded is among them. A record without a diagnosis says nothing of it: a fault that is new in the
        catalogue changes no deviation.
        """
        pairs = [(name, getattr(self, name), getattr(found, name)) for name in ("verdict", "quantity", "raises")]
        words = [f"{name} {got or 'none'} for {recorded or 'none'}" for name, recorded, got in pairs if got != recorded]
        if self.diagnoses and not set(self.diagnoses) & set(found.diagnoses):
            words.append(f"diagnosis {', '.join(found.diagnoses) or 'none'} for {', '.join(self.diagnoses)}")
        return words


def signature_of(tally: Tally, diagnosis: Diagnosis) -> Signature:
    """Returns the signature of the finding of a search or a replay."""
    return Signature(
        verdict=tally.verdict,
        quantity=tally.shown_quantity,
        raises=tally.raises,
        diagnoses=tuple(one["fault"] for one in diagnosis.likely),
    )


def signature_in(record: Finding) -> Signature:
    """Returns the signature of a finding of results."""
    raises = record.get("raises")
    compared = record["verdict"] == "fails" and raises is None
    return Signature(
        verdict=record["verdict"],
        quantity=record["quantity"] if compared else None,  # a reply in place of an outcome has none
        raises=raises,
        diagnoses=tuple(one["fault"] for one in record["diagnosis"]),
    )
