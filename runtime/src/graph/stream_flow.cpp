#include <spmd/detail/graph/stream_flow.hpp>

#include <spmd/detail/launch/job.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <ranges>
#include <utility>

namespace spmd::detail {

/// The nodes for one batch, and the batch they have.
struct stream_flow::lane {
    std::vector<std::unique_ptr<graph_node>> copies; // none in lane 0, which has the stages themselves
    std::vector<graph_node*> nodes;
    std::size_t batch = 0;   // written before its steps
    std::uint64_t begun = 0; // in trace_ticks(), where there is a trace
    std::atomic<std::size_t> unfinished{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;  // while it is held, `live` and `batch` stay
    bool live = false; // guarded by mutex
};

/// A stage's work on the batches of one lane, one after the other.
struct stream_flow::step {
    std::size_t stage = 0;
    std::size_t lane = 0;
    std::size_t needed = 0;              // arrivals, for each batch
    std::atomic<std::size_t> missing{0}; // of those
    std::vector<step*> next;             // in the same lane
    step* in_next_batch = nullptr;       // the same stage's, where batches go in order
};

stream_flow::stream_flow(std::vector<graph_node*> stages, const std::atomic<bool>& stop,
                         std::function<void(std::size_t)> spawn, std::function<void()> at_end)
    : stages_(std::move(stages)), lanes_count_(stages_.front()->in_flight()),
      lanes_(std::make_unique<lane[]>(lanes_count_)), steps_(std::make_unique<step[]>(steps())), stop_(&stop),
      spawn_(std::move(spawn)), at_end_(std::move(at_end)) {
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

stream_flow::step& stream_flow::at(std::size_t of_lane, std::size_t stage) noexcept {
    return steps_[of_lane * stages_.size() + stage];
}

void stream_flow::link(step& from, step& to) {
    from.next.push_back(&to);
    ++to.needed;
}

void stream_flow::connect(std::size_t number) {
    ++at(number, 0).needed; // the end of the lane's last batch
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        step& own = at(number, i);
        own.stage = i;
        own.lane = number;
        for (const graph_node* input : stages_[i]->inputs()) {
            if (input->stream() == nullptr) continue; // there before the first batch
            const auto from = static_cast<std::size_t>(std::ranges::find(stages_, input) - stages_.begin());
            link(at(number, from), own);
            // What streams from the input may move its parts away or look at them: others come after.
            for (std::size_t other = 0; other < stages_.size() && !stages_[i]->streams(); ++other)
                if (stages_[other]->streams() && std::ranges::count(stages_[other]->inputs(), input) > 0)
                    link(at(number, other), own);
        }
        if (!stages_[i]->is_ordered() || lanes_count_ == 1) continue;
        own.in_next_batch = &at((number + 1) % lanes_count_, i);
        ++own.needed;
    }
}

void stream_flow::reset() noexcept {
    next_batch_ = 0;
    came_to_end_ = false;
    failed_.store(none);
    all_good_.store(true);
    failure_.reset();
}

void stream_flow::start() {
    under_way_.store(1);
    for (std::size_t i = 0; i < steps(); ++i) {
        step& each = steps_[i];
        const bool before_first = each.lane == 0 && each.in_next_batch != nullptr;
        const bool lane_is_free = each.stage == 0;
        each.missing.store(each.needed - (before_first ? 1 : 0) - (lane_is_free ? 1 : 0));
    }
    spawn_(0);
}

void stream_flow::run(std::size_t number) noexcept {
    // On one thread from stage to stage, for what a batch holds is in its cache; but only within a batch, since a
    // thread that never came back would have others wait that want it for something else.
    for (step* ready = &steps_[number]; ready != nullptr;) ready = work(*ready);
}

void stream_flow::arrive(step& at) {
    if (at.missing.fetch_sub(1) == 1) spawn_(static_cast<std::size_t>(&at - steps_.get()));
}

stream_flow::step* stream_flow::work(step& ready) noexcept {
    lane& own = lanes_[ready.lane];
    ready.missing.store(ready.needed); // nothing arrives for the lane's next batch before this one is over
    job_pointer<job> in_progress;
    if (ready.stage == 0) {
        if (!generate(ready)) return nullptr;
    } else {
        graph_node& node = *own.nodes[ready.stage];
        if (failed_.load() < own.batch) own.stop.store(true); // whoever found that may not have come here yet
        node.run(own.stop);
        if (!node.all_good()) fail_from(own.batch);
        in_progress = node.in_progress();
    }
    if (ready.in_next_batch != nullptr) arrive(*ready.in_next_batch);
    step* goes_on = nullptr;
    for (step* next : ready.next) {
        if (goes_on != nullptr)
            arrive(*next);
        else if (next->missing.fetch_sub(1) == 1)
            goes_on = next;
    }
    if (own.unfinished.fetch_sub(1) == 1) end_batch(own);
    if (goes_on == nullptr && in_progress) take_part(*in_progress);
    return goes_on;
}

void stream_flow::take_part(job& in_progress) noexcept {
    in_progress.start(); // so that whoever joins it later calls no others for what is done
    in_progress.take_part();
}

bool stream_flow::generate(step& source) noexcept {
    lane& own = lanes_[source.lane];
    begin_batch(own);
    graph_node& node = *own.nodes[0];
    node.run(own.stop);
    if (node.good()) {
        under_way_.fetch_add(1);
        ++next_batch_;
        return true;
    }
    came_to_end_ = node.error() == nullptr && !own.stop.load();
    if (node.error() != nullptr) {
        keep_failure(own, 0);
        fail_from(own.batch);
    }
    clear(own);
    let_go();
    return false;
}

void stream_flow::begin_batch(lane& in) {
    in.unfinished.store(stages_.size());
    if (stages_.front()->trace() != nullptr) in.begun = trace_ticks();
    const std::lock_guard lock(in.mutex);
    in.live = true;
    in.batch = next_batch_;
    in.stop.store(stop_->load() || failed_.load() < in.batch);
}

void stream_flow::trace(const lane& ended) const noexcept {
    const graph_node& source = *stages_.front();
    if (source.trace() == nullptr) return;
    source.trace()->record({.kind = trace_kind::batch,
                            .submission = static_cast<std::uint32_t>(&ended - lanes_.get()),
                            .subject = ended.batch,
                            .count = source.name_in_trace(),
                            .begin = ended.begun,
                            .end = trace_ticks()});
}

void stream_flow::end_batch(lane& in) noexcept {
    const job::task_mark running;
    for (graph_node* node : in.nodes) node->finish();
    trace(in);
    const auto is_bad = [](const graph_node* node) { return !node->good(); };
    if (std::ranges::any_of(in.nodes, is_bad)) {
        all_good_.store(false);
        for (std::size_t i = 0; i < in.nodes.size(); ++i)
            if (in.nodes[i]->error() != nullptr) keep_failure(in, i);
        fail_from(in.batch);
    }
    clear(in);
    arrive(at(static_cast<std::size_t>(&in - lanes_.get()), 0));
    let_go();
}

void stream_flow::clear(lane& in) noexcept {
    {
        const std::lock_guard lock(in.mutex);
        in.live = false;
    }
    for (std::size_t i = 0; i < in.copies.size(); ++i) stages_[i]->add_up(*in.copies[i]);
    for (graph_node* node : std::views::reverse(in.nodes)) node->reset();
}

void stream_flow::let_go() noexcept {
    if (under_way_.fetch_sub(1) == 1) at_end_();
}

void stream_flow::keep_failure(const lane& of, std::size_t stage) noexcept {
    const graph_node& node = *of.nodes[stage];
    if (of.stop.load() && node.was_cancelled()) return;
    const std::lock_guard lock(failure_mutex_);
    if (failure_ && std::pair(failure_->batch, failure_->stage) <= std::pair(of.batch, stage)) return;
    failure_ = failure{of.batch, stage, node.error()};
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
