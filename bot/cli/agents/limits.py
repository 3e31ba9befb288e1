"""The limits of an agent's key: options of `countersign agents add` and `change`, and how limits are printed.

Each option is a type for Typer, which checks it while it is parsed. `scope_with` and `rates_with` replace the limits
that were given and keep the others; the service enforces the result (`rules.people.agent_keys`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import ValidationError

from rules.people.agent_keys import MAX_RATE, UNLIMITED, KeyScope, Rates
from rules.scales import RiskLevel

NONE, DEFAULT = "none", "default"


def _limit(text: str | None) -> str | None:
    """Check the text: a whole number, `none` or `default`."""
    if text is None or text in (NONE, DEFAULT) or (text.isascii() and text.isdigit() and int(text)):
        return text
    raise typer.BadParameter(f"must be a whole number of at least 1, `{NONE}` for no limit, or `{DEFAULT}`")


May = Annotated[
    list[str] | None,
    typer.Option(
        help="An action type it may propose, such as `mail.*`; give it again for more. Otherwise: all.",
        metavar="PATTERN",
        show_default=False,
    ),
]
For = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        help="Who may stand in requested_by: a user id, an address or `*@example.com`; repeatable. Otherwise: anyone.",
        metavar="WHO",
        show_default=False,
    ),
]
MaxRisk = Annotated[
    RiskLevel | None,
    typer.Option(help="The highest risk; what the policy calls irreversible_high counts as high.", show_default=False),
]
PerMinute = Annotated[
    str | None,
    typer.Option(
        help="New packages a minute, of every kind. Otherwise: 120 that wait for people.",
        metavar="N",
        callback=_limit,
        show_default=False,
    ),
]
MaxOpen = Annotated[
    str | None,
    typer.Option(
        help="Packages that are open at a time. Otherwise: 500.", metavar="N", callback=_limit, show_default=False
    ),
]


def scope_with(
    scope: KeyScope, may: list[str] | None, requesters: list[str] | None, risk: RiskLevel | None
) -> KeyScope:
    """Return the scope with the given options replaced."""
    limits_given = {"may": may or None, "requesters": requesters or None, "max_risk": risk}
    changes = {name: value for name, value in limits_given.items() if value is not None}
    try:
        return KeyScope.model_validate(scope.model_dump() | changes)
    except ValidationError as fault:
        raise typer.BadParameter(_sentence(fault)) from None


def _sentence(fault: ValidationError) -> str:
    first = fault.errors()[0]
    expected = {
        "may": "--may: an action type such as mail.send, or a pattern such as mail.*",
        "requesters": "--for: a Slack user id, an e-mail address, or a pattern such as *@example.com",
    }
    return f"{expected[str(first['loc'][0])]}; not {first['input']!r}"


def rates_with(rates: Rates, per_minute: str | None, max_open: str | None) -> Rates:
    changes = {"per_minute": per_minute, "max_open": max_open}
    numbers = {name: _parse_limit(text) for name, text in changes.items() if text is not None}
    try:
        return Rates.model_validate(rates.model_dump() | numbers)
    except ValidationError as fault:
        raise typer.BadParameter(f"at most {MAX_RATE:,}; write `{NONE}` for no limit") from fault


def _parse_limit(text: str) -> int | None:
    return None if text == DEFAULT else UNLIMITED if text == NONE else int(text)


def describe_limits(scope: KeyScope, rates: Rates) -> list[tuple[str, str]]:
    """The limits as pairs of title and text."""
    new_packages = f"{_at_most(rates.waiting)} a minute" if rates.waiting else _at_most(UNLIMITED)
    return [
        ("may propose", _list_patterns(scope.may, "all action types")),
        ("on behalf of", _list_patterns(scope.requesters, "anyone")),
        ("highest risk", str(scope.max_risk)),
        ("new packages", new_packages if rates.per_minute is not None else f"{new_packages} that wait for people"),
        ("open packages", _at_most(rates.open)),
    ]


def _list_patterns(patterns: tuple[str, ...], everything: str) -> str:
    return everything if "*" in patterns else ", ".join(patterns)


def _at_most(limit: int) -> str:
    return "no limit" if limit == UNLIMITED else f"at most {limit:,}"


def limits_document(scope: KeyScope, rates: Rates) -> dict[str, Any]:
    limits = {
        "per_minute": rates.per_minute,
        "waiting_per_minute": rates.waiting or None,
        "max_open": rates.open or None,
    }
    return scope.model_dump(mode="json") | limits
