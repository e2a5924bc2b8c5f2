"""How long a step of a training takes on this machine, from a few that change next to nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphllm.train.trainer import Progress

TRIED_STEPS = 3
NO_RATE = 1e-12  # learns nothing
_LEAST_S = 1e-3


def seconds_of_steps(trial: "Callable[[Callable[[Progress], None]], object]") -> float:
    """Return the seconds between steps; the first one, which warms up, does not count.

    Args:
        trial: Trains for ``TRIED_STEPS`` at the rate ``NO_RATE``, and calls what it is given after
            each step.

    Examples:
        >>> from types import SimpleNamespace as Told
        >>> seconds_of_steps(lambda told: [told(Told(seconds=s)) for s in (5.0, 6.0, 8.0)])
        1.5
    """
    times: list[float] = []
    trial(lambda step: times.append(step.seconds))
    return max((times[-1] - times[0]) / (len(times) - 1), _LEAST_S)
