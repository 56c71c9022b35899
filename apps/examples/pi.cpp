// π by Monte Carlo with 1,000 ranks: counts how many of 10 million random points of the unit square lie
// within the quarter circle. A point is computed from its index, so the count does not depend on the
// partition. The second estimate adds doubles, whose order matters: all_reduce adds in a fixed tree over the
// ranks, so this sum is bitwise equal for 1, 2 and 16 threads, too.
#include <spmd/spmd.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <vector>

namespace {

constexpr std::uint64_t points = 10'000'000;
constexpr std::uint64_t known_count = 7'853'515;

constexpr std::uint64_t side = std::uint64_t{1} << 31; // of the square, in integer steps

/// 64 random bits for each i. Source: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
std::uint64_t random_bits(std::uint64_t i) {
    std::uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
}

struct estimate {
    std::uint64_t inside = 0; // points within the quarter circle
    double mean_height = 0;   // of the circle above the points, which is π/4 too
    bool operator==(const estimate&) const = default;
};

spmd::task<estimate> estimate_pi(spmd::rank me) {
    std::uint64_t inside = 0;
    double heights = 0;
    for (const std::uint64_t i : me.part(points)) {
        const std::uint64_t x = random_bits(i) % side;
        const std::uint64_t y = random_bits(i) / side % side;
        if (x * x + y * y < side * side) ++inside;
        heights += std::sqrt(static_cast<double>(side * side - x * x));
    }
    const std::uint64_t all_inside = co_await me.all_reduce(inside, std::plus<>{});
    const double all_heights = co_await me.all_reduce(heights, std::plus<>{});
    co_return estimate{.inside = all_inside, .mean_height = all_heights / static_cast<double>(side * points)};
}

} // namespace

int main() {
    std::vector<estimate> all; // the result of each rank, with 1, 2 and 16 threads
    for (const std::size_t threads : {1u, 2u, 16u}) {
        const spmd::engine_pool pool{{.ranks = 1'000, .threads = threads}};
        for (const estimate& each : pool.broadcast(estimate_pi).get()) all.push_back(each);
    }
    bool same = true;
    for (const estimate& each : all) same = same && each == all.front();

    const auto [inside, mean_height] = all.front();
    std::printf("%llu of %llu points inside: pi is about %.6f, or %.6f; %s for all ranks, and for 1, 2 and "
                "16 threads\n",
                static_cast<unsigned long long>(inside), static_cast<unsigned long long>(points),
                4 * static_cast<double>(inside) / static_cast<double>(points), 4 * mean_height,
                same ? "the same" : "different");
    return same && inside == known_count ? 0 : 1;
}
