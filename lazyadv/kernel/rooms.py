"""How far each neuron is from changing sign, and which of them have to be looked at to know that they did not.

What a room is, and why the bounds here miss no flip, is in docs/kernel.md; (1), (2), (3) are its equations.
"""

import math
from typing import NamedTuple

import numpy as np

from lazyadv.kernel.compiled import inlined
from lazyadv.kernel.copies import LEVELS, TINY, round_levels
from lazyadv.kernel.vectors import LANES, TALL, bits, dot, lanes_due, lowest_bit, tall_tile

VAGUE = np.float32(0.01)  # error of the slopes, in units of the largest that one can have


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


class Example(NamedTuple):
    """The rows of Examples that belong to one example."""

    x: np.ndarray  # (d,)
    y: np.float32
    delta: np.ndarray  # (d,)
    gradient: np.ndarray  # (d,)
    on: np.ndarray  # (m,)
    z: np.ndarray  # (m,)
    slope: np.ndarray  # (m,)
    reference: np.ndarray  # (d,)
    direction: np.ndarray  # (d,)


class Bounds(NamedTuple):
    """What is known of each neuron's room since the reference; rooms count positive on the side that it is on."""

    start: np.ndarray  # (m, padded to LANES): the room at the reference, less its doubt; infinite in the padding
    reach: np.ndarray  # (m, padded): of (2), from the last look
    rate: np.ndarray  # (m, padded): by which the room grows along the direction
    side: np.ndarray  # (m,): 1 if on, -1 if off
    doubt: np.ndarray  # (m,): by which start is below the room
    near: np.ndarray  # (m,) bool: the copy in 8 bits did not suffice once


class Scratch(NamedTuple):
    """Lists of neurons, each as long as there are neurons and a tile more, and two vectors."""

    due: np.ndarray  # uint64
    far: np.ndarray  # uint64: due, to be looked at in 8 bits
    close: np.ndarray  # uint64: in 16 bits
    flips: np.ndarray  # uint64
    factors: np.ndarray  # float32: of the flips' rows in the gradient
    products: np.ndarray  # (1, ...) int32
    away: np.ndarray  # (1, d) int16: rest, rounded
    target: np.ndarray  # (d,)
    rest: np.ndarray  # (d,): delta = reference + along direction + rest


class Place(NamedTuple):
    """Where on its path from the reference an example is."""

    along: np.float32
    distance: np.float32  # the norm of rest
    path: np.float32  # summed lengths of the steps' parts across the direction
    tilt: np.float32  # what the error of the slopes makes of `along`


@inlined
def set_reference(example, examples, e, moved, fine_error, bounds):
    """Make where the example is its reference: z and slope there by (3), and every neuron's first bound."""
    delta, reference, direction = example.delta, example.reference, example.direction
    on, z, slope = example.on, example.z, example.slope
    for i in range(len(delta)):
        direction[i] = delta[i] - reference[i]
        reference[i] = delta[i]
    chord, size = dot(direction, direction), dot(delta, delta)
    along, distance = examples.along[e], examples.distance[e]
    lost = distance / LEVELS * np.float32(0.51 * math.sqrt(len(delta)))
    rounded = np.float32(2e-7) * (abs(along) + distance + np.float32(math.sqrt(size)))
    error = lost + fine_error * (distance + lost) + examples.slope_error[e] * abs(along) + rounded
    per_chord = np.float32(1 / math.sqrt(chord)) if chord > 0 else np.float32(0)
    if error * per_chord > VAGUE:  # a chord so short is no direction: better none
        per_chord = np.float32(0)
    for i in range(len(delta)):
        direction[i] *= per_chord
    examples.z_error[e] += error + np.float32(1e-7)
    examples.slope_error[e] = error * per_chord + np.float32(2e-6)
    level = distance / (LEVELS * LEVELS)
    for j in range(len(z)):
        change = slope[j] * along + np.float32(moved[j]) * level
        z[j] += change
        slope[j] = change * per_chord
        bounds.near[j] = False
        bounds.side[j] = np.float32(1) if on[j] else np.float32(-1)
        bounds.doubt[j] = examples.z_error[e]
        bounds.start[j] = bounds.side[j] * z[j] - bounds.doubt[j]
        bounds.reach[j] = bounds.start[j]
        bounds.rate[j] = bounds.side[j] * slope[j]


