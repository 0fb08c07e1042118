"""The prompts of a motion one after another: their frames, and what a changed one is called."""

import pytest

from shared.motion.blocks import Block, blocks_entry, blocks_in, renamed, spans

BLOCKS = (Block("walk", 2.0), Block("bow", 1.52), Block("wave", 1.0))


def test_spans_follow_on_one_another_and_the_last_one_gets_the_rest():
    assert spans(BLOCKS, 20.0, 92) == [(0, 40), (40, 70), (70, 92)]
    assert spans(BLOCKS, 20.0, 60) == [(0, 40), (40, 60), (60, 60)]
    assert spans((), 20.0, 60) == []


def test_a_provenance_gives_its_blocks_back():
    assert blocks_in(blocks_entry(BLOCKS)) == BLOCKS
    assert blocks_entry(()) == {}


@pytest.mark.parametrize("entry", [None, "walk", [["walk"]], [["walk", "long"]], [[1, 2.0]]])
def test_what_is_no_list_of_blocks_is_none(entry):
    assert blocks_in({"timeline": entry}) == ()


def test_only_the_block_that_was_made_anew_is_renamed():
    spanned = spans(BLOCKS, 20.0, 92)
    assert renamed(BLOCKS, spanned, [(40, 70)], "hop")[1] == Block("hop", 1.52)
    assert renamed(BLOCKS, spanned, [(40, 60)], "hop") == BLOCKS
