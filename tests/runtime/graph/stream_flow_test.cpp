// Guards the order in which a stream's steps become ready, without oneTBB: whichever steps run next or
// concurrently, batches reach ordered stages in order, a failing batch ends a prefix, a cancel ends the run,
// and the end is reported once, last of all.

#include "graph/stream_flow.hpp"
#include "support/pools.hpp"

#include <spmd/detail/graph/serial_stages.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace detail = spmd::detail;
using numbers = std::vector<std::size_t>;

/// Steps that are ready to run, taken in random order.
class pending_steps {
public:
    explicit pending_steps(unsigned seed) : random_(seed) {}

    void add(std::size_t step) {
        const std::lock_guard lock(mutex_);
        if (ended_) added_after_end_ = true;
        steps_.push_back(step);
        changed_.notify_one();
    }
    void end() {
        const std::lock_guard lock(mutex_);
        ++ends_;
        ended_ = true;
        changed_.notify_all();
    }
    /// Blocks until a step is ready; returns an empty optional at the end.
    std::optional<std::size_t> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_ || !steps_.empty(); });
        if (steps_.empty()) return std::nullopt;
        std::swap(steps_[std::uniform_int_distribution<std::size_t>(0, steps_.size() - 1)(random_)],
                  steps_.back());
        const std::size_t step = steps_.back();
        steps_.pop_back();
        return step;
    }
    bool ended_once() const { return ends_ == 1 && steps_.empty() && !added_after_end_; }
    void restart() {
        ends_ = 0;
        ended_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    numbers steps_;
    std::minstd_rand random_;
    std::size_t ends_ = 0;
    bool ended_ = false;
    bool added_after_end_ = false;
};

//  source ──> number ──> parts ──> flat ──┬──> (each)
//                │                        └──> write
//                └────────────────────────────────┘
/// A stream of batches through ordered and unordered stages.
class small_stream {
public:
    small_stream(const spmd::engine_pool& pool, std::size_t in_flight, std::size_t batches, unsigned seed)
        : steps(seed), batches_(batches) {
        auto generator = [this]() -> std::optional<std::size_t> {
            fail_if("source", next_);
            if (next_ == batches_) return std::nullopt;
            return next_++;
        };
        using source_node = detail::stream_node<decltype(generator)>;
        auto* source = add<source_node>("source", in_flight,
                                        std::make_shared<decltype(generator)>(std::move(generator)));
        source_ = source;
        source->set_stream(source);
        auto take = [this](std::size_t batch) {
            fail_if("number", batch);
            numbered.push_back(batch);
            return batch;
        };
        auto* number = add<detail::once_node<decltype(take), std::size_t>>("number", take, source);
        auto work = [this](spmd::rank me, std::size_t batch) {
            if (me.id() == 1) fail_if("parts", batch);
            return numbers{batch * me.size() + me.id()};
        };
        auto* parts =
            add<detail::broadcast_node<decltype(work), std::size_t>>("parts", pool.all(), work, number);
        auto* flat = add<detail::concat_node<numbers>>("flat", parts);
        parts->add_consumer(true);
        auto see = [this](const numbers& part) {
            if (part.front() % 3 == 1) fail_if("each", part.front() / 3);
            seen.push_back(part.front());
        };
        flat->add_sink(add<detail::each_node<decltype(see), numbers>>("each", see, flat));
        auto write = [this](std::size_t batch, const numbers& all) {
            fail_if("write", batch);
            written.push_back(all.front() / 3 == batch ? batch : ~std::size_t{0});
        };
        add<detail::once_node<decltype(write), std::size_t, numbers>>("write", write, number, flat);
        std::vector<detail::graph_node*> all;
        all.reserve(nodes_.size());
        for (const auto& node : nodes_) all.push_back(node.get());
        flow = std::make_unique<detail::stream_flow>(
            all, stop, [this](std::size_t step) { steps.add(step); }, [this] { steps.end(); });
    }

    /// Runs the stream once on `threads` threads, and `meanwhile` on the calling one.
    void run(std::size_t threads, const std::function<void()>& meanwhile = [] {}) {
        next_ = 0;
        for (numbers* each : {&numbered, &seen, &written}) each->clear();
        stop = false;
        steps.restart();
        flow->reset();
        flow->start();
        std::vector<std::jthread> running;
        running.reserve(threads);
        for (std::size_t i = 0; i < threads; ++i)
            running.emplace_back([this] {
                while (const auto step = steps.take()) flow->run(*step);
            });
        meanwhile();
    }
    void cancel() {
        stop = true;
        flow->cancel();
    }
    void fail_if(const std::string& stage, std::size_t batch) const {
        if (stage == fails && batch >= fails_from) throw std::runtime_error("boom");
    }

