"""The bounds of the lazy kernel (docs/kernel.md, section 4): each holds where every rounding goes against it.

The errors that a bound allows for are made as large as they can be, and all in one direction: a bound that leaves one
of them out lies above what it bounds. What is bounded is computed in float64, from the float32 that the kernel has.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lazyadv.kernel.copies import LEVELS, Neurons, copy_rows, round_levels
from lazyadv.kernel.rooms import Bounds, Example, Examples, Place, Scratch, find_due, look, set_reference
from lazyadv.kernel.steps import locate
from lazyadv.kernel.vectors import LANES, SQUARE, TALL

D = 784
M = LANES  # neurons; all alike but for the signs of their weights
FULL = 0.4995  # of a level, which rounding takes away from each coordinate
Array = NDArray[Any]


def levels(length: float, fraction: float, count: int = D) -> Array:
    """Nearly equal numbers, each a whole number and `fraction`, whose norm is `length`: (count,)."""
    least = np.floor(length / np.sqrt(count) - fraction)
    low, high = (least + fraction) ** 2, (least + 1 + fraction) ** 2
    number = round((length**2 - count * low) / (high - low))
    found = np.full(count, least + fraction)
    found[:number] += 1
    return found


def neurons(w: Array, b: Array) -> Neurons:
    """What the kernel keeps of a network."""
    m, d = w.shape
    per_norm, unit = np.empty((2, m), np.float32)
    coarse = np.zeros((m, d), np.int8)
    fine = np.zeros((m + -m % SQUARE[0], d), np.int16)
    coarse_error, fine_error = map(np.float32, copy_rows(w, per_norm, coarse, unit, fine))
    v = np.ones(m, np.float32)
    return Neurons(w, b, v, per_norm, coarse, unit, fine, coarse_error, fine_error, np.float32(0))


def rows(kind: str, signs: Array) -> Array:
    """Weights (m, d) that lose the most in the copy in 8 or in 16 bits: towards zero in each coordinate."""
    row = np.full(D, 126 + FULL) if kind == "coarse" else levels(float(LEVELS), FULL)
    if kind == "coarse":
        row[0] = 127
    return (row * signs).astype(np.float32)


def signs(seed: int) -> Array:
    return np.where(np.random.default_rng(seed).random((M, D)) < 0.5, -1.0, 1.0)


def unit_rows(net: Neurons) -> Array:
    """The weights in the units of rooms, in float64."""
    return net.w.astype(float) * net.per_norm.astype(float)[:, None]


def test_the_copies_are_off_by_no_more_than_they_say() -> None:
    """Also a single row that is whole levels, so that nothing but float32's rounding is off."""
    random = np.random.default_rng(0).standard_normal((M, D)).astype(np.float32)
    lengths = np.geomspace(1e-3, 1e3, M)[:, None]
    single = [(lengths * part).astype(np.float32)[:, None] for part in (signs(0), np.eye(M, D))]
    for w in (rows("coarse", signs(0)), rows("fine", signs(0)), random, *np.concatenate(single)):
        net = neurons(w, np.zeros(len(w), np.float32))
        exact = unit_rows(net)
        assert np.linalg.norm(exact, axis=1).max() <= 1  # so that (1) holds by Cauchy-Schwarz
        lacks = exact - net.unit.astype(float)[:, None] * net.coarse
        assert np.linalg.norm(lacks, axis=1).max() <= net.coarse_error
        lacks = exact - net.fine[: len(w)] / float(LEVELS)
        assert np.linalg.norm(lacks, axis=1).max() <= net.fine_error


@pytest.mark.parametrize("d", [16, D, 3136])
def test_a_vector_in_16_bits_is_off_by_no_more_than_it_says(d: int) -> None:
    vector = (levels(float(LEVELS), FULL, d) / float(LEVELS)).astype(np.float32)
    norm = np.float32(np.linalg.norm(vector.astype(float)) * (1 + 1e-6))
    rounded = np.empty(d, np.int16)
    lost = round_levels(vector, norm, rounded)
    exact = np.linalg.norm(vector - rounded * (float(norm) / float(LEVELS)))
    assert 0.9 * lost < exact <= lost


