"""How long Blender's main thread is held up while ten takes are generated.

Run it in a Blender with a window that has the extension installed and set up:

    blender --python benchmarks/blender_stall.py -- [--takes 10] [--seconds 6] [--python PYTHON]

`--python` is an existing environment of the backend. Blender's own event loop runs all the while.
Two things are measured: the time spent in each of Placid's timer steps, which is the stall that
Placid causes (and the processor's time in it, which other work beside does not lengthen), and the
gaps between the beats of a 2 ms timer, which contain Blender's own work (redrawing above all) and
are printed for the idle Blender as well.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence

import bpy
import numpy as np

EXTENSION = "bl_ext.user_default.placid"
PROMPT = "a person walks forward and waves"
BEAT_SECONDS = 0.002
IDLE_SECONDS = 5.0


class Stopwatch:
    """Notes how long things take, in milliseconds."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.work: list[float] = []
        self.gaps: list[float] = []
        self._last_beat = time.perf_counter()

    def beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(1000.0 * (now - self._last_beat))
        self._last_beat = now

    def wrap(self, step):
        """The same function, timed."""

        def timed():
            start, worked = time.perf_counter(), time.thread_time()
            result = step()
            self.steps.append(1000.0 * (time.perf_counter() - start))
            self.work.append(1000.0 * (time.thread_time() - worked))
            return result

        return timed


class Benchmark:
    """Idles, warms the backend up with one take, then generates; a timer moves it on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._runtime = importlib.import_module(f"{EXTENSION}.core.runtime")
        self._watch = Stopwatch()
        self._phases = self._run()
        scheduler = self._runtime.get().scheduler
        scheduler._timer = self._watch.wrap(scheduler.call_due)

    def tick(self) -> float | None:
        """Called by Blender's event loop."""
        self._watch.beat()
        try:
            next(self._phases)
        except StopIteration:
            bpy.ops.wm.quit_blender()
            return None
        return BEAT_SECONDS

    def _run(self):
        settings = bpy.context.scene.placid
        settings.prompt, settings.seconds = PROMPT, self._options.seconds
        self._clear()
        until = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < until:
            yield
        print(f"Blender {bpy.app.version_string}, {self._options.takes} takes")
        _tell("gaps, idle", self._watch.gaps)
        settings.take_count = 1
        yield from self._generate()
        self._clear()
        settings.take_count = self._options.takes
        start = time.perf_counter()
        yield from self._generate()
        print(f"{len(settings.takes) - 1} takes in {time.perf_counter() - start:.1f} s")
        _tell("gaps, generating", self._watch.gaps)
        _tell("Placid's steps", self._watch.steps)
        _tell("their work", self._watch.work)

    def _generate(self):
        bpy.ops.placid.generate()
        while self._runtime.get().job is not None:
            yield
        if self._runtime.get().notice is not None:
            print(self._runtime.get().notice.message, file=sys.stderr)

    def _clear(self) -> None:
        self._watch.gaps.clear()
        self._watch.steps.clear()
        self._watch.work.clear()


def _tell(what: str, times: Sequence[float]) -> None:
    median, high, most = np.percentile(times, [50, 99, 100])
    print(f"{what:18} {len(times):6d}  median {median:6.1f}  p99 {high:6.1f}  most {most:6.1f} ms")


def main() -> None:
    """Begin as soon as Blender's window is there."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--python", default="")
    options = parser.parse_args(arguments)
    bpy.context.preferences.view.show_splash = False
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    if options.python:
        bpy.context.preferences.addons[EXTENSION].preferences.python_path = options.python
    benchmark = Benchmark(options)
    bpy.app.timers.register(benchmark.tick, first_interval=2.0, persistent=True)


main()
