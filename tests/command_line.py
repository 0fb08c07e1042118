"""The command line in the test's own process, for what it writes and says."""

import contextlib
import io
import sys
from unittest import mock

from backend import cli


def run_backend(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of `backend` with these arguments.

    A process of its own costs seconds to import what the tests have imported already; only a test
    that kills one, or tells that a process ends, starts one.
    """
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["backend", *map(str, arguments)]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    return int(code or 0), output.getvalue(), errors.getvalue()
