#pragma once

#include <spmd/detail/graph/parallel_stages.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/map_range.hpp>
#include <spmd/rank.hpp>
#include <spmd/view.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd::detail {

/// The task of a broadcast stage, called with the values of its inputs and then the rank's pieces of some
/// handles.
template <class Task, class... Bound>
class task_with_pieces {
public:
    explicit task_with_pieces(Task task, Bound... pieces)
        : task_(std::move(task)), pieces_(std::move(pieces)...) {}

    template <class... Values>
    decltype(auto) operator()(rank me, const Values&... values) const {
        return std::apply(
            [&](const Bound&... pieces) -> decltype(auto) {
                return std::invoke(task_, me, values..., bound_argument_of(me.engine(), pieces)...);
            },
            pieces_);
    }

private:
    Task task_;
    std::tuple<Bound...> pieces_;
};

/// A map stage over the items of a handle, which the graph shares.
template <class Task, class Bound>
class piece_map_node final
    : public ranks_node<std::remove_cvref_t<
          std::invoke_result_t<const Task&, std::ranges::range_reference_t<mapped<Bound>>>>> {
public:
    piece_map_node(std::string name, view ranks, shared_task<Task> task, Bound items)
        : piece_map_node::ranks_node(std::move(name), "map", {}), ranks_(std::move(ranks)),
          task_(std::move(task)), items_(std::move(items)) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes&) const override {
        return this->with_my_consumers(std::make_unique<piece_map_node>(this->name(), ranks_, task_, items_));
    }

private:
    void start() override { this->submit(this->named(ranks_).map(std::cref(*task_), items_)); }
    view ranks_;
    shared_task<Task> task_;
    Bound items_;
};

} // namespace spmd::detail
