#pragma once

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/graph/stage_tally.hpp>
#include <spmd/detail/launch/job.hpp>
#include <spmd/detail/trace/trace_log.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace spmd::detail {

class graph_node;

/// The nodes that work on one batch of a stream, by the originals that they copy.
class lane_nodes {
public:
    lane_nodes(std::span<graph_node* const> originals, std::span<const std::unique_ptr<graph_node>> copies)
        : originals_(originals), copies_(copies) {}

    /// The copy; the node itself where it is not part of the stream, and serves all batches.
    template <class Node>
    Node* node_for(Node* original) const {
        for (std::size_t i = 0; i < copies_.size(); ++i)
            if (originals_[i] == original) return static_cast<Node*>(copies_[i].get());
        return original;
    }

private:
    std::span<graph_node* const> originals_;
    std::span<const std::unique_ptr<graph_node>> copies_; // of the first ones
};

/// One stage of a task graph, whatever it computes. In a run, start() is called once, after all inputs; then
/// finish(), from any thread that needs the value. In a stream, each batch is one run of a node.
class graph_node {
public:
    graph_node(std::string name, const char* kind, std::vector<graph_node*> inputs)
        : name_(std::move(name)), kind_(kind), inputs_(std::move(inputs)) {}
    graph_node(const graph_node&) = delete;
    graph_node& operator=(const graph_node&) = delete;
    virtual ~graph_node() = default;

    const std::string& name() const noexcept { return name_; }
    const char* kind() const noexcept { return kind_; }
    const std::vector<graph_node*>& inputs() const noexcept { return inputs_; }
    /// The type of its value, of a broadcast that of each rank's; empty for a stage without a value.
    virtual std::string type_name() const { return {}; }
    /// Counts of the last run. Time is wall time from its start until its value was available: for a
    /// broadcast or map, until its results were also requested; for a concat, including its waits for ranks.
    const stage_tally& tally() const noexcept { return tally_; }
    /// Clears the tally for a run that begins.
    void begin_tally() noexcept {
        tally_.clear();
        was_in_a_run_ = true;
    }
    /// True from the first run of its graph on, even if the stage did not run.
    bool was_in_a_run() const noexcept { return was_in_a_run_; }
    /// Moves the counts of a copy to this node.
    void add_up(graph_node& copy) noexcept {
        tally_.add(copy.tally_);
        copy.tally_.clear();
    }
    /// True where it begins while its input still runs, and consumes the ranks' results in order.
    virtual bool streams() const noexcept { return false; }
    /// Throws: std::invalid_argument when a stage, streaming or not, cannot have this one as input.
    virtual void require_consumer(bool /*streams*/) const {}
    /// Notes a stage that has this one as input.
    virtual void add_consumer(bool /*streams*/) noexcept {}

    /// The source of the batches that it works on; null where it runs once.
    graph_node* stream() const noexcept { return stream_; }
    void set_stream(graph_node* source) noexcept { stream_ = source; }
    /// The trace it records in, or null.
    void set_trace(trace_log* log);
    trace_log* trace() const noexcept { return trace_; }
    /// Its name in the trace. Requires: trace() is not null.
    std::uint64_t name_in_trace() const noexcept { return name_in_trace_; }
    /// Upper bound on the batches in flight of a source; 0 for other stages.
    virtual std::size_t in_flight() const noexcept { return 0; }
    /// True where it processes one batch at a time, in batch order.
    virtual bool is_ordered() const noexcept { return true; }
    /// A copy for another batch, on the copies of its inputs. Requires: those are in the lane.
    virtual std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const = 0;

    /// Forgets the last run. Requires: no run.
    void reset() noexcept;
    /// Starts it if its inputs have values; keeps its error.
    void run(const std::atomic<bool>& stop) noexcept;
    /// Blocks: until it has a value or has failed; joins the work in flight.
    void finish() noexcept;
    /// The job it started and has not waited for, or null.
    virtual job_pointer<job> in_progress() const noexcept { return {}; }
    /// Requests a stop of its work in flight.
    virtual void cancel() noexcept {}

    /// True when it ran to its end. Requires: finished.
    bool good() const noexcept { return started_ && error_ == nullptr; }
    /// As good(), for its sinks too.
    virtual bool all_good() const noexcept { return good(); }
    /// The error it threw; null also where it never started.
    const std::exception_ptr& error() const noexcept { return error_; }
    /// True where that error is a cancelled_error.
    bool was_cancelled() const noexcept;

protected:
    virtual void start() = 0;
    /// False where start() does nothing, since another node does the work.
    virtual bool works_in_start() const noexcept { return true; }
    virtual void collect() {}
    virtual void forget() noexcept = 0;
    void fail(std::exception_ptr error) noexcept;
    void count_tasks(std::size_t tasks) noexcept { tally_.add_tasks(tasks); }
    void count_time(std::chrono::nanoseconds time) noexcept { tally_.add_time(time); }
    /// Counts the time since its start, or since the last call.
    void count_time() noexcept;
    /// Traces its work while the span lives.
    trace_span traced() const noexcept {
        return {trace_,
                {.kind = trace_kind::stage,
                 .submission = concatenated_submission(),
                 .subject = name_in_trace_,
                 .operation = kind_}};
    }
    /// The number in the trace of the submission whose results it concatenates; 0 for other stages.
    virtual std::uint32_t concatenated_submission() const noexcept { return 0; }
    /// Called from start(): undoes that it ran.
    void not_run() noexcept { started_ = false; }

private:
    std::string name_;
    const char* kind_;
    std::vector<graph_node*> inputs_;
    graph_node* stream_ = nullptr;
    trace_log* trace_ = nullptr;
    std::uint64_t name_in_trace_ = 0;
    bool started_ = false;
    bool finished_ = false; // guarded by mutex_
    std::exception_ptr error_;
    stage_tally tally_;
    bool was_in_a_run_ = false;
    std::chrono::steady_clock::time_point counted_until_;
    std::mutex mutex_;
};

/// A stage with a value of type T.
template <class T>
class value_node : public graph_node {
public:
    using graph_node::graph_node;

    /// Null unless it ran to its end and still has the value.
    const T* value_if() const noexcept { return good() && value_ ? &*value_ : nullptr; }
    /// Requires: good().
    const T& value() const noexcept { return *value_; }
    /// Requires: value_if() is not null; it is afterwards.
    T take() { return *std::exchange(value_, std::nullopt); }
    std::tuple<const T&> arguments() const noexcept { return {*value_}; }
    std::string type_name() const override { return name_of(typeid(T)); }

protected:
    template <class Make>
    void make(Make&& make) {
        value_.emplace(make());
    }
    T& emplace() { return value_.emplace(); }
    void forget() noexcept override { value_.reset(); }

private:
    std::optional<T> value_;
};

template <>
class value_node<void> : public graph_node {
public:
    using graph_node::graph_node;
    std::tuple<> arguments() const noexcept { return {}; }

protected:
    template <class Make>
    void make(Make&& make) {
        make();
    }
    void forget() noexcept override {}
};

/// The values of some stages as arguments of a function; a stage without a value adds none.
template <class... Nodes>
auto arguments_of(const Nodes&... nodes) {
    return std::tuple_cat(nodes.arguments()...);
}

} // namespace spmd::detail
