#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/graph/graph_node.hpp>
#include <spmd/detail/graph/shared_task.hpp>
#include <spmd/rank.hpp>
#include <spmd/task.hpp>
#include <spmd/view.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <source_location>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd::detail {

// Stages that run on all threads: broadcast and map.

/// True where a T can be copied. A vector of move-only items claims to be copy-constructible, hence the
/// recursion.
template <class T>
consteval bool can_be_copied() {
    if constexpr (std::ranges::range<T>) {
        if constexpr (!std::same_as<std::ranges::range_value_t<T>, T>)
            if constexpr (!can_be_copied<std::ranges::range_value_t<T>>()) return false;
    }
    return std::copy_constructible<T>;
}

/// The results of a broadcast or map in flight. Stages that stream read them one by one; the others run after
/// those, with all results.
template <class T>
class ranks_node : public value_node<results<T>> {
public:
    using value_node<results<T>>::value_node;

    void require_consumer(bool streams) const override {
        if constexpr (!std::is_void_v<T> && !can_be_copied<T>())
            if (consumers_ > 0 && (streams || streamed_))
                throw std::invalid_argument("stage \"" + this->name() +
                                            "\" has results that cannot be copied: a concat that moves them "
                                            "must be its only consumer");
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
    /// True where the only consumer streams the results, and may move them away.
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
    template <class Copy>
    std::unique_ptr<graph_node> with_my_consumers(std::unique_ptr<Copy> copy) const {
        ranks_node& same = *copy;
        same.consumers_ = consumers_;
        same.streamed_ = streamed_;
        return copy;
    }
    /// The view, for a submission that has the stage's name, or where that is empty its kind.
    view named(const view& ranks) const {
        run_options options = ranks.options();
        options.name = this->name().empty() ? this->kind() : this->name();
        return ranks.with(options);
    }
    // The batches of a stream are joined in order by some thread, so few other threads are needed.
    void submit(spmd::submission<T> described) {
        running_ = this->stream() != nullptr ? submission_access::start_ahead(std::move(described))
                                             : described.start(std::source_location());
        this->count_tasks(ordered_access<T>(running_).size());
        submitted_.store(true);
    }
    void collect() override {
        const trace_span span = this->traced();
        if (this->stream() != nullptr) ordered_access<T>(running_).recruit_more();
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
                    std::make_unique<broadcast_node>(this->name(), ranks_, task_, lane.node_for(inputs)...));
            },
            inputs_);
    }

private:
    void start() override {
        auto arguments = std::apply([](auto*... inputs) { return arguments_of(*inputs...); }, inputs_);
        this->submit(this->named(ranks_).broadcast([this, arguments](rank me) {
            return std::apply(*task_, std::tuple_cat(std::tuple(me), arguments));
        }));
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
            std::make_unique<map_node>(this->name(), ranks_, task_, lane.node_for(input_)));
    }

private:
    void start() override { this->submit(this->named(ranks_).map(std::cref(*task_), input_->value())); }
    view ranks_;
    shared_task<Task> task_;
    value_node<Range>* input_;
};

} // namespace spmd::detail
