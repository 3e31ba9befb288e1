"""An agent in its own process. It pays an order once, however often it is killed and started again.

A payment is a line in the file of the first argument. With a second argument the process kills itself right after it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from countersign import gate, run

LEDGER = Path(sys.argv[1])


@gate(
    "record.read",
    risk_level="high",
    confidence=0.95,
    rationale="The customer asked for it.",
    evidence_refs=["doc_1"],
    known_uncertainties=["It may be old."],
    side_effect_preview={"pays": 1},
    consequence="Money goes.",
    policy_basis=["P-1"],
)
def pay(order: str) -> str:
    """Pay an order."""
    with LEDGER.open("a") as ledger:
        ledger.write(f"{order}\n")
    if sys.argv[2:]:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"paid {order}"


if __name__ == "__main__":
    with run("run-1"):
        print(pay("456"))  # noqa: T201 - the script's result
