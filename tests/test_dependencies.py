"""What the package depends on: told in the docs, and under licences that fit MIT."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Words of licences that let a package be used and handed on beside MIT code.
FIT = r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|NCSA|Zlib|CC0|0BSD|MPL|Mozilla Public License 2\.0"
# Packages that name their licence nowhere but in a file: namex Apache-2.0, peewee MIT.
IN_A_FILE = {"namex", "peewee"}


def locked(name):
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / name).read_text(), re.M))


def licences_of(package):
    about = metadata(package)
    named = [line.rpartition("::")[2] for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    return [about["License-Expression"]] if about["License-Expression"] else named or [about["License"] or ""]


def test_every_licence_fits():
    for package in sorted(locked("requirements.lock") - IN_A_FILE):
        try:
            licences = licences_of(package)
        except PackageNotFoundError:  # for another system
            continue
        for licence in licences:
            parts = re.split(r" (?:AND|OR) ", licence)
            assert all(re.search(FIT, part) for part in parts), (package, licence)
            assert not re.search(r"GPL", licence), (package, licence)


def test_what_users_install_is_part_of_what_developers_install():
    assert locked("requirements.lock") < locked("requirements-dev.lock")
    assert not {"ray", "jax", "polars", "duckdb", "selenium", "pytest", "sphinx"} & locked("requirements.lock")


def test_the_docs_name_each_package_that_is_asked_for():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    told = re.findall(r"^\| ([a-z0-9-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.M)
    assert set(told) - {"package"} == {re.match(r"[a-z0-9-]+", line).group() for line in asked}


def test_no_lock_names_an_address():
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text()


def test_extras_are_named_after_the_distribution():
    """The name `forecast` belongs to another distribution on the index: who installs that gets a stranger's package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    files = [*(ROOT / "forecast").rglob("*.py"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]
    named = r"""(?:pip install |[`'"])([\w-]*forecast)\[(\w+)\]"""
    found = {pair for file in files for pair in re.findall(named, file.read_text(encoding="utf-8"))}
    assert len(found) > 8
    assert found <= {(project["name"], extra) for extra in project["optional-dependencies"]}
