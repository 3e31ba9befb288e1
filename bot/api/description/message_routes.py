"""The rows of messages in the table of routes."""

from __future__ import annotations

from bot.api.description import descriptions as words
from bot.api.description.route import ETAG, KEYED, ONE, REPLAYED, WRITE, Answer, Route
from bot.api.description.shapes import Messages, StatusDocument
from bot.api.problem_types import Fault
from bot.api.requests import MessageRequest, MessagesQuery
from rules.reasons import Reason

LIST_MESSAGES = Route(
    name="messages",
    method="get",
    path="/v1/packages/{id}/messages",
    title="Read a package's messages",
    text="Oldest first, in pages. Comments that people write for reviewers only are not among them.",
    query=MessagesQuery,
    answers=(
        Answer(
            status=200,
            when="A page.",
            body=Messages,
            example={"messages": [words.MESSAGE, words.REPLY], "next_cursor": None},
        ),
    ),
    problems=(*ONE, Fault.INVALID),
)

SAY = Route(
    name="say",
    method="post",
    path="/v1/packages/{id}/messages",
    title="Send a message to the reviewers",
    text="Shown in the thread of the package's card and in Details. It decides nothing, and is possible after the"
    " decision too: a person's question may come late. An agent may send 10 messages a minute about one package, and"
    " 60 in all.",
    bodies=(MessageRequest,),
    examples=(("An answer to a reviewer", {"text": words.REPLY["text"], "in_reply_to": words.REPLY["in_reply_to"]}),),
    takes=("Idempotency-Key",),
    answers=(
        Answer(
            status=200,
            when="The same message was sent before. Returns the package as it is now.",
            body=StatusDocument,
            headers=(ETAG, REPLAYED),
        ),
        Answer(
            status=201,
            when="It is sent. It is the last of `messages`.",
            body=StatusDocument,
            headers=(ETAG,),
            example=words.PENDING | {"revision": 4, "messages": [words.MESSAGE, words.REPLY]},
        ),
    ),
    problems=(*ONE, *WRITE, *KEYED, Reason.AGENT_PAUSED, Reason.RATE_LIMITED, Reason.UNKNOWN_MESSAGE),
)
