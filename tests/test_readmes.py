"""What the READMEs show is run: examples of the libraries, and nothing in them needs Django."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeMovie
from tests.site import ROOT


def run_example(readme: str, folder: Path, models: Path) -> str:
    """The first Python block of a README, run beside `models` and `videos`, where Django can't be imported."""
    code = re.search(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    assert code is not None
    models.mkdir(exist_ok=True)
    (folder / "models").symlink_to(models)
    forbid = "import sys; sys.modules['django'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", forbid + code[1]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_folder_is_indexed_and_searched(make_movie: MakeMovie, tmp_path, models_folder) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("harbour bridge.mp4", "kitchen.mp4"):
        make_movie(name).rename(tmp_path / "videos" / name)
    lines = run_example("indexer/README.md", tmp_path, models_folder).splitlines()
    assert lines
    assert lines[0].startswith("videos/harbour bridge.mp4")  # its name says so; the pictures are noise


def test_a_list_of_evidence_is_asked(tmp_path, models_folder) -> None:
    said = run_example("qa/README.md", tmp_path, models_folder)
    assert "1932" in said
    assert "Tea" not in said


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= 170


@pytest.mark.parametrize("package", ["indexer", "qa", "webapp"])
def test_the_map_of_a_package_names_its_rooms(package: str) -> None:
    """One line a file or folder; a new one without a line fails here."""
    text = (ROOT / package / "README.md").read_text()
    rooms = {p.stem for p in (ROOT / package).glob("*.py") if p.stem != "__init__"}
    rooms |= {p.name for p in (ROOT / package).iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert not {room for room in rooms - {"migrations"} if f"`{room}`" not in text}
