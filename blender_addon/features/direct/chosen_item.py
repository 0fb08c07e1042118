"""What the verbs that take an item off one of the panel's lists have in common."""

from typing import ClassVar

from ...core.operator_base import Operator


class RemoveChosen(Operator):
    """Base of the verbs that remove the chosen item of a list; each is one step of undo.

    Attributes:
        LIST: names of the scene's settings, and in these of the list and of the chosen index.
    """

    bl_options: ClassVar = {"REGISTER", "UNDO"}
    LIST: ClassVar[tuple[str, str, str]]

    @classmethod
    def disabled_reason(cls, context):
        settings, items, _ = cls.LIST
        return "" if getattr(getattr(context.scene, settings), items) else "The list is empty"

    def run(self, context):
        place, items, index = self.LIST
        settings = getattr(context.scene, place)
        chosen = getattr(settings, index)
        getattr(settings, items).remove(chosen)
        setattr(settings, index, max(0, chosen - 1))
