"""Curves through few keys, as arrays: what Blender is left out of."""

import itertools

import numpy as np
import pytest


def _apart(samples: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return np.abs(samples - curve).max(axis=-1)


def _bezier(fit, frames: np.ndarray) -> np.ndarray:
    """The curve by de Casteljau from handles a third of the way, as Blender has them."""
    found = []
    for frame in frames:
        i = min(int(np.searchsorted(fit.keys, frame, side="right")) - 1, len(fit.keys) - 2)
        gap = fit.keys[i + 1] - fit.keys[i]
        t = (frame - fit.keys[i]) / gap
        points = [
            fit.values[i],
            fit.values[i] + fit.slopes[1, i] * gap / 3,
            fit.values[i + 1] - fit.slopes[0, i + 1] * gap / 3,
            fit.values[i + 1],
        ]
        while len(points) > 1:
            points = [a + t * (b - a) for a, b in itertools.pairwise(points)]
        found.append(points[0])
    return np.array(found)


@pytest.mark.parametrize("bound", [0.5, 0.05, 0.001])
def test_the_handles_draw_a_curve_within_the_bound(rig, bound):
    t = np.linspace(0.0, 12.0, 150)
    samples = np.stack([np.sin(t), np.abs(np.sin(2.0 * t)), 0.1 * t], axis=-1)
    fit = rig.curve_fit.CurveFit(samples, _apart)
    fit.refine(bound)
    for _ in fit.thin(bound):
        pass
    drawn = _bezier(fit, np.arange(150))
    assert np.allclose(drawn, fit.curve, atol=1e-9)
    assert _apart(samples, drawn).max() <= bound
    assert len(fit.keys) < len(samples)


def test_a_cubic_needs_its_ends_alone(rig):
    t = np.linspace(-1.0, 1.0, 60)
    fit = rig.curve_fit.CurveFit(np.stack([t**3 - t, t**2], axis=-1), _apart)
    fit.refine(0.02)
    assert fit.keys.tolist() == [0, 59]


def test_kept_keys_stay_and_noise_keeps_its_keys(rig):
    noise = np.random.RandomState(0).standard_normal((40, 3))
    fit = rig.curve_fit.CurveFit(noise, _apart)
    fit.add([7, 8])
    fit.refine(1e-4)
    for _ in fit.thin(1e-4, (7, 8)):
        pass
    assert {7, 8} <= set(fit.keys.tolist())
    assert np.allclose(fit.curve, noise, atol=1e-4)


def test_two_samples_and_one_are_themselves(rig):
    for count in (1, 2):
        samples = np.arange(3.0 * count).reshape(count, 3)
        fit = rig.curve_fit.CurveFit(samples, _apart)
        fit.refine(1e-6)
        assert np.allclose(fit.curve, samples)
