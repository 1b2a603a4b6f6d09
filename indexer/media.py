"""What may be opened at all, what is searched for in folders, and what a browser can play; the box applies it."""

from pathlib import Path

from indexer.types import MediaInfo


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Demuxers and codecs by FFmpeg name. A demuxer allow-list stops what a protocol allow-list does not. Left out, and why:
# playlists and whatever else opens other files (hls, concat, dash, image2, sdp), raw streams without a header (h264,
# s16le: anything is one), games' and subtitles' own formats, text and vector pictures (lrc, svg_pipe).
_DEMUXERS = _names("""
    mov mp4 m4a 3gp 3g2 mj2 matroska webm avi mpegts mpeg flv asf mxf dv rm gif ogg nut ivf mp3 wav w64 flac aac
    ac3 eac3 dts truehd aiff au caf amr ape wv tta tak
    """)
DEMUXERS = ",".join(sorted(_DEMUXERS))
# What cameras, phones, browsers, archives and television write. Left out, and why: decoders of games' films, of
# documents (they open fonts or run scripts) and of single pictures other than those that films hold; encrypted kinds;
# magicyuv, in which writing beyond the picture was found and which hardly anybody has; what only a graphics card can.
VIDEO_CODECS = _names("""
    h264 hevc vp8 vp9 av1 mpeg4 mpeg2video mpeg1video mjpeg h263 h263p h263i h261 flv1 flashsv flashsv2 msmpeg4v1
    msmpeg4v2 msmpeg4v3 wmv1 wmv2 wmv3 vc1 theora vp3 vp5 vp6 vp6f vp6a rv10 rv20 rv30 rv40 svq1 svq3 prores dnxhd
    cfhd dvvideo jpeg2000 cinepak indeo2 indeo3 indeo4 indeo5 msvideo1 msrle rpza smc qtrle 8bps cscd tscc tscc2
    zmbv mss1 mss2 ffv1 ffvhuff huffyuv utvideo lagarith rawvideo v210 v308 v408 v410 r210 r10k yuv4 y41p bmp png
    gif tiff targa snow dirac hap speedhq
""")
AUDIO_CODECS = _names("""
    aac aac_latm mp3 mp2 mp1 opus vorbis flac alac ac3 eac3 dts truehd mlp amr_nb amr_wb wmav1 wmav2 wmapro
    wmavoice wmalossless speex nellymoser gsm gsm_ms ilbc cook ra_144 ra_288 sipr ralf atrac1 atrac3 atrac3p ape
    tta tak wavpack musepack7 musepack8 qcelp evrc g723_1 g729 qdm2 qdmc mace3 mace6 truespeech s302m dvaudio
    mp4als dss_sp imc iac pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_u16le pcm_u16be pcm_s24le pcm_s24be pcm_u24le
    pcm_u24be pcm_s32le pcm_s32be pcm_u32le pcm_u32be pcm_s64le pcm_s64be pcm_f16le pcm_f24le pcm_f32le pcm_f32be
    pcm_f64le pcm_f64be pcm_alaw pcm_mulaw pcm_vidc pcm_dvd pcm_bluray pcm_s8_planar pcm_s16le_planar
    pcm_s16be_planar pcm_s24le_planar pcm_s32le_planar pcm_lxf adpcm_ms adpcm_ima_wav adpcm_ima_qt adpcm_ima_amv
    adpcm_swf adpcm_yamaha adpcm_g722 adpcm_g726 adpcm_g726le adpcm_ct adpcm_adx adpcm_ima_oki
""")
SUBTITLE_CODECS = frozenset(["subrip", "ass", "mov_text", "webvtt", "text"])  # those that are words, not pictures
# The same as FFmpeg's decoders, some of which have names of their own. Whatever else a file holds is never decoded, not
# even while FFmpeg looks for its streams.
_OTHER_NAMES = _names("""
    libdav1d camstudio mp3float mp2float mp1float msmpeg4 flv dca amrnb amrwb camtasia real_144 real_288
    atrac3plus mpc7 mpc8 g722 g726 g726le als srt ssa
""")
DECODERS = ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS | SUBTITLE_CODECS | _OTHER_NAMES))
# Still pictures to search with.
PICTURE_DEMUXERS, PICTURE_DECODERS = "jpeg_pipe,png_pipe,webp_pipe", "mjpeg,png,webp"
MAX_PIXELS = 8192 * 4320
MAX_STREAMS = 32  # of pictures, sound and subtitles
MAX_ENTRIES = 512  # with fonts and other attachments
MAX_PACKETS = 20_000_000
MAX_FRAME_RATE = 300  # pictures a second, on average
MAX_DURATION = 12 * 3600.0  # seconds

