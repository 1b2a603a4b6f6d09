"""HDR for every screen: SDR in an HDR file stays what it was, highlights bend, hues stay."""

import numpy as np
import pytest

from indexer import tone_curve

pytestmark = pytest.mark.unit


def test_sdr_in_an_hdr_file_stays_what_it_was() -> None:
    grey = np.linspace(0.05, 1, 12)
    signal = tone_curve.to_pq(tone_curve.SDR_NITS * grey[:, None].repeat(3, 1) ** 2.4)
    assert tone_curve.map_colours(signal, tone_curve.PQ, 100.0) == pytest.approx(grey[:, None].repeat(3, 1), abs=0.01)


@pytest.mark.parametrize("transfer", [tone_curve.PQ, tone_curve.HLG])
def test_brighter_stays_brighter_and_fits(transfer: int) -> None:
    signal = np.linspace(0, 0.75 if transfer == tone_curve.PQ else 1, 40)[:, None].repeat(3, 1)
    mapped = tone_curve.map_colours(signal, transfer, 1000.0)[:, 0]
    assert (np.diff(mapped) >= -1e-6).all()
    assert mapped[0] < 0.01
    assert mapped[-1] == pytest.approx(1.0, abs=0.02)


def test_a_highlight_keeps_its_hue() -> None:
    """Bent per colour, 900 and 300 cd/m² would come out nearly alike, and a sunset white."""
    lit = np.array([[900.0, 300.0, 300.0], [900.0, 900.0, 900.0]])
    warm, white = tone_curve.map_colours(tone_curve.to_pq(lit), tone_curve.PQ, 1000.0) ** 2.4
    assert warm[0] > 2.5 * warm[1]
    assert white == pytest.approx(white[0], abs=0.01)


def test_the_cube_is_what_ffmpeg_reads(tmp_path) -> None:
    tone_curve.write_cube(tmp_path / "a.cube", tone_curve.PQ, 400.0)
    first, *rows = (tmp_path / "a.cube").read_text().splitlines()
    assert first == f"LUT_3D_SIZE {tone_curve.SIDE}"
    assert len(rows) == tone_curve.SIDE**3
    assert all(0 <= float(value) <= 1 for value in rows[-1].split())
