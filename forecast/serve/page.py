"""The page, as HTML."""


def render_page() -> str:
    """The page."""
    return "<!doctype html><html lang=en><title>forecast</title><p>The interface for programs is at /v1/openapi.json."
