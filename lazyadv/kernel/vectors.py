"""Vector operations for the lazy kernel that numba does not vectorise well by itself.

They are written in LLVM's intermediate representation (IR), on plain vectors that LLVM maps to the processor's
registers.
"""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 64  # neurons compared at once, one bit of a mask each
CHUNK = 16  # coordinates multiplied at once; rows are padded with zeros to a multiple of it
TALL = (4, 1)  # rows and vectors multiplied at once, as many as the registers hold
SQUARE = (3, 3)


def load(builder, array, first, element, count):
    """IR: a vector of `count` elements of a contiguous array, from index `first` on."""
    vector = ir.VectorType(element, count)
    value = builder.load(builder.bitcast(builder.gep(array.data, [first]), vector.as_pointer()))
    value.align = 1
    return value


def spread(builder, scalar, count):
    """IR: a vector that repeats a scalar `count` times."""
    empty = ir.Constant(ir.VectorType(scalar.type, count), ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), count), None))


def pair_sums(builder, row, vector):
    """IR: multiply CHUNK int8 or int16 by CHUNK int16, and add neighbouring products in pairs, in int32.

    Many processors do this in one instruction.
    """
    word, half = ir.IntType(32), ir.VectorType(ir.IntType(32), CHUNK // 2)
    row, vector = (builder.sext(each, ir.VectorType(word, CHUNK)) for each in (row, vector))
    product = builder.mul(row, vector)
    even, odd = (
        builder.shuffle_vector(product, product, ir.Constant(half, list(range(start, CHUNK, 2)))) for start in (0, 1)
    )
    return builder.add(even, odd)


def loop(builder, start, end, step, values, body):
    """IR: values = body(i, values) for i in range(start, end, step); returns the final values."""
    before, head = builder.block, builder.append_basic_block("head")
    inside, after = builder.append_basic_block("inside"), builder.append_basic_block("after")
    builder.branch(head)
    builder.position_at_end(head)
    i, now = builder.phi(start.type), [builder.phi(value.type) for value in values]
    builder.cbranch(builder.icmp_signed("<", i, end), inside, after)
    builder.position_at_end(inside)
    following = [builder.add(i, start.type(step)), *body(i, now)]
    for phi, first, later in zip([i, *now], [start, *values], following):
        phi.add_incoming(first, before)
        phi.add_incoming(later, inside)
    builder.branch(head)
    builder.position_at_end(after)
    return now


def tile(row_count: int, vector_count: int) -> Callable[..., None]:
    """The intrinsic tile(rows, which, at, vectors, first, out) for this many rows and vectors at once.

    It writes out[first + e, at + r] = rows[which[at + r]] . vectors[first + e], in int32. rows are int8 or int16,
    vectors int16; their norms must be small enough for every product to fit into int32.
    """

    @intrinsic
    def products(typing, rows, which, at, vectors, first, out):
        def codegen(context, builder, signature, args):
            arrays = [context.make_array(signature.args[k])(context, builder, args[k]) for k in (0, 1, 3, 5)]
            left, chosen, right, sums = arrays
            element, half = ir.IntType(rows.dtype.bitwidth), ir.VectorType(ir.IntType(32), CHUNK // 2)
            (_, d), (_, m) = (cgutils.unpack_tuple(builder, array.shape, 2) for array in (left, sums))
            places = [builder.add(args[2], args[2].type(r)) for r in range(row_count)]
            examples = [builder.add(args[4], args[4].type(e)) for e in range(vector_count)]
            row_starts = [builder.mul(builder.load(builder.gep(chosen.data, [place])), d) for place in places]
            pairs = [(start, builder.mul(example, d)) for start in row_starts for example in examples]

            def add_chunk(i, totals):
                def chunk(array, start, kind):
                    return load(builder, array, builder.add(start, i), kind, CHUNK)

                parts = {start: chunk(left, start, element) for start, _ in pairs}
                others = {start: chunk(right, start, ir.IntType(16)) for _, start in pairs}
                products = (pair_sums(builder, parts[row], others[vector]) for row, vector in pairs)
                return [builder.add(total, product) for total, product in zip(totals, products)]

            totals = iter(loop(builder, d.type(0), d, CHUNK, [ir.Constant(half, None)] * len(pairs), add_chunk))
            name, kind = f"llvm.vector.reduce.add.v{CHUNK // 2}i32", ir.FunctionType(ir.IntType(32), [half])
            reduce = cgutils.get_or_insert_function(builder.module, kind, name)
            for place in places:
                for example in examples:
                    target = builder.gep(sums.data, [builder.add(builder.mul(example, m), place)])
                    builder.store(builder.call(reduce, [next(totals)]), target)
            return context.get_dummy_value()

        return types.void(rows, which, types.int64, vectors, types.int64, out), codegen

    return products


tall_tile = tile(*TALL)
square_tile = tile(*SQUARE)


@intrinsic
def dot(typing, a, b):
    """The sum of a[i] b[i] over two float32 arrays (d,).

    CHUNK partial sums, each of every CHUNK-th product, are added in pairs; what is left beyond a multiple of CHUNK
    is added one by one. This order is part of the result, so it is fixed here and not left to the compiler or the
    processor.
    """

    def codegen(context, builder, signature, args):
        a, b = (context.make_array(kind)(context, builder, arg) for kind, arg in zip(signature.args, args))
        real, (length,) = ir.FloatType(), cgutils.unpack_tuple(builder, a.shape, 1)
        whole = builder.and_(length, length.type(-CHUNK))

        def add_chunk(i, sums):
            product = builder.fmul(*(load(builder, array, i, real, CHUNK) for array in (a, b)))
            return [builder.fadd(sums[0], product)]

        def add_one(i, sums):
            product = builder.fmul(*(builder.load(builder.gep(array.data, [i])) for array in (a, b)))
            return [builder.fadd(sums[0], product)]

        zeros = ir.Constant(ir.VectorType(real, CHUNK), None)
        (sums,) = loop(builder, length.type(0), whole, CHUNK, [zeros], add_chunk)
        for half in (CHUNK >> level for level in range(1, CHUNK.bit_length())):
            mask = (ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(at, at + half))) for at in (0, half))
            sums = builder.fadd(*(builder.shuffle_vector(sums, sums, which) for which in mask))
        total = builder.extract_element(sums, ir.IntType(32)(0))
        return loop(builder, whole, length, 1, [total], add_one)[0]

    return types.float32(a, b), codegen


