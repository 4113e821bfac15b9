"""Use: what a program does with a layer beyond one call and all of its gradients, malformed calls among it.

Rules: a malformed call has one array of another shape than x asks for; documents say which shape that is, and not what
becomes of another, so that prudence alone asks for an error. A layer that is called again before its backward pass
has the gradients of the call that they are of: what it keeps on itself would be of the last one. A gradient is the same
whichever others are wanted beside it, and whether its forward pass is kept or runs again. Each statement is asked of
few cases: of vectors and of feature maps, which other ranks are computed as, or of feature maps alone.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import Subject, spec
from bnconform.relations import refusals
from bnconform.relations.refusals import Found
from bnconform.relations.use import accumulated, between, checkpoints, malformed, sequences, untracked, wanted

FEW = 4  # a case of each rank: nothing in them depends on values
IN_TRAINING, IN_INFERENCE = cases(mode="train", examples=FEW), cases(mode="infer", examples=FEW)
TRAINING, INFERENCE = (
    given.where(ranks={2, 4}, why="asked of vectors and feature maps only, as each shape costs some a compilation")
    for given in (IN_TRAINING, IN_INFERENCE)
)
MAPS, MAPS_IN_INFERENCE = (
    given.where(ranks={4}, why="asked of feature maps only, as each subset costs some a compilation")
    for given in (IN_TRAINING, IN_INFERENCE)
)
TORCH = "torch.Tensor.backward: “This function accumulates gradients in the leaves”"
EACH = r"\frac{\partial\ell}{\partial x}, \frac{\partial\ell}{\partial\gamma}, \frac{\partial\ell}{\partial\beta} "
ALONE = EACH + r"\quad\text{each alone what they are together}"
LEAST_LOSS = "specs/README.md, the rule of least loss: “a clear error rather than a wrong number”"
CHAIN_RULE = f"{PAPER}, section 3: “use the chain rule”, through the statistics of the batch that the loss is of"
THEN = r"\text{where } \mathrm{BN}(x') \text{ is called before the backward pass}"
MODULE = "torch.nn.BatchNorm1d: “batch statistics are instead used during evaluation time as well”"
ERROR = r"\Rightarrow\quad \text{an error}"


@spec(
    r"\gamma \notin \mathbb{R}^C \;\lor\; \beta \notin \mathbb{R}^C \quad" + ERROR,
    source=LEAST_LOSS,
    given=TRAINING,
    basis="prudence",
)
def refuses_parameters_of_another_length(bn: Subject, case: Case) -> list[Agreement]:
    """A scale or a shift that has one value more or less than there are channels is refused."""
    return malformed.refusals(bn, case, ("gamma_longer", "gamma_shorter", "beta_longer", "beta_shorter"))


@spec(
    r"C > 1, \quad \gamma \in \mathbb{R}^1 \;\lor\; \beta \in \mathbb{R}^1 \quad" + ERROR,
    source=LEAST_LOSS,
    given=TRAINING,
    basis="prudence",
)
def refuses_one_parameter_for_many_channels(bn: Subject, case: Case) -> list[Agreement]:
    """A scale or a shift of a single value is refused where there are several channels, and not spread over them."""
    return malformed.refusals(bn, case, ("gamma_single", "beta_single"))


@spec(
    r"\gamma \in \mathbb{R}^{1 \times C} \;\lor\; \beta \in \mathbb{R}^{1 \times C} \quad\Rightarrow\quad "
    r"\text{an error, or } y \text{ as by the same } C \text{ values}",
    source=LEAST_LOSS,
    given=TRAINING,
    basis="prudence",
)
def takes_parameters_of_rank_two_as_they_are_or_refuses_them(bn: Subject, case: Case) -> list[Agreement]:
    """A scale or a shift of shape (1, C) is refused, or taken as the C values that it holds."""
    return [malformed.refused_or_right(bn, case, word) for word in ("gamma_matrix", "beta_matrix")]


@spec(
    r"\mathrm{E}[x] \notin \mathbb{R}^C \;\lor\; \mathrm{Var}[x] \notin \mathbb{R}^C \quad" + ERROR,
    source=LEAST_LOSS,
    given=TRAINING,
    basis="prudence",
)
def refuses_averages_of_another_length(bn: Subject, case: Case) -> list[Agreement]:
    """Training refuses running statistics of more or less values than there are channels, of a single one too."""
    words = [f"running_{name}_{how}" for name in ("mean", "var") for how in ("longer", "shorter", "single")]
    return malformed.refusals_of_averages(bn, case, words)


@spec(
    r"\mathrm{E}[x] \notin \mathbb{R}^C \;\lor\; \mathrm{Var}[x] \notin \mathbb{R}^C \quad" + ERROR,
    source=LEAST_LOSS,
    given=INFERENCE,
    basis="prudence",
)
def infers_by_no_statistics_of_another_length(bn: Subject, case: Case) -> list[Agreement]:
    """Inference refuses running statistics of more or less values than there are channels, of a single one too."""
    words = [f"running_{name}_{how}" for name in ("mean", "var") for how in ("longer", "shorter", "single")]
    return malformed.refusals(bn, case, words)


@spec(
    r"g \notin \mathbb{R}^{\mathrm{shape}(y)} \quad" + ERROR,
    source=LEAST_LOSS,
    given=TRAINING,
    basis="prudence",
)
def refuses_a_cotangent_of_another_shape(bn: Subject, case: Case) -> list[Agreement]:
    """A gradient of y that has more or less examples than y is refused, one of a single example too."""
    return malformed.refusals(bn, case, ("dy_longer", "dy_shorter", "dy_single"))


@spec(
    r"y, \frac{\partial\ell}{\partial x}, \frac{\partial\ell}{\partial\gamma}, \frac{\partial\ell}{\partial\beta} "
    r"\;\text{of } x \text{ alone,} \quad" + THEN,
    source=CHAIN_RULE,
    given=TRAINING,
)
def sends_the_gradients_of_the_call_that_they_are_of(bn: Subject, case: Case) -> list[Agreement]:
    """A call of another batch in training, before the backward pass, changes no output and no gradient of the first."""
    return between.unchanged(bn, case, "train", *between.OF_THE_CALL)


@spec(
    r"y, \frac{\partial\ell}{\partial x}, \frac{\partial\ell}{\partial\gamma}, \frac{\partial\ell}{\partial\beta}, "
    r"\mathrm{E}[x]', \mathrm{Var}[x]' \;\text{of } x \text{ alone,} \quad" + THEN + r"\text{ in inference}",
    source=CHAIN_RULE,
    given=TRAINING,
)
def sends_gradients_of_training_past_a_call_of_inference(bn: Subject, case: Case) -> list[Agreement]:
    """A call of another batch in inference, before the backward pass, changes nothing of the first, and no average."""
    return between.unchanged(bn, case, "infer", *between.OF_THE_CALL, "running_mean", "running_var")


@spec(
    r"\mathrm{E}[x]'' = (1 - \omega)\mathrm{E}[x]' + \omega\mu_{B'}, \quad \mathrm{Var}[x]'' = (1 - \omega)"
    r"\mathrm{Var}[x]' + \omega\,\tfrac{m}{m-1}\sigma_{B'}^2 \qquad" + THEN,
    source=f"{PAPER}, section 3.1: “moving averages”, which every training call moves",
    given=TRAINING,
)
def averages_both_calls_before_a_backward_pass(bn: Subject, case: Case) -> list[Agreement]:
    """Two training calls before one backward pass move the averages as they do one behind the other."""
    return between.averages(bn, case)


@spec(
    r"y, \frac{\partial\ell}{\partial x}, \frac{\partial\ell}{\partial\gamma}, \frac{\partial\ell}{\partial\beta} "
    r"\;\text{by } \mathrm{E}[x], \mathrm{Var}[x] \text{ of before,} \quad" + THEN + r"\text{ in training}",
    source=f"{CHAIN_RULE}; of inference: by the statistics that it was computed by",
    given=INFERENCE,
)
def sends_gradients_of_inference_past_a_training_call(bn: Subject, case: Case) -> Found:
    """A training call before the backward pass of inference leaves its gradients as they were, or that is refused."""
    asked = between.called_again(case, "train")
    return refusals.unless_refused(
        bn, asked, lambda: between.unchanged(bn, case, "train", *between.OF_THE_CALL), "gradients"
    )


@spec(
    ALONE,
    source=f"{PAPER}, section 3: each of ∂ℓ/∂x, ∂ℓ/∂γ and ∂ℓ/∂β has an equation of its own",
    given=MAPS,
)
def sends_each_gradient_whichever_are_wanted(bn: Subject, case: Case) -> list[Agreement]:
    """In training a gradient is the same where others are not wanted, as of frozen parameters or of a first layer."""
    return wanted.gradients(bn, case)


@spec(
    ALONE + r"\text{ in inference}",
    source=f"{PAPER}, section 3: each of ∂ℓ/∂x, ∂ℓ/∂γ and ∂ℓ/∂β has an equation of its own",
    given=MAPS_IN_INFERENCE,
)
def sends_each_gradient_of_inference_whichever_are_wanted(bn: Subject, case: Case) -> list[Agreement]:
    """In inference a gradient is the same where others are not wanted, as of a frozen layer."""
    return wanted.gradients(bn, case)


@spec(
    r"\left(\frac{\partial\ell}{\partial\gamma}\right)' = h_\gamma + \frac{\partial\ell}{\partial\gamma}, \quad "
    r"\left(\frac{\partial\ell}{\partial\beta}\right)' = h_\beta + \frac{\partial\ell}{\partial\beta}"
    r"\qquad\text{where } h_\gamma, h_\beta \text{ are held}",
    source=TORCH,
    given=TRAINING,
)
def adds_its_gradients_to_those_that_are_held(bn: Subject, case: Case) -> list[Agreement]:
    """A backward pass adds the gradients of γ and β to what is held, and leaves that of x as it is."""
    return accumulated.sums(bn, case)


@spec(
    EACH + r", y \quad\text{as where nothing of the forward pass is kept and it runs again}",
    source=CHAIN_RULE.partition(",")[0] + ", Algorithm 1: y is a function of x, γ and β, however often it is computed",
    given=MAPS,
)
def sends_the_same_gradients_where_its_forward_pass_runs_again(bn: Subject, case: Case) -> list[Agreement]:
    """Output and gradients are the same where the backward pass runs the forward pass again, as checkpoints have it."""
    return checkpoints.unchanged(bn, case, *between.OF_THE_CALL)


@spec(
    r"\mathrm{E}[x]' = (1 - \omega)\mathrm{E}[x] + \omega\mu_B, \quad \mathrm{Var}[x]' = (1 - \omega)\mathrm{Var}[x] + "
    r"\omega\,\tfrac{m}{m-1}\sigma_B^2 \qquad\text{once, where the forward pass runs again}",
    source=f"{PAPER}, Algorithm 2, steps 8 to 10: each mini-batch is averaged once",
    given=MAPS,
)
def averages_once_where_its_forward_pass_runs_again(bn: Subject, case: Case) -> list[Agreement]:
    """A training step moves the averages once where the backward pass runs the forward pass again."""
    return checkpoints.unchanged(bn, case, "running_mean", "running_var")


@spec(
    EACH
    + r", y \;\text{of } x \text{ alone,} \quad \mathrm{E}[x]'', \mathrm{Var}[x]'' \;\text{of } x' \text{ and } x \quad"
    r"\text{behind a training call and one of inference of } x'",
    source=f"{PAPER}, Algorithm 1 and section 3.1: training normalizes by its batch; “the means and "
    "variances are fixed during inference”",
    given=MAPS,
)
def trains_on_behind_a_call_of_inference(bn: Subject, case: Case) -> list[Agreement]:
    """Training, inference and training of one layer give what the two training calls give without the inference."""
    return sequences.trained(bn, case)


@spec(
    r"y = \gamma\,\frac{x - \mathrm{E}[x]'}{\sqrt{\mathrm{Var}[x]' + \varepsilon}} + \beta \quad\text{by averages of "
    r"a training call that came between two of inference}",
    source=f"{PAPER}, Algorithm 2, step 11: by the statistics of all training before",
    given=MAPS_IN_INFERENCE,
)
def infers_by_averages_that_moved_since_it_last_inferred(bn: Subject, case: Case) -> list[Agreement]:
    """Inference, training and inference of one layer: the last normalizes by averages that the training moved once."""
    return sequences.inferred(bn, case)


@spec(
    r"y = \gamma\,\frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta \quad\text{in inference without running "
    r"statistics, and the gradients of that}",
    source=MODULE,
    given=MAPS,
)
def infers_by_the_batch_where_it_keeps_no_averages(bn: Subject, case: Case) -> list[Agreement]:
    """Inference of a layer that keeps no running statistics gives the output and the gradients of training."""
    return untracked.as_in_training(bn, case)
