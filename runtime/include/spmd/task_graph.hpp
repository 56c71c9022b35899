#pragma once

#include <spmd/detail/graph/concat_stages.hpp>
#include <spmd/detail/graph/graph_node.hpp>
#include <spmd/detail/graph/parallel_stages.hpp>
#include <spmd/detail/graph/piece_stages.hpp>
#include <spmd/detail/graph/serial_stages.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/graph_run.hpp>
#include <spmd/stage.hpp>
#include <spmd/view.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spmd {
namespace detail {
class graph_flow;
} // namespace detail

/// Options of one stream of a task graph.
struct stream_options {
    /// Upper bound on the batches in flight, 1 to 65,536. Each batch has all its ranks, so collectives work
    /// for any value. A few keep all threads busy while one batch ends, the next begins and another is
    /// written.
    std::size_t in_flight = 4;
};

/// Stages over broadcasts: typed by what flows, acyclic by construction, since the inputs of a stage are
/// earlier ones. Stages that do not depend on each other run at the same time. A broadcast begins as soon as
/// its inputs are available; a concat passes rank 0's part to its `each` stages while other ranks still run.
///
///     spmd::task_graph graph{pool};
///     auto files = graph.once("list", [&] { return list_files(root); });
///     // md5_of_my_part(rank, const vector<path>&) returns a vector<md5>
///     auto parts = graph.broadcast("md5", files, md5_of_my_part);
///     auto flat = graph.concat("concat", parts);
///     graph.once("write", flat, write_manifest);
///     graph.run();
///
/// A stage has no input, one stage, or several in a tuple; their values are its task's arguments, by const
/// reference. Values are kept until the next run: see result(); for those of a stream see stream().
/// Throws: std::invalid_argument for a stage of another graph; std::logic_error for a new stage during a run.
/// Thread safety: none, except that graph_run's cancel, ready, wait and wait_for may be called from any
/// thread until get() is called. Tasks may use the graph's pool in any way.
class task_graph {
public:
    /// A graph whose broadcasts and maps run on a pool, or on a view: some ranks, or other options.
    explicit task_graph(view ranks);
    task_graph(const task_graph&) = delete;
    task_graph& operator=(const task_graph&) = delete;
    /// Cancels a run in flight. Blocks: until it has ended.
    ~task_graph();

    /// Adds a source of batches: generator() returns a std::optional<T>, the next batch, or nothing at the
    /// end, and is called by one thread at a time. Stages that depend on it run once per batch, several
    /// batches at the same time:
    ///
    ///     auto files = graph.stream("files", next_hundred_files, {.in_flight = 8});
    ///
    /// Order: stages that run on one thread (once, concat and its `each`, reduce) process one batch at a
    /// time, in batch order, while broadcasts and maps of several batches overlap. A stage that does not
    /// depend on a stream runs once, before the first batch, and its value serves all batches. result() has
    /// no value of a batch.
    /// Memory: at most `in_flight` batches, even if one is slow. A batch is in flight from the call of the
    /// generator until its last stage has finished; then it is destroyed with all values computed from it.
    /// Errors: batches up to the first that fails run to their end; later ones do not get past the stage that
    /// failed, so everything delivered in order is right. The stage_error names the batch. In another run the
    /// generator continues where it was.
    /// Throws: std::invalid_argument when `in_flight` is out of range; for a stage that depends on two
    /// streams.
    template <class Generator>
    auto stream(std::string name, Generator generator, const stream_options& options = {}) {
        const std::size_t in_flight = require_in_flight(name, options.in_flight);
        return handle(add<detail::stream_node<Generator>>(std::move(name), in_flight,
                                                          std::make_shared<Generator>(std::move(generator))));
    }

    /// Adds a stage that runs task(values…) once.
    template <class Task>
    auto once(std::string name, Task task) {
        return once(std::move(name), std::tuple<>{}, std::move(task));
    }
    template <class T, class Task>
    auto once(std::string name, const stage<T>& input, Task task) {
        return once(std::move(name), std::tuple<stage<T>>(input), std::move(task));
    }
    template <class... Stages, class Task>
    auto once(std::string name, const std::tuple<Stages...>& inputs, Task task) {
        auto* node = std::apply(
            [&](const auto&... each) {
                return add<detail::once_node<Task, typename Stages::value_type...>>(
                    std::move(name), std::move(task), checked(each)...);
            },
            inputs);
        return handle(node);
    }

