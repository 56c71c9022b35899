#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/broadcast_job.hpp>
#include <spmd/detail/views/coroutine_arguments.hpp>
#include <spmd/detail/views/map_job.hpp>
#include <spmd/detail/views/map_range.hpp>
#include <spmd/submission.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Constructs a job and describes it as a submission.
template <class Job, class... Work>
auto submit(const std::shared_ptr<const group>& group, const run_options& options, Work&&... work) {
    using value = typename Job::value_type;
    static_assert(!is_task<value>,
                  "a map has no collectives, so its task cannot return spmd::task: use broadcast instead");
    return submission_access::make<value>(
        job_pointer<result_job<value>>(new Job(*group, options, std::forward<Work>(work)...)), group);
}

template <class Task, class... Args>
auto submit_broadcast(const std::shared_ptr<const group>& group, const run_options& options, Task&& task,
                      Args&&... args) {
    using callable = std::decay_t<Task>;
    constexpr bool is_coroutine = is_task<returned_to_rank<callable, bound<Args>...>>;
    constexpr bool rank_lives = !is_coroutine || rank_outlives_call<callable>();
    constexpr bool arguments_live =
        !is_coroutine || arguments_outlive_call<callable, bound_argument<bound<Args>>...>();
    static_assert(
        rank_lives,
        "write spmd::rank, not a reference to it, for the first parameter of a coroutine: the rank is "
        "a temporary, which is gone before the task runs");
    static_assert(
        arguments_live,
        "write a parameter by value, or pass an argument of its own type, such as std::string(\"...\") "
        "for const std::string&: a reference parameter of this coroutine would be bound to a "
        "converted temporary, which is gone before the task runs");
    if constexpr (rank_lives && arguments_live)
        return submit<typename job_of<callable, bound<Args>...>::type>(
            group, options, std::forward<Task>(task), bind(group, std::forward<Args>(args))...);
}

/// `ranges`: results of bind_range().
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
