"""The models that may be added: for which role, from which repository and revision, which files, how they are loaded.

A revision is a commit of the hub: it pins every byte, and the hub announces the sha256 of each large file of it. Files
of OpenAI carry theirs in the address. `published` numbers are other people's, with where they are printed.
"""

from functools import partial

from django.utils.translation import gettext_lazy as _

from indexer.errors import translatable
from webapp.catalogue.entry import HUB, PREFIX, Entry, Published

_OPEN_CLIP = "indexer.adapters.open_clip.OpenClipPictures"
_CTRANSLATE = "indexer.adapters.faster_whisper.FasterWhisper"
_E5, _BGE = (f"indexer.adapters.sentence_transformer.open_{name}" for name in ("e5", "bge"))
_VLM = "qa.adapters.vision_language.VisionLanguageModel"
_TOWER_FILES = ("open_clip_config.json", "open_clip_model.safetensors", "*token*.json", "merges.txt", "vocab.json")
_WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*", "preprocessor_config.json")
_TRANSFORMERS_FILES = ("*.json", "1_Pooling/config.json", "*.safetensors", "*.model", "*.txt", "*.jinja")

_CLIP_TABLE = "https://github.com/mlfoundations/open_clip/blob/main/docs/openclip_retrieval_results.csv"
_PE_TABLE = "https://github.com/facebookresearch/perception_models"
_WHISPER_PAPER = "https://arxiv.org/abs/2212.04356"
WORD_ERRORS = translatable("word errors, LibriSpeech clean")


_tower = partial(
    Entry,
    roles=("pictures",),
    adapter=_OPEN_CLIP,
    files=_TOWER_FILES,
    licence="Apache-2.0",
    place="local-dir:{folder}",
)
_whisper = partial(
    Entry, roles=("transcriber",), adapter=_CTRANSLATE, files=_WHISPER_FILES, licence="MIT", bytes_each=2.0
)
_transformer = partial(Entry, files=_TRANSFORMERS_FILES)


def _openai(name: str, title: str, file: str, sha256: str, parameters: int) -> Entry:
    """As the library of OpenAI has them: the hash stands in the address."""
    return Entry(
        name,
        title,
        f"https://openaipublic.azureedge.net/main/whisper/models/{sha256}/{file}",
        sha256,
        parameters,
        _("the same in PyTorch, for its GPUs"),
        roles=("transcriber",),
        adapter="indexer.adapters.openai_whisper.OpenaiWhisper",
        files=(file,),
        licence="MIT",
        bytes_each=2.0,
        needs_gpu=True,
        place="{folder}/" + file,
    )


