"""Run the benchmarks and print one table for each.

`python -m bench [NAME …]` runs the named ones; without a name, all but `replicas`, `sizes` and `profile`.
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
    commands,
    delivery,
    http,
    oversight,
    pending,
    profile,
    replay,
    replicas,
    restart,
    sizes,
    threads,
    timers,
)
from bench.world import databases, log_to_stderr

SUBMISSIONS = 1_000
ROUND_TRIPS, CONCURRENCY = 2_000, 64
CLICKS, CLICK_CONCURRENCY = 1_000, 16
THREADS = 200


DEFAULT_BENCHES = (
    "commands",
    "http",
    "claims",
    "clicks",
    "pending",
    "oversight",
    "replay",
    "cards",
    "timers",
    "restart",
    "callbacks",
    "delivery",
    "threads",
)


def main() -> None:
    log_to_stderr()
    match sys.argv[1:]:
        case ["against", *arguments]:
            against.main(arguments)
        case names:
            _run(names or DEFAULT_BENCHES)


def _run(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: unknown benchmark {unknown[0]!r}. Choose from: {', '.join(BENCHES)}")
    with databases() as urls:
        for name in names:
            BENCHES[name](urls)
            print(flush=True)


def _commands(urls: dict[str, str]) -> None:
    print("Submit and decide without HTTP: transactions per second, compared with the raw driver writing the same rows")
    print(f"{'database':<12}{'at once':>8}{'ours':>10}{'raw':>10}{'ratio':>8}{'target':>8}", flush=True)
    for result in asyncio.run(commands.run(urls, SUBMISSIONS)):
        line = f"{result.database:<12}{result.at_once:>8}{result.ours:>10.0f}{result.raw:>10.0f}{result.ratio:>8.2f}"
        print(f"{line}{commands.TARGET[result.database]:>8.2f}")


def _http(urls: dict[str, str]) -> None:
    print(f"Round trips over HTTP (post, decide, long poll returns): {ROUND_TRIPS}, {CONCURRENCY} at once, one process")
    print("Compared with the raw driver writing the same rows: no HTTP, no rules, no audit")
    columns = f"{'database':<12}{'per second':>12}{'target':>8}{'p50 ms':>10}{'p99 ms':>10}{'raw':>8}{'ratio':>8}"
    print(columns, flush=True)
    for kind, (ours, raw) in asyncio.run(http.run(urls, ROUND_TRIPS, CONCURRENCY)).items():
        target, p50, p99 = http.TARGET.get(kind, "–"), ours.p50 * 1000, ours.p99 * 1000
        line = f"{kind:<12}{ours.rate:>12.0f}{target:>8}{p50:>10.0f}{p99:>10.0f}"
        print(f"{line}{raw:>8.0f}{ours.rate / raw:>8.2f}")


def _claims(urls: dict[str, str]) -> None:
    print(f"Claims of approved packages per second: {SUBMISSIONS} on each database, one process")
    print(f"{'database':<12}{'at once':>8}{'per second':>12}", flush=True)
    for result in asyncio.run(claims.run(urls, SUBMISSIONS)):
        print(f"{result.database:<12}{result.at_once:>8}{result.rate:>12.0f}")


def _clicks(urls: dict[str, str]) -> None:
    print("Signed clicks, from the request to the committed decision and the answer")
    print(f"{CLICKS} clicks, {CLICK_CONCURRENCY} at once, one process")
    print(f"Target on SQLite: {clicks.TARGET_RATE} per second, p99 below {clicks.TARGET_P99_MS} ms")
    print(f"{'database':<12}{'per second':>12}{'p50 ms':>10}{'p99 ms':>10}{'raw':>8}{'ratio':>8}", flush=True)
    for kind, result in asyncio.run(clicks.run(urls, CLICKS, CLICK_CONCURRENCY)).items():
        line = f"{kind:<12}{result.rate:>12.0f}{result.p50 * 1000:>10.0f}{result.p99 * 1000:>10.0f}"
        print(f"{line}{result.raw:>8.0f}{result.rate / result.raw:>8.2f}")


def _pending(urls: dict[str, str]) -> None:
    print(f"One more package with {pending.MANY:,} pending, compared with {pending.FEW:,}")
    print("Target: a ratio of at most 1.2, and below 250 MB")
    print(f"{'database':<12}{'few us':>10}{'many us':>10}{'ratio':>8}{'memory MB':>11}", flush=True)
    for result in asyncio.run(pending.run(urls)):
        line = f"{result.database:<12}{result.few_us:>10.0f}{result.many_us:>10.0f}{result.ratio:>8.2f}"
        print(f"{line}{result.memory_mb:>11.0f}")


def _oversight(urls: dict[str, str]) -> None:
    print(
        f"The measures of human control over {oversight.PACKAGES:,} packages of one month: median of {oversight.ROUNDS}"
    )
    print(f"Target: below {oversight.TARGET_MS} ms")
    print(f"{'database':<12}{'divided by':<12}{'ms':>8}", flush=True)
    for result in asyncio.run(oversight.run(urls)):
        print(f"{result.database:<12}{result.divided_by:<12}{result.ms:>8.0f}", flush=True)


def _replay(urls: dict[str, str]) -> None:
    print(f"A policy replayed on {replay.PACKAGES:,} packages and their events")
    print(f"Target: below {replay.TARGET_S} s")
    print(f"{'database':<12}{'packages':>10}{'replayed':>10}{'seconds':>9}{'memory MB':>11}", flush=True)
    for result in asyncio.run(replay.run(urls)):
        line = f"{result.database:<12}{result.packages:>10}{result.replayed:>10}{result.seconds:>9.1f}"
        print(f"{line}{result.memory_mb:>11.0f}", flush=True)


def _cards(urls: dict[str, str]) -> None:
    print(
        f"Render cards and Details, and validate a card: median of {cards.ROUNDS:,}, compared with json.dumps of them"
    )
    print(f"{'piece':<12}{'ours us':>10}{'json us':>10}{'ratio':>8}{'target':>8}", flush=True)
    for result in asyncio.run(cards.run(urls)):
        line = f"{result.piece:<12}{result.ours_us:>10.0f}{result.json_us:>10.0f}{result.ratio:>8.2f}"
        print(f"{line}{cards.TARGET.get(result.piece, '–'):>8}")


def _threads(urls: dict[str, str]) -> None:
    print("From a person's command for a thread to the answer of its agent's long poll at another replica, PostgreSQL")
    print(f"Target: p99 below {threads.TARGET_MS} ms")
    print(f"{'thread':<12}{'p50 ms':>10}{'p99 ms':>10}", flush=True)
    for result in asyncio.run(threads.run(urls, THREADS)):
        print(f"{result.command:<12}{result.p50_ms:>10.0f}{result.p99_ms:>10.0f}")


def _timers(urls: dict[str, str]) -> None:
    print(
        f"{timers.PENDING:,} pending, {timers.DUE:,} due in {timers.WITHIN.seconds} s, a sweep every {timers.TICK:g} s"
    )
    lateness, idle = (
        f"p99 at most {timers.TARGET_P99_MS:.0f} ms late",
        f"an idle sweep below {timers.TARGET_IDLE_MS} ms",
    )
    print(f"Target: each fires once, {lateness}, {idle}")
    columns = f"{'database':<12}{'processes':>10}{'p50 ms':>10}{'p99 ms':>10}{'fired':>8}{'twice':>8}{'idle ms':>9}"
    print(columns, flush=True)
    for result in asyncio.run(timers.run(urls)):
        line = f"{result.database:<12}{result.processes:>10}{result.p50_ms:>10.0f}{result.p99_ms:>10.0f}"
        print(f"{line}{result.fired:>8}{result.twice:>8}{result.idle_ms:>9.1f}", flush=True)


def _restart(urls: dict[str, str]) -> None:
    print(f"A start with {restart.PENDING:,} pending, compared with an empty database: seconds until the first answer")
    print(
        f"Target: at most {restart.TARGET_S} s. p99: of consecutive requests in the first {restart.DURATION:g} seconds"
    )
    print(f"{'database':<12}{'none s':>10}{'many s':>10}{'ratio':>8}{'p99 ms':>10}", flush=True)
    for result in asyncio.run(restart.run(urls)):
        line = f"{result.database:<12}{result.none_s:>10.2f}{result.many_s:>10.2f}{result.many_s / result.none_s:>8.2f}"
        print(f"{line}{result.p99_ms:>10.0f}")


def _callbacks(urls: dict[str, str]) -> None:
    receivers = f"{callbacks.RECEIVERS:,} receivers (one server; a path and an agent for each)"
    print(f"{receivers}, {callbacks.CONCURRENCY} decisions at once")
    print(f"One of them hangs and has {callbacks.HANGING} callbacks")
    print(f"Target for the others: p99 below {callbacks.TARGET_P99_MS:,} ms")
    times = f"{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}"
    columns = f"{'database':<12}{'delivered':>10}{'decided/s':>11}{times}{'hanging':>9}"
    print(columns, flush=True)
    for result in asyncio.run(callbacks.run(urls)):
        times = f"{result.p50_ms:>10.0f}{result.p99_ms:>10.0f}{result.max_ms:>10.0f}"
        line = f"{result.database:<12}{result.delivered:>10}{result.rate:>11.0f}{times}{result.hanging:>9}"
        print(line, flush=True)


def _replicas(urls: dict[str, str]) -> None:
    print(
        f"Replicas on one PostgreSQL: {ROUND_TRIPS} round trips, {CONCURRENCY} at once, each decided at another replica"
    )
    print(f"Target: three are no slower than one. They share {os.cpu_count()} cores with PostgreSQL and this benchmark")
    print(f"{'processes':<12}{'per second':>12}{'ratio':>8}", flush=True)
    one, *rest = asyncio.run(replicas.run(urls, ROUND_TRIPS, CONCURRENCY))
    for result in (one, *rest):
        print(f"{result.processes:<12}{result.rate:>12.0f}{result.rate / one.rate:>8.2f}")


def _sizes(urls: dict[str, str]) -> None:
    print(f"Database growth for {sizes.PACKAGES:,} packages, each submitted, rendered, approved and rendered again")
    print(f"{'database':<12}{'bytes each':>12}{'per second':>12}", flush=True)
    for result in asyncio.run(sizes.run(urls)):
        print(f"{result.database:<12}{result.bytes_per_package:>12,.0f}{result.rate_per_second:>12.0f}", flush=True)


def _delivery(urls: dict[str, str]) -> None:
    channels, speed = len(delivery.CHANNELS), f"{delivery.SPEED:g} times as fast"
    print(f"{delivery.CARDS:,} cards into {channels} channels, with Slack's clock {speed}")
    print(f"Slack's limits permit them in {delivery.permitted_seconds(delivery.CARDS):.1f} s")
    print(f"Target: use {delivery.TARGET_PERCENT} % of that, no 429, and the {delivery.CRITICAL} critical ones first")
    print(f"{'database':<12}{'processes':>10}{'cards':>8}{'seconds':>9}{'used %':>8}{'429s':>7}{'last critical':>15}")
    asyncio.run(delivery.run(urls, _print_delivery))


def _print_delivery(result: delivery.Result) -> None:
    line = f"{result.database:<12}{result.processes:>10}{result.cards:>8}{result.seconds:>9.1f}"
    print(f"{line}{result.used_percent:>8.1f}{result.refused:>7}{result.last_critical:>15}", flush=True)


BENCHES: dict[str, Callable[[dict[str, str]], None]] = {
    "commands": _commands,
    "http": _http,
    "claims": _claims,
    "clicks": _clicks,
    "pending": _pending,
    "oversight": _oversight,
    "replay": _replay,
    "cards": _cards,
    "threads": _threads,
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
