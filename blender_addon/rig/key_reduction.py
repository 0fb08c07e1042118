"""Fewer keys for a baked movement, within bounds on rotations and on where hands and feet are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..shared.motion.contacts import CONTACT_JOINTS, foot_contacts
from ..shared.motion.motion import Motion
from ..shared.motion.skeleton import JOINT_COUNT
from .binding import Binding
from .curve_fit import SLACK, CurveFit
from .leverage import Lever, Slip
from .limb_ends import SIDES, LimbEnds
from .rotation_modes import to_quaternions

_LEG: Final = ("hip", "knee", "ankle", "foot")
# Of the distance, while a foot stands: there it is seen to slide.
_PLANTED: Final = 0.5

# How far a rotation may aim beside its samples, in shares of the angle; the farthest that fits.
_AIMS: Final = (0.5, 0.25)


@dataclass(frozen=True)
class Bounds:
    """How far the fewer keys may be from the many.

    Attributes:
        angle: degrees, for each bone's own rotation.
        distance: in the world's unit, for hands and feet, and for locations.
    """

    angle: float = 0.5
    distance: float = 0.003


@dataclass(frozen=True)
class Channels:
    """Baked channels, one row a frame.

    Attributes:
        rotations: channel values (T, n) by bone, as its rotation mode has them.
        modes: rotation mode by bone.
        locations: (T, 3) by bone.
    """

    rotations: Mapping[str, np.ndarray]
    modes: Mapping[str, str]
    locations: Mapping[str, np.ndarray]


class KeyReduction:
    """The work of finding fewer keys; `steps` does it a little at a time.

    Args:
        channels: what was baked.
        binding: the rig.
        fps: frames a second.
        size: world units in one unit of the rig.
        bounds: how far the result may be off.

    Attributes:
        rotations: the fit of each bone's rotation channels.
        locations: the fit of each bone's location.
    """

    def __init__(
        self,
        channels: Channels,
        binding: Binding,
        fps: float,
        size: float,
        bounds: Bounds,
    ) -> None:
        self.rotations: dict[str, CurveFit] = {}
        self.locations: dict[str, CurveFit] = {}
        self._channels, self._binding = channels, binding
        self._angle = np.radians(bounds.angle)
        self._distance = bounds.distance / size
        self._size = size
        self._ends = LimbEnds(binding)
        rig = binding.rig
        roots = {rig.bones[b] for b in (binding.carrier, binding.root) if b is not None}
        self._travel = [bone for bone in channels.locations if bone in roots]
        self._wanted, self._heads, self._turned = self._ends.places(
            self._quaternions(channels.rotations),
            {bone: channels.locations[bone] for bone in self._travel},
        )
        # (T, P), so far may hands and feet be off.
        self._allowed = np.full(self._wanted.shape[:2], SLACK * bounds.distance / size)
        self._kept = self._contact_keys(fps, size)

    def steps(self) -> Iterator[None]:
        """Do the work; between two steps something else may be done."""
        channels = self._channels
        for bone, values in channels.rotations.items():
            fit = CurveFit(values, _angle_between(channels.modes[bone]))
            fit.add(self._kept.get(bone, ()))
            fit.refine(self._angle)
            self.rotations[bone] = fit
            yield
        for bone, values in channels.locations.items():
            fit = CurveFit(values, _distance_between)
            fit.refine(self._distance)
            self.locations[bone] = fit
            yield
        yield from self._hold_limb_ends()
        yield from self._thin()
        # Thinning takes what bones move for a sum, which it nearly is.
        yield from self._hold_limb_ends()

    @property
    def share(self) -> float:
        """Keys that are left, of all that there were."""
        fits = (*self.rotations.values(), *self.locations.values())
        left = sum(len(fit.keys) * fit.samples.shape[1] for fit in fits)
        return left / max(sum(fit.samples.size for fit in fits), 1)

    def _contact_keys(self, fps: float, size: float) -> dict[str, set[int]]:
        """For the bones of each leg, the frames in which its foot begins and ceases to stand."""
        found: dict[str, set[int]] = {}
        joints = np.zeros((len(self._wanted), JOINT_COUNT, 3))
        names = [f"{side}_{part}" for side in SIDES for part in ("ankle", "toe")]
        places = [self._ends.names.index(name) for name in names]
        joints[:, CONTACT_JOINTS] = size * self._wanted[:, places]
        contacts = foot_contacts(Motion(joints.astype(np.float32), fps=fps))
        for side, columns in zip(SIDES, (slice(0, 2), slice(2, 4)), strict=True):
            stands = contacts[:, columns].any(axis=1)
            for part, standing in zip(("ankle", "toe"), contacts[:, columns].T, strict=True):
                self._allowed[standing, self._ends.names.index(f"{side}_{part}")] *= _PLANTED
            changes = np.flatnonzero(stands[1:] != stands[:-1])
            # The last frame before a foot leaves, and the first in which it is there.
            frames = {int(f if stands[f] else f + 1) for f in changes}
            for joint in _LEG:
                if (control := self._binding.at.get(f"{side}_{joint}")) is not None:
                    found[self._ends.bone(control)] = frames
        return found

    def _hold_limb_ends(self) -> Iterator[None]:
        """Add keys to what carries hands and feet until they are within the bound.

        Each round lays a key for each stretch of frames that breaks it, on the bone that has the
        greatest share in it. With all keys laid nothing is off, so that it ends.
        """
        while True:
            off = np.linalg.norm(self._off(), axis=-1) / self._allowed
            more: dict[int, tuple[CurveFit, set[int]]] = {}
            for point, chain in enumerate(self._ends.chains):
                fits = self._carriers(chain, self._wanted[:, point])
                for frame in _peaks(off[:, point]):
                    if (pick := _guilty(fits, frame)) is not None:
                        more.setdefault(id(pick[0]), (pick[0], set()))[1].add(pick[1])
            if not more:
                return
            for fit, frames in more.values():
                fit.add(frames)
            yield

    def _thin(self) -> Iterator[None]:
        """Drop the keys without which rotations, hands and feet still are within the bounds.

        Each rotation first aims a little beside its samples, where that brings back what others
        have taken astray.
        """
        off = self._off()
        for bone, fit in self.locations.items():
            allows = [Slip(off, fit.curve, self._shift(bone), self._allowed).allows]
            yield from fit.thin(self._distance, (), *(allows if bone in self._travel else ()))
        controls = {self._ends.bone(control): control for control in self._ends.carriers}
        for bone, fit in self.rotations.items():
            kept = self._kept.get(bone, ())
            if bone not in controls:
                yield from fit.thin(self._angle, kept)
                continue
            lever = self._lever(controls[bone], bone)
            slip = Slip(off, fit.curve, lever.move, self._allowed)
            others = off - lever.move(fit.curve)
            for share in _AIMS if self._channels.modes[bone] == "QUATERNION" else ():
                fit.aim(lever.against(others, share * self._angle), self._angle, slip.allows)
            yield from fit.thin(self._angle, kept, slip.allows)

    def _off(self) -> np.ndarray:
        """How far (T, P, 3) hands and feet are from where they were."""
        curves = {bone: fit.curve for bone, fit in self.rotations.items()}
        moved = {bone: self.locations[bone].curve for bone in self._travel}
        return self._ends.places(self._quaternions(curves), moved)[0] - self._wanted

    def _carriers(self, chain: list[int], point: np.ndarray) -> list[tuple[CurveFit, np.ndarray]]:
        """What moves a point (T, 3), with how far each alone takes it astray at most, (T,)."""
        fits = [self.locations[bone] for bone in self._travel]
        found = [(fit, fit.errors) for fit in fits]
        for control in chain:
            fit = self.rotations.get(self._ends.bone(control))
            if fit is not None:
                arm = np.linalg.norm(point - self._heads[:, control], axis=-1)
                found.append((fit, fit.errors * arm))
        return found

    def _shift(self, bone: str) -> Callable[[np.ndarray], np.ndarray]:
        """From a curve of a bone's location to how far it moves each point, (T, 1, 3)."""
        return lambda curve: self._ends.move_by_location(bone, curve)[:, None]

    def _lever(self, control: int, bone: str) -> Lever:
        carried = np.array([control in chain for chain in self._ends.chains])
        arms = (self._wanted - self._heads[:, control, None]) * carried[:, None]
        axes = self._ends.axes_of(control, self._turned)
        mode = self._channels.modes[bone]
        return Lever(mode, self._channels.rotations[bone], axes, arms, self._size)

    def _quaternions(self, curves: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        modes = self._channels.modes
        return {bone: to_quaternions(modes[bone], curve) for bone, curve in curves.items()}


def _guilty(fits: list[tuple[CurveFit, np.ndarray]], frame: int) -> tuple[CurveFit, int] | None:
    """The fit with the greatest share in a frame's error, and the nearest frame without a key."""
    for fit, share in sorted(fits, key=lambda pair: -pair[1][frame]):
        free = np.setdiff1d(np.arange(max(frame - 1, 0), frame + 2), fit.keys)
        free = free[free < len(share)]
        if len(free):
            return fit, int(free[np.abs(free - frame).argmin()])
    return None


def _peaks(values: np.ndarray) -> list[int]:
    """The highest frame of each stretch above 1."""
    above = np.flatnonzero(values > 1.0)
    if not len(above):
        return []
    runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    return [int(run[values[run].argmax()]) for run in runs]


def _angle_between(mode: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def error_of(samples: np.ndarray, curve: np.ndarray) -> np.ndarray:
        a, b = to_quaternions(mode, samples), to_quaternions(mode, curve)
        apart = np.minimum(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
        return 4.0 * np.arcsin(np.minimum(apart / 2.0, 1.0))

    return error_of


def _distance_between(samples: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return np.linalg.norm(samples - curve, axis=-1)
