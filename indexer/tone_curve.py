"""High dynamic range to what every screen shows: a colour cube, computed once a file and applied by FFmpeg.

Transfer functions by ITU-R BT.2100 (PQ is SMPTE ST 2084; HLG with its system gamma of 1.2 at 1,000 cd/m²), gamut by
BT.2087, highlights by the curve of BT.2390-11 section 5.4 from the brightest that the file shows to 100 cd/m²
(BT.1886's reference white). A file that shows nothing brighter than that stays as it is.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PQ, HLG = 16, 18  # transfer characteristics by ITU-T H.273
SIDE = 33  # lattice points of the cube, a colour
SDR_NITS = 100.0  # cd/m²
HLG_NITS = 1000.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_BT2020_TO_BT709 = np.array([
    [1.660491, -0.587641, -0.072850],
    [-0.124550, 1.132900, -0.008349],
    [-0.018151, -0.100579, 1.118730],
])  # fmt: skip


def read_nits(signal: Floats, transfer: int) -> Floats:
    """Signal in [0, 1], (..., 3) of red, green, blue -> linear light, cd/m²."""
    if transfer == PQ:
        root = np.power(signal, 1 / _M2)
        return np.asarray(10_000 * np.power(np.maximum(root - _C1, 0) / (_C2 - _C3 * root), 1 / _M1))
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return np.asarray(HLG_NITS * scene * np.power(np.maximum(luminance, 1e-9), 0.2)[..., None])


def to_pq(nits: Floats) -> Floats:
    """Linear light, cd/m² -> PQ signal in [0, 1]."""
    power = np.power(np.clip(nits / 10_000, 0, 1), _M1)
    return np.asarray(np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2))


def roll_off(nits: Floats, peak: float) -> Floats:
    """BT.2390's curve: unchanged up to a knee, then bent so that `peak` becomes 100 cd/m²."""
    if peak <= SDR_NITS:
        return np.minimum(nits, SDR_NITS)
    top = float(to_pq(np.array(peak)))
    most = float(to_pq(np.array(SDR_NITS))) / top
    knee = 1.5 * most - 0.5
    signal = np.minimum(to_pq(nits) / top, 1.0)
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return read_nits(np.where(signal < knee, signal, bent) * top, PQ)


def map_colours(signal: Floats, transfer: int, peak: float) -> Floats:
    """HDR signal (..., 3) in [0, 1], BT.2020 -> SDR signal (..., 3) in [0, 1], BT.709 with a gamma of 2.4."""
    nits = read_nits(signal, transfer)
    brightest = nits.max(-1, keepdims=True)
    light = nits * (roll_off(brightest, peak) / np.maximum(brightest, 1e-6)) / SDR_NITS  # the hue stays
    return np.asarray(np.power(np.clip(light @ _BT2020_TO_BT709.T, 0, 1), 1 / 2.4))


def write_cube(path: Path, transfer: int, peak: float) -> None:
    """A `.cube` file for FFmpeg's filter lut3d (Adobe's Cube LUT 1.0: red runs fastest). `peak` in cd/m²."""
    steps = np.linspace(0, 1, SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = map_colours(np.stack([red, green, blue], -1).reshape(-1, 3), transfer, peak)
    with path.open("w") as file:
        file.write(f"LUT_3D_SIZE {SIDE}\n")
        np.savetxt(file, mapped, "%.6f")
