"""The peers' side of `dynamics_peers.py`: each function returns contenders, or none where the peer is not installed.

Peers are set up as their own documentation advises and in the fastest form found: double precision, compiled ahead,
states as tuples of scalars where that is quicker than arrays, no checks that can be left out.
"""

import ctypes
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from harness import Contender

#: Hénon–Heiles at E = 0.13, and the step used throughout
Q0, P0, H = (0.1, 0.0), (0.0, 0.5), 0.01
#: the 2-D double well f(x) = Σ (x² − 1)²: friction γ, and u = kT/m
FRICTION, U, LANGEVIN_STEP = 0.8, 0.2, 0.05


def have(package: str) -> bool:
    """Whether a peer can be imported."""
    return find_spec(package) is not None


def c_loop(steps: int, saving: bool) -> list[Contender]:
    """The C loop, -O3, called through ctypes; saving writes q, p and the energy of every step."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return []
    library = Path(tempfile.mkdtemp(prefix="tenfma-bench-")) / "henon_heiles.so"
    source = Path(__file__).with_name("henon_heiles.c")
    subprocess.run([compiler, "-O3", "-shared", "-fPIC", "-o", library, source], check=True)
    leapfrog = ctypes.CDLL(str(library)).leapfrog
    leapfrog.argtypes = [ctypes.c_void_p, ctypes.c_double, ctypes.c_long, ctypes.c_void_p]
    leapfrog.restype = None

    def run() -> None:
        state = np.array([*Q0, *P0])
        out = np.empty((steps, 5)) if saving else None
        leapfrog(state.ctypes.data, H, steps, None if out is None else out.ctypes.data)

    return [Contender("C -O3", run, steps)]


def _diffrax():
    """diffrax and jax in double precision, with the two terms of Hénon–Heiles on scalars and on arrays."""
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def velocity(t, p, args):
        return p

    def force(t, q, args):
        x, y = q
        return -(x + 2 * x * y), -(y + x * x - y * y)

    def force_array(t, q, args):
        return jnp.stack(force(t, (q[0], q[1]), args))

    terms = diffrax.ODETerm(velocity), diffrax.ODETerm(force)
    terms_array = diffrax.ODETerm(velocity), diffrax.ODETerm(force_array)
    return diffrax, jax, terms, terms_array


def _solve(diffrax, jax, terms, steps: int, saveat):
    """A compiled fixed-step solve: one drift and one kick a step, so one gradient a step, as leapfrog has."""

    def solve(state):
        solution = diffrax.diffeqsolve(
            terms,
            diffrax.SemiImplicitEuler(),
            0.0,
            steps * H,
            H,
            state,
            saveat=saveat,
            max_steps=steps + 1,
            throw=False,
        )
        return solution.ys

    return solve


def diffrax_trajectory(steps: int, saving: bool) -> list[Contender]:
    """diffrax's SemiImplicitEuler, its nearest to leapfrog (conjugate to it, the same work a step), jitted."""
    if not have("diffrax"):
        return []
    diffrax, jax, terms, terms_array = _diffrax()
    if saving:
        terms, state = terms_array, (jax.numpy.array(Q0), jax.numpy.array(P0))
        saveat = diffrax.SaveAt(steps=True)
    else:
        state = tuple(tuple(map(jax.numpy.array, half)) for half in (Q0, P0))
        saveat = diffrax.SaveAt(t1=True)
    solve = jax.jit(_solve(diffrax, jax, terms, steps, saveat))
    return [Contender("diffrax", lambda: jax.block_until_ready(solve(state)), steps)]


def diffrax_ensemble(members: int, steps: int, q: np.ndarray, p: np.ndarray) -> list[Contender]:
    """jit(vmap(…)) over members, last state only."""
    if not have("diffrax"):
        return []
    diffrax, jax, terms, _ = _diffrax()
    solve = jax.jit(jax.vmap(_solve(diffrax, jax, terms, steps, diffrax.SaveAt(t1=True))))
    state = tuple(tuple(jax.numpy.array(half[:, i]) for i in range(2)) for half in (q, p))
    return [Contender("diffrax vmap", lambda: jax.block_until_ready(solve(state)), members * steps)]


