#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/chunk.hpp>
#include <spmd/rank.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>

namespace spmd::detail {

/// Runs task(rank, args…) for every rank of a group, where the task is not a coroutine.
template <class Task, class... Args>
class broadcast_job final : public result_job<returned_to_rank<Task, Args...>> {
public:
    template <class T, class... As>
    broadcast_job(const group& group, const run_options& options, T&& task, As&&... args)
        : broadcast_job::result_job(group.shares, any_chunk, *group.pool, cost, task_kind::rank, options),
          work_(std::in_place, std::forward<T>(task), std::forward<As>(args)...),
          context_{group.size, group.engines.empty() ? nullptr : group.engines.data(), &this->flags(),
                   &this->reported_items()} {}

    void dispose() noexcept override {
        work_.reset();
        broadcast_job::result_job::dispose();
    }

private:
    void run(index_range range) noexcept override {
        const call& work = *work_;
        auto* const values = this->values().begin();
        this->run_each(range, [&](std::size_t id) {
            slots<typename broadcast_job::value_type>::fill(values, id, [&]() -> decltype(auto) {
                return std::apply(
                    [&](const Args&... args) -> decltype(auto) {
                        return std::invoke(work.task, rank(context_, id),
                                           bound_argument_of(context_, id, args)...);
                    },
                    work.args);
            });
        });
    }

    struct call {
        template <class T, class... As>
        explicit call(T&& t, As&&... as) : task(std::forward<T>(t)), args(std::forward<As>(as)...) {}
        Task task;
        std::tuple<Args...> args;
    };
    static inline cost_estimate cost;

    std::optional<call> work_;
    rank_context context_;
};

/// Selects the job of a broadcast; coroutine_job.hpp has the specialisation for coroutines.
template <class Task, class... Args>
struct job_of {
    using type = broadcast_job<Task, Args...>;
};

} // namespace spmd::detail
