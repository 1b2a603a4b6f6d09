"""Repositories as hubs have them: the files, configs and tokenizers of each model of the catalogue in their true layout
and formats, with tiny networks of random weights.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from webapp.catalogue.entry import Entry

SENTENCES = [f"the dog {n} runs over the meadow, a cat sleeps and 3 people speak of rain" for n in range(200)]
HEADS: dict[str, Any] = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}


def make_repository(entry: Entry, folder: Path) -> Path:
    """Fill `folder` as the entry's repository (or with its one file)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    MAKERS[entry.name](folder)
    return folder


def seeded() -> Any:
    import torch

    torch.manual_seed(0)
    return torch


# -- tokenizers ----------------------------------------------------------------------------------------------------


def train_unigram(folder: Path, cls: str, specials: Sequence[str]) -> int:
    """tokenizer.json and its configs, as SentencePiece-like tokenizers are published; the size of the vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=list(specials), unk_token="<unk>")
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return save_tokenizer(tokenizer, folder, cls, specials)


def train_bytes(folder: Path, cls: str, specials: Sequence[str], **more: Any) -> int:
    """The same for byte-level BPE."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(specials), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return save_tokenizer(tokenizer, folder, cls, specials, **more)


def save_tokenizer(tokenizer: Any, folder: Path, cls: str, specials: Sequence[str], **more: Any) -> int:
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"<pad>": "pad_token", "<unk>": "unk_token", "<s>": "bos_token", "</s>": "eos_token", "<bos>": "bos_token"}
    names |= {"<eos>": "eos_token", "<mask>": "mask_token", "<|im_end|>": "eos_token", "<|endoftext|>": "pad_token"}
    marks = {names[mark]: mark for mark in specials if mark in names}
    config = {"tokenizer_class": cls, "model_max_length": 4096, **marks, **more}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(marks))
    return int(tokenizer.get_vocab_size())


# -- pictures ------------------------------------------------------------------------------------------------------

_MEAN = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}


