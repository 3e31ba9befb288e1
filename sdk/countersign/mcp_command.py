"""The command `countersign-mcp`. Without the MCP library it says what to install."""

from __future__ import annotations

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(prog="countersign-mcp", description="Serves MCP on stdin and stdout.")
    parser.add_argument("--risk-level", default="medium", choices=["low", "medium", "high", "critical"])
    parser.add_argument("--confidence", default=0.7, type=float, help="from 0 to 1, in requests of permission_prompt")
    parser.add_argument("--wait", default=240.0, type=float, help="seconds that permission_prompt waits for people")
    args = parser.parse_args()
    try:
        from countersign.mcp import server  # noqa: PLC0415 - its library is optional
    except ModuleNotFoundError as missing:
        sys.exit(f'countersign-mcp: {missing}; install what it needs with: pip install "countersign-sdk[mcp]"')
    server(risk_level=args.risk_level, confidence=args.confidence, wait=args.wait).run()
