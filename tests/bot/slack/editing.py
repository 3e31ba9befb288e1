"""What a reviewer types into the form of an edit, so that the parameters become these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playground.model.views import View


def typed_edit(view: View, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The typed texts by block. The form must have a field for each of these parameters."""
    blocks = {block["label"]["text"]: block for block in view.blocks if block["type"] == "input"}
    return {blocks[name]["block_id"]: _typed(value) for name, value in parameters.items()}


def _typed(value: Any) -> str:
    match value:
        case bool():
            return "Yes" if value else "No"
        case str():
            return value
        case _:
            return json.dumps(value)
