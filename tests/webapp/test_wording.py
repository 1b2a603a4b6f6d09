"""Reasons are told in the reader's language: every one that the sources can say is known by its form."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from webapp import wording
from webapp.models import Video
from webapp.pipeline import stages

SAYING = {"UnreadableMedia", "BoxFailed", "ModelMissing", "OutOfMemory", "DiskFull", "DecoderMissing", "Finding"}
NAMES = {"what", "remedy", "told", "error_text", "warning"}  # what holds a reason before it is said
WHERE = (
    "indexer/box.py", "indexer/weights.py", "indexer/adapters/**/*.py", "qa/adapters/*.py", "webapp/pipeline/stages.py",
    "webapp/pipeline/worker.py", "webapp/pipeline/ledger.py", "webapp/operations/doctor.py", "webapp/pipeline/embed.py", "webapp/search/pictures.py",
    "webapp/engine.py",
)  # fmt: skip
HAN = re.compile(r"[\u4e00-\u9fff]")
# Names of things, told as they are: the ways of towers, and reasons that findings pass on.
BARE = {"7.", "7: 7", "7 7", "Segments 7 7."}


def said_in(source: Path) -> Iterator[str]:
    """Every literal that is given to an error or a finding; values in it become 7."""
    for node in ast.walk(ast.parse(source.read_text())):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = [*(node.args if name in SAYING else []), *(k.value for k in node.keywords if k.arg in NAMES)]
        elif (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", getattr(node.targets[0], "attr", "")) in NAMES
        ):
            given = [node.value]
        elif isinstance(node, ast.FunctionDef) and node.name == "compare_with_promise":
            given = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
        for expression in given:
            for part in [expression.body, expression.orelse] if isinstance(expression, ast.IfExp) else [expression]:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value
                elif isinstance(part, ast.JoinedStr):
                    yield "".join(v.value if isinstance(v, ast.Constant) else "7" for v in part.values)


def all_said() -> set[str]:
    found = {text for where in WHERE for path in settings.BASE_DIR.glob(where) for text in said_in(path)}
    return {text for text in found if " " in text and text not in BARE}


def test_everything_that_can_be_said_has_a_form() -> None:
    texts = all_said()
    assert len(texts) > 80
    with translation.override("zh-hans"):
        strange = [text for text in texts if not HAN.search(wording.tell(text))]
    assert not strange


def test_every_step_has_a_name_for_people() -> None:
    assert set(wording.STEP_NAMES) == set(stages.STAGES)
    with translation.override("zh-hans"):
        assert all(HAN.search(wording.name_step(name)) for name in stages.STAGES)


def test_values_stay_and_strange_words_pass() -> None:
    told = "The picture codec 'cinepak' is not accepted. Convert it to H.264 or VP9."
    with translation.override("en"):
        assert wording.tell(told) == told
    with translation.override("zh-hans"):
        assert "cinepak" in wording.tell(told)
        assert "Convert" not in wording.tell(told)
        assert wording.tell("A plugin said so. The disk is full.").startswith("A plugin said so. ")
        assert "disk" not in wording.tell("A plugin said so. The disk is full.")
        assert wording.tell("") == ""


@pytest.mark.parametrize(("language", "word"), [("en", "empty"), ("zh-hans", "空")])
def test_a_page_tells_why_in_its_language(language, word, accept, clients) -> None:
    video = accept()
    step = video.steps.get(name="probe")
    step.status, step.error_text = "failed", "The file is empty (0 bytes). Check the original and upload it again."
    step.save()
    Video.objects.filter(pk=video.pk).update(status="failed")
    for page in (f"/videos/{video.key}", "/videos"):
        assert word in clients["owner"].get(page, headers={"Accept-Language": language}).content.decode()
