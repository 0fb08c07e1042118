"""What every verb has in common: a readable error, and a reason when its button is grey."""

from collections.abc import Callable

import bpy

from ..shared.errors import PlacidError
from . import runtime


class Operator:
    """Base of Placid's operators: they implement `run` and, where it applies, `disabled_reason`."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it is not."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def run(self, context: bpy.types.Context) -> None:
        """Do it. Raises PlacidError with the sentence for the user."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.attempt(lambda: self.run(context))

    def attempt(self, work: Callable[[], None]) -> set[str]:
        """Do a piece of work; what fails becomes the notice."""
        try:
            work()
        except PlacidError as error:
            runtime.get().notice = error
            self.report({"ERROR"}, error.message)
            return {"CANCELLED"}
        except Exception as error:
            self.report({"ERROR"}, runtime.get().note_unforeseen(error).message)
            return {"CANCELLED"}
        return {"FINISHED"}
