"""Whether an edit is what its name says: its method's work, for its concept and model, no other's.

A file's header is written by whoever wrote the file. So the header has to agree with the name, and
what the patches change with what the method changes.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from backend.unlearning.edit import Edit
from backend.unlearning.edit_name import JOIN, EditName
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS

_MODEL_NETWORKS: Final = {
    "momask": {"rvq", "masked", "residual"},
    "bamm": {"rvq", "bamm", "residual"},
}


def check_identity(edit: Edit, name: EditName) -> None:
    """Raise UnlearningError unless the edit belongs under the name."""
    label = f"the edit {name}"
    if (edit.method, edit.concept) != (name.method, name.concept):
        raise UnlearningError(
            f"{label} says inside that it is {edit.method} of {edit.concept!r}: give the file the "
            "name of what it is, or fit it again"
        )
    foreign = {patch.network for patch in edit.patches} - _MODEL_NETWORKS.get(name.model, set())
    if foreign:
        raise UnlearningError(
            f"{label} changes {', '.join(sorted(foreign))}, which {name.model} does not have: fit "
            f"it again with --model {name.model}"
        )
    methods = name.method.split(JOIN)
    unknown = [method for method in methods if method not in METHODS]
    if unknown or len(set(methods)) < len(methods):
        raise UnlearningError(
            f"{label} is of no method that this Placid has ({', '.join(sorted(METHODS))}): remove "
            "the file or update Placid"
        )
    for patch in edit.patches:
        if not any(METHODS[method].may_change(patch) for method in methods):
            raise UnlearningError(
                f"{label} changes {patch.network}:{patch.key}, which {name.method} never does: it "
                "is another method's edit, fit it again"
            )
    _check_parameters(edit.parameters, methods, label)


def _check_parameters(parameters: Mapping[str, Any], methods: list[str], label: str) -> None:
    """An edit carries all parameters of its method, so that it can be fitted again."""
    if len(methods) > 1:
        parts = parameters.get("parts")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            parts = []
        if {part.get("method") for part in parts} != set(methods):
            raise UnlearningError(f"{label} does not say what it is made of: fit it again")
        for part in parts:
            _check_parameters(part.get("parameters") or {}, [part["method"]], label)
        return
    method = METHODS[methods[0]]
    preset = next(iter(method.presets.values()))
    wanted = {field.name for field in dataclasses.fields(preset)}
    foreign = {name: parameters.get(name) for name in method.fixed} != dict(method.fixed)
    if set(parameters) == wanted and foreign:
        raise UnlearningError(f"{label} was fitted by another method: fit it again")
    if set(parameters) != wanted:
        lacking = ", ".join(sorted(wanted.symmetric_difference(parameters)))
        raise UnlearningError(
            f"{label} does not have the parameters of {methods[0]} ({lacking}): it is another "
            "method's edit or an older one, fit it again"
        )
