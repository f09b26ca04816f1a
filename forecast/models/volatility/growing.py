"""Quantiles of samples that grow, as more and more of a series becomes known: those of `numpy.quantile`.

In: values and the row in which each became known. Out: quantiles of those that are known at some rows. The values are
put in order of size once; a bit for each of them says whether it is known, and the k-th smallest one that is known is
found by the k-th bit that is set: by the counts of bits in words and in bytes, and a table for a byte.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.typing import Array, Rows

# Bits that are set at once, and quantiles that are found at once: they stay in the processor's cache.
CELLS, FOUND = 1 << 20, 1 << 14
# The same number in each byte of a word: 1, and the highest bit.
EACH, HIGHEST = 0x0101010101010101, np.uint64(0x8080808080808080)
# The row of what is not known in any.
NEVER = np.iinfo(np.intp).max
# The place of the k-th set bit of a byte, at 8 * byte + k.
PLACES = np.array([sorted(range(8), key=lambda bit: (~byte >> bit & 1, bit)) for byte in range(256)]).ravel()
Words = NDArray[np.int64]


def quantiles_until(rows: Rows, moves: Sequence[tuple[Rows, Array]]) -> tuple[Array, Rows]:
    """Quantiles (R, S, Q) of the values of S series that are known at rows (R,), and their numbers (R, S); 0 of none.

    Args:
        moves: For each series the rows in which its values became known, and the values.
    """
    longest = max((len(values) for _, values in moves), default=0)
    known, found = np.full((len(moves), longest), NEVER), np.zeros((len(moves), longest))
    for place, (row, values) in enumerate(moves):
        known[place, : len(row)], found[place, : len(row)] = row, values
    return quantiles_of_growing(rows, known, found)


def quantiles_of_growing(rows: Rows, known: Rows, values: Array) -> tuple[Array, Rows]:
    """The same for the row in which each value became known, NEVER without one, and the values, shapes (S, n)."""
    series, size = values.shape
    if not values.size:
        return np.zeros((len(rows), series, len(QUANTILES))), np.zeros((len(rows), series), np.intp)
    order = np.argsort(values, axis=1) + size * np.arange(series)[:, None]
    ordered, never = values.ravel().take(order), int(rows.max(initial=0)) + 1
    since = np.full((series, -(-size // 64) * 64), never, np.min_scalar_type(never))  # a narrow type is compared sooner
    since[:, :size] = np.minimum(known, never).ravel().take(order)
    found, count = np.empty((len(rows), series, len(QUANTILES))), np.empty((len(rows), series), np.intp)
    together = max(1, min(CELLS // max(1, since.size), FOUND // (series * len(QUANTILES))))
    for start in range(0, len(rows), together):
        part = slice(start, start + together)
        held = since <= rows[part, None, None].astype(since.dtype)
        found[part], count[part] = _quantiles_of_held(held, ordered)
    return found, count


def _quantiles_of_held(held: NDArray[np.bool_], ordered: Array) -> tuple[Array, Rows]:
    """Quantiles (R, S, Q) of those of some values (S, n) in order of size that are held, and their numbers (R, S).

    Args:
        held: Shape (R, S, N), N a multiple of 64.
    """
    words = np.packbits(held, axis=-1, bitorder="little").view("<i8").reshape(-1, held.shape[2] // 64)
    inner = np.bitwise_count(words.view(np.uint8)).view("<i8") * EACH  # in byte j the bits in bytes 0 to j of the word
    until = np.cumsum(inner >> 56, axis=1)
    count = until[:, -1]
    last = np.maximum(count - 1, 0)
    share = np.array(QUANTILES)[:, None] * last
    low = share.astype(np.intp)
    place = np.broadcast_to(np.arange(len(words)), low.shape)
    below = _set_bit(low, place, words, inner, until)
    after = _next_bit(below, place, words)
    none = np.flatnonzero(after < 0)  # it lies in another word, or there is none
    row = none % len(words)
    after.ravel()[none] = _set_bit(np.minimum(low.ravel()[none] + 1, last[row]), row, words, inner, until)
    start = np.tile(np.arange(len(ordered)) * ordered.shape[1], len(held))
    low_value, high_value = (ordered.ravel().take(one + start, mode="clip") for one in (below, after))
    found = _between(low_value, high_value, share - low)
    found[:, count == 0] = 0.0
    return found.T.reshape(*held.shape[:2], -1), count.reshape(held.shape[:2])


def _set_bit(wanted: Rows, place: Rows, words: Words, inner: Words, until: Words) -> Rows:
    """Which bit of some words in a row is the `wanted`-th set one, counted from 0.

    Args:
        wanted: Shape (..., m), below the number of bits that are set.
        place: The row, of the same shape.
        words: Shape (P, W).
        inner: How many bits are set in the bytes of each word up to each, one in each byte, shape (P, W).
        until: How many are set up to the end of each word, shape (P, W).
    """
    start, most = place * words.shape[1], words.shape[1] - 1
    word, reach = np.zeros(wanted.shape, np.intp), 1 << most.bit_length() >> 1
    while reach:  # a binary search for the word
        further = np.minimum(word + reach, most)
        word = np.where(until.take(start + further - 1) <= wanted, further, word)
        reach >>= 1
    flat = start + word
    bits = inner.take(flat)
    rest = wanted - until.take(flat) + (bits >> 56)
    octet = np.bitwise_count(
        ((rest + 128) * EACH - bits).view(np.uint64) & HIGHEST
    )  # bytes before the one with the bit
    shift = octet.astype(np.int64) << 3
    rest -= (bits << 8) >> shift & 255
    octets = words.take(flat) >> shift & 255
    return np.asarray((word << 6) + shift + PLACES.take((octets << 3) + rest, mode="clip"))


def _next_bit(bit: Rows, place: Rows, words: Words) -> Rows:
    """The set bit after each in the same word; -1 without one."""
    following = words.view(np.uint64).take(place * words.shape[1] + (bit >> 6), mode="clip")
    following >>= (bit & 63).astype(np.uint64)
    following >>= np.uint64(1)
    ahead = np.bitwise_count(~following & (following - np.uint64(1)))
    return np.where(ahead < 64, bit + 1 + ahead, -1)


def grow(values: Array, counts: Rows) -> Iterator[Array]:
    """The first values (n,) in order of size, for each number of them in `counts`, which do not decrease."""
    ordered, before = values[:0], 0
    for count in counts:
        if count > before:
            new = np.sort(values[before:count])
            ordered, before = np.insert(ordered, np.searchsorted(ordered, new), new), int(count)
        yield ordered


def quantiles_of_sorted(ordered: Array, levels: Sequence[float]) -> Array:
    """Quantiles (..., Q) of values (..., n) that are in order along the last axis: those of `numpy.quantile`."""
    place = np.asarray(levels) * (ordered.shape[-1] - 1)
    low = place.astype(int)
    share, below = place - low, ordered[..., low]
    above = ordered[..., np.minimum(low + 1, ordered.shape[-1] - 1)]
    return _between(below, above, share)


def _between(below: Array, above: Array, share: Array) -> Array:
    gap = above - below
    return np.asarray(np.where(share < 0.5, below + gap * share, above - gap * (1 - share)))