    /// Adds a stage that runs task(rank, values…, pieces…) once per rank. Handles (rank_state.hpp) resolve to
    /// the rank's own pieces, which the graph shares.
    /// Throws: std::invalid_argument for a handle of another pool, or without a piece for a rank.
    template <class Task, rank_handle... Handles>
    auto broadcast(std::string name, Task task, Handles&&... handles) {
        return broadcast(std::move(name), std::tuple<>{}, std::move(task), std::forward<Handles>(handles)...);
    }
    template <class T, class Task, rank_handle... Handles>
    auto broadcast(std::string name, const stage<T>& input, Task task, Handles&&... handles) {
        return broadcast(std::move(name), std::tuple<stage<T>>(input), std::move(task),
                         std::forward<Handles>(handles)...);
    }
    template <class... Stages, class Task, rank_handle... Handles>
    auto broadcast(std::string name, const std::tuple<Stages...>& inputs, Task task, Handles&&... handles) {
        using with_pieces = detail::task_with_pieces<Task, detail::bound<Handles>...>;
        auto* node = std::apply(
            [&](const auto&... each) {
                return add<detail::broadcast_node<with_pieces, typename Stages::value_type...>>(
                    std::move(name), ranks_,
                    with_pieces(std::move(task),
                                detail::bind(ranks_.group_, std::forward<Handles>(handles))...),
                    checked(each)...);
            },
            inputs);
        return rank_stage<typename detail::rank_result<with_pieces, typename Stages::value_type...>::type>(
            this, node);
    }

    /// Adds a stage that runs task(item) for every item of a range.
    template <std::ranges::random_access_range Range, class Task>
    auto map(std::string name, const stage<Range>& items, Task task) {
        return handle(
            add<detail::map_node<Task, Range>>(std::move(name), ranks_, std::move(task), checked(items)));
    }
    /// Adds a stage that runs task(item) for every item of a scattered, or every rank's object of a local,
    /// which the graph shares.
    template <rank_handle Handle, class Task>
    auto map(std::string name, Handle&& items, Task task) {
        return handle(add<detail::piece_map_node<Task, detail::bound<Handle>>>(
            std::move(name), ranks_, std::move(task),
            detail::bind_range(ranks_.group_, std::forward<Handle>(items))));
    }

    /// Adds a stage that joins the ranks' parts into one flat sequence, in rank order.
    template <concatenable Part>
    concat_stage<Part> concat(std::string name, const rank_stage<Part>& parts) {
        checked(parts);
        return {this, add<detail::concat_node<Part>>(std::move(name), parts.ranks_)};
    }
    /// Adds a stage that runs task(part) for each rank's part, one after the other in rank order, each as
    /// soon as it is available.
    template <class Part, class Task>
    stage<void> each(std::string name, const concat_stage<Part>& parts, Task task) {
        checked(parts);
        auto* node = add<detail::each_node<Task, Part>>(std::move(name), std::move(task), parts.concat_);
        parts.concat_->add_sink(node);
        return handle(node);
    }

    /// Adds a stage that combines all items by `op` in the fixed tree of async_result::reduce().
    template <std::ranges::random_access_range Range, class Op>
    auto reduce(std::string name, const stage<Range>& items, Op op) {
        return handle(add<detail::reduce_node<Op, Range>>(
            std::move(name), std::make_shared<Op>(std::move(op)), checked(items)));
    }

    /// Runs every stage once, on the calling thread among others. May be called again.
    /// Blocks: until all stages have ended.
    /// Throws: stage_error for the first stage, in the order they were added, that threw; stages that depend
    /// on it do not run, others do. cancelled_error when cancel() was called. std::logic_error while a run is
    /// in flight.
    void run();
    /// As run(), without waiting.
    graph_run run_async();

    /// The value of a stage in the last run. Throws: std::logic_error when the stage did not run to its end,
    /// and for a broadcast whose only consumer is a concat, which moves the parts away.
    template <class T>
    const T& result(const stage<T>& from) const {
        const T* value = checked(from)->value_if();
        if (value == nullptr) throw_no_value(*from.node_);
        return *value;
    }
    /// As result(), moved out: the stage has no value until the next run.
    template <class T>
    T take(const stage<T>& from) {
        static_cast<void>(result(from));
        return from.node_->take();
    }

    /// The stages, their kinds and types, and their edges in Graphviz's language. After a run also each
    /// stage's ranks, items or parts, wall time, and whether it failed or did not run; in a stream, the
    /// number of batches. The time of a broadcast ends when its results are available and were requested for;
    /// that of a concat includes its waits for ranks. Names may be any bytes; invalid UTF-8 is replaced by
    /// U+FFFD. Requires: no run.
    std::string dot() const;

private:
    template <class Node, class... Args>
    Node* add(Args&&... args) {
        auto node = std::make_unique<Node>(std::forward<Args>(args)...);
        Node* added = node.get();
        append(std::move(node));
        return added;
    }
    template <class T>
    stage<T> handle(detail::value_node<T>* node) {
        return {this, node};
    }
    template <class T>
    detail::value_node<T>* checked(const stage<T>& input) const {
        if (input.graph_ != this)
            throw std::invalid_argument("stage \"" + input.node_->name() +
                                        "\" belongs to another task graph");
        return input.node_;
    }
    void append(std::unique_ptr<detail::graph_node> node);
    static std::size_t require_in_flight(const std::string& stream, std::size_t in_flight);
    [[noreturn]] static void throw_no_value(const detail::graph_node& node);

    view ranks_;
    std::vector<std::unique_ptr<detail::graph_node>> nodes_;
    std::unique_ptr<detail::graph_flow> flow_; // destroyed before the nodes that it runs
};

} // namespace spmd
