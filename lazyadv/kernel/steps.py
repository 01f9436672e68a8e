"""The lazy kernel: PGD that looks only at the neurons that may have changed sign.

f(x) = sum_j v_j relu(w_j . x + b_j). A dense step of PGD takes two products with W, yet it flips about one neuron in a
hundred, and the gradient changes by flips alone. Here each example keeps its gradient, adds +-v_j w_j to it when
neuron j flips, and has for all other neurons a proof that they did not. The proof, and the names used here (room,
reference, rate, due, look), are in docs/kernel.md; its equations are cited as (1), (2), ...
"""

import math

import numpy as np

from lazyadv.kernel.compiled import compiled, inlined
from lazyadv.kernel.copies import round_levels
from lazyadv.kernel.rooms import Bounds, Example, Place, Scratch, find_due, look, set_reference
from lazyadv.kernel.vectors import LANES, TALL, dot


@inlined
def flip(neurons, example, flips, factors, turns):
    """Flip the first `turns` neurons of the list, and add their rows to the gradient."""
    gradient, on = example.gradient, example.on
    for index in range(turns):
        j = flips[index]
        on[j] = not on[j]
        factors[index] = -example.y * neurons.v[j] if on[j] else example.y * neurons.v[j]
    for index in range(0, turns, 2):
        row, factor = neurons.w[flips[index]], factors[index]
        pair = index + 1 < turns
        other, other_factor = neurons.w[flips[index + pair]], factors[index + pair] if pair else np.float32(0)
        for i in range(len(gradient)):
            gradient[i] += factor * row[i] + other_factor * other[i]


@inlined
def sum_gradient(neurons, example):
    """The gradient anew, from all neurons that are on: where it is so small that it may be rounding alone."""
    example.gradient[:] = 0
    for j in range(len(example.on)):
        for i in range(len(example.gradient) if example.on[j] else 0):
            example.gradient[i] -= example.y * neurons.v[j] * neurons.w[j, i]


@inlined
def step(example, scratch, length, eps):
    """A step of PGD: `length` times the gradient added, the box, the ball; return |change|^2 and change . direction."""
    x, delta, gradient, target, change = example.x, example.delta, example.gradient, scratch.target, scratch.rest
    for i in range(len(x)):
        target[i] = min(max(x[i] + (delta[i] + length * gradient[i]), np.float32(0)), np.float32(1)) - x[i]
    norm = math.sqrt(dot(target, target))
    scale = np.float32(eps / norm) if norm > eps else np.float32(1)
    for i in range(len(x)):
        target[i] *= scale
        change[i] = target[i] - delta[i]
        delta[i] = target[i]
    return dot(change, change), dot(change, example.direction)


@inlined
def locate(example, rest, place, total, inside, slope_error):
    """Where the example is after a step of squared length `total`, `inside` of it along the direction; writes rest."""
    along = place.along + inside
    across = max(total - inside * inside, np.float32(0)) + np.float32(1e-6) * total
    path = place.path + (np.float32(math.sqrt(across)) + slope_error * abs(inside))
    for i in range(len(rest)):
        rest[i] = example.delta[i] - example.reference[i] - along * example.direction[i]
    distance = np.float32(math.sqrt(dot(rest, rest))) * np.float32(1 + 1e-6)
    return Place(along, distance, path, slope_error * abs(along))


@inlined
def walk(example, examples, e, neurons, bounds, scratch, eps, step_size, steps, budget):
    """Take the example's steps until it needs a new reference or has them all; return their number and the place."""
    t, looks, zero = examples.step[e], 0, np.float32(0)
    place, square = Place(zero, zero, zero, zero), dot(example.gradient, example.gradient)
    while True:
        found = find_due(bounds, place, scratch.due)
        looks += found
        if looks > budget and t > examples.step[e]:
            break
        turns = look(neurons, example, bounds, place, scratch, found, examples.z_error[e])
        if turns:
            flip(neurons, example, scratch.flips, scratch.factors, turns)
            square = dot(example.gradient, example.gradient)
        if square <= neurons.small:
            sum_gradient(neurons, example)
            square = dot(example.gradient, example.gradient)
            if square == 0:  # the example stays where it is for good
                t = steps
                break
        total, inside = step(example, scratch, np.float32(step_size / math.sqrt(square)), eps)
        t += 1
        if t == 1 or t == steps:
            break
        place = locate(example, scratch.rest, place, total, inside, examples.slope_error[e])
    return t, place


@compiled
def advance(waiting, neurons, examples, moved, aways, eps, step_size, steps, budget):
    """Take each example of `waiting` on from a new reference until it needs the next or is done.

    moved (len(waiting) or more, len(fine)) int32: products of `fine` with what `aways` was after the last call, rest in
    16 bits, in the order of `waiting`; `aways` becomes that of the examples that need a next. The first step of
    all serves to give a direction.
    """
    m, d = neurons.w.shape
    start = np.full((m + LANES - 1) // LANES * LANES, np.inf, np.float32)
    side, doubt, near = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.bool_)
    bounds = Bounds(start, start.copy(), np.zeros_like(start), side, doubt, near)
    due = np.zeros(start.size + TALL[0], np.uint64)
    lists = (due, due.copy(), due.copy(), due.copy(), np.empty(start.size, np.float32))
    products, away = np.empty((1, due.size), np.int32), np.zeros((1, d), np.int16)
    scratch = Scratch(*lists, products, away, np.empty(d, np.float32), np.empty(d, np.float32))
    left = 0
    for k in range(len(waiting)):
        e = waiting[k]
        ends = (examples.delta[e], examples.gradient[e], examples.on[e], examples.z[e], examples.slope[e])
        example = Example(examples.x[e], examples.labels[e], *ends, examples.reference[e], examples.direction[e])
        set_reference(example, examples, e, moved[k], neurons.fine_error, bounds)
        t, place = walk(example, examples, e, neurons, bounds, scratch, eps, step_size, steps, budget)
        examples.step[e], examples.along[e], examples.distance[e] = t, place.along, place.distance
        if t < steps:
            round_levels(scratch.rest, place.distance, aways[left])
            left += 1
