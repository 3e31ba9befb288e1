"""The types of a package's fields: each bounded, printable and canonicalizable, with a sentence for what is refused.

`DecisionPackage` is built from these types, the API and the CLI use them for single values. A limit is part of the
contract: it is in `/openapi.json`, and a narrower one would refuse what agents send today.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from rules.canonical import NotCanonicalError, canonical_json_strict
from rules.package.text_types import PRINTABLE, VISIBLE, CheckedText, check_printable, text_matching
from rules.values import Moment

# Characters for texts, items for lists, bytes of the canonical form for objects.
MAX_TITLE = 150
MAX_ID = 200
MAX_SENTENCE = 2000  # proposed_action, consequence, an excerpt, an item of a list and the like
MAX_ESSAY = 8000  # rationale, rollback_plan, current_state, a proposed memory
MAX_URL = 2000
MAX_WORD = 255  # an idempotency key, a person; the other words have shorter patterns
MAX_ITEMS = 50
MAX_DELEGATION = 10
MAX_EXCEPTED = 10  # action types or agents of one exception
MAX_COST = 1e13  # up to here a double can represent every cent
MAX_OBJECT_DEPTH = 32
MAX_OBJECT_BYTES = 131_072

FEW_ITEMS = Field(max_length=MAX_ITEMS)
_URI = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]"  # RFC 3986; other characters could end a link in Slack early
_TIME = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:")  # years far outside overflow when converted to UTC
_EMAIL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+"


def _url(text: str) -> str:
    # Whether the service may connect to the address is checked at use; here, only its form.
    if not re.fullmatch(f"{_URI}+", text):
        raise PydanticCustomError("url", "must be a URL; percent-encode what RFC 3986 does not allow in one")
    if not _has_web_host(text):
        raise PydanticCustomError("url", "must be an http or https URL with a host")
    if "@" in urlsplit(text).netloc:
        raise PydanticCustomError("url", "must not carry a user name or a password")
    return text


def _has_web_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, an unclosed bracket
        return False


def _instant(value: Any) -> Any:
    # Pydantic alone would also accept 1700000000 and "1700000000", and guess the unit.
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.match(value)):
        return value
    raise PydanticCustomError("instant", "must be an RFC 3339 time such as 2026-11-20T17:00:00Z")


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(canonical_json_strict(value, max_depth=MAX_OBJECT_DEPTH))
    except NotCanonicalError as fault:
        raise PydanticCustomError("not_canonical", "{fault}", {"fault": str(fault)}) from None
    if size > MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", "must not exceed {most} bytes as JSON", {"most": MAX_OBJECT_BYTES})
    return value


def _state(value: Any) -> Any:
    if isinstance(value, dict):
        return _json_object(value)
    if isinstance(value, str) and len(value) <= MAX_ESSAY:
        return check_printable(value)
    raise PydanticCustomError("state", "must be an object or a text of at most {most} characters", {"most": MAX_ESSAY})


_URL = CheckedText(_url, rf"^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9._~!$&'()*+,;=%-]+(:[1-9][0-9]{{0,3}})?([/?#]{_URI}*)?$")
_RFC3339 = Annotated[str, Field(json_schema_extra={"format": "date-time", "pattern": f"^{_TIME.pattern}"})]
_StateText = Annotated[str, Field(max_length=MAX_ESSAY), PRINTABLE]

Title = Annotated[str, Field(strict=True, max_length=MAX_TITLE), VISIBLE]
Id = Annotated[str, Field(strict=True, max_length=MAX_ID), VISIBLE]
Sentence = Annotated[str, Field(strict=True, max_length=MAX_SENTENCE), VISIBLE]
Essay = Annotated[str, Field(strict=True, max_length=MAX_ESSAY), VISIBLE]
Word = Annotated[str, Field(strict=True, max_length=MAX_WORD)]
OptionalSentence = Annotated[str, Field(strict=True, max_length=MAX_SENTENCE), PRINTABLE]
Sentences = Annotated[tuple[Sentence, ...], FEW_ITEMS]
Url = Annotated[str, Field(strict=True, max_length=MAX_URL), _URL]
Instant = Annotated[Moment, BeforeValidator(_instant, json_schema_input_type=_RFC3339)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
State = Annotated[str | dict[str, Any], PlainValidator(_state, json_schema_input_type=_StateText | dict[str, Any])]
ActionType = Annotated[
    Word, text_matching(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", "must be 1-100 letters, digits, _ . : -")
]
DataClass = Annotated[Word, text_matching(r"[a-z][a-z0-9_-]{0,39}", "must be a short lower-case name such as pii")]
DataClasses = Annotated[tuple[DataClass, ...], FEW_ITEMS, AfterValidator(lambda names: tuple(dict.fromkeys(names)))]
IdempotencyKey = Annotated[Word, text_matching(r"[!-~]([ -~]*[!-~])?", "must be printable ASCII, no space around it")]
Person = Annotated[
    Word,
    text_matching(
        rf"[A-Za-z0-9]([A-Za-z0-9_.-]{{0,78}}[A-Za-z0-9])?|{_EMAIL}",
        "must be a Slack user id such as U012AB3CD, an e-mail address, or an agent's name or id",
    ),
    AfterValidator(lambda person: person.lower() if "@" in person else person),  # a capital letter would hide who it is
]
