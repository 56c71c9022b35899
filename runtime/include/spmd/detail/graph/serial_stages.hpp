#pragma once

#include <spmd/detail/base/tree_reduce.hpp>
#include <spmd/detail/graph/graph_node.hpp>
#include <spmd/detail/graph/shared_task.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd::detail {

// Stages that run on one thread.

template <class Generator>
using batch_from = typename std::remove_cvref_t<std::invoke_result_t<Generator&>>::value_type;

/// The source of a stream: each run yields the next batch, or does not run to its end when there is none.
template <class Generator>
class stream_node final : public value_node<batch_from<Generator>> {
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
        std::optional<batch_from<Generator>> next = std::invoke(*generator_);
        if (!next) return this->not_run();
        this->make([&]() -> batch_from<Generator>&& { return *std::move(next); });
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
                return std::make_unique<once_node>(this->name(), task_, lane.node_for(inputs)...);
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

template <class Op, class Range>
class reduce_node final : public value_node<std::ranges::range_value_t<Range>> {
public:
    reduce_node(std::string name, std::shared_ptr<Op> op, value_node<Range>* input)
        : reduce_node::value_node(std::move(name), "reduce", {input}), op_(std::move(op)), input_(input) {}

    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::make_unique<reduce_node>(this->name(), op_, lane.node_for(input_));
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

} // namespace spmd::detail
