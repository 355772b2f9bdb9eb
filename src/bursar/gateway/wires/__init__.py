"""The providers' wire formats as pure code: a request's bytes in, its bounds out; an answer's bytes in, usage out.

No socket, no price and no clock in here. Each wire normalises once, from its own counting to the disjoint buckets of
`bursar.usage`; whatever comes after knows no wire.
"""
