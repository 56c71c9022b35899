#pragma once

#include <spmd/detail/graph/concat_stages.hpp>
#include <spmd/detail/graph/graph_node.hpp>
#include <spmd/detail/graph/parallel_stages.hpp>
#include <spmd/detail/graph/piece_stages.hpp>
#include <spmd/detail/graph/serial_stages.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/graph_run.hpp>
#include <spmd/view.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

class task_graph;

namespace detail {
class graph_flow;
} // namespace detail

/// What a stage of a task graph gives to later ones: a T, once per run, or in a stream once per batch.
template <class T>
class stage {
public:
    using value_type = T;

protected:
    stage(const task_graph* graph, detail::value_node<T>* node) noexcept : graph_(graph), node_(node) {}

private:
    friend class task_graph;
    const task_graph* graph_;
    detail::value_node<T>* node_;
};

/// What a broadcast stage gives: a T of each rank; for a stage that wants it whole, results<T>.
template <class T>
class rank_stage : public stage<results<T>> {
    friend class task_graph;
    rank_stage(const task_graph* graph, detail::ranks_node<T>* node) noexcept
        : rank_stage::stage(graph, node), ranks_(node) {}

    detail::ranks_node<T>* ranks_;
};

/// What a concat stage gives: the flat sequence; for `each`, the ranks' parts in rank order.
template <class Part>
class concat_stage : public stage<flat<Part>> {
    friend class task_graph;
    concat_stage(const task_graph* graph, detail::concat_node<Part>* node) noexcept
        : concat_stage::stage(graph, node), concat_(node) {}

    detail::concat_node<Part>* concat_;
};

/// How a stream is run.
struct stream_options {
    /// How many batches are under way at most. Every batch has all its ranks, which can meet whatever this is. A few
    /// keep all threads busy while one batch ends, the next begins and another is written.
    std::size_t in_flight = 4;
};

/// Stages over broadcasts: typed by what flows, acyclic by construction, since a stage is made from earlier ones.
/// Stages that do not depend on each other run at the same time. A broadcast is under way as soon as its inputs
/// are there; a concat hands rank 0's part on while other ranks run, where an `each` listens.
///
///     spmd::task_graph graph{pool};
///     auto files = graph.once("list", [&] { return list_files(root); });
///     auto parts = graph.broadcast("md5", files, md5_of_my_part);   // (rank, const vector<path>&) → vector<md5>
///     auto flat = graph.concat("concat", parts);
///     graph.once("write", flat, write_manifest);
///     graph.run();
///
/// A stage takes no, one, or by a tuple several stages as input; their values are its arguments, by const
/// reference. Values are kept until the next run: see result(); for those of a stream see stream().
/// Throws: std::invalid_argument for a stage of another graph.
/// Thread safety: none, but for graph_run's cancel, ready, wait and wait_for, while get is not called. Tasks may use the
/// graph's pool in any way.
class task_graph {
public:
    explicit task_graph(const engine_pool& pool);
    /// Runs its broadcasts and maps on a view: some ranks, or other options.
    explicit task_graph(view ranks);
    task_graph(const task_graph&) = delete;
    task_graph& operator=(const task_graph&) = delete;
    /// Cancels a run in flight and waits.
    ~task_graph();

    /// A source of batches: generator() gives a std::optional<T>, the next batch, or nothing at the end. It is called by
    /// one thread at a time. The stages that depend on it run once per batch, several batches at the same time:
    ///
    ///     auto files = graph.stream("files", next_hundred_files, {.in_flight = 8});
    ///
    /// Order: what runs on one thread (once, concat and its `each`, reduce) takes one batch at a time, in their
    /// order, while broadcasts and maps of several batches overlap. A stage that does not depend on a stream runs once,
    /// before the first batch, and is the same for all of them. result() has no value of a batch.
    /// Memory: at most `in_flight` batches, whatever is slow: one is under way from the call of the generator to the end
    /// of the last stage's work on it, and then destroyed with all that was made of it.
    /// Errors: batches up to the first that fails run to their end; of later ones nothing reaches a stage behind the one
    /// that failed, so what was delivered in order is right. The stage_error tells the batch. Run again, the
    /// generator goes on where it was.
    /// Throws: std::invalid_argument when `in_flight` is 0 or more than 65,536; for a stage that depends on two streams.
    template <class Generator>
    auto stream(std::string name, Generator generator, const stream_options& options = {}) {
        const std::size_t in_flight = require_in_flight(name, options.in_flight);
        return handle(add<detail::stream_node<Generator>>(std::move(name), in_flight,
                                                          std::make_shared<Generator>(std::move(generator))));
    }

    /// task(values…), once.
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

    /// task(rank, values…), once per rank.
    template <class Task>
    auto broadcast(std::string name, Task task) {
        return broadcast(std::move(name), std::tuple<>{}, std::move(task));
    }
    template <class T, class Task>
    auto broadcast(std::string name, const stage<T>& input, Task task) {
        return broadcast(std::move(name), std::tuple<stage<T>>(input), std::move(task));
    }
    template <class... Stages, class Task>
    auto broadcast(std::string name, const std::tuple<Stages...>& inputs, Task task) {
        auto* node = std::apply(
            [&](const auto&... each) {
                return add<detail::broadcast_node<Task, typename Stages::value_type...>>(
                    std::move(name), ranks_, std::move(task), checked(each)...);
            },
            inputs);
        return rank_stage<typename detail::rank_result<Task, typename Stages::value_type...>::type>(this,
                                                                                                    node);
    }

