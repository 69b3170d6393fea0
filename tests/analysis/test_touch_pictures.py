"""Pictures of shapes with profiles, motions and parts: before a run, as films, and after it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.datasets import run
from helpers.experiments import checked
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, EventCollection
from PIL import Image

from sensoryforge.analysis import plots
from sensoryforge.analysis.choice import Choice
from sensoryforge.analysis.plots import activity, book, film, instants, report, scene
from sensoryforge.analysis.plots.rates import telling_axes
from sensoryforge.analysis.results import Results, load
from sensoryforge.commands import cli
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.trust import trust
from sensoryforge.design.experiment import Experiment
from sensoryforge.simulation.encoder import Encoder

BAR = ("stimuli=bar", "stimuli.length_mm=1", "stimuli.motion=line", "stimuli.motion.start_mm=-2")
"""A bar of 1 x 1 mm that comes from the left of a sheet of 1.8 mm."""
BATCH = """
pipeline: {grid_size: 12, duration_ms: 30}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli:
  - type: bar
    profile: trapezoid
    motion: {type: line, speed_mm_s: [20, 40]}
  - type: disc
    profile: {type: sine, frequency_hz: [20, 40]}
"""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return letters that pass at two speeds, most of the time off the sheet."""
    return load(
        run(
            tmp_path_factory.mktemp("letters"),
            "stimuli=braille",
            "stimuli.letter=[a,b,c]",
            "stimuli.amplitude=80",
            "stimuli.pitch_mm=0.5",
            "stimuli.dot_mm=0.5",
            "stimuli.motion.start_mm=-1.5",
            "stimuli.motion=line",
            "stimuli.motion.speed_mm_s=[100,200]",
            "pipeline.duration_ms=50",
            "stimuli.repetitions=2",
        )
    )


@pytest.fixture
def batch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "touch.yml"
    path.write_text(BATCH)
    return path


def rows_of(figure: Any) -> list[Any]:
    """Return the rows of a picture of stimuli; the sheet comes last."""
    return list(figure.subfigs)


def images_of(row: Any) -> list[Any]:
    images = []
    for axis in row.axes:
        if axis.get_title().endswith(" ms"):
            images += axis.get_images()
    return images


def titles(row: Any) -> list[str]:
    """Return the instants of a row."""
    return [axis.get_title() for axis in row.axes if axis.get_images() and axis.get_title()]


# --- which instants ---


def test_instants_are_spread_over_the_time_on_the_sheet() -> None:
    course = np.zeros(100)
    course[40:60] = 5.0
    chosen = instants.telling(course, 4)
    assert len(chosen) == 4
    assert (course[chosen] > 0).all()
    assert chosen[0] < 46 <= 54 < chosen[-1]


def test_instants_of_a_vibration_are_none_of_its_zeros() -> None:
    course = np.maximum(0, np.sin(np.arange(400) * np.pi / 20))
    assert (course[instants.telling(course, 5)] > 0.4).all()
    short = np.zeros(50)
    short[7] = 1.0
    assert instants.telling(short, 4).tolist() == [7]


def test_samples_that_are_left_out_follow_no_rhythm() -> None:
    from sensoryforge.analysis.plots.planned import _spread_over

    samples = _spread_over(10_000, 500)
    assert len(set(samples.tolist())) == 500
    assert (np.diff(samples) > 0).all()
    assert samples[-1] < 10_000
    # A vibration of a period of the mean step is met at all its phases.
    assert np.ptp(np.sin(samples * 2 * np.pi / 20)) > 1.9


# --- stimuli before a run ---


def test_a_row_is_what_the_encoder_is_given() -> None:
    experiment = checked(*BAR, "pipeline.grid_size=12", "pipeline.duration_ms=100")
    figure = plots.stimulus(experiment)
    row, _sheet = rows_of(figure)
    drive = pressure(experiment, 0)
    shown = images_of(row)
    assert len(shown) == 4
    for image, title in zip(shown, titles(row), strict=True):
        sample = round(float(title.removesuffix(" ms")) / 0.5)
        np.testing.assert_allclose(image.get_array(), drive[sample], atol=1e-4)
        assert image.get_array().max() > 0
    course = row.axes[4]
    assert course.get_title(loc="left").startswith("+ (")
    (stairs,) = [patch for patch in course.patches if hasattr(patch, "get_data")]
    values = stairs.get_data().values
    best = np.abs(drive.reshape(len(drive), -1) - values[:, None]).max(axis=0).min()
    assert best < 1e-4
    assert values.max() == pytest.approx(drive.max(), rel=1e-3)


