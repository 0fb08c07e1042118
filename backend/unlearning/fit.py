"""Fitting a safety edit to a checkpoint: gathers what each method reads, then runs it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.assets import ASSETS, user_data_folder
from backend.checkpoints.loading import EMBEDDED, Checkpoint
from backend.text.encoding import TextEncoder
from backend.text.inflection import inflect_template
from backend.unlearning.advice import unlearn_command
from backend.unlearning.caption_bank import shipped_bank
from backend.unlearning.composition import compose
from backend.unlearning.concept import Concept, Dataset
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError, unknown
from backend.unlearning.methods.finetune import TrainOnRetainSet
from backend.unlearning.methods.lcr import LCRParameters, suited
from backend.unlearning.methods.uce import UCEParameters
from backend.unlearning.registry import Method, find_methods
from backend.unlearning.statistics import CodeStatistics, codebook_hash
from backend.unlearning.text_embeddings import TextEmbeddings, embed_concept
from backend.unlearning.token_sequences import COUNTS, CountedSequences, TokenSequences
from backend.unlearning.weights import EditableNetworks

STATISTICS: Final = ASSETS / "statistics"
# The empty prompt, as published, is one that the embedded model was never trained on.
TARGET_PROMPT: Final = "a person walks forward slowly"
# What the scripts of Human Motion Unlearning give as texts to retain.
PUBLISHED_RETAIN: Final = (
    *("walk", "walking", "run", "running", "jog", "step", "turn", "dance", "dancing", "move"),
    *("moving", "steps", "raise", "arm", "leg", "forward", "front", "backward", "sit", "dodge"),
    "moves",
)
_PUBLISHED: Final[dict[str, Dataset]] = {
    "published": "HumanML3D",
    "published-motion-x": "Motion-X",
}
_KEYWORD_SENTENCES: Final = ("a person *{}", "someone *{}", "*{} ", "a person does a {}")


def statistics_folders(checkpoint: Path) -> tuple[Path, ...]:
    """Where code statistics of a checkpoint lie; the last is the place for new ones.

    Those that ship come first: counts of one's own do not take their place, but can be named.
    """
    if checkpoint == EMBEDDED:
        return STATISTICS, user_data_folder() / "statistics"
    return (checkpoint / "statistics",)


def statistics_file(concept: str, counts: str) -> str:
    """File name of the statistics of a concept; see `LCRParameters.counts`."""
    return f"{concept}-{counts}.safetensors"


@dataclass(frozen=True)
class FitInputs:
    """What a fit may draw on beside the checkpoint.

    Attributes:
        encoder: of the prompts, for UCE and RECE.
        statistics: folders with code statistics, or one statistics file, for LCR.
        train: the trainer, for methods that train; None where there is no data.
        codebook: `codebook_hash` of the RVQ-VAE that made what the trainer trains on.
        checkpoint: the folder of what is fitted to, for what errors advise.
    """

    encoder: TextEncoder
    statistics: Sequence[Path] = (STATISTICS,)
    train: TrainOnRetainSet | None = None
    codebook: str = ""
    checkpoint: Path | None = None


def fit_edit(
    checkpoint: Checkpoint,
    materials: FitInputs,
    concept: Concept,
    method: str,
    model: str,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Edit:
    """Fit `method` to the networks of `model`, published or with Placid's own settings.

    What is fitted on request and what `backend unlearn` writes is fitted here, so that one name
    with one preset is one edit. Several methods joined by a plus are fitted one by one and composed
    in that order; a preset or an override then goes to those that have it. A preset that is None is
    `default_preset`, with LCR's K as large a share of the model's codes. With any but `published`
    and `corrected`, UCE and RECE read whole sentences (`with_sentences`).

    Raises:
        UnlearningError: for an unknown method, preset or parameter, or for missing materials.
    """
    if model not in checkpoint.models():
        raise unknown("model", model, checkpoint.models())
    networks = checkpoint.model_networks(model)
    methods = find_methods(method)
    check_names(method, preset, overrides or {})
    edits = []
    presets = []
    for part in methods:
        if preset is not None and preset in part.presets:
            chosen = preset
        else:
            chosen = default_preset(checkpoint, part, concept, materials)
        known = {field.name for field in dataclasses.fields(part.presets[chosen])}
        own = {name: value for name, value in (overrides or {}).items() if name in known}
        parameters = part.parameters(chosen, **own)
        presets.append(chosen)
        settled = preset is not None or bool(own)
        edits.append(_fit(part, networks, concept, materials, parameters, chosen, settled))
    whole = edits[0]
    if len(edits) > 1:
        whole = compose([(edit, 1.0) for edit in edits], networks)
    return whole.noted(
        keywords=list(concept.keywords),
        match=concept.match,
        model=model,
        presets=presets,
        encoder=materials.encoder.name,
    )


def default_preset(
    checkpoint: Checkpoint, method: Method, concept: Concept, materials: FitInputs
) -> str:
    """The preset where none is named, by what there is to fit from.

    The bank's vectors serve one text encoder alone; LCR ranks real motions before the model's own.
    """
    if method.data == "text":
        return "embedded" if checkpoint.encoder == shipped_bank().encoder else "corrected"
    if method.data == "statistics":
        for counts, preset in (("motions", "embedded"), ("generated", "generated")):
            name = statistics_file(concept.name, counts)
            if any((place / name).exists() for place in materials.statistics):
                return preset
    return "embedded"


def with_sentences(concept: Concept) -> Concept:
    """The concept with whole sentences to forget and to keep.

    A sentence encoder puts a bare keyword far from the sentences that people write, and a matrix
    edit reaches only what lies near the prompts that it was given. The sentences are the captions
    of the bank, and for concepts that bring none of their own, short ones about the keywords.
    """
    forget, retain = shipped_bank().divide(concept.matches)
    own = concept.forget_prompts
    if set(own) <= set(concept.keywords):
        own += tuple(
            inflect_template(template.format(keyword), form).strip()
            for keyword in concept.keywords
            for template in _KEYWORD_SENTENCES
            for form in ("third", "gerund")
        )
    return msgspec.structs.replace(
        concept,
        forget_prompts=tuple(dict.fromkeys((*own, *forget))),
        retain_prompts=tuple(dict.fromkeys((*concept.retain_prompts, *retain))),
    )


def find_statistics(
    concept: Concept, counts: str, places: Sequence[Path], checkpoint: Path | None = None
) -> CodeStatistics:
    """The statistics of a concept in folders, or those in a file that is named outright.

    Args:
        checkpoint: whose statistics they are, for what the error advises.

    Raises UnlearningError when there are none, or they count another concept; the message says how
    to make them.
    """
    name = statistics_file(concept.name, counts)
    for place in places:
        path = place if place.suffix == ".safetensors" else place / name
        if path.exists() or path == place:
            found = CodeStatistics.load(path)
            if found.concept != concept.name or found.keywords not in ((), concept.keywords):
                raise UnlearningError(
                    f"{path} counts {found.concept!r} ({', '.join(found.keywords) or 'no keywords'}"
                    f"), not {concept.name!r} ({', '.join(concept.keywords)}): count again"
                )
            return found
    make = unlearn_command("statistics", "generated", concept=concept, checkpoint=checkpoint)
    remedy = f"count the model's own motions with `{make}`"
    if counts != "generated":
        remedy += ", from which lcr is fitted where no --preset says otherwise"
    raise UnlearningError(
        f"there are no code statistics of {concept.name!r} ({name}): {remedy}, or use uce or rece, "
        "which need none"
    )


def find_sequences(
    concept: Concept, places: Sequence[Path], checkpoint: Path | None = None
) -> TokenSequences:
    """The token sequences of a concept in folders.

    Args:
        checkpoint: whose they are, for what the error advises.

    Raises UnlearningError when there are none, or they are of another concept of that name.
    """
    name = statistics_file(concept.name, COUNTS)
    for place in places:
        if (place / name).exists():
            found = TokenSequences.load(place / name)
            if (found.concept, found.keywords) != (concept.name, concept.keywords):
                raise UnlearningError(
                    f"{place / name} is of {', '.join(found.keywords)}, not of "
                    f"{', '.join(concept.keywords)}: make it again"
                )
            return found
    make = unlearn_command("statistics", COUNTS, concept=concept, checkpoint=checkpoint)
    raise UnlearningError(
        f"there are no token sequences of {concept.name!r} ({name}): make them with `{make}`, or "
        "use lcr"
    )


def _fit(
    method: Method,
    networks: EditableNetworks,
    concept: Concept,
    materials: FitInputs,
    parameters: Any,
    preset: str,
    settled: bool,
) -> Edit:
    """Fit one method; parameters that nobody settled are suited to what there is to fit from."""
    touched = {name: network for name, network in networks.items() if name in method.touches}
    if method.data == "motions":
        if materials.train is None:
            raise UnlearningError(
                f"{method.name} trains on motions: name a run with tokens with --run"
            )
        if materials.codebook != codebook_hash(networks):
            raise UnlearningError(
                f"the run's tokens were made with codebooks {materials.codebook or 'nobody noted'},"
                f" this model has {codebook_hash(networks)}: name a run of this model"
            )
        return method.fit(touched, concept, materials.train, parameters)
    data: CodeStatistics | TextEmbeddings | CountedSequences
    places = materials.statistics
    if method.data == "sequences":
        sequences = find_sequences(concept, places, materials.checkpoint)
        counts = find_statistics(concept, parameters.counts, places, materials.checkpoint)
        data = CountedSequences(sequences, counts)
    elif method.data == "statistics":
        data = find_statistics(concept, parameters.counts, places, materials.checkpoint)
        if not settled and isinstance(parameters, LCRParameters):
            parameters = suited(parameters, data)
    else:
        scripted = isinstance(parameters, UCEParameters)
        data = _embeddings(concept, materials.encoder, preset, scripted)
    return method.fit(touched, concept, data, parameters)


def _embeddings(
    concept: Concept, encoder: TextEncoder, preset: str, scripted: bool
) -> TextEmbeddings:
    if scripted and preset in _PUBLISHED:
        # As the authors' scripts for UCE and RECE: the split's keywords, single words to retain,
        # the empty target.
        dataset = _PUBLISHED[preset]
        named = concept.published is not None and dataset in concept.published.keywords
        used = concept.as_published(dataset) if named else concept
        used = msgspec.structs.replace(used, target_prompt="")
        return embed_concept(used, encoder.encode, retain_prompts=PUBLISHED_RETAIN)
    if preset in ("published", "corrected"):
        return embed_concept(concept, encoder.encode)
    encode = shipped_bank().encode_with(encoder)
    sentences = with_sentences(concept)
    return embed_concept(sentences, encode, wording="prompts", target_prompt=TARGET_PROMPT)


def check_names(method: str, preset: str | None, overrides: Mapping[str, Any]) -> None:
    """Raise UnlearningError for a method, preset (None for none) or parameter that nobody knows."""
    methods = find_methods(method)
    name = "+".join(method.name for method in methods)
    presets = {preset for method in methods for preset in method.presets}
    if preset is not None and preset not in presets:
        raise unknown(f"preset of {name}", preset, presets)
    known = {
        field.name
        for method in methods
        for field in dataclasses.fields(method.presets["published"])
    }
    for override in overrides:
        if override not in known:
            raise unknown(f"parameter of {name}", override, known)
