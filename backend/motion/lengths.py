"""The times of the representation that every network works on: HumanML3D frames, MoMask tokens.

Nobody restates these numbers: they are what the released weights were trained with.
"""

from typing import Final

FPS: Final = 20.0  # HumanML3D's frame rate
FRAMES_PER_TOKEN: Final = 4  # MoMask's RVQ-VAE halves the frames twice
MAX_FRAMES: Final = 196  # HumanML3D cuts motions at 9.8 seconds
MAX_SECONDS: Final = MAX_FRAMES / FPS
MAX_TOKENS: Final = MAX_FRAMES // FRAMES_PER_TOKEN
MIN_TOKENS: Final = 6  # HumanML3D leaves out what is shorter than 24 frames
MIN_FRAMES: Final = MIN_TOKENS * FRAMES_PER_TOKEN
