"""Notebooks match their scripts, ran to their end without errors, define no functions, and their links exist."""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
MOST_BYTES = 500_000


@pytest.fixture(scope="module")
def make():
    specification = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_notebook_has_its_script():
    assert len(SCRIPTS) == 9
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
class TestNotebook:
    def test_it_is_in_step_with_its_script(self, make, script):
        """`make notebooks` writes it again."""
        written = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
        assert [cell.source for cell in written.cells] == [cell.source for cell in make.cells_of(script).cells]

    def test_it_ran_to_its_end_without_errors(self, make, script):
        path = script.with_suffix(".ipynb")
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert not [out for cell in code for out in cell.outputs if out.output_type == "error" or make.is_noise(out)]
        assert path.stat().st_size < MOST_BYTES

    def test_it_defines_no_function_that_would_belong_in_the_package(self, script):
        defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        assert not [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, defined)]

    def test_links_lead_somewhere(self, script):
        for target in re.findall(r"^# .*\]\(([^):]+)\)", script.read_text(), re.M):
            assert (FOLDER / target).is_file(), target


def test_a_whole_job_is_fifteen_lines_without_an_index_into_an_array():
    tree = ast.parse((FOLDER / "08_fifteen_lines.py").read_text())
    assert sum(node.end_lineno - node.lineno + 1 for node in tree.body) <= 15
    indexes = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    keys = [part for index in indexes for part in ast.walk(index) if isinstance(part, ast.Constant)]
    assert keys
    assert all(isinstance(key.value, str) for key in keys)


def test_a_failing_cell_leaves_the_notebook_as_it_was(make, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("# %%\nprint('well')\n\n# %%\n1 / 0\n")
    script.with_suffix(".ipynb").write_text("as it was")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        make.run(script)
    assert script.with_suffix(".ipynb").read_text() == "as it was"
