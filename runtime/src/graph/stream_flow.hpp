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

/// Runs the batches of one stream through its stages.
///
/// There is a lane per batch in flight: batch b has lane b modulo in_flight, with nodes of its own. A step is
/// a stage's work on one lane's batch. It is ready when its inputs are available and, for a stage that
/// processes batches in order, the stage has finished the batch before. The source is such a stage; its step
/// also waits until the lane's last batch has ended. So no step ever blocks a thread to wait for another.
///
/// Invariant `fails-as-a-prefix`: batches up to the first that fails run to their end, and no step of a later
/// batch begins once the failure is known. So a stage that processes batches in order sees a prefix of them.
///
/// Thread safety: run() and cancel() may be called at the same time.
class stream_flow {
public:
    /// The error of a stage in one batch.
    struct failure {
        std::size_t batch = 0;
        std::size_t stage = 0; ///< index into stages()
        std::exception_ptr error;
    };

    /// `stages`: the source and the stages that depend on it, in the order they were added. `stop`: no
    /// further step begins. `spawn(step)` has some thread call run(step) once. `on_end` is the last call in a
    /// run.
    stream_flow(std::vector<graph_node*> stages, const std::atomic<bool>& stop,
                std::function<void(std::size_t)> spawn, std::function<void()> on_end);
    stream_flow(const stream_flow&) = delete;
    stream_flow& operator=(const stream_flow&) = delete;
    ~stream_flow();

    std::span<graph_node* const> stages() const noexcept { return stages_; }
    std::size_t steps() const noexcept { return stages_.size() * lanes_count_; }

    /// Forgets the last run. Requires: no run.
    void reset() noexcept;
    /// Begins a run. Requires: no run since reset().
    void start();
    /// Runs the step, and steps of the same batch that become ready by it.
    void run(std::size_t step) noexcept;
    /// Cancels the batches in flight. Requires: `stop` was set.
    void cancel() noexcept { cancel_from(0); }

    /// True when the last run reached the end of the stream and every stage succeeded in every batch.
    bool good() const noexcept { return reached_end_ && all_good_.load(); }
    /// The failure of the first stage that failed in the first batch that failed. Requires: no run.
    const std::optional<failure>& first_failure() const noexcept { return failure_; }

private:
    struct lane;
    struct step;
    static constexpr std::size_t none = ~std::size_t{0};

    void connect(std::size_t number);
    step& step_of(std::size_t lane_number, std::size_t stage) noexcept;
    static void link(step& from, step& to);
    step* work(step& ready) noexcept;
    static void take_part(job& in_progress) noexcept;
    bool generate(step& source) noexcept;
    void arrive(step& waiting);
    void begin_batch(lane& own);
    void end_batch(lane& own) noexcept;
    void trace(const lane& ended) const noexcept;
    void clear(lane& own) noexcept;
    void fail_from(std::size_t batch) noexcept;
    void cancel_from(std::size_t batch) noexcept;
    void note_failure(const lane& own, std::size_t stage) noexcept;
    void release_batch() noexcept;

    std::vector<graph_node*> stages_;
    std::size_t lanes_count_;
    std::unique_ptr<lane[]> lanes_;
    std::unique_ptr<step[]> steps_;
    const std::atomic<bool>* stop_;
    std::function<void(std::size_t)> spawn_;
    std::function<void()> on_end_;

    std::size_t next_batch_ = 0;            // used by the source, whose steps follow each other
    bool reached_end_ = false;              // as next_batch_
    std::atomic<std::size_t> failed_{none}; // the first batch known to have failed
    std::atomic<bool> all_good_{true};
    std::atomic<std::size_t> in_flight_{0}; // batches, plus one while the source may yield more
    std::mutex failure_mutex_;
    std::optional<failure> failure_; // guarded by failure_mutex_
};

} // namespace spmd::detail
