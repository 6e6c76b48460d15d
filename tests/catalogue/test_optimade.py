"""OPTIMADE providers on loopback: paged, resumable, polite, and not to be led elsewhere."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tenfma import catalogue
from tenfma.catalogue.importing import import_from
from tenfma.catalogue.sources import SourceError, optimade, web
from tenfma.catalogue.sources.optimade import Optimade, structure_of


def record(number, **changes):
    a = 3.0 + 0.2 * number
    attributes = {
        "lattice_vectors": [[a, 0, 0], [0, a, 0], [0, 0, a]],
        "cartesian_site_positions": [[0, 0, 0], [a / 2, a / 2, a / 2]],
        "species": [
            {"name": "Cs", "chemical_symbols": ["Cs"], "concentration": [1.0]},
            {"name": "Cl1", "chemical_symbols": ["Cl"], "concentration": [1.0]},
        ],
        "species_at_sites": ["Cs", "Cl1"],
        "structure_features": [],
        "dimension_types": [1, 1, 1],
        "_exmpl_gap": 1.0 + number,
        **changes,
    }
    return {"id": f"t/{number}", "type": "structures", "attributes": attributes}


class Provider:
    """A server of `records`; `faults` are answered first, `visits` are the addresses asked for."""

    def __init__(self, records, faults=()):
        provider = self
        self.records, self.faults, self.visits = records, list(faults), []
        self.elsewhere = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.visits.append(self.path)
                if provider.faults:
                    status, headers = provider.faults.pop(0)
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    return
                body = json.dumps(provider.answer(urlsplit(self.path))).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}/opt"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, address):
        meta = {"provider": {"name": "Example"}, "data_returned": len(self.records)}
        if address.path.endswith("/info"):
            return {"meta": meta, "data": {"attributes": {"license": {"href": "https://licence"}}}}
        asked = parse_qs(address.query)
        size, start = int(asked["page_limit"][0]), int(asked.get("page_offset", ["0"])[0])
        following = start + size
        next_page = f"{self.base}/v1/structures?page_limit={size}&page_offset={following}"
        links = {"next": {"href": self.elsewhere or next_page} if following < len(self.records) else None}
        return {"meta": meta, "data": self.records[start:following], "links": links}


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setattr(web, "WAIT", 0.01)
    made = []

    def make(*arguments):
        made.append(Provider(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def source(held, **options):
    return Optimade(held.base, fields=["_exmpl_gap"], page=4, pause=0.0, **options)


def test_every_page_comes_in_with_provenance(empty, provider):
    held = provider([record(number) for number in range(10)])
    report = import_from(empty, source(held, filter='elements HAS "Cs"'))
    assert report.added == 10 and not report.refused
    entry = empty.get("t/7")
    assert (entry.source, entry.licence) == ("Example", "https://licence")
    assert entry.url == f"{held.base}/v1/structures/t%2F7"
    assert entry.value("_exmpl_gap") == 8.0 and entry.reduced_formula == "CsCl"
    assert "elements%20HAS%20%22Cs%22" in held.visits[1]
    assert import_from(empty, source(held, filter='elements HAS "Cs"')).items == 0
    held.records.append(record(10))
    again = import_from(empty, source(held, filter='elements HAS "Cs"', again=True))
    assert (again.added, again.repeated) == (1, 10)


def test_cut_short_it_goes_on_with_the_page_it_was_at(empty, provider):
    held = provider([record(number) for number in range(10)])

    class Cut(Exception):
        pass

    def cut(report):
        if report.added == 8:
            raise Cut

    with pytest.raises(Cut):
        import_from(empty, source(held), None, cut)
    assert empty.count() == 8
    held.visits.clear()
    assert import_from(empty, source(held)).added == 2
    pages = [visit for visit in held.visits if "structures" in visit]
    assert len(pages) == 1 and "page_offset=8" in pages[0]
    assert empty.count() == 10


def test_a_busy_server_is_waited_for_and_a_dead_one_told(empty, provider):
    held = provider([record(0)], [(503, {}), (429, {"Retry-After": "1"}), (500, {})])
    start = time.monotonic()
    assert import_from(empty, source(held)).added == 1
    assert time.monotonic() - start >= 1
    refusing = provider([record(0)], [(404, {})] * 9)
    with pytest.raises(SourceError, match="404"):
        import_from(empty, source(refusing))
    assert len(refusing.visits) == 2


@pytest.fixture
def listening():
    """A port that takes connections; what a test gives to do with each is done."""
    made = []

    def make(do):
        server = socket.create_server(("127.0.0.1", 0))
        made.append(server)

        def take():
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=do, args=(one,), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/x"

    yield make
    for one in made:
        one.close()


def test_a_server_that_says_nothing_or_drips_is_left(listening, monkeypatch):
    monkeypatch.setattr(web, "WAIT", 0.01)
    monkeypatch.setattr(web, "TIMEOUT", (1, 0.3))
    monkeypatch.setattr(web, "PATIENCE", 0.3)

    def silent(connection):
        time.sleep(20)
        connection.close()

    def drip(connection):
        connection.recv(9999)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        with suppress(OSError):  # the one who asked has gone
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.05)

    start = time.monotonic()
    asked = []
    address = listening(lambda connection: asked.append(connection) or silent(connection))
    with pytest.raises(SourceError, match="said nothing for"):
        list(Optimade(address, pause=0.0).items())
    assert len(asked) == web.SILENT
    with pytest.raises(SourceError, match="bytes a second"):
        web.Web(0.0).json(listening(drip))
    assert time.monotonic() - start < 15


def test_requests_keep_their_distance(provider):
    held = provider([record(0)])
    client = web.Web(pause=0.2)
    start = time.monotonic()
    for _ in range(3):
        client.json(f"{held.base}/v1/info")
    assert time.monotonic() - start >= 0.4


def test_it_is_not_led_to_another_host_nor_in_circles(empty, provider):
    held = provider([record(number) for number in range(10)])
    held.elsewhere = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(SourceError, match="another host"):
        import_from(empty, source(held))
    held.elsewhere = f"{held.base}/v1/structures?page_limit=4&page_offset=0"
    with pytest.raises(SourceError, match="itself"):
        import_from(empty, Optimade(held.base, page=4, pause=0.0, name="circle"))


def test_what_is_not_optimade_is_told(empty, provider):
    held = provider([])
    held.answer = lambda address: ["no", "such"]
    with pytest.raises(SourceError, match="as OPTIMADE does"):
        import_from(empty, source(held))
    for address in ("file:///etc/passwd", "example.org", "ftp://x/y"):
        with pytest.raises(SourceError, match="no OPTIMADE address"):
            Optimade(address)
    with pytest.raises(SourceError, match="no OPTIMADE field"):
        Optimade("https://x", fields=["a&b"])


def test_an_answer_without_end_is_cut(provider, monkeypatch):
    held = provider([record(number) for number in range(10)])
    monkeypatch.setattr(web, "LARGEST_ANSWER", 1000)
    with pytest.raises(SourceError, match="ask for less"):
        web.Web(0.0).json(f"{held.base}/v1/structures?page_limit=10")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"structure_features": ["implicit_atoms"]}, "all its atoms"),
        ({"lattice_vectors": None}, "no lattice"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [None, None, None]]}, "no lattice"),
        ({"species_at_sites": ["Cs"]}, "1 species"),
        ({"species_at_sites": ["Cs", "Xx"]}, "lacks"),
        ({"species": [{"name": "Cs"}]}, "lacks"),
        ({"cartesian_site_positions": [[0, 0, 0], [0, 0, 0]]}, "same place"),
    ],
)
def test_bad_entries_are_listed_and_skipped(changes, sentence, empty, provider):
    held = provider([record(0), record(1, **changes), record(2)])
    report = import_from(empty, source(held))
    assert (report.added, report.n_refused) == (2, 1)
    assert sentence in report.refused[0] and "t/1" in report.refused[0]


def test_a_row_without_a_name_is_passed_over(empty, provider):
    nameless = record(1)
    del nameless["id"]
    report = import_from(empty, source(provider([record(0), nameless, "text", record(2)])))
    assert (report.added, report.n_refused) == (2, 2) and "no id" in report.refused[0]


def test_vacancies_and_mixed_sites():
    mixed = record(5)["attributes"]
    mixed["species"][1] = {"name": "Cl1", "chemical_symbols": ["Cl", "vacancy"], "concentration": [0.5, 0.5]}
    assert structure_of(mixed, "x")[1].species.num_atoms == 0.5
    mixed["species"][1] = {"name": "Cl1", "chemical_symbols": ["vacancy"], "concentration": [1.0]}
    assert len(structure_of(mixed, "x")) == 1
    mixed["species"][1] = {"name": "Cl1", "chemical_symbols": ["X"], "concentration": [1.0]}
    with pytest.raises(SourceError, match="unknown element"):
        structure_of(mixed, "x")


# The optimade package's own server with its test data

SERVER = os.environ.get("TENFMA_OPTIMADE_PYTHON", sys.executable)


#: how its test data name what the specification names; the package itself leaves this to a provider's settings
ALIASES = {
    "id": "task_id",
    "immutable_id": "_id",
    "chemical_formula_descriptive": "pretty_formula",
    "chemical_formula_reduced": "pretty_formula",
    "chemical_formula_anonymous": "formula_anonymous",
}


@pytest.fixture(scope="module", params=["the package's test data", "crystals"])
def real(request, tmp_path_factory):
    """The address of a server of the package's own data, most of which are no possible crystals, or of forty of ours."""
    if subprocess.run(
        [SERVER, "-c", "import optimade.server, mongomock, uvicorn"], capture_output=True
    ).returncode:
        pytest.skip("optimade[server] is not installed (another Python that has it: TENFMA_OPTIMADE_PYTHON)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    config = tmp_path_factory.mktemp("optimade") / "settings.json"
    held = {"aliases": {"structures": ALIASES}, "validate_api_response": False}
    if request.param == "crystals":
        _exported(config.with_suffix(".jsonl"))
        held = {"insert_from_jsonl": str(config.with_suffix(".jsonl")), "validate_api_response": False}
    config.write_text(json.dumps(held))
    settings = {
        "OPTIMADE_DATABASE_BACKEND": "mongomock",
        "OPTIMADE_INSERT_TEST_DATA": "true",
        "OPTIMADE_BASE_URL": base,
        "OPTIMADE_CONFIG_FILE": str(config),
    }
    command = [
        SERVER,
        "-m",
        "uvicorn",
        "optimade.server.main:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, env={**os.environ, **settings})
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{base}/v1/info", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "the server did not start"
                time.sleep(0.5)
        yield base
    finally:
        process.terminate()
        process.wait(30)


def _exported(path):
    """Forty crystals as the catalogue itself exports them."""
    import numpy as np

    from tenfma.catalogue.entries import Record
    from tenfma.catalogue.export import export
    from tenfma.catalogue.packing import Sites

    places, numbers = np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.array([55, 17], np.uint8)
    with catalogue.open(f"sqlite:///{path.with_suffix('.sqlite')}", filled=False) as held:
        crystals = [Sites(np.eye(3) * (3.0 + 0.2 * n), places, numbers).structure() for n in range(40)]
        records = [Record.of(f"{n}", c, source="test", identifier=f"t-{n}") for n, c in enumerate(crystals)]
        export(held, held.add(records, "test"), path)


def asked(base):
    """(ids, count) as the server itself lists them."""
    with urllib.request.urlopen(f"{base}/v1/structures?page_limit=100&response_fields=nsites") as answer:
        held = json.load(answer)
    assert held["links"]["next"] is None
    return {row["id"] for row in held["data"]}


@pytest.mark.slow
def test_a_real_server_killed_midway_and_resumed(real, home):
    code = (
        "import sys\n"
        "from tenfma import catalogue\n"
        "from tenfma.catalogue.importing import import_from\n"
        "from tenfma.catalogue.sources.optimade import Optimade\n"
        "with catalogue.open(filled=False) as held:\n"
        "    import_from(held, Optimade(sys.argv[1], page=2, pause=0.2), None, lambda r: print(r.items, flush=True))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, real], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) >= 6:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    everything = asked(real)
    with catalogue.open(filled=False) as held:
        before = held.count()
        assert before < len(everything)
        import_from(held, Optimade(real, page=2, pause=0.0))
        with catalogue.open(f"sqlite:///{home / 'whole.sqlite'}", filled=False) as whole:
            report = import_from(whole, Optimade(real, pause=0.0))
            assert report.items == len(everything) in (17, 40) and report.added in (1, 40)
            assert brought(held) == brought(whole)
        assert import_from(held, Optimade(real, page=2, pause=0.0)).added == 0


def brought(held):
    """Every entry's name, crystal and address."""
    entries = held.search(limit=None)
    return {
        e.identifier: (e.formula, e.url, s.pack())
        for e, s in zip(entries, held.sites([e.id for e in entries]))
    }


@pytest.mark.slow
def test_a_real_server_filters(real, empty):
    everything = asked(real)
    element = "Cs" if len(everything) == 40 else "Ac"
    report = import_from(empty, Optimade(real, f'elements HAS "{element}"', pause=0.0))
    assert 1 <= report.items <= len(everything)
    assert all(element in entry.elements for entry in empty.search(limit=None))
    assert import_from(empty, Optimade(real, 'elements HAS "Xe"', pause=0.0)).items == 0
    with pytest.raises(SourceError, match="400"):
        import_from(empty, Optimade(real, "nonsense ===", pause=0.0))


def test_a_cursor_at_the_end_asks_nobody():
    assert list(Optimade("http://127.0.0.1:9", pause=0.0).items(optimade.END)) == []
