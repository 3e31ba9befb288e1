"""The sample workspace, Northport Inspectorate: people in every role, and the channels where they are asked."""

from __future__ import annotations

import secrets

from playground.model.rates import Rates
from playground.model.setup import SlackSetup
from playground.model.workspace import Command, Workspace

OWNER = "UOMAR"  # owns the agents
REQUESTER = "UNORA"  # requests most of their actions

MEMBERS = {  # the name, the full name and the title, by user id
    "URITA": ("Rita", "Rita Reyes", "Reviewer"),
    "UROSS": ("Ross", "Ross Okafor", "Reviewer"),
    "USENTA": ("Senta", "Senta Lindqvist", "Senior reviewer"),
    "USVEN": ("Sven", "Sven Haas", "Senior reviewer"),
    "USUSAN": ("Susan", "Susan Park", "Supervisor"),
    "UDORA": ("Dora", "Dora Marchetti", "Director"),
    REQUESTER: ("Nora", "Nora Quist", "Senior, and requester"),
    OWNER: ("Omar", "Omar Bakri", "Owner of the agents"),
    "UADAM": ("Adam", "Adam Novak", "Runs Countersign"),
}
GUEST = "UGAIL"
REVIEWS = Command(  # as in manifest.yml
    "/reviews",
    hint="[queue | mine | threads | show ID | stats 7d | away | back | help]",
    description="Lists what waits for you or for others",
)
SENDER = "Countersign <countersign@northport.example>"
CHANNELS = {"C0REVIEWS": "reviews", "C0ENFORCE": "enforcement", "C0DATA": "data-protection"}


def new_workspace() -> Workspace:
    """With Slack's real rate limits, and a secret that only this process knows."""
    return Workspace(
        signing_secret=secrets.token_hex(16),
        rates=Rates(),
        team_id="T0NORTHPORT",
        domain="northport",
        commands=(REVIEWS,),
    )


def furnish(slack: SlackSetup) -> None:
    """Adds the people, channels and group of the demo."""
    for user, (name, real_name, title) in MEMBERS.items():
        email = f"{name.lower()}@northport.example"
        slack.add_person(user, name, real_name=real_name, title=title, email=email, admin=user == "UADAM")
    slack.add_person(
        GUEST, "Gail", real_name="Gail Winters", title="Consultant", email="gail@consulting.example", guest="multi"
    )
    for channel, name in CHANNELS.items():
        slack.add_channel(channel, name, members=[*MEMBERS, GUEST])
    slack.add_channel("C0ADMINS", "countersign-admins", members=["UADAM", OWNER], private=True)
    slack.add_group("S0SENIORS", ["USENTA", "USVEN", REQUESTER], handle="senior-reviewers", name="Senior reviewers")
