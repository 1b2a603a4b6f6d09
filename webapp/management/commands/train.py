"""`manage.py train WHAT --data DIR`: make the project's own weights again, on these or other photos."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import CommandParser

from indexer import fusion, tags
from indexer.calibration import BACKGROUND
from indexer.errors import IndexerError
from indexer.measures import measure_reliability
from indexer.queries import SCENE
from indexer.terms import cached_terms, terms
from indexer.training.photos import PhotoList, PhotoSet, list_photos, load_features, load_views, read_photo
from indexer.types import Vectors
from qa.training import decoder, hidden_words
from qa.types import Caption
from webapp import engine
from webapp.benchmarks import judged
from webapp.management.base import JsonCommand, usage
from webapp.models import Label
from webapp.pipeline.tags import BANK

WEIGHTS = {
    "fusion": fusion.ATTENTION,
    "backbone": settings.BASE_DIR / "indexer" / "weights" / "backbone.safetensors",
    "alignment": settings.BASE_DIR / "indexer" / "weights" / "alignment.safetensors",
    "novelty": settings.BASE_DIR / "indexer" / "weights" / "novelty.safetensors",
    "decoder": settings.BASE_DIR / "qa" / "weights" / "decoder.safetensors",
}
RIVALS = "rivals"  # other fusions, for `bench fusion`
HIDDEN_WORDS = "hidden-words"  # the decoder, with and without pre-training by hidden words
FITTED = ("captions", "claims", "reader", "tags")  # a few numbers that stand in the code


class Command(JsonCommand):
    help = (
        "Train the project's own weights, or fit its confidences (seeded; under an hour on two CPU cores, but for the "
        "backbone, which wants a GPU)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=sorted([*WEIGHTS, *FITTED, RIVALS, HIDDEN_WORDS]))
        parser.add_argument("--data", help='a folder with captions.jsonl: {"file", "captions"} a line')
        parser.add_argument("--out", help="where to write the weights (default: in their place)")
        parser.add_argument("--epochs", type=int, help="passes over the data")
        parser.add_argument("--without", metavar="DIR", help="judged data whose photos must not be trained on")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] in ("reader", "claims"):
            fit_text = self.fit_reader if options["what"] == "reader" else self.fit_claims
            fit_text(options["json"])
            return
        if not options["data"]:
            raise usage(f"train {options['what']} needs --data DIR with captions.jsonl.")
        cache, models = settings.KINOSCOPE_HOME / "training", settings.KINOSCOPE_HOME / "models"
        try:
            without = read_captions(Path(options["without"])) if options["without"] else []
            listed = list_photos(Path(options["data"]), self.say, without)
        except IndexerError as error:
            raise usage(str(error)) from None
        if options["what"] in FITTED:
            fit = self.fit_captions if options["what"] == "captions" else self.fit_tags
            fit(listed, options["json"])
            return
        if options["what"] == RIVALS:
            self.print_numbers(self.compare_fusions(listed, cache / RIVALS), options["json"])
            return
        passes = {"epochs": options["epochs"]} if options["epochs"] else {}
        if options["what"] == HIDDEN_WORDS:
            seen, rows, held_out = self.read_pictures(listed, options["data"])
            numbers = hidden_words.compare(seen, rows, held_out, cache / HIDDEN_WORDS, self.say, **passes)
            self.print_numbers(numbers, options["json"])
            return
        target = Path(options["out"] or WEIGHTS[options["what"]])
        if options["what"] == "fusion":
            numbers = self.fuse(listed, target, passes)
        elif options["what"] == "novelty":
            numbers = self.learn_photographs(listed, models, target)
        elif options["what"] == "backbone":
            numbers = self.move_backbone(listed, cache, models, target, passes)
        elif options["what"] == "alignment":
            photos = load_views(Path(options["data"]), listed, cache, models, self.say)
            numbers = self.align(photos, cache, models, target, passes)
        else:
            numbers = self.decode(listed, options["data"], target, passes)
        self.emit({"weights": str(target), **numbers}, f"{target}: {numbers}", options["json"])

    def fit_reader(self, as_json: bool) -> None:
        """The numbers go into `qa.evidence`: eight of them need no file."""
        from qa.training import reader

        _pictures, sentences = engine.load_encoders(engine.wanted_encoders())
        numbers = reader.train(sentences.encode_queries, sentences.encode_passages, cached_terms, engine.reranker())
        self.print_numbers(numbers, as_json)

    def fit_claims(self, as_json: bool) -> None:
        """The numbers go into `qa.claims`."""
        from qa.training import claims

        _pictures, sentences = engine.load_encoders(engine.wanted_encoders())
        numbers = claims.train(sentences.encode_passages, cached_terms, engine.bundled_reranker(), engine.inference())
        self.print_numbers(numbers, as_json)

    def fit_captions(self, listed: PhotoList, as_json: bool) -> None:
        """The numbers go into `qa.captions`."""
        from qa.captions import measure_fit
        from qa.training import captions

        _training, held_out = listed.split()
        encoder, _sentences = engine.load_encoders(engine.wanted_encoders())
        written: list[Caption] = []
        looks: list[Vectors] = []
        for start in range(0, len(held_out), 32):
            pictures = [read_photo(listed.files[row]) for row in held_out[start : start + 32]]
            written += engine.captioner().caption(pictures)
            looks.append(encoder.encode_images(pictures))
        spoken = [i for i, caption in enumerate(written) if caption.text]
        kept = [written[i] for i in spoken]
        read, others = encoder.encode_texts([c.text for c in kept]), encoder.encode_texts(BACKGROUND)
        fit = measure_fit(np.concatenate(looks)[spoken], read, others)
        references = [listed.captions["en"][held_out[i]] for i in spoken]
        numbers = {"photos with a caption": len(kept), **captions.train(kept, fit, references)}
        self.print_numbers(numbers, as_json)

    def fit_tags(self, listed: PhotoList, as_json: bool) -> None:
        """The numbers go into `indexer.tags`."""
        from qa.training.reader import fit

        _training, held_out = listed.split()
        encoder, _sentences = engine.load_encoders(engine.wanted_encoders())
        bank = [Label(name=name, kind=kind) for kind, names in json.loads(BANK.read_text()).items() for name in names]
        looks = [encoder.encode_images([read_photo(listed.files[row])])[0] for row in held_out]
        distance = tags.measure_distance(encoder.encode_texts([x.picture_text for x in bank]), np.stack(looks))
        described = [set(terms(" ".join(listed.captions["en"][row]))) for row in held_out]
        named = np.array([[set(terms(label.name)) <= words for label in bank] for words in described])
        seen = distance > tags.MIN_FITTED
        slope, bias = fit(np.stack([distance[seen], np.ones(seen.sum())], 1), named[seen].astype(float)).tolist()
        likely = 1 / (1 + np.exp(-slope * distance - bias))
        kept = likely >= tags.MIN_TAG_CONFIDENCE
        numbers = {
            "LOGISTIC_SLOPE": round(slope, 2),
            "LOGISTIC_MIDDLE": round(-bias / slope, 2),
            "tags a photo": round(float(kept.sum() / len(kept)), 2),
            **measure_reliability(likely[kept].tolist(), named[kept].tolist()),
        }
        self.print_numbers(numbers, as_json)

    def learn_photographs(self, listed: PhotoList, models: Path, target: Path) -> dict[str, float]:
        from indexer.adapters.efficientnet import PictureFeatures
        from indexer.training import novelty

        return novelty.train(listed, PictureFeatures(models, moved=False), target, self.say)

    def print_numbers(self, numbers: Mapping[str, object], as_json: bool) -> None:
        self.emit(dict(numbers), "\n".join(f"{name}: {value}" for name, value in numbers.items()), as_json)

    def say(self, line: str) -> None:
        self.stderr.write(line)

    def move_backbone(
        self, listed: PhotoList, cache: Path, models: Path, target: Path, passes: dict[str, int]
    ) -> dict[str, float]:
        from indexer.training import backbone, texts

        return backbone.train(listed, texts.embed_texts(listed, cache, models, self.say), target, self.say, **passes)

    def align(
        self, photos: PhotoSet, cache: Path, models: Path, target: Path, passes: dict[str, int]
    ) -> dict[str, float]:
        from indexer.training import alignment, texts

        return alignment.train(
            photos, texts.embed_texts(photos.listed, cache, models, self.say), target, self.say, **passes
        )

    def decode(self, listed: PhotoList, data: str, target: Path, passes: dict[str, int]) -> dict[str, float]:
        photos, rows, held_out = self.read_pictures(listed, data)
        return decoder.train(photos, rows, held_out, target, self.say, passes.get("epochs", decoder.EPOCHS))

    def read_pictures(self, listed: PhotoList, data: str) -> tuple[decoder.Photos, decoder.Rows, decoder.Rows]:
        """What the decoder learns from, the rows to train on, and those held out."""
        home = settings.KINOSCOPE_HOME
        seen = load_features(Path(data), listed, home / "training", home / "models", self.say)
        return decoder.Photos(seen.grid, seen.pooled, seen.logits, listed.captions["en"]), *listed.split()

    def fuse(self, listed: PhotoList, target: Path, passes: dict[str, int]) -> dict[str, float]:
        from indexer.training.fusion import embed_pairs, train

        picture_encoder, sentence_encoder = engine.load_encoders(engine.wanted_encoders())
        pairs = embed_pairs(listed, picture_encoder, sentence_encoder, self.say)
        return train(
            pairs,
            fusion.spaces_of(picture_encoder, sentence_encoder),
            SCENE.weights(),
            self.say,
            target=target,
            **passes,
        )

    def compare_fusions(self, listed: PhotoList, folder: Path) -> dict[str, float]:
        from indexer.training import rivals
        from indexer.training.fusion import embed_pairs, weigh

        encoders = engine.load_encoders(engine.wanted_encoders())
        pairs, spaces = embed_pairs(listed, *encoders, self.say), fusion.spaces_of(*encoders)
        used = [kind(spaces) for kind in (fusion.Concatenation, fusion.Addition, fusion.Attention)]
        return rivals.train(pairs, used, weigh(pairs, SCENE.weights()), folder, self.say)


def read_captions(data: Path) -> list[str]:
    rows = judged.items(data, "photos")
    if not rows:
        raise usage(f"{data} has no photos/manifest.json.")
    return [caption for row in rows for caption in row["captions_en"]]
