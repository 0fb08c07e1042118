"""Guided logits of every token, by the whole forward pass; those of some alone must be the same."""

import torch

from backend.models.sampling import classifier_free_guidance


def masked_logits(model, ids, text, lengths, scale):
    """Logits (b, codes, n) of all tokens; those of some alone must be the same."""

    def run(both):
        times = len(both) // len(ids)
        return model(ids.repeat(times, 1), both, lengths.repeat(times))

    logits = classifier_free_guidance(run, text, scale)
    wanted = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)
    for some in (wanted, wanted & (torch.arange(ids.shape[1]) % 3 == 1)):
        torch.testing.assert_close(
            model.guided_logits(ids, text, lengths, scale, some),
            logits.transpose(1, 2)[some],
            rtol=1e-3,
            atol=1e-3,
        )
    return logits


def residual_logits(model, history, q, text, lengths, scale):
    """Logits (b, classes, n) of all tokens; those of some alone must be the same."""

    def run(both):
        times = len(both) // len(history)
        return model(history.repeat(times, 1, 1), q.repeat(times), both, lengths.repeat(times))

    logits = classifier_free_guidance(run, text, scale)
    places = torch.arange(history.shape[1])
    some = (places < lengths.unsqueeze(1)) & (places % 3 > 0)
    torch.testing.assert_close(
        model.guided_logits(history, int(q[0]), text, lengths, scale, some),
        logits.transpose(1, 2)[some],
        rtol=1e-3,
        atol=1e-3,
    )
    return logits
