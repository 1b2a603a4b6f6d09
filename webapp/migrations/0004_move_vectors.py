"""Bring the vectors of 0001 under their recipe: nothing needs to be embedded again."""

import zlib

from django.conf import settings
from django.db import migrations


def seal(blob):
    data = bytes(blob)
    return data + zlib.crc32(data).to_bytes(4, "little") if data else b""


def forwards(apps, schema_editor):
    get = lambda name: apps.get_model("webapp", name)  # noqa: E731
    segments = get("Segment").objects
    for video in get("Video").objects.all():
        files = {"storyboard": "storyboard.jpg"} if video.storyboard_tiles else {}
        video.files = files | ({"proxy": "proxy.mp4"} if video.has_proxy else {})
        video.save(update_fields=["files"])
    for old in segments.order_by().values_list("models_used", flat=True).distinct():
        recipe = make_recipe(get("Recipe"), segments.filter(models_used=old), old)
        if recipe is None:
            segments.filter(models_used=old).delete()
            continue
        pictures, sentences = recipe.fingerprint.split("|")[:2]
        for segment in segments.filter(models_used=old).iterator():
            segment.recipe, segment.sequence = recipe, 1
            segment.visual, segment.text = seal(segment.visual), seal(segment.text)
            segment.save(update_fields=["recipe", "sequence", "visual", "text"])
            frames = list(get("Keyframe").objects.filter(segment_id=segment.pk))
            segment.keyframes.set(frames)
            get("FrameVector").objects.bulk_create(
                get("FrameVector")(keyframe=f, encoder=pictures, vector=seal(f.vector)) for f in frames if f.vector
            )
        evidence = get("Evidence").objects.filter(video__segments__recipe=recipe).distinct()
        get("EvidenceVector").objects.bulk_create(
            get("EvidenceVector")(evidence=e, encoder=sentences, vector=seal(e.vector)) for e in evidence if e.vector
        )
        for state in get("IndexState").objects.filter(active=None):
            recipe.calibration = state.calibration
            recipe.save(update_fields=["calibration"])
            get("IndexState").objects.filter(pk=state.pk).update(active=recipe, sequence=1)


def make_recipe(table, segments, old):
    """The recipe of the encoders that the settings name, if it was they that made these vectors."""
    dims = {
        space: max((len(bytes(blob)) // 2 for blob in segments.values_list(space, flat=True)), default=0)
        for space in ("visual", "text")
    }
    if not all(dims.values()):
        return None
    from indexer.adapters.efficientnet import CompactPictures

    # The alignment head's hash belongs to the name since then; it is the same head.
    name = old.replace("efficientnet-lite2+alignment", CompactPictures.name)
    profile = "compact" if CompactPictures.name in name else "standard"
    encoders = {role: list(settings.KINOSCOPE_PROFILES[profile][role]) for role in ("pictures", "sentences")}
    return table.objects.get_or_create(
        fingerprint=f"{name}|5-30 s|concatenation",
        defaults={"encoders": encoders, "dims": dims, "shortest": 5.0, "longest": 30.0},
    )[0]


class Migration(migrations.Migration):
    dependencies = [("webapp", "0003_generations")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
