"""All addresses of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path, re_path

from webapp.api.service import miss
from webapp.api.urls import api
from webapp.throttling import throttled
from webapp.views import home, library, media, operations, people, questions, search, sharing, tus, videos, watching

handler500 = "webapp.views.errors.broken"

urlpatterns = [
    path("", home.home, name="home"),
    path("search", throttled("search")(search.search), name="search"),
    path("search/picture", throttled("search")(search.search_picture), name="search-picture"),
    path("search/picture/<uuid:key>.jpg", search.picture_searched, name="picture-searched"),
    path("search/suggest", throttled("search")(search.suggest), name="search-suggest"),
    path("search/save", search.save_search, name="save-search"),
    path("search/drop/<int:pk>", search.drop_search, name="drop-search"),
    path("ask", throttled("ask")(questions.ask_library), name="ask"),
    path("ask/<int:pk>/forget", questions.drop_question, name="drop-question"),
    path("ask/threads/<uuid:thread>/forget", questions.drop_thread, name="drop-thread"),
    path("upload", throttled("upload")(library.upload), name="upload"),
    path("uploads", throttled("upload")(tus.create), name="upload-create"),
    path("uploads/<uuid:key>", tus.pieces, name="upload-pieces"),
    path("uploads/<uuid:key>/discard", library.discard, name="upload-discard"),
    path("videos", library.library, name="library"),
    path("videos/<uuid:key>", watching.watch, name="watch"),
    path("videos/<uuid:key>/progress", videos.progress, name="progress"),
    path("videos/<uuid:key>/cancel", videos.cancel, name="cancel"),
    path("videos/<uuid:key>/retry", videos.retry, name="retry"),
    path("videos/<uuid:key>/edit", videos.edit, name="edit"),
    path("videos/<uuid:key>/delete", videos.delete, name="delete"),
    path("videos/<uuid:key>/ask", throttled("ask")(questions.ask_video), name="ask-video"),
    path("videos/<uuid:key>/subtitles", throttled("upload")(videos.bring_subtitles), name="subtitles"),
    path("videos/<uuid:key>/lines/<int:line>", videos.correct, name="correct"),
    path("videos/<uuid:key>/dismiss", videos.dismiss, name="dismiss"),
    path("videos/<uuid:key>/watched", videos.watched, name="watched"),
    path("videos/<uuid:key>/share", sharing.share, name="share"),
    path("videos/<uuid:key>/share/<uuid:moment>/end", sharing.unshare, name="unshare"),
    path("shared/<uuid:moment>", sharing.shared, name="shared"),
    path("shared/<uuid:moment>/video", sharing.shared_stream, name="shared-stream"),
    path("shared/<uuid:moment>/poster.jpg", sharing.shared_poster, name="shared-poster"),
    path("shared/<uuid:moment>/captions.vtt", sharing.shared_captions, name="shared-captions"),
    path("oembed", sharing.oembed, name="oembed"),
    path("media/<uuid:key>/video", media.stream, name="stream"),
    path("media/<uuid:key>/captions.vtt", media.captions, name="captions"),
    path("media/<uuid:key>/storyboard.jpg", media.storyboard, name="storyboard"),
    path("media/<uuid:key>/thumbnails.vtt", media.thumbnails, name="thumbnails"),
    path("media/<uuid:key>/poster.jpg", media.poster, name="poster"),
    path("media/<uuid:key>/frames/<slug:stem>.jpg", media.frame, name="frame"),
    path("media/<uuid:key>/<slug:kind>.<slug:form>", media.document, name="document"),
    path("operations", operations.operations, name="operations"),
    path("operations/retry", operations.retry_selected, name="retry-selected"),
    path("sign-in", throttled("sign-in")(auth.LoginView.as_view(template_name="sign_in.html")), name="login"),
    path("sign-out", auth.LogoutView.as_view(), name="logout"),
    path("account", people.account, name="account"),
    path("account/tokens", people.make_token, name="make-token"),
    path("account/tokens/<int:pk>/end", people.drop_token, name="drop-token"),
    path("account/export/<uuid:key>.zip", people.export, name="export"),
    path("password", auth.PasswordChangeView.as_view(template_name="password.html", success_url="/"), name="password"),
    path("language/", include("django.conf.urls.i18n")),
    path("accessibility", home.accessibility, name="accessibility"),
    path("health", home.health, name="health"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("api/v1/", api.urls),
    re_path("^api/", miss, name="api-missing"),
    path("admin/", admin.site.urls),
]
