"""Models, for admins: what does what, what could be fetched for it, and the change from one index to another."""

import os
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from webapp import engine
from webapp.catalogue import installations
from webapp.catalogue.entry import INDEXED, ROLES, Entry
from webapp.catalogue.machine import Machine, describe_machine, free_bytes, recommend, say_unfit
from webapp.catalogue.table import ENTRIES, for_role
from webapp.index import recipes
from webapp.models import IndexState, Installation, Measurement, Recipe, Step, Video
from webapp.pipeline import estimates, succession
from webapp.search.comparison import PREFIX as COMPARED
from webapp.views.operations import only_admins


@dataclass(frozen=True)
class Offer:
    """A model that could do something, as it stands here."""

    entry: Entry
    row: Installation | None
    used: bool  # now
    chosen: bool  # for as soon as its index is there
    needed: bool  # by a role or a recipe, so that it can't be removed
    recommended: str  # why; "" where it is not the one
    unfit: str  # why it had better not be run here
    speed: dict[str, float]

    @property
    def status(self) -> str:
        return self.row.status if self.row else ""


@dataclass(frozen=True)
class RoleState:
    """A role: what does it by now, and what could."""

    role: str
    name: object
    model: str
    fixed: bool  # by the environment
    chosen: bool
    offers: list[Offer]


@require_safe
@login_required
def models(request: HttpRequest) -> HttpResponse:
    """The page, or with ?part what it polls, or the servers that were found on this machine."""
    only_admins(request)
    part = request.GET.get("part", "")
    if part == "servers":
        found = [] if "decoder" in settings.KINOSCOPE_FIXED_ROLES else find_servers()
        return render(request, "fragments/model_servers.html", {"servers": found})
    machine = describe_machine()
    rows = Installation.objects.in_bulk(field_name="name")
    adapters, used = engine.list_adapters(), engine.list_used()
    state = IndexState.objects.read()
    made = state.active.encoders if state and state.active else {}
    context = {
        "roles": [describe_role(role, adapters.get(role), made.get(role), machine, rows, used) for role in ROLES],
        "succession": describe_succession(state),
        "machine": machine,
        "free": free_bytes(settings.KINOSCOPE_HOME),
        "mirror": os.environ.get("HF_ENDPOINT", ""),
        "has_token": bool(os.environ.get("HF_TOKEN")),
        "offline": settings.KINOSCOPE_HUB_FORBIDDEN,
    }
    return render(request, "fragments/models_status.html" if part else "models.html", context)


def describe_role(
    role: str,
    chosen: engine.Adapter | None,
    made: list[str] | None,
    machine: Machine,
    rows: dict[str, Installation],
    needed: set[str],
) -> RoleState:
    """`made` what made the vectors that answer: another choice does nothing before its own are there."""
    adapter = tuple(made) if made else chosen
    best = recommend(role, machine)
    offers = []
    for entry in for_role(role):
        row = rows.get(entry.name)
        used, wanted = (found is not None and entry.weights in found for found in (adapter, chosen))
        why = best[1] if best and best[0] == entry else ""
        speed = row.speed.get(role, {}) if row else {}
        offers.append(Offer(entry, row, used, wanted, entry.name in needed, why, say_unfit(entry, machine), speed))
    name = installations.name_of(adapter) if adapter else ""
    return RoleState(
        role, ROLES[role], name, role in settings.KINOSCOPE_FIXED_ROLES, chosen != engine.profile().get(role), offers
    )


def describe_succession(state: IndexState | None) -> dict[str, Any] | None:
    """The recipe beside the one that answers: how far it is, and how the two compare; None without one."""
    beside = recipes.beside()
    if state is None or state.active is None or beside is None:
        return None
    pending = recipes.pending(beside).count()
    total = Video.objects.filter(segments__recipe=state.active).distinct().count()
    steps = Step.objects.filter(
        name="reembed", status__in=[Step.Status.READY, Step.Status.WAITING, Step.Status.RUNNING]
    )
    chosen = engine.wanted_encoders() == beside.encoders
    return {
        "active": name_recipe(state.active),
        "beside": name_recipe(beside),
        "pending": pending,
        "total": total,
        "done": total - pending,
        "left": estimates.total(estimates.watch(steps)) if pending else 0.0,
        "is_new": chosen and state.active.encoders != beside.encoders,
        "switching": state.successor_id == beside.pk,
        "error": state.successor_error,
        "measured": Measurement.objects.filter(bench__startswith=COMPARED, recipe=beside).exists(),
        "compared": compare_recipes(state.active, beside),
    }


