"""The layer over a frame: warm where the encoder says so, of the frame's shape, for who may see the video."""

import io

import numpy as np
import pytest
from PIL import Image

from webapp.index import recipes
from webapp.search.heat import MAX_OPACITY, draw_heat, paint

pytestmark = pytest.mark.usefixtures("fake_models")


def test_it_is_opaque_where_it_is_warm() -> None:
    layer = np.asarray(Image.open(io.BytesIO(paint(np.array([[0.1, 0.1], [0.1, 0.9]], np.float32), (90, 60)))))
    assert layer.shape == (60, 90, 4)
    assert layer[59, 89, 3] == MAX_OPACITY
    assert layer[0, 0, 3] == 0
    assert np.asarray(Image.open(io.BytesIO(paint(np.ones((3, 3), np.float32), (30, 30)))))[..., 3].max() == 0


def test_the_nearest_keyframe_is_drawn_over(demo, clients, monkeypatch) -> None:
    heat = draw_heat(demo, "a slide", 20.0, recipes.active())
    assert heat is not None
    assert abs(heat.time - 20.0) <= min(abs(k.time - 20.0) for k in demo.keyframes.all())
    address = f"/api/v1/videos/{demo.key}/heat"
    answer = clients["owner"].get(address, {"q": "a slide", "t": "20"})
    assert answer["Content-Type"] == "image/png"
    assert float(answer["X-Time"]) == pytest.approx(heat.time, abs=1e-3)
    assert clients["owner"].get(address, {"q": ""}).status_code == 422
    for nonsense in ("nan", "inf", "-1e300"):
        assert clients["owner"].get(address, {"q": "x", "t": nonsense}).status_code in (
            200,
            422,
        )
    with monkeypatch.context() as novel:
        novel.setattr("tests.fakes.Pictures.measure_novelty", lambda *_: np.ones(1, np.float32))
        assert clients["owner"].get(address, {"q": "a slide"}).status_code == 204
    monkeypatch.setattr("tests.fakes.Pictures.locate", lambda *_: np.zeros((0, 0), np.float32))
    assert clients["owner"].get(address, {"q": "a slide"}).status_code == 204
