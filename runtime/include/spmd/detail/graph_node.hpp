#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/describe.hpp>
#include <spmd/detail/stage_tally.hpp>
#include <spmd/detail/tree_reduce.hpp>
#include <spmd/view.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace spmd::detail {

/// One stage of a task graph, whatever it computes. In a run, start() is called once, after all inputs; then
/// finish(), by whoever needs the value, from any thread.
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
    /// True where it begins while its input is still running, and takes the ranks' results in order.
    virtual bool streams() const noexcept { return false; }
    /// Told for each stage that takes this one as input, and whether it streams. May refuse by a throw.
    virtual void add_consumer(bool /*streams*/) {}

    /// Forgets the last run. Requires: no run.
    void reset() noexcept;
    /// Starts it if its inputs allow; keeps what it throws.
    void run(const std::atomic<bool>& stop) noexcept;
    /// Returns when its value is there or it failed; joins what is in flight.
    void finish() noexcept;
    /// Requests a stop of what is in flight.
    virtual void cancel() noexcept {}

    /// True when it ran to its end. Requires: finished.
    bool good() const noexcept { return started_ && error_ == nullptr; }
    /// What it threw; null also where it never started.
    const std::exception_ptr& error() const noexcept { return error_; }
    /// True where what it threw is `cancelled`.
    bool was_cancelled() const noexcept;

protected:
    virtual void start() = 0;
    virtual void collect() {}
    virtual void forget() noexcept = 0;
    void fail(std::exception_ptr error) noexcept { error_ = std::move(error); }
    void count_tasks(std::size_t tasks) noexcept { tally_.add_tasks(tasks); }
    void count_time(std::chrono::nanoseconds time) noexcept { tally_.add_time(time); }
    /// Counts the time since its start, or since the last call.
    void count_time() noexcept;
    /// From start(): takes back that it ran.
    void not_run() noexcept { started_ = false; }

private:
    std::string name_;
    const char* kind_;
    std::vector<graph_node*> inputs_;
    bool started_ = false;
    bool finished_ = false; // guarded by mutex_
    std::exception_ptr error_;
    stage_tally tally_;
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

template <class Task, class... Inputs>
class once_node final
    : public value_node<std::remove_cvref_t<decltype(std::apply(
          std::declval<const Task&>(), arguments_of(std::declval<const value_node<Inputs>&>()...)))>> {
public:
    once_node(std::string name, Task task, value_node<Inputs>*... inputs)
        : once_node::value_node(std::move(name), "once", {inputs...}), task_(std::move(task)),
          inputs_(inputs...) {}

private:
    void start() override {
        this->make([&]() -> decltype(auto) {
            return std::apply(
                [&](auto*... inputs) { return std::apply(std::as_const(task_), arguments_of(*inputs...)); },
                inputs_);
        });
    }
    Task task_;
    std::tuple<value_node<Inputs>*...> inputs_;
};

/// True where a T can be copied. A vector of what cannot be copied claims that it could.
template <class T>
consteval bool can_be_copied() {
    if constexpr (std::ranges::range<T>) {
        if constexpr (!std::same_as<std::ranges::range_value_t<T>, T>)
            if constexpr (!can_be_copied<std::ranges::range_value_t<T>>()) return false;
    }
    return std::copy_constructible<T>;
}

/// The results of a broadcast, or of a map, in flight. Stages that stream look at them one by one; after those, the others get
/// them whole.
template <class T>
class ranks_node : public value_node<results<T>> {
public:
    using value_node<results<T>>::value_node;

    void add_consumer(bool streams) override {
        if constexpr (!std::is_void_v<T> && !can_be_copied<T>())
            if (consumers_ > 0 && (streams || streamed_))
                throw std::invalid_argument("stage \"" + this->name() +
                                            "\" gives results that cannot be copied: where a concat takes "
                                            "them, no other stage can");
        ++consumers_;
        streamed_ = streamed_ || streams;
    }
    std::string type_name() const override {
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return name_of(typeid(T));
    }
    /// True for the one stage that may move the results away as it streams them.
    bool may_be_moved_from() const noexcept { return consumers_ == 1 && streamed_; }
    void moved_from() noexcept { moved_from_ = true; }
    async_result<T>& running() noexcept { return running_; }
    void cancel() noexcept override {
        if (submitted_.load()) running_.cancel();
    }

protected:
    void submit(async_result<T> running) {
        running_ = std::move(running);
        this->count_tasks(ordered_access<T>(running_).size());
        submitted_.store(true);
    }
    void collect() override {
        running_.wait();
        this->count_time();
        if (moved_from_)
            ordered_access<T>(running_).throw_unless_all_done();
        else
            this->make([&] { return running_.get(); });
    }
    void forget() noexcept override {
        moved_from_ = false;
        submitted_.store(false);
        running_ = {};
        value_node<results<T>>::forget();
    }

private:
    async_result<T> running_;
    std::atomic<bool> submitted_{false};
    std::size_t consumers_ = 0;
    bool streamed_ = false;
    bool moved_from_ = false;
};

