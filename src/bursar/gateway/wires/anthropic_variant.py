"""Tier, speed and place as one variant name, in Anthropic's wire.

A variant is named like in the price book: what differs from the standard, by the names of the fields in alphabetical
order (`inference_geo`, `service_tier`, `speed`), joined with "+".
"""

from __future__ import annotations

import msgspec

_STANDARD = frozenset({"", "standard", "standard_only", "auto", "default", "global", "not_available"})
_FIELDS = ("inference_geo", "service_tier", "speed")


class Parts(msgspec.Struct):
    """A variant in its parts; None where nothing was said."""

    inference_geo: str | None = None
    service_tier: str | None = None
    speed: str | None = None

    @property
    def name(self) -> str:
        """The variant's name, "standard" when no part differs from that."""
        said = (self.inference_geo, self.service_tier, self.speed)
        return "+".join(part for part in said if part is not None and part not in _STANDARD) or "standard"

    @property
    def field(self) -> str:
        """The first field that says something else than the standard; the tier's when none does."""
        said = (self.inference_geo, self.service_tier, self.speed)
        asked = (field for field, part in zip(_FIELDS, said, strict=True) if part not in _STANDARD | {None})
        return next(asked, "service_tier")

    def replace(self, geo: object, tier: object, speed: object) -> None:
        """Take what a provider said; what it did not say stays."""
        for field, value in zip(_FIELDS, (geo, tier, speed), strict=True):
            if isinstance(value, str):
                setattr(self, field, value)
