"""Videos: frames are translated alike; sound, times, and the coding of colours stay as they were."""

from __future__ import annotations

import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from torch import nn

from itrans.api import GENERATORS, load, train

LIMITED, FULL, BT709, BT601 = 1, 2, 1, 5
WIDTH, HEIGHT, FRAMES = 64, 48, 12


class Same(nn.Module):
    """Gives what it is given, and noise to see whether it is the same in all frames."""

    def __init__(self, *, in_channels: int, out_channels: int, drop: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.drop = nn.Dropout(drop)

    def forward(self, source):
        return self.drop(source) * self.weight


@pytest.fixture
def translator(recipe, tmp_path):
    """Return what translates with `Same`."""
    GENERATORS.register("same", replace=True)(Same)

    def make(**arguments):
        values = {"generator": {"name": "same", **arguments}, "train.steps": 1, "optimizer.lr": 1e-30}
        folder = tmp_path / "-".join(["run", *(f"{key}{value}" for key, value in arguments.items())])
        run = train(recipe, set=values | {"validation.every": 0}, output=folder, progress=False)
        return load(run.checkpoint, precision="fp32")

    yield make
    GENERATORS.unregister("same")


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    image = np.empty((height, width, 3), np.uint8)
    image[:, :, 0] = np.linspace(10, 245, width)
    image[:, :, 1] = 20 * number % 256
    image[:, :, 2] = np.linspace(245, 10, height)[:, None]
    return image


def write(path, *, codec="libx264", pixels="yuv420p", value_range=LIMITED, space=BT601, times=None, sound=True, **size):
    """Write a video of smooth colours, with a tone."""
    times = times or range(FRAMES)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size.get("width", WIDTH), size.get("height", HEIGHT)
        stream.pix_fmt = pixels
        stream.codec_context.color_range, stream.codec_context.colorspace = value_range, space
        tone = container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000) if sound else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, stream.width, stream.height), format="rgb24")
            frame = frame.reformat(format=pixels, dst_colorspace=space, dst_color_range=value_range)
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for start in range(0, 20 * 1024, 1024) if tone is not None else ():
            wave = np.sin(np.arange(start, start + 1024) / 20) * 8000
            frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(tone.encode(frame))
        if tone is not None:
            container.mux(tone.encode(None))


def read(path):
    """Return the frames, their colours as RGB, and the packets of sound."""
    with av.open(str(path)) as container:
        frames = [*container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [bytes(packet) for packet in container.demux(*container.streams.audio) if packet.dts is not None]
    space = {"src_colorspace": int(frames[0].colorspace), "src_color_range": int(frames[0].color_range)}
    return frames, np.stack([frame.to_ndarray(format="rgb24", **space) for frame in frames]).astype(int), sound


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "libx264"), (".webm", "libvpx-vp9"), (".mkv", "ffv1")])
@pytest.mark.parametrize("value_range", [LIMITED, FULL])
@pytest.mark.parametrize("space", [BT601, BT709])
def test_colours_times_and_sound_stay(translator, itrans, tmp_path, suffix, codec, value_range, space):
    checkpoint = translator().checkpoint
    path = tmp_path / f"clip{suffix}"
    write(path, codec=codec, value_range=value_range, space=space)
    done = itrans("translate", checkpoint, path, "-o", "out", "--precision", "fp32", "--batch-size", 5)
    assert done.exit_code == 0, done.output
    assert "1 of 1 input translated" in done.output
    before, colours, sound = read(path)
    after, made, copied = read(tmp_path / "out" / path.name)
    assert [frame.pts * frame.time_base for frame in after] == [frame.pts * frame.time_base for frame in before]
    assert (after[0].color_range, after[0].colorspace) == (value_range, space)
    assert copied == sound != []
    assert np.abs(made - colours).mean() < 2  # it has been encoded once more
    assert np.abs(made.mean((1, 2)) - colours.mean((1, 2))).max() < 4  # of another range or coding: 8 and more


def test_uneven_times_stay(translator, itrans, tmp_path):
    checkpoint, times = translator().checkpoint, [0, 1, 4, 5, 9, 20]
    write(tmp_path / "clip.mkv", times=times)
    assert itrans("translate", checkpoint, "clip.mkv", "-o", "out.mkv").exit_code == 0
    frames, _, _ = read(tmp_path / "out.mkv")
    assert [round(float(frame.pts * frame.time_base) * 25) for frame in frames] == times


