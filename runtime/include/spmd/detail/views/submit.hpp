#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/map_range.hpp>
#include <spmd/rank.hpp>
#include <spmd/submission.hpp>

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

/// A job's chunk: a fraction of what is left.
inline constexpr std::size_t any_chunk = 0;
/// Throws: std::invalid_argument for 0 items.
std::size_t chunk_of(const run_options& options);

/// task(rank, args…) for every rank of a group, where the task is no coroutine.
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

/// task(item…) for every index of some ranges.
template <class Task, class... Views>
class map_job final
    : public result_job<
          std::remove_cvref_t<std::invoke_result_t<const Task&, std::ranges::range_reference_t<Views>...>>> {
public:
    template <class T>
    map_job(const group& group, const run_options& options, std::span<const placed_range> shares, T&& task,
            Views... views)
        : map_job::result_job(shares, chunk_of(options), *group.pool, cost, task_kind::item, options),
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

/// The job of a broadcast; coroutine_job.hpp has that of coroutines.
template <class Task, class... Args>
struct job_of {
    using type = broadcast_job<Task, Args...>;
};

/// Makes a job and describes it as a submission.
template <class Job, class... Work>
auto submit(const std::shared_ptr<const group>& group, const run_options& options, Work&&... work) {
    using value = typename Job::value_type;
    static_assert(!is_task<value>,
                  "the items of a map cannot meet: return spmd::task from a broadcast's task");
    return submission_access::make<value>(
        job_pointer<result_job<value>>(new Job(*group, options, std::forward<Work>(work)...)), group);
}

template <class Task, class... Args>
auto submit_broadcast(const std::shared_ptr<const group>& group, const run_options& options, Task&& task,
                      Args&&... args) {
    return submit<typename job_of<std::decay_t<Task>, bound<Args>...>::type>(
        group, options, std::forward<Task>(task), bind(group, std::forward<Args>(args))...);
}

/// `ranges`: what bind_range returned.
template <class Task, class... Ranges>
auto submit_map(const std::shared_ptr<const group>& group, const run_options& options, Task&& task,
                Ranges... ranges) {
    const std::size_t count = common_size(*group, ranges...);
    const std::vector<placed_range> shares = shares_of_map(*group, count, ranges...);
    return submit<
        map_job<std::decay_t<Task>, decltype(items_of(std::move(ranges), *group, count, shares))...>>(
        group, options, shares, std::forward<Task>(task),
        items_of(std::move(ranges), *group, count, shares)...);
}

} // namespace spmd::detail
