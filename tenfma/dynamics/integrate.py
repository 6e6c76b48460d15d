"""`integrate`: a Hamiltonian, a state and a method in, a path out.

The same call serves formulas, torch functions and learned Hamiltonians. NumPy arrays and a formula run as
machine code (`tenfma.dynamics.compiled`); everything else runs step by step over the protocol, with gradients
through time where torch tensors ask for them.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tenfma.dynamics import arguments
from tenfma.dynamics.arrays import is_torch, namespace, plain
from tenfma.dynamics.extended import divergence
from tenfma.dynamics.flows import Setting, State
from tenfma.dynamics.methods import check_pairing, method_named
from tenfma.dynamics.noise import noise_source
from tenfma.dynamics.path import Path
from tenfma.dynamics.record import Interrupted, NotFinite, Record, first_bad
from tenfma.dynamics.run import Run
from tenfma.dynamics.words import Method
from tenfma.errors import ConvergenceError, TenfmaError
from tenfma.hamiltonian.protocol import Array, Hamiltonian


def integrate(
    H: Hamiltonian,
    q: Array,
    p: Array,
    *,
    dt: Any,
    steps: int,
    method: str | Method = "leapfrog",
    save_every: int = 1,
    t0: float = 0.0,
    kT: Any = None,
    friction: Any = None,
    seed: int | None = None,
    noise: Any = None,
    streams: Any = None,
    omega: float = 20.0,
    tolerance: float = 1e-14,
    gradient: str = "backprop",
    progress: Callable[[float], None] | None = None,
    on_failure: str = "raise",
) -> Path:
    """The path of H from (q, p) at t0 over `steps` steps of size dt.

        dq/dt = ∂H/∂p,   dp/dt = −∂H/∂q − c p [− Γ ∂H/∂p + √(2 Γ kT) dW/dt for Langevin methods]

    Args:
        q, p: (*ensemble, *H.event_shape), both NumPy or both torch; the path holds the same kind.
        dt: step in H's time unit; negative runs backwards; an array of the ensemble's shape gives each system
            its own.
        method: a name in `METHODS`.
        save_every: states kept: the start, every save_every-th step, and the end.
        kT, friction: for Langevin methods: temperature in H's energy unit; γ (1/time), one number or one per
            component (Γ itself where H has no masses).
        seed, noise, streams: the randomness: a seed; or recorded standard normals (steps, draws, *ensemble,
            *event), a `Noise`, a NumPy or torch generator. `streams` names each system's own stream, so that
            its noise does not depend on the rest of the batch.
        omega: binding of the two copies in tao2 and tao4.
        tolerance: relative, of implicit steps.
        gradient: for torch: "backprop", "checkpoint" (memory √steps), "reversible" (memory flat; retraces the
            path), or "none".
        progress: called with the finished fraction, about a hundred times.
        on_failure: "raise", or "stop" to keep what was finished before a non-finite energy or unsolved step.

    Raises:
        PairingError: the method is not right for H.
        ConvergenceError: an implicit step was not solved.
        TenfmaError: an argument is unusable, or the energy stopped being finite; each says the remedy.
        Interrupted: Ctrl-C; a KeyboardInterrupt whose `kept` is the path so far.
    """
    method = method_named(method)
    q, p, ensemble = arguments.state(H, q, p)
    arguments.options(method, gradient, on_failure)
    check_pairing(method, H, *(plain(x) for x in (q, p)))
    steps, save_every = arguments.counts(steps, save_every)
    h = arguments.step_size(dt, H, method, ensemble, q)
    kT, friction = arguments.bath(method, H, kT, friction, seed, noise)
    t0, omega = arguments.number("t0", t0), arguments.number("omega", omega, 0.0)
    tolerance = arguments.number("tolerance", tolerance, 0.0)
    arguments.seeded(seed)
    if progress is not None and not callable(progress):
        raise TenfmaError(f"progress is {progress!r}, expected a function of the finished fraction.")
    source = None
    if method.stochastic:
        source = noise_source(seed, noise, streams, tuple(q.shape), steps, method.draws)
    with np.errstate(all="ignore"):
        start = _energy(H, q, p, t0, gradient)
    one_energy = tuple(start.shape) == ensemble
    setting = Setting(H, h, kT, friction, float(omega), tolerance, one_energy=one_energy)
    run = Run(setting, method, source, float(t0), ensemble, gradient)
    if not bool(np.isfinite(plain(start)).all()):
        raise TenfmaError(
            f"The energy of {H.name} at the start is {first_bad(start)}; "
            "start from a state where it is finite."
        )
    kernel = _compiled(H, method, q)
    record = Record(run, q, p, start)
    with np.errstate(all="ignore"):
        try:
            if kernel is not None:
                _run_compiled(kernel, record, steps, save_every, progress)
            else:
                _run_stepwise(record, steps, save_every, progress)
        except (ConvergenceError, NotFinite) as error:
            if on_failure == "raise":
                raise TenfmaError(str(error)) if isinstance(error, NotFinite) else error from None
            record.stopped = str(error)
        except MemoryError:
            raise TenfmaError(
                f"{steps // save_every} states of {q.shape} do not fit in memory; raise save_every."
            ) from None
        except KeyboardInterrupt:
            record.interrupted()
            raise Interrupted(record.path(dt)) from None
    return record.path(dt)


def _run_stepwise(
    record: Record, steps: int, save_every: int, progress: Callable[[float], None] | None
) -> None:
    run = record.run
    H, dimensions = run.setting.H, len(run.setting.H.event_shape)
    state = State(record.q[0][0], record.p[0][0])
    if record.heat is not None:
        state = replace(state, heat=record.heat[0][0])
    done, stride, following = 0, max(1, steps // 100), max(1, steps // 100)
    while done < steps:
        count = min(save_every - done % save_every, steps - done)
        if progress is not None and run.divisible:
            count = min(count, max(1, following - done))
        state = run.advance(state, done, count)
        done += count
        record.latest = done, state
        if done % save_every == 0 or done == steps:
            energy = _energy(H, state.q, state.p, run.time(done), run.gradient)
            heat = None if state.heat is None else state.heat[None]
            record.keep(range(done, done + 1), state.q[None], state.p[None], energy[None], heat)
            distance = divergence(state, dimensions)
            if distance is not None:
                record.divergence.append(distance[None])
        if progress is not None and done >= following:
            following = done + stride
            progress(done / steps)


def _run_compiled(
    kernel: Any, record: Record, steps: int, save_every: int, progress: Callable[[float], None] | None
) -> None:
    run, setting = record.run, record.run.setting
    q, p = record.q[0][0], record.p[0][0]
    heat = None if record.heat is None else record.heat[0][0]
    h = setting.h if isinstance(setting.h, float) else setting.h.reshape(run.ensemble)
    share = steps if progress is None else max(save_every, steps // 100 // save_every * save_every)
    room = record.room(-(-steps // save_every))
    copy = (
        np.array(q),
        np.array(p),
    )  # of methods in two copies; the kernel leaves it where the next call goes on
    done = kept = 0
    while done < steps:
        count = min(share, (steps - done) // save_every * save_every)
        every = save_every if count else steps - done
        count = count or every
        after = range(done + every, done + count + 1, every)
        out = tuple(x[kept : kept + count // every] for x in room)
        try:
            qs, ps, energies, heats = kernel(
                setting.H,
                q,
                p,
                t0=run.time(done) if isinstance(h, float) else run.t0,
                dt=h,
                steps=count,
                save_every=every,
                method=run.method,
                kT=setting.kT,
                friction=setting.friction,
                noise=run.compiled_noise(done, count),
                first_step=done,
                tolerance=setting.tolerance,
                omega=setting.omega,
                copy=copy,
                out=out,
            )
        except ConvergenceError as error:
            saves = getattr(error, "saves", 0)
            record.keep(after[:saves], *(x[:saves] for x in out))
            raise
        kept += len(qs)
        total = None if heat is None or heats is None else heat + heats
        record.keep(after, qs, ps, energies, total)
        if heat is None and heats is not None:
            record.divergence.append(heats)
        heat = None if total is None else total[-1]
        q, p = qs[-1], ps[-1]
        done += count
        if progress is not None:
            progress(done / steps)


def _compiled(H: Hamiltonian, method: Method, q: Array) -> Any:
    """The compiled kernel's `run` where it can serve, or None."""
    symbolic = sys.modules.get("tenfma.hamiltonian.symbolic")
    if (
        is_torch(q)
        or symbolic is None
        or not isinstance(H, symbolic.SymbolicHamiltonian)
        or q.dtype != np.float64
    ):
        return None
    from tenfma.dynamics import compiled

    return compiled.run if compiled.supports(H, method) else None


def _energy(H: Hamiltonian, q: Array, p: Array, t: float, gradient: str) -> Array:
    if is_torch(q) and gradient == "none":
        with namespace(q).no_grad():
            return H(q, p, t)
    energy = H(q, p, t)
    return energy if is_torch(energy) else np.asarray(energy)