def pressure(experiment: Experiment, index: int) -> Any:
    """Return what the encoder shapes of a stimulus, ``[T, rows, columns]``."""
    from dataclasses import replace

    saving = replace(experiment, batch=replace(experiment.batch, save=("stimulus",)))
    arrays = Encoder(saving)([(index, index + 1)]).arrays
    return arrays["stimulus"][0].numpy()


def test_some_conditions_of_some_families_are_drawn_and_it_is_said_how_many() -> None:
    entries = [f"+stimuli@stimuli.f{number}=gaussian" for number in range(8)]
    values = [f"stimuli.f{number}.amplitude=[{number + 1}1,{number + 1}2]" for number in range(8)]
    small = ("pipeline.grid_size=6", "pipeline.duration_ms=10")
    figure = plots.stimulus(checked("~stimuli", *entries, *values, *small))
    assert figure.get_suptitle() == (
        "Stimuli before a run: 6 of 16 conditions of 6 of 8 families, 16 stimuli in all"
    )
    words = [row.get_suptitle() for row in rows_of(figure)[:-1]]
    assert len(words) == 6
    assert words[0] == "gaussian, condition 1 of 2: amplitude 11"
    figure = plots.stimulus(checked("stimuli.amplitude=[1,2,3,4,5]", *small))
    assert figure.get_suptitle() == "Stimuli before a run: 3 of 5 conditions, 5 stimuli in all"
    words = [row.get_suptitle() for row in rows_of(figure)[:-1]]
    assert [word[-1] for word in words] == ["1", "3", "5"]


def test_conditions_of_a_family_have_one_scale_up_to_their_highest() -> None:
    values = ("stimuli=disc", "stimuli.profile=sine", "stimuli.amplitude=[10,20]")
    figure = plots.stimulus(checked(*values, "pipeline.grid_size=12"))
    limits = {image.get_clim() for row in rows_of(figure)[:-1] for image in images_of(row)}
    ((low, high),) = limits
    assert low == 0
    # It vibrates by half its amplitude.
    assert high == pytest.approx(30, rel=0.01)


def test_one_stimulus_is_drawn_by_its_index() -> None:
    experiment = checked("stimuli.sigma=[0.3,0.6]", "stimuli.repetitions=2", "pipeline.grid_size=6")
    row, _sheet = rows_of(plots.stimulus(experiment, 3))
    assert row.get_suptitle() == "gaussian, condition 2 of 2: sigma 0.6 mm"
    with pytest.raises(ConfigError, match="stimulus: got 4, allowed is 0 to 3"):
        plots.stimulus(experiment, 4)


def test_the_last_row_has_where_neurons_and_receptors_lie() -> None:
    experiment = checked("pipeline.grid_size=12", "neurons.sa_neurons=5", "neurons.ra_neurons=7")
    sheet = rows_of(plots.stimulus(experiment))[-1]
    for axis, name in zip(sheet.axes, ("sa", "ra"), strict=True):
        (circles,) = [one for one in axis.collections if isinstance(one, EllipseCollection)]
        np.testing.assert_array_equal(circles.get_offsets(), experiment.places(name).xy_mm)
        receptors = next(line for line in axis.lines if line.get_label() == "receptors")
        assert len(receptors.get_xdata()) == 144


def test_a_stimulus_that_never_touches_the_sheet_says_so() -> None:
    figure = plots.stimulus(checked("stimuli.center_x=50", "pipeline.grid_size=6"))
    row = rows_of(figure)[0]
    assert [axis.get_title(loc="left") for axis in row.axes[4:5]] == ["nothing on the sheet"]


@pytest.mark.parametrize(("width", "side"), [(6.5, "[8,30]"), (10.0, "40"), (10.0, "[30,8]")])
def test_a_picture_of_a_composite_fits(width: float, side: str) -> None:
    parts = "{left:{type:gaussian,profile:step,center_x:-0.4},right:{type:bar,motion:{type:line,speed_mm_s:[10,20]}}}"
    experiment = checked(
        "stimuli=composite", f"stimuli.parts={parts}", f"pipeline.grid_size={side}"
    )
    figure = plots.stimulus(experiment, width=width)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [figure._suptitle, *(row._suptitle for row in rows_of(figure))]
    texts += [axis._left_title for axis in figure.axes]
    for text in (text for text in texts if text and text.get_text()):
        assert text.get_window_extent(renderer).x1 <= figure.bbox.x1 + 1, text.get_text()
    for axis in rows_of(figure)[-1].axes:
        assert axis.xaxis.label.get_window_extent(renderer).y0 >= 0


