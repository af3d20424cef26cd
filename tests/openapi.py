"""OpenAPI 3.1 documents as the tests read them: loaded once, references followed, operations listed."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).parent.parent / "contract"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")

Schema = dict[str, Any]
Document = dict[str, Any]


@functools.cache
def load(name: str) -> Document:
    """A document of `contract/`, such as `openapi.yaml`. It is shared: read it, don't change it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: Document = yaml.load((CONTRACT / name).read_text(encoding="utf-8"), Loader=loader)
    return document


def contracts() -> list[Document]:
    """The vendor's contract and ours."""
    return [load("openapi.yaml"), load("ringback.yaml")]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `parameters` include those of the path, `spec` is the operation as written."""

    method: str
    path: str
    spec: dict[str, Any]
    parameters: tuple[dict[str, Any], ...]
    document: Document

    @property
    def id(self) -> str:
        return str(self.spec.get("operationId", ""))

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def operations(document: Document) -> Iterator[Operation]:
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                spec = item[method]
                written = [*item.get("parameters", []), *spec.get("parameters", [])]
                parameters = tuple(follow(parameter, document) for parameter in written)
                yield Operation(method.upper(), path, spec, parameters, document)


def follow(node: dict[str, Any], document: Document) -> dict[str, Any]:
    """`node` with its `$ref` replaced by what it points to; keys beside the reference win, as JSON Schema has it."""
    while "$ref" in node:
        reference = node["$ref"]
        if not reference.startswith("#/"):
            raise ValueError(f"only references inside the document are followed: {reference}")
        target: Any = document
        for part in reference[2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node
