"""Northport Inspectorate, the sample workspace: somebody of every role, and the channels in which they are asked."""

from __future__ import annotations

import secrets

from playground.rates import Rates
from playground.setting import Setting
from playground.workspace import Workspace

OWNER = "UOMAR"  # answers for the agents
REQUESTER = "UNORA"  # asks them for most of what they do

MEMBERS = {
    "URITA": ("Rita", "Rita Reyes"),
    "UROSS": ("Ross", "Ross Okafor"),
    "USENTA": ("Senta", "Senta Lindqvist"),
    "USVEN": ("Sven", "Sven Haas"),
    "USUSAN": ("Susan", "Susan Park"),
    "UDORA": ("Dora", "Dora Marchetti"),
    REQUESTER: ("Nora", "Nora Quist"),
    OWNER: ("Omar", "Omar Bakri"),
    "UADAM": ("Adam", "Adam Novak"),
}
GUEST = "UGAIL"
CHANNELS = {"C0REVIEWS": "reviews", "C0ENFORCE": "enforcement", "C0DATA": "data-protection"}


def made() -> Workspace:
    """With Slack's own rates, and a secret that nobody but this process ever has."""
    return Workspace(
        signing_secret=secrets.token_hex(16),
        rates=Rates(),
        team_id="T0NORTHPORT",
        domain="northport",
        commands=frozenset(["/reviews"]),
    )


def furnish(slack: Setting) -> None:
    for user, (name, real_name) in MEMBERS.items():
        email = f"{name.lower()}@northport.example"
        slack.add_person(user, name, real_name=real_name, email=email, admin=user == "UADAM")
    slack.add_person(GUEST, "Gail", real_name="Gail Winters", email="gail@consulting.example", guest="multi")
    for channel, name in CHANNELS.items():
        slack.add_channel(channel, name, members=[*MEMBERS, GUEST])
    slack.add_channel("C0ADMINS", "countersign-admins", members=["UADAM", OWNER], private=True)
    slack.add_group("S0SENIORS", ["USENTA", "USVEN", REQUESTER], handle="senior-reviewers", name="Senior reviewers")
