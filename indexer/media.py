"""What may be opened at all, and what a browser can play. Constants only; the box applies them."""

from indexer.types import MediaInfo

# Demuxers and codecs by FFmpeg name. Playlists (hls, concat, dash), image sequences and exotic decoders stay out:
# a demuxer allow-list stops what a protocol allow-list does not.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,mp3,wav,flac,ogg"
VIDEO_CODECS = frozenset(
    [
        "h264",
        "hevc",
        "vp8",
        "vp9",
        "av1",
        "mpeg4",
        "mpeg2video",
        "mpeg1video",
        "mjpeg",
        "msmpeg4v3",
        "msmpeg4v2",
        "h263",
        "flv1",
        "prores",
        "theora",
        "rawvideo",
        "bmp",
        "dvvideo",
        "wmv2",
    ]
)
AUDIO_CODECS = frozenset(
    [
        "aac",
        "mp3",
        "mp2",
        "opus",
        "vorbis",
        "flac",
        "ac3",
        "eac3",
        "alac",
        "pcm_s16le",
        "pcm_s16be",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_u8",
        "pcm_mulaw",
        "pcm_alaw",
        "adpcm_ms",
        "adpcm_ima_wav",
        "wmav2",
    ]
)
# The same as FFmpeg's decoders, some of which have names of their own. Whatever else a file holds is never decoded, not
# even while FFmpeg looks for its streams.
DECODERS = ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS | {"libdav1d", "mp3float", "msmpeg4", "flv"}))
# Still pictures to search with.
PICTURE_DEMUXERS, PICTURE_DECODERS = "jpeg_pipe,png_pipe,webp_pipe", "mjpeg,png,webp"
MAX_PIXELS = 8192 * 4320
MAX_STREAMS = 32
MAX_PACKETS = 20_000_000
MAX_FRAME_RATE = 300  # pictures a second, on average
MAX_DURATION = 12 * 3600.0  # seconds

MEDIA_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".ts",
        ".m2ts",
        ".mts",
        ".mpg",
        ".mpeg",
        ".flv",
        ".3gp",
        ".ogv",
        ".mp3",
        ".wav",
        ".flac",
        ".ogg",
        ".m4a",
        ".opus",
    ]
)

_PLAYABLE = {
    "mov": ({"h264"}, {"aac", "mp3", ""}, "video/mp4"),
    "webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis", ""}, "video/webm"),
}
_PLAYABLE_AUDIO = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mov": "audio/mp4",
}


def playable_type(info: MediaInfo) -> str:
    """The content type under which every current browser plays the original file, or "" when it needs a rendition."""
    if not info.has_video:
        return _PLAYABLE_AUDIO.get(info.container, "")
    videos, audios, content_type = _PLAYABLE.get(info.container, (set[str](), set[str](), ""))
    plain = info.pixel_format in ("yuv420p", "yuvj420p", "yuva420p")
    return content_type if plain and info.video_codec in videos and info.audio_codec in audios else ""
