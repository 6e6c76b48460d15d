"""Asking other machines politely: who asks is said, answers are bounded, pauses are as long as they ask for."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

import tenfma
from tenfma.catalogue.sources import SourceError
from tenfma.whole import whole

#: seconds to reach a server, and until it says something
TIMEOUT = (10, 60)
#: times that a server may say nothing at all for so long
SILENT = 2
#: the slowest answer that is waited for, bytes a second, once it has had `PATIENCE` seconds
SLOWEST = 1000
PATIENCE = 60.0
#: tries where a server is busy or out of reach, and the first wait between them, doubled each time
TRIES = 5
WAIT = 1.0
LONGEST_WAIT = 120.0
BUSY = (429, 500, 502, 503, 504)
LARGEST_ANSWER = 128 * 2**20
LARGEST_FILE = 2 * 2**30


class NoAnswer(SourceError):
    """A server could not be reached, or said nothing."""


class Web:
    """A session with one host: `pause` seconds pass between requests, at least."""

    def __init__(self, pause: float = 0.5) -> None:
        self.pause = pause
        self._last = 0.0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"tenfma/{tenfma.__version__} (catalogue import)"

    def json(self, url: str) -> Any:
        """The JSON behind an address. Raises SourceError where there is none."""
        answer = self._get(url)
        with answer:
            data = b"".join(_bounded(answer, LARGEST_ANSWER, url))
        try:
            return requests.models.complexjson.loads(data)
        except ValueError as error:
            raise SourceError(f"{shown(url)} did not answer with JSON; check the address") from error

    def file(self, url: str, folder: Path) -> Path:
        """The file behind an address, fetched once into `folder`."""
        import hashlib

        name = Path(urlsplit(url).path).name or "download"
        path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name[-80:]}"
        if path.exists():
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with (
            self._get(url) as answer,
            whole(path, SourceError, "make room on the disk") as part,
            part.open("wb") as file,
        ):
            for block in _bounded(answer, LARGEST_FILE, url):
                file.write(block)
        return path

    def _get(self, url: str) -> requests.Response:
        if urlsplit(url).scheme not in ("http", "https"):
            raise SourceError(f"{shown(url)} is no web address; one that begins with https:// is expected")
        wait, told, silent = WAIT, "it did not answer", 0
        kind: type[SourceError] = NoAnswer
        for trial in range(TRIES):
            time.sleep(max(0.0, self._last + self.pause - time.monotonic()))
            self._last = time.monotonic()
            try:
                answer = self._session.get(url, timeout=TIMEOUT, stream=True)
            except requests.Timeout:
                told = f"it said nothing for {TIMEOUT[1]} s"
                silent += 1
                if silent == SILENT:
                    break
            except requests.RequestException as error:
                told = f"it could not be reached ({type(error).__name__})"
            else:
                if answer.ok:
                    return answer
                told, kind = f"it answered {answer.status_code} {answer.reason}", SourceError
                asked = answer.headers.get("Retry-After", "")
                answer.close()
                if answer.status_code not in BUSY:
                    break
                wait = max(wait, float(asked)) if asked.isdecimal() else wait
            if trial < TRIES - 1:
                time.sleep(min(wait, LONGEST_WAIT))
                wait *= 2
        raise kind(f"{shown(url)}: {told}; what was brought is kept, run the same command again to go on")


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    """What has come of an answer, without waiting until a block is full; unpacked where it is packed."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        yield from answer.iter_content(2**16)
        return
    try:
        while block := answer.raw.read1(2**16):
            yield block
    except HTTPError as error:
        raise requests.ConnectionError(error) from error


def _bounded(answer: requests.Response, most: int, url: str):
    size, begun = 0, time.monotonic()
    try:
        for block in _blocks(answer):
            size += len(block)
            spent = time.monotonic() - begun
            if spent > PATIENCE and size < SLOWEST * spent:
                raise SourceError(
                    f"{shown(url)} answers with {size / spent:.0f} bytes a second; what was brought is kept, "
                    "run the same command again to go on"
                )
            if size > most:
                raise SourceError(f"{shown(url)} answers with more than {most // 2**20} MB; ask for less")
            yield block
    except requests.RequestException as error:
        raise SourceError(
            f"{shown(url)} broke off its answer; what was brought is kept, run the same command again to go on"
        ) from error


def shown(url: str) -> str:
    """An address for a message: no password, not too long."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    text = f"{parts.scheme}://{host}{parts.path}" if host else url
    return text if len(text) <= 120 else text[:117] + "..."
