"""The bottom line: what to use, in one sentence; and what holds for several models of a run, said once.

In: the verdicts and scores of a run, or the table of models of a comparison. Out: sentences.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forecast.evaluation.direction import DirectionVerdict
from forecast.evaluation.scores import Scores
from forecast.evaluation.verdicts import TIE, Verdict
from forecast.inference.direction import BASE_RATE
from forecast.models import BASELINES, NETWORKS

NOTHING = "Nothing here beats naive"


def bottom_line(verdicts: Sequence[Verdict], scores: Sequence[Scores]) -> str:
    """What to use for a series: the simplest of the best models that are better than naive, or naive."""
    errors = {row.model: row.mae for row in scores}
    judged = {verdict.model: verdict for verdict in verdicts}
    better = {name: errors[name] for name, verdict in judged.items() if verdict.outcome == "better"}
    if not better:
        return _without_winner(judged)
    chosen = _simplest(better)
    rivals = [name for name in better if name in NETWORKS and name != chosen and better[name] <= TIE * better[chosen]]
    line = f"Use {chosen}: its error is {1 - judged[chosen].mae_vs_naive:.1%} smaller than naive's, beyond luck"
    line += f"; {_listed(rivals)} {_verb(rivals, 'adds', 'add')} nothing to it." if rivals else "."
    return line + _on_intervals(judged[chosen], judged.get("naive"))


def _without_winner(judged: Mapping[str, Verdict]) -> str:
    others = [verdict for verdict in judged.values() if verdict.outcome != "baseline"]
    is_too_short = bool(others) and all(verdict.enough for verdict in others)
    intervals = {name: one.crps_vs_naive for name, one in judged.items() if one.has_better_intervals}
    if intervals:
        chosen = _simplest(intervals)
        size = f"{1 - intervals[chosen]:.1%}"
        unsaid = f"The test is too short to say whether a median beats naive's: {others[0].enough}"
        medians = unsaid if is_too_short else f"{NOTHING}'s median"
        return f"{medians}; use the intervals of {chosen}: their CRPS is {size} smaller, beyond luck."
    naive = judged.get("naive")
    if is_too_short:
        return f"The test is too short to say whether anything beats naive: {others[0].enough}."
    broken = naive.intervals if naive else ""
    return f"{NOTHING}: use naive. {broken}" if broken else f"{NOTHING}: use naive, or its intervals."


def _on_intervals(chosen: Verdict, naive: Verdict | None) -> str:
    if not chosen.intervals:
        return ""
    cure = " Use the intervals of naive." if naive and not naive.intervals else ""
    return f" {chosen.intervals}{cure}"


def remarks(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """What holds for several models, once: which of them repeat the last value."""
    names = [verdict.model for verdict in verdicts if verdict.repeats]
    if not names:
        return ()
    who = "it says" if len(names) == 1 else "they say"
    return (
        f"{_listed(names)} {_verb(names, 'repeats', 'repeat')} the last value: the forecasts change when it changes, "
        f"and of what comes next {who} almost nothing.",
    )


# How a sentence on one model reads for several.
PLURAL = (
    (" is not ", " are not "),
    (" is better ", " are better "),
    (" is worse ", " are worse "),
    (" equals ", " equal "),
    (": it found", ": they found"),
    (": its error", ": their error"),
    (" Its network adds nothing to its", " Their networks add nothing to their"),
    (" the moves are its own", " the moves are their own"),
    (" Its 90 % interval", " Their 90 % intervals"),
    (": it is too", ": they are too"),
    (" and has no width", " and have no width"),
    (" Its intervals are", " Their intervals are"),
    (" Its quantiles", " Their quantiles"),
    (" and its quantiles", " and their quantiles"),
)


def say_once(sentences: Mapping[str, str]) -> list[str]:
    """Sentences by model, in their order; what holds alike for several models is said once.

    Args:
        sentences: Of each model, beginning with its name.
    """
    models: dict[str, list[str]] = {}
    for name, sentence in sentences.items():
        models.setdefault(sentence.removeprefix(name), []).append(name)
    return [_listed(names) + (_plural(said) if len(names) > 1 else said) for said, names in models.items()]


def _plural(said: str) -> str:
    for one, several in PLURAL:
        said = said.replace(one, several, 1)
    return said


def line_of_directions(verdicts: Sequence[DirectionVerdict]) -> str:
    """What to use for the direction of a series."""
    better = [verdict for verdict in verdicts if verdict.outcome == "better"]
    if not better:
        return f"{NOTHING.replace('naive', 'the base rates')}: use them, the shares of the classes so far."
    best = max(better, key=lambda verdict: verdict.log_loss_skill)
    if best.model == BASE_RATE:
        return "Use the base rates."
    return f"Use {best.model}: its log loss is {best.log_loss_skill:.1f}% smaller than the base rates', beyond luck."


def line_over_series(rows: Sequence[Mapping[Any, Any]]) -> str:
    """What to use for many series: rows as `summary.models_table` has them.

    A model is used that was found better than naive on more series than it was found worse, when at most one finding
    in twenty may be false.
    """
    found = {row["model"]: row for row in rows if row["found_better"] > row["found_worse"]}
    errors = {name: row["mae_vs_naive"] for name, row in found.items() if row["mae_vs_naive"] < 1}
    if not errors:
        return f"{NOTHING} over these series: use naive, or its intervals."
    chosen = found[_simplest(errors)]
    better, worse, count = chosen["found_better"], chosen["found_worse"], chosen["series"]
    return (
        f"Use {chosen['model']}: it is better than naive beyond luck on {better} of {count} series, worse on {worse}; "
        f"its mean MAE / naive is {chosen['mae_vs_naive']:.3f}."
    )


def _simplest(errors: Mapping[str, float]) -> str:
    """The simplest of the models whose errors are as good as the smallest: a baseline, or else no network."""
    least = min(errors.values())
    close = [name for name, error in errors.items() if error <= TIE * least]
    return min(close, key=lambda name: (name not in BASELINES, name in NETWORKS, errors[name]))


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _verb(names: Sequence[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
