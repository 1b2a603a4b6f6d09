"""What cosines look like when nothing matches, measured on the library itself.

A bank of everyday sentences is searched in the library. The mean and spread of their cosines make spaces comparable,
and the best score each of them reaches says what a chance match looks like here: that, not a constant, decides
whether the page says "no confident match".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from indexer.types import Vectors

# Written for this purpose: ordinary things, each unlikely to be in any given library.
BACKGROUND = (
    "a plumber repairs a pipe under a sink", "two judges in black robes in a court", "a camel caravan in the desert",
    "a woman knitting a woollen scarf", "a submarine under the ice", "a dentist treats a patient",
    "an orchestra tunes its violins", "a farmer milks goats at dawn", "a potter turns a vase on a wheel",
    "firefighters train with a hose", "a lighthouse in a storm", "a chess tournament in a school hall",
    "a violin maker carves wood", "miners come out of a shaft", "a waiter folds napkins in an empty restaurant",
    "children build an igloo", "a crane unloads a container ship", "a hairdresser cuts a fringe",
    "an astronomer at a telescope", "a beekeeper opens a hive", "a ballet class at the barre",
    "a museum guard beside a marble statue", "a mechanic changes a tractor tyre", "nurses in a hospital corridor",
    "a soup is ladled into bowls", "a librarian stamps books", "the interest rate was raised by the central bank",
    "how photosynthesis works in algae", "a recipe for rye bread", "the history of the silk road",
    "the score of the handball match", "how to file a tax return", "weather forecast for the weekend",
    "the speaker explains how vaccines are tested", "a tour of a cathedral", "assembly instructions for a shelf",
    "渔民在湖上撒网", "医生在手术室里", "老人在公园下象棋", "工人在修理铁路", "学生在实验室做实验", "骆驼走在沙漠里",
)  # fmt: skip


MIN_CHANCE_QUANTILE = 0.6  # share of chance matches that one must beat to be more likely right than lucky


@dataclass(frozen=True)
class Calibration:
    """Per space mean and spread of background cosines; `chance` holds the sorted best leads of the bank; `common` (dv,)
    is the mean of its sentences: near it lies a picture that anything fits a little.
    """

    mean: dict[str, float]
    spread: dict[str, float]
    chance: list[float]
    segments: int = 0  # how many there were when this was measured
    common: list[float] = field(default_factory=list)

    @cached_property
    def common_vector(self) -> Vectors:
        """(dv,), or (0,) where nothing was measured."""
        return np.asarray(self.common, np.float32)

    def confidence(self, lead: float) -> float:
        """How likely it is, in [0, 1], that a best match with this lead (`retriever.Ranked`) is none of chance: a
        logistic curve through the leads that chance had here. 0.5 when nothing is known.
        """
        if not self.chance:
            return 0.5
        low, edge, high = np.quantile(self.chance, [0.25, MIN_CHANCE_QUANTILE, 0.9])
        return float(1 / (1 + np.exp(-2 * (lead - edge) / max(float(high - low), 0.1))))


NEUTRAL = Calibration({"visual": 0.0, "text": 0.0}, {"visual": 0.1, "text": 0.1}, [])


def calibrate(queries: Mapping[str, Vectors], blocks: Mapping[str, Vectors]) -> Calibration:
    """Background queries and segments per space, each (m, d) and (n, d); `chance` is left to the caller."""
    mean, spread = {}, {}
    for space, segments in blocks.items():
        present = segments[np.linalg.norm(segments, axis=1) > 0.5]
        if len(present) < 2:
            mean[space], spread[space] = NEUTRAL.mean[space], NEUTRAL.spread[space]
        else:
            cosines = queries[space] @ present.T
            mean[space], spread[space] = float(cosines.mean()), max(float(cosines.std()), 0.02)
    common = queries["visual"].mean(0).tolist()
    return Calibration(mean, spread, [], len(next(iter(blocks.values()))), common)
