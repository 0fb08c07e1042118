"""Whether the hub that CLIP comes from, or another host, can be reached, found out within seconds.

The hub's own library tries again and again, for minutes, before it says that there is no network.
"""

import os
import threading
import urllib.error
import urllib.request
from typing import Final

_SECONDS: Final = 15.0
HUB: Final = "https://huggingface.co"


def address_of_hub() -> str:
    """The hub's address, or that of the mirror that the environment names."""
    return os.environ.get("HF_ENDPOINT") or HUB


def problem_of_hub(seconds: float = _SECONDS) -> str:
    """`problem_of_host` for the hub."""
    return problem_of_host(address_of_hub(), seconds)


def problem_of_host(url: str, seconds: float = _SECONDS) -> str:
    """Why a host cannot be reached, in a few words; empty when it can.

    Args:
        seconds: to wait for an answer, the look-up of its name included.
    """
    found: list[str] = []
    # Looking a name up has no time limit of its own, so a thread does it.
    asking = threading.Thread(target=lambda: found.append(_ask(url, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return found[0] if found else f"{url} did not answer within {seconds:g} seconds"


def _ask(url: str, seconds: float) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
            return ""
    except urllib.error.HTTPError:
        return ""  # it answers, whatever it says
    except (OSError, ValueError) as error:
        return f"{url} cannot be reached ({getattr(error, 'reason', error)})"
