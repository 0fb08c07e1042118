"""From a request to motions: sampler, codec, takes, timelines, edits."""
