"""Exceptions to a rule of the policy: what an approved one allows, and how a package cites those that it used."""

from __future__ import annotations

from rules.package.model import DecisionPackage, ExceptionParameters, Kind
from rules.scales import HITLLevel
from rules.values import Moment, Value

EXCEPTION_ACTION = "policy_exception"  # the action type of a package that asks for an exception to a rule
NEVER_EXCEPTED = (Kind.QUESTION, Kind.POLICY_EXCEPTION)  # no exception covers these kinds


class PolicyException(Value):
    """The rule is set aside for these agents and action types and, if the package that asked names one, its subject.

    `owner` is that of the agents: with another owner they need another exception. It holds from `granted_at`. People
    approve it until `until`; it ends at `ends_at`, which is earlier if the policy allows less time. People are told of
    its end at `announce_at`, which is empty once they are. `ended_at`: when it was recorded as ended.
    """

    rule: str
    agents: tuple[str, ...]
    owner: str
    action_types: tuple[str, ...]
    until: Moment
    granted_at: Moment | None = None
    ends_at: Moment | None = None
    announce_at: Moment | None = None
    ended_at: Moment | None = None

    @property
    def end(self) -> Moment:
        return min(self.ends_at or self.until, self.until)


class ExceptionUse(Value):
    """A rule that an exception set aside for a package, and the level for which the rule would have asked."""

    exception_id: str
    rule: str
    asked: HITLLevel


def requested_exception(package: DecisionPackage) -> ExceptionParameters | None:
    """The exception to a rule for which the package asks. Without a rule it is an exception in words alone."""
    parameters = package.action_parameters or {}
    if package.kind is not Kind.POLICY_EXCEPTION or parameters.get("rule") is None:
        return None
    return ExceptionParameters.model_validate(parameters)


def excepted_types(package: DecisionPackage) -> tuple[str, ...]:
    """The action types for which the package asks for an exception to a rule."""
    requested = requested_exception(package)
    return requested.action_types if requested else ()
