"""What an operator sees of a running server: counters, a line for each call, traces.

Never what people or models say.
"""

from bursar.watch.sight import Sight
from bursar.watch.told import ToldCall
from bursar.watch.watch import Watch

__all__ = ["Sight", "ToldCall", "Watch"]
