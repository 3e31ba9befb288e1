"""App Home: what waits for the person, what they decided, and whether they are away.

`bot.slack.home` reads `HomeData` and publishes the view when someone opens Home and after each of their actions. The
filter and the pages are in the view's metadata, so any process can draw it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.home.filter import filter_button, filter_line, with_filter
from blocks.home.mirror import MY_DECISIONS
from blocks.home.queue import Row, package_count, row_blocks
from blocks.kit.elements import (
    Block,
    Element,
    actions,
    button,
    context,
    divider,
    header,
    option,
    paragraph,
    rich,
    section,
    statement,
)
from blocks.kit.ids import ActionId, FormId
from blocks.kit.limits import CONTEXT_ELEMENTS
from blocks.kit.text import cut, one_line, slack_date
from blocks.words.sentences import NAME
from blocks.words.views import View
from rules.search import EVERYTHING, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """At most `queue.ROWS` rows. `following` and `previous` are opaque positions of the neighbouring pages."""

    rows: tuple[Row, ...] = ()
    following: str | None = None
    previous: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the list has no other page."""
        return not (self.following or self.previous)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeData:
    """What one person sees in App Home.

    `waiting` counts the packages that wait for anybody, `own_count` those that wait for this person, if known.

    `looks` are blind second looks that the person is asked for. `search` is the filter of what waits.

    `all_mails` says whether the person gets all mails or only those about takeovers; None if the service sends none.

    `posture` are sentences about the service, such as "Soft approvals are off."; `notice` answers the last click here.
    """

    name: str
    to_decide: RowPage = RowPage()
    looks: tuple[Row, ...] = ()
    decided: RowPage = RowPage()
    search: Search = EVERYTHING
    waiting: int = 0
    own_count: int | None = None
    away_until: datetime | None = None
    delegate: str | None = None
    all_mails: bool | None = None
    is_reviewer: bool = True
    is_admin: bool = False
    posture: tuple[str, ...] = ()
    notice: str | None = None


def home_view(data: HomeData) -> View:
    view: View = {"type": "home", "callback_id": FormId.HOME.value, "blocks": list(_blocks(data))}
    return with_filter(view, data.search)


def _blocks(data: HomeData) -> Iterator[Block]:
    if data.notice:
        yield statement(data.notice)
    yield statement(_greeting(data), accessory=filter_button() if _can_filter(data) else None)
    yield header("Waiting for you")
    yield from _waiting(data)
    if data.looks:
        yield divider()
        yield header("For your blind second look")
        yield from row_blocks(data.looks)
    yield divider()
    yield header("What you decided")
    yield from _row_page(data.decided, ActionId.HOME_DECIDED, "You have not decided anything yet.")
    if data.is_reviewer:
        yield actions([button(MY_DECISIONS, ActionId.HOME_MIRROR, ActionId.HOME_MIRROR.value)])
    yield divider()
    if data.is_reviewer or data.away_until:
        yield from _away(data)
    if data.all_mails is not None:
        yield _mails(all_mails=data.all_mails)
    yield from _footer(data)


def _can_filter(data: HomeData) -> bool:
    return bool(data.to_decide.rows) or data.search != EVERYTHING


def _greeting(data: HomeData) -> str:
    """The first line, which sums everything up."""
    name = cut(one_line(data.name), NAME) or "Hello"
    if data.search != EVERYTHING:
        return f"{name}, your list is filtered."
    if not data.to_decide.rows:
        return f"{name}, nothing waits for you{' so far' if data.to_decide.following else ''}."
    many = data.own_count is None or data.own_count > 1
    count = package_count(data.own_count) if data.own_count else "some packages"
    return f"{name}, {count} {'wait for you, the most urgent first' if many else 'waits for you'}."


def _waiting(data: HomeData) -> Iterator[Block]:
    if not data.is_reviewer:
        yield section(no_role_text(is_admin=data.is_admin))
        return
    yield from filter_line(data.search)
    yield from _row_page(data.to_decide, ActionId.HOME_MINE, _empty_text(data))


def _empty_text(data: HomeData) -> str:
    found_nothing_yet = data.to_decide.following is not None
    if data.search == EVERYTHING:
        return NONE_ON_FIRST_PAGE if found_nothing_yet else new_requests_text(data.waiting)
    return "No match yet. Press More to search on." if found_nothing_yet else "Nothing of yours matches."


NONE_ON_FIRST_PAGE = "None of the most urgent tasks is yours. Press More to see the rest."


def new_requests_text(waiting: int = 0) -> str:
    """Tells someone without open tasks where new requests appear."""
    verb = "waits" if waiting == 1 else "wait"
    for_others = (
        f" {package_count(waiting).capitalize()} {verb} for others: /reviews queue lists them." if waiting else ""
    )
    return f"New requests appear in the app's Home and in their channel.{for_others}"


def no_role_text(*, is_admin: bool) -> str:
    who = "Put people into a role in the policy's file." if is_admin else "Ask an admin of the policy for one."
    return f"You hold no role in the policy. {who}"


def _row_page(page: RowPage, action: ActionId, empty: str) -> Iterator[Block]:
    """Back is above the rows and More below: two blocks, because both have the same action id."""
    if page.previous:
        yield actions([_page_button(action, "Back", page.previous)])
    if page.rows:
        yield from row_blocks(page.rows)
    else:
        yield section(empty)
    if page.following:
        yield actions([_page_button(action, "More", page.following)])


def _page_button(action: ActionId, label: str, position: str) -> Element:
    which = "what waits for you" if action is ActionId.HOME_MINE else "what you decided"
    return button(label, action, position, accessible_label=f"{label}: {which}")


def _away(data: HomeData) -> Iterator[Block]:
    if data.away_until is None:
        yield section(
            "Going away? Your open tasks can go to someone else.", _away_button(ActionId.HOME_AWAY, "I am away")
        )
        return
    yield section(f"You are away until {slack_date(data.away_until)}.", _away_button(ActionId.HOME_BACK, "I am back"))
    if data.delegate:
        yield rich(paragraph(f"{cut(one_line(data.delegate), NAME)} stands in for you where they may decide."))


def _away_button(action: ActionId, label: str) -> Element:
    return button(label, action, action.value)


def _mails(*, all_mails: bool) -> Block:
    others = option("Mails other than takeovers", ActionId.HOME_MAILS)
    box = {"type": "checkboxes", "action_id": ActionId.HOME_MAILS.value, "options": [others]}
    ticked = {"initial_options": [others]} if all_mails else {}
    return section("Countersign sends you mail when Slack is down or something cannot wait.", box | ticked)


def _footer(data: HomeData) -> Iterator[Block]:
    if data.posture:
        yield context(*data.posture[:CONTEXT_ELEMENTS])
    admin = " You are an admin: `/reviews help` lists what that adds." if data.is_admin else ""
    yield context(f"`/reviews` shows the same in any channel.{admin}")
