"""Downloads one file, completely and checked by its sha256.

An interrupted transfer is resumed; a download that fails in the end leaves no partial file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from siamlab.errors import DownloadError
from siamlab.system.files import drop_stale, storage_errors

TRIES = 5  # in a row without a further byte
MOST_TRIES = 40  # in all
WAIT = 0.5  # seconds before the second try; doubled for each further try
TIMEOUT = 30.0
CHUNK = 1 << 14  # after a cut, what arrived of the last chunk is requested again


class _CutError(Exception):
    """The transfer ended early; another try may help."""


def download(
    url: str, folder: Path | str, name: str, sha256: str | None = None, progress: bool = True
) -> Path:
    """Download a file, unless it is there already.

    Args:
        url: an http or https address.
        folder: the target folder; made if absent.
        name: the file's name there.
        sha256: the expected digest, 64 hexadecimal digits; ``None`` skips the check.
        progress: show a bar on standard error, where that is a terminal.

    Returns:
        ``folder/name``.

    Raises:
        DownloadError: the server cannot be reached, does not have the file, cuts the connection
            repeatedly, or sends something else.
        StorageError: the disk is full or the folder is read-only.
    """
    import pooch

    path = Path(folder) / name
    with storage_errors(path), _quiet(pooch.get_logger()):
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_stale(path.parent, "tmp")  # pooch's name for a file on its way
        try:
            pooch.retrieve(
                url,
                known_hash=None if sha256 is None else f"sha256:{sha256}",
                fname=name,
                path=path.parent,
                downloader=partial(_resuming, progress),
            )
        except ValueError:  # raised by pooch for another digest; it has removed the file
            raise DownloadError(
                f"What came from {url} is not the expected file: its sha256 differs. Try again, or "
                "get the file by other means and give its path."
            ) from None
    return path


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def hide_bar(shown: bool) -> bool | None:
    """``disable`` of a progress bar: ``None`` hides it where it would fill a file."""
    return None if shown else True


def _resuming(progress: bool, url: str, output_file: str, pooch: Any) -> None:
    """A downloader for pooch that requests the missing rest after a cut."""
    from tqdm import tqdm

    what, hidden = f"downloading {url.rsplit('/', 1)[-1]}", hide_bar(progress)
    with (
        Path(output_file).open("wb") as out,
        tqdm(desc=what, unit="B", unit_scale=True, disable=hidden) as bar,
    ):
        idle = 0
        for _ in range(MOST_TRIES):
            before = out.tell()
            try:
                return _transfer(url, out, bar)
            except _CutError as error:
                reason = str(error)
            idle = 0 if out.tell() > before else idle + 1
            if idle >= TRIES:
                break
            time.sleep(WAIT * 2**idle)
    raise DownloadError(
        f"{url} cannot be downloaded: {reason}. Try later, or get the file by other means and "
        "give its path."
    )


def _transfer(url: str, out: IO[bytes], bar: Any) -> None:
    """Request the file, or what is missing of it."""
    import requests

    # With compression, lengths and ranges would count other bytes.
    headers = {"Accept-Encoding": "identity", "User-Agent": "siamlab"}
    if out.tell():
        headers["Range"] = f"bytes={out.tell()}-"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            _check_status(url, answer.status_code)
            sent = str(answer.headers.get("Content-Range", ""))
            if answer.status_code != 206 or not sent.startswith(f"bytes {out.tell()}-"):
                out.seek(0)
                out.truncate()
                bar.reset()
            if answer.status_code == 416:
                raise _CutError("the server cannot continue a transfer")
            _receive(answer, out, bar)
    except requests.RequestException as error:
        if isinstance(error, ValueError):  # no host, no scheme, or one that is not http
            raise DownloadError(f"{url!r} is no address to download from.") from None
        raise _CutError(_reason(error)) from None


def _check_status(url: str, status: int) -> None:
    if status >= 500 or status in {408, 429}:
        raise _CutError(f"the server is not able to answer now (status {status})")
    if status >= 400 and status != 416:
        raise DownloadError(f"{url} cannot be downloaded: the server answers with status {status}.")


def _receive(answer: Any, out: IO[bytes], bar: Any) -> None:
    length = answer.headers.get("Content-Length")
    expected = None if length is None else out.tell() + int(length)
    bar.total = expected
    for chunk in answer.iter_content(CHUNK):
        out.write(chunk)
        bar.update(len(chunk))
    out.flush()
    if expected is not None and out.tell() < expected:
        raise _CutError("the connection was cut")


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"the server did not answer in {TIMEOUT:g} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let it through"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return "the connection was cut"
