"""Every output format keeps the same promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from helpers.store import FORMATS, METADATA, arrays, design, entry, identity
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.store import files
from sensoryforge.store.formats import FileReader, locate_format, shipped_formats
from sensoryforge.store.formats.base import Arrays, Source
from sensoryforge.store.table import Entry, from_json, to_json

every_format = pytest.mark.parametrize("format", FORMATS)
numbers = st.one_of(
    st.integers(-(1 << 70), 1 << 70),
    st.floats(allow_nan=False),
    st.sampled_from([0.1, float("inf")]),
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
parameters = st.dictionaries(
    st.from_regex(r"p_[a-z]{1,8}", fullmatch=True), st.one_of(numbers, texts), max_size=5
)


def write_part(format: str, path: Path, entries: list[Entry], made: Arrays) -> Path:
    with files.replacing(path, "part") as sink:
        locate_format(format).write(sink, entries, made)
    return path


def write_results(
    format: str, path: Path, sources: list[Source], metadata: dict[str, Any] = METADATA
) -> FileReader:
    with files.replacing(path, "results") as sink:
        locate_format(format).merge(sink, sources, metadata)
    return locate_format(format).reader(path)


def part_of(format: str, path: Path, ids: list[str], first: int = 0) -> Path:
    made = [entry(first + row, one) for row, one in enumerate(ids)]
    return write_part(format, path, made, arrays(ids, drive=True))


def same(value: Any, other: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.dtype == other.dtype and torch.equal(value, other)
    return type(value) is type(other) and value == other


def test_the_formats_are_the_files_in_the_package() -> None:
    assert tuple(format.name for format in shipped_formats()) == FORMATS
    assert [format.results_name for format in shipped_formats()] == ["results.h5", "results.pt"]
    assert [format.written_name for format in shipped_formats()] == [*FORMATS]


def test_an_unknown_format_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigError,
        match=r"checkpoint.pt, format: got 'hdf', allowed are hdf5, pytorch; did you mean 'hdf5'\?",
    ):
        locate_format("hdf")


@every_format
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, format: str, data: st.DataObject
) -> None:
    count, samples, neurons = (data.draw(st.integers(1, high)) for high in (5, 7, 9))
    made: Arrays = {
        "ra_spikes": torch.rand(count, samples, neurons)
        < data.draw(st.sampled_from([0.0, 0.2, 1.0])),
        "sa_drive": torch.randn(count, samples, neurons),
        "stimulus": torch.randn(count, samples, 2, 3),
    }
    entries = [
        {
            "index": row,
            "id": identity(row),
            "seed": data.draw(st.integers(0, (1 << 63) - 1)),
            "repetition": row,
            "parameters": {"type": "gaussian", **data.draw(parameters)},
            **({"error": data.draw(texts)} if data.draw(st.booleans()) else {}),
        }
        for row in range(count)
    ]
    directory = tmp_path_factory.mktemp("data")
    part = write_part(format, directory / f"part.{locate_format(format).suffix}", entries, made)
    for reader in (
        locate_format(format).reader(part),
        write_results(format, part.with_stem("results"), [Source(part, range(count))]),
    ):
        assert list(reader.entries) == entries
        assert list(reader.shapes) == list(made)
        assert all(
            same(reader.array(row, name), made[name][row]) for row in range(count) for name in made
        )


@every_format
def test_the_metadata_come_back_as_they_were(tmp_path: Path, format: str) -> None:
    part = part_of(format, tmp_path / f"part.{locate_format(format).suffix}", design(2))
    read = write_results(format, part.with_stem("results"), [Source(part, [0, 1])]).metadata
    assert set(read) == set(METADATA)
    assert all(same(read[name], METADATA[name]) for name in METADATA)


@every_format
@pytest.mark.parametrize("size", [3, 100])
def test_a_merge_takes_rows_in_any_order_and_numbers_them_anew(
    tmp_path: Path, format: str, size: int
) -> None:
    suffix, ids = locate_format(format).suffix, design(2 * size)
    first = part_of(format, tmp_path / f"a.{suffix}", ids[:size])
    second = part_of(format, tmp_path / f"b.{suffix}", ids[size:])
    sources = [Source(second, [2, 1]), Source(first, range(size)), Source(second, [0])]
    reader = write_results(format, tmp_path / f"results.{suffix}", sources)
    wanted = [ids[size + 2], ids[size + 1], *ids[:size], ids[size]]
    expected = arrays(wanted, drive=True)
    assert [one["id"] for one in reader.entries] == wanted
    assert [one["index"] for one in reader.entries] == list(range(size + 3))
    assert all(
        same(reader.array(row, name), made[row])
        for name, made in expected.items()
        for row in range(size + 3)
    )


@every_format
def test_a_results_file_may_be_merged_again(tmp_path: Path, format: str) -> None:
    suffix, ids = locate_format(format).suffix, design(6)
    old = part_of(format, tmp_path / f"part.{suffix}", ids[::2])
    write_results(format, tmp_path / f"results.{suffix}", [Source(old, range(3))])
    new = part_of(format, tmp_path / f"new.{suffix}", ids[1::2])
    sources = [
        Source(path, [row]) for row in range(3) for path in (tmp_path / f"results.{suffix}", new)
    ]
    reader = write_results(format, tmp_path / f"results.{suffix}", sources)
    assert [one["id"] for one in reader.entries] == ids
    assert torch.equal(
        torch.stack([reader.array(row, "sa_drive") for row in range(6)]),
        arrays(ids, drive=True)["sa_drive"],
    )


@every_format
def test_files_of_other_shapes_are_not_merged(tmp_path: Path, format: str) -> None:
    suffix, ids = locate_format(format).suffix, design(2)
    one = write_part(
        format, tmp_path / f"a.{suffix}", [entry(0, ids[0])], arrays(ids[:1], samples=5)
    )
    two = write_part(
        format, tmp_path / f"b.{suffix}", [entry(1, ids[1])], arrays(ids[1:], samples=6)
    )
    with pytest.raises(StorageError, match="do not match"):
        write_results(format, tmp_path / f"results.{suffix}", [Source(one, [0]), Source(two, [0])])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]


@every_format
def test_a_tensor_handed_out_is_the_users_own(tmp_path: Path, format: str) -> None:
    ids = design(3)
    path = part_of(format, tmp_path / f"part.{locate_format(format).suffix}", ids)
    reader = locate_format(format).reader(path)
    array = reader.array(1, "sa_spikes")
    assert array.untyped_storage().nbytes() == array.nbytes
    array.fill_(True)
    assert torch.equal(
        locate_format(format).reader(path).array(1, "sa_spikes"), arrays(ids)["sa_spikes"][1]
    )


@every_format
def test_a_slice_of_a_larger_buffer_is_written_alone(tmp_path: Path, format: str) -> None:
    ids = design(3)
    spikes = torch.rand(100, 50, 40) < 0.5
    entries = [entry(row, one) for row, one in enumerate(ids)]
    path = write_part(
        format,
        tmp_path / f"part.{locate_format(format).suffix}",
        entries,
        {"sa_spikes": spikes[7:10]},
    )
    assert path.stat().st_size < 20_000
    assert torch.equal(locate_format(format).reader(path).array(2, "sa_spikes"), spikes[9])


def test_results_pt_is_plain_containers_and_tensors_for_torch_load(tmp_path: Path) -> None:
    ids = design(150)
    part = part_of("pytorch", tmp_path / "part.pt", ids)
    reader = write_results("pytorch", tmp_path / "results.pt", [Source(part, range(150))])
    plain = torch.load(tmp_path / "results.pt")
    assert list(plain) == ["stimuli", "metadata"]
    names = [
        "parameters",
        "sa_spikes",
        "ra_spikes",
        "sa_drive",
        "id",
        "seed",
        "repetition",
        "index",
    ]
    for row, stimulus in enumerate(plain["stimuli"]):
        assert list(stimulus) == names
        assert all(torch.equal(stimulus[name], reader.array(row, name)) for name in reader.shapes)
        assert all(same(stimulus[name], reader.entries[row][name]) for name in reader.entries[row])
    assert all(same(plain["metadata"][name], METADATA[name]) for name in METADATA)


def test_results_pt_shares_a_storage_between_many_stimuli(tmp_path: Path) -> None:
    ids = design(300)
    parts = [part_of("pytorch", tmp_path / f"{row}.pt", [one], row) for row, one in enumerate(ids)]
    write_results("pytorch", tmp_path / "results.pt", [Source(part, [0]) for part in parts])
    stimuli = torch.load(tmp_path / "results.pt")["stimuli"]
    assert len({one["sa_spikes"].untyped_storage().data_ptr() for one in stimuli}) == 2
    assert torch.equal(torch.stack([one["sa_spikes"] for one in stimuli]), arrays(ids)["sa_spikes"])


def test_results_h5_is_read_as_users_were_told(tmp_path: Path) -> None:
    ids = design(3)
    part = part_of("hdf5", tmp_path / "part.h5", ids)
    write_results("hdf5", tmp_path / "results.h5", [Source(part, range(3))])
    with h5py.File(tmp_path / "results.h5", "r") as file:
        assert list(file.keys()) == ["stimulus_0000", "stimulus_0001", "stimulus_0002"]
        stimulus = file["stimulus_0001"]
        assert sorted(stimulus.keys()) == ["ra_spikes", "sa_drive", "sa_spikes"]
        spikes = stimulus["sa_spikes"]
        assert (spikes.dtype, spikes.compression, spikes.chunks) == (np.uint8, "gzip", spikes.shape)
        np.testing.assert_array_equal(spikes[:], arrays(ids)["sa_spikes"][1].numpy())
        read = dict(stimulus.attrs)
        assert read == {
            **entry(1, ids[1])["parameters"],
            "id": ids[1],
            "seed": (1 << 62) + 1,
            "repetition": 1,
            "index": 1,
        }
        assert isinstance(read["type"], str)
        assert file.attrs["version"] == "0.1.0"
        np.testing.assert_array_equal(file.attrs["sa_xy_mm"], METADATA["sa_xy_mm"].numpy())


def test_an_array_too_large_for_one_chunk_is_still_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensoryforge.store.formats.hdf5.writer._CHUNK_BYTES", 100)
    made = {"stimulus": torch.randn(2, 11, 3, 4)}
    path = write_part(
        "hdf5", tmp_path / "part.h5", [entry(row, one) for row, one in enumerate(design(2))], made
    )
    assert torch.equal(locate_format("hdf5").reader(path).array(1, "stimulus"), made["stimulus"][1])


@pytest.mark.parametrize("count", [9_999, 10_001])
def test_groups_sort_in_the_order_of_the_design(tmp_path: Path, count: int) -> None:
    ids = design(count)
    entries = [{**entry(row, one), "parameters": {"type": "t"}} for row, one in enumerate(ids)]
    made = {"sa_spikes": torch.zeros(count, 1, 1, dtype=torch.bool)}
    path = write_part("hdf5", tmp_path / "part.h5", entries, made)
    with h5py.File(path, "r") as file:
        names = list(file)
        assert [file[names[row]].attrs["index"] for row in (0, 999, count - 1)] == [
            0,
            999,
            count - 1,
        ]
        assert {len(name) for name in names} == {len("stimulus_") + (4 if count < 10_000 else 5)}


def test_layouts_of_many_neurons_fit_into_the_attributes(tmp_path: Path) -> None:
    part = part_of("hdf5", tmp_path / "part.h5", design(1))
    layout = torch.rand(20_000, 2, dtype=torch.float64)
    reader = write_results(
        "hdf5", tmp_path / "results.h5", [Source(part, [0])], {"pc_xy_mm": layout}
    )
    assert torch.equal(reader.metadata["pc_xy_mm"], layout)


def test_a_value_keeps_its_type_beside_an_equal_one() -> None:
    values = [1, 1.0, True, 0.0, -0.0, 2**62, "1", "1"]
    entries = [
        {**entry(row, str(row)), "parameters": {"amplitude": value}}
        for row, value in enumerate(values)
    ]
    found = from_json([to_json(entries[:3], {}), to_json(entries[3:], {})]).entries
    assert [repr(one) for one in found] == list(map(repr, entries))