    std::string fails;
    std::size_t fails_from = 0;
    numbers numbered;
    numbers seen;
    numbers written;
    std::atomic<bool> stop{false};
    pending_steps steps;
    std::unique_ptr<detail::stream_flow> flow;

private:
    template <class Node, class... Args>
    Node* add(Args&&... args) {
        nodes_.push_back(std::make_unique<Node>(std::forward<Args>(args)...));
        nodes_.back()->set_stream(source_);
        return static_cast<Node*>(nodes_.back().get());
    }

    std::size_t next_ = 0;
    std::size_t batches_;
    detail::graph_node* source_ = nullptr;
    std::vector<std::unique_ptr<detail::graph_node>> nodes_;
};

numbers first_numbers(std::size_t count) {
    numbers all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

/// Numbers of threads for the ranks, and for the steps.
std::vector<std::pair<std::size_t, std::size_t>> swept_threads() { return {{1, 1}, {2, 1}, {1, 3}, {2, 4}}; }

} // namespace

TEST_CASE("batches pass in order, whichever step runs next") {
    constexpr std::size_t batches = 25;
    for (const auto& [of_pool, of_steps] : swept_threads()) {
        const spmd::engine_pool pool = test_support::make_jthread_pool(3, {of_pool});
        for (const std::size_t in_flight : {1U, 2U, 3U, 8U}) {
            for (unsigned seed = 0; seed < 10; ++seed) {
                INFO(of_steps << " threads, " << in_flight << " in flight, seed " << seed);
                small_stream stream(pool, in_flight, batches, seed);
                for (int run = 0; run < 2; ++run) {
                    stream.run(of_steps);
                    CHECK(stream.numbered == first_numbers(batches));
                    CHECK(stream.seen == first_numbers(3 * batches));
                    CHECK(stream.written == first_numbers(batches));
                    CHECK(stream.flow->good());
                    CHECK(stream.steps.ended_once());
                }
            }
        }
    }
}

TEST_CASE("the first failing batch is reported, a prefix is delivered, and the stream can run again") {
    const std::string stage = GENERATE("source", "number", "parts", "each", "write");
    for (const auto& [of_pool, of_steps] : swept_threads()) {
        const spmd::engine_pool pool = test_support::make_jthread_pool(3, {of_pool});
        for (const std::size_t in_flight : {1U, 2U, 3U, 8U}) {
            for (unsigned seed = 0; seed < 5; ++seed) {
                const std::size_t batch = std::size_t{seed} * 3;
                INFO(stage << " fails from " << batch << ", " << of_steps << " threads, " << in_flight
                           << " in flight");
                small_stream stream(pool, in_flight, 20, seed);
                stream.fails = stage;
                stream.fails_from = batch;
                stream.run(of_steps);
                REQUIRE(stream.flow->first_failure().has_value());
                CHECK(stream.flow->first_failure()->batch == batch);
                CHECK(stream.flow->stages()[stream.flow->first_failure()->stage]->name() == stage);
                CHECK_FALSE(stream.flow->good());
                CHECK(stream.steps.ended_once());
                CHECK(stream.numbered == first_numbers(stream.numbered.size()));
                CHECK(stream.seen == first_numbers(stream.seen.size()));
                CHECK(stream.seen.size() >= 3 * batch);
                CHECK(stream.written == first_numbers(stage == "each" ? batch + 1 : batch));
                stream.fails.clear();
                stream.run(of_steps);
                CHECK(stream.written == first_numbers(20));
            }
        }
    }
}

TEST_CASE("a cancel at any moment ends the run with a prefix") {
    std::minstd_rand random(1);
    for (const auto& [of_pool, of_steps] : swept_threads()) {
        const spmd::engine_pool pool = test_support::make_jthread_pool(3, {of_pool});
        for (const std::size_t in_flight : {1U, 2U, 8U}) {
            small_stream stream(pool, in_flight, 30, 1);
            for (int round = 0; round < 20; ++round) {
                const std::chrono::microseconds after(std::uniform_int_distribution(0, 500)(random));
                stream.run(of_steps, [&] {
                    std::this_thread::sleep_for(after);
                    stream.cancel();
                });
                CHECK(stream.steps.ended_once());
                CHECK_FALSE(stream.flow->first_failure().has_value());
                CHECK(stream.numbered == first_numbers(stream.numbered.size()));
                CHECK(stream.seen == first_numbers(stream.seen.size()));
                CHECK(stream.written == first_numbers(stream.written.size()));
                if (stream.flow->good()) CHECK(stream.written.size() == 30);
            }
            stream.run(of_steps);
            CHECK(stream.written == first_numbers(30));
        }
    }
}
