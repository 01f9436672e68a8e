"""The lazy kernel: PGD that looks only at the neurons that may have changed sign.

f(x) = sum_j v_j relu(w_j . x + b_j). A dense step of PGD takes two products with W, yet it flips
about one neuron in a hundred, and the gradient changes by flips alone. `lazy_pgd` keeps the gradient of
each example, adds +-v_j w_j to it when neuron j flips, and proves of the others that they did not.

The bound. Let z_j be known at two points of the path; the later one is the *reference*, u the unit
vector along the chord between them, so w_j . u is known too. A step moves delta by k u + r with r
orthogonal to u; `along` sums the k and `off_line` the ||r||, which bounds the norm of the sum of
the r. With s_j the sign of z_j at the reference, Cauchy-Schwarz gives

    s_j z_j / ||w_j||  >=  reach_j + slope_j along - off_line,
    reach_j = s_j z_j / ||w_j|| at the reference,   slope_j = s_j w_j . u / ||w_j||.

While the right side is positive neuron j has not flipped. Otherwise it is looked at, and reach_j
becomes s_j z_j / ||w_j|| - slope_j along + off_line of that moment, which keeps the bound as it is.

A look reads an 8-bit copy of w_j, a quarter of the memory: z_j = (z_j at the reference) +
copy_j . away, away = delta - reference, with an error of at most ||w_j - copy_j|| ||away||. Only
if that leaves the sign open is w_j itself read. After LOOKS_PER_REFERENCE * m looks an example
waits for a new reference: one matrix product gives z for all the examples that wait.

Slacks cover the rounding of float32, so that only a z_j within rounding of zero can be taken
otherwise than by dense PGD; the results agree up to rounding.
"""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 512  # examples that share their matrix products
LOOKS_PER_REFERENCE = 0.33  # looks (as a share of the width) that cost about as much as a reference
LEVELS = np.float32(32767)  # ||away|| in units of its 16-bit rounding
SUMS = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN and infinity keep their sense
# The vector operations stand in this file because numba's cache goes by the file of the function that it
# compiled: in another, an edit of theirs would go unnoticed. They are LLVM's intermediate code (IR), plain
# vectors that it fits to whatever registers the processor has.
LANES = 64  # neurons compared at once, the bits of a mask
CHUNK = 32  # coordinates multiplied at once by `coarse_dot`


def load(builder, array, first, element, count):
    """IR: the vector of `count` elements of a contiguous array from index `first`."""
    vector = ir.VectorType(element, count)
    value = builder.load(builder.bitcast(builder.gep(array.data, [first]), vector.as_pointer()))
    value.align = 1
    return value


@intrinsic
def coarse_dot(typing, row, vector):
    """Exact int32 dot product of an int8 and an int16 array, both of n * CHUNK elements; written in
    vectors because LLVM, left alone, fills a quarter of a register with it."""

    def codegen(context, builder, signature, args):
        row, vector = (context.make_array(kind)(context, builder, arg) for kind, arg in zip(signature.args, args))
        word, wide = ir.IntType(32), ir.VectorType(ir.IntType(32), CHUNK)
        half, index = ir.VectorType(word, CHUNK // 2), row.nitems.type
        total = cgutils.alloca_once_value(builder, ir.Constant(half, None))
        with cgutils.for_range_slice(builder, index(0), row.nitems, index(CHUNK), index) as (i, _):
            product = builder.mul(
                builder.sext(load(builder, row, i, ir.IntType(8), CHUNK), wide),
                builder.sext(load(builder, vector, i, ir.IntType(16), CHUNK), wide),
            )
            even, odd = (
                builder.shuffle_vector(product, product, ir.Constant(half, list(range(start, CHUNK, 2))))
                for start in (0, 1)
            )
            builder.store(builder.add(builder.load(total), builder.add(even, odd)), total)
        reduce = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(word, [half]), f"llvm.vector.reduce.add.v{CHUNK // 2}i32"
        )
        return builder.call(reduce, [builder.load(total)])

    return types.int32(row, vector), codegen


@intrinsic
def lanes_due(typing, reach, slope, first, along, off_line):
    """Mask of the i < LANES with (reach + slope * along)[first + i] <= off_line; NaN is never due."""

    def codegen(context, builder, signature, args):
        vector = ir.VectorType(ir.FloatType(), LANES)
        empty, zeros = ir.Constant(vector, ir.Undefined), ir.VectorType(ir.IntType(32), LANES)
        reach, slope = (
            load(builder, context.make_array(kind)(context, builder, arg), args[2], ir.FloatType(), LANES)
            for kind, arg in zip(signature.args, args[:2])
        )
        along, off_line = (
            builder.shuffle_vector(
                builder.insert_element(empty, scalar, ir.IntType(32)(0)), empty, ir.Constant(zeros, None)
            )
            for scalar in args[3:]
        )
        bound = builder.fadd(reach, builder.fmul(slope, along))
        return builder.bitcast(builder.fcmp_ordered("<=", bound, off_line), ir.IntType(LANES))

    return types.uint64(reach, slope, types.int64, types.float32, types.float32), codegen


