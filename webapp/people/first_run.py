"""The first run: who holds the link that `serve` or `doctor` prints chooses the admin's name and password."""

import secrets

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from webapp.models import User


def is_over() -> bool:
    """Once an admin has signed in, the link means nothing any more."""
    return User.objects.filter(is_superuser=True, last_login__isnull=False).exists()


def link() -> str:
    """The path of the welcome page. Only this installation's secret key makes it."""
    return f"{reverse('welcome')}?key={_key()}"


def make_admin() -> str:
    """The first admin, where there is none yet: the password, which nobody can read again; "" when there was one."""
    if User.objects.filter(is_superuser=True).exists():
        return ""
    password = secrets.token_urlsafe(12)
    User.objects.create_user("admin", password=password, role=User.Role.ADMIN)
    return password


def fits(key: str) -> bool:
    return not is_over() and constant_time_compare(key, _key())


def admin() -> User:
    """The one that `serve` made, else a new one that is not saved yet."""
    return User.objects.filter(is_superuser=True).order_by("pk").first() or User(role=User.Role.ADMIN)


def _key() -> str:
    return salted_hmac("webapp.people.first_run", "admin", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()[
        :32
    ]
