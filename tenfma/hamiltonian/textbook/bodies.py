"""Bodies that attract each other, and two rigid rods."""

import math
from itertools import combinations

from tenfma.hamiltonian.protocol import Units
from tenfma.hamiltonian.textbook.entry import Entry


def _distance(i: int, j: int, axes: str) -> str:
    return "sqrt(" + " + ".join(f"({axis}{i} - {axis}{j})**2" for axis in axes) + ")"


def total_momentum(count: int, axis: str) -> str:
    """Σ p along one axis."""
    return " + ".join(f"p{axis}{i}" for i in range(1, count + 1))


def angular_momentum(count: int, first: str = "x", second: str = "y") -> str:
    """Σ (x p_y − y p_x)."""
    return " + ".join(f"{first}{i}*p{second}{i} - {second}{i}*p{first}{i}" for i in range(1, count + 1))


def _eight() -> Entry:
    """Three equal masses chasing each other along one curve; figures after C. Simó."""
    kinetic = "(" + " + ".join(f"p{axis}{i}**2" for i in (1, 2, 3) for axis in "xy") + ")/2"
    potential = " - ".join(f"1/{_distance(i, j, 'xy')}" for i, j in combinations((1, 2, 3), 2))
    x, y, vx, vy = 0.97000436, -0.24308753, -0.93240737, -0.86473146
    return Entry(
        name="figure-eight",
        title="Three bodies on a figure eight",
        formula=f"{kinetic} - {potential}",
        coordinates=("x1", "y1", "x2", "y2", "x3", "y3"),
        q0=[x, y, -x, -y, 0.0, 0.0],
        p0=[-vx / 2, -vy / 2, -vx / 2, -vy / 2, vx, vy],
        dt=6.32591398 / 1_000,
        steps=4_000,
        invariants={
            "energy": f"{kinetic} - {potential}",
            "momentum x": total_momentum(3, "x"),
            "momentum y": total_momentum(3, "y"),
            "angular momentum": angular_momentum(3),
        },
        compact=r"\sum_i \frac{|p_i|^2}{2} - \sum_{i<j} \frac{1}{|q_i - q_j|}",
        lesson=(
            "Three equal stars can follow one another around a single eight-shaped loop. The orbit was "
            "found on a computer and proved to exist in 2000. It is stable, though barely: nudge a start "
            "by a percent and it wobbles around the eight, nudge it more and one star is thrown out, the "
            "usual end of three bodies."
        ),
        reference="A. Chenciner, R. Montgomery, Ann. of Math. 152 (2000) 881",
    )


