"""Whole training runs of the embedded default: sizes, settings, files."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from backend.checkpoints.saving import save_checkpoint
from backend.datasets.preparation import PreparedClip, load_prepared
from backend.datasets.vectors import RunningStatistics
from backend.engines.torch_engine import editable
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.device import choose_device
from backend.models.length import LengthEstimator
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE
from backend.motion.features import emphasised_std
from backend.text.sentence import SentenceEncoder
from backend.training.captions import CaptionEncoder
from backend.training.decoder import DecoderTask
from backend.training.loop import LoopOptions, TrainingError, train
from backend.training.rvq import RVQTask, WindowShares
from backend.training.tokens import TokenSet, draw_tokens, token_set
from backend.training.transformers import TextTask
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.statistics import codebook_hash
from shared.files import written_whole

# Half of the batches use the first few quantisers only, and not a fifth as published: what these
# leave to the last ones the transformers have to guess.
RVQ: Final = RVQConfig(codes=512, code_dim=128, width=320, dropout=0.0, quantize_dropout=0.5)
SHARES: Final = WindowShares(free=0.5, strikes=0.15, low=0.08, still=0.05)
_SIZES: Final[dict[str, Any]] = {
    "codes": RVQ.codes,
    "code_dim": RVQ.code_dim,
    "text_dim": SentenceEncoder.width,
    "width": 256,
    "heads": 8,
    "ff": 768,
    "layers": 5,
    "dropout": 0.1,
}
TEXT_NETWORKS: Final[dict[str, Callable[[], nn.Module]]] = {
    "masked": lambda: MaskTransformer(MaskedConfig(**_SIZES)),
    "residual": lambda: ResidualTransformer(ResidualConfig(**_SIZES)),
    "bamm": lambda: BAMM(BAMMConfig(**_SIZES)),
    "length": lambda: LengthEstimator(LengthConfig(text_dim=SentenceEncoder.width)),
}
# By validation prompts of both models, where 2 to 3.5 do about alike and 6 follows them less.
GUIDANCE: Final = 3.0
VALIDATION_SAMPLES: Final = 600
PART: Final = 4096  # so many motions are in memory at a time
VALIDATIONS: Final = 20  # of a long training
SINGLE_ACTION_SHARE: Final = 0.85


def _statistics(clips: list[PreparedClip]) -> tuple[np.ndarray, np.ndarray]:
    statistics = RunningStatistics()
    for clip in clips:
        if clip.split == "train":
            statistics.add(clip.features)
    mean, std = statistics.result()
    return mean, emphasised_std(std)


def _finished(path: Path, command: str) -> dict[str, torch.Tensor]:
    if not path.exists():
        raise TrainingError(f"{path} is missing; run `backend train {command}` first")
    return torch.load(path, map_location="cpu", weights_only=True)


def _load_rvq(out: Path, refined: bool = False) -> tuple[RVQVAE, np.ndarray, np.ndarray]:
    name = "decoder" if refined and (out / "decoder.weights").exists() else "rvq"
    network = RVQVAE(RVQ)
    network.load_state_dict(_finished(out / f"{name}.weights", "rvq"))
    with np.load(out / "statistics.npz", allow_pickle=False) as file:
        return network.eval(), file["mean"], file["std"]


def train_rvq(
    prepared: Path, out: Path, steps: int, seed: int, device: str | None, batch: int = 64
) -> None:
    """Train the RVQ-VAE; writes `statistics.npz` and `rvq.weights` into `out`."""
    clips = load_prepared(prepared)
    mean, std = _statistics(clips)
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(out / "statistics.npz") as file:
        np.savez(file, mean=mean, std=std)
    torch.manual_seed(seed)
    network = RVQVAE(RVQ).to(choose_device(device))
    task = RVQTask(network, clips, mean, std, batch, 1.0, shares=SHARES)
    options = LoopOptions(
        steps, learning_rate=6e-4, seed=seed, validate_every=max(500, steps // VALIDATIONS)
    )
    torch.save(train(task, options, out).state_dict(), out / "rvq.weights")


def train_decoder(
    prepared: Path, out: Path, steps: int, seed: int, device: str | None, batch: int = 32
) -> None:
    """Refine the decoder; writes `decoder.weights` (the whole RVQ-VAE) into `out`."""
    network, mean, std = _load_rvq(out)
    network.to(choose_device(device))
    task = DecoderTask(network, load_prepared(prepared), mean, std, batch)
    options = LoopOptions(
        steps,
        learning_rate=4e-4,
        seed=seed,
        average=0.998,
        validate_every=max(250, steps // VALIDATIONS),
    )
    torch.save(train(task, options, out).state_dict(), out / "decoder.weights")


def make_tokens(prepared: Path, out: Path, samples: int, seed: int, device: str | None) -> None:
    """Write the token sets of the training and validation split into `out`.

    The vectors of the captions are kept in `out` as well, so that only the motions are left to do
    when the RVQ-VAE is trained anew.
    """
    clips = load_prepared(prepared)
    device = choose_device(device)
    network, mean, std = _load_rvq(out)
    network.to(device)
    encoder = CaptionEncoder(device)
    for split, count in (("val", VALIDATION_SAMPLES), ("train", samples)):
        starts = tqdm(range(0, count, PART), desc=f"{split} tokens", unit="part")
        parts = [
            draw_tokens(
                clips, split, range(start, min(start + PART, count)), seed, network, mean, std
            )
            for start in starts
        ]
        tokens = token_set(parts, encoder, out / f"{split}.texts.npz")
        replace(tokens, codebook=codebook_hash(editable({"rvq": network}))).save(out, split)


def stored_tokens(out: Path, split: str) -> TokenSet:
    """The token set of a split in a run. Raises TrainingError when it was not made."""
    try:
        return TokenSet.load(out, split)
    except FileNotFoundError:
        raise TrainingError(
            f"{out} has no tokens of the {split} split; run `backend train tokens` first"
        ) from None


def codebook_of(out: Path, tokens: TokenSet) -> str:
    """`codebook_hash` of the RVQ-VAE that made a run's tokens; "" when the run does not say."""
    if tokens.codebook or not (out / "rvq.weights").exists():
        return tokens.codebook
    return codebook_hash(editable({"rvq": _load_rvq(out)[0]}))


