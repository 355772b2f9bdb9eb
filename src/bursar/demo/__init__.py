"""The demo company: people, plans and some weeks of history, so that there is something to look at on the first day.

The people in here are invented; nothing else is. Every call goes through the verbs that real calls go through, is
priced by the price book and lies in the journal like any other.
"""

from bursar.demo.install import install
from bursar.demo.shown import Demo, load_demo

__all__ = ["Demo", "install", "load_demo"]
