"""Playlists of a video in several qualities (HLS, RFC 8216): which there are, and where each may be cut."""

from typing import Any

from django.urls import reverse

from webapp.messages import language_named
from webapp.models import Video

VERSION = 7  # of the protocol: fragmented MP4


def find_stream(video: Video, name: str) -> dict[str, Any]:
    """The quality or sound of that name; raises `KeyError` without it."""
    for record in [*video.streams.get("pictures", []), *video.streams.get("sounds", [])]:
        if record["name"] == name:
            return dict(record)
    raise KeyError(name)


def write_master(video: Video) -> str:
    """All qualities and sounds; the sound that counts for the site is the default."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    sounds = video.streams["sounds"]
    tracks = {track["index"]: track for track in video.info.sounds}
    for sound in sounds:
        track = tracks.get(sound["track"], {})
        language = track.get("language", "")
        name = quote(track.get("title") or (language and language_named(language)) or f"{sound['track']}")
        is_default = "YES" if sound["track"] == video.info.sound else "NO"
        spoken = f",LANGUAGE={quote(language)}" if language else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME={name}{spoken},DEFAULT={is_default},AUTOSELECT=YES,'
            f"URI={quote(address(video, sound['name']))}"
        )
    heard = max((sound["bits"] for sound in sounds), default=0)
    for picture in video.streams["pictures"]:
        codecs = ",".join([picture["codec"], *{sound["codec"] for sound in sounds}])
        group = ',AUDIO="sound"' if sounds else ""
        size = f"RESOLUTION={picture['width']}x{picture['height']}"
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={picture["bits"] + heard},{size},CODECS="{codecs}"{group}')
        lines.append(address(video, picture["name"]))
    return "\n".join([*lines, ""])


def write_list(video: Video, name: str) -> str:
    """The pieces of one quality or sound, as byte ranges of its file; raises `KeyError` without it."""
    record = find_stream(video, name)
    file = reverse("stream-file", args=[video.key, name])
    longest = max((seconds for seconds, _, _ in record["segments"]), default=0)
    first, length = record["init"]
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines += [f"#EXT-X-TARGETDURATION:{int(longest) + 1}", f'#EXT-X-MAP:URI="{file}",BYTERANGE="{length}@{first}"']
    for seconds, first, length in record["segments"]:
        lines += [f"#EXTINF:{seconds:.3f},", f"#EXT-X-BYTERANGE:{length}@{first}", file]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def address(video: Video, name: str) -> str:
    return reverse("stream-list", args=[video.key, name])


def quote(text: str) -> str:
    """A quoted string may hold no quotes and no line ends."""
    return '"' + "".join("'" if c == '"' else c for c in text if c.isprintable()) + '"'
