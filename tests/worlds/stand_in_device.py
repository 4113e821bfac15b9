"""A stand-in for a GPU, in a torch that has none: a device type of its own, whose tensors keep their values on the CPU.

Rules: it lies below torch.autograd, so that an adapter's own code runs unchanged; an operation that mixes the device
with the processor raises, but for numbers, as on a GPU; a kernel's error comes to light when values are read, and from
then on each operation raises it, as CUDA's sticky errors do; settings that kernels depend on are noted as they are.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "standin"
_setup_privateuseone_for_python_backend(NAME)
DEVICE = torch.device(NAME, 0)
MOVES = ("_to_copy", "copy_")
BROKEN = "CUDA error: an illegal memory access was encountered"


class OnDevice(torch.Tensor):
    """A tensor of the stand-in; `held` are its values, on the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnDevice:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=DEVICE, requires_grad=held.requires_grad,
        )  # fmt: skip
        made.held = held
        return made

    def __init__(self, held: torch.Tensor) -> None:
        super().__init__()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs an operation for which torch has put the mode aside."""
        assert StandIn.latest is not None, f"{func} runs where there is no stand-in"
        return StandIn.latest.dispatched(func, args, kwargs or {})


class StandIn(TorchDispatchMode):
    """The mode in which there is a device. ran: how often each operation ran on it. settings: (whether cuDNN is on,
    whether it may use TF32) of all operations. breaks: the operation that fails, when its values are read."""

    latest: StandIn | None = None

    def __init__(self, breaks: str = "") -> None:
        super().__init__()
        StandIn.latest = self
        self.ran: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.settings: set[tuple[bool, bool]] = set()
        self._breaks, self._is_broken = breaks, False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.dispatched(func, args, kwargs or {})

    def dispatched(self, func: Any, args: Any, kwargs: Any) -> Any:
        name = func.overloadpacket.__name__
        tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
        there = [one for one in tensors if isinstance(one, OnDevice)]
        wanted = kwargs.get("device")
        target = torch.device(wanted).type if wanted is not None else NAME if there else "cpu"
        if target == "cpu" and not there:
            return func(*args, **kwargs)
        if name in MOVES:
            self._move(name, target, bool(there))
        elif any(one.dim() for one in tensors if not isinstance(one, OnDevice)):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, found {NAME}:0 and cpu")
        else:
            self._run(name)
            self.before(name, func, args)
        held_args, held_kwargs = tree_map(_held, (args, {**kwargs, **({} if wanted is None else {"device": "cpu"})}))
        found = func(*held_args, **held_kwargs)
        if target == "cpu":
            return found
        wrapped = tree_map(lambda one: OnDevice(one) if isinstance(one, torch.Tensor) else one, found)
        return return_and_correct_aliasing(func, args, kwargs, wrapped)

    def before(self, name: str, func: Any, args: Any) -> None:
        """Is called before each operation on the device; for a test to put its own in place of."""

    def _move(self, name: str, target: str, is_there: bool) -> None:
        self.moved["from" if target == "cpu" else "on" if is_there else "to"] += 1
        if target == "cpu" and self._is_broken:  # values are read: here an asynchronous error comes to light
            raise torch.AcceleratorError(BROKEN)

    def _run(self, name: str) -> None:
        self.ran[name] += 1
        cudnn = torch.backends.cudnn
        self.settings.add((cudnn.enabled, cudnn.allow_tf32))
        self._is_broken = self._is_broken or name == self._breaks


def _held(one: Any) -> Any:
    return one.held if isinstance(one, OnDevice) else one
