"""Samplers: from networks' logits to tokens, in numpy, whatever computes the logits."""
