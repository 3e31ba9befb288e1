"""Views that are open for a person: a stack of at most three modals, and the app's Home tab.

A `View` is immutable: a change puts a new value in its place, so a value that was read earlier is an old copy. Closed
views are kept for tests (`of`), but the Web API does not find them. Refusals carry Slack's error codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playground.model.changes import Changes
from playground.model.choices import State, state_of
from playground.model.elements import Element, elements, visible_text, with_ids
from playground.model.ids import IdGenerator
from playground.model.refusals import RefusedError

MAX_STACK = 3
TEXTS = ("private_metadata", "callback_id", "external_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    id: str
    user: str
    team_id: str
    hash: str
    definition: Mapping[str, Any]
    blocks: Sequence[Mapping[str, Any]]
    root_id: str
    previous_id: str | None = None
    trigger: str | None = None
    # Values typed so far, and the errors that the app reported for them.
    typed: State = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def callback_id(self) -> str:
        return str(self.definition.get("callback_id") or "")

    @property
    def private_metadata(self) -> str:
        return str(self.definition.get("private_metadata") or "")

    @property
    def title(self) -> str:
        return str((self.definition.get("title") or {}).get("text", ""))

    @property
    def shown(self) -> str:
        return visible_text(self.blocks)

    @property
    def elements(self) -> list[Element]:
        """The interactive elements."""
        return list(elements(self.blocks))

    @property
    def action_ids(self) -> list[str]:
        return [element.action_id for element in self.elements]

    @property
    def labels(self) -> list[str]:
        return [element.label for element in self.elements]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        return state_of(self.blocks, self.typed)

    @property
    def shape(self) -> dict[str, Any]:
        """As the Web API and the payloads show a view, without its owner."""
        head = {name: self.definition.get(name) for name in ("type", "title", "submit", "close")}
        flags = {
            name: bool(self.definition.get(name)) for name in ("clear_on_close", "notify_on_close", "submit_disabled")
        }
        texts = {name: self.definition.get(name) or "" for name in TEXTS}
        return {
            "id": self.id,
            "team_id": self.team_id,
            **head,
            **flags,
            **texts,
            "blocks": list(self.blocks),
            "state": {"values": self.values},
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
        }


@dataclass(slots=True)
class Views:
    changes: Changes
    ids: IdGenerator
    _views: dict[str, View] = field(default_factory=dict)
    _stacks: dict[str, list[str]] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def stack(self, user: str) -> list[View]:
        return [self._views[view_id] for view_id in self._stacks.get(user, ())]

    def top(self, user: str) -> View | None:
        return next(reversed(self.stack(user)), None)

    def home(self, user: str) -> View | None:
        return self._views[self._homes[user]] if user in self._homes else None

    def of(self, user: str) -> list[View]:
        """Every view that was ever opened for the person, in its last state."""
        return [view for view in self._views.values() if view.user == user]

    def open(self, user: str, team_id: str, definition: Mapping[str, Any], trigger: str | None) -> View:
        self.clear(user)
        return self._put(user, team_id, definition, trigger)

    def push(self, user: str, team_id: str, definition: Mapping[str, Any], trigger: str | None) -> View:
        if not self.stack(user):
            raise RefusedError("not_found")
        if len(self.stack(user)) >= MAX_STACK:
            raise RefusedError("push_limit_reached")
        return self._put(user, team_id, definition, trigger)

    def _put(self, user: str, team_id: str, definition: Mapping[str, Any], trigger: str | None) -> View:
        below = self.top(user)
        view = self._new_view(user, team_id, definition, trigger)
        if below:
            view = replace(view, root_id=below.root_id, previous_id=below.id)
        self._views[view.id] = view
        self._stacks.setdefault(user, []).append(view.id)
        self._announce("view.opened", view)
        return view

    def _new_view(self, user: str, team_id: str, definition: Mapping[str, Any], trigger: str | None) -> View:
        view_id = self.ids.numbered_id("V")
        self._require_unique(definition.get("external_id"), view_id)
        return View(
            id=view_id,
            user=user,
            team_id=team_id,
            hash=self.ids.hash(),
            definition=definition,
            blocks=with_ids(definition.get("blocks")),
            root_id=view_id,
            trigger=trigger,
        )

    def _require_unique(self, external_id: str | None, view_id: str) -> None:
        others = (view.definition.get("external_id") for view in self._open_views(but=view_id))
        if external_id and external_id in others:
            raise RefusedError("duplicate_external_id")

    def _open_views(self, but: str = "") -> list[View]:
        ids = [view_id for stack in self._stacks.values() for view_id in stack] + list(self._homes.values())
        return [self._views[view_id] for view_id in ids if view_id != but]

    def publish(self, user: str, team_id: str, definition: Mapping[str, Any], expected: str | None) -> View:
        current = self.home(user)
        if current:
            return self.update(current, definition, expected)
        view = self._new_view(user, team_id, definition, None)
        self._views[view.id], self._homes[user] = view, view.id
        self._announce("home.published", view)
        return view

    def find(self, view_id: str | None, external_id: str | None) -> View:
        """Only open views are found."""
        for view in self._open_views():
            if view.id == view_id or (external_id and view.definition.get("external_id") == external_id):
                return view
        raise RefusedError("not_found")

    def update(self, view: View, definition: Mapping[str, Any], expected: str | None = None) -> View:
        if expected and expected != view.hash:
            raise RefusedError("hash_conflict")
        self._require_unique(definition.get("external_id"), view.id)
        # Typed values stay if block, element and type are the same as before: `state_of` checks that.
        return self._keep(
            view, definition=definition, blocks=with_ids(definition.get("blocks")), hash=self.ids.hash(), errors={}
        )

    def type_in(self, view: View, typed: State) -> View:
        return self._keep(view, typed=typed)

    def mark(self, view: View, errors: Mapping[str, str]) -> View:
        return self._keep(view, errors=errors)

    def _keep(self, view: View, **fields: Any) -> View:
        changed = self._views[view.id] = replace(view, **fields)
        self._announce("home.published" if self._homes.get(view.user) == view.id else "view.changed", changed)
        return changed

    def close(self, view: View) -> None:
        """Close the view and those above it."""
        stack = self._stacks.get(view.user, [])
        if view.id in stack:
            del stack[stack.index(view.id) :]
            self._announce("view.closed", view)

    def clear(self, user: str) -> None:
        for view in self.stack(user)[:1]:
            self.close(view)

    def _announce(self, kind: str, view: View) -> None:
        self.changes.announce(kind, user=view.user, view=view.id)
