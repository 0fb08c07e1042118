"""A tiny random CLIP on disk, in the files and the structure of the real one."""

import json
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPConfig, CLIPModel

MERGES = [("w", "a"), ("l", "k</w>"), ("wa", "lk</w>"), ("p", "e"), ("pe", "r")]


def write_clip(folder: Path, projection: int = 512, seed: int = 0) -> Path:
    """CLIP with both towers, hidden width 32 and the given width of its projected features."""
    folder.mkdir(parents=True)
    symbols = sorted(ByteLevel.alphabet())
    words = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(m) for m in MERGES]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    merges = "\n".join(["#version: 0.2", *(" ".join(merge) for merge in MERGES)])
    (folder / "merges.txt").write_text(merges + "\n", encoding="utf-8")
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": projection,
    }
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1}
    config = CLIPConfig(
        text_config={**tower, **ends, "vocab_size": len(words), "pad_token_id": len(words) - 1},
        vision_config={**tower, "image_size": 32, "patch_size": 16},
        projection_dim=projection,
    )
    torch.manual_seed(seed)
    CLIPModel(config).save_pretrained(folder)
    return folder
