"""The versions of the libraries that shape a trained model."""

LIBRARIES = ("forecast", "keras", "numpy", "tensorflow")


def versions_here() -> dict[str, str]:
    """Name and version of each installed library among LIBRARIES."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
