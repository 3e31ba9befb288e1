"""`VerbSpec`, the row of a verb: all that the rules and the store know about it.

`build_table` checks the rows at import. Labels and forms of a verb are in `blocks.words.verbs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import auto
from typing import Any

from rules.authority.standards import Standard
from rules.people.directory import ActorKind
from rules.reasons import Refusal
from rules.state.commands import Command, HumanDecisionCommand, PersonCommand, SeenCommand, Verb
from rules.state.model import PackageState, Status
from rules.state.service_commands import ClockCommand
from rules.state.situation import Situation
from rules.state.transition import Move, Transition
from rules.string_enum import StringEnum

Rule = Callable[[Move, Any], Transition | Refusal]
Beginning = Callable[[Any, Situation], Transition | Refusal]
Statuses = tuple[Status, ...]


class Needs(StringEnum):
    """What the store reads for a rule, in addition to the package and the roster."""

    AGENT = auto()  # its row, held until the commit, so that nobody can pause the agent meanwhile
    AGENT_ALONE = auto()  # its row, locked, so that outcomes of one agent are counted one after the other
    AGENT_LOAD = auto()  # its row, and how many packages it sent recently and has open
    THREAD = auto()  # whether a person has taken over the thread or run of the package
    PROFILE = auto()  # the agent's earned autonomy for this action type
    MEMORY = auto()  # earlier refusals by people, and the level that the same action had before
    CONTENT = auto()  # the newest version as the agent posted it, as a package
    WORDS = auto()  # that version and the comments of the decision, as texts: for the document that a claim returns
    MESSAGES = auto()  # what the agent said within the last minute, and the message to which it replies
    TRACES = auto()  # who has had a part in the package, and who is asked for a blind look, if the policy draws any
    CARDS = auto()  # where the package's cards are in Slack
    MAILS = auto()  # the mails about it that were sent and are not recorded yet
    EXCEPTIONS = auto()  # those to rules of the policy that may hold, or that the package cites
    OPEN_ITEMS = auto()  # how many open tasks each reviewer has, if the policy assigns tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbSpec:
    """A verb: its command, who may give it, in which statuses, where it may lead, and its rule.

    `requires` has no default, so that a verb for people cannot lack a standard by omission.
    """

    command: type[Command]
    by: tuple[ActorKind, ...]
    requires: Standard | None  # of a person; None if no person gives the verb
    taken_in: Statuses
    leads_to: Statuses = ()  # empty: the status does not change
    moves_from: Statuses = ()  # where it may change the status, if not wherever it is taken
    rule: Rule | None = None
    begins: Beginning | None = None  # instead of a rule: creates the package
    needs: frozenset[Needs] = frozenset()  # a claim reads some of them only if no person approved
    offered: Callable[[PackageState], bool] | None = None  # whether the card shows it; None: never
    due: Callable[[PackageState, Verb, Situation], bool] | None = None  # for commands of the clock: whether it is time

    @property
    def verb(self) -> Verb:
        return self.command.verb

    @property
    def lets_go_ahead(self) -> bool:
        """Whether this decision can let the action go ahead, so that a person must meet the full standard."""
        return self.requires is Standard.PROCEED and issubclass(self.command, SeenCommand)

    @property
    def leads_from(self) -> Statuses:
        """The statuses that it may change."""
        return (self.moves_from or self.taken_in) if self.leads_to else ()

    def may_lead(self, was: Status, now: Status) -> bool:
        return now in self.leads_to if was in self.leads_from else now is was


def concrete_commands(*bases: type[Command]) -> set[type[Command]]:
    """Every command class below these that has a verb."""
    commands: set[type[Command]] = set()
    for base in bases:
        commands |= {base} if hasattr(base, "verb") else set()
        commands |= concrete_commands(*base.__subclasses__())
    return commands


def build_table(rows: Iterable[VerbSpec]) -> Mapping[type[Command], VerbSpec]:
    """Map each command to its row, or raise if a row is wrong or missing, so that the process does not start."""
    table: dict[type[Command], VerbSpec] = {}
    for row in rows:
        if fault := "has two rows" if row.command in table else _row_fault(row):
            raise TypeError(f"the table of verbs is wrong: {row.command.__name__} {fault}")
        table[row.command] = row
    if missing := concrete_commands(Command) - table.keys():
        raise TypeError(f"the table of verbs has no row for {', '.join(sorted(kind.__name__ for kind in missing))}")
    return table


_WITH_THREAD = frozenset([Needs.AGENT, Needs.AGENT_LOAD])  # the store reads the thread together with these
_AGENT_ROW = _WITH_THREAD | {Needs.AGENT_ALONE}


def _row_fault(row: VerbSpec) -> str | None:
    person = ActorKind.PERSON in row.by
    decision = issubclass(row.command, HumanDecisionCommand)
    faults = {
        "is given by nobody": not row.by,
        "is for people, and no person gives it": issubclass(row.command, PersonCommand | SeenCommand) and not person,
        "decides, and is not given by people alone": decision and row.by != (ActorKind.PERSON,),
        "asks for no standard": person and row.requires is None,
        "has a standard that no person needs": not person and row.requires is not None,
        "decides without a standard of its own": decision and row.requires is Standard.OWN_RULE,
        "has not exactly one of a rule and a beginning": (row.rule is None) is (row.begins is None),
        "is taken in no status": not row.taken_in and row.begins is None,
        "is the clock's, and never due": issubclass(row.command, ClockCommand) and row.due is None,
        "is offered, and no person gives it": row.offered is not None and not person,
        "has a time, and is not the clock's": row.due is not None and not issubclass(row.command, ClockCommand),
        "is the clock's, and given by others": issubclass(row.command, ClockCommand) and row.by != (ActorKind.AUTO,),
        "begins a package, and is taken in a status": row.begins is not None and bool(row.taken_in),
        "asks for its agent's row in two ways": len(_AGENT_ROW & row.needs) > 1,
        "asks for the thread without the agent's row": Needs.THREAD in row.needs and not row.needs & _WITH_THREAD,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
