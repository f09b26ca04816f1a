"""The document of the page: words of the glossary, nothing from elsewhere, no script or style within it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from forecast.models import BASELINES, MODELS
from forecast.report.html.page import TEMPLATES as SHARED
from forecast.report.html.terms import TERMS
from forecast.serve.page import STATIC, render_page

ASSETS = [*STATIC.glob("*.*"), *(SHARED / "static").glob("*.*")]
GLOSSARY = Path(__file__).parent.parent / "docs" / "glossary.md"


class Document(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in ("script", "style") and data.strip():
            self.scripts.append(self.elements[-1])


@pytest.fixture(scope="module")
def document():
    return Document(render_page())


@pytest.mark.parametrize("term", TERMS)
def test_terms_are_explained_as_in_the_glossary(term):
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows[term].replace("`", "").startswith(TERMS[term].rstrip("."))


def test_the_page_can_stand_under_a_strict_policy(document):
    """No script, style or handler within the document, which a policy without 'unsafe-inline' would stop."""
    assert [attributes["type"] for tag, attributes in document.scripts] == ["application/json"]
    assert [name for _, attributes in document.elements for name in attributes if name.startswith("on")] == []
    assert [attributes for _, attributes in document.elements if "style" in attributes] == []


def test_all_that_the_page_asks_for_is_in_the_package(document):
    asked = {attributes.get("src") or attributes.get("href") for _, attributes in document.elements} - {None}
    local = {address for address in asked if not address.startswith(("#", "/static/bokeh/"))}
    known = {f"/static/{path.name}" for path in STATIC.glob("*.*")}
    shared = {f"/static/shared/{path.name}" for path in (SHARED / "static").glob("*.*")}
    assert local <= known | shared


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.name)
def test_no_asset_names_an_address_or_makes_markup_of_text(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.search(r"https?://|//[a-z]+\.", text) is None
    assert re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) is None


def test_every_label_names_an_element_and_no_name_occurs_twice(document):
    names = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(names) == len(set(names))
    referred = [
        attributes[key]
        for _, attributes in document.elements
        for key in ("for", "aria-labelledby")
        if key in attributes
    ]
    assert set(referred) <= set(names)


def test_scripts_use_only_elements_that_there_are(document):
    names = {attributes["id"] for _, attributes in document.elements if "id" in attributes}
    used = {name for path in STATIC.glob("*.js") for name in re.findall(r'\bat\("([\w-]+)"\)', path.read_text())}
    assert used
    assert used <= names


def test_every_model_that_can_be_trained_is_offered(document):
    offered = [attributes["value"] for _, attributes in document.elements if attributes.get("name") == "model"]
    assert sorted(offered) == sorted(set(MODELS) - {*BASELINES, "pretrained", "stack"})
