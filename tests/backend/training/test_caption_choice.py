import numpy as np

from backend.text.sentence import SentenceEncoder
from backend.training.captions import CaptionEncoder


def test_captions_of_a_training_get_the_vectors_that_prompts_get():
    texts = ["a person walks forward", "someone kicks", "a person waves with both hands, then bows"]
    vectors = CaptionEncoder("cpu").encode(texts)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, SentenceEncoder().encode(texts), atol=1e-4)
