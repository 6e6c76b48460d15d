"""One degree of freedom, and two that are coupled."""

import math

from tenfma.hamiltonian.textbook.entry import Entry

ENTRIES = (
    Entry(
        name="harmonic",
        title="Harmonic oscillator",
        formula="p**2/(2*m) + k*q**2/2",
        parameters={"m": 1.0, "k": 1.0},
        q0=[1.0],
        p0=[0.0],
        dt=0.1,
        steps=1_000,
        invariants={"energy": "p**2/(2*m) + k*q**2/2"},
        lesson=(
            "The force grows in proportion to the displacement, so every path is an ellipse in the (q, p) "
            "plane and every swing takes the same time 2π√(m/k), however wide. Because the exact answer is "
            "known, this is where integrators show their character: explicit Euler spirals outwards, while "
            "leapfrog stays for ever on an ellipse that differs slightly from the true one, the level set "
            "of its own shadow Hamiltonian."
        ),
        reference="H. Goldstein, C. Poole, J. Safko, Classical Mechanics, 3rd ed. (2002), section 6.2",
    ),
    Entry(
        name="anharmonic",
        title="Anharmonic (quartic) oscillator",
        formula="p**2/2 + q**2/2 + c*q**4/4",
        parameters={"c": 1.0},
        q0=[1.0],
        p0=[0.0],
        dt=0.1,
        steps=1_000,
        invariants={"energy": "p**2/2 + q**2/2 + c*q**4/4"},
        lesson=(
            "A quartic term stiffens the spring. The motion is still periodic, but now the period depends "
            "on the amplitude: wide swings are faster. Two neighbouring starts therefore slide out of "
            "step, and a cloud of starts is sheared into a spiral in phase space although its area never "
            "changes."
        ),
        reference="L. D. Landau, E. M. Lifshitz, Mechanics, 3rd ed. (1976), §28",
    ),
    Entry(
        name="pendulum",
        title="Pendulum",
        formula="p**2/2 + w**2*(1 - cos(q))",
        parameters={"w": 1.0},
        q0=[0.0],
        p0=[1.8],
        dt=0.1,
        steps=1_000,
        invariants={"energy": "p**2/2 + w**2*(1 - cos(q))"},
        lesson=(
            "Below the energy 2ω² the pendulum swings, above it turns over and over, and the curve between "
            "the two motions, the separatrix, takes infinitely long to travel. Started at the bottom with "
            "p = 2k (ω = 1) the angle is 2 arcsin(k sn(t, k)) with Jacobi's elliptic sine. Near the "
            "separatrix the slightest push decides the outcome, which is where chaos enters when the "
            "pendulum is driven."
        ),
        reference="V. I. Arnold, Mathematical Methods of Classical Mechanics, 2nd ed. (1989), §§4 and 12",
    ),
    Entry(
        name="double-well",
        title="Double well",
        formula="p**2/2 + b*(q**2 - 1)**2",
        parameters={"b": 1.0},
        q0=[-1.0],
        p0=[0.6],
        dt=0.02,
        steps=5_000,
        invariants={"energy": "p**2/2 + b*(q**2 - 1)**2"},
        lesson=(
            "Two valleys are parted by a hill of height b. With less energy than that the particle stays "
            "in the valley where it began; with more it visits both. Couple it to a heat bath and it hops "
            "at random times, more seldom by the factor exp(−b/kT) the colder it is: the smallest model of "
            "a chemical reaction."
        ),
        reference="H. A. Kramers, Physica 7 (1940) 284",
    ),
    Entry(
        name="morse",
        title="Morse oscillator",
        formula="p**2/(2*m) + D*(1 - exp(-a*q))**2",
        parameters={"m": 1.0, "D": 1.0, "a": 1.0},
        q0=[0.5],
        p0=[0.0],
        dt=0.05,
        steps=2_000,
        invariants={"energy": "p**2/(2*m) + D*(1 - exp(-a*q))**2"},
        lesson=(
            "A chemical bond in one formula: a steep wall when two atoms are pressed together, a well of "
            "depth D, and a force that fades as they part. Small vibrations have the frequency a√(2D/m); "
            "larger ones are slower, and with energy D or more the bond breaks and q grows without end."
        ),
        reference="P. M. Morse, Phys. Rev. 34 (1929) 57",
    ),
    Entry(
        name="quartic-kinetic",
        title="Quartic kinetic energy",
        formula="p**4/4 + q**2/2",
        q0=[1.0],
        p0=[0.5],
        dt=0.05,
        steps=2_000,
        invariants={"energy": "p**4/4 + q**2/2"},
        lesson=(
            "Here the velocity is p³, not p/m. Leapfrog does not mind, since H is still a sum of a "
            "function of p and a function of q. A heat bath does: friction must be −Γ∂H/∂p, and the habit "
            "of writing −γp settles at a distribution that is not exp(−H/kT). The right one has ⟨p ∂H/∂p⟩ "
            "= kT."
        ),
        reference="B. Leimkuhler, C. Matthews, Molecular Dynamics (2015), chapter 6",
    ),
    Entry(
        name="coupled-oscillators",
        title="Two coupled oscillators",
        formula="(p1**2 + p2**2)/2 + k*(q1**2 + q2**2)/2 + c*(q1 - q2)**2/2",
        coordinates=("q1", "q2"),
        parameters={"k": 1.0, "c": 0.1},
        q0=[1.0, 0.0],
        p0=[0.0, 0.0],
        dt=0.05,
        steps=2_000,
        invariants={
            "energy": "(p1**2 + p2**2)/2 + k*(q1**2 + q2**2)/2 + c*(q1 - q2)**2/2",
            "in-phase mode": "(p1 + p2)**2/4 + k*(q1 + q2)**2/4",
            "out-of-phase mode": "(p1 - p2)**2/4 + (k + 2*c)*(q1 - q2)**2/4",
        },
        lesson=(
            "Two equal swings joined by a weak spring. Start one, and after a while it stands still and "
            "the other has all the energy, then it comes back: who feeds whom, and how fast, is the "
            "Poisson bracket of their two energies. In the sum and the difference of the coordinates "
            "nothing is exchanged at all: these normal modes each keep their energy, and the beat between "
            "their frequencies is the exchange we see."
        ),
        reference="A. P. French, Vibrations and Waves (1971), chapter 5",
    ),
    Entry(
        name="driven-pendulum",
        title="Driven pendulum",
        formula="p**2/2 - cos(q) - f*q*cos(w*t)",
        parameters={"f": 0.5, "w": 2 / 3},
        q0=[0.2],
        p0=[0.0],
        dt=2 * math.pi / (2 / 3) / 200,
        steps=20_000,
        lesson=(
            "A torque that oscillates makes H depend on time, so energy is no longer kept. Look at the "
            "path once per period of the drive: some starts give closed curves, others a scatter of points "
            "that fills an area, and both live side by side. With time and its conjugate momentum as one "
            "more pair of variables the system is an ordinary Hamiltonian one again, which is why "
            "symplectic methods still apply."
        ),
        reference="G. L. Baker, J. P. Gollub, Chaotic Dynamics, 2nd ed. (1996), chapter 3",
    ),
    Entry(
        name="damped-oscillator",
        title="Damped oscillator",
        formula="p**2/(2*m) + k*q**2/2",
        parameters={"m": 1.0, "k": 1.0},
        damping=0.1,
        q0=[1.0],
        p0=[0.0],
        dt=0.1,
        steps=1_000,
        lesson=(
            "Friction proportional to momentum takes energy away and shrinks every patch of phase space by "
            "the factor e^{−ct}, the same everywhere: the flow is conformally symplectic. A good "
            "integrator shrinks areas by exactly that factor in every step, so that the decay is the "
            "physics' and not the arithmetic's."
        ),
        reference="R. McLachlan, M. Perlmutter, J. Geom. Phys. 39 (2001) 276",
    ),
)
