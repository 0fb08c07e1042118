import pytest

from backend.datasets.captions import vocabulary
from backend.text.prompts import split_prompt
from backend.text.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        # the words that put actions in order
        ("a person walks forward and waves", ("a person walks forward", "a person waves")),
        ("He runs, then jumps over a fence.", ("He runs", "He jumps over a fence")),
        (
            "a man walks, bows and then dances salsa",
            ("a man walks", "a man bows", "a man dances salsa"),
        ),
        ("a person walks in and she waves", ("a person walks in", "she waves")),
        ("she throws a punch followed by a kick", ("she throws a punch", "a kick")),
        ("a woman waves, finally she sits down", ("a woman waves", "she sits down")),
        ("a man runs and finally jumps", ("a man runs", "a man jumps")),
        ("he bows, afterwards he walks away", ("he bows", "he walks away")),
        ("walk, then jump, then wave", ("walk", "jump", "wave")),
        ("walking and then jumping", ("walking", "jumping")),
        ("first a man walks, then he runs", ("a man walks", "he runs")),
        ("a person squats; a person jumps", ("a person squats", "a person jumps")),
        ("a man jogs; next, he stretches", ("a man jogs", "he stretches")),
        ("a person claps. Then bows.", ("a person claps", "a person bows")),
        ("A woman walks. She waves! She bows.", ("A woman walks", "She waves", "She bows")),
        ("a person walks -> jumps -> bows", ("a person walks", "a person jumps", "a person bows")),
        ("a man walks\nhe sits down", ("a man walks", "he sits down")),
        ("a person nods, after that shrugs", ("a person nods", "a person shrugs")),
        ("a boy hops and eventually falls", ("a boy hops", "a boy falls")),
        ("a person walks, and lastly waves", ("a person walks", "a person waves")),
        ("a man jumps and sits down afterwards", ("a man jumps", "a man sits down")),
        # before and after
        ("a man stretches before he runs", ("a man stretches", "he runs")),
        ("a person bows before walking away", ("a person bows", "a person is walking away")),
        ("before running, a man stretches", ("a man stretches", "a man is running")),
        ("after jumping, a woman waves", ("a woman is jumping", "a woman waves")),
        ("a person waves after sitting down", ("a person is sitting down", "a person waves")),
        ("she bows after she dances", ("she dances", "she bows")),
        ("after a short walk, a man sits down", ("a short walk", "a man sits down")),
        ("a person bows after which he leaves", ("a person bows", "he leaves")),
        ("the man first waves; after that he bows", ("the man waves", "he bows")),
        ("a man kneels before finally standing up", ("a man kneels", "a man is standing up")),
        ("a person runs after a ball", ("a person runs after a ball",)),
        ("a man bows before the king", ("a man bows before the king",)),
        ("someone waves after a while", ("someone waves after a while",)),
        # what happens at once stays together
        ("while walking, a man turns left", ("while walking, a man turns left",)),
        ("a person walks while waving", ("a person walks while waving",)),
        ("a man walks as he waves, then bows", ("a man walks as he waves", "a man bows")),
        (
            "while walking, a man waves. Then he bows.",
            ("while walking, a man waves", "he bows"),
        ),
        ("a person jumps as high as possible", ("a person jumps as high as possible",)),
        ("a person walks as if tired", ("a person walks as if tired",)),
        ("a man stands and waves", ("a man stands and waves",)),
        # one action
        ("a person waves", ("a person waves",)),
        ("a person walks and turns left", ("a person walks and turns left",)),
        ("someone raises and lowers an arm", ("someone raises and lowers an arm",)),
        ("a man takes the next left", ("a man takes the next left",)),
        ("a person walks next to a wall", ("a person walks next to a wall",)),
        ("a tall, thin man walks", ("a tall, thin man walks",)),
        ("someone hops up and down", ("someone hops up and down",)),
        ("a person walks 2.5 metres", ("a person walks 2.5 metres",)),
        ("dance!", ("dance!",)),
        ("", ("",)),
        # grammar that is put right
        (
            "a person is walking and then starts running",
            ("a person is walking", "a person starts running"),
        ),
        ("a person is running, then jumps", ("a person is running", "a person jumps")),
        ("a man is walking and jumping", ("a man is walking", "a man is jumping")),
        ("a man walks, then waving", ("a man walks", "a man is waving")),
        ("people are walking and then jumping", ("people are walking", "people are jumping")),
        ("they walk and then they jump", ("they walk", "they jump")),
        ("they run, then jump", ("they run", "they jump")),
        ("a person starts to walk, then to jump", ("a person starts to walk", "a person jumps")),
        ("a man walks and then slowly sits down", ("a man walks", "a man slowly sits down")),
        # a verb that is left out
        ("a person turns left then right", ("a person turns left", "a person turns right")),
        ("turn left, then right", ("turn left", "turn right")),
        ("a man walks forward, then backward", ("a man walks forward", "a man walks backward")),
        (
            "a person waves with the left hand, then the right hand",
            ("a person waves with the left hand", "a person waves with the right hand"),
        ),
        (
            "she steps to the left and then to the right",
            ("she steps to the left", "she steps to the right"),
        ),
        ("a person jumps, then again", ("a person jumps", "a person jumps")),
        ("a man looks left, right", ("a man looks left", "a man looks right")),
        (
            "a person picks up a box, then a bag",
            ("a person picks up a box", "a person picks up a bag"),
        ),
        (
            "a man picks up a box, then carries it",
            ("a man picks up a box", "a man carries a box"),
        ),
        (
            "a person raises their left arm, then lowers it",
            ("a person raises their left arm", "a person lowers their left arm"),
        ),
        (
            "a person walks 3 steps forward, then 2 steps back",
            ("a person walks 3 steps forward", "a person walks 2 steps back"),
        ),
        (
            "a person throws a ball with the right hand and then catches it",
            ("a person throws a ball with the right hand", "a person catches a ball"),
        ),
        ("two people shake hands and then hug", ("two people shake hands", "two people hug")),
        (
            "a woman waves with her left hand then her right",
            ("a woman waves with her left hand", "a woman waves with her right hand"),
        ),
        # what is denied is not made
        ("a person walks but does not wave", ("a person walks",)),
        ("a man does not run but walks", ("a man walks",)),
        ("a person doesn't jump, he walks", ("he walks",)),
        ("a person walks without waving", ("a person walks",)),
        ("a person walks instead of running", ("a person walks",)),
        ("walk, don't run", ("walk",)),
        ("don't kick", ("stand still",)),
        ("a man never runs", ("a man stands still",)),
        ("a person is not dancing", ("a person stands still",)),
        ("a person walks. He does not kick.", ("a person walks",)),
        ("a person walks and never stops walking", ("a person walks", "a person is walking")),
        ("a woman sits down rather than dancing", ("a woman sits down",)),
        ("a person walks, then does not jump but bows", ("a person walks", "a person bows")),
        ("no running, a person walks", ("a person walks",)),
        ("instead of walking, a man runs", ("a man runs",)),
        ("a person neither jumps nor runs", ("a person stands still",)),
        ("a person stands without moving", ("a person stands without moving",)),
        ("a man is not walking; he is running", ("he is running",)),
    ],
)
def test_a_prompt_is_parted_into_its_actions(prompt, parts):
    assert split_prompt(prompt, vocabulary()) == parts


@pytest.mark.parametrize("prompt", ["walk, " * 80 + "zorg", "and " * 125, "a man walks " * 40])
def test_a_tedious_prompt_asks_few_questions(prompt, monkeypatch):
    asked = []
    knows = Vocabulary.knows

    def counting(self, text):
        asked.append(text)
        return knows(self, text)

    monkeypatch.setattr(Vocabulary, "knows", counting)
    assert split_prompt(prompt, vocabulary())
    assert len(asked) < 1000


def test_parting_the_parts_again_changes_nothing():
    prompt = "First a man walks, then he bows; finally he waves with the left hand, then the right."
    for part in split_prompt(prompt, vocabulary()):
        assert split_prompt(part, vocabulary()) == (part,)
