"""The versions of this package and of the libraries that shape a trained model."""

from functools import cache

# What installs each library, by its name on the package index.
DISTRIBUTIONS = {"forecast": "honest-forecast", "keras": "keras", "numpy": "numpy", "tensorflow": "tensorflow"}


@cache
def package_version() -> str:
    """The version of this package."""
    return versions_here()["forecast"]


def versions_here() -> dict[str, str]:
    """Name and version of each installed library among DISTRIBUTIONS."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for library, distribution in DISTRIBUTIONS.items():
        try:
            found[library] = version(distribution)
        except PackageNotFoundError:
            continue
    return found
