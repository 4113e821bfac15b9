"""What a training step does to the running mean and the running variance."""

from bnconform import bounds, reference
from bnconform.case import Case
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree, unless_declared

TRAINING = cases(mode="train")


@spec(
    r"\mu' = (1 - \omega)\,\mu + \omega\,\mu_B",
    source="000_71a86d20c5337979.txt: “take the running average of exponentially weighted averages over the mean and "
    "variance”",
    given=TRAINING,
)
def averages_the_running_mean(bn: Subject, case: Case) -> Agreement:
    """A training step moves the running mean towards the batch's by the weight of the new value."""
    bound = bounds.running_mean(case, bn.dialect)
    return agree(bn(case).running_mean, reference.running_mean(case), within=bound, quantity="running_mean")


@spec(
    r"{\sigma^2}' = (1 - \omega)\,\sigma^2 + \omega\,\frac{m}{m-1}\,\sigma_B^2",
    source="Ioffe & Szegedy 2015, section 3.1; 002_5b274a8f490b787a.txt: “Var[x] ← m/(m-1) E_B[σ_B²]”",
    given=TRAINING,
)
def averages_the_unbiased_variance(bn: Subject, case: Case) -> Agreement:
    """A training step moves the running variance towards the unbiased variance of the batch."""
    dialect, actual = bn.dialect, bn(case).running_var
    paper = agree(actual, reference.running_var(case), within=bounds.running_var(case, dialect), quantity="running_var")
    if dialect.running_var == "unbiased":
        return paper
    biased = agree(
        actual,
        reference.running_var(case, correction=0),
        within=bounds.running_var(case, dialect, correction=0),
        quantity="running_var",
    )
    return unless_declared(paper, "running_var", biased)
