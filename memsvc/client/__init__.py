"""The verbs of `Memory` against a service: `Client`, and `AsyncClient` for asyncio. See `docs/client.md`.

Which request a verb is and what its answer means is described once, in pure functions (`routes`, `answers`);
the two clients differ in how they wait.
"""