def test_noise_is_the_same_in_all_frames_and_that_of_the_seed(translator, itrans, tmp_path):
    made = translator(drop=0.5)
    still = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    with av.open(str(tmp_path / "still.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="rgb24")))
        container.mux(stream.encode(None))
    done = itrans("translate", made.checkpoint, "still.mkv", "-o", "out", "--samples", 2, "--batch-size", 3)
    assert done.exit_code == 0, done.output
    first, second = (read(tmp_path / "out" / f"still-{number}.mkv")[1] for number in (1, 2))
    assert all(np.array_equal(first[0], frame) for frame in first)
    assert np.abs(first[0] - second[0]).mean() > 10


def test_frames_are_turned_as_a_player_shows_them(translator, monkeypatch, tmp_path, itrans):
    checkpoint = translator().checkpoint
    write(tmp_path / "clip.mp4", sound=False)
    monkeypatch.setattr("itrans_video.videos._turns", lambda frame: 1)  # no encoder here writes a display matrix
    assert itrans("translate", checkpoint, "clip.mp4", "-o", "out").exit_code == 0
    _, before, _ = read(tmp_path / "clip.mp4")
    _, after, _ = read(tmp_path / "out" / "clip.mp4")
    assert after.shape == (FRAMES, WIDTH, HEIGHT, 3)
    assert np.abs(after[0] - np.rot90(before[0])).mean() < 2


def test_odd_sizes_and_tiles(translator, itrans, tmp_path):
    checkpoint = translator().checkpoint
    write(tmp_path / "clip.mkv", codec="ffv1", pixels="yuv444p", width=75, height=51, sound=False)
    done = itrans("translate", checkpoint, "clip.mkv", "-o", "out", "--tile", 32, "--overlap", 8)
    assert done.exit_code == 0, done.output
    _, before, _ = read(tmp_path / "clip.mkv")
    _, after, _ = read(tmp_path / "out" / "clip.mkv")
    assert np.abs(after - before).mean() < 2


def test_videos_and_pictures_together(translator, itrans, tmp_path):
    checkpoint = translator().checkpoint
    write(tmp_path / "clip.mp4")
    from itrans.api import write_image

    write_image(tmp_path / "cat.png", picture(3))
    done = itrans("translate", checkpoint, "clip.mp4", "cat.png", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "2 of 2 inputs translated" in done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cat.png", "clip.mp4"]


@pytest.mark.parametrize("fault", ["nothing", "sound alone", "cut off"])
def test_a_video_that_cannot_be_decoded_is_one_message(translator, itrans, tmp_path, fault):
    checkpoint, path = translator().checkpoint, tmp_path / "clip.mp4"
    write(path)
    if fault == "nothing":
        path.write_bytes(b"nonsense" * 100)
    elif fault == "cut off":
        path.write_bytes(path.read_bytes()[:300])
    else:
        with av.open(str(path), "w") as container:
            tone = container.add_stream("aac", rate=48000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
            frame.sample_rate = 48000
            container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    done = itrans("translate", checkpoint, "clip.mp4", "-o", "out")
    assert done.exit_code == 2
    assert "1 input was skipped" in done.output
    assert "clip.mp4" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sound", [True, False])
def test_a_video_that_breaks_off_is_refused(translator, itrans, tmp_path, sound):
    checkpoint, path = translator().checkpoint, tmp_path / "clip.mkv"
    write(path, times=range(0, 100, 2), sound=sound)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = itrans("translate", checkpoint, "clip.mkv", "-o", "out")
    assert done.exit_code == 2
    assert "clip.mkv breaks off after" in done.output
    assert not (tmp_path / "out").exists()


def test_a_video_with_damaged_frames_is_refused(translator, itrans, tmp_path):
    checkpoint, path = translator().checkpoint, tmp_path / "clip.mkv"
    write(path, times=range(40), sound=False)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 60] = bytes(range(60))
    path.write_bytes(content)
    done = itrans("translate", checkpoint, "clip.mkv", "-o", "out")
    assert done.exit_code == 2
    assert "clip.mkv" in done.output
    assert not (tmp_path / "out").exists()


def test_the_extra_is_named_where_pyav_is_missing(translator, itrans, tmp_path, monkeypatch):
    checkpoint = translator().checkpoint
    write(tmp_path / "clip.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    done = itrans("translate", checkpoint, "clip.mp4", "-o", "out")
    assert done.exit_code == 2
    assert "pip install 'itrans[video]'" in done.output


def test_a_checkpoint_of_label_maps_takes_no_videos(itrans, tmp_path):
    write(tmp_path / "clip.mp4")
    recipe = {
        "dataset": {"name": "facades_sample", "size": 32, "count": 8, "direction": "photo_to_labels"},
        "generator": {"name": "unet", "depth": 3, "filters": 2},
        "loss": [{"name": "cross_entropy"}],
        "train": {"steps": 1},
        "validation": {"every": 0},
    }
    run = train(recipe, output=tmp_path / "run", progress=False)
    done = itrans("translate", run.folder, "clip.mp4", "-o", "out")
    assert done.exit_code == 2
    assert "clip.mp4" in done.output


def test_sound_that_does_not_fit_is_told(translator, itrans, tmp_path):
    checkpoint = translator().checkpoint
    write(tmp_path / "clip.mp4")
    done = itrans("translate", checkpoint, "clip.mp4", "-o", "out.webm")
    assert done.exit_code == 2
    assert "clip.mp4" in done.output
    assert not (tmp_path / "out.webm").exists()
