"""An export is verified without a server or a database, and every change to it is found."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.audit.check import ExportCheck, read_lines
from bot.audit.export import signed_message
from tests.bot.audit.exports import OURS, THEIRS, belongs_to, export_once, faults, json_line, package_ids, resign


@pytest.fixture(scope="module")
def export_lines(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return export_once(_sqlite_template, tmp_path_factory.mktemp("exported"))


@given(data=st.data())
def test_changing_any_byte_is_found(export_lines: list[bytes], data: st.DataObject) -> None:
    lines = list(export_lines)
    at = data.draw(st.integers(0, len(lines) - 2))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(lines[at][place] != byte)
    lines[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    assert faults(lines)


@given(data=st.data(), new=st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({}))
def test_changing_any_member_of_the_manifest_is_found(export_lines: list[bytes], data: st.DataObject, new: Any) -> None:
    manifest = json.loads(export_lines[-1])
    inside = data.draw(st.sampled_from([manifest, manifest["tenant"], manifest["counts"]]))
    member = data.draw(st.sampled_from(sorted(inside)) | st.text(max_size=5))
    assume(member not in inside or inside[member] != new)
    inside[member] = new
    assert faults([*export_lines[:-1], json_line(manifest)])


@given(data=st.data(), what=st.sampled_from(["drop", "double", "swap", "cut"]))
def test_lines_dropped_doubled_swapped_or_cut_off_are_found(
    export_lines: list[bytes], data: st.DataObject, what: str
) -> None:
    lines = list(export_lines)
    at, to = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
    match what:
        case "drop":
            del lines[at]
        case "double":
            lines.insert(to, lines[at])
        case "swap":
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            del lines[at:]
    assume(lines != export_lines)
    assert faults(lines)


def test_an_export_signed_by_another_key_fails_against_the_pinned_key(export_lines: list[bytes]) -> None:
    lines = resign(export_lines, THEIRS)
    check = ExportCheck(OURS.public)
    assert list(check.faults(lines)) == []
    assert check.distrust == f"the export is signed by another key than the pinned one: {THEIRS.public}"


def test_a_manifest_signed_by_another_key_than_it_names_is_a_fault(export_lines: list[bytes]) -> None:
    manifest = json.loads(export_lines[-1])
    forged = manifest | {"signature": THEIRS.sign(signed_message(manifest))}
    assert faults([*export_lines[:-1], json_line(forged)]) == [
        "export: its manifest was changed: it does not match its signature"
    ]


def test_a_package_that_is_missing_is_named(export_lines: list[bytes]) -> None:
    first, second, _ = package_ids(export_lines)
    lines = [line for line in export_lines if b'"kind":"head"' in line or not belongs_to(line, second)]
    assert faults(resign(lines, OURS))[0] == f"{second}: it is missing: the export lists it with 3 events"
    assert any("its lines do not match" in fault for fault in faults(lines))
    assert not any(fault.startswith(first) for fault in faults(lines))


def test_a_package_that_the_export_does_not_list_is_named(export_lines: list[bytes]) -> None:
    first, *_ = package_ids(export_lines)
    lines = [line for line in export_lines if not (b'"kind":"head"' in line and belongs_to(line, first))]
    assert faults(resign(lines, OURS)) == [f"{first}: it was added: the export does not list it"]


def test_a_package_that_is_in_the_export_twice_is_named(export_lines: list[bytes]) -> None:
    first, *_ = package_ids(export_lines)
    repeated = [line for line in export_lines if belongs_to(line, first) and b'"kind":"head"' not in line]
    assert f"{first}: it stands in the export twice" in faults([*export_lines[:-4], *repeated, *export_lines[-4:]])


def test_a_chain_that_was_shortened_with_its_state_does_not_reach_the_head_that_is_listed(
    export_lines: list[bytes],
) -> None:
    first, *_ = package_ids(export_lines)
    lines = [
        json_line(json.loads(line) | {"length": 9}) if belongs_to(line, first) and b'"kind":"head"' in line else line
        for line in export_lines
    ]
    assert f"{first}: its length or head is not the one that the export lists" in faults(lines)


def test_a_package_that_is_listed_twice_is_named(export_lines: list[bytes]) -> None:
    first, *_ = package_ids(export_lines)
    assert f"{first}: the export lists it twice" in faults([*export_lines[:-1], export_lines[-4], export_lines[-1]])


def test_a_truncated_export_is_reported(export_lines: list[bytes]) -> None:
    assert faults(export_lines[:-1]) == [
        "export: it was cut off: the manifest, which should be its last line, is missing"
    ]


def test_a_line_after_the_manifest_is_a_fault(export_lines: list[bytes]) -> None:
    assert faults([*export_lines, b"\n"]) == [
        f"export: line {len(export_lines) + 1} comes after the manifest, which should be the last"
    ]


def test_a_missing_tail_of_the_tenants_chain_is_named(export_lines: list[bytes]) -> None:
    lines = resign([*export_lines[:2], *export_lines[3:]], OURS)
    assert faults(lines)[0] == "tenant revision 1: its tail was cut: revision 2 should follow"


@pytest.mark.parametrize(
    "start",
    [[], [b""], [b"{}\n"], [b"[]\n"], [b'{"kind":"countersign-export","version":4,"tenant_id":"T"}\n'], [b"\xff\n"]],
)
def test_a_file_that_is_not_an_export_is_refused(start: list[bytes]) -> None:
    assert faults(start) == ["export: it does not begin as an export of version 3 or earlier does"]


@given(
    line=st.binary(max_size=20)
    | st.sampled_from(["content", "state", "head", "?", "unreadable"]).map(lambda kind: json_line({"kind": kind}))
)
def test_no_bytes_in_a_line_can_crash_the_check(export_lines: list[bytes], line: bytes) -> None:
    assert faults([*export_lines[:-1], line, export_lines[-1]])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            {"decision_package_id": st.sampled_from(["pkg_1", "pkg_2", "", None, 7])},
            optional={
                "kind": st.sampled_from(["content", "state", "head", "manifest", None, 3, []]),
                "event_id": st.sampled_from(["evt_1", None]),
                "length": st.integers() | st.text(),
                "state": st.none() | st.lists(st.integers()) | st.just({}),
                "salt": st.none() | st.integers(),
                "words": st.none() | st.lists(st.floats()),
                "tenant": st.none() | st.lists(st.integers()),
                "counts": st.none() | st.lists(st.integers()),
                "public_key": st.none() | st.text(),
                "signature": st.text(),
            },
        )
    )
)
def test_no_json_line_can_crash_the_check(export_lines: list[bytes], lines: list[Any]) -> None:
    assert faults([export_lines[0], *(json.dumps(line).encode() + b"\n" for line in lines)])


def test_an_endless_line_is_read_in_pieces(export_lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.audit.check.MAX_LINE", 10_000)
    whole = io.BytesIO(b"".join(export_lines))
    assert faults(list(read_lines(whole))) == []
    endless = io.BytesIO(export_lines[0] + b"[" * 50_000)
    assert {len(line) for line in read_lines(endless)} == {len(export_lines[0]), 10_000}
