"""The labels that every installation begins with; admins change them."""

from django.db import migrations

THINGS = (
    "animal dog cat bird horse fish people crowd child baby face car truck bus train aircraft boat bicycle motorcycle building "
    "bridge house food drink flower tree fire text screen map book phone computer machine tool toy"
)
PLACES = (
    "stage street city kitchen office shop market garden forest mountain river lake sea beach snow desert sky night"
)
ACTIONS = (
    "sport football basketball baseball tennis running swimming cycling skateboarding skiing surfing climbing dancing music "
    "concert cooking animation drawing game interview lecture news party wedding"
)


def fill(apps, schema_editor):
    Label = apps.get_model("webapp", "Label")
    for kind, names in (("object", THINGS), ("scene", PLACES), ("action", ACTIONS)):
        Label.objects.bulk_create(Label(name=name, kind=kind) for name in names.split())


class Migration(migrations.Migration):
    dependencies = [("webapp", "0013_labels")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
