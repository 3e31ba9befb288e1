"""What is open in front of a person: their stack of modals, at most three high, and the app's Home tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playground.model.changes import Changes
from playground.model.choices import State, state_of
from playground.model.elements import Element, elements, named, shown
from playground.model.ids import Mint
from playground.model.refusals import RefusedError

HIGHEST = 3
TEXTS = ("private_metadata", "callback_id", "external_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    id: str
    user: str
    team_id: str
    hash: str
    given: Mapping[str, Any]
    blocks: Sequence[Mapping[str, Any]]
    root_id: str
    previous_id: str | None = None
    trigger: str | None = None
    # What the person typed so far, and what the app said is wrong with it.
    typed: State = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def callback_id(self) -> str:
        return str(self.given.get("callback_id") or "")

    @property
    def private_metadata(self) -> str:
        return str(self.given.get("private_metadata") or "")

    @property
    def title(self) -> str:
        return str((self.given.get("title") or {}).get("text", ""))

    @property
    def shown(self) -> str:
        return shown(self.blocks)

    @property
    def elements(self) -> list[Element]:
        """What in it can be acted on."""
        return list(elements(self.blocks))

    @property
    def action_ids(self) -> list[str]:
        return [each.action_id for each in self.elements]

    @property
    def labels(self) -> list[str]:
        return [each.label for each in self.elements]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        return state_of(self.blocks, self.typed)

    @property
    def shape(self) -> dict[str, Any]:
        """As the Web API and the payloads show a view, without whose app it is."""
        kept = {name: self.given.get(name) for name in ("type", "title", "submit", "close")}
        flags = {name: bool(self.given.get(name)) for name in ("clear_on_close", "notify_on_close", "submit_disabled")}
        texts = {name: self.given.get(name) or "" for name in TEXTS}
        return {
            "id": self.id,
            "team_id": self.team_id,
            **kept,
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
    mint: Mint
    _views: dict[str, View] = field(default_factory=dict)
    _stacks: dict[str, list[str]] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def stack(self, user: str) -> list[View]:
        return [self._views[each] for each in self._stacks.get(user, ())]

    def top(self, user: str) -> View | None:
        return next(reversed(self.stack(user)), None)

    def home(self, user: str) -> View | None:
        return self._views[self._homes[user]] if user in self._homes else None

    def of(self, user: str) -> list[View]:
        """Everything that was ever opened for somebody, as it last was."""
        return [each for each in self._views.values() if each.user == user]

    def open(self, user: str, team_id: str, given: Mapping[str, Any], trigger: str | None) -> View:
        self.clear(user)
        return self._put(user, team_id, given, trigger)

    def push(self, user: str, team_id: str, given: Mapping[str, Any], trigger: str | None) -> View:
        if not self.stack(user):
            raise RefusedError("not_found")
        if len(self.stack(user)) >= HIGHEST:
            raise RefusedError("push_limit_reached")
        return self._put(user, team_id, given, trigger)

    def _put(self, user: str, team_id: str, given: Mapping[str, Any], trigger: str | None) -> View:
        below = self.top(user)
        view = self._made(user, team_id, given, trigger)
        if below:
            view = replace(view, root_id=below.root_id, previous_id=below.id)
        self._views[view.id] = view
        self._stacks.setdefault(user, []).append(view.id)
        self._announce("view.opened", view)
        return view

    def _made(self, user: str, team_id: str, given: Mapping[str, Any], trigger: str | None) -> View:
        made = self.mint.numbered("V")
        self._alone(given.get("external_id"), made)
        return View(
            id=made,
            user=user,
            team_id=team_id,
            hash=self.mint.hash(),
            given=given,
            blocks=named(given.get("blocks")),
            root_id=made,
            trigger=trigger,
        )

    def _alone(self, external_id: str | None, view_id: str) -> None:
        if external_id and any(each.given.get("external_id") == external_id for each in self._open(but=view_id)):
            raise RefusedError("duplicate_external_id")

    def _open(self, but: str = "") -> list[View]:
        ids = [each for stack in self._stacks.values() for each in stack] + list(self._homes.values())
        return [self._views[each] for each in ids if each != but]

    def publish(self, user: str, team_id: str, given: Mapping[str, Any], expected: str | None) -> View:
        standing = self.home(user)
        if standing:
            return self.update(standing, given, expected)
        view = self._made(user, team_id, given, None)
        self._views[view.id], self._homes[user] = view, view.id
        self._announce("home.published", view)
        return view

    def find(self, view_id: str | None, external_id: str | None) -> View:
        """What is open. A view that was closed is not found any more."""
        for view in self._open():
            if view.id == view_id or (external_id and view.given.get("external_id") == external_id):
                return view
        raise RefusedError("not_found")

    def update(self, view: View, given: Mapping[str, Any], expected: str | None = None) -> View:
        if expected and expected != view.hash:
            raise RefusedError("hash_conflict")
        self._alone(given.get("external_id"), view.id)
        # What was typed stays where block, element and kind are the same as before: `state_of` looks for that.
        return self._keep(view, given=given, blocks=named(given.get("blocks")), hash=self.mint.hash(), errors={})

    def type_in(self, view: View, typed: State) -> View:
        return self._keep(view, typed=typed)

    def mark(self, view: View, errors: Mapping[str, str]) -> View:
        return self._keep(view, errors=errors)

    def _keep(self, view: View, **fields: Any) -> View:
        kept = self._views[view.id] = replace(view, **fields)
        self._announce("home.published" if self._homes.get(view.user) == view.id else "view.changed", kept)
        return kept

    def close(self, view: View) -> None:
        """Closes it and what lies above it, and shows what lies under it."""
        stack = self._stacks.get(view.user, [])
        if view.id in stack:
            del stack[stack.index(view.id) :]
            self._announce("view.closed", view)

    def clear(self, user: str) -> None:
        for view in self.stack(user)[:1]:
            self.close(view)

    def _announce(self, kind: str, view: View) -> None:
        self.changes.announce(kind, user=view.user, view=view.id)
