"""The shape of Slack's payloads, as far as we read them.

Bolt and the listeners read payloads as plain dictionaries. Each payload is checked against these models first, because
a signature proves who sent it, not that it is well-formed. Fields that no model names may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from blocks.kit.ids import Field as FormField
from bot.slack.events import channels, workspace
from bot.slack.transport.probe import PROBE

_MAX_LOGGED = 100  # characters of a field's path
_Id = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
_Opaque = Annotated[StrictStr, StringConstraints(pattern=r"^[ -~]{1,1000}$")]  # an id in a form of Slack's choice
_Text = Annotated[StrictStr, StringConstraints(pattern=r"^[^\x00]*$")]  # databases reject NUL
_Name = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
_Stamp = Annotated[StrictStr, StringConstraints(pattern=r"^[0-9]{1,11}(\.[0-9]{1,9})?$")]
_Seconds = Annotated[StrictInt, Field(ge=0, lt=253_402_300_800)]  # up to the year 9999


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Kind(_Part):
    """The common part of all payloads. Other types belong to parts of Slack that this app does not use."""

    type: Literal["event_callback", "block_actions", "view_submission", "url_verification"] | None = None
    command: Any = None
    event: Any = None


class _Organization(_Part):
    """A workspace or an enterprise."""

    id: _Id | None = None


class _User(_Part):
    id: _Id
    team_id: _Id | None = None


class _Option(_Part):
    value: _Text | None = None


class _ChosenOption(_Part):
    value: _Text


class _Container(_Part):
    type: _Text | None = None
    is_ephemeral: StrictBool | None = None
    channel_id: _Id | None = None
    message_ts: _Stamp | None = None

    @model_validator(mode="after")
    def _names_its_message(self) -> Self:
        if self.type == "message" and not (self.channel_id and self.message_ts):
            raise ValueError("which message it is")
        return self


class _Action(_Part):
    type: _Text
    action_id: _Text
    block_id: _Text | None = None
    value: _Text | None = None
    selected_option: _Option | None = None


class _View(_Part):
    """A view in which a button was clicked."""

    id: _Id
    hash: _Opaque
    type: _Text | None = None
    callback_id: _Text | None = None
    private_metadata: _Text = ""
    app_installed_team_id: _Id | None = None


class _Input(_Part):
    """A filled-in input. Slack names the value differently for each type."""

    type: _Text | None = None
    value: _Text | None = None
    selected_option: _Option | None = None
    selected_options: list[_ChosenOption] | None = None
    selected_date: _Text | None = None
    selected_date_time: _Seconds | None = None
    selected_user: _Id | None = None


_INPUT_TYPES: Mapping[str, str] = {  # of inputs that are read before a command validates them
    FormField.UNTIL: "datetimepicker",
    FormField.EVIDENCE_REFS: "plain_text_input",
}


class _Values(_Part):
    values: dict[str, dict[str, _Input]] | None = None

    @model_validator(mode="after")
    def _inputs_match_their_blocks(self) -> Self:
        for block, inputs in (self.values or {}).items():
            if block in set(FormField) and block not in inputs:
                raise ValueError("an input of another name")
            if block in _INPUT_TYPES and inputs[block].type != _INPUT_TYPES[block]:
                raise ValueError("an input of another type")
        return self


class _Block(_Part):
    type: _Text
    block_id: _Text
    optional: StrictBool | None = None


class _SubmittedView(_View):
    callback_id: _Text
    blocks: list[_Block]
    state: _Values | None = None


class _Interaction(_Part):
    user: _User
    team: _Organization | None = None
    enterprise: _Organization | None = None
    trigger_id: _Opaque
    is_enterprise_install: StrictBool | None = None


class _Click(_Interaction):
    actions: Annotated[list[_Action], Field(min_length=1)]
    container: _Container | None = None
    response_url: _Text | None = None
    view: _View | None = None


class _Form(_Interaction):
    view: _SubmittedView


class _Command(_Part):
    command: _Text
    user_id: _Id
    trigger_id: _Opaque
    response_url: _Text | None = None
    text: _Text | None = None
    team_id: _Id | None = None
    enterprise_id: _Id | None = None


class _EventBase(_Part):
    type: _Name


class _Installed(_Part):
    team_id: _Id | None = None
    enterprise_id: _Id | None = None


class _Event(_Installed):
    event: _EventBase
    event_id: _Opaque
    event_time: _Seconds
    authorizations: list[_Installed] | None = None


class _Probe(_Part):
    """Our own event, which lacks the fields of Slack's events."""

    event: _EventBase


class _Stamped(_EventBase):
    event_ts: _Stamp | _Seconds | None = None


class _HomeOpened(_EventBase):
    user: _Id
    tab: _Text | None = None


class _Profile(_Part):
    display_name: _Text | None = None
    real_name: _Text | None = None
    email: _Text | None = None


class _Member(_User):
    name: _Text | None = None
    real_name: _Text | None = None
    profile: _Profile | None = None
    enterprise_user: _Installed | None = None


class _PersonChanged(_Stamped):
    user: _Member


class _Group(_Part):
    id: _Id
    users: list[_Id] | None = None


class _GroupChanged(_Stamped):
    subteam: _Group


class _MembersChanged(_Stamped):
    subteam_id: _Id
    added_users: list[_Id] | None = None
    removed_users: list[_Id] | None = None


class _ChannelChanged(_EventBase):
    channel: _Id


class _ChannelRenumbered(_EventBase):
    old_channel_id: _Id
    new_channel_id: _Id


class _ChannelMember(_ChannelChanged):
    user: _Id


class _Tokens(_Part):
    bot: list[_Id] | None = None


class _Revoked(_EventBase):
    tokens: _Tokens | None = None


class _Challenge(_Part):
    challenge: _Text


_INTERACTIONS: Mapping[str, type[_Part]] = {
    "block_actions": _Click,
    "view_submission": _Form,
    "url_verification": _Challenge,
}
_EVENTS: Mapping[str, type[_Part]] = {
    "app_home_opened": _HomeOpened,
    **dict.fromkeys(workspace.PEOPLE, _PersonChanged),
    **dict.fromkeys(workspace.GROUPS, _GroupChanged),
    workspace.MEMBERS: _MembersChanged,
    **dict.fromkeys((*channels.CLOSING, *channels.REOPENING), _ChannelChanged),
    channels.RENUMBERED: _ChannelRenumbered,
    "member_left_channel": _ChannelMember,
    "member_joined_channel": _ChannelMember,
    "tokens_revoked": _Revoked,
}


def fault_in(body: object) -> str | None:
    """The path of the first malformed field, or None if the payload is well-formed."""
    try:
        for model, part in _parts(body):
            model.model_validate(part)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False, include_context=False)[0]
        return ".".join(str(part) for part in first["loc"])[:_MAX_LOGGED] or "body"
    return None


def _parts(body: object) -> Iterator[tuple[type[_Part], object]]:
    """Pairs of model and payload. Each pair is checked before the next one is determined."""
    kind = _Kind.model_validate(body)
    match kind.type:
        case "event_callback":
            event = _EventBase.model_validate(kind.event)
            yield (_Probe if event.type == PROBE else _Event), body
            yield _EVENTS.get(event.type, _EventBase), kind.event
        case None:
            yield _Command if kind.command is not None else _Kind, body
        case interaction:
            yield _INTERACTIONS[interaction], body
