"""The most that one call of a model can take in and put out, from the reviewed file `data/limits.toml`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.resources import files

import msgspec

from bursar.money import ceil_div


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Token limits of the models whose id fits a glob; None leaves a limit as the price data has it."""

    catalog: str
    model: str
    context_tokens: int | None = None
    max_output_tokens: int | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's entries, in the order in which they are tried."""

    limit: tuple[Limit, ...]

    def find(self, catalog: str, model: str) -> Limit:
        """The first entry that fits, or one that says nothing."""
        for limit in self.limit:
            if limit.catalog == catalog and fnmatchcase(model, limit.model):
                return limit
        return Limit(catalog, model)


def load_limits() -> Limits:
    """Read the file that comes with the package."""
    return msgspec.toml.decode((files("bursar.pricing") / "data/limits.toml").read_bytes(), type=Limits)


def widest_window(context_tokens: int | None, highest_tier: int) -> int | None:
    """A context window of the price data as a safe bound of a call's input, in tokens.

    That data rounds windows to thousands and millions where the providers' are powers of two (131,072 as 128,000;
    1,048,576 as 1,000,000), so a round number is widened by 1.048576, the most that the two differ by. A window that
    does not reach over the model's highest price tier cannot be right: it is not known.
    """
    if context_tokens is None or context_tokens <= highest_tier:
        return None
    return ceil_div(context_tokens * 1_048_576, 1_000_000) if context_tokens % 1_000 == 0 else context_tokens