# What files are called that hold such; a folder is searched for them.
MEDIA_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in _names("""
    mp4 m4v mov qt mkv mka mk3d webm avi divx ts m2ts mts m2t mpg mpeg mpe m1v m2v m2p vob mod tod flv f4v 3gp
    3gpp 3g2 asf wmv wma mxf dv dif rm rmvb ram gif ogv ogg oga ogx spx nut ivf mp3 mp2 mpa wav wave w64 flac aac
    adts ac3 eac3 ec3 dts thd aif aiff aifc au snd caf amr awb ape wv tta tak m4a m4b m4r opus
    """)
)


def is_media(path: Path) -> bool:
    """Whether a file is named like a video or sound; an animated WebP is told from a picture by its header."""
    return path.suffix.lower() in MEDIA_SUFFIXES or (path.suffix.lower() == ".webp" and is_webp(path, animated=True))


def is_webp(path: Path, animated: bool = False) -> bool:
    """By its first bytes (RFC 9649); `animated`: only one that holds several pictures."""
    with path.open("rb") as file:
        head = file.read(21)
    is_one = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return is_one and (not animated or (head[12:16] == b"VP8X" and bool(head[20] & 2)))


_PLAYABLE = {
    "mov": ({"h264"}, {"aac", "mp3", ""}, "video/mp4"),
    "webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis", ""}, "video/webm"),
}
_PLAYABLE_AUDIO = {
    "mp3": ({"mp3"}, "audio/mpeg"),
    "wav": ({"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le"}, "audio/wav"),
    "flac": ({"flac"}, "audio/flac"),
    "ogg": ({"opus", "vorbis", "flac"}, "audio/ogg"),
    "mov": ({"aac", "mp3"}, "audio/mp4"),
    "webm": ({"opus", "vorbis"}, "audio/webm"),
}
# What an MP4 or WebM of our own may take over as it is.
COPIED_PICTURES = {"h264": "mp4", "vp8": "webm", "vp9": "webm", "av1": "webm"}
_PLAIN_PIXELS = ("yuv420p", "yuvj420p", "yuva420p")
LATEST_START = 0.5  # seconds: players show a file's own clock


def playable_type(info: MediaInfo) -> str:
    """The content type under which every current browser plays the original file, or "" when it needs a rendition."""
    if not (info.seekable and info.first_tracks and info.start < LATEST_START) or info.interlaced:
        return ""
    if not info.has_video:
        audios, content_type = _PLAYABLE_AUDIO.get(info.container, (set[str](), ""))
        return content_type if info.audio_codec in audios else ""
    videos, audios, content_type = _PLAYABLE.get(info.container, (set[str](), set[str](), ""))
    fits = info.pixel_format in _PLAIN_PIXELS and info.video_codec in videos and info.audio_codec in audios
    return content_type if fits else ""


def copied_container(info: MediaInfo) -> str:
    """ "mp4" or "webm" where the picture can be taken over without encoding it again, or ""."""
    plain = info.pixel_format in _PLAIN_PIXELS and not (info.rotation or info.interlaced) and info.pixel_aspect == 1
    return COPIED_PICTURES.get(info.video_codec, "") if plain else ""
