"""The versions of the libraries that are installed."""

LIBRARIES = ("forecast", "keras", "numpy", "tensorflow")


def versions_here() -> dict[str, str]:
    """Name and version of each library that is there."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
