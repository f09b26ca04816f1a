"""Files and folders that are there whole or not at all, in real processes."""

import os
import subprocess
import sys
import time

import pytest

from forecast.errors import WriteError
from forecast.runtime import atomic
from forecast.runtime.atomic import atomic_file, atomic_folder, recover

WRITER = """
import sys
from forecast.runtime.atomic import atomic_folder
from pathlib import Path
for _ in range(100):
    with atomic_folder(Path(sys.argv[1])) as work:
        for number in range(5):
            (work / f"{number}.txt").write_text(sys.argv[2])
"""


def content(folder):
    return {path.read_text() for path in folder.iterdir()}


def test_two_writers_never_mix(tmp_path):
    folder = tmp_path / "target"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, folder, name]) for name in ("one", "two")]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        try:
            found = content(folder)
        except FileNotFoundError:  # swapped between listing and reading
            continue
        assert len(found) <= 1 or not seen.add("mixed")
        seen |= found
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(content(folder)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_error_leaves_what_was_there(tmp_path):
    with atomic_folder(tmp_path / "a") as work:
        (work / "x").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "a") as work:
        (work / "x").write_text("new")
        _ = 1 / 0
    assert content(tmp_path / "a") == {"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_an_exchange_of_folders_a_cut_is_mended(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_renameat2", lambda: None)
    for text in ("old", "new"):
        with atomic_folder(tmp_path / "a") as work:
            (work / "x").write_text(text)
    assert content(tmp_path / "a") == {"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "a").rename(tmp_path / ".forecast-a.kept")  # killed between the two renames
    recover(tmp_path / "a")
    assert content(tmp_path / "a") == {"new"}


def test_what_a_dead_writer_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path):
    dead = tmp_path / ".forecast-dead"
    dead.mkdir()
    (dead / atomic.MARKER).write_text("a")
    os.utime(dead, (0, 0))
    with atomic_folder(tmp_path / "a") as work:
        os.utime(work.parent, (0, 0))
        with atomic_folder(tmp_path / "a"):
            pass
        assert work.is_dir()
        assert not dead.exists()
    assert time.time() > atomic.ABANDONED


@pytest.mark.parametrize("name", ["venv", "*", "git", "forecast"])
def test_nothing_of_others_is_removed(tmp_path, name):
    """Hidden folders of any name, old or not, with this program's prefix or not, and what is kept of other targets."""
    others = [".venv-3.11", ".git-backup", ".forecast-mine", f".{name}-old", f".{name}.kept", ".forecast-other"]
    for other in others:
        (tmp_path / other).mkdir(exist_ok=True)
        (tmp_path / other / "precious").write_text("data")
    (tmp_path / ".forecast-other" / atomic.MARKER).write_text(f"{name}-other")
    for other in others:
        os.utime(tmp_path / other, (0, 0))
    for _ in range(2):
        with atomic_folder(tmp_path / name) as work:
            (work / "x").write_text("new")
    with atomic_file(tmp_path / f"{name}.csv") as work:
        work.write_text("new")
    assert all((tmp_path / other / "precious").read_text() == "data" for other in others)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="could not be written, and is as it was"), atomic_file(tmp_path / "a") as work:
        work.write_text("")


def test_a_file_takes_the_usual_rights(tmp_path):
    with atomic_file(tmp_path / "a.txt") as work:
        work.write_text("new")
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode
