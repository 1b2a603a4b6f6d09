"""Entry point of the ASGI server."""

import os
import threading
import warnings

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# Only WhiteNoise's static files (some kilobytes each) are read synchronously; media are not, see `views.media`.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
django.setup(set_prefix=False)

from webapp.search.moments import warm_up  # noqa: E402
from webapp.uploads.body import Handler  # noqa: E402

application = Handler()
threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
