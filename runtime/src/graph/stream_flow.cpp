#include "graph/stream_flow.hpp"

#include <spmd/detail/launch/job.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <utility>

namespace spmd::detail {

/// The nodes of one batch in flight.
struct stream_flow::lane {
    std::vector<std::unique_ptr<graph_node>> copies; // empty for lane 0, which uses the stages themselves
    std::vector<graph_node*> nodes;
    std::size_t batch = 0;   // written before its steps
    std::uint64_t begin = 0; // in trace_ticks(); unused without a trace
    std::atomic<std::size_t> unfinished{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;  // keeps `live` and `batch` as they are
    bool live = false; // guarded by mutex
};

/// A stage's work on the batches of one lane, one after the other.
struct stream_flow::step {
    std::size_t stage = 0;
    std::size_t lane = 0;
    std::size_t needed = 0;              // arrivals per batch
    std::atomic<std::size_t> missing{0}; // of those
    std::vector<step*> next;             // steps of the same lane
    step* in_next_batch = nullptr;       // of a stage that processes batches in order
};

stream_flow::stream_flow(std::vector<graph_node*> stages, const std::atomic<bool>& stop,
                         std::function<void(std::size_t)> spawn, std::function<void()> on_end)
    : stages_(std::move(stages)), lanes_count_(stages_.front()->in_flight()),
      lanes_(std::make_unique<lane[]>(lanes_count_)), steps_(std::make_unique<step[]>(steps())), stop_(&stop),
      spawn_(std::move(spawn)), on_end_(std::move(on_end)) {
    for (std::size_t i = 0; i < lanes_count_; ++i) {
        if (i == 0) lanes_[i].nodes = stages_;
        for (graph_node* stage : stages_) {
            if (i == 0) break;
            lanes_[i].copies.push_back(stage->copy_in(lane_nodes(stages_, lanes_[i].copies)));
            lanes_[i].copies.back()->set_stream(stage->stream());
            lanes_[i].copies.back()->set_trace(stage->trace());
            lanes_[i].nodes.push_back(lanes_[i].copies.back().get());
        }
    }
    for (std::size_t i = 0; i < lanes_count_; ++i) connect(i);
}

stream_flow::~stream_flow() = default;

stream_flow::step& stream_flow::step_of(std::size_t lane_number, std::size_t stage) noexcept {
    return steps_[lane_number * stages_.size() + stage];
}

void stream_flow::link(step& from, step& to) {
    from.next.push_back(&to);
    ++to.needed;
}

void stream_flow::connect(std::size_t number) {
    ++step_of(number, 0).needed; // the end of the lane's last batch
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        step& own = step_of(number, i);
        own.stage = i;
        own.lane = number;
        for (const graph_node* input : stages_[i]->inputs()) {
            if (input->stream() == nullptr) continue; // available before the first batch
            const auto from = static_cast<std::size_t>(std::ranges::find(stages_, input) - stages_.begin());
            link(step_of(number, from), own);
            // A stage that streams from the input reads its parts or moves them away: the others run after
            // it.
            for (std::size_t other = 0; other < stages_.size() && !stages_[i]->streams(); ++other)
                if (stages_[other]->streams() && std::ranges::count(stages_[other]->inputs(), input) > 0)
                    link(step_of(number, other), own);
        }
        if (!stages_[i]->is_ordered() || lanes_count_ == 1) continue;
        own.in_next_batch = &step_of((number + 1) % lanes_count_, i);
        ++own.needed;
    }
}

void stream_flow::reset() noexcept {
    next_batch_ = 0;
    reached_end_ = false;
    failed_.store(none);
    all_good_.store(true);
    failure_.reset();
}

void stream_flow::start() {
    in_flight_.store(1);
    for (std::size_t i = 0; i < steps(); ++i) {
        step& each = steps_[i];
        const bool before_first = each.lane == 0 && each.in_next_batch != nullptr;
        const bool lane_is_free = each.stage == 0;
        each.missing.store(each.needed - (before_first ? 1 : 0) - (lane_is_free ? 1 : 0));
    }
    spawn_(0);
}

void stream_flow::run(std::size_t number) noexcept {
    // One thread runs a batch from stage to stage, while its data are in the cache; but one batch only, since
    // the thread may be needed for other work.
    for (step* ready = &steps_[number]; ready != nullptr;) ready = work(*ready);
}

void stream_flow::arrive(step& waiting) {
    if (waiting.missing.fetch_sub(1) == 1) spawn_(static_cast<std::size_t>(&waiting - steps_.get()));
}

stream_flow::step* stream_flow::work(step& ready) noexcept {
    lane& own = lanes_[ready.lane];
    ready.missing.store(ready.needed); // nothing arrives for the lane's next batch before this one has ended
    job_pointer<job> in_progress;
    if (ready.stage == 0) {
        if (!generate(ready)) return nullptr;
    } else {
        graph_node& node = *own.nodes[ready.stage];
        if (failed_.load() < own.batch)
            own.stop.store(true); // cancel_from() may not have reached this lane yet
        node.run(own.stop);
        if (!node.all_good()) fail_from(own.batch);
        in_progress = node.in_progress();
    }
    if (ready.in_next_batch != nullptr) arrive(*ready.in_next_batch);
    step* following = nullptr;
    for (step* next : ready.next) {
        if (following != nullptr)
            arrive(*next);
        else if (next->missing.fetch_sub(1) == 1)
            following = next;
    }
    if (own.unfinished.fetch_sub(1) == 1) end_batch(own);
    if (following == nullptr && in_progress) take_part(*in_progress);
    return following;
}

/// Works on a job instead of going idle, while the stage that waits for it is busy with an earlier batch.
void stream_flow::take_part(job& in_progress) noexcept {
    in_progress.start(); // so that a later join wakes no threads for a finished job
    in_progress.take_part();
}

bool stream_flow::generate(step& source) noexcept {
    lane& own = lanes_[source.lane];
    begin_batch(own);
    graph_node& node = *own.nodes[0];
    node.run(own.stop);
    if (node.good()) {
        in_flight_.fetch_add(1);
        ++next_batch_;
        return true;
    }
    reached_end_ = node.error() == nullptr && !own.stop.load();
    if (node.error() != nullptr) {
        note_failure(own, 0);
        fail_from(own.batch);
    }
    clear(own);
    release_batch();
    return false;
}

void stream_flow::begin_batch(lane& own) {
    own.unfinished.store(stages_.size());
    if (stages_.front()->trace() != nullptr) own.begin = trace_ticks();
    const std::lock_guard lock(own.mutex);
    own.live = true;
    own.batch = next_batch_;
    own.stop.store(stop_->load() || failed_.load() < own.batch);
}

void stream_flow::trace(const lane& ended) const noexcept {
    const graph_node& source = *stages_.front();
    if (source.trace() == nullptr) return;
    source.trace()->record({.kind = trace_kind::batch,
                            .submission = static_cast<std::uint32_t>(&ended - lanes_.get()),
                            .subject = ended.batch,
                            .count = source.name_in_trace(),
                            .begin = ended.begin,
                            .end = trace_ticks()});
}

void stream_flow::end_batch(lane& own) noexcept {
    const job::task_mark running;
    for (graph_node* node : own.nodes) node->finish();
    trace(own);
    const auto is_bad = [](const graph_node* node) { return !node->good(); };
    if (std::ranges::any_of(own.nodes, is_bad)) {
        all_good_.store(false);
        for (std::size_t i = 0; i < own.nodes.size(); ++i)
            if (own.nodes[i]->error() != nullptr) note_failure(own, i);
        fail_from(own.batch);
    }
    clear(own);
    arrive(step_of(static_cast<std::size_t>(&own - lanes_.get()), 0));
    release_batch();
}

void stream_flow::clear(lane& own) noexcept {
    {
        const std::lock_guard lock(own.mutex);
        own.live = false;
    }
    for (std::size_t i = 0; i < own.copies.size(); ++i) stages_[i]->add_up(*own.copies[i]);
    for (graph_node* node : std::views::reverse(own.nodes)) node->reset();
}

void stream_flow::release_batch() noexcept {
    if (in_flight_.fetch_sub(1) == 1) on_end_();
}

void stream_flow::note_failure(const lane& own, std::size_t stage) noexcept {
    const graph_node& node = *own.nodes[stage];
    if (own.stop.load() && node.was_cancelled()) return;
    const std::lock_guard lock(failure_mutex_);
    if (failure_ && std::pair(failure_->batch, failure_->stage) <= std::pair(own.batch, stage)) return;
    failure_ = failure{own.batch, stage, node.error()};
}

void stream_flow::fail_from(std::size_t batch) noexcept {
    std::size_t known = failed_.load();
    while (batch < known)
        if (failed_.compare_exchange_weak(known, batch)) return cancel_from(batch + 1);
}

void stream_flow::cancel_from(std::size_t batch) noexcept {
    for (std::size_t i = 0; i < lanes_count_; ++i) {
        lane& each = lanes_[i];
        const std::lock_guard lock(each.mutex);
        if (!each.live || each.batch < batch) continue;
        each.stop.store(true);
        for (graph_node* node : each.nodes) node->cancel();
    }
}

} // namespace spmd::detail