@intrinsic
def lowest_bit(typing, mask):
    """Index of the lowest bit set in a non-zero uint64."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen


@intrinsic
def wide_vectors(typing):
    """Have LLVM use 512-bit registers, where there are any, in the function that calls this."""

    def codegen(context, builder, signature, args):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # add() knows it not
        return context.get_dummy_value()

    return types.void(), codegen


@njit(cache=True, error_model="numpy", fastmath=SUMS)
def coarse_copy(w, coarse, unit, inverse_norm, share):
    """Write the 8-bit rows: w[j] is about unit[j] * coarse[j], coarse (m, d rounded up to CHUNK).

    inverse_norm (m,) <= 1 / ||w_j||, infinite for w_j = 0. share[j] bounds the error of a look in
    units of ||w_j|| ||away||: that of the copy, of the 16-bit away (half a level in each of d
    coordinates, of a row at most 1 + ||w_j - copy_j|| / ||w_j|| long) and of float32.
    """
    m, d = w.shape
    for j in range(m):
        largest, square, error = np.float32(0), 0.0, 0.0
        for i in range(d):
            largest = max(largest, abs(w[j, i]))
            square += np.float64(w[j, i]) ** 2
        unit[j] = largest / np.float32(127)
        for i in range(d if largest > 0 else 0):
            coarse[j, i] = np.int8(np.rint(w[j, i] / unit[j]))
            error += (np.float64(w[j, i]) - np.float64(unit[j]) * coarse[j, i]) ** 2
        norm = math.sqrt(square) * (1 + 1e-6)
        inverse_norm[j] = 1 / norm
        copy_error = math.sqrt(error) / norm
        share[j] = copy_error + (1 + copy_error) * 0.51 * math.sqrt(d) / LEVELS + 1e-5


@njit(cache=True, error_model="numpy", fastmath=SUMS)
def advance(
    waiting,
    step,
    x,
    labels,
    w,
    v,
    coarse,
    unit,
    inverse_norm,
    share,
    z_clean,
    moved,
    moved_before,
    on,
    gradient,
    delta,
    reference,
    eps,
    step_size,
    steps,
    small,
    budget,
):
    """Take each example of `waiting` on from a new reference until it needs the next or is done.

    x, delta, reference (n, d); gradient (n, d) of -y f; z_clean, on (n, m): z at x, and z > 0 now;
    moved (len(waiting), m): W delta, moved_before (n, m): W reference. Updates step, delta, on,
    gradient, reference, moved_before. The first step of all only serves to give a chord. A gradient
    whose squared norm is at most `small` is summed afresh: it may be rounding left of a zero.
    """
    wide_vectors()
    m, d = w.shape
    reach = np.full((m + LANES - 1) // LANES * LANES, np.inf, np.float32)
    slope, rooms, due = np.zeros_like(reach), np.empty_like(reach), np.empty(reach.size, np.int64)
    z_reference = np.empty(m, np.float32)
    direction, move = np.empty(d, np.float32), np.empty(d, np.float32)
    away = np.zeros(coarse.shape[1], np.int16)
    for k in range(len(waiting)):
        e = waiting[k]
        t, y, looks = step[e], labels[e], 0
        chord, size = np.float32(0), np.float32(0)
        for i in range(d):
            direction[i] = delta[e, i] - reference[e, i]
            reference[e, i] = delta[e, i]
            chord += direction[i] * direction[i]
            size += delta[e, i] * delta[e, i]
        per_chord = np.float32(1 / math.sqrt(chord)) if chord > 0 else np.float32(0)
        for i in range(d):
            direction[i] *= per_chord
        slope_error = np.float32(1e-6 * math.sqrt(size) * per_chord)
        for j in range(m):
            sign = inverse_norm[j] if on[e, j] else -inverse_norm[j]
            z_reference[j] = z_clean[e, j] + moved[k, j]
            reach[j] = sign * z_reference[j]
            slope[j] = sign * (moved[k, j] - moved_before[e, j]) * per_chord
            moved_before[e, j] = moved[k, j]
        along, off_line, distance = np.float32(0), np.float32(0), np.float32(0)
        while True:
            count = 0
            for first in range(0, reach.size, LANES):
                mask = lanes_due(reach, slope, first, along, off_line)
                while mask != 0:
                    due[count] = first + lowest_bit(mask)
                    count += 1
                    mask &= mask - np.uint64(1)
            looks += count
            if looks > budget and t > step[e]:
                break
            for i in range(d if count > 0 and distance > 0 else 0):
                away[i] = np.int16(np.rint(move[i] * (LEVELS / distance)))
            for index in range(count):  # no branches here, so that the reads of the copies overlap
                j = due[index]
                z = z_reference[j] + coarse_dot(coarse[j], away) * (unit[j] * (distance / LEVELS))
                rooms[index] = (z if on[e, j] else -z) * inverse_norm[j]
            for index in range(count):
                j, room = due[index], rooms[index]
                error = distance * share[j]
                if not room > error:
                    flipped = room < -error
                    room = abs(room)
                    if not flipped:
                        z = np.float32(0)
                        for i in range(d):
                            z += w[j, i] * delta[e, i]
                        z += z_clean[e, j]
                        flipped = (z > 0) != on[e, j]
                        room, error = abs(z) * inverse_norm[j], np.float32(0)
                    if flipped:
                        on[e, j] = not on[e, j]
                        slope[j] = -slope[j]
                        change = -y * v[j] if on[e, j] else y * v[j]
                        for i in range(d):
                            gradient[e, i] += change * w[j, i]
                reach[j] = room - error - slope[j] * along + off_line
            square = np.float32(0)
            for i in range(d):
                square += gradient[e, i] * gradient[e, i]
            if square <= small:
                gradient[e] = 0
                for j in range(m):
                    for i in range(d if on[e, j] else 0):
                        gradient[e, i] -= y * v[j] * w[j, i]
                square = np.float32(0)
                for i in range(d):
                    square += gradient[e, i] * gradient[e, i]
                if square == 0:  # the example stays where it is for good
                    t = steps
                    break
            length = np.float32(step_size / math.sqrt(square))
            square = np.float32(0)
            for i in range(d):
                target = x[e, i] + (delta[e, i] + length * gradient[e, i])
                move[i] = min(max(target, np.float32(0)), np.float32(1)) - x[e, i]
                square += move[i] * move[i]
            norm = math.sqrt(square)
            scale = np.float32(eps / norm) if norm > eps else np.float32(1)
            square, inside, apart = np.float32(0), np.float32(0), np.float32(0)
            for i in range(d):
                change = scale * move[i] - delta[e, i]
                delta[e, i] = scale * move[i]
                square += change * change
                inside += change * direction[i]
                move[i] = delta[e, i] - reference[e, i]
                apart += move[i] * move[i]
            t += 1
            if t == 1 or t == steps:
                break
            along += inside
            across = max(square - inside * inside, np.float32(0)) + np.float32(1e-6) * square
            off_line += np.float32(math.sqrt(across)) + slope_error * abs(inside)
            distance = np.float32(math.sqrt(apart))
        step[e] = t


def lazy_pgd(
    x: np.ndarray,
    labels: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    v: np.ndarray,
    eps: float,
    step_size: float,
    steps: int,
) -> np.ndarray:
    """What `attack.pgd` returns, without its step-by-step products.

    float32: x (n, d) in [0, 1], labels (n,) +-1, w (m, d), b and v (m,). One thread, deterministic;
    working memory about m d + BLOCK (13 m + 16 d) bytes.
    """
    x, labels, w, b, v = (np.ascontiguousarray(a, np.float32) for a in (x, labels, w, b, v))
    m, d = w.shape
    delta = np.zeros_like(x)
    coarse = np.zeros((m, -(-d // CHUNK) * CHUNK), np.int8)
    unit, inverse_norm, share = np.empty((3, m), np.float32)
    coarse_copy(w, coarse, unit, inverse_norm, share)
    small = np.float32(np.max(1e-4 * np.abs(v) / inverse_norm) ** 2)
    moved = np.empty((min(BLOCK, len(x)), m), np.float32)
    for start in range(0, len(x), BLOCK):
        clean, y, perturbation = (a[start : start + BLOCK] for a in (x, labels, delta))
        z = clean @ w.T
        z += b
        on = z > 0
        gradient = np.multiply(on, v, out=moved[: len(clean)]) @ w
        gradient *= -y[:, None]
        moved[:] = 0
        moved_before, reference = np.zeros_like(z), np.zeros_like(clean)
        step = np.zeros(len(clean), np.int64)
        waiting = np.flatnonzero(step < steps)
        while waiting.size:
            advance(
                waiting,
                step,
                clean,
                y,
                w,
                v,
                coarse,
                unit,
                inverse_norm,
                share,
                z,
                moved,
                moved_before,
                on,
                gradient,
                perturbation,
                reference,
                np.float32(eps),
                np.float32(step_size),
                steps,
                small,
                LOOKS_PER_REFERENCE * m,
            )
            waiting = np.flatnonzero(step < steps)
            np.matmul(perturbation[waiting], w.T, out=moved[: waiting.size])
    return delta
