// A stream of batches through list → MD5 (broadcast) → concat → write against one unbounded run over the same
// items: throughput, and how much the resident memory grows at its peak. The time shown is the stream's.
#include <checksum/digest.hpp>
#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>
#include <environment/temporary_directory.hpp>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t ranks = 100;
constexpr std::size_t contents = 500; // shared by the items
constexpr std::size_t content_size = 1024;

using digests = std::vector<checksum::md5>;

/// Items in memory: an item is the index of its content.
class memory_items {
public:
    using item = std::uint32_t;

    memory_items() {
        for (std::size_t i = 0; i < contents; ++i) contents_.emplace_back(content_size, std::byte(i));
    }
    item make(std::size_t number) const { return static_cast<item>(number % contents); }
    checksum::md5 digest(item which) const { return checksum::md5_of(contents_[which]); }

private:
    std::vector<std::vector<std::byte>> contents_;
};

/// Items in files in the page cache: an item is a path.
class file_items {
public:
    using item = std::string;

    file_items() : folder_(scratch_.create()) {
        for (std::size_t i = 0; i < contents; ++i)
            scratch_.write(std::to_string(i), std::string(content_size, static_cast<char>(i)));
    }
    item make(std::size_t number) const { return folder_ + '/' + std::to_string(number % contents); }
    checksum::md5 digest(const item& path) const { return checksum::md5_of_file(path); }

private:
    spmd_bench::temporary_directory scratch_;
    std::string folder_;
};

/// Stands for a written manifest: its hash depends on every digest and on their order.
class manifest {
public:
    void write(const digests& some) {
        for (const checksum::md5& each : some)
            for (const std::uint8_t byte : each) hash_ = (hash_ ^ byte) * 1'099'511'628'211U; // FNV-1a
    }
    std::uint64_t hash() const { return hash_; }

private:
    std::uint64_t hash_ = 14'695'981'039'346'656'037U;
};

/// list → digest → concat → write over [0, count), as one run or as a stream.
template <class Items>
class pipeline {
public:
    using batch = std::vector<typename Items::item>;

    pipeline(const spmd::engine_pool& pool, const Items& items, std::size_t count) : graph_(pool) {
        add_stages(items, graph_.once("list", [&items, count] { return listed(items, 0, count); }));
    }
    pipeline(const spmd::engine_pool& pool, const Items& items, std::size_t count, std::size_t per_batch)
        : graph_(pool) {
        add_stages(items, graph_.stream("list", [this, &items, count, per_batch]() -> std::optional<batch> {
            if (next_ == count) return std::nullopt;
            const std::size_t begin = std::exchange(next_, std::min(next_ + per_batch, count));
            return listed(items, begin, next_);
        }));
    }
    /// Returns the hash of the manifest.
    std::uint64_t run() {
        next_ = 0;
        manifest_ = {};
        graph_.run();
        return manifest_.hash();
    }

private:
    static batch listed(const Items& items, std::size_t begin, std::size_t end) {
        batch some;
        some.reserve(end - begin);
        for (std::size_t i = begin; i < end; ++i) some.push_back(items.make(i));
        return some;
    }
    void add_stages(const Items& items, const spmd::stage<batch>& list) {
        const auto parts = graph_.broadcast("digest", list, [&items](spmd::rank me, const batch& all) {
            const auto mine = me.part(all);
            digests some;
            some.reserve(mine.size());
            for (const auto& each : mine) some.push_back(items.digest(each));
            return some;
        });
        graph_.once("write", graph_.concat("concat", parts),
                    [this](const digests& all) { manifest_.write(all); });
    }

    spmd::task_graph graph_;
    std::size_t next_ = 0;
    manifest manifest_;
};

/// A value of /proc/self/status in KiB; 0 without it.
std::size_t status_of(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ':')) return std::stoul(line.substr(name.size() + 1));
    return 0;
}

/// The growth of the resident memory at its peak during `run`, in MiB.
double peak_of(const std::function<void()>& run) {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5; // resets the peak
    const std::size_t before = status_of("VmRSS");
    run();
    return static_cast<double>(status_of("VmHWM") - std::min(status_of("VmHWM"), before)) / 1024;
}

template <class Run>
double seconds_of(const Run& run) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

template <class Items>
void stream(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto per_batch = static_cast<std::size_t>(state.range(1));
    const spmd::engine_pool pool({.ranks = ranks});
    const Items items;
    pipeline<Items> streamed(pool, items, count, per_batch);
    std::uint64_t streamed_hash = 0;
    const double streamed_peak = peak_of([&] { streamed_hash = streamed.run(); });
    pipeline<Items> whole(pool, items, count);
    const double whole_peak = peak_of([&] {
        if (whole.run() != streamed_hash) state.SkipWithError("the stream's manifest is not that of one run");
    });
    std::vector<double> ratios; // of consecutive runs
    for (auto _ : state) {
        const double of_whole = seconds_of([&] { whole.run(); });
        const double of_stream = seconds_of([&] { streamed.run(); });
        ratios.push_back(of_whole / of_stream);
        state.SetIterationTime(of_stream);
    }
    if (ratios.empty()) return;
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.counters["throughput_of_whole"] = median(ratios); // 1: as fast as the unbounded run
    state.counters["stream_MiB"] = streamed_peak;
    state.counters["whole_MiB"] = whole_peak;
}

/// Items, and items per batch.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgsProduct({{1000, 100'000, 1'000'000}, {200, 2000}})
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

BENCHMARK(stream<memory_items>)->Name("stream/memory")->Apply(sizes);
BENCHMARK(stream<file_items>)->Name("stream/files")->Apply(sizes);

} // namespace
