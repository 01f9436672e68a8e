"""Vector operations for the lazy kernel: what numba, left alone, makes too little of.

They are LLVM's intermediate code (IR), plain vectors that it fits to whatever registers the processor has.
"""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 64  # neurons compared at once, the bits of a mask
CHUNK = 16  # coordinates multiplied at once; rows are padded with zeros to a multiple of it
TALL = (4, 1)  # rows and vectors whose products are summed at once, as registers allow
SQUARE = (3, 3)


def load(builder, array, first, element, count):
    """IR: the vector of `count` elements of a contiguous array from index `first`."""
    vector = ir.VectorType(element, count)
    value = builder.load(builder.bitcast(builder.gep(array.data, [first]), vector.as_pointer()))
    value.align = 1
    return value


def spread(builder, scalar, count):
    """IR: the vector of `count` times a scalar."""
    empty = ir.Constant(ir.VectorType(scalar.type, count), ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), count), None))


def pair_sums(builder, row, vector):
    """IR: products of CHUNK int8 or int16 with CHUNK int16, neighbours summed in int32; many CPUs have it as one."""
    word, half = ir.IntType(32), ir.VectorType(ir.IntType(32), CHUNK // 2)
    row, vector = (builder.sext(each, ir.VectorType(word, CHUNK)) for each in (row, vector))
    product = builder.mul(row, vector)
    even, odd = (
        builder.shuffle_vector(product, product, ir.Constant(half, list(range(start, CHUNK, 2)))) for start in (0, 1)
    )
    return builder.add(even, odd)


def tile(row_count: int, vector_count: int) -> Callable[..., None]:
    """The intrinsic tile(rows, which, at, vectors, first, out) for so many rows and vectors.

    out[first + e, at + r] = rows[which[at + r]] . vectors[first + e], in int32; rows are int8 or int16, vectors
    int16, and so long that no product passes int32.
    """

    @intrinsic
    def products(typing, rows, which, at, vectors, first, out):
        def codegen(context, builder, signature, args):
            array = {
                name: context.make_array(signature.args[position])(context, builder, args[position])
                for position, name in ((0, "rows"), (1, "which"), (3, "vectors"), (5, "out"))
            }
            element, short, index = ir.IntType(rows.dtype.bitwidth), ir.IntType(16), args[2].type
            half = ir.VectorType(ir.IntType(32), CHUNK // 2)
            (_, d), (_, m) = (cgutils.unpack_tuple(builder, array[name].shape, 2) for name in ("rows", "out"))
            places = [builder.add(args[2], index(r)) for r in range(row_count)]
            examples = [builder.add(args[4], index(e)) for e in range(vector_count)]
            row_starts = [builder.mul(builder.load(builder.gep(array["which"].data, [at])), d) for at in places]
            vector_starts = [builder.mul(each, d) for each in examples]
            before, loop = builder.block, builder.append_basic_block("tile")
            after = builder.append_basic_block("tiled")
            builder.branch(loop)
            builder.position_at_end(loop)
            i = builder.phi(index)
            sums = [[builder.phi(half) for _ in examples] for _ in places]
            parts = [load(builder, array["vectors"], builder.add(start, i), short, CHUNK) for start in vector_starts]
            added = []
            for start, row_sums in zip(row_starts, sums):
                row = load(builder, array["rows"], builder.add(start, i), element, CHUNK)
                added.append([builder.add(s, pair_sums(builder, row, part)) for s, part in zip(row_sums, parts)])
            following = builder.add(i, index(CHUNK))
            for phi, first_value, next_value in [(i, index(0), following)] + [
                (s, ir.Constant(half, None), a) for pair in zip(sums, added) for s, a in zip(*pair)
            ]:
                phi.add_incoming(first_value, before)
                phi.add_incoming(next_value, loop)
            builder.cbranch(builder.icmp_signed("<", following, d), loop, after)
            builder.position_at_end(after)
            kind = ir.FunctionType(ir.IntType(32), [half])
            reduce = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.add.v{CHUNK // 2}i32")
            for place, row_sums in zip(places, added):
                for example, total in zip(examples, row_sums):
                    target = builder.gep(array["out"].data, [builder.add(builder.mul(example, m), place)])
                    builder.store(builder.call(reduce, [total]), target)
            return context.get_dummy_value()

        return types.void(rows, which, types.int64, vectors, types.int64, out), codegen

    return products


@intrinsic
def dot(typing, a, b):
    """Sum of a[i] b[i] of two float32 arrays (d,): CHUNK sums, of every CHUNK-th product each, then those in pairs.

    The order is part of the result, and is written down here rather than left to the compiler or the processor.
    """

    def codegen(context, builder, signature, args):
        arrays = [context.make_array(kind)(context, builder, arg) for kind, arg in zip(signature.args, args)]
        real, (length,) = ir.FloatType(), cgutils.unpack_tuple(builder, arrays[0].shape, 1)
        index, lanes = length.type, ir.VectorType(real, CHUNK)
        whole = builder.and_(length, index(-CHUNK))

        def accumulate(start, end, step, zero, read):
            """IR: a loop that adds the products of what `read` gives of both arrays at each index."""
            before, loop = builder.block, builder.append_basic_block("dot")
            head, after = builder.append_basic_block("more"), builder.append_basic_block("summed")
            builder.branch(head)
            builder.position_at_end(head)
            i, total = builder.phi(index), builder.phi(zero.type)
            builder.cbranch(builder.icmp_signed("<", i, end), loop, after)
            builder.position_at_end(loop)
            added = builder.fadd(total, builder.fmul(*(read(array, i) for array in arrays)))
            for phi, first, following in ((i, start, builder.add(i, index(step))), (total, zero, added)):
                phi.add_incoming(first, before)
                phi.add_incoming(following, loop)
            builder.branch(head)
            builder.position_at_end(after)
            return total

        def chunk(array, i):
            return load(builder, array, i, real, CHUNK)

        def single(array, i):
            return builder.load(builder.gep(array.data, [i]))

        sums = accumulate(index(0), whole, CHUNK, ir.Constant(lanes, None), chunk)
        for half in (CHUNK >> level for level in range(1, CHUNK.bit_length())):
            mask = (ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(at, at + half))) for at in (0, half))
            sums = builder.fadd(*(builder.shuffle_vector(sums, sums, which) for which in mask))
        total = builder.extract_element(sums, ir.IntType(32)(0))
        return accumulate(whole, length, 1, total, single)

    return types.float32(a, b), codegen


tall_tile = tile(*TALL)
square_tile = tile(*SQUARE)


@intrinsic
def lanes_due(typing, start, reach, rate, first, along, distance, path):
    """Mask of the i < LANES, counted from `first`, with rate along + max(start - distance, reach - path) <= 0.

    NaN is never due.
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
    """Index of the lowest bit set in a uint64; 64 in 0."""
    return types.uint64(types.uint64), lambda context, builder, signature, args: builder.cttz(args[0], ir.IntType(1)(0))


@intrinsic
def bits(typing, mask):
    """The number of bits set in a uint64."""
    return types.int64(types.uint64), lambda context, builder, signature, args: builder.ctpop(args[0])
