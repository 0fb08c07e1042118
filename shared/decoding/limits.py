"""How large a file from somebody else may be. What is larger is refused before it is read.

Each limit is far above what Placid or any user of it writes, and far below what fills a memory.
"""

from typing import Final

MIB: Final = 1024 * 1024

# Settings, concepts, mappings, options, single lines of journals.
MAX_SETTINGS_BYTES: Final = MIB
# Its parser is written in Python: a megabyte may take seconds.
MAX_TOML_CHARACTERS: Final = 256 * 1024
# Tables and lists of prompts.
MAX_TABLE_BYTES: Final = 8 * MIB
MAX_JOURNAL_BYTES: Final = 64 * MIB
MAX_BVH_BYTES: Final = 64 * MIB
# One file of a benchmark's run.
MAX_RUN_BYTES: Final = 512 * MIB
MAX_RUN_ENTRIES: Final = 50_000_000
# Nesting of JSON and TOML, and what they may hold in all.
MAX_DEPTH: Final = 32
MAX_ENTRIES: Final = 500_000
# Whole numbers have at most so many digits; a seed has ten.
MAX_DIGITS: Final = 19

# Of an npz or npy: members, and bytes of one array after decompression.
MAX_MEMBERS: Final = 256
MAX_ARRAY_BYTES: Final = 512 * MIB
# A motion in a file: 22 joints of 12 bytes a frame, for more than two hours.
MAX_MOTION_FRAMES: Final = 200_000
MAX_MOTION_BYTES: Final = MAX_MOTION_FRAMES * 22 * 12

# Of a network that a file describes: several times what the largest published one has.
MAX_WIDTH: Final = 65_536
MAX_LAYERS: Final = 256

# Of safetensors: the JSON at their head, and how many tensors it may name.
MAX_TENSOR_HEADER_BYTES: Final = 16 * MIB
MAX_TENSORS: Final = 20_000
