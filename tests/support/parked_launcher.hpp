#pragma once

#include "launcher_topology.hpp"

#include <spmd/detail/launch/launcher.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace test_support {

/// Helpers recruited by a parked_launcher, which join only when the test says so.
class parked_helpers {
public:
    /// Lets each recruited helper join now, on the calling thread. Returns how many joined.
    std::size_t come() {
        std::vector<called> all;
        {
            const std::lock_guard lock(mutex_);
            all = std::exchange(called_, {});
        }
        for (const called& each : all) each.work->help(each.arena, [] {});
        return all.size();
    }

private:
    friend class parked_launcher;
    struct called {
        std::size_t arena;
        spmd::detail::job_pointer<spmd::detail::job> work;
    };

    std::mutex mutex_;
    std::vector<called> called_; // guarded by mutex_
};

/// Recruits one helper per arena, none of which joins by itself: jobs without a joining caller do not start
/// before parked_helpers::come(), which also works after launcher and pool are destroyed.
class parked_launcher final : public spmd::detail::launcher {
public:
    explicit parked_launcher(const std::vector<std::size_t>& threads,
                             std::shared_ptr<parked_helpers> helpers = std::make_shared<parked_helpers>())
        : topology_(arenas_with(threads)), helpers_(std::move(helpers)) {}

    const spmd::pool_topology& topology() const noexcept override { return topology_; }

private:
    void recruit(spmd::detail::job& work, spmd::detail::demand) override {
        const std::lock_guard lock(helpers_->mutex_);
        for (std::size_t arena = 0; arena < topology_.arenas.size(); ++arena) {
            work.reference();
            helpers_->called_.push_back({arena, spmd::detail::job_pointer<spmd::detail::job>(&work)});
        }
    }

    spmd::pool_topology topology_;
    std::shared_ptr<parked_helpers> helpers_;
};

} // namespace test_support
