"""Chains, clusters, and the two-dimensional well that a three-particle chain becomes."""

import math
from itertools import combinations

from tenfma.hamiltonian.textbook.bodies import angular_momentum, total_momentum
from tenfma.hamiltonian.textbook.entry import Entry

_FPUT_SIZE = 32


def _stretches(count: int) -> list[str]:
    """q_{j+1} − q_j along a chain between two fixed walls."""
    inner = [f"(q{j + 1} - q{j})" for j in range(1, count)]
    return ["q1", *inner, f"q{count}"]


def _fput(
    name: str, title: str, power: int, parameter: str, value: float, amplitude: float, **texts
) -> Entry:
    """Σ p²/2 + Σ [r²/2 + c rⁿ/n] with r the stretch of each spring, ends fixed."""
    count = _FPUT_SIZE
    stretches = _stretches(count)
    kinetic = "(" + " + ".join(f"p{j}**2" for j in range(1, count + 1)) + ")/2"
    quadratic = "(" + " + ".join(f"{r}**2" for r in stretches) + ")/2"
    signed = [*stretches[:-1], f"(-{stretches[-1]})"]
    anharmonic = f"{parameter}*(" + " + ".join(f"{r}**{power}" for r in signed) + f")/{power}"
    formula = f"{kinetic} + {quadratic} + {anharmonic}"
    return Entry(
        name=name,
        title=title,
        formula=formula,
        coordinates=tuple(f"q{j}" for j in range(1, count + 1)),
        parameters={parameter: value},
        q0=[amplitude * math.sin(math.pi * j / (count + 1)) for j in range(1, count + 1)],
        p0=[0.0] * count,
        dt=0.1,
        steps=110_000,
        save_every=100,
        invariants={"energy": formula},
        compact=(
            r"\sum_{j=1}^{32} \frac{p_j^2}{2} + \sum_{j=0}^{32} \left[\frac{r_j^2}{2} + "
            rf"\frac{{\{parameter}}}{{{power}}} r_j^{power}\right], \quad r_j = q_{{j+1}} - q_j"
        ),
        **texts,
    )


def _toda() -> Entry:
    """Three particles on a ring; Flaschka's matrix L has a_i = ½e^{(q_i − q_{i+1})/2}, b_i = −p_i/2."""
    energy = "(p1**2 + p2**2 + p3**2)/2 + exp(q1 - q2) + exp(q2 - q3) + exp(q3 - q1) - 3"
    links = ((1, 2), (2, 3), (3, 1))
    cubes = " + ".join(f"p{i}**3" for i in (1, 2, 3))
    mixed = " + ".join(f"exp(q{i} - q{j})*(p{i} + p{j})" for i, j in links)
    return Entry(
        name="toda",
        title="Toda lattice of three particles",
        formula=energy,
        coordinates=("q1", "q2", "q3"),
        q0=[0.5, -0.3, -0.2],
        p0=[0.4, 0.6, -1.0],
        dt=0.05,
        steps=4_000,
        invariants={
            "energy": energy,
            "momentum": "p1 + p2 + p3",
            "Hénon's third integral": "p1*p2*p3 - p1*exp(q2 - q3) - p2*exp(q3 - q1) - p3*exp(q1 - q2)",
            "Flaschka trace of L³": f"-({cubes})/8 - 3*({mixed})/8 + 3/4",
        },
        lesson=(
            "Springs whose force is exponential look as bad as any nonlinear chain, yet this one is "
            "integrable: it has as many independent invariants as particles, the traces of the powers of "
            "Flaschka's matrix, and its sections are smooth curves at every energy. Expand the "
            "exponentials to third order and the hidden invariant is lost: the system becomes that of "
            "Hénon and Heiles, with chaos."
        ),
        reference="M. Toda, J. Phys. Soc. Japan 22 (1967) 431; H. Flaschka, Phys. Rev. B 9 (1974) 1924",
    )