template <class Task, class... Inputs>
struct rank_result {
    using type = typename result_of_task<std::remove_cvref_t<decltype(std::apply(
        std::declval<const Task&>(),
        std::tuple_cat(std::declval<std::tuple<rank>>(),
                       arguments_of(std::declval<const value_node<Inputs>&>()...))))>>::type;
};

template <class Task, class... Inputs>
class broadcast_node final : public ranks_node<typename rank_result<Task, Inputs...>::type> {
public:
    broadcast_node(std::string name, view ranks, Task task, value_node<Inputs>*... inputs)
        : broadcast_node::ranks_node(std::move(name), "broadcast", {inputs...}), ranks_(std::move(ranks)),
          task_(std::move(task)), inputs_(inputs...) {}

private:
    void start() override {
        auto arguments = std::apply([](auto*... inputs) { return arguments_of(*inputs...); }, inputs_);
        this->submit(ranks_.broadcast([this, arguments](rank me) {
            return std::apply(task_, std::tuple_cat(std::tuple(me), arguments));
        }));
    }
    view ranks_;
    Task task_;
    std::tuple<value_node<Inputs>*...> inputs_;
};

template <class Task, class Range>
class map_node final : public ranks_node<std::remove_cvref_t<
                           std::invoke_result_t<const Task&, std::ranges::range_reference_t<const Range>>>> {
public:
    map_node(std::string name, view ranks, Task task, value_node<Range>* input)
        : map_node::ranks_node(std::move(name), "map", {input}), ranks_(std::move(ranks)),
          task_(std::move(task)), input_(input) {}

private:
    void start() override { this->submit(ranks_.map(std::cref(task_), input_->value())); }
    view ranks_;
    Task task_;
    value_node<Range>* input_;
};

template <class Op, class Range>
class reduce_node final : public value_node<std::ranges::range_value_t<Range>> {
public:
    reduce_node(std::string name, Op op, value_node<Range>* input)
        : reduce_node::value_node(std::move(name), "reduce", {input}), op_(std::move(op)), input_(input) {}

private:
    void start() override {
        const Range& values = input_->value();
        if (values.empty()) throw std::invalid_argument("reduce of no items");
        this->count_tasks(values.size());
        this->make([&] {
            return tree_reduce<std::ranges::range_value_t<Range>>(
                values.size(), [&](std::size_t i) { return values[i]; }, op_);
        });
    }
    Op op_;
    value_node<Range>* input_;
};

/// Something that is given each block of a concat.
template <class Part>
class block_sink {
public:
    virtual ~block_sink() = default;
    virtual void take(const Part& block) noexcept = 0;
};

/// Takes the ranks' parts in rank order, each as soon as it is there.
template <class Part>
class concat_node final : public value_node<flat<Part>> {
public:
    concat_node(std::string name, ranks_node<Part>* input)
        : concat_node::value_node(std::move(name), "concat", {input}), input_(input) {}

    bool streams() const noexcept override { return true; }
    void add_sink(block_sink<Part>* sink) { sinks_.push_back(sink); }

private:
    void start() override {
        flat<Part>& whole = this->emplace();
        ordered_access<Part> parts(input_->running());
        if (sinks_.empty())
            parts.wait(); // nobody sees a part before the end: the waiting thread joins the work
        const bool takes = input_->may_be_moved_from();
        if (takes) input_->moved_from();
        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
            if (!parts.wait_for(rank)) return this->not_run(); // the input's error is the run's
            Part& part = parts.value(rank);
            for (block_sink<Part>* sink : sinks_) sink->take(part);
            if (takes)
                append_taken<Part>(whole, part);
            else
                append_copied(whole, part);
        }
        this->count_tasks(parts.size());
    }
    static void append_copied(flat<Part>& whole, Part& part) {
        if constexpr (can_be_copied<Part>())
            whole.insert(whole.end(), std::ranges::begin(part), std::ranges::end(part));
    }

    ranks_node<Part>* input_;
    std::vector<block_sink<Part>*> sinks_;
};

/// Is given the blocks of a concat by it, on its thread.
template <class Task, class Part>
class each_node final : public value_node<void>, public block_sink<Part> {
public:
    each_node(std::string name, Task task, concat_node<Part>* input)
        : value_node<void>(std::move(name), "each", {input}), task_(std::move(task)) {}

    void take(const Part& block) noexcept override {
        if (error() != nullptr) return;
        const auto begin = std::chrono::steady_clock::now();
        try {
            std::invoke(std::as_const(task_), block);
        } catch (...) {
            fail(std::current_exception());
        }
        count_tasks(1);
        count_time(std::chrono::steady_clock::now() - begin);
    }

private:
    void start() override {}
    Task task_;
};

} // namespace spmd::detail
