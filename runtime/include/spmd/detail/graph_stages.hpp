#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/describe.hpp>
#include <spmd/detail/graph_node.hpp>
#include <spmd/detail/tree_reduce.hpp>
#include <spmd/view.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// A task that a node shares with its copies.
template <class Task>
class shared_task {
public:
    explicit(false) shared_task(Task task) : task_(std::make_shared<const Task>(std::move(task))) {}
    const Task& operator*() const noexcept { return *task_; }

private:
    std::shared_ptr<const Task> task_;
};

template <class Generator>
using batch_of = typename std::remove_cvref_t<std::invoke_result_t<Generator&>>::value_type;

/// The source of a stream: each run gives the next batch; it does not run to its end when there is none.
template <class Generator>
class stream_node final : public value_node<batch_of<Generator>> {
public:
    stream_node(std::string name, std::size_t in_flight, std::shared_ptr<Generator> generator)
        : stream_node::value_node(std::move(name), "stream", {}), in_flight_(in_flight),
          generator_(std::move(generator)) {}

    std::size_t in_flight() const noexcept override { return in_flight_; }
    std::unique_ptr<graph_node> copy_in(const lane_nodes&) const override {
        return std::make_unique<stream_node>(this->name(), in_flight_, generator_);
    }

private:
    void start() override {
        std::optional<batch_of<Generator>> next = std::invoke(*generator_);
        if (!next) return this->not_run();
        this->make([&]() -> batch_of<Generator>&& { return *std::move(next); });
    }
    std::size_t in_flight_;
    std::shared_ptr<Generator> generator_;
};

template <class Task, class... Inputs>
class once_node final
    : public value_node<std::remove_cvref_t<decltype(std::apply(
          std::declval<const Task&>(), arguments_of(std::declval<const value_node<Inputs>&>()...)))>> {
public:
    once_node(std::string name, shared_task<Task> task, value_node<Inputs>*... inputs)
        : once_node::value_node(std::move(name), "once", {inputs...}), task_(std::move(task)),
          inputs_(inputs...) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::apply(
            [&](auto*... inputs) {
                return std::make_unique<once_node>(this->name(), task_, lane.at(inputs)...);
            },
            inputs_);
    }

private:
    void start() override {
        this->make([&]() -> decltype(auto) {
            return std::apply([&](auto*... inputs) { return std::apply(*task_, arguments_of(*inputs...)); },
                              inputs_);
        });
    }
    shared_task<Task> task_;
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

    void require_consumer(bool streams) const override {
        if constexpr (!std::is_void_v<T> && !can_be_copied<T>())
            if (consumers_ > 0 && (streams || streamed_))
                throw std::invalid_argument("stage \"" + this->name() +
                                            "\" gives results that cannot be copied: where a concat takes "
                                            "them, no other stage can");
    }
    void add_consumer(bool streams) noexcept override {
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
    bool is_ordered() const noexcept override { return false; }
    job_pointer<job> in_progress() const noexcept override {
        return submitted_.load() ? ordered_access<T>(running_).work() : job_pointer<job>();
    }
    void cancel() noexcept override {
        if (submitted_.load()) running_.cancel();
    }

protected:
    /// The batches of a stream are joined in order, each by some thread; what runs once by whoever comes.
    statement_end::then after_submission() const noexcept {
        return this->stream() != nullptr ? statement_end::then::await_joiner : statement_end::then::start;
    }
    template <class Copy>
    std::unique_ptr<graph_node> with_my_consumers(std::unique_ptr<Copy> copy) const {
        ranks_node& same = *copy;
        same.consumers_ = consumers_;
        same.streamed_ = streamed_;
        return copy;
    }
    /// The view, for a submission that has the stage's name.
    view named(const view& ranks) const {
        run_options options = ranks.options();
        options.name = this->name();
        return ranks.with(options);
    }
    void submit(async_result<T> running) {
        running_ = std::move(running);
        this->count_tasks(ordered_access<T>(running_).size());
        submitted_.store(true);
    }
    void collect() override {
        const trace_span span = this->traced();
        if (this->stream() != nullptr) ordered_access<T>(running_).call_more();
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
    broadcast_node(std::string name, view ranks, shared_task<Task> task, value_node<Inputs>*... inputs)
        : broadcast_node::ranks_node(std::move(name), "broadcast", {inputs...}), ranks_(std::move(ranks)),
          task_(std::move(task)), inputs_(inputs...) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::apply(
            [&](auto*... inputs) {
                return this->with_my_consumers(
                    std::make_unique<broadcast_node>(this->name(), ranks_, task_, lane.at(inputs)...));
            },
            inputs_);
    }

private:
    void start() override {
        auto arguments = std::apply([](auto*... inputs) { return arguments_of(*inputs...); }, inputs_);
        const statement_end end(this->after_submission());
        this->submit(this->named(ranks_).broadcast(
            [this, arguments](rank me) {
                return std::apply(*task_, std::tuple_cat(std::tuple(me), arguments));
            },
            end));
    }
    view ranks_;
    shared_task<Task> task_;
    std::tuple<value_node<Inputs>*...> inputs_;
};