@pytest.mark.parametrize("seed", range(20))
def test_where_an_example_is_has_lengths_that_are_not_too_short(seed: int) -> None:
    """The norm of rest, and a step's part across the direction, along which it mostly is; with the error of rates."""
    generator = np.random.default_rng(seed)
    direction, delta, reference, change = generator.standard_normal((4, D)).astype(np.float32)
    direction /= np.linalg.norm(direction)
    change = (0.1 * direction + 1e-6 * change).astype(np.float32)
    nothing = np.zeros(D, np.float32)
    example = Example(nothing, np.float32(1), delta, nothing, nothing > 0, nothing, nothing, reference, direction)
    total, inside = np.float32(change @ change), np.float32(change @ direction)
    before, rest = Place(np.float32(0.3), np.float32(0), np.float32(0), np.float32(0)), np.empty(D, np.float32)
    for slope_error in (0, 0.01):
        place = locate(example, rest, before, total, inside, np.float32(slope_error))
        exact = [part.astype(float) for part in (delta, reference, direction, change)]
        assert place.distance >= np.linalg.norm(exact[0] - exact[1] - float(place.along) * exact[2])
        across = np.linalg.norm(exact[3] - float(inside) * exact[2])
        assert place.path >= (across + slope_error * abs(inside)) * (1 - 1e-6)
        assert place.tilt == np.float32(slope_error) * abs(place.along)


class State:
    """Neurons at a place on the way from a reference, each with all errors up (+1) or down (-1), and what is true.

    Half are on, half off; half of the rooms are `near` zero, beyond it or not, the others far from it.
    """

    along, path = np.float32(1.5), np.float32(0.7)
    slope_error, z_error = np.float32(3e-4), np.float32(2e-4)
    near = 2e-5

    def __init__(self, kind: str) -> None:
        generator, place = np.random.default_rng(0), np.arange(M)
        self.side, turned, beyond, far = (np.where(place >> bit & 1, 1.0, -1.0) for bit in range(4))
        common = signs(1)[0]
        w = rows(kind, common * turned[:, None])
        self.up = -self.side * turned  # the copies' products with rest, in size too small, move the rooms so
        self.room = beyond * np.where(far > 0, 1.0, self.near)
        self.rest = (0.5 * common * levels(float(LEVELS), FULL) / float(LEVELS)).astype(np.float32)
        self.distance = np.float32(np.linalg.norm(self.rest.astype(float)) * (1 + 1e-6))
        u = generator.standard_normal(D)
        self.u = (u / np.linalg.norm(u)).astype(np.float32)
        self.reference, self.x = (0.01 * generator.random((2, D))).astype(np.float32)
        self.delta = (self.reference + float(self.along) * self.u + self.rest).astype(np.float32)
        unbiased = neurons(w, np.zeros(M, np.float32))
        self.unit_rows = unit_rows(unbiased)
        wanted = self.side * self.room - self.unit_rows @ (self.x.astype(float) + self.delta)
        self.neurons = unbiased._replace(b=(wanted / unbiased.per_norm).astype(np.float32))
        z, slope = self.z_at(self.reference), self.unit_rows @ self.u
        self.z = (z + self.side * self.up * self.z_error).astype(np.float32)
        self.slope = (slope + self.side * self.up * self.slope_error).astype(np.float32)

    def z_at(self, delta: Array) -> Array:
        """The preactivations in the units of rooms, in float64."""
        bias = self.neurons.b.astype(float) * self.neurons.per_norm
        return np.asarray(self.unit_rows @ (self.x.astype(float) + delta) + bias)

    @property
    def place(self) -> Place:
        return Place(self.along, self.distance, self.path, self.slope_error * self.along)

    def bounds(self, near: bool) -> Bounds:
        side = self.side.astype(np.float32)
        start, doubt = side * self.z - self.z_error, np.full(M, self.z_error)
        return Bounds(start, start.copy(), side * self.slope, side, doubt, np.full(M, near))

    def example(self) -> Example:
        gradient = np.zeros(D, np.float32)
        on = self.side > 0
        vectors = (self.reference.copy(), self.u.copy())
        return Example(self.x, np.float32(1), self.delta, gradient, on, self.z.copy(), self.slope.copy(), *vectors)


def scratch(rest: Array) -> Scratch:
    size = M + TALL[0]
    due, (far, close, flips) = np.arange(size, dtype=np.uint64), np.zeros((3, size), np.uint64)
    factors, target = np.zeros(M, np.float32), np.zeros(D, np.float32)
    products, away = np.zeros((1, size), np.int32), np.zeros((1, D), np.int16)
    return Scratch(due, far, close, flips, factors, products, away, target, rest)


def one_of(example: Example, *numbers: Any) -> Examples:
    arrays = [np.asarray(part)[None] for part in (example.x, example.y, np.int64(0), *example[2:])]
    return Examples(*arrays, *(np.array([number], np.float32) for number in numbers))


ROUNDING = 4e-7  # of the bounds' own arithmetic in float32


