"""Vector operations for numba that LLVM, left alone, does not find: written as its intermediate code (IR).

They are plain vectors to LLVM, which fits them to whatever registers the processor has.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 64  # floats compared at once, the bits of a mask
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
