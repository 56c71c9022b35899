// Heat in a plate whose upper edge is kept hot: each rank has a strip of its rows. In each step neighbours
// exchange the rows at their borders, every point becomes the mean of its four neighbours, and all agree on
// the largest change, until that is small. The result equals that of a single strip bit for bit.
#include <spmd/spmd.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

namespace {

using row = std::vector<double>;
using strip = std::vector<row>; // with a row of the neighbour, or of the edge, at both ends

constexpr std::size_t width = 80;
constexpr std::size_t height = 100;
constexpr double small_change = 1e-3;

/// The strip of `rows` before the first step; row 0 borders on the hot edge.
strip cold_strip(spmd::index_range rows) {
    strip cold(rows.size() + 2, row(width, 0.0));
    if (rows.first == 0) cold.front() = row(width, 100.0);
    return cold;
}

/// Performs one step for the rows between the ends; returns the largest change.
double relax(strip& rows) {
    const strip old = rows;
    double change = 0;
    for (std::size_t y = 1; y + 1 < rows.size(); ++y)
        for (std::size_t x = 1; x + 1 < width; ++x) {
            rows[y][x] = (old[y - 1][x] + old[y + 1][x] + old[y][x - 1] + old[y][x + 1]) / 4;
            change = std::max(change, std::abs(rows[y][x] - old[y][x]));
        }
    return change;
}

strip without_ends(const strip& rows) { return {rows.begin() + 1, rows.end() - 1}; }

constexpr auto larger = [](double a, double b) { return std::max(a, b); };

spmd::task<> exchange_borders(spmd::rank me, std::span<row> mine) {
    const bool has_upper = me.id() > 0;
    const bool has_lower = me.id() + 1 < me.size();
    if (has_upper) me.send(mine[1], me.id() - 1);
    if (has_lower) me.send(mine[mine.size() - 2], me.id() + 1);
    if (has_upper) mine.front() = co_await me.receive<row>(me.id() - 1);
    if (has_lower) mine.back() = co_await me.receive<row>(me.id() + 1);
}

spmd::task<strip> relax_my_strip(spmd::rank me) {
    strip mine = cold_strip(me.part(height));
    double change = 0;
    do {
        co_await exchange_borders(me, mine);
        change = co_await me.all_reduce(relax(mine), larger);
    } while (change > small_change);
    co_return without_ends(mine);
}

} // namespace

int main() {
    strip whole = cold_strip({0, height});
    std::size_t steps = 1;
    while (relax(whole) > small_change) ++steps;

    const spmd::engine_pool pool{{.ranks = 25}};
    const strip plate = pool.broadcast(relax_my_strip).concat();

    const bool same = plate == without_ends(whole);
    std::printf("%zu steps by %zu ranks: %s as by one; %.3f degrees in the middle\n", steps, pool.size(),
                same ? "the same" : "not the same", plate[height / 2][width / 2]);
    return same ? 0 : 1;
}
