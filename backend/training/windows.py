"""Windows of motion for the RVQ-VAE: where they begin is drawn, what is in them gathered."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import SamplePool


class WindowPlaces:
    """Where windows of `frames` rows may begin in clips that lie one behind the other."""

    def __init__(
        self,
        first: Sequence[int],
        span: Sequence[tuple[int, int]],
        lengths: Sequence[int],
        chances: Sequence[float],
        frames: int,
    ) -> None:
        """Say for every place where its windows lie, and how often they are drawn.

        Args:
            first: the row of its clip's beginning.
            span: frames [start, end) of the clip that a window is to show.
            lengths: of the clips, in frames.
            chances: how often the place is drawn, beside the others'.
            frames: of a window.

        A span longer than the window may be met anywhere, a shorter one is met whole.
        """
        starts, ends = np.array(span).T
        self._low, self._high = np.minimum(starts, ends - frames), np.maximum(starts, ends - frames)
        self._first, self._last = np.array(first), np.array(lengths) - frames
        self._chances = np.array(chances) / np.sum(chances)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """First rows (count,) of windows."""
        at = rng.choice(len(self._chances), count, p=self._chances)
        begin = rng.integers(self._low[at], self._high[at] + 1)
        return self._first[at] + np.clip(begin, 0, self._last[at])


class Windows:
    """Windows of training clips, which stay on the network's device as a whole."""

    def __init__(
        self, clips: Sequence[PreparedClip], frames: int, device: torch.device | str
    ) -> None:
        """`clips` have at least `frames` rows each."""
        self._frames = torch.arange(frames, device=device)
        self._rows = torch.from_numpy(np.concatenate([clip.features for clip in clips])).to(device)
        lengths = [len(clip.features) for clip in clips]
        self._first = dict(zip(map(id, clips), np.cumsum([0, *lengths[:-1]]).tolist(), strict=True))
        self._clips, self._pool = clips, SamplePool(clips, "train")

    def anywhere(self, chances: Sequence[float]) -> WindowPlaces:
        """All places in all clips, clip by clip by these chances."""
        lengths = [len(clip.features) for clip in self._clips]
        spans = [(0, length) for length in lengths]
        return WindowPlaces(list(self._first.values()), spans, lengths, chances, len(self._frames))

    def over_actions(self, kinds: Sequence[str] | None = None) -> WindowPlaces:
        """Places over the middle of what labelled segments show, as `SamplePool.chances` says."""
        first, spans, lengths, chances = [], [], [], []
        for clip, segment, chance in self._pool.chances(kinds):
            first.append(self._first[id(clip)])
            spans.append(segment.core or (segment.start, segment.end))
            lengths.append(len(clip.features))
            chances.append(chance)
        return WindowPlaces(first, spans, lengths, chances, len(self._frames))

    def where(self, shows: Callable[[np.ndarray], np.ndarray]) -> WindowPlaces | None:
        """Places over stretches of frames that `shows` (rows (T, 263) to bool (T,)) finds.

        A stretch twice as long is not met twice as often, but by the square root. None where
        nothing is found.
        """
        first, spans, lengths, chances = [], [], [], []
        for clip in self._clips:
            edges = np.flatnonzero(
                np.diff(shows(clip.features).astype(np.int8), prepend=0, append=0)
            )
            for start, end in edges.reshape(-1, 2).tolist():
                first.append(self._first[id(clip)])
                spans.append((start, end))
                lengths.append(len(clip.features))
                chances.append((end - start) ** 0.5)
        if not spans:
            return None
        return WindowPlaces(first, spans, lengths, chances, len(self._frames))

    def gather(self, starts: np.ndarray) -> Tensor:
        """Rows (b, frames, 263) of windows that begin at `starts` (b,), on the device."""
        rows = torch.from_numpy(starts).to(self._rows.device)[:, None] + self._frames
        return self._rows[rows]
