"""Videos, translated frame by frame: the sound, the times of the frames and the range of the colours stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from itrans.api import DataError, as_channels, counted, error_text, kind_of
from itrans.commands import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itrans.api import ImageArray
    from itrans.commands import Translator

FORMATS = {
    ".avi": "avi", ".m4v": "mp4", ".mkv": "matroska", ".mov": "mov", ".mp4": "mp4", ".webm": "webm",
}  # fmt: skip
"""What PyAV calls the formats of files, by their suffixes."""

_ENCODERS = {"hevc": "libx265", "mpeg4": "mpeg4", "vp8": "libvpx", "vp9": "libvpx-vp9", "ffv1": "ffv1"}
"""For a video that was encoded so; any other becomes H.264, or VP9 where the file is WebM."""

_QUALITY = {"libx264": {"crf": "17"}, "libx265": {"crf": "19", "x265-params": "log-level=none"}}
_QUALITY |= {name: {"crf": "18", "b:v": "0"} for name in ("libvpx", "libvpx-vp9")}
"""Nearly without loss: what a network has made is not to be blurred at once."""

_LATE, _LATE_SHARE = 0.7, 0.02
"""By how many seconds, or which share, a video may end before the time that its file says."""

_BT709, _BT601, _UNSPECIFIED = 1, 5, 2
_HIGH = 576
"""Lines of a picture above which colours are those of HDTV, where a file does not say."""


def translate_video(
    make: Callable[[Sequence[ImageArray], int], list[ImageArray]],
    source: Path,
    output: Path,
    *,
    translator: Translator,
    direction: str | None,
    seed: int,
    batch_size: int,
    progress: Callable[[int, int], None],
) -> None:
    """Translate a video. All frames have the same seed, so that what is random does not flicker.

    See `itrans.translating.media.Media` for the arguments.

    Raises:
        DataError: it cannot be decoded, this checkpoint is not for videos, or PyAV is not installed.
        OutputError: the output cannot be written.
    """
    try:
        import av
    except ImportError:
        raise DataError(
            f"{source} is a video, which PyAV reads: pip install 'itrans[video]'. Or translate a folder of its frames."
        ) from None
    _check(translator, direction, source)
    try:
        _translate(make, source, output, seed, batch_size, progress)
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"{source} cannot be decoded: {error_text(error)}") from error


def _check(translator: Translator, direction: str | None, path: Path) -> None:
    source, target = translator.specs(direction)
    made = kind_of(target).output_spec(target, source)
    exact = not (kind_of(source).is_smooth and kind_of(target).is_smooth) or source.has_range or made.has_range
    if exact or source.channels not in {1, 3} or made.channels not in {1, 3}:
        raise DataError(
            f"{path} is a video, which has colours of 8 bits, and this checkpoint is for other pictures. Translate the "
            "frames as files."
        )


def _as_bytes(image: ImageArray) -> ImageArray:
    if image.dtype == np.uint8:
        return image
    white = 65535 if image.dtype == np.uint16 else 1
    return cast("ImageArray", np.rint(image.astype(np.float32) * (255 / white)).astype(np.uint8))


def _translate(
    make: Callable[[Sequence[ImageArray], int], list[ImageArray]],
    path: Path,
    output: Path,
    seed: int,
    batch_size: int,
    part: Callable[[int, int], None],
) -> None:
    import av

    faults = 0
    with av.open(str(path)) as source:
        if not source.streams.video:
            raise DataError(f"{path} has no frames.")
        stream = source.streams.video[0]
        stream.thread_type = "AUTO"
        total = stream.frames or _estimate(source, stream)
        with replacing(output) as file, av.open(file, "w", format=FORMATS[output.suffix.lower()]) as made:
            writer = _Writer(made, output, stream)
            sound = writer.add_sound(source, path)
            waiting: list[Any] = []
            done = 0

            def flush() -> None:
                nonlocal done
                images = [_upright(frame) for frame in waiting]
                for frame, image in zip(waiting, make(images, seed), strict=True):
                    writer.add(frame, _as_bytes(as_channels(image, 3)))
                done += len(waiting)
                waiting.clear()
                part(min(done, max(total - 1, 0)), total)

            for packet in source.demux(stream, *sound):
                if packet.stream is not stream:
                    writer.copy(packet, sound[packet.stream])
                    continue
                frame: Any
                for frame in packet.decode():
                    faults += frame.is_corrupt
                    waiting.append(frame)
                    if len(waiting) == batch_size:
                        flush()
            if waiting:
                flush()
            if not done:
                raise DataError(f"{path} has no frames that can be decoded.")
            _refuse_damage(path, source, writer.last, faults)
            writer.end()
    part(total, total)


def _refuse_damage(path: Path, source: Any, last: float, faults: int) -> None:
    """Raise `DataError` if frames were damaged, or the file ends before its time: decoders give what they can."""
    if faults:
        raise DataError(f"{path} is damaged: {counted(faults, 'frame')} cannot be decoded properly. Mend it first.")
    whole = source.duration / 1_000_000 if source.duration else 0.0
    if whole - last > max(_LATE, _LATE_SHARE * whole):
        raise DataError(f"{path} breaks off after {last:.1f} of {whole:.1f} seconds: it is truncated. Mend it first.")


def _estimate(source: Any, stream: Any) -> int:
    """Return about how many frames there are, where the file does not say."""
    seconds = source.duration / 1_000_000 if source.duration else 0
    return max(1, round(seconds * float(stream.average_rate or 25)))


def _space_of(frame: Any) -> int:
    """Return how a frame's colours are coded, as FFmpeg numbers that."""
    known = int(frame.colorspace)
    return known if known not in {0, _UNSPECIFIED} else _BT709 if frame.height > _HIGH else _BT601


