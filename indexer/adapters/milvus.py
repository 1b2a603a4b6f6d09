"""Milvus (https://milvus.io): vectors of segments in a cluster, one collection a recipe, inner product over IVF_SQ8.

An address is `milvus://[user:password@]host:19530[/database]` (`milvuss://` with TLS), or the path of a file for
milvus-lite. Bounded consistency: a strong one waits for a tick of the cluster's clock, 0.2 s; what is newer than a
generation is asked of the database's own rows anyway.
"""

import math
import time
from collections.abc import Callable, Collection
from operator import methodcaller
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from indexer.errors import EngineAway
from indexer.types import Hit, Ids, Moments, Permit, Vectors

LISTS = 1024  # of the inverted file, in each segment of the engine
PROBES = 64  # lists looked into where everything may be seen; proportionally more where less may
PUT_AT_ONCE = 1000  # rows: some 4 MB
LISTED_AT_ONCE = 10_000  # ids in one expression
TIMEOUT, PATIENCE = 2.0, 60.0  # seconds: of a search, of what a worker does
PAUSE = 5.0  # seconds in which an engine that did not answer is not asked again

T = TypeVar("T")


class MilvusMoments:
    """A collection, made with the first rows that are put."""

    def __init__(self, address: str, collection: str, dim: int) -> None:
        self.address, self.collection, self.dim = address, collection, dim
        self._client: Any = None
        self._away_until = 0.0

    def put(self, moments: Moments) -> None:
        """As `ports.MomentStore`."""
        if not self._exists():
            self._ask(self._make, patient=True)
        rows = [
            {"id": int(pk), "video": int(video), "owner": int(owner), "public": bool(public), "vector": vector}
            for pk, video, owner, public, vector in zip(
                moments.ids, moments.videos, moments.owners, moments.public, moments.vectors, strict=True
            )
        ]
        for start in range(0, len(rows), PUT_AT_ONCE):
            self._work("upsert", self.collection, rows[start : start + PUT_AT_ONCE])

    def remove(self, ids: Ids) -> None:
        """As `ports.MomentStore`."""
        if not self._exists():
            return
        for start in range(0, len(ids), LISTED_AT_ONCE):
            some = f"id in {ids[start : start + LISTED_AT_ONCE].tolist()}"
            self._work("delete", self.collection, filter=some)

    def search(self, query: Vectors, k: int, permit: Permit) -> list[Hit]:
        """As `ports.MomentStore`."""
        probes = min(LISTS, math.ceil(PROBES / permit.share))
        asked = methodcaller(
            "search",
            self.collection,
            data=[np.asarray(query, np.float32)],
            limit=k,
            filter=express(permit),
            output_fields=["id"],
            search_params={"metric_type": "IP", "params": {"nprobe": probes}},
            consistency_level="Bounded",
            timeout=TIMEOUT,
        )
        (found,) = self._ask(asked)
        return [Hit(int(hit["id"]), float(hit["distance"])) for hit in found]

    def read(self, ids: Ids) -> tuple[Ids, Vectors]:
        """As `ports.MomentStore`."""
        if not self._exists():
            return np.zeros(0, np.int64), np.zeros((0, self.dim), np.float32)
        wanted = f"id in {ids.tolist()}"
        rows = self._work("query", self.collection, filter=wanted, output_fields=["id", "vector"])
        vectors = np.array([row["vector"] for row in rows], np.float32).reshape(len(rows), self.dim)
        return np.array([row["id"] for row in rows], np.int64), vectors

    def count(self) -> int:
        """As `ports.MomentStore`."""
        return self._count("Strong") if self._exists() else 0

    def is_settled(self) -> bool:
        """As `ports.MomentStore`: a bounded search sees what a strong one does, and no row waits for its index."""
        held = self.count()
        if not held:
            return True
        index = self._work("describe_index", self.collection, "vector")
        return self._count("Bounded") >= held and int(index["indexed_rows"]) >= int(index["total_rows"])

    def drop_others(self, prefix: str, kept: Collection[str]) -> None:
        """As `ports.MomentStore`."""
        for name in self._work("list_collections"):
            if name.startswith(prefix) and name not in kept:
                self._work("drop_collection", name)

    def _count(self, consistency: str) -> int:
        fields = {"filter": "", "output_fields": ["count(*)"], "consistency_level": consistency}
        rows = self._work("query", self.collection, **fields)
        return int(rows[0]["count(*)"])

    def _exists(self) -> bool:
        return bool(self._work("has_collection", self.collection))

    def _make(self, client: Any) -> None:
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("video", DataType.INT64)
        schema.add_field("owner", DataType.INT64)
        schema.add_field("public", DataType.BOOL)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dim)
        index = client.prepare_index_params()
        index.add_index("vector", index_type="IVF_SQ8", metric_type="IP", params={"nlist": LISTS})
        client.create_collection(self.collection, schema=schema, index_params=index, timeout=PATIENCE)

    def _work(self, method: str, *given: Any, **options: Any) -> Any:
        """What a worker asks: with patience, and whatever happened a moment ago."""
        return self._ask(methodcaller(method, *given, timeout=PATIENCE, **options), patient=True)

    def _ask(self, what: Callable[[Any], T], patient: bool = False) -> T:
        """Say what is wrong in our own words; while the engine is away, searches don't wait for it one by one."""
        from pymilvus.exceptions import MilvusException

        if not patient and time.monotonic() < self._away_until:
            raise self._away("it did not answer a moment ago")
        try:
            if self._client is None:
                self._client = connect(self.address, PATIENCE if patient else TIMEOUT)
            answer = what(self._client)
        except (MilvusException, OSError, ValueError) as error:
            self._away_until = time.monotonic() + PAUSE
            raise self._away(str(error)) from error
        self._away_until = 0.0
        return answer

    def _away(self, why: str) -> EngineAway:
        shown = urlsplit(self.address)
        return EngineAway(
            "The vector engine at %(address)s does not answer (%(why)s). Only words are searched until it does; see "
            "KINOSCOPE_MOMENTS.",
            address=shown.hostname or shown.path,
            why=" ".join(why.split())[:150],
        )


def connect(address: str, timeout: float) -> Any:
    from pymilvus import MilvusClient

    parts = urlsplit(address)
    if not parts.hostname:
        return MilvusClient(address)
    scheme = "https" if parts.scheme == "milvuss" else "http"
    token = f"{parts.username}:{parts.password}" if parts.username else ""
    place = f"{scheme}://{parts.hostname}:{parts.port or 19530}"
    return MilvusClient(place, token=token, db_name=parts.path.strip("/"), timeout=timeout)


def express(permit: Permit) -> str:
    """In the engine's language; "" where there is nothing to leave out."""
    if permit.videos is not None:
        return f"video in {list(permit.videos)}"
    who = permit.audience
    if who is None or not permit.filters:
        return ""
    shared = f" or video in {list(who.shared)}" if who.shared else ""
    return f"public == true or owner == {who.owner}{shared}"
