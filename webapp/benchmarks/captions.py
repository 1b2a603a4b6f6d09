"""The picture decoder on photos it never saw: its sentences and its answers, beside what is had for nothing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer.measures import Record
from qa.pictures import KINDS, PictureQuestion, tokenize
from qa.training.metrics import bleu4, cider
from qa.training.questions import ask_about, by_question, deny, find_nouns
from webapp import engine
from webapp.benchmarks.judged import items
from webapp.index import recipes
from webapp.pipeline.embed import load_picture

SURE = 0.5  # calibrated chance from which on answers are counted as given


def captions(data: Path) -> Iterator[Record]:
    """BLEU-4 and CIDEr against every caption of a photo; beside them those of another photo's caption: the one whose
    photo looks most alike. Then questions made from the captions, by kind, beside the most frequent answer.
    """
    rows = items(data, "photos")
    pictures = [load_picture(data / "photos" / r["file"]) for r in rows]
    truth = [r["captions_en"] for r in rows]
    references = [[tokenize(c) for c in group] for group in truth]
    encoder = engine.pictures(recipes.active())
    looks = np.concatenate([encoder.encode_images([p]) for p in pictures])
    similar = looks @ looks.T
    np.fill_diagonal(similar, -1)
    said = {
        "our decoder": [tokenize(c.text) for p in pictures for c in engine.captioner().caption([p])],
        "caption of the most similar other photo": [tokenize(truth[i][0]) for i in similar.argmax(1)],
    }
    for name, sentences in said.items():
        yield {
            "bench": f"captions, {name}",
            "BLEU-4": round(100 * bleu4(sentences, references), 1),
            "CIDEr": round(cider(sentences, references), 2),
            "photos": len(rows),
        }
    yield from questions(pictures, truth)


def questions(pictures: list[np.ndarray], truth: list[list[str]]) -> Iterator[Record]:
    nouns = find_nouns(c for group in truth for c in group * 5)
    asked = [ask_about(group, nouns) for group in truth]
    names = sorted({p.question.split()[-1] for pairs in asked for p in pairs if p.kind == "yesno"})
    dice = np.random.default_rng(0)
    for pairs in asked:
        pairs += deny(pairs, names, dice)
    for kind in KINDS:
        usual = Counter(p.answer for pairs in asked for p in pairs if p.kind == kind).most_common(1)[0][0]
        right, frequent, given = [], [], []
        for picture, pairs in zip(pictures, asked, strict=True):
            for (_, question), answers in by_question(p for p in pairs if p.kind == kind).items():
                (guess,) = engine.captioner().answer_about(PictureQuestion(kind, question, question), [picture])
                right.append(guess.text in answers)
                frequent.append(usual in answers)
                given.append(guess.confidence >= SURE)
        sure = [ok for ok, sent in zip(right, given, strict=True) if sent]
        yield {
            "bench": f"answers from pictures, {kind}",
            "right %": round(100 * float(np.mean(right)), 1),
            "most frequent answer %": round(100 * float(np.mean(frequent)), 1),
            "sure %": round(100 * float(np.mean(given)), 1),
            "right when sure %": round(100 * float(np.mean(sure)), 1) if sure else None,
            "questions": len(right),
        }
