"""`/reviews agents`, and for admins `pause` and `resume` of an agent."""

from __future__ import annotations

from sqlalchemy import Connection

from blocks.home.agents import AGENTS, AgentRecord, agent_list, agent_record
from blocks.kit.message import Message
from blocks.words.refusals import private_message
from bot.slack.context.listener_context import ListenerContext
from bot.slack.slash.request import Request
from rules.authority.visibility import sees_all
from rules.people.directory import AgentStanding
from store.agents import agent_admin
from store.agents.agent_admin import ListedAgent, RegistryError
from store.packages.autonomy import list_profiles

_ALREADY_DONE = "This command was already carried out. Nothing was done again."


async def show_agents(context: ListenerContext, request: Request) -> Message:
    """All agents, or the one that is named. For people who see every package, because an agent may have only one."""
    if not sees_all(context.store.installation.policy, request.user_id):
        return private_message("Only people who see every package can see what agents have earned. Ask an admin.")
    name = " ".join(request.words)
    try:
        return await context.store.read(lambda connection: _read(connection, context, name))
    except RegistryError:
        return private_message(f"There is no agent named {name}. `/reviews agents` lists them.")


def _read(connection: Connection, context: ListenerContext, name: str) -> Message:
    now, settings = context.store.clock(), context.store.installation.policy.autonomy
    if name:
        (record,) = _records(connection, context, [agent_admin.find_agent(connection, name, now)])
        return agent_record(record, now, settings)
    agents = agent_admin.list_agents(connection, now)
    return agent_list(_records(connection, context, agents[:AGENTS]), len(agents[AGENTS:]), settings)


def _records(connection: Connection, context: ListenerContext, agents: list[ListedAgent]) -> list[AgentRecord]:
    ids = [agent.agent_id for agent in agents]
    profiles = list_profiles(connection, context.store.installation.tenant_id, ids)
    return [
        AgentRecord(
            agent.name, agent.owner, agent.standing, [one for one in profiles if one.agent_id == agent.agent_id]
        )
        for agent in agents
    ]


async def pause_agent(context: ListenerContext, request: Request) -> Message:
    change = "is paused: it can neither propose nor claim"
    return await _set_standing(context, request, "pause", AgentStanding.PAUSED, change)


async def resume_agent(context: ListenerContext, request: Request) -> Message:
    return await _set_standing(context, request, "resume", AgentStanding.ACTIVE, "is resumed")


async def _set_standing(
    context: ListenerContext, request: Request, word: str, standing: AgentStanding, change: str
) -> Message:
    name, now = " ".join(request.words), context.store.clock()
    if not name:
        return private_message(f"Which one? Write it as: /reviews {word} AGENT.")
    try:
        done = await context.store.write_once(
            request.request_id,
            lambda connection: agent_admin.set_standing(connection, name, standing, now, by=request.user_id),
        )
    except RegistryError as fault:
        return private_message(f"{fault}.")
    return private_message(f"The agent {name} {change}." if done else _ALREADY_DONE)
