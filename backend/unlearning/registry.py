"""Every unlearning method under its name.

A method is a function `fit(networks, concept, data, parameters) -> Edit`, registered as a `Method`
by its file in `methods/`. What `data` is differs:
LCR reads code statistics, UCE and RECE prompt embeddings, fine-tuning a trainer with a retain set.
Methods joined by a plus ("lcr+uce") are fitted one by one and composed in that order.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from backend.unlearning.edit import Edit, Patch
from backend.unlearning.edit_name import JOIN
from backend.unlearning.errors import UnlearningError, unknown
from shared.registry import Registry


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes:
        name: what users type.
        summary: one line for lists.
        data: what `fit` learns from: "statistics" (`CodeStatistics`), "text" (`TextEmbeddings`),
            "sequences" (`CountedSequences`) or "motions" (`TrainOnRetainSet`, for methods that
            train).
        touches: the networks that an edit changes, where the model has them.
        keys: pattern of the state-dict keys that it changes in them.
        by_rows: whether it changes single rows, and never a whole array.
        presets: named parameters; "published" is the default.
        fit: (networks, concept, data, parameters) -> Edit.
        fixed: parameters that make it this method and no other, with their values.
        offered: whether front ends offer it where it can be made on request. Methods that leave
            more than others do are for comparison, and only asked for by name.
    """

    name: str
    summary: str
    data: Literal["statistics", "text", "sequences", "motions"]
    touches: tuple[str, ...]
    keys: str
    by_rows: bool
    presets: Mapping[str, Any]
    fit: Callable[..., Edit]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    offered: bool = True

    def may_change(self, patch: Patch) -> bool:
        """Whether a patch is one that the method makes."""
        return (
            patch.network in self.touches
            and re.fullmatch(self.keys, patch.key) is not None
            and (patch.rows is not None) == self.by_rows
        )

    def parameters(self, preset: str = "published", **overrides: Any) -> Any:
        """A preset with single values replaced; strings are read as numbers and truth values.

        Raises UnlearningError for an unknown preset or parameter, or a value of another kind.
        """
        if preset not in self.presets:
            raise unknown(f"preset of {self.name}", preset, self.presets)
        values = dataclasses.asdict(self.presets[preset])
        for name, value in overrides.items():
            if name not in values:
                raise unknown(f"parameter of {self.name}", name, values)
            if name in self.fixed and value != self.fixed[name]:
                raise UnlearningError(
                    f"{name} of {self.name} is always {self.fixed[name]!r}: it would be another "
                    "method, which `backend unlearn list` names"
                )
        try:
            return msgspec.convert(values | overrides, type(self.presets[preset]), strict=False)
        except msgspec.ValidationError as error:
            raise UnlearningError(f"a parameter of {self.name} is not usable: {error}") from None


METHODS: Final[Registry[Method]] = Registry("unlearning method", "backend.unlearning.methods")


def find_method(name: str) -> Method:
    """The method of that name. Raises UnlearningError with the nearest name."""
    if name not in METHODS:
        raise unknown("unlearning method", name, METHODS)
    return METHODS[name]


def find_methods(name: str) -> list[Method]:
    """The method of that name, or several joined by a plus ("lcr+uce"), each named once.

    Raises UnlearningError with the nearest name for one that nobody knows.
    """
    names = name.split(JOIN)
    if len(set(names)) < len(names):
        raise UnlearningError(f"{name!r} names a method twice: name each once")
    return [find_method(part) for part in names]


def describe_methods() -> list[dict[str, Any]]:
    """One JSON-ready row per method: name, summary, data, touches, presets with all values."""
    return [
        {
            "name": method.name,
            "summary": method.summary,
            "data": method.data,
            "touches": list(method.touches),
            "presets": {
                name: dataclasses.asdict(values) for name, values in method.presets.items()
            },
        }
        for method in METHODS.values()
    ]
