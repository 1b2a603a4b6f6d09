"""The names of the first labels and of moods, listed for translators. Labels that admins add stay as they are."""

from django.utils.translation import gettext_noop as _

NAMES = (
    _("animal"), _("dog"), _("cat"), _("bird"), _("horse"), _("fish"), _("people"), _("crowd"), _("child"),
    _("baby"), _("face"), _("car"), _("truck"), _("bus"), _("train"), _("aircraft"), _("boat"), _("bicycle"),
    _("motorcycle"), _("building"), _("bridge"), _("house"), _("food"), _("drink"), _("flower"), _("tree"),
    _("fire"), _("text"), _("screen"), _("map"), _("book"), _("phone"), _("computer"), _("machine"), _("tool"),
    _("toy"), _("stage"), _("street"), _("city"), _("kitchen"), _("office"), _("shop"), _("market"), _("garden"),
    _("forest"), _("mountain"), _("river"), _("lake"), _("sea"), _("beach"), _("snow"), _("desert"), _("sky"),
    _("night"), _("sport"), _("football"), _("basketball"), _("baseball"), _("tennis"), _("running"), _("swimming"),
    _("cycling"), _("skateboarding"), _("skiing"), _("surfing"), _("climbing"), _("dancing"), _("music"),
    _("concert"), _("cooking"), _("animation"), _("drawing"), _("game"), _("interview"), _("lecture"), _("news"),
    _("party"), _("wedding"), _("positive"), _("negative"),
)  # fmt: skip
