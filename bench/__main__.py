"""`python -m bench [NAME …]`: any of those below; without a name, all but the sizes and the profile.

`python -m bench against COMMIT [ROUNDS]` compares this tree with another commit.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from bench import (
    against,
    callbacks,
    cards,
    claims,
    clicks,
    delivery,
    http,
    pending,
    profile,
    replicas,
    restart,
    road,
    sizes,
    timers,
)
from bench.world import databases

SUBMISSIONS = 1_000
WHOLE_WAYS, AT_ONCE = 2_000, 64
CLICKS, CLICKING = 1_000, 16


EACH = ("road", "http", "claims", "clicks", "pending", "cards", "timers", "restart", "callbacks", "delivery")


def main() -> None:
    match sys.argv[1:]:
        case ["against", *arguments]:
            against.main(arguments)
        case wanted:
            _run(wanted or EACH)


def _run(wanted: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: there is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}")
    with databases() as where:
        for name in wanted:
            BENCHES[name](where)
            print(flush=True)


def _road(where: dict[str, str]) -> None:
    print("Submit and decide down the one road: transactions a second, beside the raw driver writing the same rows")
    print(f"{'database':<12}{'at once':>8}{'ours':>10}{'raw':>10}{'ratio':>8}{'asked':>8}", flush=True)
    for its in asyncio.run(road.run(where, SUBMISSIONS)):
        told = f"{its.database:<12}{its.at_once:>8}{its.ours:>10.0f}{its.raw:>10.0f}{its.ratio:>8.2f}"
        print(f"{told}{road.ASKED[its.database]:>8.2f}")


def _http(where: dict[str, str]) -> None:
    print(f"The whole way over HTTP (post, decide, long poll released): {WHOLE_WAYS} at {AT_ONCE}, one process")
    print("Beside it the raw driver writing the same rows: no HTTP, no rules, no audit")
    print(f"{'database':<12}{'a second':>10}{'asked':>8}{'p50 ms':>10}{'p99 ms':>10}{'raw':>8}{'ratio':>8}", flush=True)
    for kind, (ours, raw) in asyncio.run(http.run(where, WHOLE_WAYS, AT_ONCE)).items():
        asked, p50, p99 = http.ASKED.get(kind, "–"), ours.p50 * 1000, ours.p99 * 1000
        told = f"{kind:<12}{ours.rate:>10.0f}{asked:>8}{p50:>10.0f}{p99:>10.0f}"
        print(f"{told}{raw:>8.0f}{ours.rate / raw:>8.2f}")


def _claims(where: dict[str, str]) -> None:
    print(f"Claims of approved packages, a second: {SUBMISSIONS} on each database, one process")
    print(f"{'database':<12}{'at once':>8}{'a second':>10}", flush=True)
    for its in asyncio.run(claims.run(where, SUBMISSIONS)):
        print(f"{its.database:<12}{its.at_once:>8}{its.rate:>10.0f}")


def _clicks(where: dict[str, str]) -> None:
    print(
        f"Signed clicks, from the request to the committed decision and the answer: {CLICKS} at {CLICKING}, one process"
    )
    print(f"Asked on SQLite: {clicks.ASKED_RATE} a second, and p99 below {clicks.ASKED_P99_MS} ms")
    print(f"{'database':<12}{'a second':>10}{'p50 ms':>10}{'p99 ms':>10}{'raw':>8}{'ratio':>8}", flush=True)
    for kind, its in asyncio.run(clicks.run(where, CLICKS, CLICKING)).items():
        told = f"{kind:<12}{its.rate:>10.0f}{its.p50 * 1000:>10.0f}{its.p99 * 1000:>10.0f}"
        print(f"{told}{its.raw:>8.0f}{its.rate / its.raw:>8.2f}")


def _pending(where: dict[str, str]) -> None:
    print(f"One more with {pending.MANY:,} pending, beside {pending.FEW:,} (asked: at most 1.2, below 250 MB)")
    print(f"{'database':<12}{'few us':>10}{'many us':>10}{'ratio':>8}{'memory MB':>11}", flush=True)
    for its in asyncio.run(pending.run(where)):
        print(f"{its.database:<12}{its.few_us:>10.0f}{its.many_us:>10.0f}{its.ratio:>8.2f}{its.memory_mb:>11.0f}")


def _cards(where: dict[str, str]) -> None:
    print(f"Drawing cards and Details, and checking a card: median of {cards.ROUNDS:,}, beside json.dumps of them")
    print(f"{'what':<12}{'ours us':>10}{'json us':>10}{'ratio':>8}{'asked':>8}", flush=True)
    for its in asyncio.run(cards.run(where)):
        told = f"{its.what:<12}{its.ours_us:>10.0f}{its.json_us:>10.0f}{its.ratio:>8.2f}"
        print(f"{told}{cards.ASKED.get(its.what, '–'):>8}")


def _timers(where: dict[str, str]) -> None:
    print(f"{timers.PENDING:,} pending, {timers.DUE:,} due in {timers.WITHIN.seconds} s, one look in {timers.TICK:g} s")
    print(
        f"Asked: each once, p99 at most {timers.ASKED_P99_MS:.0f} ms late, an idle look below {timers.ASKED_IDLE_MS} ms"
    )
    print(
        f"{'database':<12}{'processes':>10}{'p50 ms':>10}{'p99 ms':>10}{'fired':>8}{'twice':>8}{'idle ms':>9}",
        flush=True,
    )
    for its in asyncio.run(timers.run(where)):
        told = f"{its.database:<12}{its.processes:>10}{its.p50_ms:>10.0f}{its.p99_ms:>10.0f}"
        print(f"{told}{its.fired:>8}{its.twice:>8}{its.idle_ms:>9.1f}", flush=True)


def _restart(where: dict[str, str]) -> None:
    print(f"Started on {restart.PENDING:,} pending, beside a start on none: from the command to the first answer")
    print(f"Asked: at most {restart.ASKED_S} s. p99: of requests one after another in its first seconds")
    print(f"{'database':<12}{'none s':>10}{'many s':>10}{'ratio':>8}{'p99 ms':>10}", flush=True)
    for its in asyncio.run(restart.run(where)):
        told = f"{its.database:<12}{its.none_s:>10.2f}{its.many_s:>10.2f}{its.many_s / its.none_s:>8.2f}"
        print(f"{told}{its.p99_ms:>10.0f}")


def _callbacks(where: dict[str, str]) -> None:
    told = f"{callbacks.RECEIVERS:,} receivers (one server, a path and an agent each)"
    print(f"{told}, {callbacks.AT_ONCE} decisions at once")
    print(
        f"One hangs, with {callbacks.HANGING} to be told. Asked of the others: p99 below {callbacks.ASKED_P99_MS:,} ms"
    )
    print(
        f"{'database':<12}{'told':>8}{'decided/s':>11}{'p50 ms':>10}{'p99 ms':>10}{'most ms':>10}{'hanging':>9}",
        flush=True,
    )
    for its in asyncio.run(callbacks.run(where)):
        row = f"{its.database:<12}{its.told:>8}{its.rate:>11.0f}{its.p50_ms:>10.0f}{its.p99_ms:>10.0f}"
        print(f"{row}{its.most_ms:>10.0f}{its.hanging:>9}", flush=True)


def _replicas(where: dict[str, str]) -> None:
    print(f"Replicas on one PostgreSQL: {WHOLE_WAYS} whole ways at {AT_ONCE}, each decided at another replica")
    print(f"Asked: three do no less than one. They share {os.cpu_count()} cores with PostgreSQL and with this bench")
    print(f"{'processes':<12}{'a second':>10}{'ratio':>8}", flush=True)
    one, *others = asyncio.run(replicas.run(where, WHOLE_WAYS, AT_ONCE))
    for its in (one, *others):
        print(f"{its.processes:<12}{its.rate:>10.0f}{its.rate / one.rate:>8.2f}")


def _sizes(where: dict[str, str]) -> None:
    print(f"{sizes.PACKAGES:,} packages, each handed in, shown, approved and shown again: what the database grew by")
    print(f"{'database':<12}{'bytes each':>12}{'a second':>10}", flush=True)
    for its in asyncio.run(sizes.run(where)):
        print(f"{its.database:<12}{its.bytes_each:>12,.0f}{its.a_second:>10.0f}", flush=True)


def _delivery(where: dict[str, str]) -> None:
    told = f"{delivery.CARDS:,} cards into {len(delivery.CHANNELS)} channels, Slack's clock at {delivery.SPEED:g} times"
    print(f"{told} its speed; it permits them in {delivery.permitted(delivery.CARDS):.1f} s")
    print(f"Asked: {delivery.ASKED_PERCENT} % of that used, no 429, and the {delivery.CRITICAL} critical ones first")
    print(f"{'database':<12}{'processes':>10}{'cards':>8}{'seconds':>9}{'used %':>8}{'429s':>7}{'last critical':>15}")
    asyncio.run(delivery.run(where, _delivered))


def _delivered(its: delivery.Result) -> None:
    row = f"{its.database:<12}{its.processes:>10}{its.cards:>8}{its.seconds:>9.1f}{its.used_percent:>8.1f}"
    print(f"{row}{its.refused:>7}{its.last_critical:>15}", flush=True)


BENCHES: dict[str, Callable[[dict[str, str]], None]] = {
    "road": _road,
    "http": _http,
    "claims": _claims,
    "clicks": _clicks,
    "pending": _pending,
    "cards": _cards,
    "timers": _timers,
    "restart": _restart,
    "callbacks": _callbacks,
    "replicas": _replicas,
    "delivery": _delivery,
    "sizes": _sizes,
    "profile": profile.run,
}

if __name__ == "__main__":
    main()