_ALL = (
    _tower(
        "siglip2-b32",
        "SigLIP2 B/32 256",
        "timm/ViT-B-32-SigLIP2-256",
        "cd1efb47643f2794413dd79ef24397c175032780",
        377,
        _("everything in pictures, in 109 languages; fast on a processor"),
    ),
    _tower(
        "clip-b32",
        "CLIP B/32 LAION-2B",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "1a25a446712ba5ee05982a381eed697ef9b435cf",
        151,
        _("everything in pictures, in English; the smallest"),
        licence="MIT",
        published=(Published("Flickr30k R@1", 66.8, _CLIP_TABLE), Published("COCO R@1", 39.3, _CLIP_TABLE)),
    ),
    _tower(
        "pe-core-b16",
        "PE-Core B/16 224",
        "timm/PE-Core-B-16",
        "0038414f37721c5eafc1a5e0da802d291c909de3",
        448,
        _("the best of a size that a processor computes, in English"),
        published=(Published("MSR-VTT R@1", 47.6, _PE_TABLE), Published("COCO R@1", 50.9, _PE_TABLE)),
    ),
    _tower(
        "pe-core-l14",
        "PE-Core L/14 336",
        "timm/PE-Core-L-14-336",
        "8eff41b3f687e50a323662c2dda5eb3588c6dd35",
        671,
        _("English, for a GPU"),
        published=(Published("MSR-VTT R@1", 50.3, _PE_TABLE), Published("COCO R@1", 57.1, _PE_TABLE)),
    ),
    _tower(
        "siglip2-so400m",
        "SigLIP2 SO400M/16 384",
        "timm/ViT-SO400M-16-SigLIP2-384",
        "fec784dabb3081a5f101fc74eefaf9d1ed08237b",
        1136,
        _("many languages, for a GPU"),
    ),
    _transformer(
        "qwen3-vl-embedding-2b",
        "Qwen3-VL-Embedding 2B",
        "Qwen/Qwen3-VL-Embedding-2B",
        "9f2f7e710d6d81056aa5c0a4f04764fec6bb7bda",
        2127,
        _("pictures with writing, long descriptions, many languages; for a GPU"),
        roles=("pictures",),
        adapter="indexer.adapters.qwen_vl.QwenVlEmbedding",
        licence="Apache-2.0",
        bytes_each=2.0,
        needs_gpu=True,
    ),
    _transformer(
        "e5-base",
        "multilingual-e5-base",
        "intfloat/multilingual-e5-base",
        "d13f1b27baf31030b7fd040960d60d909913633f",
        278,
        _("a hundred languages; deeper than the small one"),
        roles=("sentences",),
        adapter=_E5,
        licence="MIT",
    ),
    _transformer(
        "e5-large",
        "multilingual-e5-large",
        "intfloat/multilingual-e5-large",
        "3d7cfbdacd47fdda877c5cd8a79fbcc4f2a574f3",
        560,
        _("a hundred languages, for many cores or a GPU"),
        roles=("sentences",),
        adapter=_E5,
        licence="MIT",
    ),
    _transformer(
        "bge-m3",
        "BGE-M3",
        "BAAI/bge-m3",
        "5617a9f61b028005a4858fdac845db406aefb181",
        568,
        _("a hundred languages, long passages; for many cores or a GPU"),
        roles=("sentences",),
        adapter=_BGE,
        licence="MIT",
    ),
    _whisper(
        "whisper-small",
        "Whisper small (CTranslate2)",
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        242,
        _("speech in any language; the least that hears Chinese well"),
        published=(Published(WORD_ERRORS, 3.4, _WHISPER_PAPER),),
    ),
    _whisper(
        "whisper-turbo",
        "Whisper large-v3-turbo (CTranslate2)",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        809,
        _("nearly the best, and much faster than it"),
    ),
    _whisper(
        "whisper-large-v3",
        "Whisper large-v3 (CTranslate2)",
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        1543,
        _("the best, for a GPU"),
    ),
    _openai(
        "openai-whisper-small",
        "Whisper small (PyTorch)",
        "small.pt",
        "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794",
        242,
    ),
    _openai(
        "openai-whisper-turbo",
        "Whisper large-v3-turbo (PyTorch)",
        "large-v3-turbo.pt",
        "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a",
        809,
    ),
    _transformer(
        "smolvlm2-500m",
        "SmolVLM2 500M",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "7b375e1b73b11138ff12fe22c8f2822d8fe03467",
        507,
        _("sentences about pictures, answers about what is seen; on a processor some seconds each"),
        roles=("captioner", "decoder"),
        adapter=_VLM,
        licence="Apache-2.0",
        published=(Published("Video-MME", 42.2, HUB + "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"),),
    ),
    _transformer(
        "qwen3-vl-2b",
        "Qwen3-VL 2B",
        "Qwen/Qwen3-VL-2B-Instruct",
        "89644892e4d85e24eaac8bacfd4f463576704203",
        2127,
        _("the same and much better, for a GPU"),
        roles=("captioner", "decoder"),
        adapter=_VLM,
        licence="Apache-2.0",
        bytes_each=2.0,
        needs_gpu=True,
    ),
    _transformer(
        "qwen2.5-1.5b",
        "Qwen2.5 1.5B",
        "Qwen/Qwen2.5-1.5B-Instruct",
        "989aa7980e4cf806f80c7fef2b1adb7bc71aa306",
        1544,
        _("wording answers, in 29 languages"),
        roles=("decoder",),
        adapter="qa.adapters.text_model.TextModel",
        licence="Apache-2.0",
        bytes_each=2.0,
    ),
    _transformer(
        "bge-reranker-v2-m3",
        "BGE reranker v2 m3",
        "BAAI/bge-reranker-v2-m3",
        "953dc6f6f85a1b2dbfca4c34a2796e7dde08d41e",
        568,
        _("which passage answers a question, in many languages; for many cores or a GPU"),
        roles=("reranker",),
        adapter="indexer.adapters.passage_reader.PassageReader",
        licence="Apache-2.0",
    ),
    _transformer(
        "mdeberta-nli",
        "mDeBERTa v3 NLI",
        "MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7",
        "b5113eb38ab63efdd7f280f8c144ea8b13f978ce",
        279,
        _("whether one sentence says the same as another or the opposite, in a hundred languages"),
        roles=("inference",),
        adapter="indexer.adapters.inference.TransformersInference",
        licence="MIT",
        bytes_each=2.0,
    ),
    _transformer(
        "m2m100-418m",
        "M2M100 418M",
        "facebook/m2m100_418M",
        "55c2e61bbf05dfb8d7abccdc3fae6fc8512fd636",
        484,
        _("any of a hundred languages into any other"),
        roles=("translator",),
        adapter="indexer.adapters.m2m100.M2M100",
        licence="MIT",
    ),
)
ENTRIES = {entry.name: entry for entry in _ALL}


def find_entry(weights: str) -> Entry | None:
    """The entry that an adapter's weights name; None where they are something else."""
    return ENTRIES.get(weights.removeprefix(PREFIX)) if weights.startswith(PREFIX) else None


def for_role(role: str) -> list[Entry]:
    return [entry for entry in _ALL if role in entry.roles]
