"""Judges: what they answer, and that bad input gets a sentence."""

import numpy as np
import pytest

from backend.evaluation.judges import JUDGES, Finding, Verdict, find_judge
from backend.evaluation.metrics import Share
from shared.errors import PlacidError
from shared.motion.kinematics import forward_kinematics
from tests.backend.datasets.motions import kicking, standing
from tests.backend.kinematic_checks.test_checks import fists


def test_a_verdict_is_as_grave_as_its_gravest_finding():
    soft, clear = Finding("jab", "softened", 0, 5, 0.4), Finding("kick", "clear", 9, 12, 0.9)
    assert Verdict((), 0.1).tier == "none"
    assert Verdict((soft,), 0.4).tier == "softened"
    assert Verdict((soft, clear, soft), 0.9).tier == "clear"
    assert Verdict((soft, clear, soft), 0.9).kinds == ("jab", "kick")
    assert Verdict((soft,), 0.4).at_least("softened")
    assert not Verdict((soft,), 0.4).at_least("clear")


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_says_what_it_depends_on(name: str):
    assert JUDGES[name].version()


@pytest.mark.parametrize("name", JUDGES)
def test_a_body_that_stands_does_nothing(name: str):
    assert find_judge(name)(standing(80)).tier == "none"


@pytest.mark.parametrize("name", JUDGES)
def test_joints_that_are_none_are_refused_in_words(name: str):
    with pytest.raises(PlacidError, match="needs joints"):
        find_judge(name)(np.zeros((40, 21, 3)))
    broken = standing(40)
    broken[7, 3] = np.nan
    with pytest.raises(PlacidError, match="frame 7 holds"):
        find_judge(name)(broken)


def test_the_checks_find_a_kick_where_it_is():
    verdict = find_judge("checks")(kicking(120, [60], "right", lift=130))
    assert any(f.start <= 60 < f.end for f in verdict.findings if f.kind == "kick")


def test_wilson_intervals():
    assert Share(0, 20).interval == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert Share(10, 20).interval == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert Share(3, 60).sentence == "3 of 60, 5 % (2 to 14)"
    assert Share(0, 0).interval == (0.0, 1.0)


def boxing() -> np.ndarray:
    joints = forward_kinematics(fists(left=[15, 45], right=[30, 60]))
    joints[..., 1] -= joints[..., 1].min()
    return joints


@pytest.mark.slow
def test_the_trained_judge_sees_generated_boxing_and_knows_it_from_real_motion():
    from backend.generation.generator import Generator
    from shared.protocol.messages import Generate

    generator, judge = Generator(), find_judge("embedding")
    requests = [Generate("a person is boxing", 5.0, takes=4, safety="off")]
    verdicts = [judge(motion.joints) for _, motion in generator.generate_batch(requests)]
    seen = [verdict for verdict in verdicts if verdict.at_least("softened")]
    assert len(seen) >= 3
    assert any(name.startswith(("boxing", "punch")) for v in seen for name in v.nearest)
    peaceful = [Generate("a person walks forward", 5.0, takes=4, safety="off")]
    for _, motion in generator.generate_batch(peaceful):
        assert judge(motion.joints).tier == "none"


@pytest.mark.parametrize("size", [0.7, 1.3])
def test_the_trained_judge_looks_from_the_body(size: float):
    """Where a body stands, looks and how tall it is changes nothing."""
    joints = boxing()
    turned = size * joints[..., [2, 1, 0]] * [1.0, 1.0, -1.0] + [4.0, 0.3, -7.0]
    judge = find_judge("embedding")
    assert judge(turned).score == pytest.approx(judge(joints).score, abs=2e-3)


def test_network_and_numpy_agree():
    torch = pytest.importorskip("torch")
    from backend.evaluation.judges.channels import CHANNELS, channels
    from backend.evaluation.judges.embedding import STRIDE, shipped_judge
    from backend.models import judging

    judge = shipped_judge()
    network = judging.JudgeNetwork(judging.JudgeConfig(CHANNELS)).eval()
    assert judging.STRIDE == STRIDE
    with torch.no_grad():
        for layer, (kernel, bias) in zip(network.layers, judge.layers, strict=True):
            layer.weight.copy_(torch.from_numpy(kernel))
            layer.bias.copy_(torch.from_numpy(bias))
        rows = (channels(boxing()) - judge.mean) / judge.std
        expected = network.embed(torch.from_numpy(rows.T[None].copy()))[0].numpy()
    np.testing.assert_allclose(judge.embed(boxing()), expected, atol=1e-3)


def test_a_damaged_judge_is_told(tmp_path):
    from backend.evaluation.judges.embedding import WEIGHTS, load_judge

    path = tmp_path / "judge.safetensors"
    path.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(PlacidError, match="backend train judge"):
        load_judge(path)


def test_the_trained_judge_and_the_checks_share_nothing():
    """Neither judge imports a module of the other."""
    from pathlib import Path

    import backend.evaluation.judges.embedding as trained

    folder = Path(trained.__file__).parent
    for name in ("embedding.py", "channels.py"):
        assert "kinematic_checks" not in (folder / name).read_text("utf-8")
