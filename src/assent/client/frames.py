"""The frames of a video message as a directory holds them."""

from __future__ import annotations

from pathlib import Path

from assent.errors import InvalidInput


def frames_of(directory: Path) -> list[tuple[str, bytes]]:
    """Return the files of a directory in the order of their names, hidden ones left out.

    Raises InvalidInput when it cannot be read or holds none.
    """
    try:
        files = sorted(one for one in directory.iterdir() if not one.name.startswith("."))
        frames = [(one.name, one.read_bytes()) for one in files if one.is_file()]
    except OSError as error:
        raise _no_frames(f"{directory.name}: {error.strerror}") from None
    if not frames:
        raise _no_frames(f"{directory.name} holds no file")
    return frames


def _no_frames(words: str) -> InvalidInput:
    return InvalidInput(
        "no_frames", words, field="video", rule="video: frames",
        mend="give a directory with a file a frame, named in their order",
    )  # fmt: skip