def diffrax_align(steps: int) -> list[Contender]:
    """diffrax's ALIGN on dx = v, dv = −γv − u∇f + √(2γu) dW, with both of its Brownian paths."""
    if not have("diffrax"):
        return []
    diffrax, jax, _, _ = _diffrax()
    jnp = jax.numpy
    gamma, u = jnp.full(2, FRICTION), jnp.full(2, U)

    def gradient(x, args=None):
        return 4 * x * (x * x - 1)

    def solver(path_of, adjoint):
        def solve(key):
            path = path_of(key)
            terms = diffrax.MultiTerm(
                diffrax.UnderdampedLangevinDriftTerm(gamma, u, gradient),
                diffrax.UnderdampedLangevinDiffusionTerm(gamma, u, path),
            )
            return diffrax.diffeqsolve(
                terms,
                diffrax.ALIGN(0.1),
                0.0,
                steps * LANGEVIN_STEP,
                LANGEVIN_STEP,
                (jnp.zeros(2), jnp.zeros(2)),
                saveat=diffrax.SaveAt(t1=True),
                max_steps=None,
                throw=False,
                adjoint=adjoint,
            ).ys

        compiled = jax.jit(solve)
        return lambda: jax.block_until_ready(compiled(jax.random.key(0)))

    area = diffrax.SpaceTimeLevyArea
    tree = solver(
        lambda key: diffrax.VirtualBrownianTree(
            0.0, steps * LANGEVIN_STEP, LANGEVIN_STEP / 2, (2,), key, levy_area=area
        ),
        diffrax.RecursiveCheckpointAdjoint(),
    )
    plain = solver(lambda key: diffrax.UnsafeBrownianPath((2,), key, levy_area=area), diffrax.ForwardMode())
    return [
        Contender("diffrax ALIGN", plain, steps),
        Contender("diffrax ALIGN, Brownian tree", tree, steps),
    ]


def torchsde_euler(steps: int) -> list[Contender]:
    """torchsde's Euler on the same Langevin equation, one trajectory, no gradients."""
    if not have("torchsde"):
        return []
    import torch
    import torchsde

    class Langevin:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, y):
            x, v = y[:, :2], y[:, 2:]
            return torch.cat([v, -FRICTION * v - 4 * U * x * (x * x - 1)], dim=1)

        def g(self, t, y):
            noise = torch.full_like(y[:, 2:], (2 * FRICTION * U) ** 0.5)
            return torch.cat([torch.zeros_like(noise), noise], dim=1)

    times = torch.tensor([0.0, steps * LANGEVIN_STEP], dtype=torch.float64)
    start = torch.zeros(1, 4, dtype=torch.float64)

    def run() -> None:
        with torch.no_grad():
            torchsde.sdeint(Langevin(), start, times, dt=LANGEVIN_STEP, method="euler")

    return [Contender("torchsde Euler", run, steps)]


def torchdiffeq_rk4(steps: int) -> list[Contender]:
    """torchdiffeq's fixed-step RK4, last state only, no gradients."""
    if not have("torchdiffeq"):
        return []
    import torch
    import torchdiffeq

    def field(t, state):
        x, y, px, py = state.unbind(-1)
        return torch.stack([px, py, -(x + 2 * x * y), -(y + x * x - y * y)], dim=-1)

    start = torch.tensor([*Q0, *P0], dtype=torch.float64)
    times = torch.tensor([0.0, steps * H], dtype=torch.float64)

    def run() -> None:
        with torch.no_grad():
            torchdiffeq.odeint(field, start, times, method="rk4", options={"step_size": H})

    return [Contender("torchdiffeq RK4", run, steps)]


def rebound_solar(
    steps: int, dt: float, gravity: float, masses: np.ndarray, positions: np.ndarray, velocities: np.ndarray
) -> list[Contender]:
    """REBOUND on the same bodies: its leapfrog (the same method), and WHFast (a Kepler drift for each planet).

    WHFast is the better integrator for planets: its error at a given step is far smaller and its steps cost more. It is
    shown so that nobody mistakes steps per second for accuracy per second.
    """
    if not have("rebound"):
        return []
    import rebound

    def contender(integrator: str, label: str) -> Contender:
        def run() -> None:
            simulation = rebound.Simulation()
            simulation.G = gravity
            simulation.integrator = integrator
            simulation.dt = dt
            for mass, (x, y, z), (vx, vy, vz) in zip(masses, positions, velocities):
                simulation.add(m=mass, x=x, y=y, z=z, vx=vx, vy=vy, vz=vz)
            simulation.steps(steps)

        return Contender(label, run, steps)

    return [contender("leapfrog", "REBOUND leapfrog"), contender("whfast", "REBOUND WHFast")]
