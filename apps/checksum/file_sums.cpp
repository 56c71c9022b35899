#include <checksum/file_sums.hpp>

#include <spmd/spmd.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

namespace checksum {
namespace {

constexpr std::size_t batches_in_flight = 4;
/// Files above this size, in bytes, are dealt out to the threads by size. Smaller ones are dealt out by
/// number: threads then wait for each other no longer than one rank's share takes.
constexpr std::uint64_t dealt_beyond = std::uint64_t{1} << 20;
/// Time for which the calling thread works alone: starting others costs about as much.
constexpr std::chrono::milliseconds alone_at_most{5};
/// Descriptors reserved for other uses than files to sum: standard streams, directories, outputs.
constexpr std::size_t other_descriptors = 32;

/// Descriptors that each thread needs: a directory, a small file, and a large file of each batch.
constexpr std::size_t least_open_by_thread = 2 + batches_in_flight;

/// Number of descriptors available for files to sum.
std::size_t free_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    return limit.rlim_cur > other_descriptors ? limit.rlim_cur - other_descriptors : 0;
}

/// Reduces `wanted` threads to the number that the available descriptors allow.
std::size_t threads_for(std::size_t wanted) {
    return std::clamp<std::size_t>(free_descriptors() / least_open_by_thread, 1, wanted);
}

/// Upper bound on large files that one thread may have open for one batch.
std::size_t most_open_files(std::size_t threads) {
    const std::size_t each = free_descriptors() / threads;
    return std::max<std::size_t>(each > 2 ? (each - 2) / batches_in_flight : 0, 1);
}

std::size_t size_of(const file_batch& batch) {
    std::size_t files = 0;
    for (const file_range& range : batch.ranges) files += range.names.size();
    return files;
}

/// Hashers currently unused, for reuse by later batches.
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
    void put_back(std::unique_ptr<file_hasher> hasher) {
        const std::lock_guard lock(mutex_);
        spare_.push_back(std::move(hasher));
    }

private:
    hasher_options options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<file_hasher>> spare_; // guarded by mutex_
};

/// A batch in progress. Its ranks share as many hashers as threads run them at a time, so that the files of
/// all ranks on a thread fill the same lanes.
class batch_at_work {
public:
    batch_at_work(file_batch batch, spare_hashers& spare, std::size_t threads)
        : batch_(std::move(batch)), spare_(&spare), threads_(threads), most_open_(most_open_files(threads)) {}

    file_batch& batch() noexcept { return batch_; }

    /// Reads the files of one rank, a part of all files across ranges. Large files are left to finish().
    void work(spmd::rank me) {
        const std::size_t files = size_of(batch_);
        const spmd::index_range mine = me.part(files);
        if (mine.empty()) return;
        std::unique_ptr<file_hasher> own = take();
        // With few files, each thread gets its share of them before the lanes are full.
        own->set_most_open(std::min((files + threads_ - 1) / threads_, most_open_));
        large_files large{.beyond = dealt_beyond};
        std::size_t begin = 0; // index of the range's first file
        for (std::size_t i = 0; i < batch_.ranges.size() && begin < mine.last; ++i) {
            const std::span<file_sum> sums = batch_.sums[i];
            const std::size_t first = std::max(mine.first, begin) - begin;
            const std::size_t last = std::min(mine.last - begin, sums.size());
            if (first < last)
                own->add(batch_.ranges[i], first, sums.subspan(first, last - first), *batch_.digest_algorithm,
                         &large);
            begin += sums.size();
        }
        const std::lock_guard lock(mutex_);
        hands_.push_back({.hasher = std::move(own)});
        std::ranges::move(large.files, std::back_inserter(large_));
    }
    /// Reads the large files, and completes all sums. Requires: work() has returned for every rank.
    void finish(spmd::rank me) {
        std::call_once(dealt_, [this] { deal(); });
        // Spread the hands over distant ranks: one thread often runs neighbouring ranks.
        const std::size_t count = hands_.size();
        const auto first_of = [&](std::size_t id) { return (id * count + me.size() - 1) / me.size(); };
        for (std::size_t i = first_of(me.id()); i < first_of(me.id() + 1); ++i) {
            hand& each = hands_[i];
            each.hasher->set_most_open(most_open_);
            for (const large_files::file& file : each.large)
                each.hasher->add(*file.range, file.index, {file.sum, 1}, *batch_.digest_algorithm);
            each.hasher->finish();
        }
    }
    void release_hashers() {
        for (hand& each : hands_) spare_->put_back(std::move(each.hasher));
        hands_.clear();
    }

private:
    /// A hasher with the large files dealt to it.
    struct hand {
        std::unique_ptr<file_hasher> hasher{};
        std::uint64_t bytes = 0; // sum of its large files' sizes
        std::vector<large_files::file> large{};
    };

