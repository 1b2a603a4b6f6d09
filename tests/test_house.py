"""The walls that no tool holds: sizes, names, migrations, translations, what may be committed. See `poe check`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    p for part in ("webapp", "indexer", "qa") for p in (ROOT / part).rglob("*.py") if "migrations" not in p.parts
)


GERUND = re.compile(r"ing$")
NOUNS = {"training"}  # of a model: the field's own word


def test_files_are_nouns() -> None:
    names = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not {name for name in names if GERUND.search(name)} - NOUNS - {"parsing", "housekeeping"}


def test_the_site_has_few_rooms_without_a_subject() -> None:
    assert len(list((ROOT / "webapp").glob("*.py"))) <= 15


def test_lines_of_templates_are_short() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        assert all(len(line) <= 160 for line in path.read_text().splitlines()), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    import ast

    text = path.read_text()
    assert text.count("\n") <= (300)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno <= 50, node.name
            arguments = [a for a in node.args.args if a.arg not in ("self", "cls")]
            assert len(arguments) + len(node.args.kwonlyargs) < 8, node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or text.startswith('"""')


def test_top_level_is_the_agreed_one() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in tracked if not line.startswith(".")}
    assert top <= {
        "manage.py", "pyproject.toml", "webapp", "indexer", "qa", "templates", "tests", "README.md", "LICENSE",
        "uv.lock",
    }  # fmt: skip
    media = [line for line in tracked if re.search(r"\.(mp4|mkv|webm|avi|mov|jpg|png|mp3|wav|flac)$", line)]
    assert not media
    assert sum((ROOT / line).stat().st_size for line in tracked if line.endswith(".safetensors")) <= 25 << 20


def test_pages_load_nothing_from_elsewhere() -> None:
    """Plyr names services that it could embed, hls.js the spaces of names that it reads; that they ask none of them is
    seen in the browser's tests.
    """
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "webapp" / "static").rglob("*.*")]
    for path in (p for p in files if p.parent.name not in ("plyr", "hls")):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), path
        assert not re.search(r"\sstyle=|<script>|\son\w+=", text), path


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_importing_the_site_loads_no_torch() -> None:
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'webapp.settings'; import django; django.setup();"
        "import webapp.urls; heavy = {'torch', 'faiss', 'transformers', 'onnxruntime', 'av'} & set(sys.modules);"
        "print(heavy); sys.exit(bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("xgettext"), reason="SKIPPED LOUDLY: gettext is not installed")
def test_every_phrase_has_a_translation(tmp_path) -> None:
    """What pages, code and the libraries' errors say is in the catalogue, as `manage.py makemessages` finds it."""
    for part in ("webapp", "indexer", "qa", "templates", "manage.py"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(
                source, tmp_path / part, ignore=shutil.ignore_patterns("*.safetensors", "static", "__pycache__")
            )
        else:
            shutil.copy(source, tmp_path)
    command = ["manage.py", "makemessages", "-l", "zh_Hans", "--no-location", "--no-obsolete", "--no-wrap"]
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = "webapp/locale/zh_Hans/LC_MESSAGES/django.po"
    now, kept = (set(re.findall(r"(?m)^msgid .*$", (root / path).read_text())) for root in (tmp_path, ROOT))
    assert now <= kept, now - kept
    statistics = subprocess.run(["msgfmt", "--statistics", "-o", "/dev/null", path], cwd=tmp_path, capture_output=True)
    assert b"untranslated" not in statistics.stderr
    assert b"fuzzy" not in statistics.stderr


def test_the_tests_keep_out_of_your_home() -> None:
    from django.conf import settings

    assert "kinoscope-tests-" in str(settings.KINOSCOPE_HOME)


def test_commands_of_the_tests_start_by_themselves() -> None:
    """`python -m tests.figures` and its like set Django up when they run, and need nothing set before."""
    code = "import tests.figures, tests.load, tests.screenshots"
    bare = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
