"""Training of text-reading networks on the retain set: the trainer that unlearning methods call."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from backend.engines.torch_engine import to_array
from backend.training.loop import LoopOptions, TrainingError, train
from backend.training.runs import (
    codebook_of,
    forgotten,
    newest_weights,
    retain_folder,
    stored_tokens,
)
from backend.training.transformers import TextTask
from backend.unlearning.concept import Concept
from backend.unlearning.methods.finetune import FineTuneParameters
from backend.unlearning.weights import NetworkName, array_hash


@dataclass(frozen=True)
class RetainTraining:
    """Trains on the samples of a run of which no caption matches the concept; resumes.

    Attributes:
        run: folder with the token sets that `backend train tokens` wrote. The checkpoints lie in
            `retain_folder` for new networks, where `backend train text --retain` also puts them,
            and in `finetune-CONCEPT-BASE` for a base of that hash. A new network whose training
            was finished there is taken as it is, whatever its steps.
        device: where to train.
    """

    run: Path
    device: str = "cpu"

    def codebook(self) -> str:
        """`codebook_hash` of the RVQ-VAE that made the run's tokens; "" when the run has none."""
        return codebook_of(self.run, stored_tokens(self.run, "train"))

    def __call__(
        self,
        name: NetworkName,
        network: nn.Module,
        concept: Concept,
        parameters: FineTuneParameters,
    ) -> nn.Module:
        """The trained network, on the CPU.

        Raises:
            TrainingError: when the run has no tokens, or nothing is left to train on.
        """
        finished = newest_weights(retain_folder(self.run, concept, parameters.seed), name)
        if parameters.start == "new" and finished.exists():
            network.load_state_dict(torch.load(finished, map_location="cpu", weights_only=True))
            return network.eval()
        training, validation = (
            tokens.select(~forgotten(tokens, concept))
            for tokens in (stored_tokens(self.run, "train"), stored_tokens(self.run, "val"))
        )
        if not len(training) or not len(validation):
            raise TrainingError(
                f"every sample of {self.run} belongs to {concept.name!r}; name a concept that "
                "leaves something to train on"
            )
        options = LoopOptions(
            parameters.steps,
            parameters.learning_rate,
            warmup=parameters.warmup,
            weight_decay=1e-2,
            average=0.998,
            seed=parameters.seed,
            validate_every=250,
        )
        folder = retain_folder(self.run, concept, parameters.seed)
        if parameters.start == "base":
            base = array_hash({key: to_array(v) for key, v in network.state_dict().items()})
            folder = self.run / f"finetune-{concept.key}-{base[:8]}"
        task = TextTask(name, network.to(self.device), training, validation)
        return train(task, options, folder).cpu().eval()
