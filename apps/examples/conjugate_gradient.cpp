// Conjugate gradients for the Poisson equation on a square: each rank has some rows of the grid, shares its
// borders with its neighbours in each step, and all combine their dot products by all_reduce. Sums are taken
// in a fixed tree over the ranks, so the solution is equal bit for bit for 1, 2 and 16 threads. (Hestenes and
// Stiefel, Methods of conjugate gradients for solving linear systems, 1952)
#include <spmd/spmd.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

namespace {

using numbers = std::vector<double>;

constexpr std::size_t side = 64; // points in each direction
constexpr std::size_t ranks = 16;
constexpr double small_residual = 1e-10;

double dot(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// y += factor * x
void add(std::span<double> y, double factor, std::span<const double> x) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += factor * x[i];
}

/// The matrix times `x`: four times each point less its neighbours. Rows above and below are those of others.
numbers product(std::span<const double> x, const numbers& above, const numbers& below) {
    numbers y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t column = i % side;
        y[i] = 4 * x[i] - (column > 0 ? x[i - 1] : 0) - (column + 1 < side ? x[i + 1] : 0) -
               (i >= side ? x[i - side] : above[column]) -
               (i + side < x.size() ? x[i + side] : below[column]);
    }
    return y;
}

/// Exchanges borders with both neighbours; beyond the edges all is 0.
spmd::task<numbers> multiply(spmd::rank me, std::span<const double> x) {
    numbers above(side);
    numbers below(side);
    const bool has_upper = me.id() > 0;
    const bool has_lower = me.id() + 1 < me.size();
    if (has_upper) me.send(numbers(x.begin(), x.begin() + side), me.id() - 1);
    if (has_lower) me.send(numbers(x.end() - side, x.end()), me.id() + 1);
    if (has_upper) above = co_await me.receive<numbers>(me.id() - 1);
    if (has_lower) below = co_await me.receive<numbers>(me.id() + 1);
    co_return product(x, above, below);
}

/// Solves for this rank's rows; the right side is 1 everywhere.
spmd::task<numbers> solve(spmd::rank me) {
    const std::size_t points = me.part(side).size() * side;
    numbers x(points);
    numbers residual(points, 1.0);
    numbers direction = residual;
    double square = co_await me.all_reduce(dot(residual, residual), spmd::plus);
    while (std::sqrt(square) > small_residual) {
        const numbers image = co_await multiply(me, direction);
        const double step = square / co_await me.all_reduce(dot(direction, image), spmd::plus);
        add(x, step, direction);
        add(residual, -step, image);
        const double before = square;
        square = co_await me.all_reduce(dot(residual, residual), spmd::plus);
        for (double& each : direction) each *= square / before;
        add(direction, 1.0, residual);
    }
    co_return x;
}

numbers solve_on(std::size_t threads) {
    const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
    return pool.broadcast(solve).concat();
}

} // namespace

int main() {
    const numbers x = solve_on(1);
    const numbers none(side);
    const numbers image = product(x, none, none);
    double error = 0;
    for (const double each : image) error = std::max(error, std::abs(each - 1.0));
    const bool same = solve_on(2) == x && solve_on(16) == x;
    std::printf("%zu points: the largest error is %.1e; 1, 2 and 16 threads give %s\n", x.size(), error,
                same ? "the same bits" : "DIFFERENT bits");
    return same && error < 1e-8 ? 0 : 1;
}
