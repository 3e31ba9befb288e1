"""The answers of `/reviews agents`: what each agent has earned, and what it would take to rise or fall.

It only draws: `bot.slack.slash.reviews` reads the agents and their profiles. How a level rises and falls is described
by `blocks.home.autonomy`, so that Slack and `countersign agents show` say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from blocks.home.autonomy import describe_fall, describe_record, describe_rise, describe_start
from blocks.kit.elements import Block, Run, bold, bullets, code, context, header, paragraph, plain_context, rich, user
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, one_line, pluralize
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import AgentStanding
from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from rules.wording import humanize

AGENTS = 12  # in the list of all agents
TYPES = 20  # action types in the answer about one agent
_NAMED = 3  # names in a line
_NAME = 40  # characters of a name
_WHAT_IT_EASES = (
    "Earned autonomy eases only what risk and reversibility require. "
    "Low confidence, the floor of an action type and your other rules count as before."
)


def _shown(name: str) -> str:
    return cut(one_line(name), _NAME) or "(no name)"


class AgentRecord(NamedTuple):
    name: str
    owner: str
    standing: AgentStanding
    profiles: Sequence[AutonomyProfile]


def agent_list(records: Sequence[AgentRecord], more: int, settings: Autonomy) -> Message:
    if not records:
        return Message(
            "No agents yet.", (rich(paragraph("No agents yet. ", code("countersign agents add"), " adds one.")),)
        )
    blocks = [block for record in records for block in _summary(record, settings)]
    rest = [context(f"{pluralize(more, 'more agent')}: `countersign agents list` shows all.")] if more else []
    hint = context("`/reviews agents NAME` shows what an agent needs to rise or fall.")
    names = ", ".join(escape(_shown(record.name)) for record in records[:_NAMED])
    return Message(f"{pluralize(len(records) + more, 'agent')}: {names}.", (header("Agents"), *blocks, *rest, hint))


def _summary(record: AgentRecord, settings: Autonomy) -> Iterator[Block]:
    types: dict[HITLLevel, list[str]] = defaultdict(list)
    for profile in record.profiles:
        types[profile.current_level].append(_shown(profile.action_type))
    items = [[f"{humanize(level)}: {_first_of(types[level])}"] for level in HITLLevel if types[level]]
    yield rich(paragraph(*_about(record)), bullets(items or [[describe_start(settings)]]))


def _about(record: AgentRecord) -> Iterator[Run]:
    yield bold(_shown(record.name))
    yield " · owner "
    yield user(record.owner)
    if record.standing is not AgentStanding.ACTIVE:
        yield f" · {record.standing}"


def _first_of(types: Sequence[str]) -> str:
    omitted_count = len(types) - _NAMED
    return ", ".join(types[:_NAMED]) + (f" and {omitted_count} more" if omitted_count > 0 else "")


def agent_record(record: AgentRecord, now: datetime, settings: Autonomy) -> Message:
    listed_profiles = record.profiles[:TYPES]
    omitted_count = len(record.profiles) - len(listed_profiles)
    items = [[*_track(profile, now, settings)] for profile in listed_profiles]
    more = (
        [context(f"{pluralize(omitted_count, 'more action type')}: `countersign agents show` lists all.")]
        if omitted_count
        else []
    )
    name = _shown(record.name)
    facts = rich(paragraph(*_about(record)), bullets(items or [[describe_start(settings)]]))
    return Message(f"The agent {escape(name)}.", (header(name), facts, *more, plain_context(_WHAT_IT_EASES)))


def _track(profile: AutonomyProfile, now: datetime, settings: Autonomy) -> Iterator[Run]:
    yield code(_shown(profile.action_type))
    yield ": "
    yield bold(humanize(profile.current_level))
    yield (
        f". So far: {describe_record(profile, now, settings)}. Rises: {describe_rise(profile, settings)}. "
        f"Falls: {describe_fall(profile, now, settings)}."
    )
