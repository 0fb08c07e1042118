from backend.datasets.actions import Action
from backend.datasets.sources import Clip, Segment
from backend.datasets.summary import class_shares, class_table
from tests.backend.datasets.motions import standing


def clip(name, source, split, *segments):
    return Clip(name, source, standing(1200), segments, split)


def test_a_frame_counts_once_per_class():
    kick = Action("kick")
    clips = [
        clip("a", "cmu", "train", Segment(0, 1200, kick), Segment(100, 200, kick)),
        clip("b", "bandai", "test", Segment(0, 600, Action("run"), then=(kick,))),
    ]
    shares = {share.kind: share for share in class_shares(clips)}
    assert shares["kick"].segments == 3
    assert shares["kick"].clips == {"train": 1, "val": 0, "test": 1}
    assert dict(shares["kick"].minutes) == {"cmu": 1.0, "bandai": 0.5}
    assert shares["run"].total_minutes == 0.5


def test_the_table_has_a_row_per_class_and_marks_violence():
    table = class_table([clip("a", "cmu", "train", Segment(0, 600, Action("kick")))])
    assert "| kick (violent) | 1 | 0 | 0 | 1 | 0.5 | 0.5 |" in table.splitlines()
