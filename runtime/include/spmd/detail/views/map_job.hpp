#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/chunk.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd::detail {

/// Runs task(item…) for every index of some ranges.
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

} // namespace spmd::detail
