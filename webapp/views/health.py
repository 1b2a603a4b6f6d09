"""For the machines that look after this one: does the site live, may requests be sent to it, what does it count?"""

import ipaddress
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from webapp.operations import metrics
from webapp.operations.health import State, check_all, sum_up
from webapp.problems import problem


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Alive: who gets no answer here starts the process again."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 while requests may be sent here, else 503. What is wrong is told to admins and to who may read metrics."""
    checks = check_all()
    state = sum_up(checks)
    record: dict[str, object] = {"status": state}
    reachable = checks[0].state is State.READY  # else nobody can be looked up
    if is_trusted(request) or (reachable and request.user.is_superuser):
        record["checks"] = {check.name: check.detail or check.state for check in checks}
    return JsonResponse(record, status=503 if state is State.UNREADY else 200)


@require_safe
def measured(request: HttpRequest) -> HttpResponseBase:
    """For Prometheus."""
    if not is_trusted(request):
        return problem(403, _("Metrics are for this machine, or for who has the token (KINOSCOPE_METRICS_TOKEN)."))
    return HttpResponse(metrics.write_metrics(), content_type=metrics.CONTENT_TYPE)


def is_trusted(request: HttpRequest) -> bool:
    """Who has the token; without one who asks from this machine and through no proxy."""
    if settings.KINOSCOPE_METRICS_TOKEN:
        expected = f"Bearer {settings.KINOSCOPE_METRICS_TOKEN}"
        return secrets.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode())
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback and "X-Forwarded-For" not in request.headers
