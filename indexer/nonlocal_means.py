"""Each frame drawn towards the frames of its video that look like it: non-local means (Buades, Coll & Morel 2005,
https://doi.org/10.1109/CVPR.2005.38), in the space of embeddings.

What an encoder makes of one frame is noisy. In a video of one scene all frames speak for each other; among the shots of
an edited one, only those that show the same. No threshold tells the two apart.
"""

import numpy as np

from indexer.types import Vectors

# Of held-out photos shown as slides of ten, the widest kernel that costs none of them its place: R@1/5/10 stay at
# 43/79/88 for 0.05 to 0.2; at 0.3 they fall to 42/79/88, at 0.4 to 42/77/87, with the mean of the video to 37/77/86.
KERNEL_WIDTH = 0.2  # of a frame's distance, 1 - cosine, by which another counts e times less
SMOOTH_SHARE = 0.8  # of what a frame's likes say, in its vector
_BLOCK = 1024  # frames at a time: a day of video has a hundred thousand


def smooth(frames: Vectors) -> Vectors:
    """Frames (m, d) of one video, unit length -> (m, d) of at most unit length: the shorter, the less they agree."""
    smoothed = np.empty_like(frames)
    for start in range(0, len(frames), _BLOCK):
        some = frames[start : start + _BLOCK]
        weights = np.exp((some @ frames.T - 1) / KERNEL_WIDTH)
        alike = weights @ frames / weights.sum(1, keepdims=True)
        smoothed[start : start + _BLOCK] = (1 - SMOOTH_SHARE) * some + SMOOTH_SHARE * alike
    return smoothed
