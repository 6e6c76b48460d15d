"""Numbers and pictures of the worked example in docs/explaining.md: a vacancy in silicon.

    python docs/pictures/explaining.py

Prints the numbers and writes the PNGs beside itself; needs Chromium and playwright (pip install tenfma[browser]).
"""

import os
import shutil
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.optimize import BFGS
from plotly.offline import get_plotlyjs

import tenfma
from tenfma.explanation import explain
from tenfma.explanation.labels import symbols
from tenfma.viz.explanation import crystal_figure
from tenfma.viz.style import figure, line, mark

HERE = Path(__file__).parent
LATTICE = 5.469
#: eV given to one atom beside the vacancy
KICK = 0.5


def main() -> None:
    model = tenfma.load("Si")
    perfect = bulk("Si", "diamond", a=LATTICE, cubic=True) * (2, 2, 2)
    taken = int(np.linalg.norm(perfect.positions - perfect.cell.array.sum(0) / 2, axis=1).argmin())
    site = perfect.positions[taken].copy()
    broken = perfect.copy()
    del broken[taken]
    broken.calc = model.calculator()
    BFGS(broken, logfile=None).run(fmax=0.005, steps=300)
    whole, vacancy = explain(model, perfect), explain(model, broken)
    steps = (np.delete(perfect.positions, taken, axis=0) - site) @ np.linalg.inv(perfect.cell.array)
    away = np.linalg.norm((steps - np.round(steps)) @ perfect.cell.array, axis=1)

    bulk_energy = whole.parts.potential.mean()
    excess = vacancy.parts.potential - bulk_energy
    print(f"energy per atom in the perfect crystal {bulk_energy:.4f} eV")
    print(f"energy of the vacancy {excess.sum():.3f} eV")
    for shell in np.unique(away.round(2)):
        there = np.isclose(away, shell, atol=0.01)
        mean, total = excess[there].mean(), excess[there].sum()
        print(f"  {shell:5.2f} Å, {there.sum():2d} atoms: {mean:+.3f} eV each, {total:+.3f} eV")

    chart = figure("distance from the vacancy / Å", "energy − bulk / eV", height=340)
    chart.add_scatter(x=away, y=excess, mode="markers", marker={"size": 9, "color": mark(0).colour})
    bonds = vacancy.sensitivities.bonds
    short = bonds.lengths < 2.8
    near = np.isin(bonds.ends, np.flatnonzero(away < 2.6)).any(axis=1)
    reference = whole.sensitivities.bonds
    print(
        f"tension of a bond in the perfect crystal {reference.tension[reference.lengths < 2.8].mean():.3f} eV/Å"
    )
    for name, chosen in (("at the vacancy", short & near), ("elsewhere", short & ~near)):
        least, most = bonds.tension[chosen].min(), bonds.tension[chosen].max()
        print(f"  bonds {name}: {chosen.sum()}, tension {least:.3f} to {most:.3f}")
    drawn = [
        (
            broken.positions[i],
            broken.positions[i] + vector,
            t - reference.tension[reference.lengths < 2.8].mean(),
        )
        for (i, _), vector, t in zip(bonds.ends[short], bonds.vectors[short], bonds.tension[short])
    ]
    senses = ("pulls less than in the perfect crystal", "pulls more")
    scene = crystal_figure(broken.positions, symbols(broken.numbers), excess, "eV", drawn, senses=senses)

    neighbour = int(np.argmin(away))
    pair = {"vacancy": (vacancy, neighbour), "perfect crystal": (whole, neighbour + (neighbour >= taken))}
    kept = figure("time / fs", "energy of the kicked atom / eV", height=340)
    for place, (name, (e, atom)) in enumerate(pair.items()):
        p = np.zeros_like(e.q)
        outward = e.q[atom] - site
        outward -= np.round(outward @ np.linalg.inv(perfect.cell.array)) @ perfect.cell.array
        mass = float(np.asarray(e.H.mass)[atom, 0])
        p[atom] = np.sqrt(2 * mass * KICK) * outward / np.linalg.norm(outward)
        p -= p.sum(0) / len(p)
        e.subject.p[:] = p
        flow = e.flow(dt=0.5, steps=600, save_every=2)
        held = flow.energies[:, atom] - e.parts.potential[atom]
        kept.add_scatter(x=flow.t, y=held, mode="lines", name=name, line=line(place))
        print(f"{name}: half of the kick has left after {flow.t[np.argmax(held < KICK / 2)]:.0f} fs")
        first = flow.t <= 100
        drain = 100 * flow.currents[first, :, atom].mean(0)  # what others gained from it, eV
        distance = e.distances()[atom].round(1)
        print(
            f"  what the account misses: {np.abs(flow.balance).max():.1e} eV; lost in 100 fs {drain.sum():+.3f} eV"
        )
        for reach in np.unique(distance)[1:6]:
            there = np.flatnonzero(distance == reach)
            print(f"    to {len(there)} atoms at {reach} Å:", ", ".join(f"{drain[k]:+.3f}" for k in there))
    for name, chart_ in (("vacancy-parts", chart), ("vacancy-crystal", scene), ("vacancy-flow", kept)):
        draw(chart_, HERE / f"{name}.png")


def draw(chart, out: Path) -> None:
    """A figure as PNG on white."""
    from playwright.sync_api import sync_playwright

    chart.update_layout(paper_bgcolor="white", plot_bgcolor="white", width=760)
    page = f"<script>{get_plotlyjs()}</script>" + chart.to_html(include_plotlyjs=False, full_html=False)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 800, "height": int(chart.layout.height) + 30})
        tab.set_content(page)
        tab.wait_for_selector(".main-svg")
        tab.locator(".plotly-graph-div").screenshot(path=str(out))
        browser.close()


if __name__ == "__main__":
    main()
