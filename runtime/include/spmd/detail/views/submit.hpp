#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/coroutine_job.hpp>
#include <spmd/detail/views/map_range.hpp>
#include <spmd/detail/views/statement_end.hpp>
#include <spmd/rank.hpp>
#include <spmd/task.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// What a broadcast's task returns, for arguments that are kept so.
template <class Task, class... Kept>
using returned_to_rank =
    std::remove_cvref_t<std::invoke_result_t<const Task&, rank, bound_argument<Kept>...>>;

/// task(rank, args…) for every rank of a group, where the task is no coroutine.
template <class Task, class... Args>
class broadcast_job final : public result_job<returned_to_rank<Task, Args...>> {
public:
    template <class T, class... As>
    broadcast_job(const group& group, const run_options& options, T&& task, As&&... args)
        : broadcast_job::result_job(group.shares, automatic, *group.pool, cost, task_kind::rank, options),
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

/// task(item…) for every index of some ranges.
template <class Task, class... Views>
class map_job final
    : public result_job<
          std::remove_cvref_t<std::invoke_result_t<const Task&, std::ranges::range_reference_t<Views>...>>> {
public:
    template <class T>
    map_job(const group& group, const run_options& options, std::span<const placed_range> shares, T&& task,
            Views... views)
        : map_job::result_job(shares, options.chunk, *group.pool, cost, task_kind::item, options),
          work_(std::in_place, std::forward<T>(task), std::move(views)...) {}

    void dispose() noexcept override {
        work_.reset();
        map_job::result_job::dispose();
    }

private:
    void run(index_range range) noexcept override {
        const call& work = *work_;
        auto* const values = this->values().begin();
        this->run_each(range, [&](std::size_t i) {
            slots<typename map_job::value_type>::fill(values, i, [&]() -> decltype(auto) {
                return std::apply(
                    [&]<class... Firsts>(const Firsts&... firsts) -> decltype(auto) {
                        return std::invoke(work.task,
                                           firsts[static_cast<std::iter_difference_t<Firsts>>(i)]...);
                    },
                    work.firsts);
            });
        });
    }

    struct call {
        template <class T>
        explicit call(T&& t, Views&&... vs)
            : task(std::forward<T>(t)), views(std::move(vs)...),
              firsts(
                  std::apply([](auto&... view) { return std::tuple(std::ranges::begin(view)...); }, views)) {}
        call(const call&) = delete;
        call& operator=(const call&) = delete;
        Task task;
        std::tuple<Views...> views;
        std::tuple<std::ranges::iterator_t<Views>...> firsts;
    };
    static inline cost_estimate cost;

    std::optional<call> work_;
};

template <class Task, class... Args>
struct job_of {
    using type = broadcast_job<Task, Args...>;
};
template <class Task, class... Args>
    requires is_task<returned_to_rank<Task, Args...>>
struct job_of<Task, Args...> {
    using type = coroutine_job<typename returned_to_rank<Task, Args...>::value_type, Task, Args...>;
};

/// Makes a job and the handle on its results; it starts at `end`, if nobody joins before.
template <class Job, class... Work>
auto submit(const std::shared_ptr<const group>& group, const run_options& options, const statement_end& end,
            Work&&... work) {
    using value = typename Job::value_type;
    static_assert(!is_task<value>,
                  "the items of a map cannot meet: return spmd::task from a broadcast's task");
    job_pointer<result_job<value>> made(new Job(*group, options, std::forward<Work>(work)...));
    end.start_here(made, group);
    return async_result<value>(std::move(made), group);
}

template <class Task, class... Args>
auto submit_broadcast(const std::shared_ptr<const group>& group, const run_options& options,
                      const statement_end& end, Task&& task, Args&&... args) {
    return submit<typename job_of<std::decay_t<Task>, bound<Args>...>::type>(
        group, options, end, std::forward<Task>(task), bind(group, std::forward<Args>(args))...);
}

/// `ranges`: what bind_range gave.
template <class Task, class... Ranges>
auto submit_map(const std::shared_ptr<const group>& group, const run_options& options,
                const statement_end& end, Task&& task, Ranges... ranges) {
    const std::size_t count = common_size(*group, ranges...);
    const std::vector<placed_range> shares = shares_of_map(*group, count, ranges...);
    return submit<
        map_job<std::decay_t<Task>, decltype(items_of(std::move(ranges), *group, count, shares))...>>(
        group, options, end, shares, std::forward<Task>(task),
        items_of(std::move(ranges), *group, count, shares)...);
}

} // namespace spmd::detail
