"""The picture decoder on photos it never saw: its sentences and its answers, beside what is had for nothing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer import tags
from indexer.calibration import BACKGROUND
from indexer.measures import Record, measure_reliability
from indexer.ports import PictureEncoder
from indexer.terms import terms
from indexer.types import Segment, Vectors
from qa.captions import keep_confident, measure_fit
from qa.pictures import KINDS, PictureQuestion, tokenize
from qa.training.captions import is_right
from qa.training.metrics import bleu4, cider
from qa.training.questions import ask_about, by_question, deny, find_nouns
from webapp import engine
from webapp.benchmarks.judged import items, read_photo
from webapp.index import recipes
from webapp.models import Label

MIN_CONFIDENCE = 0.5  # calibrated chance from which on answers are counted as given


def captions(data: Path) -> Iterator[Record]:
    """BLEU-4 and CIDEr against every caption of a photo, of all and of those that are shown; beside them those of
    another photo's caption: the one whose photo looks most alike. How far the confidence of captions and tags can be
    relied on. Then questions made from the captions, by kind, beside the most frequent answer.
    """
    rows = items(data, "photos")
    pictures = [read_photo(data, r) for r in rows]
    truth = [r["captions_en"] for r in rows]
    references = [[tokenize(c) for c in group] for group in truth]
    encoder = engine.pictures(recipes.active())
    looks = np.concatenate([encoder.encode_images([p]) for p in pictures])
    similar = looks @ looks.T
    np.fill_diagonal(similar, -1)
    written = [c for p in pictures for c in engine.captioner().caption([p])]
    read, others = (encoder.encode_texts(texts) for texts in ([c.text for c in written], BACKGROUND))
    rated = keep_confident(written, measure_fit(looks, read, others))
    shown = [i for i, caption in enumerate(rated) if caption.text]
    everything = list(range(len(rows)))
    said = {
        "our decoder": (everything, [tokenize(c.text) for c in written]),
        "our decoder, those that are shown": (shown, [tokenize(rated[i].text) for i in shown]),
        "caption of the most similar other photo": (everything, [tokenize(truth[i][0]) for i in similar.argmax(1)]),
    }
    for name, (places, sentences) in said.items():
        of_these = [references[i] for i in places]
        yield {
            "bench": f"captions, {name}",
            "BLEU-4": round(100 * bleu4(sentences, of_these), 1),
            "CIDEr": round(cider(sentences, of_these), 2),
            "photos": len(places),
        }
    nouns = find_nouns(c for group in truth for c in group * 5)
    right = [is_right(c.text, group, nouns) for c, group in zip(written, truth, strict=True)]
    yield {"bench": "confidence of captions", **measure_reliability([c.confidence for c in rated], right)}
    yield {"bench": "confidence of tags", **rely_on_tags(encoder, looks, truth)}
    yield from questions(pictures, truth)


def rely_on_tags(encoder: PictureEncoder, looks: Vectors, truth: list[list[str]]) -> Record:
    """Whether one of the people who described a photo names the label that it was given."""
    bank = [tags.Label(row.name, row.kind, row.picture_text) for row in Label.objects.filter(enabled=True)]
    spans = [Segment(float(i), float(i + 1), "", "") for i in range(len(looks))]
    found = tags.find_in_pictures(bank, encoder.encode_texts([label.description for label in bank]), spans, looks)
    named = [set(terms(" ".join(group))) for group in truth]
    return measure_reliability(
        [t.confidence for t in found], [set(terms(t.name)) <= named[int(t.start)] for t in found]
    )


def questions(pictures: list[np.ndarray], truth: list[list[str]]) -> Iterator[Record]:
    nouns = find_nouns(c for group in truth for c in group * 5)
    questions = [ask_about(group, nouns) for group in truth]
    names = sorted({p.question.split()[-1] for pairs in questions for p in pairs if p.kind == "yesno"})
    dice = np.random.default_rng(0)
    for pairs in questions:
        pairs += deny(pairs, names, dice)
    for kind in KINDS:
        usual = Counter(p.answer for pairs in questions for p in pairs if p.kind == kind).most_common(1)[0][0]
        right, frequent, answered = [], [], []
        for picture, pairs in zip(pictures, questions, strict=True):
            for (_, question), answers in by_question(p for p in pairs if p.kind == kind).items():
                (guess,) = engine.captioner().answer_about(PictureQuestion(kind, question, question), [picture])
                right.append(guess.text in answers)
                frequent.append(usual in answers)
                answered.append(guess.confidence >= MIN_CONFIDENCE)
        sure = [ok for ok, sent in zip(right, answered, strict=True) if sent]
        yield {
            "bench": f"answers from pictures, {kind}",
            "right %": round(100 * float(np.mean(right)), 1),
            "most frequent answer %": round(100 * float(np.mean(frequent)), 1),
            "sure %": round(100 * float(np.mean(answered)), 1),
            "right when sure %": round(100 * float(np.mean(sure)), 1) if sure else None,
            "questions": len(right),
        }
