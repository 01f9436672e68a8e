"""The lazy kernel: PGD that looks only at the neurons that may have changed sign.

f(x) = sum_j v_j relu(w_j . x + b_j). A dense step of PGD takes two products with W, yet it flips about one
neuron in a hundred, and the gradient changes by flips alone. `attack.lazy_pgd` keeps the gradient of
each example, adds +-v_j w_j to it when neuron j flips, and proves of the others that they did not.

The bounds. A neuron's *room* is the distance of x + delta from the hyperplane on which the neuron switches,
|w_j . (x + delta) + b_j| / ||w_j||. At a *reference*, a point of the path, the room of every neuron is known
(`start`), and the `rate` at which it grows along the chord from the reference before, whose unit vector is
u. Later delta = reference + along u + rest, and by Cauchy-Schwarz

    room_j  >=  start_j + rate_j along - ||rest||.

A neuron of which this leaves the sign open is *due*: it is looked at. Its room of that moment gives another
bound, in which the *path*, the summed lengths of the steps' parts off the line, stands for ||rest||:

    room_j  >=  reach_j + rate_j along - path,

with reach_j such that this holds as an equality when j is looked at. From then on j is due if neither is positive.

A look multiplies `rest` in 16 bits by a copy of w_j / ||w_j|| in 8 bits, a quarter of the memory; if its
error leaves the sign open by one in 16 bits, and from then on by that one at once; if that does, too, w_j
itself is read, and what start_j lacks is set right. After a number of looks in proportion to m an example waits
for a new reference: one integer product in 16 bits gives w_j . rest, and so the rooms and rates, of
all neurons and all the examples that wait.

The errors of copies and of rounding are added to every bound, so that only a neuron within float32's rounding of its
hyperplane can be taken otherwise than by dense PGD: the results agree up to rounding.
"""

import math
from typing import NamedTuple

import numpy as np

from lazyadv.networks.compiled import compiled
from lazyadv.networks.vectors import LANES, SQUARE, TALL, bits, dot, lanes_due, lowest_bit, square_tile, tall_tile

LEVELS = np.float32(32767)  # a vector's length in units of its 16-bit rounding
TINY = np.float32(1e-30)  # below any length that is not zero, above float32's smallest normal number
VAGUE = np.float32(0.01)  # error of the slopes, in units of the largest that one can have
GROUP = 96  # vectors that stay in the cache while all rows pass


class Neurons(NamedTuple):
    """What is the same for all examples; d is padded to a multiple of CHUNK."""

    w: np.ndarray  # (m, d)
    b: np.ndarray  # (m,)
    v: np.ndarray  # (m,)
    per_norm: np.ndarray  # (m,): 1 / ||w_j||
    coarse: np.ndarray  # (m, d) int8: w_j / ||w_j|| is about unit[j] coarse[j]
    unit: np.ndarray  # (m,)
    fine: np.ndarray  # (m or a little more, d) int16: and about fine[j] / LEVELS
    coarse_error: np.float32  # the largest norm of what a row of the copy lacks
    fine_error: np.float32
    small: np.float32  # a gradient whose squared norm is below may be the rounding left of a zero


class Examples(NamedTuple):
    """The state of the attack on a block of n examples, at their last reference and now."""

    x: np.ndarray  # (n, d)
    labels: np.ndarray  # (n,)
    step: np.ndarray  # (n,) int64: steps taken
    delta: np.ndarray  # (n, d)
    gradient: np.ndarray  # (n, d): of -y f
    on: np.ndarray  # (n, m) bool: w_j . (x + delta) + b_j > 0
    z: np.ndarray  # (n, m): (w_j . (x + reference) + b_j) / ||w_j||
    slope: np.ndarray  # (n, m): w_j . direction / ||w_j||
    reference: np.ndarray  # (n, d)
    direction: np.ndarray  # (n, d): u, of unit length
    along: np.ndarray  # (n,): delta = reference + along direction + rest
    distance: np.ndarray  # (n,): the norm of rest
    z_error: np.ndarray  # (n,)
    slope_error: np.ndarray  # (n,)


@compiled
def copy_rows(w, per_norm, coarse, unit, fine):
    """Write per_norm, and the rows of w over their norms in 8 and in 16 bits; return the copies' largest errors."""
    coarse_error, fine_error = np.float32(0), np.float32(0)
    part = np.empty(w.shape[1], np.float32)
    for j in range(len(w)):
        row = w[j]
        largest = TINY
        for i in range(len(row)):
            largest = max(largest, abs(row[i]))
        for i in range(len(row)):
            part[i] = row[i] / largest  # whatever the length, no overflow
        norm = max(np.float32(math.sqrt(dot(part, part))), TINY) * np.float32(1 + 1e-6)
        per_norm[j] = np.float32(1) / max(largest * norm, TINY)
        unit[j] = np.float32(1) / (norm * np.float32(127))
        per_unit = np.float32(127) / largest
        for i in range(len(row)):
            level = np.rint(row[i] * per_unit)
            coarse[j, i] = np.int8(level)
            part[i] = row[i] * per_unit - level
        coarse_error = max(coarse_error, np.float32(math.sqrt(dot(part, part))) * unit[j])
        per_unit = LEVELS * per_norm[j]
        for i in range(len(row)):
            level = np.rint(row[i] * per_unit)
            fine[j, i] = np.int16(level)
            part[i] = row[i] * per_unit - level
        fine_error = max(fine_error, np.float32(math.sqrt(dot(part, part))) / LEVELS)
    return coarse_error * np.float32(1.001) + np.float32(1e-6), fine_error * np.float32(1.001) + np.float32(1e-6)