@intrinsic
def lanes_due(typing, start, reach, rate, first, along, distance, path):
    """A mask of the neurons with rate along + max(start - distance, reach - path) <= 0.

    Bit i < LANES stands for neuron first + i. NaN is never due.
    """

    def codegen(context, builder, signature, args):
        start, reach, rate = (
            load(builder, context.make_array(kind)(context, builder, arg), args[3], ir.FloatType(), LANES)
            for kind, arg in zip(signature.args, args[:3])
        )
        along, distance, path = (spread(builder, scalar, LANES) for scalar in args[4:])
        start, reach = builder.fsub(start, distance), builder.fsub(reach, path)
        best = builder.select(builder.fcmp_ordered(">", start, reach), start, reach)
        bound = builder.fadd(best, builder.fmul(rate, along))
        return builder.bitcast(builder.fcmp_ordered("<=", bound, ir.Constant(bound.type, None)), ir.IntType(LANES))

    arrays, scalars = (start, reach, rate), (types.float32,) * 3
    return types.uint64(*arrays, types.uint64, *scalars), codegen


@intrinsic
def lowest_bit(typing, mask):
    """The index of the lowest set bit of a uint64; 64 if none is set."""
    return types.uint64(types.uint64), lambda context, builder, signature, args: builder.cttz(args[0], ir.IntType(1)(0))


@intrinsic
def bits(typing, mask):
    """The number of set bits of a uint64."""
    return types.int64(types.uint64), lambda context, builder, signature, args: builder.ctpop(args[0])