def retain_folder(run: Path, concept: Concept, seed: int) -> Path:
    """Where networks lie that never learned a concept: a folder for each seed of D_r."""
    return run / (f"retain-{concept.key}" + (f"-seed{seed}" if seed else ""))


def _token_sets(out: Path, retain: str | None, seed: int) -> tuple[TokenSet, TokenSet, Path]:
    """The training and validation samples of a run, and where networks trained on them belong."""
    training, validation = stored_tokens(out, "train"), stored_tokens(out, "val")
    if retain is None:
        return training, validation, out
    concept = find_concept(retain)
    training, validation = (
        tokens.select(~forgotten(tokens, concept)) for tokens in (training, validation)
    )
    return training, validation, retain_folder(out, concept, seed)


def _check_name(name: str) -> None:
    if name not in TEXT_NETWORKS:
        raise TrainingError(f"there is no network {name!r}; choose {', '.join(TEXT_NETWORKS)}")


def _text_options(steps: int, rate: float, warmup: int, seed: int) -> LoopOptions:
    return LoopOptions(
        steps,
        rate,
        warmup=warmup,
        weight_decay=1e-2,
        average=0.998,
        seed=seed,
        validate_every=max(250, steps // VALIDATIONS),
    )


def train_text(
    name: str,
    out: Path,
    steps: int,
    seed: int,
    device: str | None,
    retain: str | None,
    batch: int = 64,
) -> None:
    """Train a network that reads text; writes `NAME.weights` into `out`.

    With `retain`, samples with a caption that matches that concept are left out and the run lies
    in `retain_folder`: the model that never learned it (D_r).
    """
    _check_name(name)
    training, validation, out = _token_sets(out, retain, seed)
    if name == "length":
        training, validation = (t.select(t.natural) for t in (training, validation))
    torch.manual_seed(seed)
    network = TEXT_NETWORKS[name]().to(choose_device(device))
    rate = 3e-4 if name == "length" else 8e-4
    task = TextTask(name, network, training, validation, batch)
    options = _text_options(steps, rate, 300, seed)
    torch.save(train(task, options, out).state_dict(), out / f"{name}.weights")


def refine_text(
    name: str,
    out: Path,
    steps: int,
    seed: int,
    device: str | None,
    retain: str | None,
    batch: int = 64,
) -> None:
    """Train a finished network further, mostly on single actions; writes `NAME-refined.weights`.

    Sequences teach what may follow what, and take most of the samples; prompts mostly name one
    action, of which a motion has to show all that makes it that action. Rare actions are met more
    often than their samples are many. For `retain` see `train_text`.
    """
    _check_name(name)
    training, validation, out = _token_sets(out, retain, seed)
    torch.manual_seed(seed)
    network = TEXT_NETWORKS[name]().to(choose_device(device))
    command = f"text {name}" + (f" --retain {retain} --seed {seed}" if retain else "")
    network.load_state_dict(_finished(out / f"{name}.weights", command))
    task = TextTask(name, network, training, validation, batch, balanced(training.kinds))
    task.name = f"{name}-refined"
    options = _text_options(steps, 4e-4, 100, seed)
    torch.save(train(task, options, out).state_dict(), out / f"{name}-refined.weights")


def balanced(kinds: list[list[str]]) -> np.ndarray:
    """How often to draw each sample (N,): single actions by the roots of their numbers.

    Samples of several actions share the rest, all alike.
    """
    alone = [own[0] if len(set(own)) == 1 else "" for own in kinds]
    counts = Counter(alone)
    roots = {kind: count**0.5 for kind, count in counts.items() if kind}
    total = sum(roots.values())
    shares = {kind: SINGLE_ACTION_SHARE * root / total for kind, root in roots.items()}
    shares[""] = 1 - SINGLE_ACTION_SHARE
    return np.array([shares[kind] / counts[kind] for kind in alone])


def forgotten(tokens: TokenSet, concept: Concept) -> np.ndarray:
    """bool (N,): the samples of which a caption matches, or that show a kind of the concept."""
    rows = np.array([concept.matches(text) for text in tokens.texts], dtype=bool)
    kinds = set(concept.kinds)
    shown = np.array([not kinds.isdisjoint(own) for own in tokens.kinds], dtype=bool)
    return rows[tokens.captions].any(axis=1) | shown


def newest_weights(out: Path, name: str) -> Path:
    """Where a run keeps the weights of a network: refined, if it was refined."""
    refined = out / f"{name}-refined.weights"
    return refined if refined.exists() else out / f"{name}.weights"


def export(out: Path, folder: Path) -> None:
    """Write the trained networks in `out` as a checkpoint."""
    rvq, mean, std = _load_rvq(out, refined=True)
    networks: dict[str, nn.Module] = {"rvq": rvq}
    for name, make in TEXT_NETWORKS.items():
        path = newest_weights(out, name)
        if path.exists():
            network = make()
            network.load_state_dict(_finished(path, f"text {name}"))
            networks[name] = network
    logs = sorted(out.glob("*.log.jsonl"))
    last = {
        path.name.split(".")[0]: msgspec.json.decode(path.read_bytes().splitlines()[-1])
        for path in logs
    }
    provenance = {"training": last}
    save_checkpoint(
        folder,
        networks,
        mean,
        std,
        SentenceEncoder.name,
        provenance,
        guidance=GUIDANCE,
        features="placid",
    )
