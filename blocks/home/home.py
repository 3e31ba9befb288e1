"""App Home: what waits for the one who looks at it, what they decided, and whether they are away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.home.queue import Row, drawn, how_many
from blocks.kit.elements import (
    Block,
    Element,
    actions,
    button,
    context,
    divider,
    header,
    rich,
    section,
    statement,
    words,
)
from blocks.kit.ids import ActionId, FormId
from blocks.kit.text import cut, line, when
from blocks.words.sentences import NAME
from blocks.words.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A page of at most `queue.ROWS`. Where it goes on or back is for others to read: here it is an opaque text."""

    rows: tuple[Row, ...] = ()
    following: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one person finds at home. `waiting` is how much waits for anybody, `yours` how much for them, if known.

    `posture` are sentences of the service about itself, such as "Soft approvals are off."; `told` is one that answers
    what they just did here.
    """

    name: str
    mine: Rows = Rows()
    decided: Rows = Rows()
    waiting: int = 0
    yours: int | None = None
    away_until: datetime | None = None
    delegate: str | None = None
    is_reviewer: bool = True
    is_admin: bool = False
    posture: tuple[str, ...] = ()
    told: str | None = None


def home(desk: Desk) -> View:
    return {"type": "home", "callback_id": FormId.HOME.value, "blocks": list(_blocks(desk))}


def _blocks(desk: Desk) -> Iterator[Block]:
    if desk.told:
        yield statement(desk.told)
    yield statement(_greeting(desk))
    yield header("Waiting for you")
    yield from _mine(desk)
    yield divider()
    yield header("What you decided")
    yield from _listed(desk.decided, ActionId.HOME_DECIDED, "You have decided nothing yet.")
    yield divider()
    if desk.is_reviewer or desk.away_until:
        yield from _away(desk)
    yield from _at_the_end(desk)


def _greeting(desk: Desk) -> str:
    """The one line that a glance takes in."""
    name = cut(line(desk.name), NAME) or "Hello"
    if not desk.mine.rows:
        return f"{name}, nothing waits for you."
    many = desk.yours is None or desk.yours > 1
    count = how_many(desk.yours) if desk.yours else "some packages"
    return f"{name}, {count} {'wait' if many else 'waits'} for you, the most urgent first."


def _mine(desk: Desk) -> Iterator[Block]:
    if not desk.is_reviewer:
        yield section(no_role(is_admin=desk.is_admin))
        return
    yield from _listed(desk.mine, ActionId.HOME_MINE, nothing_waits(desk.waiting))


def nothing_waits(waiting: int = 0) -> str:
    verb = "waits" if waiting == 1 else "wait"
    others = f" {how_many(waiting).capitalize()} {verb} for others: /reviews queue lists them." if waiting else ""
    return f"Nothing waits for you. New requests appear here and in their channel.{others}"


def no_role(*, is_admin: bool) -> str:
    who = "Put people into a role in the policy's file." if is_admin else "Ask an admin of the policy to give you one."
    return f"You hold no role in the policy, so nothing is asked of you. {who}"


def _listed(page: Rows, action: ActionId, empty: str) -> Iterator[Block]:
    """Above the rows the way back, below them the way on: two blocks, because both bear the same action id."""
    if page.previous:
        yield actions([_turn(action, "Back", page.previous)])
    if page.rows:
        yield from drawn(page.rows)
    else:
        yield section(empty)
    if page.following:
        yield actions([_turn(action, "More", page.following)])


def _turn(action: ActionId, label: str, position: str) -> Element:
    which = "what waits for you" if action is ActionId.HOME_MINE else "what you decided"
    return button(label, action, position, spoken=f"{label}: {which}")


def _away(desk: Desk) -> Iterator[Block]:
    if desk.away_until is None:
        yield section("Going away? Your open tasks can go to somebody else.", _switch(ActionId.HOME_AWAY, "I am away"))
        return
    yield section(f"You are away until {when(desk.away_until)}.", _switch(ActionId.HOME_BACK, "I am back"))
    if desk.delegate:
        yield rich(words(f"{cut(line(desk.delegate), NAME)} stands in for you, as far as they may decide."))


def _switch(action: ActionId, label: str) -> Element:
    return button(label, action, action.value)


def _at_the_end(desk: Desk) -> Iterator[Block]:
    if desk.posture:
        yield context(*desk.posture[:10])
    admin = " You are an admin: `/reviews help` lists what that adds." if desk.is_admin else ""
    yield context(f"`/reviews` shows the same in any channel.{admin}")