def make_tower(folder: Path, model: dict[str, Any], preprocess: dict[str, Any]) -> None:
    """open_clip_config.json and open_clip_model.safetensors, as open_clip pushes them to the hub."""
    import open_clip
    from safetensors.torch import save_file

    seeded()
    config = {"model_cfg": model, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    made = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    save_file({name: t.contiguous() for name, t in made.state_dict().items()}, folder / "open_clip_model.safetensors")


def make_clip(folder: Path) -> None:
    vision = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    make_tower(folder, {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}, {**_MEAN, "resize_mode": "shortest"})


def make_pe_core(folder: Path) -> None:
    vision = {"image_size": 160, "timm_model_name": "test_vit3", "timm_model_pretrained": False, "timm_pool": "map"}
    text = {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    vision |= {"timm_proj": "linear"}
    make_tower(folder, {"embed_dim": 32, "custom_text": True, "vision_cfg": vision, "text_cfg": text}, _MEAN)


def make_siglip2(folder: Path) -> None:
    """No config.json of transformers lies in these repositories; the tokenizer is Gemma's."""
    size = train_unigram(folder, "GemmaTokenizer", ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"])
    vision = {"image_size": 160, "timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": "token"}
    text = {
        "context_length": 64, "vocab_size": size, "hf_tokenizer_name": "timm/ViT-B-32-SigLIP2-256",
        "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 32, "heads": 2, "layers": 1, "no_causal_mask": True,
        "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"},
    }  # fmt: skip
    vision |= {"timm_proj": "linear"}
    model = {"embed_dim": 32, "init_logit_bias": -10, "custom_text": True, "vision_cfg": vision, "text_cfg": text}
    make_tower(folder, model, _MEAN)


def make_qwen_vl(folder: Path) -> None:
    torch = seeded()
    from transformers import Qwen2VLImageProcessor, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    size = train_bytes(folder, "Qwen2Tokenizer", [*marks, "<|video_pad|>"])
    pictures = {"patch_size": 16, "merge_size": 2, "temporal_patch_size": 2}
    shape = {"size": {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}}
    Qwen2VLImageProcessor(**pictures, **shape).save_pretrained(folder)
    processor = {"image_processor_type": "Qwen2VLImageProcessorFast", "processor_class": "Qwen3VLProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps({**pictures, **shape, **processor}))
    video = {"video_processor_type": "Qwen3VLVideoProcessor", "processor_class": "Qwen3VLProcessor"}
    (folder / "video_preprocessor_config.json").write_text(json.dumps({**pictures, **shape, **video}))
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
        "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    vision = {"hidden_size": 16, "intermediate_size": 32, "depth": 1, "num_heads": 2, "out_hidden_size": 16}
    vision |= {"patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 16}
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True, "rope_theta": 1e4}
    text = {**HEADS, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": size, "rope_scaling": rope}
    numbers = {name: marks.index(f"<|{name}|>") for name in ("vision_start", "vision_end", "image_pad")}
    config = Qwen3VLConfig(
        vision_config=vision, text_config=text, image_token_id=numbers["image_pad"], video_token_id=len(marks),
        vision_start_token_id=numbers["vision_start"], vision_end_token_id=numbers["vision_end"],
    )  # fmt: skip
    Qwen3VLForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)


# -- sentences and passages ----------------------------------------------------------------------------------------

_XLM_MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def make_xlm_roberta(folder: Path, cls: str, **more: Any) -> None:
    seeded()
    import transformers

    size = train_unigram(folder, "XLMRobertaTokenizer", _XLM_MARKS)
    config = transformers.XLMRobertaConfig(vocab_size=size, max_position_embeddings=600, **HEADS, **more)
    getattr(transformers, cls)(config).save_pretrained(folder)


def make_encoder(folder: Path, first: bool) -> None:
    make_xlm_roberta(folder, "XLMRobertaModel")
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 16, "pooling_mode_cls_token": first, "pooling_mode_mean_tokens": not first}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def make_e5(folder: Path) -> None:
    make_encoder(folder, first=False)
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")


def make_bge_m3(folder: Path) -> None:
    """This one has no safetensors."""
    import torch
    from safetensors.torch import load_file

    make_encoder(folder, first=True)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def make_bge_reranker(folder: Path) -> None:
    make_xlm_roberta(folder, "XLMRobertaForSequenceClassification", num_labels=1)


def make_nli(folder: Path) -> None:
    """Its labels in the order that it was published with."""
    seeded()
    from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

    size = train_unigram(folder, "DebertaV2Tokenizer", ("[PAD]", "[CLS]", "[SEP]", "<unk>", "[MASK]"))
    labels = dict(enumerate(("entailment", "neutral", "contradiction")))
    config = DebertaV2Config(
        vocab_size=size, id2label=labels, label2id={name: n for n, name in labels.items()}, relative_attention=True,
        position_buckets=16, pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm", share_att_key=True,
        position_biased_input=False, type_vocab_size=0, max_position_embeddings=512, **HEADS,
    )  # fmt: skip
    DebertaV2ForSequenceClassification(config).to(seeded().float16).save_pretrained(folder)


# -- speech --------------------------------------------------------------------------------------------------------


def make_whisper(folder: Path, mels: int) -> None:
    """A Whisper of transformers, converted as Systran converts them; with the tokenizer that all of them have."""
    torch = seeded()
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperConfig, WhisperForConditionalGeneration, WhisperTokenizerFast

    from indexer.weights import WHISPER

    source = folder.with_name(f"{folder.name}.transformers")
    tokenizer = WHISPER.paths()[1]
    config = WhisperConfig(
        vocab_size=51865, num_mel_bins=mels, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.to(torch.float16).save_pretrained(source)
    WhisperTokenizerFast(tokenizer_file=str(tokenizer)).save_pretrained(source)
    TransformersConverter(str(source)).convert(str(folder), quantization="float16", force=True)
    marks = {"lang_ids": list(range(50259, 50358)), "alignment_heads": [[0, 0]]}
    marks |= {"suppress_ids": [220], "suppress_ids_begin": [220]}
    (folder / "config.json").write_text(json.dumps(marks))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    if mels != 80:
        features = {"feature_size": mels, "hop_length": 160, "n_fft": 400, "sampling_rate": 16000, "chunk_length": 30}
        (folder / "preprocessor_config.json").write_text(json.dumps(features))
    shutil.rmtree(source)


def make_openai_whisper(folder: Path, name: str) -> None:
    torch = seeded()
    from whisper.model import ModelDimensions, Whisper

    dims = ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 1)
    model = Whisper(dims)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)  # Whisper leaves some of them as they lie in memory
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, folder / name)


