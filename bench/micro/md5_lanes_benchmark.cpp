// MD5 of many messages at once, by kind of vector register, against OpenSSL one message after the other, in
// memory, on one thread. A batch is 128 messages of 1 KiB, which fit in the L2 cache, or one longer message
// per lane. Argument 0 is 2,000 messages of log-normal lengths (median 8 KiB, sigma 1.5). All are padded in
// place.
#include <checksum/digest.hpp>
#include <checksum/md5_lanes.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using bytes = std::span<const std::byte>;

/// Messages in one block of memory, a cache line apart, so that lanes do not map to the same sets of a cache.
struct messages {
    explicit messages(const std::vector<std::size_t>& sizes) {
        constexpr std::size_t gap = 192; // includes room for padding
        for (const std::size_t size : sizes) total += size;
        content.assign(total + gap * sizes.size(), std::byte{0x35});
        std::size_t offset = 0;
        for (const std::size_t size : sizes) {
            all.push_back({&content[offset], size});
            offset += (size + gap) / 64 * 64;
        }
    }
    std::size_t total = 0;
    std::vector<std::byte> content;
    std::vector<checksum::md5_message> all;
};

std::vector<std::size_t> sizes_for(std::int64_t size) {
    if (size == 0) {
        std::mt19937_64 draw(1);
        std::lognormal_distribution<double> length(std::log(8192.0), 1.5);
        std::vector<std::size_t> sizes(2000);
        std::ranges::generate(sizes, [&] { return static_cast<std::size_t>(length(draw)); });
        return sizes;
    }
    constexpr std::int64_t small = 4096;
    return std::vector<std::size_t>(size <= small ? 128 : 64, static_cast<std::size_t>(size));
}

void lanes(benchmark::State& state, checksum::md5_target target) {
    const messages work(sizes_for(state.range(0)));
    std::vector<checksum::md5> digests(work.all.size());
    for (auto _ : state) {
        checksum::md5_of_each(work.all, digests, target);
        benchmark::DoNotOptimize(digests.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(work.total));
}

void openssl(benchmark::State& state) {
    const messages work(sizes_for(state.range(0)));
    for (auto _ : state)
        for (const checksum::md5_message& each : work.all)
            benchmark::DoNotOptimize(checksum::md5_of(bytes(each.bytes, each.size)));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(work.total));
}

[[maybe_unused]] const bool registered = [] {
    const auto sized = [](benchmark::internal::Benchmark* each) {
        each->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20)->Arg(0);
    };
    for (const checksum::md5_target target : checksum::md5_targets())
        sized(benchmark::RegisterBenchmark(("md5_lanes/" + std::string(checksum::name_of(target))).c_str(),
                                           lanes, target));
    sized(benchmark::RegisterBenchmark("md5_lanes/OpenSSL", openssl));
    return true;
}();

} // namespace
