#include <checksum/file_sums.hpp>

#include <spmd/spmd.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

namespace checksum {
namespace {

constexpr std::size_t ranks_per_thread = 16;
constexpr std::size_t batches_in_flight = 4;
/// For how long the calling thread works alone: others take about as long to come.
constexpr std::chrono::milliseconds alone_at_most{5};
/// Descriptors that are not for large files: the standard ones, directories, outputs.
constexpr std::size_t other_descriptors = 32;

std::size_t descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return other_descriptors;
    return limit.rlim_cur == RLIM_INFINITY ? ~std::size_t{0} : static_cast<std::size_t>(limit.rlim_cur);
}

/// So many large files may be open at a time, by one thread.
std::size_t most_open_files(std::size_t threads) {
    const std::size_t limit = descriptor_limit();
    const std::size_t left = limit > other_descriptors ? limit - other_descriptors : 0;
    return std::max<std::size_t>(left / threads / batches_in_flight, 1);
}

std::size_t size_of(const file_batch& batch) {
    std::size_t files = 0;
    for (const file_range& range : batch.ranges) files += range.names.size();
    return files;
}

/// Hashers that nobody uses now.
class spare_hashers {
public:
    explicit spare_hashers(hasher_options options) : options_(std::move(options)) {}

    std::unique_ptr<file_hasher> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!spare_.empty()) {
                std::unique_ptr<file_hasher> taken = std::move(spare_.back());
                spare_.pop_back();
                return taken;
            }
        }
        return std::make_unique<file_hasher>(options_);
    }
    void give(std::vector<std::unique_ptr<file_hasher>> back) {
        const std::lock_guard lock(mutex_);
        std::ranges::move(back, std::back_inserter(spare_));
    }

private:
    hasher_options options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<file_hasher>> spare_; // guarded by mutex_
};

/// A batch at work. Its ranks share a few hashers, as many as threads run them at a time, so that the lanes of a thread are
/// filled by the files of all ranks that it runs.
class batch_at_work {
public:
    batch_at_work(file_batch batch, spare_hashers& spare, std::size_t most_open)
        : batch_(std::move(batch)), spare_(&spare), most_open_(most_open) {}

    file_batch& batch() noexcept { return batch_; }

    /// Reads the files of one rank: a part of all files, whatever ranges they are in.
    void work(spmd::rank me) {
        const spmd::index_range mine = me.part(size_of(batch_));
        if (mine.empty()) return;
        std::unique_ptr<file_hasher> own = take();
        std::size_t begin = 0; // of the range, counted in files
        for (std::size_t i = 0; i < batch_.ranges.size() && begin < mine.end; ++i) {
            const std::span<file_sum> sums = batch_.sums[i];
            const std::size_t first = std::max(mine.begin, begin) - begin;
            const std::size_t last = std::min(mine.end - begin, sums.size());
            if (first < last)
                own->add(batch_.ranges[i], first, sums.subspan(first, last - first), *batch_.by);
            begin += sums.size();
        }
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(own));
    }
    /// Hashes what one of the hashers still has. Requires: no rank works.
    void finish(std::size_t number) {
        if (number < idle_.size()) idle_[number]->finish();
    }
    void let_go() { spare_->give(std::exchange(idle_, {})); }

private:
    std::unique_ptr<file_hasher> take() {
        std::unique_ptr<file_hasher> taken;
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                taken = std::move(idle_.back());
                idle_.pop_back();
            }
        }
        if (taken == nullptr) {
            taken = spare_->take();
            taken->set_most_open(most_open_);
        }
        return taken;
    }

    file_batch batch_;
    spare_hashers* spare_;
    std::size_t most_open_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<file_hasher>> idle_; // guarded by mutex_
};

/// Works on a batch until it is done or the time is over; true in the first case.
bool sum_alone(file_batch& batch, const hasher_options& options) {
    const auto end = std::chrono::steady_clock::now() + alone_at_most;
    hasher_options alone = options;
    alone.leaves_large_files = true;
    file_hasher hasher(std::move(alone));
    for (std::size_t i = 0; i < batch.ranges.size() && std::chrono::steady_clock::now() < end; ++i)
        hasher.add(batch.ranges[i], 0, batch.sums[i], *batch.by);
    hasher.finish();
    return std::ranges::all_of(
        batch.sums, [](const auto& range) { return std::ranges::all_of(range, &file_sum::is_done); });
}

bool fill(const std::function<bool(file_batch&)>& next, file_batch& batch) {
    if (!next(batch)) return false;
    batch.sums.resize(batch.ranges.size());
    for (std::size_t i = 0; i < batch.ranges.size(); ++i) batch.sums[i].resize(batch.ranges[i].names.size());
    return true;
}

/// What is given first by a stream of batches, before what `next` gives.
void sum_by_ranks(std::vector<file_batch> first, const std::function<bool(file_batch&)>& next,
                  const sum_options& options, const hasher_options& hashing,
                  const std::function<void(file_batch&)>& consume) {
    const std::size_t threads = options.threads != 0 ? options.threads : spmd::available_threads();
    const std::size_t ranks = options.ranks != 0 ? options.ranks : ranks_per_thread * threads;
    const spmd::engine_pool pool({.ranks = ranks, .threads = threads, .trace = options.trace});
    spare_hashers spare(hashing);
    using shared_batch = std::shared_ptr<batch_at_work>;
    spmd::task_graph graph(pool);
    auto batches =
        graph.stream("list",
                     [&, given = std::size_t{0}]() mutable -> std::optional<shared_batch> {
                         file_batch batch;
                         if (given < first.size())
                             batch = std::move(first[given++]);
                         else if (hashing.stop->load() || !fill(next, batch))
                             return std::nullopt;
                         // Where there are few large files, each thread gets its share of them.
                         const std::size_t share = (size_of(batch) + threads - 1) / threads;
                         const std::size_t most_open = std::min(share, most_open_files(threads));
                         return std::make_shared<batch_at_work>(std::move(batch), spare, most_open);
                     },
                     {.in_flight = batches_in_flight});
    auto hashed =
        graph.broadcast("hash", batches, [](spmd::rank me, const shared_batch& batch) { batch->work(me); });
    auto finished = graph.broadcast("finish", std::tuple(batches, hashed),
                                    [](spmd::rank me, const shared_batch& batch) { batch->finish(me.id()); });
    graph.once("write", std::tuple(batches, finished), [&](const shared_batch& batch) {
        batch->let_go();
        consume(batch->batch());
    });
    try {
        graph.run();
    } catch (const spmd::stage_error& error) {
        std::rethrow_exception(error.cause());
    }
}

} // namespace

void sum_files(const std::function<bool(file_batch&)>& next, const sum_options& options,
               const std::atomic<bool>& stop, const std::function<void(file_batch&)>& consume) {
    const hasher_options hashing{
        .work = options.work, .on_read = options.on_read, .on_file = options.on_file, .stop = &stop};
    std::vector<file_batch> first(1);
    if (!fill(next, first[0])) return;
    if (sum_alone(first[0], hashing) || stop.load()) {
        consume(first[0]);
        first.clear();
        file_batch second;
        if (stop.load() || !fill(next, second)) return;
        first.push_back(std::move(second));
    }
    sum_by_ranks(std::move(first), next, options, hashing, consume);
}

} // namespace checksum
