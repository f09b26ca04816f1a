"""README and docs are true: trees match the disk, commands exist, examples run, numbers come out, words are defined."""

import ast
import doctest
import re
import shlex
from pathlib import Path

import pytest

import forecast
from forecast.cli.main import app
from forecast.evaluation.columns import COLUMNS, RISK
from forecast.report.writer import run_record

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").glob("*.md"))
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
# Rooms whose `__init__.py` names its modules. Those of cli/commands are the commands, which the README lists.
ROOMS = [path.parent for path in (ROOT / "forecast").glob("*/**/__init__.py") if path.parent.name != "commands"]
# Words that the field says otherwise, or not at all.
RETIRED = re.compile(r"\b(believe[ds]?|chances|copy of yesterday|crew|look_back|time_steps|window_size)\b", re.I)
FENCE = re.compile(r"^```(python|console)\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?", re.M | re.S)
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def test_the_tree_is_the_disk():
    tree = README.split("## Layout")[1].split("```")[1]
    listed = set(re.findall(r"^  ([\w/]+(?:\.py)?) ", tree, re.M))
    there = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "forecast").iterdir()
        if path.is_dir() or path.suffix == ".py"
    }
    assert listed == there - {"__pycache__/"}
    assert all((ROOT / folder).is_dir() for folder in re.findall(r"^(\w+)/", tree, re.M))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT / "forecast")))
def test_a_room_has_a_line_for_each_module(room):
    lines = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    modules = {path.stem for path in room.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in room.glob("*/__init__.py")}
    assert modules | folders <= set(re.findall(r"^ *(\w+)(?:\.py|/)?  ", lines, re.M))


def test_every_command_has_help_and_stands_in_the_readme():
    usage = README.split("## Use")[1].split("```")[1]
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert re.findall(r"^forecast (\w+)", usage, re.M) == commands
    assert all(command.callback.__doc__ for command in app.registered_commands)


def test_both_commands_are_targets_of_make():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert f"\n{target}:" in makefile


def test_links_and_pictures_are_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target.partition("#")[0]).is_file()


@pytest.mark.usefixtures("jobs_here")
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", README, re.S).group(1), {})
    assert len(capsys.readouterr().out.split()) >= 30
    assert (tmp_path / "runs" / "sp500" / "scores.csv").exists()


def examples_of(page):
    """Language, code and expected output of each example of a page, in their order; commands are examples of their own.

    What Python prints stands in a block of `text` right below it; what a command prints, below its `$` line.
    """
    for language, code, printed in FENCE.findall(page.read_text()):
        if language == "python":
            yield language, code, printed
            continue
        for command in re.split(r"^\$ ", code, flags=re.M)[1:]:
            line, _, printed = command.partition("\n")
            yield language, line, printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.usefixtures("jobs_here")
