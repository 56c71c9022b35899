// Sample sort: each rank sorts its part of the numbers and publishes a few samples; the samples of all ranks
// determine ranges with about equal numbers of values; all_to_all sends every value to the rank of its range.
// The concatenation of the ranks' values is then sorted.
#include <spmd/spmd.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace {

using numbers = std::vector<std::uint64_t>;

constexpr std::size_t samples_per_rank = 32;

numbers random_numbers(std::size_t count) {
    std::mt19937_64 random(42);
    numbers values(count);
    std::ranges::generate(values, random);
    return values;
}

/// Selects `count` evenly spaced values.
template <class Values>
numbers evenly_spaced(const Values& sorted, std::size_t count) {
    numbers chosen;
    for (std::size_t i = 1; i <= count; ++i) chosen.push_back(sorted[i * sorted.size() / (count + 1)]);
    return chosen;
}

/// Splits sorted values at each cut; the last piece holds those beyond the last cut.
std::vector<numbers> cut(const numbers& sorted, const numbers& cuts) {
    std::vector<numbers> pieces;
    auto from = sorted.begin();
    for (const std::uint64_t each : cuts) {
        const auto to = std::upper_bound(from, sorted.end(), each);
        pieces.emplace_back(from, to);
        from = to;
    }
    pieces.emplace_back(from, sorted.end());
    return pieces;
}

spmd::task<numbers> sort_my_range(spmd::rank me, std::span<const std::uint64_t> all) {
    const auto part = me.part(all);
    numbers mine(part.begin(), part.end());
    std::ranges::sort(mine);

    numbers samples;
    for (const numbers& each : co_await me.all_gather(evenly_spaced(mine, samples_per_rank)))
        samples.insert(samples.end(), each.begin(), each.end());
    std::ranges::sort(samples);

    numbers sorted;
    for (const numbers& piece : co_await me.all_to_all(cut(mine, evenly_spaced(samples, me.size() - 1))))
        sorted.insert(sorted.end(), piece.begin(), piece.end());
    std::ranges::sort(sorted);
    co_return sorted;
}

} // namespace

int main() {
    numbers all = random_numbers(1'000'000);
    const spmd::engine_pool pool{{.ranks = 50}};
    const numbers sorted = pool.broadcast([&](spmd::rank me) { return sort_my_range(me, all); }).concat();

    std::ranges::sort(all);
    std::printf("%zu numbers by %zu ranks: %s\n", sorted.size(), pool.size(),
                sorted == all ? "sorted" : "not sorted");
    return sorted == all ? 0 : 1;
}
