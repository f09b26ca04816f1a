"""The interface for programs as an OpenAPI 3.1 document."""

from typing import Any


def document() -> dict[str, Any]:
    """The document."""
    return {"openapi": "3.1.0", "info": {"title": "forecast", "version": "1"}, "paths": {}}
