"""How a generator reads prompts: parted into actions, and held against what the model knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.assets import ASSETS
from backend.text.encoding import MINILM
from backend.text.known_actions import KNOWN_FILE, Encode, KnownAction, KnownActions
from shared.motion.understanding import Understanding
from shared.protocol.requests import Generate, Request, Segment, Timeline

# Of a prompt with several actions: how long each takes when no length is given, and at least.
# No measurement chose them; of the 288 real motions of one action in the evaluator's reference.json
# a quarter are shorter than 2.8 s and half than 4.6 s, and 5 of 100 are shorter than 1.4 s.
ACTION_SECONDS: Final = 3.0
SHORTEST_ACTION: Final = 1.2


class PromptReader:
    """Reads prompts for one checkpoint.

    A checkpoint without a file of what it knows has its prompts parted like those of the embedded
    one, and nothing is said about what it knows. Official models read whole sentences.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        """Read what the checkpoint in a folder knows.

        Args:
            encoder: name of its text encoder.

        Raises:
            PlacidError: `bad_known_actions` when its file is damaged.
        """
        own = folder / KNOWN_FILE
        known = KnownActions.load(own) if own.exists() else None
        self._known = known if known and known.encoder == encoder else None
        self._parting = self._known
        if self._parting is None and encoder == MINILM:
            self._parting = KnownActions.load(ASSETS / "embedded" / KNOWN_FILE)

    @property
    def actions(self) -> tuple[KnownAction, ...]:
        """What the model knows; empty where that is not known."""
        return self._known.actions if self._known else ()

    def understand(self, request: Request, encode: Encode) -> Understanding | None:
        """Whether the model knows what a request asks for; None where nobody can tell."""
        if self._known is None:
            return None
        if isinstance(request, Timeline):
            parts = [segment.prompt for segment in request.segments]
            return self._known.judge_parts(parts, encode)
        return self._known.judge(request.prompt, encode)

    def told(
        self, request: Request, encode: Encode, provenance: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The provenance of what a request gives, with whether the model knows it."""
        understanding = self.understand(request, encode)
        return understanding.put_into(provenance) if understanding else dict(provenance)

    def parts(self, prompt: str) -> tuple[str, ...]:
        """The actions that a prompt asks for, one after another."""
        return self._parting.parts(prompt) if self._parting else (prompt,)

    def plan(self, request: Generate, longest: float) -> Timeline | Generate:
        """A timeline for a prompt that names several actions, where the model needs one.

        The embedded model has met few sequences, and mostly makes one of their actions. What a
        prompt denies is not asked of it.

        Args:
            longest: seconds that one motion may take.
        """
        if self._parting is None:
            return request
        prompts = self.parts(request.prompt)
        if len(prompts) == 1:
            return msgspec.structs.replace(request, prompt=prompts[0])
        seconds = request.seconds or min(longest, ACTION_SECONDS * len(prompts))
        if request.loop != "off" or seconds < SHORTEST_ACTION * len(prompts):
            return request
        fields = msgspec.structs.asdict(request)
        for own in ("prompt", "seconds", "loop", "path"):
            fields.pop(own)
        share = seconds / len(prompts)
        return Timeline(segments=tuple(Segment(text, share) for text in prompts), **fields)
