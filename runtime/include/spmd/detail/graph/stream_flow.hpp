#pragma once

#include <spmd/detail/graph/graph_node.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace spmd::detail {

/// The batches of one stream on their way through its stages.
///
/// There are as many lanes as batches may be under way: batch b has lane b modulo in_flight, with nodes of its own. A
/// step is a stage's work on one lane's batch. It is ready when its inputs are there, and, where the stage takes
/// batches in order, the stage is done with the batch before. The source is one of those; its step also waits until
/// the lane's last batch is over. So no step ever waits for another on a thread.
///
/// Invariant `fails-as-a-prefix`: batches up to the first that fails are worked on to their end, and no step of a
/// later one begins that could begin after the failing one. So whoever takes batches in order gets a prefix of them.
///
/// Thread safety: run() and cancel() may be called at the same time.
class stream_flow {
public:
    /// What a stage threw, and in which batch.
    struct failure {
        std::size_t batch = 0;
        std::size_t stage = 0; ///< in the order of the stages given
        std::exception_ptr error;
    };

    /// `stages`: the source and what depends on it, in the order of their making. `spawn(step)` has some thread call
    /// run(step), once. `stop`: no further step begins. `at_end` is called last of all in a run.
    stream_flow(std::vector<graph_node*> stages, const std::atomic<bool>& stop,
                std::function<void(std::size_t)> spawn, std::function<void()> at_end);
    stream_flow(const stream_flow&) = delete;
    stream_flow& operator=(const stream_flow&) = delete;
    ~stream_flow();

    std::span<graph_node* const> stages() const noexcept { return stages_; }
    std::size_t steps() const noexcept { return stages_.size() * lanes_count_; }

    /// Forgets the last run. Requires: no run.
    void reset() noexcept;
    /// Begins a run. Requires: no run since reset().
    void start();
    /// Works on the step's batch, and on those steps of the batch that come to be ready.
    void run(std::size_t step) noexcept;
    /// Cancels what is in flight. Requires: `stop` was set.
    void cancel() noexcept { cancel_from(0); }

    /// True when the last run came to the end of the stream and every stage was good for every batch.
    bool good() const noexcept { return came_to_end_ && all_good_.load(); }
    /// That of the first batch that failed, in it of the first stage. Requires: no run.
    const std::optional<failure>& first_failure() const noexcept { return failure_; }

private:
    struct lane;
    struct step;
    static constexpr std::size_t none = ~std::size_t{0};

    void connect(std::size_t number);
    step& at(std::size_t of_lane, std::size_t stage) noexcept;
    static void link(step& from, step& to);
    step* work(step& ready) noexcept;
    /// Instead of going idle, while a batch before has the stage that waits for this.
    static void take_part(job& in_progress) noexcept;
    bool generate(step& source) noexcept;
    void arrive(step& at);
    void begin_batch(lane& in);
    void end_batch(lane& in) noexcept;
    void trace(const lane& ended) const noexcept;
    void clear(lane& in) noexcept;
    void fail_from(std::size_t batch) noexcept;
    void cancel_from(std::size_t batch) noexcept;
    void keep_failure(const lane& of, std::size_t stage) noexcept;
    void let_go() noexcept;

    std::vector<graph_node*> stages_;
    std::size_t lanes_count_;
    std::unique_ptr<lane[]> lanes_;
    std::unique_ptr<step[]> steps_;
    const std::atomic<bool>* stop_;
    std::function<void(std::size_t)> spawn_;
    std::function<void()> at_end_;

    std::size_t next_batch_ = 0;            // of the source, whose steps follow each other
    bool came_to_end_ = false;              // likewise
    std::atomic<std::size_t> failed_{none}; // the first batch that is known to have failed
    std::atomic<bool> all_good_{true};
    std::atomic<std::size_t> under_way_{0}; // batches, and one while more may come
    std::mutex failure_mutex_;
    std::optional<failure> failure_; // guarded by failure_mutex_
};

} // namespace spmd::detail
