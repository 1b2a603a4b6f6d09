"""Recipes: what makes vectors. One is active and answers; another is built beside it, or kept to go back."""

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.module_loading import import_string

from indexer.fusion import spaces_of
from webapp import engine
from webapp.index.changes import mark_changed
from webapp.models import EvidenceVector, FrameVector, IndexState, Recipe, Segment, Step, Video


def active() -> Recipe:
    """The recipe that answers searches; on the first use that of the settings."""
    state = IndexState.objects.read()
    if state is not None and state.active is not None:
        return state.active
    recipe = wanted()
    with transaction.atomic():
        mark_changed()
        IndexState.objects.filter(pk=1, active=None).update(active=recipe)
    return active()


def wanted() -> Recipe:
    """The recipe of the settings (its row is made when there is none). Loads the encoders to learn their names."""
    encoders = engine.wanted_encoders()
    picture_encoder, sentence_encoder = engine.load_encoders(encoders)
    shortest, longest = settings.KINOSCOPE_SEGMENT_SECONDS
    spaces = spaces_of(picture_encoder, sentence_encoder)
    fused = import_string(settings.KINOSCOPE_FUSION)(spaces)
    name = "|".join([picture_encoder.name, sentence_encoder.name, f"{shortest:g}-{longest:g} s", fused.name])
    recipe, _ = Recipe.objects.get_or_create(
        fingerprint=name,
        defaults={
            "encoders": encoders,
            "dims": {space: of.dim for space, of in spaces.items()},
            "fusion": settings.KINOSCOPE_FUSION,
            "shortest": shortest,
            "longest": longest,
        },
    )
    return recipe


_answering: Recipe | None = None  # of this process: the one that it asked last


def answering() -> Recipe:
    """The active recipe as soon as this process can ask it. To load other encoders takes seconds: until they are here,
    searches go on with the recipe that answered before.
    """
    global _answering
    recipe, before = active(), _answering
    if before is not None and before != recipe and engine.load_soon(recipe):
        kept = Recipe.objects.filter(pk=before.pk, fingerprint=before.fingerprint).first()
        if kept is not None:
            return kept
    _answering = recipe
    return recipe


def others() -> QuerySet[Recipe]:
    """Recipes that new videos are embedded for as well, so that one can switch at any time."""
    return Recipe.objects.exclude(pk__in=IndexState.objects.exclude(active=None).values("active"))


def beside() -> Recipe | None:
    """The newest of them; None where one alone is kept."""
    return others().order_by("-pk").first()


def pending(recipe: Recipe) -> QuerySet[Video]:
    """Embedded videos that lack segments of this recipe."""
    embedded = Step.objects.filter(video=OuterRef("pk"), name="embed", status=Step.Status.DONE)
    segments = Segment.objects.filter(video=OuterRef("pk"))
    return Video.objects.filter(Exists(embedded), Exists(segments), ~Exists(segments.filter(recipe=recipe)))


def activate(recipe: Recipe) -> None:
    """One row says which recipe answers; every process sees it with its next search."""
    with transaction.atomic():
        mark_changed()
        IndexState.objects.filter(pk=1).update(active=recipe, successor=None)


def drop_oldest(newest: Recipe) -> list[str]:
    """Delete recipes that are neither active nor `newest`, with their vectors; return their fingerprints."""
    gone = list(others().exclude(pk=newest.pk))
    for recipe in gone:
        with transaction.atomic():
            Segment.objects.filter(recipe=recipe).delete()
            recipe.delete()
            kept = list(Recipe.objects.all())
            FrameVector.objects.exclude(encoder__in=[r.picture_encoder for r in kept]).delete()
            EvidenceVector.objects.exclude(encoder__in=[r.sentence_encoder for r in kept]).delete()
    return [recipe.fingerprint for recipe in gone]
