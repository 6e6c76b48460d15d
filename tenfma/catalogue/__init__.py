"""The catalogue: crystals with properties and provenance, searched by what they are and by likeness.

catalogue = tenfma.catalogue.open()              # filled at first use
catalogue.search(elements=["Al", "Ni"], properties={"K_vrh": (100, None)})
catalogue.like(structure, n=10)
"""

from tenfma.catalogue.connection import CatalogueError, Database
from tenfma.catalogue.entries import Entry, Property, Record, compared
from tenfma.catalogue.query import Query
from tenfma.catalogue.store import Catalogue, Progress

__all__ = ["Catalogue", "CatalogueError", "Entry", "Property", "Query", "Record", "compared", "open"]


def open(url: str | None = None, *, filled: bool = True, progress: Progress | None = None) -> Catalogue:
    """The user's catalogue, made and filled at first use.

    `url` or `TENFMA_DATABASE_URL` names another database than the SQLite file of the data folder; `filled=False` leaves
    out what comes with the program. Raises CatalogueError where the database cannot be used.
    """
    catalogue = Catalogue(Database(url))
    if filled:
        from tenfma.catalogue.starter import fill

        fill(catalogue, progress)
    return catalogue
