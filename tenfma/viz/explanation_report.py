"""An explanation as one HTML file that a chemist can mail: figures, tables and certificate, no network needed.

The drawing library is packed into the file (gzip, base64) and unpacked by the browser; every text that came from a
person or a file is escaped.
"""

import base64
import gzip
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

import tenfma
from tenfma.errors import TenfmaError
from tenfma.explanation.couplings import Couplings
from tenfma.explanation.explain import Explanation
from tenfma.explanation.flow import Flow
from tenfma.explanation.labels import kind, symbols
from tenfma.explanation.summary import COUPLED, few_enough, tables_of
from tenfma.explanation.tables import html_table, sentence
from tenfma.explanation.tensions import GAUGE
from tenfma.viz import explanation as figures
from tenfma.whole import write_text

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:980px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.2rem;border-top:1px solid #d5d9de;padding-top:1rem}
table{border-collapse:collapse;margin:.8rem 0;font-size:.85rem}caption{text-align:left;color:#59636e;padding:.2rem 0}
td,th{border-bottom:1px solid #e3e6ea;padding:.2rem .6rem;text-align:left;font-variant-numeric:tabular-nums}
.figure{margin:.5rem 0}.wide{overflow-x:auto}.note{color:#59636e}
"""
#: unpacks the drawing library, then draws what waits in `pending`
LOADER = """
const packed=document.getElementById('library').textContent.trim();
const bytes=Uint8Array.from(atob(packed),c=>c.charCodeAt(0));
new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text().then(code=>{
 const s=document.createElement('script');s.textContent=code;document.head.appendChild(s);
 for(const el of document.querySelectorAll('script[type="application/json"]')){
  const f=JSON.parse(el.textContent);Plotly.newPlot(el.dataset.into,f.data,f.layout,{responsive:true,displaylogo:false});}
}).catch(e=>{document.getElementById('warning').textContent='The figures need a browser of 2023 or later: '+e;});
"""


def report(
    explanation: Explanation,
    *,
    flow: Flow | None = None,
    supercell: tuple[int, int, int] | None = None,
    certificate: Any = None,
) -> str:
    """The whole page. `flow` and `certificate` are added where given; modes are of `supercell`."""
    e = explanation
    tables = tables_of(e, flow, supercell)
    body = [
        f"<h1>Explanation of {escape(e.name)}</h1>",
        sentence(f"H = {e.parts.total:.8g} {e.H.units.energy}. {_weights(e)}"),
        '<p id="warning" class="note"></p>',
    ]
    drawn: list[str] = []

    def add(title: str, text: str, charts: list[tuple[str, go.Figure]], *names: str) -> None:
        body.append(f"<h2>{escape(title)}</h2>{sentence(text)}")
        for caption, chart in charts:
            drawn.append(chart.to_json())
            place = f"figure{len(drawn)}"
            data = drawn[-1].replace("</", "<\\/")
            body.append(
                f'<p class="note">{escape(caption)}</p><div class="figure" id="{place}"></div>'
                f'<script type="application/json" data-into="{place}">{data}</script>'
            )
        body.extend(f'<div class="wide">{html_table(tables[n], n)}</div>' for n in names if n in tables)

    for section in _sections(e, flow, supercell):
        add(*section)
    body.append(f"<h2>Is this explanation true?</h2>{e.verify()._repr_html_()}")
    if certificate is not None:
        body.append(f"<h2>Certificate of the motion</h2>{certificate._repr_html_()}")
    body.append(f'<p class="note">Made by tenfma {escape(tenfma.__version__)}. Works offline.</p>')
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Explanation of {escape(e.name)}</title><style>{STYLE}</style></head><body>"
        + "".join(body)
        + f'<script id="library" type="text/plain">{_library()}</script><script>{LOADER}</script></body></html>'
    )


def write_report(explanation: Explanation, out: str | Path, **options: Any) -> Path:
    """Write `report` to a file, whole or not at all. Raises TenfmaError where it cannot be written."""
    out = Path(out)
    write_text(report(explanation, **options), out)
    return out


def _sections(e: Explanation, flow: Flow | None, supercell: Any) -> Iterator[tuple[Any, ...]]:
    """Title, text, figures and names of tables of every section that applies."""
    numbers = e.subject.numbers
    charts = [("Energy of every part.", figures.parts_figure(e.parts))]
    if numbers is not None and len(numbers) > 1:
        centred = figures.parts_figure(e.parts, centred=True)
        charts.append(("The same without the mean of its kind, which is an arbitrary constant.", centred))
        if len(numbers) <= figures.MOST_BARS * 10:
            space = figures.crystal_figure(e.q, symbols(numbers), e.parts.potential[: len(numbers)], "eV")
            charts.append(("Where the energy sits.", space))
    yield "Who holds the energy", f"Gauge: {e.gauge}.", charts, "parts by kind", "parts"
    yield from _sensitivities(e)
    yield from _couplings(e, supercell)
    if flow is not None:
        units = e.H.units
        worst = abs(flow.balance).max()
        yield (
            "Where energy flows",
            f"J between parts along {flow.path.method if flow.path else 'a path'}; what the account misses, from "
            f"integration and sampling, is at most {worst:.2g} {units.energy}; the energies swing by {flow.swing:.2g}. "
            f"{flow.warning and flow.warning + ' '}Gauge: {flow.gauge}.",
            [
                (
                    "Energies of the parts that change most.",
                    figures.energies_figure(flow, units.energy, units.time),
                ),
                ("Mean flow: a row gains from a column where it is vermillion.", figures.flow_figure(flow)),
            ],
            "energy flow",
        )


def _sensitivities(e: Explanation) -> Iterator[tuple[Any, ...]]:
    charts = []
    numbers = e.subject.numbers
    text = "∂H/∂q, the slope of the energy."
    try:
        bonds = e.sensitivities.bonds
        assert numbers is not None
        names = symbols(numbers)
        pairs = [kind((names[i], names[j])) for i, j in bonds.ends]
        charts.append(("Tension of every bond: above zero it pulls.", figures.tensions_figure(bonds, pairs)))
        text = f"Forces as tensions of bonds and torques on angles, which add up to them. Gauge: {GAUGE}."
    except TenfmaError:
        pass
    if e.subject.complex is not None:
        chart = figures.features_figure(e.sensitivities.features)
        charts.append(("The features H answers to most, others and the weight held.", chart))
    tables = ("sensitivities", "bond tensions", "angle torques", "features")
    yield ("What would change it", text, charts, *tables)


def _couplings(e: Explanation, supercell: Any) -> Iterator[tuple[Any, ...]]:
    couplings = e.couplings()
    numbers = e.subject.numbers
    if not isinstance(couplings, Couplings):
        text = "Sizes of second derivatives between kinds, estimated from probes, with standard errors."
        yield "What is coupled to what", text, [], "couplings"
        return
    if not few_enough(e) and (numbers is not None or len(couplings.labels) > COUPLED):
        return
    strengths = couplings.strengths()
    charts = [("Sizes of the blocks.", figures.matrix_figure(couplings.labels, strengths, couplings.unit))]
    if numbers is not None and e.subject.structure is not None and len(numbers) > 1:
        charts.append(
            ("Against distance.", figures.distances_figure(strengths, e.distances(), couplings.unit))
        )
    yield (
        "What is coupled to what",
        f"∂²H/∂q_i∂q_j by {couplings.how}.",
        charts,
        "couplings by kind",
        "couplings",
    )
    if numbers is not None and e.subject.structure is not None:
        modes = e.modes(supercell or (1, 1, 1))
        size = " × ".join(map(str, supercell or (1, 1, 1)))
        unstable = int((modes.frequencies < -1e-3).sum())
        text = f"Normal modes of {size} cells; {unstable} of them unstable (drawn below zero)."
        yield "How it vibrates", text, [("Each stick is a mode.", figures.modes_figure(modes))], "modes"


def _weights(e: Explanation) -> str:
    model = e.subject.model
    return f"Weights: {model.description}." if hasattr(model, "description") else ""


@lru_cache(maxsize=1)
def _library() -> str:
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
