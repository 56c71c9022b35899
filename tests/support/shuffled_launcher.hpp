#pragma once

#include "launcher_topology.hpp"

#include <spmd/detail/launch/launcher.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace test_support {

/// Runs a whole job on the thread that starts or joins it first, in blocks of random sizes and random order,
/// or one index at a time in a given order; ranks that meet run in another order after each collective. Equal
/// seeds produce equal orders, so that a dependence on the order fails every time.
///
/// Thread safety: all members may be called concurrently.
class shuffled_launcher final : public spmd::detail::launcher {
public:
    explicit shuffled_launcher(std::uint64_t seed) : seed_(seed) {}
    /// Runs index order[0], then order[1], … of each job with as many indices; other jobs in random order.
    explicit shuffled_launcher(std::vector<std::size_t> order) : order_(std::move(order)) {}

    const spmd::pool_topology& topology() const noexcept override { return topology_; }

    void join_here(spmd::detail::job& work) override {
        start(work);
        do {
            run_all(work);
            work.wait([&] { return work.finished() || work.is_claimable(); });
        } while (!work.finished());
    }
    void join_here_until(spmd::detail::job& work, std::size_t) override { join_here(work); }

private:
    using index_range = spmd::index_range;

    /// The stack of jobs on the calling thread: a job that recruits threads meanwhile gets none.
    class running {
    public:
        explicit running(const spmd::detail::job& work) noexcept : work_(&work), outer_(innermost()) {
            innermost() = this;
        }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { innermost() = outer_; }

        static bool includes(const spmd::detail::job& work) noexcept {
            for (const running* each = innermost(); each != nullptr; each = each->outer_)
                if (each->work_ == &work) return true;
            return false;
        }

    private:
        static const running*& innermost() noexcept {
            static thread_local const running* innermost = nullptr;
            return innermost;
        }
        const spmd::detail::job* work_;
        const running* outer_;
    };

    void recruit(spmd::detail::job& work, spmd::detail::demand) override {
        if (!running::includes(work)) run_all(work);
    }

    void run_all(spmd::detail::job& work) {
        const running here(work);
        while (run_what_is_ready(work) && work.has_source()) continue;
    }

    bool run_what_is_ready(spmd::detail::job& work) {
        std::vector<index_range> claimed;
        for (;;) {
            const index_range range = work.claim(std::numeric_limits<std::size_t>::max());
            if (range.empty()) break;
            claimed.push_back(range);
        }
        for (const index_range block : in_some_order(claimed, work)) work.run_claimed(block);
        return !claimed.empty();
    }

    std::vector<index_range> in_some_order(const std::vector<index_range>& claimed,
                                           const spmd::detail::job& work) {
        std::vector<index_range> blocks;
        if (work.count() == order_.size() && claimed.size() == 1 && claimed.front().size() == work.count()) {
            for (const std::size_t index : order_) blocks.push_back({index, index + 1});
            return blocks;
        }
        std::mt19937_64 random(seed_ + 0x9e3779b97f4a7c15U * shuffles_.fetch_add(1));
        const std::size_t largest = std::size_t{1} << (random() % 8);
        for (const index_range range : claimed) {
            for (std::size_t begin = range.first; begin < range.last;) {
                const std::size_t size =
                    std::min<std::size_t>((1 + random() % largest) << work.grain(), range.last - begin);
                blocks.push_back({begin, begin + size});
                begin += size;
            }
        }
        std::ranges::shuffle(blocks, random);
        return blocks;
    }

    static constexpr std::size_t one_thread = 1;
    spmd::pool_topology topology_ = arenas_with({&one_thread, 1});
    std::uint64_t seed_ = 0;
    std::vector<std::size_t> order_;
    std::atomic<std::uint64_t> shuffles_{0};
};

} // namespace test_support
