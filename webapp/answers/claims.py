"""What other videos of the library say to what a video claims: the same, or otherwise. Each with both moments."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import AnonymousUser

from indexer.errors import ModelMissing
from indexer.terms import cached_terms
from indexer.types import Span, Vectors
from indexer.vectors import unpack_valid
from qa import claims
from qa.claims import Found, Passage
from qa.ports import Inference
from webapp import engine
from webapp.answers.scope import VisibleScope
from webapp.index import recipes
from webapp.models import Evidence, EvidenceVector, User, Video

log = logging.getLogger(__name__)

KINDS = ("speech", "screen")  # what claims are made in, and held against
MAX_READ = 8  # sentences that are read together with a claim


@dataclass(frozen=True)
class Held:
    """A claim, and what was found to it; `video` is the other one."""

    claim: Evidence
    found: Found | None
    video: Video | None

    @property
    def place(self) -> tuple[int, Span] | None:
        """Of what was found."""
        if self.found is None or self.video is None:
            return None
        return self.video.pk, Span(self.found.evidence.start, self.found.evidence.end)


def hold(user: User | AnonymousUser, video: Video) -> list[Held]:
    """The claims of a video, in the order of time, each held against what this person may see of the others."""
    recipe = recipes.active()
    encoder = engine.sentences(recipe)
    spoken = list(video.evidence.filter(kind="speech").order_by("start"))
    language = video.language or "en"
    chosen = [spoken[i] for i in claims.choose_claims([e.text for e in spoken], language, cached_terms)]
    others = Video.objects.visible_to(user).exclude(pk=video.pk)
    scope = VisibleScope(user, others, None, recipe, encoder)
    inference = choose_inference() if chosen else None
    kept = EvidenceVector.objects.filter(evidence__in=chosen, encoder=encoder.name).values_list("evidence", "vector")
    vectors = {pk: unpack_valid(blob, encoder.dim) for pk, blob in kept}
    held = []
    for claim in chosen:
        vector = vectors.get(claim.pk)
        found = None
        if vector is not None:
            passages = read(claim.text, vector, scope)
            found = claims.judge(claim.text, passages, language, cached_terms, inference)
        held.append((claim, found))
    rows = Video.objects.in_bulk({f.evidence.video for _claim, f in held if f is not None})
    return [Held(claim, found, rows.get(found.evidence.video) if found else None) for claim, found in held]


def choose_inference() -> Inference | None:
    """Rules decide alone where no model is wanted, or it is not here yet."""
    try:
        return engine.inference()
    except ModelMissing as error:
        log.warning("claims are compared by rules alone: %s", error)
        return None


def read(claim: str, vector: Vectors, scope: VisibleScope) -> Sequence[Passage]:
    """The sentences that mean most nearly what is claimed, each read together with it."""
    pieces, vectors = scope.read(claim)
    nearness = vectors @ vector
    nearest = [i for i in np.argsort(-nearness) if pieces[i].kind in KINDS][:MAX_READ]
    if not nearest:
        return []
    # The weights of `qa.claims` are fitted to the logits of this one.
    logits = engine.bundled_reranker().score(claim, [pieces[i].text for i in nearest])
    return [Passage(pieces[i], float(nearness[i]), float(logit)) for i, logit in zip(nearest, logits, strict=True)]
