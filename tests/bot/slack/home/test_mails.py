"""The checkbox in App Home that says which mails a person wants."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from playground.client.delivery import AppRequest
from playground.model.views import View
from rules.state.events import TenantEventType
from store.mail.preferences import wants_takeovers_only
from store.mail.sending import BELIEVED_FOR, say_mails_are_sent
from tests.bot.slack.home.test_home import at_home, home
from tests.bot.slack.office import NOBODY, RITA, ROSS, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BOX, LABEL = "home_mails", "Mails other than takeovers"
CHANGED = TenantEventType.PERSON_MAILS_CHANGED.value


@pytest.fixture(autouse=True)
async def mail_is_on(office: Office) -> None:
    """Another process sends the mails: this one has no mail server."""
    await office.world.write(lambda connection: say_mails_are_sent(connection, office.clock()))


async def only_takeovers(office: Office, user: str) -> bool:
    tenant_id = office.store.installation.tenant_id
    return await office.world.read(lambda connection: wants_takeovers_only(connection, tenant_id, user))


def is_ticked(view: View) -> bool:
    (box,) = [element for element in view.elements if element.action_id == BOX]
    return bool(box.data.get("initial_options"))


async def tick(office: Office, user: str, *options: str) -> None:
    assert (await office.slack.click_home(user, BOX, option=list(options))).ok
    await office.finish_background()


async def test_everyone_gets_all_mails_until_they_untick_the_box(office: Office) -> None:
    assert is_ticked(await home(office, RITA))
    await tick(office, RITA)
    assert not is_ticked(at_home(office, RITA))
    assert await only_takeovers(office, RITA)
    assert not await only_takeovers(office, ROSS)


async def test_ticking_the_box_again_brings_the_mails_back(office: Office) -> None:
    await home(office, RITA)
    await tick(office, RITA)
    await tick(office, RITA, LABEL)
    assert is_ticked(at_home(office, RITA))
    assert not await only_takeovers(office, RITA)


async def test_each_change_is_an_event(office: Office) -> None:
    await home(office, RITA)
    await tick(office, RITA)
    await tick(office, RITA, LABEL)
    query = text("SELECT actor FROM tenant_events WHERE event_type = :kind").bindparams(kind=CHANGED)
    actors = await office.world.read(lambda connection: connection.execute(query).scalars().all())
    assert actors == [RITA, RITA]


async def test_the_same_click_twice_counts_once(office: Office) -> None:
    await home(office, RITA)
    outcome = await office.slack.click_home(RITA, BOX, option=[])
    await tick(office, RITA, LABEL)
    await office.slack.redeliver(outcome)
    await office.finish_background()
    assert not await only_takeovers(office, RITA)


async def test_someone_without_a_role_can_choose_too(office: Office) -> None:
    assert is_ticked(await home(office, NOBODY))


async def test_a_service_without_mail_has_no_box(office: Office) -> None:
    await office.passes(BELIEVED_FOR)
    view = await home(office, RITA)
    assert BOX not in view.action_ids
    assert "mail" not in view.shown


@pytest.mark.parametrize("options", [None, [{"value": "x" * 150}], []])
async def test_a_click_with_other_options_than_ours_does_no_harm(office: Office, options: list[object] | None) -> None:
    await home(office, RITA)
    client = office.slack.client
    action = {"type": "checkboxes", "action_id": BOX, "block_id": "b", "selected_options": options}
    payload = client.payloads.on_view(client.person(RITA), at_home(office, RITA), action)
    assert (await client.delivery.send(AppRequest("interactive", payload))).status == 200