    std::unique_ptr<file_hasher> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!hands_.empty()) {
                std::unique_ptr<file_hasher> taken = std::move(hands_.back().hasher);
                hands_.pop_back();
                return taken;
            }
        }
        return spare_->take();
    }
    /// Deals each large file, the longest first, to the hand with the fewest bytes (Graham, 1969).
    void deal() {
        while (hands_.size() < std::min(threads_, large_.size()))
            hands_.push_back({.hasher = spare_->take()});
        std::ranges::sort(large_, std::ranges::greater(), &large_files::file::size);
        for (const large_files::file& each : large_) {
            hand& least = *std::ranges::min_element(hands_, {}, &hand::bytes);
            least.bytes += each.size;
            least.large.push_back(each);
        }
    }

    file_batch batch_;
    spare_hashers* spare_;
    std::size_t threads_;
    std::size_t most_open_;
    std::mutex mutex_;
    std::vector<hand> hands_;              // unused ones while ranks work, guarded by mutex_ then
    std::vector<large_files::file> large_; // guarded by mutex_ while ranks work
    std::once_flag dealt_;
};

/// Sums a batch on the calling thread until it is done or the time is up; returns true if it is done.
bool sum_alone(file_batch& batch, const hasher_options& options) {
    const auto end = std::chrono::steady_clock::now() + alone_at_most;
    file_hasher hasher(options);
    large_files large{.beyond = file_hasher::first_read};
    for (std::size_t i = 0; i < batch.ranges.size() && std::chrono::steady_clock::now() < end; ++i)
        hasher.add(batch.ranges[i], 0, batch.sums[i], *batch.digest_algorithm, &large);
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

/// Sums the batches `first`, then those of `next`, in parallel.
void sum_by_ranks(std::vector<file_batch> first, const std::function<bool(file_batch&)>& next,
                  const sum_options& options, const hasher_options& hashing,
                  const std::function<void(file_batch&)>& consume) {
    const std::size_t threads =
        threads_for(options.threads != 0 ? options.threads : spmd::available_threads());
    // Ranks beyond the number of files in a batch would have no work.
    const std::size_t ranks = std::min(options.ranks != 0 ? options.ranks : ranks_per_thread * threads,
                                       files_in_range * ranges_in_batch);
    const spmd::engine_pool pool({.ranks = ranks, .threads = threads, .trace = options.trace});
    spare_hashers spare(hashing);
    using shared_batch = std::shared_ptr<batch_at_work>;
    spmd::task_graph graph(pool);
    auto batches = graph.stream("list",
                                [&, given = std::size_t{0}]() mutable -> std::optional<shared_batch> {
                                    file_batch batch;
                                    if (given < first.size())
                                        batch = std::move(first[given++]);
                                    else if (hashing.stop->load() || !fill(next, batch))
                                        return std::nullopt;
                                    return std::make_shared<batch_at_work>(std::move(batch), spare, threads);
                                },
                                {.in_flight = batches_in_flight});
    auto hashed =
        graph.broadcast("hash", batches, [](spmd::rank me, const shared_batch& batch) { batch->work(me); });
    auto finished = graph.broadcast("finish", std::tuple(batches, hashed),
                                    [](spmd::rank me, const shared_batch& batch) { batch->finish(me); });
    graph.once("write", std::tuple(batches, finished), [&](const shared_batch& batch) {
        batch->release_hashers();
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
