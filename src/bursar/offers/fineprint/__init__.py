"""The fine print of an offer: what it says, why that matters, what it costs, and what to ask for instead."""

from bursar.offers.fineprint.check import RULES, FinePrint, check
from bursar.offers.fineprint.rule import Finding, Rule

__all__ = ["RULES", "Finding", "FinePrint", "Rule", "check"]
