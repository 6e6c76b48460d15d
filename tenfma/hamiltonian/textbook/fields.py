"""Systems whose H couples q and p, or is no energy of motion at all."""

from tenfma.hamiltonian.textbook.entry import Entry

_MAGNETIC = "((px + B*y/2)**2 + (py - B*x/2)**2)/(2*m)"
_PREY = "a*p - b*exp(p) + c*q - d*exp(q)"

ENTRIES = (
    Entry(
        name="magnetic",
        title="Charged particle in a magnetic field",
        formula=_MAGNETIC,
        coordinates=("x", "y"),
        parameters={"B": 1.0, "m": 1.0},
        q0=[1.0, 0.0],
        p0=[0.0, 1.0],
        dt=0.1,
        steps=1_000,
        invariants={
            "energy": _MAGNETIC,
            "canonical angular momentum": "x*py - y*px",
            "guiding centre x": "x/2 + py/B",
            "guiding centre y": "y/2 - px/B",
        },
        lesson=(
            "A magnetic field pushes sideways and does no work: the charge circles with frequency B/m "
            "around a guiding centre that never moves. The canonical momentum p is not mass times velocity "
            "but contains the vector potential, so H couples position and momentum although the motion is "
            "as simple as can be; methods that split H into T(p) + V(q) do not apply."
        ),
        reference="H. Goldstein, C. Poole, J. Safko, Classical Mechanics, 3rd ed. (2002), section 8.1",
    ),
    Entry(
        name="nonseparable",
        title="Tao's nonseparable example",
        formula="(q**2 + 1)*(p**2 + 1)/2",
        q0=[-3.0],
        p0=[0.0],
        dt=0.01,
        steps=20_000,
        save_every=10,
        invariants={"energy": "(q**2 + 1)*(p**2 + 1)/2"},
        lesson=(
            "The mass depends on the position and the spring on the momentum. A kick followed by a drift, "
            "as in leapfrog, is no longer symplectic and its energy wanders off. Tao's trick doubles the "
            "variables, ties the two copies together, and regains an explicit symplectic method in the "
            "larger space; implicit midpoint gets there by solving an equation in every step."
        ),
        reference="M. Tao, Phys. Rev. E 94 (2016) 043303",
    ),
    Entry(
        name="lotka-volterra",
        title="Predators and prey (Lotka–Volterra)",
        formula=_PREY,
        parameters={"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0},
        q0=[0.0],
        p0=[1.0],
        dt=0.05,
        steps=2_000,
        invariants={"energy": _PREY},
        lesson=(
            "Let q be the logarithm of the number of prey and p that of predators. Prey multiply and are "
            "eaten, q̇ = a − b eᵖ; predators starve or feed, ṗ = d e^q − c: these are Hamilton's "
            "equations. H is no energy, yet it is conserved, so populations run around closed curves for "
            "ever. Explicit Euler makes the cycles grow until foxes go extinct; symplectic Euler keeps the "
            "cycle."
        ),
        reference="E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), section I.1.1",
    ),
)
