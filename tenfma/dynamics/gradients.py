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

from tenfma.dynamics.arguments import segment_length
from tenfma.dynamics.flows import State
from tenfma.dynamics.run import Run
from tenfma.hamiltonian.functional import leaves
from tenfma.hamiltonian.protocol import Hamiltonian

#: steps whose graph is held at once while going back
STRETCH = 16


def checkpointed(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps whose graph is rebuilt in stretches of √count on the way back.

    torch's own checkpoints do not serve: they rebuild a stretch whenever something saved in it is asked for,
    and a force, itself a derivative, asks on the way forward.
    """
    rest = _learned(run, state, first)
    size = max(1, math.isqrt(count))
    for begin in range(first, first + count, size):
        span = _Span(run, begin, min(size, first + count - begin), state)
        copy = (None, None) if state.copy is None else state.copy
        q, p, heat, x, y = _Replay.apply(span, state.q, state.p, state.heat, *copy, *rest)
        state = State(q, p, span.slope, heat, None if x is None else (x, y))
    return state


def retraced(run: Run, state: State, first: int, count: int) -> State:
    """`count` steps that keep only their end, or the ends of segments where friction asks for them."""
    rest = _learned(run, state, first)
    rates: list[Any] = [run.setting.H.damping]
    if run.setting.friction is not None:
        rates.append(run.setting.friction)
    size = int(min(count, segment_length(run.setting.h, rates)))
    for begin in range(first, first + count, size):
        span = _Span(run, begin, min(size, first + count - begin), state)
        q, p, heat = _Retrace.apply(span, state.q, state.p, *rest)
        state = State(q, p, span.slope, heat)
    return state


def _learned(run: Run, state: State, first: int) -> list[torch.Tensor | None]:
    """kT and friction where they are tensors, then what H is made of."""
    bath = [x if isinstance(x, torch.Tensor) else None for x in (run.setting.kT, run.setting.friction)]
    return [*bath, *learnable(run.setting.H, state, run.time(first))]


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


def _apart(run: Run, rest: list[torch.Tensor | None]) -> tuple[Run, list[torch.Tensor | None]]:
    """The run with its bath cut off from the graph, and what gradients are taken of, None for no gradient."""
    kT, friction, *inputs = rest
    bath = [None if x is None else x.detach().requires_grad_(x.requires_grad) for x in (kT, friction)]
    setting = run.setting
    apart = run.with_bath(*(own if x is None else x for own, x in zip((setting.kT, setting.friction), bath)))
    return apart, [x if x is not None and x.requires_grad else None for x in (*bath, *inputs)]


def _sorted(found: list[Any], wanted: list[torch.Tensor | None]) -> list[Any]:
    """Gradients put back in the places of what they belong to."""
    each = iter(found)
    return [None if x is None else next(each) for x in wanted]


class _Replay(torch.autograd.Function):
    """Forward: the steps without a graph, their start kept. Backward: the steps again, with their graph."""

    @staticmethod
    def forward(ctx, span: _Span, q, p, heat, x, y, *rest):
        copy = None if x is None else (x, y)
        end = span.run.walk(State(q, p, span.slope, heat, copy), span.first, span.count)
        span.slope = None if end.slope is None else end.slope.detach()
        ctx.span = span
        ctx.save_for_backward(q, p, heat, x, y, *rest)
        return end.q, end.p, end.heat, *(end.copy or (None, None))

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        span = ctx.span
        start = [None if x is None else x.detach().requires_grad_() for x in ctx.saved_tensors[:5]]
        run, rest = _apart(span.run, list(ctx.saved_tensors[5:]))
        q, p, heat, x, y = start
        with torch.enable_grad():
            copy = None if x is None else (x, y)
            end = run.walk(State(q, p, None, heat, copy), span.first, span.count)
            ends = (end.q, end.p, end.heat, *(end.copy or (None, None)))
            pulled = [(e, g) for e, g in zip(ends, grads) if e is not None and e.requires_grad]
            wanted = [*start, *rest]
            found = torch.autograd.grad(
                [e for e, _ in pulled],
                [w for w in wanted if w is not None],
                [torch.zeros_like(e) if g is None else g for e, g in pulled],
                retain_graph=True,  # masses and the like may hang on a graph that others still need
                allow_unused=True,
            )
        return None, *_sorted(list(found), wanted)


class _Retrace(torch.autograd.Function):
    """Forward: the steps without a graph. Backward: the path retraced, stretch by stretch."""

    @staticmethod
    def forward(ctx, span: _Span, q, p, *rest):
        start = State(q, p, span.slope, span.heat)
        end = span.run.walk(start, span.first, span.count)
        span.slope = None if end.slope is None else end.slope.detach()
        heat = None if end.heat is None else end.heat.clone()
        ctx.span = span
        ctx.save_for_backward(end.q, end.p, *rest)
        if heat is not None:
            ctx.mark_non_differentiable(heat)
        return end.q, end.p, heat

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_q, grad_p, _):
        q, p, *rest = ctx.saved_tensors
        span = ctx.span
        run, rest = _apart(span.run, rest)
        wanted = [x for x in rest if x is not None]
        totals = [torch.zeros_like(x) for x in wanted]
        state, left = State(q, p), span.count
        while left:
            length = min(STRETCH, left)
            left -= length
            with torch.no_grad():
                state = run.retrace(state, span.first + left, length)
            grad_q, grad_p = _stretch(run, state, span.first + left, length, (grad_q, grad_p), wanted, totals)
        return None, grad_q, grad_p, *_sorted(totals, rest)


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
