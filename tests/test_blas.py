"""Small products take one thread, and a first answer no look for garbage: seen from outside, in another process."""

import subprocess
import sys
import textwrap


def printed(code):
    """What code prints in a process whose products have two threads."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.split()


THREADS = """
    from threadpoolctl import ThreadpoolController, threadpool_limits
    import numpy
    from forecast.runtime.blas import one_thread

    threadpool_limits(2, user_api="blas")
    blas = ThreadpoolController().select(user_api="blas")
    threads = lambda: blas.info()[0]["num_threads"]
"""


def test_one_thread_inside_and_as_before_after_it_and_after_an_error():
    assert printed(
        THREADS
        + """
    with one_thread(), one_thread():
        print(threads())
    print(threads(), one_thread()(threads)(), threads())
    try:
        with one_thread():
            raise ValueError
    except ValueError:
        print(threads())
    """
    ) == ["1", "2", "1", "2", "2"]


def test_a_forecast_and_its_test_take_one_thread():
    assert printed(
        THREADS
        + """
    import numpy as np, forecast
    from forecast.models.pretrained import estimator

    mix, seen = estimator.mix, set()
    estimator.mix = lambda *args: (seen.add(threads()), mix(*args))[1]
    forecast.predict(np.sin(np.arange(200.0)), horizon=3)
    print(*seen, threads())
    """
    ) == ["1", "2"]


def test_a_first_answer_is_given_before_garbage_is_looked_for():
    code = """
    import gc, os, sys
    from forecast.cli.main import main

    usual = gc.get_threshold()
    gc.callbacks.append(lambda phase, _: gc.get_threshold() != usual and os.write(1, b"garbage "))
    sys.argv = ["forecast", "predict", "data/sp500.csv"]
    main()
    """
    found = printed(code)
    assert "sp500:" in found
    assert "garbage" not in found
