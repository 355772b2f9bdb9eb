"""The price book: usage in, integer cost out.

`catalog.build_book` takes a snapshot of public prices, `overrides` adds the operator's own, `book.PriceBook` is the
immutable result and answers with a `rates.RateCard`, which prices usage and bounds calls before they are made.
"""
