"""The row of a verb: all that the rules and the store need to know. How it looks is said in `blocks.words.verbs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from rules.authority.standards import Standard
from rules.people.directory import ActorKind
from rules.reasons import Refusal
from rules.state.clock_commands import ClockCommand
from rules.state.commands import Command, HumanDecisionCommand, PersonCommand, Verb
from rules.state.model import PackageState, Status
from rules.state.situation import Situation
from rules.state.transition import Move, Transition

Rule = Callable[[Move, Any], Transition | Refusal]
Beginning = Callable[[Any, Situation], Transition | Refusal]
Statuses = tuple[Status, ...]


class Needs(Enum):
    """What the store reads for a rule, beside the package itself and the roster."""

    AGENT = auto()  # its row, held: nobody pauses it meanwhile
    AGENT_ALONE = auto()  # its row, locked: outcomes of one agent are counted one after the other
    AGENT_LOAD = auto()  # its row, and how much it has asked lately
    THREAD = auto()  # whether a person holds the thread or run in which it acts
    PROFILE = auto()  # the trust that the agent has earned for this action type
    MEMORY = auto()  # what was refused before, and how grave the same action was found
    CONTENT = auto()  # the newest version as the agent posted it
    WORDS = auto()  # the words of the document that the agent acts on
    CARDS = auto()  # where cards lie
    OPEN_ITEMS = auto()  # how much each reviewer has before them, where tasks are handed out


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbSpec:
    """`requires` has no default: a verb that a person may give never asks for nothing by omission."""

    command: type[Command]
    by: tuple[ActorKind, ...]
    requires: Standard | None  # of a person; None where no person gives it
    taken_in: Statuses
    leads_to: Statuses = ()  # none: the package stays what it was
    rule: Rule | None = None
    begins: Beginning | None = None  # instead of a rule: it makes the package
    needs: frozenset[Needs] = frozenset()  # a claim needs some of them only where nobody has agreed to it
    offered: Callable[[PackageState], bool] | None = None  # None: on no card
    due: Callable[[PackageState, Verb, Situation], bool] | None = None  # of a command of the clock: whether it is time

    @property
    def verb(self) -> Verb:
        return self.command.verb

    @property
    def lets_go_ahead(self) -> bool:
        """Whether the action may go ahead by it: a decision that asks for everything that can be asked of a person."""
        return self.requires is Standard.PROCEED and issubclass(self.command, HumanDecisionCommand)


def concrete_commands(*bases: type[Command]) -> set[type[Command]]:
    """Every command class below these that has a verb."""
    found: set[type[Command]] = set()
    for base in bases:
        found |= {base} if hasattr(base, "verb") else set()
        found |= concrete_commands(*base.__subclasses__())
    return found


def build_table(rows: Iterable[VerbSpec]) -> Mapping[type[Command], VerbSpec]:
    """The rows by their commands, or an error that names what is missing: then nothing starts."""
    table: dict[type[Command], VerbSpec] = {}
    for row in rows:
        if fault := "has two rows" if row.command in table else _fault(row):
            raise TypeError(f"the table of verbs is wrong: {row.command.__name__} {fault}")
        table[row.command] = row
    if missing := concrete_commands(Command) - table.keys():
        raise TypeError(f"the table of verbs has no row for {', '.join(sorted(each.__name__ for each in missing))}")
    return table


_WITH_THREAD = frozenset([Needs.AGENT, Needs.AGENT_LOAD])  # where these are read, the thread is read with them
_AGENT = _WITH_THREAD | {Needs.AGENT_ALONE}


def _fault(row: VerbSpec) -> str | None:
    person = ActorKind.PERSON in row.by
    decision = issubclass(row.command, HumanDecisionCommand)
    faults = {
        "is given by nobody": not row.by,
        "is for people, and no person gives it": issubclass(row.command, PersonCommand) and not person,
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
        "asks for its agent's row in two ways": len(_AGENT & row.needs) > 1,
        "asks for the thread without the agent's row": Needs.THREAD in row.needs and not row.needs & _WITH_THREAD,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