    // The same as task(rank, values…, pieces…), where handles (rank_state.hpp) resolve to the rank's own pieces, which
    // the graph shares. Throw: std::invalid_argument for a handle of another pool, or without a piece for a rank.
    template <class Task, detail::handle First, detail::handle... Rest>
    auto broadcast(std::string name, Task task, First&& first, Rest&&... rest) {
        return broadcast(std::move(name), std::tuple<>{}, std::move(task), std::forward<First>(first),
                         std::forward<Rest>(rest)...);
    }
    template <class T, class Task, detail::handle First, detail::handle... Rest>
    auto broadcast(std::string name, const stage<T>& input, Task task, First&& first, Rest&&... rest) {
        return broadcast(std::move(name), std::tuple<stage<T>>(input), std::move(task),
                         std::forward<First>(first), std::forward<Rest>(rest)...);
    }
    template <class... Stages, class Task, detail::handle First, detail::handle... Rest>
    auto broadcast(std::string name, const std::tuple<Stages...>& inputs, Task task, First&& first,
                   Rest&&... rest) {
        return broadcast(std::move(name), inputs,
                         detail::task_with_pieces<Task, detail::bound<First>, detail::bound<Rest>...>(
                             std::move(task), detail::bind(ranks_.group_, std::forward<First>(first)),
                             detail::bind(ranks_.group_, std::forward<Rest>(rest))...));
    }

    /// task(item) for every item of a range.
    template <std::ranges::random_access_range Range, class Task>
    auto map(std::string name, const stage<Range>& items, Task task) {
        return handle(
            add<detail::map_node<Task, Range>>(std::move(name), ranks_, std::move(task), checked(items)));
    }

    /// task(item) for every item of a scattered, or every rank's object of a local, which the graph shares.
    template <detail::handle Handle, class Task>
    auto map(std::string name, Handle&& items, Task task) {
        return handle(add<detail::piece_map_node<Task, detail::bound<Handle>>>(
            std::move(name), ranks_, std::move(task),
            detail::bind_range(ranks_.group_, std::forward<Handle>(items))));
    }

    /// The ranks' parts as one flat sequence, in rank order by construction.
    template <concatenable Part>
    concat_stage<Part> concat(std::string name, const rank_stage<Part>& parts) {
        checked(parts);
        return {this, add<detail::concat_node<Part>>(std::move(name), parts.ranks_)};
    }

    /// task(part) for each rank's part, one after the other in rank order, each as soon as it is there.
    template <class Part, class Task>
    stage<void> each(std::string name, const concat_stage<Part>& parts, Task task) {
        checked(parts);
        auto* node = add<detail::each_node<Task, Part>>(std::move(name), std::move(task), parts.concat_);
        parts.concat_->add_sink(node);
        return handle(node);
    }

    /// All items combined by `op` in the fixed tree of async_result::reduce.
    template <std::ranges::random_access_range Range, class Op>
    auto reduce(std::string name, const stage<Range>& items, Op op) {
        return handle(add<detail::reduce_node<Op, Range>>(
            std::move(name), std::make_shared<Op>(std::move(op)), checked(items)));
    }

    /// Runs every stage once, the calling thread among others; returns when all have ended. May be called again.
    /// Throws: stage_error for the first stage, in the order of their making, that threw; stages that need it do
    /// not run, others do. `cancelled` when cancel() was called. std::logic_error while a run is in flight.
    void run();
    /// The same without waiting.
    graph_run run_async();

    /// What a stage gave in the last run. Throws: std::logic_error when it did not run to its end, and for a
    /// broadcast whose only consumer is a concat, which moves the parts away.
    template <class T>
    const T& result(const stage<T>& of) const {
        const T* value = checked(of)->value_if();
        if (value == nullptr) throw_no_value(*of.node_);
        return *value;
    }

    /// The same, moved out: the stage has no value until the next run.
    template <class T>
    T take(const stage<T>& of) {
        static_cast<void>(result(of));
        return of.node_->take();
    }

    /// The stages, the kinds and types of what they give, and their edges in Graphviz's language; after a run also what
    /// each did in it: ranks, items or parts, wall time, whether it failed or did not run; in a stream, in how many
    /// batches. A broadcast's time ends when
    /// its results are there and asked for; a concat's holds its waits for ranks. Names may be any bytes; what is no
    /// UTF-8 is shown as U+FFFD. Requires: no run.
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
            throw std::invalid_argument("stage \"" + input.node_->name() + "\" is of another task graph");
        return input.node_;
    }
    void append(std::unique_ptr<detail::graph_node> node);
    static std::size_t require_in_flight(const std::string& stream, std::size_t in_flight);
    static detail::graph_node* stream_of(detail::graph_node& node);
    [[noreturn]] static void throw_no_value(const detail::graph_node& node);

    view ranks_;
    std::vector<std::unique_ptr<detail::graph_node>> nodes_;
    std::unique_ptr<detail::graph_flow> flow_; // destroyed before the nodes that it runs
};

} // namespace spmd
