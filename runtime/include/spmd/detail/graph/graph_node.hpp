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

/// The nodes that work on one batch of a stream, by those that they are copies of.
class lane_nodes {
public:
    lane_nodes(std::span<graph_node* const> originals, std::span<const std::unique_ptr<graph_node>> copies)
        : originals_(originals), copies_(copies) {}

    /// The copy; the node itself where it is not of the stream, but the same for all batches.
    template <class Node>
    Node* at(Node* original) const {
        for (std::size_t i = 0; i < copies_.size(); ++i)
            if (originals_[i] == original) return static_cast<Node*>(copies_[i].get());
        return original;
    }

private:
    std::span<graph_node* const> originals_;
    std::span<const std::unique_ptr<graph_node>> copies_; // of the first so many
};

/// One stage of a task graph, whatever it computes. In a run, start() is called once, after all inputs; then
/// finish(), by whoever needs the value, from any thread. In a stream, a run of a node is that of one batch.
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
    /// The type of what it gives, for a broadcast that of each rank; empty where that is nothing.
    virtual std::string type_name() const { return {}; }
    /// What it did in the last run. Time is wall time from its start until its value was there, as far as anybody looked:
    /// of a broadcast or map, until its results were asked for and there; of a concat, with the waits for ranks.
    const stage_tally& tally() const noexcept { return tally_; }
    /// From now on the last run is the one that begins.
    void begin_tally() noexcept {
        tally_.clear();
        was_in_a_run_ = true;
    }
    /// True from the first run of its graph on, whatever it did in it.
    bool was_in_a_run() const noexcept { return was_in_a_run_; }
    /// Adds what a copy has done, which forgets it.
    void add_up(graph_node& copy) noexcept {
        tally_.add(copy.tally_);
        copy.tally_.clear();
    }
    /// True where it begins while its input is still running, and takes the ranks' results in order.
    virtual bool streams() const noexcept { return false; }
    /// Refuses, by a throw, a stage that would take this one as input, and streams or does not.
    virtual void require_consumer(bool /*streams*/) const {}
    /// Told for each that does.
    virtual void add_consumer(bool /*streams*/) noexcept {}

    /// The source of the batches that it works on; null where it runs once.
    graph_node* stream() const noexcept { return stream_; }
    void set_stream(graph_node* source) noexcept { stream_ = source; }
    /// Where it records what it does; null: nowhere.
    void set_trace(trace_log* log);
    trace_log* trace() const noexcept { return trace_; }
    /// Its name there. Requires: trace() is not null.
    std::uint64_t name_in_trace() const noexcept { return name_in_trace_; }
    /// How many batches a source lets be under way; 0 for what is no source.
    virtual std::size_t in_flight() const noexcept { return 0; }
    /// True where it works on one batch after the other, in their order.
    virtual bool is_ordered() const noexcept { return true; }
    /// A node that does the same for the nodes of another batch. Requires: the copies of its inputs are there.
    virtual std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const = 0;

    /// Forgets the last run. Requires: no run.
    void reset() noexcept;
    /// Starts it if its inputs allow; keeps what it throws.
    void run(const std::atomic<bool>& stop) noexcept;
    /// Returns when its value is there or it failed; joins what is in flight.
    void finish() noexcept;
    /// What it started and did not wait for, if anything.
    virtual job_pointer<job> in_progress() const noexcept { return {}; }
    /// Requests a stop of what is in flight.
    virtual void cancel() noexcept {}

    /// True when it ran to its end. Requires: finished.
    bool good() const noexcept { return started_ && error_ == nullptr; }
    /// As good(), also of what it hands its value to while it runs.
    virtual bool all_good() const noexcept { return good(); }
    /// What it threw; null also where it never started.
    const std::exception_ptr& error() const noexcept { return error_; }
    /// True where what it threw is `cancelled`.
    bool was_cancelled() const noexcept;

protected:
    virtual void start() = 0;
    /// False where start() does nothing, since the work is done elsewhere.
    virtual bool works_in_start() const noexcept { return true; }
    virtual void collect() {}
    virtual void forget() noexcept = 0;
    void fail(std::exception_ptr error) noexcept;
    void count_tasks(std::size_t tasks) noexcept { tally_.add_tasks(tasks); }
    void count_time(std::chrono::nanoseconds time) noexcept { tally_.add_time(time); }
    /// Counts the time since its start, or since the last call.
    void count_time() noexcept;
    /// Its work as a span in the trace.
    trace_span traced() const noexcept {
        return {trace_,
                {.kind = trace_kind::stage,
                 .submission = submission_put_together(),
                 .subject = name_in_trace_,
                 .operation = kind_}};
    }
    /// The submission, as a trace has it, whose results it puts together; 0 for what does not.
    virtual std::uint32_t submission_put_together() const noexcept { return 0; }
    /// From start(): takes back that it ran.
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

/// A stage that gives a T.
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

/// The values of some stages, as the arguments of a function; those without a value give none.
template <class... Nodes>
auto arguments_of(const Nodes&... nodes) {
    return std::tuple_cat(nodes.arguments()...);
}

} // namespace spmd::detail
