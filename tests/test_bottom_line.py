"""The bottom line against verdicts whose answer is plain."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_series, random_walk
from test_evaluation import predictions

from forecast.evaluation.bottom_line import bottom_line, line_of_directions, line_over_series, remarks, say_once
from forecast.evaluation.direction import DirectionVerdict
from forecast.evaluation.scores import complete, score_all
from forecast.evaluation.verdicts import judge

SERIES = make_series(random_walk(400))
TARGET = np.concatenate([SERIES.y, np.zeros(3)])


def naive(row, step):
    return SERIES.y[row]


def knows(share):
    """A forecast that knows so much of what comes."""
    return lambda row, step: TARGET[row] + share * (TARGET[row + step] - TARGET[row])


def judged(medians, *, first=160, half=1.1, naive_half=2.0):
    """Verdicts and scores of models that forecast the given functions of (origin, step), beside naive."""
    made = {}
    for model, median in (medians | {"naive": naive}).items():
        one = complete(predictions(median, SERIES, first=first, model=model))
        spread = naive_half if model == "naive" else half
        made[model] = replace(one, quantiles=one.quantiles[..., [3]] + spread * np.linspace(-1, 1, 7))
    scores = score_all(made, y_train=SERIES.y[:140])
    return judge(made, scores, y=SERIES.y, unit="USD"), scores


def test_without_a_winner_naive_is_used():
    line = bottom_line(*judged({"lstm": naive, "drift": lambda row, step: SERIES.y[row] + 2}))
    assert line == "Nothing here beats naive: use naive, or its intervals."
    line = bottom_line(*judged({"lstm": naive}, naive_half=1.0))
    assert line == "Nothing here beats naive: use naive. Its 90 % interval held 61.9% of the truths: it is too narrow."


def test_the_best_model_is_used_and_how_much_it_saves_is_said():
    assert bottom_line(*judged({"lstm": knows(0.3), "gru": knows(0.4)})) == (
        "Use gru: its error is 40.0% smaller than naive's, beyond luck."
    )


@pytest.mark.parametrize("simple", ["linear", "drift"])
def test_of_equal_models_the_simplest_is_used_and_the_networks_are_said_to_add_nothing(simple):
    line = bottom_line(*judged({"lstm": knows(0.401), "gru": knows(0.3), simple: knows(0.4), "dense": knows(0.4)}))
    assert (
        line == f"Use {simple}: its error is 40.0% smaller than naive's, beyond luck; lstm and dense add nothing to it."
    )


def test_broken_intervals_of_the_winner_are_said_with_the_cure():
    line = bottom_line(*judged({"lstm": knows(0.4)}, half=0.01))
    assert line.startswith("Use lstm: its error is 40.0% smaller than naive's, beyond luck. Its 90 % interval held ")
    assert line.endswith("CRPS is 3.6% larger. Use the intervals of naive.")
    line = bottom_line(*judged({"lstm": knows(0.4)}, half=0.01, naive_half=0.01))
    assert line.endswith("it is too narrow.")


def test_too_short_a_test_says_what_would_suffice():
    line = bottom_line(*judged({"lstm": knows(0.4)}, first=386))
    assert line.startswith("The test is too short to say whether anything beats naive: --horizon 2 would do.")


def test_too_short_a_test_of_medians_is_no_defeat_where_intervals_are_better():
    verdicts, scores = judged({"lstm": knows(0.4)}, first=386)
    better = [replace(one, crps_vs_naive=0.5, p_intervals=0.001) if one.enough else one for one in verdicts]
    assert bottom_line(better, scores) == (
        "The test is too short to say whether a median beats naive's: --horizon 2 would do; "
        "use the intervals of lstm: their CRPS is 50.0% smaller, beyond luck."
    )


def test_copies_are_said_once_and_not_of_baselines():
    def late(row, step):
        return SERIES.y[row - 1] + 0.5

    verdicts, _ = judged({"lstm": late, "gru": late, "drift": late, "seasonal_naive": late, "forest": knows(0.4)})
    assert remarks(verdicts) == (
        "lstm and gru repeat the last value: the forecasts change when it changes, and of what comes next they say "
        "almost nothing.",
    )
    assert remarks(verdicts[:1])[0].startswith("lstm repeats the last value: ")
    assert remarks(verdicts[2:]) == ()
    assert not any("repeat" in verdict.sentence for verdict in verdicts)


def test_directions_have_theirs():
    better, unclear = (DirectionVerdict("gru", outcome, 2.5, 0.01, "") for outcome in ("better", "not distinguishable"))
    assert line_of_directions([better]).startswith("Use gru: its log loss is 2.5% smaller than the base rates'")
    assert line_of_directions([unclear]).startswith("Nothing here beats the base rates: use them")


def test_many_series_have_theirs():
    def row(model, ratio, better, worse):
        return {"model": model, "mae_vs_naive": ratio, "found_better": better, "found_worse": worse, "series": 9}

    rows = [row("lstm", 0.800, 6, 1), row("linear", 0.801, 5, 0), row("esn", 0.7, 0, 0), row("naive", 1.0, 0, 0)]
    assert line_over_series(rows) == (
        "Use linear: it is better than naive beyond luck on 5 of 9 series, worse on 0; its mean MAE / naive is 0.801."
    )
    assert line_over_series(rows[2:]).startswith("Nothing here beats naive over these series")


def test_what_holds_alike_for_several_models_is_said_once():
    said = "is not distinguishable from naive: its error is 4.6% smaller, which may be luck, p = 0.54."
    adds = " Its network adds nothing to its linear highway: 0% of the moves are its own."
    sentences = {"lstm": f"lstm {said}{adds}", "linear": f"linear {said}", "gru": f"gru {said}{adds}"}
    both = (
        "lstm and gru are not distinguishable from naive: their error is 4.6% smaller, which may be luck, p = 0.54. "
        "Their networks add nothing to their linear highway: 0% of the moves are their own."
    )
    assert say_once(sentences) == [both, f"linear {said}"]
    said = (
        ": its error is 6.3% larger than naive's, but the test is too short to rule out luck: --horizon 1 would do. "
        "Its 90 % interval held 100.0% of the truths: it is too wide, and its quantiles are worse than naive's."
    )
    both = (
        "lstm and gru: their error is 6.3% larger than naive's, but the test is too short to rule out luck: "
        "--horizon 1 would do. Their 90 % intervals held 100.0% of the truths: they are too wide, "
        "and their quantiles are worse than naive's."
    )
    assert say_once({"lstm": f"lstm{said}", "gru": f"gru{said}"}) == [both]
