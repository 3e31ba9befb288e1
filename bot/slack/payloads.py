"""The shape of what Slack sends, as far as we read it.

Bolt and the listeners read payloads as plain dictionaries. Each payload is checked against these models first, because
a signature says who sent it, not that it makes sense. The models only check. Fields that no model names may be
anything: Slack adds new ones.
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
from bot.slack.events import rooms, workspace
from bot.slack.transport.probe import PROBE

_SHOWN = 100  # characters of a name that a log shows
_Id = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
_Token = Annotated[StrictStr, StringConstraints(pattern=r"^[ -~]{1,1000}$")]
_Text = Annotated[StrictStr, StringConstraints(pattern=r"^[^\x00]*$")]  # which no database takes
_Name = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
_Stamp = Annotated[StrictStr, StringConstraints(pattern=r"^[0-9]{1,11}(\.[0-9]{1,9})?$")]
_Seconds = Annotated[StrictInt, Field(ge=0, lt=253_402_300_800)]  # up to the year 9999


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Kind(_Part):
    """What every payload begins with. All other types belong to parts of Slack that this app does not use."""

    type: Literal["event_callback", "block_actions", "view_submission", "url_verification"] | None = None
    command: Any = None
    event: Any = None


class _Place(_Part):
    """A workspace or an enterprise."""

    id: _Id | None = None


class _User(_Part):
    id: _Id
    team_id: _Id | None = None


class _Option(_Part):
    value: _Text | None = None


class _Chosen(_Part):
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
    """A view in which something was clicked."""

    id: _Id
    hash: _Token
    type: _Text | None = None
    callback_id: _Text | None = None
    private_metadata: _Text = ""
    app_installed_team_id: _Id | None = None


class _Input(_Part):
    """Something that was filled in. Slack gives each type its own name for the value."""

    type: _Text | None = None
    value: _Text | None = None
    selected_option: _Option | None = None
    selected_options: list[_Chosen] | None = None
    selected_date_time: _Seconds | None = None
    selected_user: _Id | None = None


_KINDS: Mapping[str, str] = {  # of what is read before the command is made, which refuses other values itself
    FormField.UNTIL: "datetimepicker",
    FormField.PARAMETERS: "plain_text_input",
    FormField.EVIDENCE_REFS: "plain_text_input",
}


class _Values(_Part):
    values: dict[str, dict[str, _Input]] | None = None

    @model_validator(mode="after")
    def _each_input_is_that_of_its_block(self) -> Self:
        for block, inputs in (self.values or {}).items():
            if block in set(FormField) and block not in inputs:
                raise ValueError("an input of another name")
            if block in _KINDS and inputs[block].type != _KINDS[block]:
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
    team: _Place | None = None
    enterprise: _Place | None = None
    trigger_id: _Token
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
    trigger_id: _Token
    text: _Text | None = None
    team_id: _Id | None = None
    enterprise_id: _Id | None = None


class _Happened(_Part):
    type: _Name


class _Installed(_Part):
    team_id: _Id | None = None
    enterprise_id: _Id | None = None


class _Event(_Installed):
    event: _Happened
    event_id: _Token
    event_time: _Seconds
    authorizations: list[_Installed] | None = None


class _Probe(_Part):
    """An event of our own, which is not told as Slack tells its own."""

    event: _Happened


class _Stamped(_Happened):
    event_ts: _Stamp | _Seconds | None = None


class _HomeOpened(_Happened):
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


class _RoomChanged(_Happened):
    channel: _Id


class _Renumbered(_Happened):
    old_channel_id: _Id
    new_channel_id: _Id


class _MemberMoved(_RoomChanged):
    user: _Id


class _Tokens(_Part):
    bot: list[_Id] | None = None


class _Revoked(_Happened):
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
    **dict.fromkeys((*rooms.SHUT, *rooms.OPENED), _RoomChanged),
    rooms.MOVED: _Renumbered,
    "member_left_channel": _MemberMoved,
    "member_joined_channel": _MemberMoved,
    "tokens_revoked": _Revoked,
}


def fault_in(body: object) -> str | None:
    """The name of what is not as Slack sends it; nothing, if all of it is."""
    try:
        for model, part in _parts(body):
            model.model_validate(part)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False, include_context=False)[0]
        return ".".join(str(part) for part in first["loc"])[:_SHOWN] or "body"
    return None


def _parts(body: object) -> Iterator[tuple[type[_Part], object]]:
    """What is to be held against what. Each is, before the next one is looked for."""
    its = _Kind.model_validate(body)
    match its.type:
        case "event_callback":
            happened = _Happened.model_validate(its.event)
            yield (_Probe if happened.type == PROBE else _Event), body
            yield _EVENTS.get(happened.type, _Happened), its.event
        case None:
            yield _Command if its.command is not None else _Kind, body
        case kind:
            yield _INTERACTIONS[kind], body
