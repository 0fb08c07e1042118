"""The panel as an animator uses it: prompts at hand, Enter, words, buttons that help."""

import importlib
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy")


def _module(placid, name: str):
    return importlib.import_module(f"{placid.__name__}.{name}")


class _Layout:
    """Notes what is drawn; every part of a layout is this one."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str]] = []

    def __getattr__(self, name):
        def draw(*about, **named):
            texts = [value for value in (*about, named.get("text", "")) if isinstance(value, str)]
            self.drawn.append((name, " ".join(texts)))
            return self

        return draw

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    def operators(self) -> list[str]:
        return [text.split()[0] for name, text in self.drawn if name.startswith("operator")]

    def labels(self) -> str:
        return " | ".join(text for name, text in self.drawn if name == "label")


def _context():
    return SimpleNamespace(
        scene=bpy.context.scene,
        view_layer=bpy.context.view_layer,
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
        region=SimpleNamespace(width=320),
    )


@pytest.fixture
def book(blank, tmp_path, monkeypatch):
    """A book of prompts of the test's own."""
    module = _module(blank, "core.prompt_book")
    book = module.PromptBook(tmp_path / "prompts.json")
    for name in ("features.generate.prompt_menus", "features.generate.operators"):
        monkeypatch.setattr(_module(blank, name), "BOOK", book)
    monkeypatch.setattr(_module(blank, "features.generate.panel"), "BOOK", book)
    return book


def test_prompts_are_remembered_the_latest_first_and_once(blank, book):
    for prompt in ("walk", "wave", "walk"):
        book.note(prompt)
    book.mark("bow")
    again = type(book)(book._path)
    assert (again.history, again.favourites) == (["walk", "wave"], ["bow"])
    again.mark("bow")
    assert type(book)(book._path).favourites == []


def test_a_damaged_book_is_begun_anew(blank, book):
    book._path.write_text("{")
    assert type(book)(book._path).history == []


def test_what_is_generated_is_remembered(walking, book):
    bpy.context.scene.placid.prompt = "a person walks"
    bpy.context.scene.placid.seconds = 2.0
    bpy.ops.placid.generate()
    assert book.history == ["a person walks"]
    assert bpy.ops.placid.mark_prompt() == {"FINISHED"}
    assert book.favourites == ["a person walks"]
    assert bpy.ops.placid.use_prompt(prompt="a person bows") == {"FINISHED"}
    assert bpy.context.scene.placid.prompt == "a person bows"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("walk forward: uneven", "Going"),
        ("jumping jack", "Sport"),
        ("wave", "Gestures"),
        ("dance: salsa", "Dance"),
        ("kick: front", "Fighting"),
        ("animal", "Other"),
    ],
)
def test_actions_have_categories(blank, name, category):
    assert _module(blank, "features.generate.prompt_menus").category_of(name) == category


def test_enter_generates_once_typing_has_ended(walking, monkeypatch):
    keyboard = _module(walking, "features.generate.keyboard")
    settings = bpy.context.scene.placid
    operator = keyboard.PLACID_OT_generate_on_enter
    held = SimpleNamespace(execute=lambda context: operator.run(None, context) or {"FINISHED"})
    press = operator.invoke.__get__(held)
    tab = SimpleNamespace(region=SimpleNamespace(type="UI"))
    keyboard.Typing.forget()
    assert press(tab, None) == {"PASS_THROUGH"}, "nothing was typed"
    settings.seconds = 2.0
    settings.prompt = "a person walks"
    elsewhere = SimpleNamespace(region=SimpleNamespace(type="WINDOW"))
    assert press(elsewhere, None) == {"PASS_THROUGH"}
    assert press(tab, None) == {"FINISHED"}
    assert walking.core.runtime.get().job is not None
    assert press(tab, None) == {"PASS_THROUGH"}, "once is enough"


