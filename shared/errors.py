"""The one exception that carries a sentence for the user from any room to any front end."""


class PlacidError(Exception):
    """Something a user can act on.

    Attributes:
        code: stable name for programs, for example `bad_request`, `unknown_method`,
            `version_mismatch`, `cancelled`, `resource_exhausted`, `backend_lost`, `internal`.
        message: one sentence naming the thing, the value and the remedy.
        details: further facts for a report (a log path, an exit code); plain strings.
    """

    def __init__(self, code: str, message: str, details: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or {}
