"""A take's name, which its action, its strip and its track have as well."""

from ..retargeting.slots import strips_of


def rename(take) -> None:
    """Let what a take brought into the file be called like it; no two takes have one name."""
    others = {other.name for other in take.id_data.placid.takes if other != take}
    name = unused(take.name.strip() or take.prompt or "Take", others)
    if name != take.name:
        # The update of the name comes here again.
        take.name = name
        return
    if take.action is None:
        return
    if take.action.library is None:
        take.action.name = name
    data = take.armature.animation_data if take.armature else None
    own = strips_of(data, take.action)
    for track in data.nla_tracks if data is not None else ():
        if len(track.strips) == 1 and track.strips[0] in own:
            track.name = name
    for strip in own:
        strip.name = name


def unused(base: str, taken: set[str]) -> str:
    """The name, numbered where it is taken."""
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base} {number}"
    return name
