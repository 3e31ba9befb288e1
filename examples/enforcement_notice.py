"""Several agents prepare an enforcement notice; it is sent only after people have approved it, once, within 48 hours.

One drafts, one weighs the risk, one finds the rule, and their supervisor makes one decision package of it, with the
dissent. Reviewers approve, reject, or send it back for changes; whoever asked for it is not among them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from countersign import Approved, Client, EvidenceWanted, Executed, Expired, Overridden, Rejected, Revise
from countersign.proposal import Changes, Proposal

RUN = sys.argv[1] if sys.argv[1:] else "notice-456"


@dataclass(frozen=True)
class Notice:
    entity: str
    text: str
    evidence: tuple[str, ...]


def draft_notice() -> Notice:
    return Notice("ABC Foods", "You are to correct the storage temperature within 14 days.", ("doc_1", "doc_7"))


def risk_of(notice: Notice) -> tuple[str, str]:
    return "high", f"A legal notice to {notice.entity} cannot be called back."


def rule_for(notice: Notice) -> str:
    return "P-2026-04: Storage of perishable food" if "storage" in notice.text else "P-2026-01: General"


def package_of(notice: Notice) -> Proposal:
    _, why = risk_of(notice)
    return {
        "title": f"Send enforcement notice 456 to {notice.entity}",
        "action_type": "send_enforcement_notice",
        "action_parameters": {"notice": 456, "entity": notice.entity, "text": notice.text},
        "proposed_action": f"Send notice 456 to {notice.entity} under P-2026-04.",
        "rationale": f"Two inspections found the store too warm. {why}",
        "risk_level": "high",
        "confidence": 0.82,
        "subject_type": "entity",
        "subject_id": notice.entity,
        "evidence_refs": list(notice.evidence),
        "known_uncertainties": ["The inspection record of May is missing."],
        "alternatives": ["Ask for the May record first", "Send a reminder instead of a notice"],
        "policy_basis": [rule_for(notice)],
        "side_effect_preview": {"letters sent": 1, "case status": "NOTIFIED"},
        "consequence": "An external legal notice is sent, and the case becomes NOTIFIED.",
        "dissent": [{"by": "risk agent", "position": "Wait", "reason": "A month of records is missing."}],
        "reversibility": "irreversible_high",
        "data_classes": ["external", "regulated"],
        "run_id": RUN,
        "thread_id": RUN,
    }


def main() -> None:
    notice = draft_notice()

    def rework(wanted: Revise | EvidenceWanted) -> Changes:
        """What a person asked for, in the next version. Where a model would write it."""
        nonlocal notice
        if isinstance(wanted, EvidenceWanted):
            notice = replace(notice, evidence=(*notice.evidence, "doc_9: inspection of May"))
        else:
            notice = replace(notice, text=f"{notice.text} {wanted.instructions}")
        return {**package_of(notice)}

    with Client() as client:
        handle = client.request(**package_of(notice), step="send")
        print(f"{handle.decision_package_id}: {handle.document['agent_message']}")
        match handle.settle(rework):
            case Approved() | Overridden(override_decision="proceed"):
                with handle.executing() as approved:
                    print(f"Sent to {approved['entity']}: {approved['text']}")
            case Executed():
                print("It was sent before, and is not sent again.")
            case Rejected(reason=reason):
                print(f"Not sent. {reason}")
            case Expired():
                print("Not sent: nobody decided in time, which is no rejection. Propose it again if it still matters.")
            case other:
                print(f"Not sent. {other.message}")


if __name__ == "__main__":
    main()
