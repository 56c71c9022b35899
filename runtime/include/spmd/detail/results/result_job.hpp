#pragma once

#include <spmd/detail/results/slots.hpp>
#include <spmd/detail/results/tracked_job.hpp>

#include <cstddef>
#include <optional>
#include <source_location>
#include <span>
#include <utility>

namespace spmd::detail {

/// A tracked job whose tasks return a T each.
template <class T>
class result_job : public tracked_job {
public:
    using value_type = T;

    template <class... Args>
    explicit result_job(std::span<const placed_range> shares, Args&&... args)
        : tracked_job(shares, std::forward<Args>(args)...), values_(std::in_place, count()) {}

    auto& value(std::size_t i) noexcept { return (*values_)[i]; }
    /// Moves all results out. Requires: every task is done.
    auto take() { return values_->take(); }

    void dispose() noexcept override {
        if constexpr (slots<T>::destroys)
            for (std::size_t i = 0; i < count(); ++i)
                if (state(i) == task_state::done) values_->destroy(i);
        values_.reset();
        tracked_job::dispose();
    }

protected:
    slots<T>& values() noexcept { return *values_; }

private:
    std::optional<slots<T>> values_;
};

} // namespace spmd::detail