# -- writing -------------------------------------------------------------------------------------------------------


def make_smolvlm(folder: Path) -> None:
    torch = seeded()
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
    )
    from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor

    marks = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<fake_token_around_image>", "<global-img>"]
    marks += ["<end_of_utterance>"]
    grid = [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    words = {w: n for n, w in enumerate([*marks, *grid, "a", "dog", "runs", "[1]", ".", "User:", "Assistant:"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=[*marks[4:], *grid],
    )  # fmt: skip
    template = (
        "{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}\n{% endfor %}Assistant:"
    )
    size = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
    SmolVLMProcessor(
        SmolVLMImageProcessor(**size, do_image_splitting=False),
        fast,
        SmolVLMVideoProcessor(**size),
        image_seq_len=1,
        chat_template=template,
    ).save_pretrained(folder)
    text = {"model_type": "llama", **HEADS, "num_key_value_heads": 2, "vocab_size": len(words)}
    config = SmolVLMConfig(
        vision_config={**HEADS, "image_size": 32, "patch_size": 16},
        text_config={**text, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
        image_token_id=words["<image>"], scale_factor=2, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    SmolVLMForConditionalGeneration(config).save_pretrained(folder)


def make_qwen(folder: Path) -> None:
    torch = seeded()
    from transformers import Qwen2Config, Qwen2ForCausalLM

    template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    size = train_bytes(folder, "Qwen2Tokenizer", marks, chat_template=template)
    config = Qwen2Config(vocab_size=size, num_key_value_heads=2, eos_token_id=2, pad_token_id=0, **HEADS)
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def make_m2m100(folder: Path) -> None:
    """Config, vocabulary, SentencePiece; weights as the hub has them at the pinned revision: pickled."""
    torch = seeded()
    import sentencepiece
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    words = folder / "words.txt"
    words.write_text("\n".join(SENTENCES))
    sentencepiece.SentencePieceTrainer.train(
        input=str(words), model_prefix=str(folder / "sentencepiece.bpe"), vocab_size=60, model_type="bpe"
    )
    words.unlink()
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    known = ["<s>", "<pad>", "</s>", "<unk>", *(pieces.id_to_piece(n) for n in range(3, pieces.vocab_size()))]
    (folder / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(known)}))
    M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model")).save_pretrained(folder)
    size = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64}
    heads = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(known) + 120, **size, **heads))
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


MAKERS: dict[str, Callable[[Path], None]] = {
    "siglip2-b32": make_siglip2,
    "siglip2-so400m": make_siglip2,
    "clip-b32": make_clip,
    "pe-core-b16": make_pe_core,
    "pe-core-l14": make_pe_core,
    "qwen3-vl-embedding-2b": make_qwen_vl,
    "e5-base": make_e5,
    "e5-large": make_e5,
    "bge-m3": make_bge_m3,
    "whisper-small": lambda folder: make_whisper(folder, 80),
    "whisper-turbo": lambda folder: make_whisper(folder, 128),
    "whisper-large-v3": lambda folder: make_whisper(folder, 128),
    "openai-whisper-small": lambda folder: make_openai_whisper(folder, "small.pt"),
    "openai-whisper-turbo": lambda folder: make_openai_whisper(folder, "large-v3-turbo.pt"),
    "smolvlm2-500m": make_smolvlm,
    "qwen3-vl-2b": make_qwen_vl,
    "qwen2.5-1.5b": make_qwen,
    "bge-reranker-v2-m3": make_bge_reranker,
    "mdeberta-nli": make_nli,
    "m2m100-418m": make_m2m100,
}
