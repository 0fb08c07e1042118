"""When the prompt was typed, so that Enter in its field is told from Enter elsewhere."""

import time
from typing import Final

# Enter ends typing when its key is pressed; its release comes within this time.
_RELEASE_SECONDS: Final = 0.6


class Typing:
    """When the prompt was typed last."""

    at = float("-inf")

    @classmethod
    def note(cls) -> None:
        """Something was typed, or typing has ended."""
        cls.at = time.monotonic()

    @classmethod
    def has_just_ended(cls) -> bool:
        """Whether it was so lately that a key released now has ended it."""
        return time.monotonic() - cls.at < _RELEASE_SECONDS

    @classmethod
    def forget(cls) -> None:
        """What was typed has been acted on."""
        cls.at = float("-inf")
