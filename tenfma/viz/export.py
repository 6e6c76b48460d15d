"""A crystal as one HTML file that needs nothing else: 3Dmol.js inside, bonds as they are on the page."""

import html
from typing import Any

from tenfma.site import site
from tenfma.viz.scenes import Scene


def page(scene: Scene, title: str, width: int = 800, height: int = 600) -> str:
    """The scene as a page of its own, made with py3Dmol, the library and its licence inside the file."""
    import py3Dmol

    view = py3Dmol.view(width=width, height=height, js="")
    _atoms(view, scene)
    for start, end in scene["cell"]:
        view.addCylinder(
            {
                "start": _point(start),
                "end": _point(end),
                "radius": 0.022,
                "color": "#666666",
                "fromCap": 1,
                "toCap": 1,
            }
        )
    for arrow in scene.get("arrows", []):
        view.addArrow(
            {
                "start": _point(arrow["from"]),
                "end": _point(arrow["to"]),
                "radius": arrow["radius"],
                "color": arrow["colour"],
            }
        )
    for stick in scene.get("sticks", []):
        ends = {"start": _point(stick["from"]), "end": _point(stick["to"]), "fromCap": 2, "toCap": 2}
        view.addCylinder({**ends, "radius": stick["radius"], "color": stick["colour"]})
    for triangle in scene.get("triangles", []):
        corners = [_point(corner) for corner in triangle["corners"]]
        faces = {"vertexArr": corners * 2, "faceArr": [0, 1, 2, 3, 5, 4]}  # both sides
        view.addCustom({**faces, "color": triangle["colour"], "alpha": scene["alpha"]})
    view.zoomTo()
    library = (
        (site() / "static" / "3Dmol-min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    )
    licence = (site() / "static" / "3Dmol-LICENSE.txt").read_text(encoding="utf-8").replace("--", "- -")
    name = html.escape(title)
    drawing = view._make_html()
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{name}</title>\n<!-- 3Dmol.js:\n{licence}\n-->\n'
        f"<script>{library}\nvar $3Dmolpromise = Promise.resolve();</script></head>\n"
        f"<body><h1>{name}</h1>\n{drawing}\n</body></html>\n"
    )


def _atoms(view: Any, scene: Scene) -> None:
    neighbours: list[list[int]] = [[] for _ in scene["atoms"]]
    for a, b in scene["bonds"]:
        neighbours[a].append(b)
        neighbours[b].append(a)
    view.addModel()
    rows = []
    for place, atom in enumerate(scene["atoms"]):
        x, y, z = atom["at"]
        style = {
            "sphere": {"radius": atom["radius"], "color": atom["colour"]},
            "stick": {"radius": scene["stick"], "color": atom["colour"]},
        }
        rows.append(
            {
                "elem": atom["element"], "x": x, "y": y, "z": z, "serial": place, "index": place,
                "bonds": neighbours[place], "bondOrder": [1] * len(neighbours[place]), "style": style,
            }
        )  # fmt: skip
    view.getModel().addAtoms(rows)


def _point(at: list[float]) -> dict[str, float]:
    return dict(zip("xyz", at))
