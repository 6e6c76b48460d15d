"""Gradients through time that do not keep every step.

    checkpoint   states √n steps apart are kept and the stretches between run twice: memory √n, any method
    reversible   only the end is kept: from (q_T, p_T) the path is retraced by the exact inverse of each
                 flow, and short stretches are run once more with their graph: memory does not grow with n

Friction makes the way back unstable: undoing e^{−γh} multiplies round-off by e^{γt}. So a Langevin or damped
path is retraced in segments, each from its own kept end, of a length that holds the growth below a thousand.

Both give first derivatives, exact to round-off; differentiate twice with gradient="backprop".

Source: McCallum & Foster (2024) on reversible solvers for neural differential equations; Griewank & Walther,
ACM TOMS 26 (2000) 19, on checkpoints.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from tenfma.dynamics.arguments import segment_length
from tenfma.dynamics.flows import State
from tenfma.dynamics.run import Run
from tenfma.hamiltonian.functional import leaves
from tenfma.hamiltonian.protocol import Hamiltonian

#: steps whose graph is held at once while retracing
STRETCH = 16


def checkpointed(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps whose graph is rebuilt, √count steps at a time, from kept states.

    torch's own checkpoints do not serve: they rebuild a stretch whenever something saved in it is asked for,
    and a force, itself a derivative, asks on the way forward.
    """
    return _in_stretches(run, state, first, count, max(1, math.isqrt(count)), _Replayed)


def retraced(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps that keep only their end, or the ends of segments where friction asks for them."""
    rates: list[Any] = [run.setting.H.damping]
    if run.setting.friction is not None:
        rates.append(run.setting.friction)
    size = int(min(count, segment_length(run.setting.h, rates)))
    return _in_stretches(run, state, first, count, size, _Retraced)


def learnable(H: Hamiltonian, state: State, t: Any) -> list[torch.Tensor]:
    """The tensors asking for a gradient that ∂H/∂q and ∂H/∂p are computed from, besides the state."""
    with torch.enable_grad():
        q, p = (x.detach().requires_grad_() for x in (state.q, state.p))
        found = leaves(H.dq(q, p, t), H.dp(q, p, t))
        return [x for x in found if x is not q and x is not p]


class _Span:
    """Steps first … first + count − 1 of a run, and what they need or find that carries no gradient."""

    def __init__(self, run: Run, first: int, count: int, state: State) -> None:
        self.run, self.first, self.count = run, first, count
        self.slope = None if state.slope is None else state.slope.detach()
        self.heat = None if state.heat is None else state.heat.detach()

    def forward(self, tensors: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """(q, p) or (q, p, x, y) at the end of the span."""
        end = self.run.walk(
            replace(_state(tensors), slope=self.slope, heat=self.heat), self.first, self.count
        )
        self.slope, self.heat = end.slope, end.heat
        return _tensors(end)


def _state(tensors: tuple[torch.Tensor, ...]) -> State:
    return State(tensors[0], tensors[1], copy=(tensors[2], tensors[3]) if len(tensors) == 4 else None)


def _tensors(state: State) -> tuple[torch.Tensor, ...]:
    return (state.q, state.p, *(state.copy or ()))


def _in_stretches(run: Run, state: State, first: int, count: int, size: int, function: Any) -> State:
    H, setting = run.setting.H, run.setting
    bath = tuple(x if isinstance(x, torch.Tensor) else None for x in (setting.kT, setting.friction))
    inputs = learnable(H, state, run.time(first))
    for begin in range(first, first + count, size):
        tensors = _tensors(state)
        span = _Span(run, begin, min(size, first + count - begin), state)
        new = function.apply(span, len(tensors), *tensors, *bath, *inputs)
        state = replace(_state(new), slope=span.slope, heat=span.heat)
    return state


class _Replayed(torch.autograd.Function):
    """Forward: the steps without a graph, their start kept. Backward: the steps once more, with it."""

    @staticmethod
    def forward(ctx, span: _Span, width: int, *tensors):
        ctx.span, ctx.width = span, width
        ctx.save_for_backward(*tensors)
        return span.forward(tensors[:width])

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        start, rest = ctx.saved_tensors[: ctx.width], ctx.saved_tensors[ctx.width :]
        run, wanted, totals = _with_leaves(ctx.span.run, rest)
        grads = _pull(run, start, ctx.span.first, ctx.span.count, grads, wanted, totals)
        return None, None, *grads, *_filled(rest, totals)


class _Retraced(torch.autograd.Function):
    """Forward: the steps without a graph, their end kept. Backward: the path retraced, stretch by stretch."""

    @staticmethod
    def forward(ctx, span: _Span, width: int, *tensors):
        ctx.span, ctx.width = span, width
        end = span.forward(tensors[:width])
        ctx.save_for_backward(*end, *tensors[width:])
        return end

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        state, rest = _state(ctx.saved_tensors[: ctx.width]), ctx.saved_tensors[ctx.width :]
        run, wanted, totals = _with_leaves(ctx.span.run, rest)
        left = ctx.span.count
        while left:
            length = min(STRETCH, left)
            left -= length
            first = ctx.span.first + left
            with torch.no_grad():
                state = run.retrace(state, first, length)
            grads = _pull(run, _tensors(state), first, length, grads, wanted, totals)
        return None, None, *grads, *_filled(rest, totals)


def _with_leaves(run: Run, rest: tuple[Any, ...]) -> tuple[Run, list[torch.Tensor], list[torch.Tensor]]:
    """The run on its own copies of temperature and friction, what to differentiate by, and zeros to add to."""
    kT, friction = (None if x is None else x.detach().requires_grad_(x.requires_grad) for x in rest[:2])
    setting = run.setting
    setting = replace(
        setting,
        kT=setting.kT if kT is None else kT,
        friction=setting.friction if friction is None else friction,
        account=False,
    )
    wanted = [x for x in (kT, friction, *rest[2:]) if x is not None and x.requires_grad]
    return replace(run, setting=setting), wanted, [torch.zeros_like(x) for x in wanted]


def _filled(rest: tuple[Any, ...], totals: list[torch.Tensor]) -> list[torch.Tensor | None]:
    found = iter(totals)
    return [next(found) if x is not None and x.requires_grad else None for x in rest]


def _pull(
    run: Run,
    start: tuple[torch.Tensor, ...],
    first: int,
    count: int,
    grads: tuple[torch.Tensor, ...],
    wanted: list[torch.Tensor],
    totals: list[torch.Tensor],
) -> tuple[torch.Tensor, ...]:
    """Gradients at the end of some steps pulled back to their start; those of `wanted` are added to the totals."""
    with torch.enable_grad():
        tensors = tuple(x.detach().requires_grad_() for x in start)
        end = _tensors(run.walk(_state(tensors), first, count))
        # what several steps share (a mass computed once) must survive the first of them
        found = torch.autograd.grad(end, (*tensors, *wanted), grads, retain_graph=True, allow_unused=True)
    for total, part in zip(totals, found[len(tensors) :]):
        if part is not None:
            total += part
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(tensors, found))