def _range_of(frame: Any) -> int:
    """Return the range of a frame's values: 1 from 16 to 235, which is what is meant where nothing is said, or 2."""
    return int(frame.color_range) or 1


def _upright(frame: Any) -> ImageArray:
    """Return a frame as RGB, `(H, W, 3)`, turned as a player would show it."""
    image = frame.to_ndarray(format="rgb24", src_colorspace=_space_of(frame), src_color_range=_range_of(frame))
    upright: ImageArray = np.ascontiguousarray(np.rot90(image, _turns(frame)))
    return upright


def _turns(frame: Any) -> int:
    """Return how many quarter turns to the left a player makes, as telephones ask for."""
    return round(int(frame.rotation) / 90) % 4


class _Writer:
    """Writes frames with the times, the coding of colours and the range of the frames that they were made from.

    Attributes:
        last: the time of the last frame, or sound, in seconds.
    """

    def __init__(self, container: Any, output: Path, stream: Any) -> None:
        self._container, self._output, self._from = container, output, stream
        default = "libvpx-vp9" if output.suffix.lower() == ".webm" else "libx264"
        name = stream.codec_context.name
        encoder = name if name in {"mpeg4", "ffv1"} else _ENCODERS.get(name, default)
        if output.suffix.lower() == ".webm" and not encoder.startswith("libvpx"):
            encoder = default
        self._stream = container.add_stream(encoder, rate=stream.average_rate or 25, options=_QUALITY.get(encoder, {}))
        self._is_begun, self.last = False, 0.0
        self._early: list[Any] = []

    def add_sound(self, source: Any, path: Path) -> dict[Any, Any]:
        """Return the streams of sound, each with the one that it is copied to."""
        try:
            return {sound: self._container.add_stream_from_template(sound) for sound in source.streams.audio}
        except ValueError as error:
            raise DataError(
                f"The sound of {path} does not fit into a {self._output.suffix} file ({error}). Keep its suffix."
            ) from error

    def copy(self, packet: Any, stream: Any) -> None:
        """Copy a packet of sound."""
        if packet.dts is None:
            return
        self.last = max(self.last, float((packet.pts or 0) * packet.time_base))
        packet.stream = stream
        if self._is_begun:
            self._container.mux(packet)
        else:
            self._early.append(packet)

    def add(self, frame: Any, image: ImageArray) -> None:
        """Encode a picture in the place of a frame."""
        import av

        if not self._is_begun:
            self._begin(frame, image)
        made = av.VideoFrame.from_ndarray(image, format="rgb24")
        made = made.reformat(
            format=self._stream.pix_fmt, dst_colorspace=_space_of(frame), dst_color_range=_range_of(frame)
        )
        made.pts, made.time_base = frame.pts, frame.time_base
        self.last = max(self.last, float(frame.time or 0))
        self._container.mux(self._stream.encode(made))

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def _begin(self, frame: Any, image: ImageArray) -> None:
        height, width = image.shape[:2]
        stream, context = self._stream, self._stream.codec_context
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        context.time_base = frame.time_base
        if (shape := self._from.codec_context.sample_aspect_ratio) is not None:
            context.sample_aspect_ratio = shape
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(frame, name))
        self._is_begun = True
        for packet in self._early:  # the first one written opens the encoder, which has to know the size by then
            self._container.mux(packet)
        self._early.clear()
