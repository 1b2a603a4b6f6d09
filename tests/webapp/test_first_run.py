"""The link of the first run: it makes the admin once, and is worth nothing without its key or afterwards."""

import io

import pytest
from django.test import Client

from webapp.models import User
from webapp.operations import doctor
from webapp.people import first_run

CHOSEN = {"username": "ada", "password1": "a-long-way-home", "password2": "a-long-way-home"}


@pytest.mark.django_db
def test_who_holds_the_link_becomes_the_admin() -> None:
    client = Client()
    for key in ("", "?key=", "?key=0123456789abcdef", "?key=²"):
        assert client.get(f"/welcome{key}").status_code == 404
        assert client.post(f"/welcome{key}", CHOSEN).status_code == 404
    said = list(doctor.examine_people())
    assert first_run.link() in said[0].remedy
    assert client.get(first_run.link()).status_code == 200
    refused = client.post(first_run.link(), CHOSEN | {"password1": "12345678", "password2": "12345678"})
    assert (
        "太短"
        in client.post(
            first_run.link(), CHOSEN | {"password1": "123", "password2": "123"}, headers={"Accept-Language": "zh-hans"}
        ).content.decode()
    )
    assert refused.status_code == 200
    assert not User.objects.exists()
    assert client.post(first_run.link(), CHOSEN)["Location"] == "/"
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.check_password("a-long-way-home")) == ("ada", True, True)
    assert client.get("/operations").status_code == 200
    assert not list(doctor.examine_people())
    for again in (client.get(first_run.link()), Client().post(first_run.link(), CHOSEN | {"username": "eve"})):
        assert again.status_code == 404


@pytest.mark.django_db
def test_serve_offers_the_link_and_a_password_once() -> None:
    from django.core.management.base import OutputWrapper

    from webapp.management.base import greet_first_admin

    said = io.StringIO()
    for _ in range(2):
        greet_first_admin(OutputWrapper(said), "http://127.0.0.1:8000")
    assert said.getvalue().count("First run") == said.getvalue().count(first_run.link()) == 1
    client = Client()
    assert client.post(first_run.link(), CHOSEN).status_code == 302  # the admin that serve made gets name and password
    assert [u.username for u in User.objects.all()] == ["ada"]


@pytest.mark.django_db
def test_after_somebody_signed_in_with_the_printed_password_the_link_is_void() -> None:
    User.objects.create_user("admin", password="printed-once-1", role=User.Role.ADMIN)
    client = Client()
    client.post("/sign-in", {"username": "admin", "password": "printed-once-1"})
    assert Client().get(first_run.link()).status_code == 404
    assert User.objects.get().username == "admin"
