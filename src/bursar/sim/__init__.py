"""Simulated providers: a real HTTP server that speaks the OpenAI, Anthropic and Gemini wires and bills by itself.

It stands in for the providers in the demo, the tests and the benchmarks. What it charges comes from a price table
and an arithmetic of its own (`prices`), so that its bill is a second opinion on Bursar's books.
"""