@compiled
def round_levels(vector, norm, levels):
    """levels (int16) = vector / (norm / LEVELS), rounded; return what the norm of the rounding is at most."""
    level = norm / LEVELS
    per_level = np.float32(1) / level if level > TINY else np.float32(0)
    for i in range(len(vector)):
        levels[i] = np.int16(np.rint(vector[i] * per_level))
    return level * np.float32(0.51 * math.sqrt(len(vector)))


@compiled
def add_rows(gradient, w, rows, factors, count):
    """gradient += factors @ w[rows], of the first `count` > 0; return its squared norm."""
    for index in range(0, count, 2):
        row, factor = w[rows[index]], factors[index]
        pair = index + 1 < count
        other, other_factor = w[rows[index + pair]], factors[index + pair] if pair else np.float32(0)
        for i in range(len(gradient)):
            gradient[i] += factor * row[i] + other_factor * other[i]
    return dot(gradient, gradient)


@compiled
def all_products(rows, vectors, count, out):
    """out[e, j] = rows[j] . vectors[e] of the first `count` vectors; all arrays padded to whole tiles."""
    which = np.arange(len(rows)).astype(np.uint64)
    for group in range(0, count, GROUP):
        for j in range(0, len(rows), SQUARE[0]):
            for e in range(group, min(group + GROUP, count), SQUARE[1]):
                square_tile(rows, which, j, vectors, e, out)