#: planet: mass in solar masses, position in AU, velocity in AU/day, on 5 September 1994
_PLANETS = (
    (1.00000597682, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    (0.000954786104043, (-3.5023653, -3.8169847, -1.5507963), (0.00565429, -0.00412490, -0.00190589)),
    (0.000285583733151, (9.0755314, -3.0458353, -1.6483708), (0.00168318, 0.00483525, 0.00192462)),
    (0.0000437273164546, (8.3101420, -16.2901086, -7.2521278), (0.00354178, 0.00137102, 0.00055029)),
    (0.0000517759138449, (11.4707666, -25.7294829, -10.8169456), (0.00288930, 0.00114527, 0.00039677)),
    (1 / 1.3e8, (-15.5387357, -25.2225594, -3.1902382), (0.00276725, -0.00170702, -0.00136504)),
)


def _solar_system() -> Entry:
    """The Sun with the inner planets added to it, Jupiter, Saturn, Uranus, Neptune and Pluto."""
    indices = range(1, len(_PLANETS) + 1)
    kinetic = " + ".join(f"(px{i}**2 + py{i}**2 + pz{i}**2)/(2*m{i})" for i in indices)
    potential = " + ".join(f"m{i}*m{j}/{_distance(i, j, 'xyz')}" for i, j in combinations(indices, 2))
    energy = f"{kinetic} - G*({potential})"
    return Entry(
        name="outer-solar-system",
        title="Outer solar system",
        formula=energy,
        coordinates=tuple(f"{axis}{i}" for i in indices for axis in "xyz"),
        parameters={"G": 2.95912208286e-4} | {f"m{i}": planet[0] for i, planet in enumerate(_PLANETS, 1)},
        q0=[component for _, position, _ in _PLANETS for component in position],
        p0=[mass * component for mass, _, velocity in _PLANETS for component in velocity],
        dt=200.0,
        steps=1_000,
        units=Units(q="AU", p="M☉·AU/day", energy="M☉·AU²/day²", time="day"),
        invariants={
            "energy": energy,
            "momentum x": total_momentum(6, "x"),
            "momentum y": total_momentum(6, "y"),
            "momentum z": total_momentum(6, "z"),
            "angular momentum z": angular_momentum(6),
        },
        compact=r"\sum_i \frac{|p_i|^2}{2 m_i} - G \sum_{i<j} \frac{m_i m_j}{|q_i - q_j|}",
        lesson=(
            "The Sun and the five outermost bodies over 200,000 days. Explicit Euler sends Jupiter off on "
            "a spiral even at steps of ten days; symplectic Euler with steps ten times as long keeps every "
            "orbit in place. The energy error of a symplectic method oscillates and does not grow, which "
            "is why long forecasts of planets are made with such methods."
        ),
        reference="E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), section I.2.4",
    )


_L = "(x*py - y*px)"

ENTRIES = (
    Entry(
        name="kepler",
        title="Kepler problem",
        formula="(px**2 + py**2)/2 - k/sqrt(x**2 + y**2)",
        coordinates=("x", "y"),
        parameters={"k": 1.0},
        q0=[0.4, 0.0],
        p0=[0.0, 2.0],
        dt=2 * math.pi / 400,
        steps=4_000,
        invariants={
            "energy": "(px**2 + py**2)/2 - k/sqrt(x**2 + y**2)",
            "angular momentum": "x*py - y*px",
            "Laplace–Runge–Lenz x": f"py*{_L} - k*x/sqrt(x**2 + y**2)",
            "Laplace–Runge–Lenz y": f"-px*{_L} - k*y/sqrt(x**2 + y**2)",
        },
        lesson=(
            "A planet on an ellipse of eccentricity 0.6. Besides energy and angular momentum the direction "
            "of the ellipse is conserved: the Laplace–Runge–Lenz vector points to the perihelion and stays "
            "put. Leapfrog keeps angular momentum to round-off, and energy nearly, but lets the ellipse "
            "turn slowly: a numerical precession, which a method of higher order makes small."
        ),
        reference="E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), section I.2.2",
    ),
    _eight(),
    _solar_system(),
    Entry(
        name="double-pendulum",
        title="Double pendulum",
        formula=(
            "(m2*l2**2*p1**2 + (m1 + m2)*l1**2*p2**2 - 2*m2*l1*l2*p1*p2*cos(theta1 - theta2))"
            "/(2*m2*l1**2*l2**2*(m1 + m2*sin(theta1 - theta2)**2))"
            " - (m1 + m2)*g*l1*cos(theta1) - m2*g*l2*cos(theta2)"
        ),
        coordinates=("theta1", "theta2"),
        momenta=("p1", "p2"),
        parameters={"m1": 1.0, "m2": 1.0, "l1": 1.0, "l2": 1.0, "g": 1.0},
        q0=[2.0, 2.5],
        p0=[0.0, 0.0],
        dt=0.02,
        steps=5_000,
        invariants={
            "energy": (
                "(m2*l2**2*p1**2 + (m1 + m2)*l1**2*p2**2 - 2*m2*l1*l2*p1*p2*cos(theta1 - theta2))"
                "/(2*m2*l1**2*l2**2*(m1 + m2*sin(theta1 - theta2)**2))"
                " - (m1 + m2)*g*l1*cos(theta1) - m2*g*l2*cos(theta2)"
            )
        },
        lesson=(
            "A pendulum hung from a pendulum. How fast one rod turns for a given momentum depends on where "
            "the other is, so H does not split into kinetic and potential parts and leapfrog is not "
            "symplectic here; implicit midpoint and Tao's method are. Released high it is chaotic: two "
            "starts a hair apart soon have nothing in common, while the energy of each stays what it was."
        ),
        reference="T. Shinbrot, C. Grebogi, J. Wisdom, J. A. Yorke, Am. J. Phys. 60 (1992) 491",
    ),
)