@pytest.mark.parametrize("kind", ["coarse", "fine"])
def test_a_look_finds_every_flip_and_leaves_bounds_that_hold(kind: str) -> None:
    state = State(kind)
    bounds, example, lists = state.bounds(near=kind == "fine"), state.example(), scratch(state.rest)
    turns = look(state.neurons, example, bounds, state.place, lists, M, state.z_error)
    z = state.z_at(state.delta)
    assert np.array_equal(state.side * z > 0, state.room > 0)
    assert set(lists.flips[:turns]) == set(np.flatnonzero(state.room < 0))
    assert (bounds.side * z > 0).all()
    sure = bounds.reach + bounds.rate * state.along - state.path  # (2), at the place of the look itself
    assert (sure <= bounds.side * z + ROUNDING).all()
    before = state.z_at(state.reference)
    assert (bounds.start <= bounds.side * before + ROUNDING).all()
    assert (np.abs(example.z - before) <= state.z_error + ROUNDING).all()


def test_what_a_look_at_the_weights_themselves_leaves_is_a_bound() -> None:
    """Nothing but float32's rounding of the preactivation is between it and the truth."""
    state, generator = State("fine"), np.random.default_rng(0)
    state.neurons = neurons(*(generator.standard_normal(shape).astype(np.float32) for shape in ((M, D), M)))
    state.unit_rows, state.delta = unit_rows(state.neurons), state.reference
    zero, z = np.float32(0), state.z_at(state.delta)
    bounds = state.bounds(near=True)
    bounds.side[:], bounds.doubt[:] = np.sign(z), 100
    bounds.start[:] = np.abs(z) - bounds.doubt
    rest = np.zeros(D, np.float32)
    look(state.neurons, state.example(), bounds, Place(zero, zero, zero, zero), scratch(rest), M, zero)
    assert (bounds.start <= np.abs(z)).all()


def test_a_new_reference_is_off_by_no_more_than_it_says() -> None:
    state = State("fine")
    example, bounds = state.example(), state.bounds(near=False)
    lists = scratch(state.rest)
    round_levels(state.rest, state.distance, lists.away[0])
    moved = (state.neurons.fine.astype(np.int64) @ lists.away[0]).astype(np.int32)
    examples = one_of(example, state.along, state.distance, state.z_error, state.slope_error)
    set_reference(example, examples, 0, moved, state.neurons.fine_error, bounds)
    z = state.z_at(state.delta)
    assert np.array_equal(example.reference, state.delta)
    assert (np.abs(example.z - z) <= examples.z_error[0]).all()
    assert (np.abs(example.slope - state.unit_rows @ example.direction) <= examples.slope_error[0]).all()
    assert (bounds.start <= state.side * z).all()
    assert np.linalg.norm(example.direction.astype(float)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("before", "after", "along"), [(0, 0, 0), (0, 3, 3), (0, 20, 1)])
def test_a_new_reference_allows_for_float32(before: float, after: float, along: float) -> None:
    """From one multiple of the direction to another, with nothing but rounding; at first the chord is the direction."""
    state, zero = State("fine"), np.float32(0)
    state.u = np.abs(state.u)
    others = 0.02 * np.random.default_rng(0).standard_normal((M, D))
    state.neurons = neurons((state.u + others).astype(np.float32), np.ones(M, np.float32))
    state.unit_rows = unit_rows(state.neurons)
    state.reference, state.delta = (np.float32(part) * state.u for part in (before, after))
    state.z = state.z_at(state.reference).astype(np.float32)
    slope = state.neurons.w @ (state.delta if along == 1 else state.u)  # in float32, as the kernel's first slopes
    state.slope = slope * state.neurons.per_norm
    example, bounds = state.example(), state.bounds(near=False)
    examples = one_of(example, along, zero, zero, zero)
    set_reference(example, examples, 0, np.zeros(M, np.int32), zero, bounds)
    assert (np.abs(example.z - state.z_at(state.delta)) <= examples.z_error[0]).all()
    assert (np.abs(example.slope - state.unit_rows @ example.direction) <= examples.slope_error[0]).all()


def test_a_neuron_that_rest_and_rates_may_have_flipped_is_due() -> None:
    """Moved by rest straight towards where it flips, as far as (1) allows for, with a rate that is too high."""
    state = State("fine")
    bounds, due = state.bounds(near=False), np.zeros(M + TALL[0], np.uint64)
    straight = state.up > 0
    flipped = straight & (np.abs(state.room) < 1) & (state.room < 0)
    bounds.reach[:] = -np.inf
    count = find_due(bounds, state.place, due)
    assert flipped.any()
    assert set(np.flatnonzero(flipped)) <= set(due[:count])