@compiled
def advance(waiting, neurons, examples, moved, aways, eps, step_size, steps, budget):
    """Take each example of `waiting` on from a new reference until it needs the next or is done.

    moved (len(waiting) or more, len(fine)) int32: products of `fine` with what `aways` was after the last call, rest in
    16 bits, in the order of `waiting`; `aways` becomes that of the examples that need a next. The first step of
    all serves to give a direction.
    """
    w, b, v, per_norm, coarse, unit, fine = neurons[:7]
    m, d = w.shape
    start = np.full((m + LANES - 1) // LANES * LANES, np.inf, np.float32)
    reach, rate = start.copy(), np.zeros_like(start)
    side, doubt, factors = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(start.size, np.float32)
    near, away = np.empty(m, np.bool_), np.zeros((1, d), np.int16)
    due, far = np.zeros(start.size + 4, np.uint64), np.zeros(start.size + 4, np.uint64)
    close, flips = np.zeros_like(due), np.zeros_like(due)
    products = np.empty((1, start.size + 4), np.int32)
    target, rest = np.empty(d, np.float32), np.empty(d, np.float32)
    left = 0
    for k in range(len(waiting)):
        e = waiting[k]
        x, y, t = examples.x[e], examples.labels[e], examples.step[e]
        delta, gradient, on = examples.delta[e], examples.gradient[e], examples.on[e]
        z, slope, reference, direction = examples.z[e], examples.slope[e], examples.reference[e], examples.direction[e]
        for i in range(d):
            direction[i] = delta[i] - reference[i]
            reference[i] = delta[i]
        square, chord, size = dot(gradient, gradient), dot(direction, direction), dot(delta, delta)
        along, distance = examples.along[e], examples.distance[e]
        lost = distance / LEVELS * np.float32(0.51 * math.sqrt(d))
        rounded = np.float32(2e-7) * (abs(along) + distance + np.float32(math.sqrt(size)))
        error = lost + neurons.fine_error * (distance + lost) + examples.slope_error[e] * abs(along) + rounded
        per_chord = np.float32(1 / math.sqrt(chord)) if chord > 0 else np.float32(0)
        if error * per_chord > VAGUE:  # a chord so short is no direction: better none
            per_chord = np.float32(0)
        for i in range(d):
            direction[i] *= per_chord
        examples.z_error[e] += error + np.float32(1e-7)
        examples.slope_error[e] = error * per_chord + np.float32(2e-6)
        z_error, slope_error = examples.z_error[e], examples.slope_error[e]
        level = distance / (LEVELS * LEVELS)
        for j in range(m):
            change = slope[j] * along + np.float32(moved[k, j]) * level
            z[j] += change
            slope[j] = change * per_chord
            near[j] = False
            side[j] = np.float32(1) if on[j] else np.float32(-1)
            doubt[j] = z_error
            start[j] = side[j] * z[j] - z_error
            reach[j] = start[j]
            rate[j] = side[j] * slope[j]
        along, distance, path, tilt, looks = np.float32(0), np.float32(0), np.float32(0), np.float32(0), 0
        while True:
            found = 0
            for first in range(np.uint64(0), np.uint64(start.size), np.uint64(LANES)):
                mask = lanes_due(start, reach, rate, first, along, distance + tilt, path)
                count = found + bits(mask)
                for _ in range(3):  # mostly there are no more, and so nothing for the processor to guess
                    due[found] = first + lowest_bit(mask)
                    mask &= mask - np.uint64(1)
                    found += 1
                while mask != 0:
                    due[found] = first + lowest_bit(mask)
                    mask &= mask - np.uint64(1)
                    found += 1
                found = count
            looks += found
            if looks > budget and t > examples.step[e]:
                break
            fars, closes, turns = 0, 0, 0
            for index in range(found):
                j = due[index]
                far[fars], close[closes] = j, j
                closes += near[j]
                fars += not near[j]
            lost = round_levels(rest, distance, away[0]) if found else np.float32(0)
            far[fars : fars + TALL[0]] = 0
            for index in range(0, fars, TALL[0]):
                tall_tile(coarse, far, index, away, 0, products)
            error = lost + neurons.coarse_error * (distance + lost) + tilt
            for index in range(fars):
                j = far[index]
                fall = np.float32(products[0, index]) * (unit[j] * (distance / LEVELS))
                room = start[j] + doubt[j] + rate[j] * along + side[j] * fall
                sure = abs(room) - error - doubt[j]
                if sure > 0:
                    if room < 0:
                        flips[turns] = j
                        turns += 1
                        side[j], rate[j], start[j] = -side[j], -rate[j], -start[j] - 2 * doubt[j]
                    reach[j] = sure - rate[j] * along + path
                else:
                    near[j] = True
                    close[closes] = j
                    closes += 1
            close[closes : closes + TALL[0]] = 0
            for index in range(0, closes, TALL[0]):
                tall_tile(fine, close, index, away, 0, products)
            error = lost + neurons.fine_error * (distance + lost) + tilt
            for index in range(closes):
                j = close[index]
                fall = rate[j] * along + side[j] * (np.float32(products[0, index]) * (distance / (LEVELS * LEVELS)))
                room = start[j] + doubt[j] + fall
                sure = abs(room) - error - doubt[j]
                if sure <= 0:
                    for i in range(d):
                        target[i] = x[i] + delta[i]
                    value = (dot(w[j], target) + b[j]) * per_norm[j]
                    room = side[j] * (value if value != 0 else -TINY)  # zero is off
                    sure = abs(room)
                    doubt[j] = error + np.float32(2e-7)
                    start[j] = room - fall - doubt[j]
                    if doubt[j] < z_error:
                        z[j] = side[j] * (room - fall)
                turn = np.float32(1) if room >= 0 else np.float32(-1)
                flips[turns] = j
                turns += room < 0
                side[j], rate[j], start[j] = turn * side[j], turn * rate[j], turn * (start[j] + doubt[j]) - doubt[j]
                reach[j] = sure - rate[j] * along + path
            for index in range(turns):
                j = flips[index]
                on[j] = not on[j]
                factors[index] = -y * v[j] if on[j] else y * v[j]
            if turns:
                square = add_rows(gradient, w, flips, factors, turns)
            if square <= neurons.small:
                gradient[:] = 0
                for j in range(m):
                    for i in range(d if on[j] else 0):
                        gradient[i] -= y * v[j] * w[j, i]
                square = dot(gradient, gradient)
                if square == 0:  # the example stays where it is for good
                    t = steps
                    break
            length = np.float32(step_size / math.sqrt(square))
            for i in range(d):
                target[i] = min(max(x[i] + (delta[i] + length * gradient[i]), np.float32(0)), np.float32(1)) - x[i]
            norm = math.sqrt(dot(target, target))
            scale = np.float32(eps / norm) if norm > eps else np.float32(1)
            for i in range(d):
                target[i] *= scale
                rest[i] = target[i] - delta[i]
                delta[i] = target[i]
            total, inside = dot(rest, rest), dot(rest, direction)
            t += 1
            if t == 1 or t == steps:
                break
            along += inside
            across = max(total - inside * inside, np.float32(0)) + np.float32(1e-6) * total
            path += np.float32(math.sqrt(across)) + slope_error * abs(inside)
            for i in range(d):
                rest[i] = delta[i] - reference[i] - along * direction[i]
            distance = np.float32(math.sqrt(dot(rest, rest))) * np.float32(1 + 1e-6)
            tilt = slope_error * abs(along)
        examples.step[e], examples.along[e], examples.distance[e] = t, along, distance
        if t < steps:
            round_levels(rest, distance, aways[left])
            left += 1
