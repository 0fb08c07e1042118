"""Messages that no client of ours would send: damaged, false, huge, nested, misnumbered."""

import random
import struct
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from shared.motion.motion import Motion
from shared.protocol.framing import pack_submit
from shared.protocol.messages import PROTOCOL_VERSION as VERSION
from shared.protocol.messages import EditMotion, Generate, SamplingOptions

Frames = list[bytes]

_encode = msgspec.msgpack.encode


def envelope(version: Any, message: Any, arrays: Any = ()) -> bytes:
    """The first frame of a message, whatever is in it."""
    return _encode([version, message, arrays])


class Mutations:
    """Makes them, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        noise = np.random.default_rng(seed).normal(size=(40, 22, 3), scale=0.001)
        self._joints = np.cumsum(noise, 0).astype("<f4")
        self._plain = pack_submit(1, Generate("a person walks", seconds=1.0))
        edit = EditMotion("a person jumps", frames=((10, 20),))
        self._edit = pack_submit(2, edit, Motion(self._joints))

    def kinds(self) -> dict[str, Callable[[], Frames]]:
        """A maker for each kind of mutation."""
        return {
            "garbage": self._garbage,
            "truncated": self._truncated,
            "flipped": self._flipped,
            "declared": self._declared,
            "arrays": self._arrays,
            "numbers": self._numbers,
            "nested": self._nested,
            "versions": self._versions,
            "unknown": self._unknown,
            "requests": self._requests,
            "cancels": self._cancels,
            "frames": self._frames,
            "unloads": self._unloads,
            "repeated": lambda: self._plain,
        }

    def _garbage(self) -> Frames:
        sizes = self._chance.choices((0, 1, 3, 17, 300, 5000), k=self._chance.randint(1, 4))
        return [self._chance.randbytes(size) for size in sizes]

    def _truncated(self) -> Frames:
        frames = list(self._chance.choice((self._plain, self._edit)))
        place = self._chance.randrange(len(frames))
        frames[place] = frames[place][: self._chance.randrange(len(frames[place]))]
        return frames

    def _flipped(self) -> Frames:
        frames = [bytearray(frame) for frame in self._chance.choice((self._plain, self._edit))]
        for _ in range(self._chance.randint(1, 8)):
            frame = self._chance.choice(frames)
            frame[self._chance.randrange(len(frame))] = self._chance.randrange(256)
        return [bytes(frame) for frame in frames]

    def _declared(self) -> Frames:
        """Sizes are declared that do not follow."""
        version = _encode(VERSION)
        submit = {"type": "submit", "job": 1, "request": {}}
        heads = (
            envelope(VERSION, submit, [["joints", "<f4", [12_000_000, 22, 3]]]),
            b"\x93" + version + b"\xdd\xff\xff\xff\xff\x90",
            b"\xdd\xff\xff\xff\xff" + version,
            b"\x93" + version + b"\xc6\xff\xff\xff\xff\x90",
            b"\x93" + version + b"\xdf\xff\xff\xff\xff\xa4type\x90",
            b"\x93" + version + b"\x82\xa4type\xa5hello\xa6client\xdb\xff\xff\xff\xff",
        )
        return [self._chance.choice(heads), b""]

    def _arrays(self) -> Frames:
        message = msgspec.msgpack.decode(self._edit[0])
        kind = self._chance.choice(("<f4", "|b1", "<f8", "O", "|O", "V4", "<i4", 5, None))
        shape = self._chance.choice(
            (
                *([40, 22, 3], [-1, 22, 3], [40, 66], [0], [], [2**62, 2**62, 2], [2**64 - 1]),
                *([40, 22, 3, *[1] * 70], [-5, -5], [1e9, 22], ["x"], [880, 3], [40, 22, -3]),
            )
        )
        message[2] = [["joints", kind, shape]] * self._chance.choice((1, 1, 2))
        return [_encode(message), *[self._edit[1]] * self._chance.choice((0, 1, 1, 2))]

    def _numbers(self) -> Frames:
        joints = self._joints.copy()
        place = self._chance.randrange(joints.size)
        joints.flat[place] = self._chance.choice((np.nan, np.inf, -np.inf, 3e38))
        message = msgspec.msgpack.decode(self._edit[0])
        clip = message[1]["clip"]
        clip["fps"] = self._chance.choice((20.0, np.nan, np.inf, -1.0, 0.0, 1e308, 1e-300, 0.5))
        clip["seed"] = self._chance.choice((None, -1, 2**63, 2**64 - 1))
        clip["provenance"] = self._chance.choice(
            ({}, {"a": b"\xff"}, {"x": {1: 2}}, {"safety": "lcr"}, {"d": [1] * 1000})
        )
        return [_encode(message), joints.tobytes()]

    def _nested(self) -> Frames:
        deep = self._chance.choice((b"\x91", b"\x81\xa1a"))
        body = deep * self._chance.choice((100, 1000, 10_000, 100_000)) + b"\xc0"
        head = b"\x93" + _encode(VERSION)
        request = _encode({"kind": "generate", "prompt": "a person walks"})
        submit = b"\x84\xa4type\xa6submit\xa3job\x01\xa7request" + request
        clip = b"\xa4clip\x85\xa2up\xa1Y\xa3fps\xcb" + struct.pack(">d", 20)
        clip += b"\xa6prompt\xa0\xa4seed\xc0\xaaprovenance\x81\xa1a" + body
        return [
            self._chance.choice((body, head + body + b"\x90", head + submit + clip + b"\x90")),
        ]

    def _versions(self) -> Frames:
        versions = (0, 1, 99, -1, 2**63, 2**64 - 1, "2", 2.0, 2.5, None, True, [2])
        return [envelope(self._chance.choice(versions), {"type": "hello", "client": "x"})]

    def _unknown(self) -> Frames:
        messages = (
            *({"type": "nonsense"}, {"type": "x" * 100_000}, {"type": 5}, {"type": None}),
            *({}, [], 7, {"type": "welcome", "version": "1", "state": "ready"}),
            *({"type": "done", "job": 1}, {"type": "result"}, {"type": "hello"}),
            {"type": "error", "code": "x", "message": "\n" * 10},
            {"type": "hello", "client": "x\nERROR a forged line of the log"},
            {"type": "hello", "client": "x", "extra": 1},
        )
        return [envelope(VERSION, self._chance.choice(messages))]

    def _requests(self) -> Frames:
        request: dict[str, Any] = {"kind": "generate", "prompt": "a person walks", "seconds": 1.0}
        fields = (
            *("prompt", "seconds", "takes", "seed", "model", "safety", "concepts", "strength"),
            *("sampling", "loop", "kind", *SamplingOptions.__struct_fields__),
        )
        field = self._chance.choice(fields)
        target = request
        if field in SamplingOptions.__struct_fields__:
            target = request["sampling"] = {}
        target[field] = self._chance.choice(
            (
                *(None, "", " ", "\x00", "x" * 400_000, -1, 0, 1.5, float("nan"), float("inf")),
                *(-float("inf"), 2**31, 2**63, 2**64 - 1, 1e308, [], [""], [","], {}, True),
                *(["../../etc/passwd"], "off", "OFF", "Off ", "lcr", "generate", "timeline"),
                ["violence"] * 5000,
            )
        )
        job = self._chance.choice((1, 5, -1, 0, 2**63, 2**64 - 1, None, "1"))
        return [envelope(VERSION, {"type": "submit", "job": job, "request": request})]

    def _cancels(self) -> Frames:
        job = self._chance.choice((1, -1, 2**63, 2**64 - 1))
        return [envelope(VERSION, {"type": "cancel", "job": job})]

    def _frames(self) -> Frames:
        return [self._plain[0], *[b""] * self._chance.choice((1, 100, 3000))]

    def _unloads(self) -> Frames:
        job = self._chance.choice((1, 2**64 - 1, -(2**63)))
        return [envelope(VERSION, {"type": "unload", "job": job})]


COUNT: Final = 3000
