"""The archive that ``torch.save`` writes, with a record of ours in it.

The record is JSON, which needs neither torch nor a pickle. An archive is a zip file: users read it
with ``torch.load``, which leaves our record alone, and we read the record. Zip keeps a checksum of
each record, so that damage shows; ``torch.load`` does not look at it.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any, cast

from sensoryforge.store.files import Sink, reading

RECORD = "sensoryforge.json"
"""Name of our record, inside the archive's only folder."""


def save_archive(data: dict[str, Any], sink: Sink) -> None:
    """Write plain values both as ``torch.load`` reads them and as JSON, in one piece.

    Parameters
    ----------
    data
        Dictionaries, lists, texts, numbers and None.
    sink
        The file being written.
    """
    archive = BytesIO()
    save_tensors(data, archive)
    add_record(archive, json.dumps(data, separators=(",", ":")))
    # Not getbuffer: a view that a traceback still holds is in the way of the buffer's end.
    sink.write(archive.getvalue())


def load_archive(path: Path) -> dict[str, Any]:
    """Return the plain values that ``save_archive`` wrote.

    Those of version 0.1.0 have no JSON, and are read by torch.

    Raises
    ------
    StorageError
        If the file cannot be read; DamagedError if it is not what was written.
    """
    with reading(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged:
                raise ValueError(f"{damaged} is not what its checksum says")
            records = records_of(archive)
            if RECORD in records:
                data = json.loads(stored_bytes(archive, records[RECORD]))
            else:
                data = _load_with_torch(path)
        if not isinstance(data, dict):
            raise TypeError("not a dict")
        return data


def save_tensors(data: Any, file: Sink | BytesIO) -> None:
    """Write containers of plain values and tensors as ``torch.load`` reads them by default."""
    import torch

    torch.save(data, cast("IO[bytes]", file))


def add_record(file: Path | BytesIO, text: str) -> None:
    """Add our record to an archive that torch has written."""
    with zipfile.ZipFile(file, "a") as archive:
        folder, _, _ = archive.namelist()[0].partition("/")
        archive.writestr(f"{folder}/{RECORD}", text)


def records_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the records of an archive by their names inside its folder."""
    records = {}
    for info in archive.infolist():
        name = info.filename.split("/", 1)[-1]
        records[name] = info
    return records


def stored_bytes(archive: zipfile.ZipFile, record: zipfile.ZipInfo) -> bytes:
    """Return a record's bytes, their checksum verified.

    Ours are never compressed: a small file cannot swell.
    """
    if record.compress_type != zipfile.ZIP_STORED:
        raise ValueError("a compressed record")
    return archive.read(record)


def _load_with_torch(path: Path) -> Any:
    """Return what torch reads without running any code; ValueError unless it is plain values."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a pickle that torch would have written otherwise
        try:
            data = torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:
            raise ValueError("not plain values") from error
    json.dumps(data)  # TypeError for a tensor
    return data
