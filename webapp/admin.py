"""Django admin: people, videos, steps, labels, open doors and the audit log."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from webapp.index.changes import note_rights
from webapp.models import (
    AuditEntry,
    Collection,
    Delivery,
    Label,
    Question,
    SharedMoment,
    SharedThread,
    Spelling,
    Step,
    Token,
    User,
    Video,
    Webhook,
)
from webapp.people import audit
from webapp.pipeline import ledger
from webapp.uploads import removal

admin.site.site_header = "Kinoscope"
admin.site.site_title = "Kinoscope"


@admin.register(User)
class PeopleAdmin(UserAdmin):
    list_display = ("username", "role", "email", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        (_("About"), {"fields": ("first_name", "last_name", "email")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "role", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        before = form.initial.get("role", "") if change else ""
        super().save_model(request, obj, form, change)
        audit.note(request, "person", obj, before, obj.role)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        audit.note(request, "forget", obj)
        removal.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)


class StepInline(admin.TabularInline):
    model = Step
    fields = readonly_fields = (
        "name",
        "status",
        "attempt",
        "lease_owner",
        "seconds",
        "peak_memory_bytes",
        "error",
    )
    extra = 0
    can_delete = False

    def has_add_permission(self, *args: Any) -> bool:
        return False


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):
    list_display = ("title", "owner", "status", "visibility", "duration", "language", "created_at")
    list_filter = ("status", "visibility", "language")
    search_fields = ("title", "file_name")
    fields = (
        "title",
        "owner",
        "visibility",
        "shared_with",
        "status",
        "warning_text",
        "file_name",
        "duration",
        "language",
    )
    readonly_fields = ("status", "warning_text", "file_name", "duration", "language")
    filter_horizontal = ("shared_with",)
    inlines = (StepInline,)
    actions = ("retry", "cancel")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Uploading is resumable and has one place."""
        return redirect("upload")

    def save_model(self, request: HttpRequest, obj: Video, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"visibility", "owner", "shared_with"} & set(form.changed_data):
            note_rights([obj.pk])
        audit.note(request, "edit", obj, form.initial.get("visibility", ""), obj.visibility)

    def delete_model(self, request: HttpRequest, obj: Video) -> None:
        removal.remove(obj)
        audit.note(request, "delete", obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        for video in queryset:
            self.delete_model(request, video)

    @admin.action(description=_("Try failed and cancelled steps again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        self.message_user(request, str(sum(ledger.retry(video) for video in queryset)))

    @admin.action(description=_("Cancel what is not finished"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        self.message_user(request, str(sum(ledger.cancel(video) for video in queryset)))


@admin.register(Step)
class StepAdmin(admin.ModelAdmin):
    list_display = ("video", "name", "status", "attempt", "lease_owner", "seconds", "peak_memory_bytes", "error")
    list_filter = ("status", "name")
    list_select_related = ("video",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Step | None = None) -> bool:
        return False


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    list_display = ("text", "asker", "video", "asked_at")

    def has_change_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        return False


@admin.register(Label)
class LabelAdmin(admin.ModelAdmin):
    """The label bank."""

    list_display = ("name", "kind", "description", "enabled")
    list_editable = ("kind", "description", "enabled")
    list_filter = ("kind", "enabled")
    search_fields = ("name",)
    actions = ("tag_again",)

    @admin.action(description=_("Describe all videos again, with the labels as they are now"))
    def tag_again(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        videos = Video.objects.filter(status=Video.Status.READY)
        for video in videos:
            ledger.add(video, "describe")
        self.message_user(request, str(len(videos)))


@admin.register(Spelling)
class SpellingAdmin(admin.ModelAdmin):
    """Names and terms of the whole site."""

    search_fields = ("text",)


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):
    list_display = ("name", "owner", "is_public", "created_at")
    list_filter = ("is_public",)
    search_fields = ("name",)
    fields = ("name", "owner", "is_public")


class RevocableAdmin(admin.ModelAdmin):
    """Doors that people opened: to be seen and closed here, not made or changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Token)
class TokenAdmin(RevocableAdmin):
    list_display = ("name", "owner", "scopes", "created_at", "used_at", "expires_at")


@admin.register(SharedMoment)
class SharedMomentAdmin(RevocableAdmin):
    list_display = ("video", "start", "made_by", "created_at")
    list_select_related = ("video", "made_by")


@admin.register(SharedThread)
class SharedThreadAdmin(RevocableAdmin):
    list_display = ("thread", "made_by", "created_at")
    list_select_related = ("made_by",)


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):
    """Addresses that are told of somebody's alerts."""

    list_display = ("url", "owner", "enabled", "last_message")
    fields = ("owner", "url", "secret", "enabled")
    actions = ("send_test",)

    @admin.display(description=_("last message"))
    def last_message(self, webhook: Webhook) -> str:
        last = webhook.deliveries.first()
        if last is None:
            return "–"
        return last.error or (date_format(last.sent_at, "SHORT_DATETIME_FORMAT") if last.sent_at else gettext("queued"))

    @admin.action(description=_("send a test"))
    def send_test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            Delivery.objects.create(owner=webhook.owner, webhook=webhook, due_at=Now())
        self.message_user(request, _("A worker sends it within half a minute; “last message” says how that went."))


@admin.register(AuditEntry)
class AuditAdmin(admin.ModelAdmin):
    """To be read, not changed."""

    list_display = ("at", "actor_name", "action", "subject", "before", "after", "address")
    list_filter = ("action",)
    search_fields = ("actor_name", "subject")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
