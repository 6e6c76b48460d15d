"""Gradients through time that do not keep every step.

    checkpoint   states at √n places are kept, the stretches between run twice: memory √n reversible   only
    the end is kept: backwards from (q_T, p_T) the path is retraced by the exact inverse of each
                 flow, and each short stretch is run once more with its graph: memory does not grow with n

Friction makes the way back unstable: undoing e^{−γh} multiplies round-off by e^{γt}. So a Langevin or damped
path is retraced in segments, each from its own kept end, of a length that holds the growth below a thousand.

Source: McCallum & Foster (2024) on reversible solvers for neural differential equations; Griewank & Walther,
ACM TOMS 26 (2000) 19, on checkpoints.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from tenfma.dynamics.arguments import segment_length
from tenfma.dynamics.flows import State
from tenfma.dynamics.run import Run
from tenfma.hamiltonian.functional import leaves
from tenfma.hamiltonian.protocol import Hamiltonian

#: steps whose graph is held at once while going back
STRETCH = 16


def checkpointed(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps whose graph is rebuilt in stretches of √count on the way back."""
    size = max(1, math.isqrt(count))

    def stretch(begin: int, length: int, q, p, slope, heat, copy):
        new = run.walk(State(q, p, slope, heat, copy), begin, length)
        return new.q, new.p, new.slope, new.heat, new.copy

    for begin in range(first, first + count, size):
        length = min(size, first + count - begin)
        parts = (state.q, state.p, state.slope, state.heat, state.copy)
        state = State(
            *checkpoint(stretch, begin, length, *parts, use_reentrant=False, preserve_rng_state=False)
        )
    return state


def retraced(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps that keep only their end, or the ends of segments where friction asks for them."""
    bath = tuple(x if isinstance(x, torch.Tensor) else None for x in (run.setting.kT, run.setting.friction))
    inputs = learnable(run.setting.H, state, run.time(first))
    rates: list[Any] = [run.setting.H.damping]
    if run.setting.friction is not None:
        rates.append(run.setting.friction)
    size = int(min(count, segment_length(run.setting.h, rates)))
    for begin in range(first, first + count, size):
        span = _Span(run, begin, min(size, first + count - begin), state)
        q, p, heat = _Retrace.apply(span, state.q, state.p, *bath, *inputs)
        state = State(q, p, span.slope, heat)
    return state


def learnable(H: Hamiltonian, state: State, t: Any) -> list[torch.Tensor]:
    """The tensors asking for a gradient that ∂H/∂q and ∂H/∂p are computed from, besides the state."""
    with torch.enable_grad():
        q, p = (x.detach().requires_grad_() for x in (state.q, state.p))
        found = leaves(H.dq(q, p, t), H.dp(q, p, t))
        return [x for x in found if x is not q and x is not p]


class _Span:
    """A stretch of the run, and by the way what its forward pass found that needs no gradient."""

    def __init__(self, run: Run, first: int, count: int, state: State) -> None:
        self.run, self.first, self.count = run, first, count
        slope, self.heat = state.slope, state.heat
        self.slope = None if slope is None else slope.detach()


class _Retrace(torch.autograd.Function):
    """Forward: the steps without a graph. Backward: the path retraced, stretch by stretch."""

    @staticmethod
    def forward(ctx, span: _Span, q, p, kT, friction, *inputs):
        start = State(q, p, span.slope, span.heat)
        end = span.run.walk(start, span.first, span.count)
        span.slope = None if end.slope is None else end.slope.detach()
        heat = None if end.heat is None else end.heat.clone()
        ctx.span, ctx.count = span, len(inputs)
        ctx.save_for_backward(end.q, end.p, kT, friction, *inputs)
        if heat is not None:
            ctx.mark_non_differentiable(heat)
        return end.q, end.p, heat

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_q, grad_p, _):
        q, p, kT, friction, *inputs = ctx.saved_tensors
        span = ctx.span
        bath = [None if x is None else x.detach().requires_grad_(x.requires_grad) for x in (kT, friction)]
        setting = span.run.setting
        run = span.run.with_bath(
            setting.kT if bath[0] is None else bath[0], setting.friction if bath[1] is None else bath[1]
        )
        wanted = [x for x in (*bath, *inputs) if x is not None and x.requires_grad]
        totals = [torch.zeros_like(x) for x in wanted]
        state, left = State(q, p), span.count
        while left:
            length = min(STRETCH, left)
            left -= length
            with torch.no_grad():
                state = run.retrace(state, span.first + left, length)
            grad_q, grad_p = _stretch(run, state, span.first + left, length, (grad_q, grad_p), wanted, totals)
        found = iter(totals)
        rest = [next(found) if x is not None and x.requires_grad else None for x in (*bath, *inputs)]
        return None, grad_q, grad_p, *rest


def _stretch(
    run: Run,
    state: State,
    first: int,
    length: int,
    grads: tuple[torch.Tensor, torch.Tensor],
    wanted: list[torch.Tensor],
    totals: list[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pull the gradients at a stretch's end back to its start, adding to the totals of what is learnable."""
    with torch.enable_grad():
        q, p = state.q.detach().requires_grad_(), state.p.detach().requires_grad_()
        end = replace(run, setting=replace(run.setting, account=False)).walk(State(q, p), first, length)
        found = torch.autograd.grad(
            (end.q, end.p), (q, p, *wanted), grads, retain_graph=True, allow_unused=True
        )
    for total, part in zip(totals, found[2:]):
        if part is not None:
            total += part
    grad_q, grad_p = (torch.zeros_like(g) if new is None else new for g, new in zip(grads, found))
    return grad_q, grad_p
