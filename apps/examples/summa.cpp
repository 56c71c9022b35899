// The product of two matrices by SUMMA on a grid of ranks, in plain functions: each rank has a block of A, B
// and C. In step k the ranks of column k broadcast their blocks of A along the rows, those of row k their
// blocks of B along the columns, and each rank adds the product to its block of C. (van de Geijn and Watts,
// SUMMA: scalable universal matrix multiplication algorithm, 1997)
#include <spmd/spmd.hpp>

#include <cstdio>
#include <vector>

namespace {

constexpr std::size_t lines = 6;  // ranks in each direction
constexpr std::size_t block = 32; // elements of a block in each direction
constexpr std::size_t side = lines * block;

using matrix = std::vector<double>; // by rows

// Small whole numbers, so that sums are exact in any order.
double a_at(std::size_t i, std::size_t j) { return static_cast<double>((3 * i + j) % 7); }
double b_at(std::size_t i, std::size_t j) { return static_cast<double>((i + 5 * j) % 9); }

matrix block_of(double (*element)(std::size_t, std::size_t), std::size_t row, std::size_t column) {
    matrix values(block * block);
    for (std::size_t i = 0; i < block; ++i)
        for (std::size_t j = 0; j < block; ++j)
            values[i * block + j] = element(row * block + i, column * block + j);
    return values;
}

/// c += a * b
void multiply(matrix& c, const matrix& a, const matrix& b) {
    for (std::size_t i = 0; i < block; ++i)
        for (std::size_t k = 0; k < block; ++k)
            for (std::size_t j = 0; j < block; ++j) c[i * block + j] += a[i * block + k] * b[k * block + j];
}

/// A function as any other: it meets wherever it is called from.
matrix along(const spmd::rank& line, std::size_t root, const matrix& mine) {
    return line.id() == root ? line.broadcast(mine, root).get() : line.broadcast_from<matrix>(root).get();
}

matrix my_block_of_c(spmd::rank me) {
    const spmd::grid all(me, {lines, lines});
    const spmd::rank row = all.row().get();
    const spmd::rank column = all.column().get();
    const matrix a = block_of(a_at, column.id(), row.id());
    const matrix b = block_of(b_at, column.id(), row.id());
    matrix c(block * block);
    for (std::size_t k = 0; k < lines; ++k) multiply(c, along(row, k, a), along(column, k, b));
    return c;
}

} // namespace

int main() {
    const spmd::engine_pool pool{{.ranks = lines * lines}};
    const auto blocks = pool.broadcast(spmd::on_fibers(my_block_of_c)).get();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < side; ++i)
        for (std::size_t j = 0; j < side; ++j) {
            double expected = 0;
            for (std::size_t k = 0; k < side; ++k) expected += a_at(i, k) * b_at(k, j);
            const matrix& c = blocks[i / block * lines + j / block];
            if (c[i % block * block + j % block] != expected) ++wrong;
        }
    std::printf("%zu x %zu by %zu ranks: %zu wrong elements\n", side, side, pool.size(), wrong);
    return wrong == 0 ? 0 : 1;
}
