"""`/docs`: the OpenAPI document as one page to read. No script and no network: it works offline and printed, too."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from bot.html import Html, el, html, paragraphs, prose, template
from bot.openapi import document
from bot.schema_words import fields_of, type_of

Json = dict[str, Any]

_STYLE = Path(__file__).with_name("docs.css")


@cache
def page() -> str:
    its = document()
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", "Countersign: the agents’ API"),
        el("style", Html(_STYLE.read_text())),
    )
    body = el(
        "body", el("a", "Skip to the routes", class_="skip", href="#routes"), _nav(its), el("main", *_sections(its))
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def _sections(its: Json) -> list[Html]:
    return [_intro(its), *_routes(its), *_schemas(its), _problems(its)]


def _operations(its: Json) -> list[tuple[str, str, Json]]:
    return [(path, method, made) for path, methods in its["paths"].items() for method, made in methods.items()]


def _nav(its: Json) -> Html:
    routes = [
        el("li", el("a", _method(method), " ", _path(path), href=f"#{made['operationId']}"))
        for path, method, made in _operations(its)
    ]
    schemas = [el("li", el("a", name, href=f"#{name}")) for name in its["components"]["schemas"]]
    inside = html(
        el("h2", "Routes"),
        el("ul", *routes),
        el("h2", el("a", "Problem types", href="#problems")),
        el("h2", "Schemas"),
        el("ul", *schemas, class_="names"),
    )
    return el(
        "nav", el("details", el("summary", "Contents"), inside), el("div", inside, class_="wide"), aria_label="Contents"
    )


def _intro(its: Json) -> Html:
    about = its["info"]
    to_machines = el("p", "For machines: ", el("a", "/openapi.json", href="/openapi.json"), ".")
    return el(
        "header",
        el("h1", about["title"], " ", el("small", f"API {about['version']}")),
        el("p", about["summary"], class_="lead"),
        paragraphs(about["description"]),
        to_machines,
        el("h2", "How it goes"),
        el("ol", *(el("li", prose(step)) for step in _STEPS)),
    )


_STEPS = """\
Post a decision package. `201`: settled at once by policy. `202`: a person is awaited.
Wait for it with `GET /v1/packages/{id}?wait=25`, with the last `ETag` as `If-None-Match`, again and again.
If `may_proceed` is true, claim the execution with the `action_digest` of what you are about to run.
Act on `decision.action_parameters`, then report what came of it.
If `revision_requested` or `evidence_requested`, read `decision.instructions` and send a new version.
In every other case: do not act.""".splitlines()


def _routes(its: Json) -> list[Html]:
    tags = {tag["name"]: tag["description"] for tag in its["tags"]}
    made: list[Html] = []
    for number, (tag, about) in enumerate(tags.items()):
        made.append(el("h2", tag, id="routes" if number == 0 else tag.lower()))
        made.append(el("p", about))
        made += [_route(*each) for each in _operations(its) if tag in each[2]["tags"]]
    return made


def _route(path: str, method: str, made: Json) -> Html:
    name = made["operationId"]
    return el(
        "article",
        el("h3", _method(method), " ", _path(path), id=name),
        el("p", el("strong", made["summary"]), class_="title"),
        paragraphs(made["description"]) if "description" in made else None,
        _parameters(made),
        _takes(made),
        *_curls(path, method, made),
        el("h4", "Answers"),
        *(_answer(status, each) for status, each in made["responses"].items()),
    )


def _method(method: str) -> Html:
    return el("b", method.upper(), class_=f"method {method}")


def _path(path: str) -> Html:
    """A long path may be broken after a slash."""
    return el("code", Html(html(path).replace("/", "/<wbr>").replace("/<wbr>", "/", 1)), class_="path")


def _parameters(made: Json) -> Html | None:
    rows = [
        _row(
            each["name"],
            type_of(each["schema"]),
            each["description"],
            required=each.get("required", False),
            where=each["in"],
        )
        for each in made.get("parameters", ())
    ]
    return html(el("h4", "Parameters"), el("dl", *rows)) if rows else None


def _row(name: str, kind: Html | str, text: str, *, required: bool, where: str = "") -> Html:
    marks = [el("span", word, class_="mark") for word in (where, "required" if required else "") if word]
    return el(
        "div",
        el("dt", el("code", name), " ", *marks, el("span", kind, class_="type")),
        el("dd", prose(text)) if text else None,
    )


def _takes(made: Json) -> Html | None:
    if "requestBody" not in made:
        return None
    schema = made["requestBody"]["content"]["application/json"]["schema"]
    return html(el("h4", "Body"), el("p", type_of(schema), ", as JSON of at most 256 KB."))


def _curls(path: str, method: str, made: Json) -> list[Html]:
    examples = made.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
    if not examples:
        return [_example("curl", _curl(path, method, made))]
    return [
        _example(f"curl: {each['summary']}", _curl(path, method, made, each["value"])) for each in examples.values()
    ]


def _curl(path: str, method: str, made: Json, body: Any = None) -> str:
    names = {each["name"] for each in made.get("parameters", ())}
    query = "?wait=25" if "wait" in names else "?status=pending" if "status" in names else ""
    lines = [f'curl -s "$COUNTERSIGN{path.replace("{id}", "$ID")}{query}"']
    if made["security"]:
        lines.append('-H "Authorization: Bearer $KEY"')
    lines += [f"-H '{name}: {value}'" for name, value in _SENT.items() if name in names]
    if body is not None:
        # An apostrophe would end the shell's text.
        lines.append("-d '" + json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''") + "'")
    return " \\\n  ".join(lines) if method == "post" or len(lines) > 1 else lines[0]


_SENT = {"Idempotency-Key": "order-1042-refund", "If-None-Match": '"1"'}


def _example(title: str, text: str) -> Html:
    """Requests are open, because people came for them; answers are long."""
    shown = {"open": ""} if title.startswith("curl") else {}
    return el("details", el("summary", title), el("pre", el("code", text), tabindex="0"), **shown)


def _answer(status: str, its: Json) -> Html:
    (media, content), *_ = its.get("content", {"": {}}).items()
    if media.startswith("application/problem"):
        what = html(*_linked(its["x-problem-types"]))
    else:
        what = html(
            prose(its["description"]), " ", type_of(content["schema"]) if media == "application/json" else media
        )
    headers = [
        html(el("code", name), "" if each["required"] else " (at times)")
        for name, each in its.get("headers", {}).items()
    ]
    told = el("p", "Headers: ", *_joined(headers), class_="headers") if headers else None
    example = _example("Example", json.dumps(content["example"], indent=2)) if "example" in content else None
    return el(
        "div", el("b", status, class_=f"status s{status[0]}"), el("div", el("p", what), told, example), class_="answer"
    )


def _linked(types: list[str]) -> list[Html]:
    return _joined(
        [el("a", el("code", kind), href=f"#p-{kind}") for kind in (each.rpartition(":")[2] for each in types)]
    )


def _joined(parts: list[Html]) -> list[Html]:
    return [html(", " if number else None, part) for number, part in enumerate(parts)]


def _schemas(its: Json) -> list[Html]:
    return [
        el("h2", "Schemas", id="schemas"),
        *(_schema(name, each) for name, each in its["components"]["schemas"].items()),
    ]


def _schema(name: str, its: Json) -> Html:
    rows = [_row(*field[:3], required=field.required) for field in fields_of(its)]
    return el(
        "article",
        el("h3", name, id=name),
        el("p", prose(its["description"])) if "description" in its else None,
        el("dl", *rows) if rows else el("p", type_of(its), class_="type"),
    )


def _problems(its: Json) -> Html:
    rows = [
        el(
            "div",
            el("dt", el("b", str(each["status"]), class_=f"status s{str(each['status'])[0]}"), " ", el("code", kind)),
            el("dd", template(each["meaning"])),
            id=f"p-{kind}",
        )
        for each in its["x-problem-types"]
        for kind in [each["type"].rpartition(":")[2]]
    ]
    prefix = its["x-problem-types"][0]["type"].rpartition(":")[0] + ":"
    return html(
        el("h2", "Problem types", id="problems"),
        el(
            "p",
            "The ",
            el("code", "type"),
            " is ",
            el("code", prefix),
            " and the name below; ",
            el("code", "detail"),
            " is the sentence, with its facts.",
        ),
        el("dl", *rows, class_="problems"),
    )
