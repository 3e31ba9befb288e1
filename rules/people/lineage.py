"""`Lineage`: who took part in a thread before it was handed over. Every later package of the thread inherits it."""

from __future__ import annotations

from rules.values import Value


class Lineage(Value):
    """`agents` had the thread, so their refusals, failures and earned autonomy count on. `barred` may not decide."""

    agents: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
