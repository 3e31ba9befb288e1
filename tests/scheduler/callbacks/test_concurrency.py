"""The limits: in total, per agent, per address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.callbacks.concurrency import IN_ALL, OF_ADDRESS, OF_AGENT, ConcurrencyLimits
from store.outbox.callbacks import Urgency
from store.outbox.deliveries import DueCallback

AGENTS = st.sampled_from([f"agt_{number}" for number in range(8)])
URLS = st.sampled_from([f"https://{number}.example/" for number in range(40)])
DUES = st.lists(st.builds(DueCallback, st.uuids().map(str), AGENTS, URLS, st.just(Urgency.CALLBACK)), max_size=600)


def many(count: int, agent: str = "agt_1", url: str = "https://{}.example/") -> list[DueCallback]:
    return [DueCallback(f"{agent} {number}", agent, url.format(number)) for number in range(count)]


def test_one_address_gets_no_more_than_its_limit() -> None:
    assert len(ConcurrencyLimits().admit(many(100, url="https://one.example/"))) == OF_ADDRESS


def test_one_agent_gets_no_more_than_its_limit_whatever_its_addresses() -> None:
    assert len(ConcurrencyLimits().admit(many(500))) == OF_AGENT


def test_the_same_address_of_two_agents_counts_separately() -> None:
    limits, url = ConcurrencyLimits(), "https://one.example/"
    assert len(limits.admit(many(9, "agt_1", url) + many(9, "agt_2", url))) == 2 * OF_ADDRESS


def test_a_released_callback_makes_room() -> None:
    limits = ConcurrencyLimits()
    [first, *_] = limits.admit(many(100, url="https://one.example/"))
    assert limits.full_addresses == [("agt_1", "https://one.example/")]
    limits.release(first)
    assert (limits.full_addresses, limits.room(Urgency.CALLBACK)) == ([], IN_ALL - OF_ADDRESS + 1)


@given(DUES, st.data())
def test_no_limit_is_ever_exceeded_and_released_callbacks_leave_no_trace(
    dues: list[DueCallback], data: st.DataObject
) -> None:
    limits = ConcurrencyLimits()
    entered = limits.admit(dues)
    assert len(entered) == IN_ALL - limits.room(Urgency.CALLBACK) <= IN_ALL
    for due in entered:
        assert sum(admitted.agent_id == due.agent_id for admitted in entered) <= OF_AGENT
        assert sum(admitted[1:] == due[1:] for admitted in entered) <= OF_ADDRESS
    for due in entered:
        limits.release(due)
    assert (limits.room(Urgency.CALLBACK), limits.full_agents, limits.full_addresses) == (IN_ALL, [], [])


def test_callbacks_leave_the_mails_their_room_and_mails_leave_two_places_to_takeovers() -> None:
    limits = ConcurrencyLimits()
    limits.admit([DueCallback(f"msg_{number}", f"agt_{number}", "https://one.example/") for number in range(300)])
    mails = [DueCallback(f"mail_{number}", f"U{number}", f"mail to U{number}", Urgency.MAIL) for number in range(9)]
    takeovers = [mail._replace(urgency=Urgency.TAKEOVER) for mail in mails]
    assert (len(limits.admit(mails)), len(limits.admit(takeovers))) == (6, 2)


def test_takeovers_may_use_all_places_of_mails() -> None:
    limits = ConcurrencyLimits()
    takeovers = [DueCallback(f"mail_{n}", f"U{n}", f"mail to U{n}", Urgency.TAKEOVER) for n in range(9)]
    assert (len(limits.admit(takeovers)), limits.room(Urgency.MAIL)) == (8, 0)