def _lennard_jones() -> Entry:
    """Seven atoms in the plane: one in the middle of a hexagon."""
    count = 7
    pairs = list(combinations(range(1, count + 1), 2))
    kinetic = "(" + " + ".join(f"px{i}**2 + py{i}**2" for i in range(1, count + 1)) + ")/2"
    squares = [f"((x{i} - x{j})**2 + (y{i} - y{j})**2)" for i, j in pairs]
    repulsion = " + ".join(f"1/{square}**6" for square in squares)
    attraction = " + ".join(f"1/{square}**3" for square in squares)
    energy = f"{kinetic} + 4*epsilon*({repulsion} - ({attraction}))"
    lengths = {1: 12, math.sqrt(3): 6, 2: 3}  # distances in units of the radius, and how many pairs have them
    twelve, six = (sum(n * length**-power for length, n in lengths.items()) for power in (12, 6))
    radius = (2 * twelve / six) ** (1 / 6)  # where no atom is pushed
    angles = [math.pi * k / 3 for k in range(6)]
    positions = [0.0, 0.0] + [radius * f(angle) for angle in angles for f in (math.cos, math.sin)]
    breathing = (0.3, -0.2, -0.1, 0.3, -0.2, -0.1)
    momenta = [0.0, 0.0]
    momenta += [size * f(angle) for angle, size in zip(angles, breathing) for f in (math.cos, math.sin)]
    return Entry(
        name="lennard-jones",
        title="Cluster of seven Lennard-Jones atoms",
        formula=energy,
        coordinates=tuple(f"{axis}{i}" for i in range(1, count + 1) for axis in "xy"),
        parameters={"epsilon": 1.0},
        q0=positions,
        p0=momenta,
        dt=0.005,
        steps=10_000,
        save_every=10,
        invariants={
            "energy": energy,
            "momentum x": total_momentum(count, "x"),
            "momentum y": total_momentum(count, "y"),
            "angular momentum": angular_momentum(count),
        },
        compact=r"\sum_i \frac{|p_i|^2}{2} + 4\varepsilon \sum_{i<j} \left(r_{ij}^{-12} - r_{ij}^{-6}\right)",
        lesson=(
            "Seven noble-gas atoms in a plane, in units where ε = σ = m = 1. At low energy the hexagon "
            "rings like a bell, in its normal modes; with more energy atoms trade places and the cluster "
            "melts. Energy, total momentum and angular momentum are kept: leapfrog keeps the last two to "
            "round-off, since its kicks obey action and reaction."
        ),
        reference="E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), section I.4",
    )


ENTRIES = (
    Entry(
        name="henon-heiles",
        title="Hénon–Heiles system",
        formula="(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3",
        coordinates=("x", "y"),
        q0=[0.1, 0.0],
        p0=[0.0, 0.5],
        dt=0.01,
        steps=10_000,
        invariants={"energy": "(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"},
        lesson=(
            "A star moving in a galaxy that is round but for a three-fold bump. Is there a third invariant "
            "besides energy and angular momentum? Sections through phase space answer: at E = 1/12 nearly "
            "every path lies on a smooth curve, as if there were one; at 1/8 islands of order swim in a "
            "sea of chaos; at 1/6, where the star may just escape, one path wanders almost everywhere."
        ),
        reference="M. Hénon, C. Heiles, Astron. J. 69 (1964) 73",
    ),
    _toda(),
    _fput(
        "fput-alpha",
        "Fermi–Pasta–Ulam–Tsingou chain, cubic",
        power=3,
        parameter="alpha",
        value=0.25,
        amplitude=1.0,
        lesson=(
            "Thirty-two masses on slightly nonlinear springs, all the energy in the longest wave. In 1955 "
            "it was expected that the energy would spread evenly over all modes. Instead it visits a few "
            "of them and, after 157 periods of the first mode, nearly all of it is back where it began. "
            "The surprise started the study of solitons and of how order survives in nonlinear systems."
        ),
        reference="E. Fermi, J. Pasta, S. Ulam, M. Tsingou, Los Alamos report LA-1940 (1955)",
    ),
    _fput(
        "fput-beta",
        "Fermi–Pasta–Ulam–Tsingou chain, quartic",
        power=4,
        parameter="beta",
        value=0.3,
        amplitude=2.0,
        lesson=(
            "The same chain with springs that stiffen both ways. By symmetry only odd modes are fed when "
            "the first is struck, so the energy goes to the third and fifth and returns. Raise the "
            "amplitude and at some point the return fails: the modes share, and the chain begins to forget "
            "how it was started."
        ),
        reference="G. P. Berman, F. M. Izrailev, Chaos 15 (2005) 015104",
    ),
    _lennard_jones(),
)