def test_the_panel_goes_prompt_generate_and_the_rest_is_folded(blank):
    panels = {
        cls.bl_label: cls
        for cls in bpy.types.Panel.__subclasses__()
        if cls.__name__.startswith("PLACID_PT") and cls.bl_space_type == "VIEW_3D"
    }
    children = [p for p in panels.values() if getattr(p, "bl_parent_id", "") == "PLACID_PT_main"]
    open_ones = [p for p in children if "DEFAULT_CLOSED" not in getattr(p, "bl_options", ())]
    assert [panel.bl_label for panel in open_ones] == ["Takes"]
    assert min(children, key=lambda panel: panel.bl_order).bl_label == "Takes"
    layout = _Layout()
    module = _module(blank, "features.generate.panel")
    module.draw_prompt(layout, _context())
    module.draw_generate(layout, _context())
    drawn = layout.operators()
    assert drawn.index("placid.mark_prompt") < drawn.index("placid.generate")


def test_lengths_are_set_in_frames_too(blank):
    settings = bpy.context.scene.placid
    bpy.context.scene.render.fps = 30
    settings.frames = 90
    assert settings.seconds == pytest.approx(3.0)
    assert settings.frames == 90


def test_safety_is_told_in_an_animators_words(walking):
    operators = _module(walking, "features.generate.operators")
    settings = bpy.context.scene.placid
    assert operators.safety_words(settings) == "violence: forgotten"
    settings.safety_name = "off"
    current = walking.core.runtime.get()
    current.session.restart()
    while current.session.capabilities is None:
        current.tick(0.05)
    assert operators.safety_words(settings) == "Off"
    words = _module(walking, "core.safety_words").safety_of
    assert words(SimpleNamespace(safety="off", concepts="")) == "Off"
    assert words(SimpleNamespace(safety="lcr", concepts="violence")) == "violence: forgotten"


def test_bones_are_called_as_animators_call_them(blank):
    armature = blank.character.armature.create_character(bpy.context)
    bpy.ops.placid.guess_mapping()
    mapping = _module(blank, "retargeting.bone_mapping")
    labels = mapping.row_labels(armature.placid_mapping)
    assert {"Thigh", "Shin", "Foot", "Toe", "Upper Arm", "Forearm", "Hand"} <= set(labels)


def test_a_rig_that_is_not_recognised_leads_to_guess(blank):
    data = bpy.data.armatures.new("Crane")
    crane = bpy.data.objects.new("Crane", data)
    bpy.context.scene.collection.objects.link(crane)
    bpy.context.view_layer.objects.active = crane
    crane.select_set(True)
    layout = _Layout()
    _module(blank, "features.generate.panel").draw_generate(layout, _context())
    assert "placid.guess_mapping" in layout.operators()
    assert "Bone Mapping" in layout.labels()


@pytest.mark.parametrize(
    ("code", "operator"),
    [
        ("setup_failed", "placid.set_up"),
        ("version_mismatch", "placid.set_up"),
        ("not_writable", "placid.open_folder"),
        ("backend_missing", "placid.open_preferences"),
        ("backend_lost", "placid.start_backend"),
        ("bad_rig", "placid.guess_mapping"),
    ],
)
def test_a_problem_has_the_button_that_helps(blank, code, operator):
    layout = _Layout()
    error = blank.shared.errors.PlacidError(code, "it went wrong")
    _module(blank, "ui.backend_status").draw_notice(layout, error, 40)
    assert operator in layout.operators()
    assert operator.split(".")[1] in dir(bpy.ops.placid)


def test_dope_sheet_and_nla_have_the_tab_and_menus_the_entries(blank):
    tabs = _module(blank, "features.takes.editor_tabs")
    for panel, space in (
        (tabs.PLACID_PT_dope_sheet, "DOPESHEET_EDITOR"),
        (tabs.PLACID_PT_nla, "NLA_EDITOR"),
    ):
        assert (panel.bl_space_type, panel.bl_category) == (space, "Placid")
        layout = _Layout()
        panel.draw(SimpleNamespace(layout=layout), _context())
        assert "placid.generate" in layout.operators()
    menu = bpy.types.VIEW3D_MT_object
    assert tabs._entry in menu._dyn_ui_initialize()
    layout = _Layout()
    tabs.PLACID_MT_menu.draw(SimpleNamespace(layout=layout), bpy.context)
    for operator in layout.operators():
        assert operator.split(".")[1] in dir(bpy.ops.placid)