def name_recipe(recipe: Recipe) -> str:
    return " + ".join(installations.name_of(recipe.encoders[role]) for role in INDEXED)


def compare_recipes(active: Recipe, beside: Recipe) -> list[dict[str, Any]]:
    """A row for each number that was measured of both."""
    kept = Measurement.objects.filter(bench__startswith=COMPARED, recipe__in=[active, beside])
    by_recipe = {(row.bench, row.recipe_id): row.numbers for row in kept}
    rows = []
    for bench in dict.fromkeys(row.bench for row in kept):
        before, after = (by_recipe.get((bench, recipe.pk), {}) for recipe in (active, beside))
        asked = before.get("queries")
        if asked:
            about = {"set": bench.removeprefix(COMPARED), "queries": asked}
            rows += [
                {**about, "metric": metric, "before": value, "after": after.get(metric)}
                for metric, value in before.items()
                if metric != "queries"
            ]
    return rows


def find_servers() -> list[dict[str, str]]:
    """Language models that run on this machine already."""
    found = engine.load_adapter("qa.adapters.local_servers.find_local")()
    return [{"address": address, "model": model} for address, model in found]


def list_models() -> list[tuple[object, str]]:
    """Role and model, as they are."""
    found = engine.list_adapters()
    return [(name, installations.name_of(found[role])) for role, name in ROLES.items() if role in found]


# -- choices -------------------------------------------------------------------------------------------------------


@require_POST
@login_required
def change_models(request: HttpRequest) -> HttpResponse:
    """One click: fetch, pause or remove a model, let it do something, switch the index, or go back."""
    only_admins(request)
    wanted, entry = request.POST.get("do", ""), ENTRIES.get(request.POST.get("name", ""))
    role = request.POST.get("role", "")
    if wanted in ("switch", "discard"):
        succeed(request, wanted)
    elif role in settings.KINOSCOPE_FIXED_ROLES:
        messages.error(request, _("The environment names the model for this; it wins. Unset it to choose here."))
    elif wanted == "server" and (server := request.POST.get("server", "")):
        choose_server(request, server)
    elif wanted == "default" and role in ROLES:
        installations.assign(role, None)
        messages.success(request, _("The model that came with Kinoscope does it again."))
    elif entry is not None:
        change_entry(request, wanted, entry, role)
    return redirect("models")


def change_entry(request: HttpRequest, wanted: str, entry: Entry, role: str) -> None:
    if wanted == "fetch":
        installations.ask(entry)
        messages.success(request, _("%(name)s is fetched by a worker.") % {"name": entry.title})
    elif wanted == "pause":
        installations.pause(entry)
    elif wanted == "remove" and entry.name in engine.list_used():
        messages.error(request, _("%(name)s is used. Choose another model first.") % {"name": entry.title})
    elif wanted == "remove":
        installations.remove(entry)
    elif wanted == "use" and role in entry.roles and installations.is_installed(entry):
        installations.assign(role, [entry.adapter, entry.weights])
        if role in INDEXED:
            messages.success(request, _("An index for it is built beside the present one; searches go on with that."))
        else:
            messages.success(request, _("%(name)s does it from now on.") % {"name": entry.title})


def choose_server(request: HttpRequest, address: str) -> None:
    """Only one of those that answer on this machine: nobody's evidence goes elsewhere by a click."""
    for server in find_servers():
        if server["address"] == address:
            adapter = ["qa.adapters.openai_endpoint.OpenaiEndpoint", server["address"], server["model"], ""]
            installations.assign("decoder", adapter)
            messages.success(request, _("%(name)s writes answers from now on.") % {"name": server["model"]})
            return
    messages.error(request, _("No model answers at this address any more."))


def succeed(request: HttpRequest, wanted: str) -> None:
    beside = recipes.beside()
    if beside is None:
        messages.error(request, _("There is no other index."))
    elif wanted == "discard":
        succession.discard()
        messages.success(request, _("The other index is gone."))
    else:
        succession.ask_for(beside)
        messages.success(request, _("A worker switches as soon as no video is missing; searches never stop."))
