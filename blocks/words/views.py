"""Modals, and the block that says which package a modal or message is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blocks.kit.elements import Block, paragraph, plain, quote, rich
from blocks.kit.ids import FormId
from blocks.kit.limits import VIEW_LABEL
from blocks.words.dossier import Dossier
from blocks.words.sentences import agent_name, title_of

View = dict[str, Any]


def modal(
    form: FormId, title: str, blocks: Iterable[Block], *, submit: str | None = None, metadata: str | None = None
) -> View:
    view: View = {"type": "modal", "callback_id": form.value, "title": plain(title, VIEW_LABEL)}
    view |= {"submit": plain(submit, VIEW_LABEL)} if submit else {}
    view |= {"close": plain("Cancel" if submit else "Close", VIEW_LABEL), "blocks": list(blocks)}
    return view | ({"private_metadata": metadata} if metadata else {})


def about_block(dossier: Dossier) -> Block:
    """Whose request this is, which version, and its title in a frame, so that nobody decides blind."""
    version = f", version {dossier.state.version}" if dossier.state.version > 1 else ""
    asks = "asked" if dossier.state.status.terminal else "asks"
    return rich(paragraph(f"{agent_name(dossier)} {asks}{version}:"), quote(title_of(dossier)))
