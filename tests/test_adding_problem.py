import numpy as np
import pytest

from forecast.models.equations import adding_problem


def test_two_numbers_are_marked_one_in_each_half_and_summed():
    x, y = adding_problem.draw_adding(np.random.default_rng(0), 500, 11)
    numbers, marks = x[..., 0], x[..., 1]
    assert (marks[:, :5].sum(axis=1) == 1).all()
    assert (marks[:, 5:].sum(axis=1) == 1).all()
    assert (marks.sum(axis=0) > 20).all()  # any place may be marked
    np.testing.assert_allclose(y[:, 0], [row[mark == 1].sum() for row, mark in zip(numbers, marks, strict=True)])
    assert y.var() == pytest.approx(adding_problem.FORGETFUL, rel=0.1)


@pytest.mark.slow
def test_a_gru_learns_to_add_two_of_six_numbers():
    lesson = adding_problem.learn_adding("gru", 6, steps=400, units=16, learning_rate=0.02)
    assert lesson.errors.shape == (400,)
    assert lesson.errors[-50:].mean() < adding_problem.FORGETFUL / 5
    assert [weight.shape for weight in lesson.weights] == [(2, 48), (16, 48), (2, 48)]
