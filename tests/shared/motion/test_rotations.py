import numpy as np
import pytest

from shared.motion import rotations as rot

RNG = np.random.RandomState(0)
QUATERNIONS = rot.normalise(RNG.standard_normal((200, 4)))
VECTORS = RNG.standard_normal((200, 3))


def test_product_applies_the_right_factor_first() -> None:
    a, b = QUATERNIONS[:100], QUATERNIONS[100:]
    together = rot.rotate(rot.multiply(a, b), VECTORS[:100])
    assert np.allclose(together, rot.rotate(a, rot.rotate(b, VECTORS[:100])))


def test_matrix_round_trip_keeps_the_rotation() -> None:
    back = rot.from_matrix(rot.to_matrix(QUATERNIONS))
    assert np.allclose(np.abs((back * QUATERNIONS).sum(-1)), 1.0)


@pytest.mark.parametrize("axis", range(3))
def test_matrix_of_a_half_turn_reads_back(axis: int) -> None:
    q = np.zeros(4)
    q[axis + 1] = 1.0
    assert np.allclose(np.abs(rot.from_matrix(rot.to_matrix(q)) @ q), 1.0)


def test_between_takes_one_direction_to_the_other() -> None:
    a, b = rot.normalise(VECTORS[:100]), rot.normalise(VECTORS[100:])
    assert np.allclose(rot.rotate(rot.between(a, b), a), b)


@pytest.mark.parametrize("axis", [(1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (0.6, 0, -0.8)])
def test_between_opposite_directions_is_a_half_turn(axis: tuple[float, float, float]) -> None:
    a = np.array(axis)
    q = rot.between(a, -a)
    assert np.allclose(rot.rotate(q, a), -a)
    assert np.isclose(rot.angle(q), np.pi)


def test_slerp_turns_at_constant_speed_the_short_way() -> None:
    a = rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), 0.2)
    b = -rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), 1.4)
    middle = rot.slerp(a, b, 0.25)
    assert np.isclose(rot.angle(middle), 0.5)


def test_continuous_changes_signs_only() -> None:
    flipped = np.repeat(QUATERNIONS[:1], 6, axis=0) * np.array([1, -1, -1, 1, -1, 1.0])[:, None]
    assert np.allclose(rot.continuous(flipped), QUATERNIONS[0])
