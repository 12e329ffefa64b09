"""A text column in a language that the encoder does not know is said, everywhere alike."""

from __future__ import annotations

import pytest

import taskaff
from taskaff.cli.run import run
from taskaff.core.records.embedding import EncodeCounts
from taskaff.pipeline import unknown_words

TEXTS = {
    "hindi": ("यह फिल्म बहुत अच्छी थी", "खाना बहुत खराब था", "मुझे पसंद नहीं आया"),
    "russian": ("прекраснейшая кинокартина", "отвратительнейшая стряпня", "неинтересно совершенно"),
    "thai": ("หนังเรื่องนี้สนุกมาก", "อาหารไม่อร่อยเลย", "ไม่แนะนำให้ซื้อ"),
    "english": ("a very good film", "the food was bad", "i do not like it"),
}
QUICK = {"predict": False, "cache": "off"}


def written(folder, language):
    rows = [f"{TEXTS[language][n % 3]} {n},{n % 2}\n" for n in range(60)]
    path = folder / f"{language}.csv"
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


def said(result):
    return [note for note in result.notes if "of its words are unknown" in note]


@pytest.mark.parametrize("language", ["hindi", "russian", "thai"])
def test_score_probe_and_check_say_the_same(tmp_path, language):
    strange, known = written(tmp_path, language), written(tmp_path, "english")
    scored = taskaff.score([known, strange], **QUICK)
    probed = taskaff.probe([known, strange], updates=5, seeds=1, weight_decay=[0.0], **QUICK)
    checked = taskaff.check([strange], [known], overlap=0.5, **QUICK)
    [sentence] = said(scored)
    assert scored.notes[0] == probed.notes[0] == checked.notes[0] == sentence
    assert said(probed) == said(checked) == [sentence]
    assert sentence.startswith(f"{language}: ")
    share = int(sentence.split(": ")[1].split("%")[0])
    assert share >= 50
    assert "encoder='st:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2'" in sentence
    assert "encoder='glove:FILE'" in sentence
    assert not said(taskaff.score([known, known], **QUICK))


def test_a_stored_signature_says_it(tmp_path):
    signature = taskaff.profile(written(tmp_path, "hindi"), cache="off")
    taskaff.save(signature, tmp_path / "hindi.taskaff")
    scored = taskaff.score([tmp_path / "hindi.taskaff", written(tmp_path, "english")], **QUICK)
    assert len(said(scored)) == 1


def test_the_command_line_warns_first(tmp_path, capsys, monkeypatch):
    strange, known = written(tmp_path, "hindi"), written(tmp_path, "english")
    monkeypatch.chdir(tmp_path)
    arguments = ["score", known, strange, "--no-predict", "--cache", "off", "--json"]
    assert run([str(argument) for argument in arguments]) == 0
    captured = capsys.readouterr()
    [line] = [text for text in captured.err.splitlines() if text.startswith("warning: ")]
    assert line.startswith("warning: hindi: ")
    assert "--encoder st:sentence-transformers/" in line
    assert line.removeprefix("warning: ") in captured.out


@pytest.mark.parametrize(
    ("tokens", "unknown", "sentences"), [(0, 0, 0), (10, 4, 0), (10, 5, 1), (10, 10, 1)]
)
def test_half_of_the_words_is_most(tokens, unknown, sentences):
    found = unknown_words.note("a", EncodeCounts(tokens, unknown), "glove")
    assert len(found) == len(unknown_words.loud([*found, "another note"])) == sentences
