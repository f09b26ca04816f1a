"""How often Python looks for garbage: seldom, as loading libraries makes many objects and none of them is garbage."""

import gc

# New objects after which Python looks; with its usual 700 the import of TensorFlow takes a third longer.
OBJECTS = 200_000


def collect_seldom() -> None:
    """Have this process look for garbage seldom; for processes of this program's own."""
    gc.set_threshold(OBJECTS)