template <class Task, class Range>
class map_node final : public ranks_node<std::remove_cvref_t<
                           std::invoke_result_t<const Task&, std::ranges::range_reference_t<const Range>>>> {
public:
    map_node(std::string name, view ranks, shared_task<Task> task, value_node<Range>* input)
        : map_node::ranks_node(std::move(name), "map", {input}), ranks_(std::move(ranks)),
          task_(std::move(task)), input_(input) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return this->with_my_consumers(
            std::make_unique<map_node>(this->name(), ranks_, task_, lane.at(input_)));
    }

private:
    void start() override {
        const statement_end end(this->after_submission());
        this->submit(this->named(ranks_).map(std::cref(*task_), input_->value(), end));
    }
    view ranks_;
    shared_task<Task> task_;
    value_node<Range>* input_;
};

template <class Op, class Range>
class reduce_node final : public value_node<std::ranges::range_value_t<Range>> {
public:
    reduce_node(std::string name, std::shared_ptr<Op> op, value_node<Range>* input)
        : reduce_node::value_node(std::move(name), "reduce", {input}), op_(std::move(op)), input_(input) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::make_unique<reduce_node>(this->name(), op_, lane.at(input_));
    }

private:
    void start() override {
        const Range& values = input_->value();
        if (values.empty()) throw std::invalid_argument("reduce of no items");
        this->count_tasks(values.size());
        this->make([&] {
            return tree_reduce<std::ranges::range_value_t<Range>>(
                values.size(), [&](std::size_t i) { return values[i]; }, *op_);
        });
    }
    std::shared_ptr<Op> op_;
    value_node<Range>* input_;
};

/// Something that is given each block of a concat.
template <class Part>
class block_sink {
public:
    virtual ~block_sink() = default;
    /// False if that went wrong.
    virtual bool take(const Part& block) noexcept = 0;
};

/// Takes the ranks' parts in rank order, each as soon as it is there.
template <class Part>
class concat_node final : public value_node<flat<Part>> {
public:
    concat_node(std::string name, ranks_node<Part>* input)
        : concat_node::value_node(std::move(name), "concat", {input}), input_(input) {}

    bool streams() const noexcept override { return true; }
    void add_sink(block_sink<Part>* sink) { sinks_.push_back(sink); }
    bool all_good() const noexcept override { return this->good() && sinks_are_good_; }
    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::make_unique<concat_node>(this->name(), lane.at(input_)); // its sinks add themselves
    }

private:
    std::uint32_t submission_put_together() const noexcept override {
        return ordered_access<Part>(input_->running()).traced().number;
    }
    void start() override {
        flat<Part>& whole = this->emplace();
        ordered_access<Part> parts(input_->running());
        if (this->stream() != nullptr) parts.call_more();
        sinks_are_good_ = true;
        if (sinks_.empty())
            parts.wait(); // nobody sees a part before the end: the waiting thread joins the work
        const bool takes = input_->may_be_moved_from();
        if (takes) input_->moved_from();
        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
            if (!parts.wait_for(rank)) return this->not_run(); // the input's error is the run's
            Part& part = parts.value(rank);
            for (block_sink<Part>* sink : sinks_) sinks_are_good_ = sink->take(part) && sinks_are_good_;
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
    bool sinks_are_good_ = true;
};

/// Is given the blocks of a concat by it, on its thread.
template <class Task, class Part>
class each_node final : public value_node<void>, public block_sink<Part> {
public:
    each_node(std::string name, shared_task<Task> task, concat_node<Part>* input)
        : value_node<void>(std::move(name), "each", {input}), task_(std::move(task)), input_(input) {}

    bool take(const Part& block) noexcept override {
        if (error() != nullptr) return false;
        const trace_span span = traced();
        const auto begin = std::chrono::steady_clock::now();
        try {
            std::invoke(*task_, block);
        } catch (...) {
            fail(std::current_exception());
        }
        count_tasks(1);
        count_time(std::chrono::steady_clock::now() - begin);
        return error() == nullptr;
    }
    bool is_ordered() const noexcept override { return false; } // its concat is
    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        concat_node<Part>* const input = lane.at(input_);
        auto copy = std::make_unique<each_node>(name(), task_, input);
        input->add_sink(copy.get());
        return copy;
    }

private:
    void start() override {}
    bool works_in_start() const noexcept override { return false; }
    shared_task<Task> task_;
    concat_node<Part>* input_;
};

} // namespace spmd::detail
