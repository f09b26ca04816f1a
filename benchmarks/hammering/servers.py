"""Servers that answer wrongly in place of Yahoo Finance: a reason, or right rows, within ten seconds."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
from damage import ENTRIES, damaged
from yahoo_server import Stock, environment, point_at, running

from forecast.data.sources.yahoo import cache
from forecast.data.sources.yahoo import tickers as yahoo
from forecast.errors import ForecastError

FAULTS = (429, 500, 503, 401, 404, "half", "hang up", "silence", "slow", "drip", "brackets")
# Seconds in which a failure must be said, with some for a busy machine.
PROMPT = 12.0


def prepare(folder: Path) -> None:
    """Nothing."""


def run(numbers: range, folder: Path) -> Counter[str]:
    """One server after the other."""
    outcomes = Counter[str]()
    os.environ.update(environment(folder))
    yahoo.load_yfinance()
    for number in numbers:
        random = np.random.default_rng(number)
        with running() as server:
            point_at(server.address)
            server.stocks["MADE"], server.slow = Stock(np.linspace(10, 20, 300)), 30
            server.for_ever = _answer(number, random, server)
            cache.path_of("MADE", "1d").unlink(missing_ok=True)
            begun = time.monotonic()
            try:
                bars = yahoo.read_ticker("MADE").bars
                right = len(bars) >= 1 and (bars[["Open", "High", "Low", "Close"]].min() >= 0).all()
                outcome = "read" if right and bars["Date"].is_unique else "READ WRONGLY"
            except ForecastError as error:
                outcome = "refused" if "\n" not in str(error) else "MORE THAN ONE LINE"
            except Exception as error:
                outcome = f"TRACEBACK {type(error).__name__}"
                print(f"server {number}: {outcome}: {error}"[:300])
            outcomes[outcome] += 1
            if time.monotonic() - begun > PROMPT:
                outcomes["SLOW"] += 1
                print(f"server {number}: {server.for_ever!r:.60} {time.monotonic() - begun:.1f} s")
    return outcomes


def _answer(number: int, random: np.random.Generator, server) -> object:
    """A fault of the server, or a document with some entries changed."""
    if number < len(FAULTS):
        return FAULTS[number]
    document = server.stocks["MADE"].document("MADE", 0, 4e9)
    for _ in range(int(random.integers(1, 4))):
        holder = document["chart"]["result"][0]
        while True:
            places = list(holder) if isinstance(holder, dict) else range(len(holder))
            place = places[random.integers(len(places))]
            if not isinstance(holder[place], dict | list) or not holder[place] or random.random() < 0.2:
                break
            holder = holder[place]
        holder[place] = ENTRIES[random.integers(len(ENTRIES))]
    return document if number % 3 else json.loads(_readable(damaged(json.dumps(document).encode(), random)[1]))


def _readable(content: bytes) -> str:
    try:
        text = content.decode()
        return text if isinstance(json.loads(text), dict) else "{}"
    except ValueError:
        return "{}"
