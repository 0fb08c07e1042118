import sys

import pytest

from shared.errors import PlacidError
from shared.registry import Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package of two modules; gives its name and its folder."""
    folder = tmp_path / "shapes_under_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "registry.py").write_text(
        "from shared.registry import Registry\nSHAPES = Registry('shape', 'shapes_under_test')\n"
    )
    for name in ("square", "circle"):
        (folder / f"{name}.py").write_text(
            f"from shapes_under_test.registry import SHAPES\nSHAPES.register('{name}', len)\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("shapes_under_test")]:
        del sys.modules[name]


def test_every_module_of_the_package_is_found_without_a_list(package):
    from shapes_under_test.registry import SHAPES

    assert list(SHAPES) == ["circle", "square"]
    assert SHAPES.find("square") is len


def test_a_mistyped_name_is_answered_with_the_nearest(package):
    from shapes_under_test.registry import SHAPES

    with pytest.raises(PlacidError, match="unknown shape 'Squar': did you mean 'square'") as error:
        SHAPES.find("Squar")
    assert error.value.code == "unknown_shape"
    with pytest.raises(PlacidError, match="unknown shape 'x': known are circle, square"):
        SHAPES.find("x")


def test_two_entries_of_one_name_are_a_mistake():
    registry = Registry[int]("motion source")
    registry.register("a", 1)
    with pytest.raises(ValueError, match="two of the motion source 'a'"):
        registry.register("a", 2)
    with pytest.raises(PlacidError) as error:
        registry.find("b")
    assert error.value.code == "unknown_motion_source"
