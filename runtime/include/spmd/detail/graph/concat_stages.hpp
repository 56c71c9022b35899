#pragma once

#include <spmd/detail/graph/graph_node.hpp>
#include <spmd/detail/graph/parallel_stages.hpp>
#include <spmd/detail/graph/shared_task.hpp>
#include <spmd/detail/results/concat_parts.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Receives each block of a concat.
template <class Part>
class block_sink {
public:
    virtual ~block_sink() = default;
    /// False after a failure.
    virtual bool take(const Part& block) noexcept = 0;
};

/// Concatenates the ranks' parts in rank order, each as soon as it is available.
template <class Part>
class concat_node final : public value_node<flat<Part>> {
public:
    concat_node(std::string name, ranks_node<Part>* input)
        : concat_node::value_node(std::move(name), "concat", {input}), input_(input) {}

    bool streams() const noexcept override { return true; }
    void add_sink(block_sink<Part>* sink) { sinks_.push_back(sink); }
    bool all_good() const noexcept override { return this->good() && sinks_are_good_; }
    std::unique_ptr<graph_node> copy_in(const lane_nodes& lane) const override {
        return std::make_unique<concat_node>(this->name(), lane.node_for(input_)); // its sinks add themselves
    }

private:
    std::uint32_t concatenated_submission() const noexcept override {
        return ordered_access<Part>(input_->running()).traced().number;
    }
    void start() override {
        flat<Part>& whole = this->emplace();
        ordered_access<Part> parts(input_->running());
        if (this->stream() != nullptr) parts.recruit_more();
        sinks_are_good_ = true;
        if (sinks_.empty())
            parts.wait(); // no sink needs a part before the end: the waiting thread joins the work
        const bool moves = input_->may_be_moved_from();
        if (moves) input_->moved_from();
        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
            if (!parts.wait_for(rank)) return this->not_run(); // the input's error is the run's
            Part& part = parts.value(rank);
            for (block_sink<Part>* sink : sinks_) sinks_are_good_ = sink->take(part) && sinks_are_good_;
            if (moves)
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

/// Runs a task for each block of a concat, called by the concat on its thread.
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
        concat_node<Part>* const input = lane.node_for(input_);
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
