"""Guided logits of every token, by the whole forward pass; those of some alone must be the same."""

import torch


def guided(run, text, scale):
    """u + scale * (c - u) of run(text, with empty text behind it)."""
    if scale == 1:
        return run(text)
    conditional, unconditional = run(torch.cat([text, torch.zeros_like(text)])).chunk(2)
    return unconditional + scale * (conditional - unconditional)


def masked_logits(model, ids, text, lengths, scale):
    """Logits (b, codes, n) of all tokens; those of some alone must be the same."""

    def run(both):
        times = len(both) // len(ids)
        return model(ids.repeat(times, 1), both, lengths.repeat(times))

    logits = guided(run, text, scale)
    wanted = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)
    for some in (wanted, wanted & (torch.arange(ids.shape[1]) % 3 == 1)):
        torch.testing.assert_close(
            guided(lambda both, s=some: model.wanted_logits(ids, both, lengths, s), text, scale),
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

    def run_some(both):
        return model.wanted_logits(history, int(q[0]), both, lengths, some)

    logits = guided(run, text, scale)
    places = torch.arange(history.shape[1])
    some = (places < lengths.unsqueeze(1)) & (places % 3 > 0)
    torch.testing.assert_close(
        guided(run_some, text, scale), logits.transpose(1, 2)[some], rtol=1e-3, atol=1e-3
    )
    return logits


def bamm_logits(model, ids, text, scale, known=None):
    """Logits (b, codes + 1, n + 1) of all tokens."""

    def run(both):
        times = len(both) // len(ids)
        return model(ids.repeat(times, 1), both, None if known is None else known.repeat(times, 1))

    return guided(run, text, scale)