def test_a_class_of_the_users_that_fails_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_touch.py").write_text(
        "from sensoryforge.stimuli import Range, Stimulus\n"
        "class Failing(Stimulus):\n"
        "    ranges = {'amplitude': Range('-')}\n"
        "    def space(self, xy):\n"
        "        raise ValueError('no place')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    trust(["failing_touch"])
    entry = "stimuli={_target_:failing_touch.Failing,type:failing,amplitude:1,repetitions:1}"
    with pytest.raises(ConfigError, match=r"failing: .*no place"):
        plots.stimulus(checked("~stimuli", f"+{entry}", "pipeline.grid_size=6"))


# --- the command ---


def test_the_stimuli_of_a_batch_file_are_drawn_and_nothing_else_is_written(
    batch_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sensoryforge.running.execute.run_experiment", lambda *_, **__: pytest.fail("it runs")
    )
    assert cli.main(["plot", "touch.yml", "--stimulus"]) == 0
    assert capsys.readouterr().out == "Wrote touch_stimulus.png\n"
    assert sorted(path.name for path in batch_file.parent.iterdir()) == [
        "touch.yml",
        "touch_stimulus.png",
    ]
    assert Path("touch_stimulus.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main(["plot", "touch.yml", "--stimulus", "1", "--output", "a/b.svg"]) == 0
    svg = Path("a/b.svg").read_text()
    assert "Stimulus 1 of 4" in svg
    assert "motion_speed_mm_s 40 mm/s" in svg
    words = ["plot", "touch.yml", "pipeline.grid_size=6", "--stimulus", "3", "--format", "pdf"]
    assert cli.main(words) == 0
    assert Path("touch_stimulus.pdf").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.yml", "--stimulus"], "none.yml: no such file"),
        (["bad.yml", "--stimulus"], "stimuli.0.type: got 'baar', allowed are "),
        (["touch.yml"], "touch.yml: a batch file; its stimuli are drawn with --stimulus"),
        (["touch.yml", "--stimulus", "9"], "stimulus: got 9, allowed is 0 to 3"),
        (["touch.yml", "heatmap", "--stimulus"], "heatmap: touch.yml is no dataset; allowed is "),
        (["touch.yml", "--stimulus", "--movie"], "--movie: touch.yml is no dataset"),
        (["touch.yml", "--stimulus", "--output", "a.gif"], "format: got 'gif', allowed are png, "),
        (
            ["touch.yml", "--stimulus", "--output", "a.png", "--format", "svg"],
            "format: got 'svg', and the output is a.png",
        ),
        ([".", "--stimulus"], "stimulus: got no index, allowed is one of its table"),
        (
            ["--stimulus", "touch.yml"],
            "sensoryforge plot: argument --stimulus: got 'touch.yml', allowed is a whole number",
        ),
        ([".", "sheet", "--movie"], "--movie: got 'sheet' too, allowed is one at a time"),
    ],
)
def test_mistakes_are_said_in_one_line(
    batch_file: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    Path("bad.yml").write_text(BATCH.replace("bar", "baar"))
    assert cli.main(["plot", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1
    assert not list(Path().glob("*stimulus*"))


def test_the_help_has_stimuli_and_films(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["plot", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "with --stimulus a batch file, before any run" in said
    assert "--movie one stimulus as a film" in said
    assert "mp4 or gif" in said


# --- films ---


def test_a_film_has_its_frames_and_its_speed(
    letters: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plot", str(letters.directory), "--movie", "--format", "gif", "--stimulus", "2"]
    assert cli.main([*words, "--output", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == f"Wrote {tmp_path / 'movie.gif'}\n"
    assert "100/100" in said.err
    with Image.open(tmp_path / "movie.gif") as gif:
        # Frames that are the same are written as one that is shown longer.
        duration_ms = 0
        for number in range(gif.n_frames):
            gif.seek(number)
            duration_ms += gif.info["duration"]
        assert duration_ms == 100 * 50
        assert gif.size[0] == 800
    assert sorted(path.name for path in tmp_path.iterdir()) == ["movie.gif"]


def test_neurons_flash_in_the_frame_of_their_spikes(letters: Results) -> None:
    row = activity.strongest(letters)
    reel = film._Film(letters, row, 6.0)
    assert reel.count == film.frame_count(letters) == 100
    spikes = letters.spikes("sa")[row].numpy()
    assert spikes.any()
    for number in range(reel.count):
        reel.show(number)
        faces = reel._flashes[0].dots.get_facecolor()
        fires = spikes[number].astype(bool)
        assert (faces[fires, 3] == 1.0).all()
        assert (faces[~fires, 3] < 1.0).all()
        np.testing.assert_allclose(
            reel._shown[0].get_array(), scene.frames(letters, row, np.array([number]))[0]
        )
    assert reel._time.get_text() == "49.5 ms; shown 100 times slower"


def test_a_frame_of_many_samples_has_the_highest_drive_and_every_spike(
    letters: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = activity.strongest(letters)
    monkeypatch.setattr(film, "MOST_FRAMES", 20)
    monkeypatch.setattr(film, "_MOST_VALUES", 3 * 5 * 144)  # three frames at a time
    reel = film._Film(letters, row, 6.0)
    drive = scene.frames(letters, row, np.arange(100))
    assert reel.count == 20
    np.testing.assert_allclose(reel._images, drive.reshape(20, 5, 12, 12).max(axis=1), atol=0.5)
    spikes = letters.spikes("ra")[row].numpy()
    assert reel._flashes[1].spikes.sum() == spikes.sum()


def test_mp4_needs_ffmpeg_and_gif_does_not(
    letters: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert film.choose_format() == "gif"
    with pytest.raises(ConfigError, match="mp4 needs the program ffmpeg"):
        plots.save_movie(letters, tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match="format: got 'avi', allowed are mp4, gif"):
        plots.save_movie(letters, tmp_path / "a.avi")


@pytest.mark.posix
def test_with_ffmpeg_the_film_is_handed_to_it(
    letters: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    # It keeps the pixels, and how it was called.
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\necho "$@" > "$FFMPEG_SAID"\nexec cat > "$last"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FFMPEG_SAID", str(tmp_path / "said"))
    assert film.choose_format() == "mp4"
    path = plots.save_movie(letters, tmp_path / "a.mp4", width=4.03)
    said = (tmp_path / "said").read_text()
    width, height = map(int, said.partition("-s ")[2].split()[0].split("x"))
    assert "-vcodec h264" in said
    assert width % 2 == height % 2 == 0
    assert path.stat().st_size == 100 * width * height * 4


def test_a_film_that_fails_leaves_nothing(letters: Results, tmp_path: Path) -> None:
    def stop(number: int, _: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plots.save_movie(letters, tmp_path / "a.gif", progress=stop)
    assert not list(tmp_path.iterdir())


# --- datasets of shapes that move ---


def test_a_movie_shows_a_moving_stimulus_while_it_is_on_the_sheet(letters: Results) -> None:
    row = letters.where(letter="a", motion_speed_mm_s=200).table["index"].iloc[0]
    figure = plots.movie(letters, int(row))
    images = [image for axis in figure.axes for image in axis.get_images()]
    blank = [float(np.max(image.get_array())) < 1.0 for image in images]
    assert len(images) >= 3
    assert not any(blank)


def test_letters_have_a_place_each_on_every_axis(letters: Results) -> None:
    figure = plots.tuning(letters, "letter", "motion_speed_mm_s")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["a", "b", "c"]
    figure = plots.heatmap(letters, "motion_speed_mm_s", "letter")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    html = report.html(letters)
    assert "letter a, b, c" in html
    assert "left out" not in html


def test_a_list_of_one_value_within_a_motion_is_an_axis(letters: Results) -> None:
    one_speed = letters.where(motion_speed_mm_s=100)
    assert one_speed.axes == {"letter": ["a", "b", "c"], "motion_speed_mm_s": [100]}


def test_the_sheet_shows_the_whole_way_of_a_moving_stimulus(letters: Results) -> None:
    row = int(letters.where(letter="a").table["index"].iloc[0])
    axis = plots.sheet(letters, row).axes[0]
    (image,) = axis.get_images()
    drive = scene.frames(letters, row, np.arange(100))
    np.testing.assert_array_equal(image.get_array(), drive.max(axis=0))
    assert (image.get_array().max(axis=0) > 40).all()


def test_a_raster_of_a_moving_stimulus_is_in_the_order_of_touch(letters: Results) -> None:
    row = activity.strongest(letters)
    order, how = activity.raster_order(letters, row, "ra")
    assert how == "touched first"
    touched = scene.touch_samples(letters, row, "ra")
    assert (np.diff(touched[order][np.isfinite(touched[order])]) >= 0).all()
    x_mm = scene.positions(letters, "ra")[:, 0]
    reached = np.isfinite(touched)
    left, right = reached & (x_mm < -0.3), reached & (x_mm > 0.3)
    assert touched[left].max() < touched[right].min()
    axis = plots.response(letters, row).axes[1]
    assert axis.get_ylabel() == "neuron,\ntouched first"
    assert any(isinstance(artist, EventCollection) for artist in axis.get_children())


def test_long_names_are_broken_before_their_unit(letters: Results) -> None:
    table = letters.table.rename(columns={"motion_speed_mm_s": "right_part_motion_speed_mm_s"})
    longer = letters.take(range(len(letters)))
    vars(longer)["table"] = table
    longer.metadata["units"] = {"right_part_motion_speed_mm_s": "mm/s"}
    figure = plots.heatmap(longer, "letter", "right_part_motion_speed_mm_s")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axis in figure.axes:
        box = axis.yaxis.label.get_window_extent(canvas.get_renderer())
        assert box.y0 >= -1
        assert box.y1 <= figure.bbox.y1 + 1
    assert figure.axes[0].get_ylabel() == "right_part_motion_speed_mm_s\n(mm/s)"


def test_the_drive_of_what_moves_is_that_on_the_sheet_and_along_its_way(letters: Results) -> None:
    row = activity.strongest(letters)
    drive = scene.frames(letters, row, np.arange(100)).reshape(100, -1)
    axis = plots.response(letters, row).axes[0]
    bold, *thin = [patch.get_data().values for patch in axis.patches]
    np.testing.assert_allclose(bold, drive.max(axis=1))
    assert 2 <= len(thin) <= 5
    title = " ".join(axis.get_title(loc="left").split())
    assert title.startswith("Highest drive on the sheet")
    assert title.endswith(f"thin lines: at {len(thin)} receptors along its way")
    for course in thin:
        assert any(np.array_equal(course, receptor) for receptor in drive.T)
        assert course.max() > 0.5 * drive.max()
    # They are touched one after the other.
    middles = [np.average(np.arange(100), weights=course >= 0.98 * course.max()) for course in thin]
    assert (np.diff(middles) > 0).all()


def test_the_drive_of_what_rests_is_that_of_one_receptor(dataset: Path) -> None:
    axis = plots.response(load(dataset)).axes[0]
    assert len(axis.patches) == 1
    assert axis.get_title(loc="left").startswith("Drive at the receptor where it is highest")


def test_what_moves_and_presses_nothing_is_drawn_without_receptors(tmp_path: Path) -> None:
    silent = ["stimuli=disc", "stimuli.amplitude=0", "stimuli.motion=circle"]
    axis = plots.response(load(run(tmp_path, *silent))).axes[0]
    assert axis.get_title(loc="left") == "Highest drive on the sheet"
    assert len(axis.patches) == 1


# --- which stimuli of a batch file ---


@pytest.mark.parametrize(
    ("words", "headline"),
    [
        (["--where", "motion_speed_mm_s = 40"], "only motion_speed_mm_s == 40: 1 condition"),
        (["--where", "profile_frequency_hz>20"], "only profile_frequency_hz &gt; 20: 1 condition"),
        (["--type", "disc"], "only type disc: 2 conditions"),
        (["--type", "bar", "--stimulus", "1"], "Stimulus 1 of 4"),
    ],
)
def test_conditions_choose_stimuli_of_a_batch_file(
    batch_file: Path, words: list[str], headline: str
) -> None:
    asked = words if "--stimulus" in words else [*words, "--stimulus"]
    assert cli.main(["plot", "touch.yml", *asked, "--format", "svg"]) == 0
    assert headline in Path("touch_stimulus.svg").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--where", "letter = b", "--stimulus"],
            "where: got 'letter', allowed are type, amplitude, length_mm, ",
        ),
        (
            ["--where", "motion_speed_mm_s > 40", "--stimulus"],
            "where: no stimulus has motion_speed_mm_s > 40; motion_speed_mm_s is 20 to 40\n",
        ),
        (
            ["--where", "motion_speed_mm_s", "--stimulus"],
            "where: got 'motion_speed_mm_s', allowed is a column, one of == = != < <= > >=, and a "
            "number or a text, such as 'amplitude > 20', several joined by 'and'\n",
        ),
        (["--type", "disc", "--stimulus", "1"], "stimulus: got 1, which is none with type disc\n"),
        (["--window", "0,10", "--stimulus"], "--window: touch.yml is no dataset; "),
    ],
)
def test_conditions_that_no_stimulus_of_a_batch_file_meets_are_one_line(
    batch_file: Path, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plot", "touch.yml", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1


def test_a_file_of_a_batch_file_is_chosen_by_its_name(tmp_path: Path) -> None:
    for name, columns in (("a", 2), ("b", 3)):
        np.save(tmp_path / f"{name}.npy", np.ones((2, columns)))
    files = f"[{tmp_path / 'a.npy'},{tmp_path / 'b.npy'}]"
    experiment = checked("stimuli=image", f"stimuli.file={files}", "pipeline.grid_size=6")
    choice = Choice.from_words([], ["file = b.npy"])
    row, _sheet = rows_of(plots.stimulus(experiment, choice=choice))
    assert "condition 2 of 2" in row.get_suptitle()


# --- axes and windows ---


def test_a_swept_frequency_is_the_axis_of_tuning_then_what_has_most_values(tmp_path: Path) -> None:
    words = ["stimuli=disc", "stimuli.amplitude=[10,20,30]", "stimuli.profile=sine"]
    words += ["stimuli.diameter_mm=[1,1.2,1.4,1.6]", "stimuli.profile.frequency_hz=[50,100]"]
    results = load(run(tmp_path, *words))
    assert telling_axes(results) == ["profile_frequency_hz", "diameter_mm", "amplitude"]
    captions = {page.name: page.caption for page in book.pages(results, ["tuning", "heatmap"])}
    assert captions["tuning"] == "Tuning to profile_frequency_hz for each diameter_mm"
    assert captions["heatmap"] == "Rates over profile_frequency_hz and diameter_mm"
    asked = book.Wishes(axes=("amplitude",))
    (page,) = book.pages(results, ["tuning"], asked)
    assert page.caption == "Tuning to amplitude"


def test_seeds_of_patterns_come_last_among_axes(tmp_path: Path) -> None:
    words = ["stimuli=texture", "stimuli.pattern_seed=[0,1,2]", "stimuli.beta=[0,2]"]
    assert telling_axes(load(run(tmp_path, *words))) == ["beta", "pattern_seed"]


@pytest.mark.parametrize(
    ("window", "shown"), [("10,20", "10 to 20 ms"), ("10,", "10 to 50 ms"), ("0, 5", "0 to 5 ms")]
)
def test_the_window_of_the_command_line_is_that_of_python(
    letters: Results, tmp_path: Path, window: str, shown: str
) -> None:
    words = ["plot", str(letters.directory), "tuning", "heatmap", "--window", window]
    assert cli.main([*words, "--format", "svg", "--output", str(tmp_path)]) == 0
    for name in ("tuning", "heatmap"):
        assert shown in (tmp_path / f"{name}.svg").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--window", "10"], "got '10', allowed is START,STOP in ms, such as 50,200, or 50, up to"),
        (["--window", "a,b"], "got 'a,b', allowed is START,STOP in ms"),
        (["--window", "20,10"], "window: got 20 to 10 ms, allowed is start_ms < stop_ms"),
        (["--window", "0,99"], "window: got 0 to 99 ms, allowed is start_ms < stop_ms"),
        (
            ["response", "--window", "0,9"],
            "--window: response shows all of a stimulus, allowed with tuning, heatmap or thresholds",
        ),
        (["--movie", "--window", "0,9"], "--window: movie shows all of a stimulus"),
    ],
)
def test_a_window_that_is_none_is_one_line(
    letters: Results,
    words: list[str],
    line: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    pictures = [] if words[0] in ("response", "--movie") else ["tuning"]
    asked = ["plot", str(letters.directory), *pictures, *words, "--output", str(tmp_path)]
    assert cli.main(asked) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
