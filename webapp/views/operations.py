"""Operations, for admins: what the machine does, what waits and why, what failed, and the state of the index."""

import shutil

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from webapp.index import recipes, snapshot
from webapp.models import IndexState, Segment, Step, Video, Worker
from webapp.operations import demo, doctor
from webapp.parsing import parse_numbers
from webapp.people.access import signed_in
from webapp.pipeline import estimates, ledger, outputs, plan

MAX_ROWS = 50


def only_admins(request: HttpRequest) -> None:
    if not signed_in(request).is_superuser:
        raise PermissionDenied(_("This page is for admins."))


@require_safe
@login_required
def operations(request: HttpRequest) -> HttpResponse:
    """The page, or with ?part only what it polls."""
    only_admins(request)
    template = "fragments/operations_status.html" if "part" in request.GET else "operations.html"
    steps = Step.objects.all()
    queued = steps.filter(status__in=[Step.Status.READY, Step.Status.WAITING])
    context = {
        "queues": [describe_queue(queue) for queue in plan.QUEUES],
        "running": estimates.watch(steps.filter(status=Step.Status.RUNNING).order_by("started_at")),
        "waiting": ledger.count_waiting(),
        "failed": steps.filter(status=Step.Status.FAILED).select_related("video").order_by("-started_at")[:MAX_ROWS],
        "failed_count": steps.filter(status=Step.Status.FAILED).count(),
        "next": estimates.watch(queued.order_by("priority", "turn", "pk"))[:10],
        "workers": Worker.objects.order_by("name"),
        "unboxed": Worker.objects.filter(box="C").exists(),
        "alive": Worker.objects.alive().exists(),
        "index": describe_index(),
        "disk": shutil.disk_usage(settings.KINOSCOPE_HOME),
        "has_room": outputs.has_room(),
        "videos": [
            (Video.Status(status).label, n)
            for status, n in Video.objects.values_list("status").annotate(n=Count("pk")).order_by("status")
        ],
    }
    return render(request, template, context)


def describe_queue(queue: str) -> dict[str, object]:
    names = plan.names_of([queue])
    steps = Step.objects.filter(name__in=names)
    due = steps.filter(ledger.due(Now()))
    return {
        "name": queue,
        "steps": ", ".join(names),
        "due": due.count(),
        "running": steps.filter(status=Step.Status.RUNNING).count(),
        "oldest": due.aggregate(first=Min("ready_at"))["first"],
        "left": estimates.total(estimates.watch(due)),
    }


def describe_index() -> dict[str, object] | None:
    """Generation and what is newer than it, per recipe; None before anything was embedded."""
    state = IndexState.objects.read()
    if state is None or state.active is None:
        return None
    rows = []
    for recipe in [state.active, *recipes.others()]:
        manifest = snapshot.newest_manifest(recipe)
        newer = Segment.objects.filter(recipe=recipe, sequence__gt=manifest.sequence if manifest else -1)
        rows.append(
            {
                "recipe": recipe,
                "active": recipe == state.active,
                "generation": manifest.number if manifest else None,
                "segments": manifest.segments if manifest else 0,
                "newer": newer.count(),
                "pending": recipes.pending(recipe).count(),
            }
        )
    return {"rows": rows, "damaged": state.damaged, "sequence": state.sequence}


@require_POST
@login_required
def retry_selected(request: HttpRequest) -> HttpResponse:
    """Try the ticked steps again."""
    only_admins(request)
    chosen = parse_numbers(request.POST.getlist("step"))
    count = sum(ledger.retry(s.video, s.name) for s in Step.objects.filter(pk__in=chosen).select_related("video"))
    messages.success(request, _("%(count)d steps are queued again.") % {"count": count})
    return redirect("operations")


@require_safe
@login_required
def check(request: HttpRequest) -> HttpResponse:
    """What `manage.py doctor` says: it looks at everything, so the page comes first and fetches it (?part)."""
    only_admins(request)
    if "part" not in request.GET:
        return render(request, "check.html")
    findings = [f for f in doctor.examine() if request.GET["part"] != "wrong" or f.level != "ok"]
    return render(request, "fragments/findings.html", {"findings": findings})


@require_POST
@login_required
def add_demo(request: HttpRequest) -> HttpResponse:
    """The small videos that Kinoscope makes itself, for who wants to look around first."""
    only_admins(request)
    video = demo.add_all(signed_in(request))
    return redirect("watch", video.key) if video else redirect("home")
