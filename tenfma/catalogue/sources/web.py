"""Asking other machines politely: who asks is said, answers are bounded, pauses are as long as they ask for."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

import tenfma
from tenfma.catalogue.sources import SourceError
from tenfma.whole import whole

#: seconds
TIMEOUT = 60
#: tries where a server is busy or out of reach, and the first wait between them, doubled each time
TRIES = 5
WAIT = 1.0
LONGEST_WAIT = 120.0
BUSY = (429, 500, 502, 503, 504)
LARGEST_ANSWER = 128 * 2**20
LARGEST_FILE = 2 * 2**30


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
        wait, told = WAIT, "it did not answer"
        for trial in range(TRIES):
            time.sleep(max(0.0, self._last + self.pause - time.monotonic()))
            self._last = time.monotonic()
            try:
                answer = self._session.get(url, timeout=TIMEOUT, stream=True)
            except requests.RequestException as error:
                told = f"it could not be reached ({type(error).__name__})"
            else:
                if answer.ok:
                    return answer
                told = f"it answered {answer.status_code} {answer.reason}"
                asked = answer.headers.get("Retry-After", "")
                answer.close()
                if answer.status_code not in BUSY:
                    break
                wait = max(wait, float(asked)) if asked.isdecimal() else wait
            if trial < TRIES - 1:
                time.sleep(min(wait, LONGEST_WAIT))
                wait *= 2
        raise SourceError(
            f"{shown(url)}: {told}; what was brought is kept, run the same command again to go on"
        )


def _bounded(answer: requests.Response, most: int, url: str):
    size = 0
    try:
        for block in answer.iter_content(2**16):
            size += len(block)
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