@inlined
def find_due(bounds, place, due):
    """Write the neurons of which neither (1) nor (2) says that they did not flip; return how many."""
    found = 0
    for first in range(np.uint64(0), np.uint64(bounds.start.size), np.uint64(LANES)):
        distance = place.distance + place.tilt
        mask = lanes_due(bounds.start, bounds.reach, bounds.rate, first, place.along, distance, place.path)
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
    return found


@inlined
def multiply(copy, rows, count, scratch):
    """scratch.products[0, i] = copy[rows[i]] . scratch.away, of the first `count` rows; the list is padded."""
    rows[count : count + TALL[0]] = 0
    for index in range(0, count, TALL[0]):
        tall_tile(copy, rows, index, scratch.away, 0, scratch.products)


@inlined
def settle(bounds, j, room, sure, place):
    """Take note of a neuron's room, which is `sure` at least in size; return whether it has flipped."""
    turn = np.float32(1) if room >= 0 else np.float32(-1)
    doubt = bounds.doubt[j]
    bounds.side[j] *= turn
    bounds.rate[j] *= turn
    bounds.start[j] = turn * (bounds.start[j] + doubt) - doubt
    bounds.reach[j] = sure - bounds.rate[j] * place.along + place.path
    return room < 0


@inlined
def look(neurons, example, bounds, place, scratch, found, z_error):
    """Look at the `found` neurons that are due, in as many bits as each takes; return how many flipped."""
    fars, closes, turns = 0, 0, 0
    for index in range(found):
        j = scratch.due[index]
        scratch.far[fars], scratch.close[closes] = j, j
        closes += bounds.near[j]
        fars += not bounds.near[j]
    lost = round_levels(scratch.rest, place.distance, scratch.away[0]) if found else np.float32(0)
    multiply(neurons.coarse, scratch.far, fars, scratch)
    error = lost + neurons.coarse_error * (place.distance + lost) + place.tilt
    for index in range(fars):
        j = scratch.far[index]
        fall = np.float32(scratch.products[0, index]) * (neurons.unit[j] * (place.distance / LEVELS))
        room = bounds.start[j] + bounds.doubt[j] + bounds.rate[j] * place.along + bounds.side[j] * fall
        sure = abs(room) - error - bounds.doubt[j]
        if sure > 0:
            scratch.flips[turns] = j
            turns += settle(bounds, j, room, sure, place)
        else:
            bounds.near[j] = True
            scratch.close[closes] = j
            closes += 1
    return look_closely(neurons, example, bounds, place, scratch, closes, turns, lost, z_error)


@inlined
def look_closely(neurons, example, bounds, place, scratch, closes, turns, lost, z_error):
    """The same in 16 bits, and where they leave it open by w itself, which sets right what start lacks."""
    multiply(neurons.fine, scratch.close, closes, scratch)
    error = lost + neurons.fine_error * (place.distance + lost) + place.tilt
    for index in range(closes):
        j = scratch.close[index]
        product = np.float32(scratch.products[0, index]) * (place.distance / (LEVELS * LEVELS))
        fall = bounds.rate[j] * place.along + bounds.side[j] * product
        room = bounds.start[j] + bounds.doubt[j] + fall
        sure = abs(room) - error - bounds.doubt[j]
        if sure <= 0:
            for i in range(len(example.x)):
                scratch.target[i] = example.x[i] + example.delta[i]
            value = (dot(neurons.w[j], scratch.target) + neurons.b[j]) * neurons.per_norm[j]
            room = bounds.side[j] * (value if value != 0 else -TINY)  # zero is off
            sure = abs(room)
            bounds.doubt[j] = error + np.float32(2e-7)
            bounds.start[j] = room - fall - bounds.doubt[j]
            if bounds.doubt[j] < z_error:
                example.z[j] = bounds.side[j] * (room - fall)
        scratch.flips[turns] = j
        turns += settle(bounds, j, room, sure, place)
    return turns