def test_the_examples_of_a_page_run_and_print_what_they_say(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, code, expected in examples_of(page):
        if language == "python":
            exec(code, names)
        else:
            program, *arguments = shlex.split(code)
            assert program == "forecast"
            app(arguments, standalone_mode=False)
        found = capsys.readouterr().out
        assert not expected or doctest.OutputChecker().check_output(expected, found, LOOSE), found


def test_pages_hold_examples():
    """A fence that the pattern above does not see would not be run."""
    counts = {page.stem: len(list(examples_of(page))) for page in PAGES}
    opened = {page.stem: len(re.findall(r"^(?:```python|\$ )", page.read_text(), re.M)) for page in PAGES}
    assert counts == opened
    assert all(counts[page] for page in ("bundle", "command-line", "formats", "gallery", "index", "python", "test"))
    tutorials = ("stock", "shop-sales", "hourly-load", "many-tickers", "service", "coming-from", "troubleshooting")
    assert all(counts[page] for page in tutorials)


def templates():
    """The strings of the package, with … in place of what is filled in."""
    for path in (ROOT / "forecast").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_package():
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = [message for _, message in re.findall(r"^\| (`+)(.+?)\1 \|", page, re.M)]
    known = list(templates())
    assert len(messages) > 30
    assert not [message for message in messages if not any(message in template for template in known)]


def test_every_command_has_its_section_and_its_options():
    page = (ROOT / "docs" / "command-line.md").read_text()
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert sorted(re.findall(r"^## forecast (\w+)", page, re.M)) == sorted(commands)
    for section in page.split("\n## ")[1:]:
        assert "<!-- options of" in section or re.search(r"options of `forecast run`|forecast models", section)


def test_every_public_name_stands_on_the_page_of_the_api():
    page = (ROOT / "docs" / "python.md").read_text()
    named = set(re.findall(r":: forecast\.(\w+)$", page, re.M)) | {"ForecastError", "MODELS"}
    assert set(forecast.__all__) <= named


def test_links_of_the_pages_lead_somewhere():
    for page in (*PAGES, *(ROOT / "docs" / "decisions").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)|\{image\} (\S+)", page.read_text()):
            assert (page.parent / "".join(target)).is_file(), (page.name, target)


def test_the_glossary_has_every_header_of_a_table_of_scores():
    tables = (*(columns.values() for columns in COLUMNS.values()), RISK)
    headers = {column.header.split(" [")[0] for columns in tables for column in columns}
    assert not [part for header in headers for part in header.split(", ") if part.lower() not in GLOSSARY.lower()]


def test_the_sources_of_the_glossary_are_among_its_references():
    tables, references = GLOSSARY.split("## References")
    cited = re.findall(r"(\w+)(?: et al\.| and \w+)? ((?:19|20)\d\d)\b", tables)
    assert len(cited) > 60
    assert all(re.search(rf"^- .*{name}.*\({year}\)", references, re.M) for name, year in cited)


def test_pages_and_help_use_the_words_of_the_field():
    import typer.main

    commands = typer.main.get_command(app).commands.values()
    texts = {page.name: page.read_text() for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES)}
    texts |= {command.name: f"{command.help} {[option.help for option in command.params]}" for command in commands}
    assert not {name: found for name, text in texts.items() if (found := RETIRED.findall(text))}


def test_the_readme_links_every_page():
    assert {page.name for page in PAGES} - {"index.md"} <= set(re.findall(r"\]\(docs/([\w-]+\.md)\)", README))


def table_rows():
    rows = re.findall(r"^\| \*{0,2}(\w+)\*{0,2} \| ([\d.]+) .*? \| ([\d.]+) \| ([\d.]+) \|$", README, re.M)
    return {model: (float(mae), float(held), float(ratio)) for model, mae, held, ratio in rows}


def test_the_table_of_the_readme_comes_out_of_the_demo_s_data():
    """Baselines to the digits shown, and the quickest network, whose last digits differ by machine."""
    result = forecast.run(ROOT / "data" / "sp500.csv", models=["dense"])
    shown = table_rows()
    assert {"lstm", "garch", "har", "naive"} < shown.keys()
    for row in result.scores:
        mae, held, ratio = shown[row.model]
        digits = 20 if row.model == "dense" else 1
        assert row.mae == pytest.approx(mae, abs=0.0051 * digits)
        assert 100 * row.coverage90 == pytest.approx(held, abs=0.051 * digits)
        assert row.mae_vs_naive == pytest.approx(ratio, abs=0.00051 * digits)


@pytest.mark.parametrize("source", ["data/sp500.csv", "data/shop_sales.csv:Sales", "data/sea_temperature.csv"])
def test_the_linear_model_is_as_good_as_the_readme_says(source):
    """The columns after the networks', which are `linear` and `seasonal_naive`."""
    shown = re.search(rf"^\| [^|]*`{re.escape(source)}` \|.*?([\d.]+) \| ([\d.]+) \|$", README, re.M)
    found = {row.model: row.mae_vs_naive for row in forecast.run(ROOT / source, models=["linear"]).scores}
    expected = [pytest.approx(float(ratio), abs=0.00051) for ratio in shown.groups()]
    assert [found["linear"], found["seasonal_naive"]] == expected


def test_on_sea_temperature_a_network_adds_nothing_to_the_linear_model():
    """As README and docs/models.md say."""
    result = forecast.run(ROOT / "data" / "sea_temperature.csv", models=["dense", "linear"])
    dense, linear, *_ = result.scores
    assert dense.mae == pytest.approx(linear.mae, rel=1e-3)
    assert dense.network_share < 0.01


def test_the_run_record_is_plain(walk):
    from conftest import SMALL

    record = run_record(forecast.run(walk, models=[], config=SMALL))
    assert record["verdict"]["naive"]["p_value"] is None
