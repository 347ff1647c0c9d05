"""The OpenAPI document: FastAPI's for what is sent, ours for what comes back; and a page that shows it.

The answers are the library's own values, of which FastAPI knows nothing. The page is made here, since
the usual ones load their scripts from elsewhere, and nothing of memsvc leaves the machine.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from memsvc.contract.wire import Receipts
from memsvc.server import lines, streaming
from memsvc.server.routing import MULTI_STATUS, VerbRoute
from memsvc.service import problems
from memsvc.service.problems import Problem
from memsvc_store.values.document import adapter

if TYPE_CHECKING:
    from fastapi import FastAPI

    from memsvc.server.routing import Verb

_REF = "#/components/schemas/{model}"


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    verbs = [route.verb for route in app.router.routes if isinstance(route, VerbRoute)]
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.router.routes,
        tags=[{"name": tag} for tag in dict.fromkeys(verb.tag for verb in verbs)],
    )  # fmt: skip
    answers, shared = _schemas(verbs)
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form, which we do not use
        schemas.pop(name, None)
    schemas |= shared
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "msk_<id>_<secret>"}}
    found["security"] = [{"key": []}]
    for verb in verbs:
        operation = found["paths"][f"/v1{verb.row.path}"][verb.row.method.lower()]
        operation["x-permission"] = verb.row.permission
        operation["responses"] = _responses(verb, answers[verb.name])
        _add_example(operation, verb)
    return found


def _schemas(verbs: list[Verb]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of each verb's answer (and of `Problem` and `Event`), and what they share."""
    kinds: dict[str, Any] = {verb.name: verb.row.gives for verb in verbs} | {"problem": Problem, "event": _event()}
    inputs = [(name, "serialization", adapter(kind)) for name, kind in kinds.items()]
    by_name, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)  # type: ignore[arg-type]
    return {str(name): schema for (name, _), schema in by_name.items()}, shared.get("$defs", {})


def _event() -> Any:
    from memsvc.asking.answer import Event

    return Event


def _responses(verb: Verb, schema: dict[str, Any]) -> dict[str, Any]:
    problem = {problems.MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    success: dict[str, Any] = {"description": "Done"}
    if verb.name == "export":
        success["content"] = {lines.MEDIA_TYPE: {"schema": {"type": "string"}}}
    elif verb.status != 204:
        success["content"] = {"application/json": {"schema": schema}}
    if verb.name == "ask":
        success["content"][streaming.MEDIA_TYPE] = {"schema": {"type": "string", "description": "events of `Event`"}}
    found = {str(verb.status): success}
    if verb.row.gives is Receipts:
        found[str(MULTI_STATUS)] = success | {"description": "Done, but for messages that were rejected"}
    for status, title in _FAILURES.items():
        found[str(status)] = {"description": title, "content": problem}
    return found | {"default": {"description": "A problem of the service", "content": problem}}


_FAILURES = {
    401: "No key, or none that is known", 403: "The key may not do this here", 404: "Not there, or not this key's",
    413: "The body is too large", 415: "The body is no JSON", 422: "What came cannot be used", 429: "Too many requests",
}  # fmt: skip


def _add_example(operation: dict[str, Any], verb: Verb) -> None:
    given = verb.example.get("path", {}) | verb.example.get("query", {})
    for parameter in operation.get("parameters", []):
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    if "body" in verb.example:
        operation["requestBody"]["content"]["application/json"]["example"] = verb.example["body"]
    if "lines" in verb.example:
        schema = {"type": "string", "description": "what `export` gave"}
        operation["requestBody"] = {"required": True, "content": {lines.MEDIA_TYPE: {"schema": schema}}}


def page(found: dict[str, Any]) -> str:
    """The document as one HTML page: what there is, what it takes, and an example of each."""
    parts = []
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            example = json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else ""
            rows = "".join(
                f"<li><code>{html.escape(one['name'])}</code> {html.escape(one.get('description', ''))}</li>"
                for one in operation.get("parameters", [])
            )
            parts.append(
                f"<section><h2><code>{method.upper()} {html.escape(path)}</code> {operation['operationId']}</h2>"
                f"<p>{html.escape(operation['description'])} <small>({operation['x-permission']})</small></p>"
                f"<ul>{rows}</ul><pre>{html.escape(example)}</pre></section>"
            )
    return _PAGE.format(version=html.escape(found["info"]["version"]), body="\n".join(parts))


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>memsvc</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
h2 {{ font-size: 1rem; border-top: 1px solid #8884; padding-top: 1rem }}
pre {{ overflow: auto }} pre:empty {{ display: none }}
:root {{ color-scheme: light dark }}
</style>
<h1>memsvc {version}</h1><p>The whole of it, for machines: <a href="openapi.json">openapi.json</a></p>
{body}</html>"""
