// Guards the hand-over of a job to a lingering worker: a job that is handed to nobody, or twice, a reference
// that leaks, and a worker that lingers although others are called or the pool is gone.

#include "launch/mailbox.hpp"

#include <spmd/detail/launch/parallel_loop.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace {

using spmd::detail::job;
using spmd::detail::job_pointer;
using spmd::detail::mailbox;

// Counts how many jobs are alive.
class counted_job final : public job {
public:
    counted_job() : job({}, 0, 1, cost()) { ++alive; }
    bool is_done(std::size_t) const noexcept override { return true; }
    static inline std::atomic<int> alive{0};

private:
    ~counted_job() override { --alive; }
    static spmd::detail::cost_estimate& cost() {
        static spmd::detail::cost_estimate estimate;
        return estimate;
    }
};

} // namespace

TEST_CASE("a job is handed over only while a worker lingers") {
    const std::atomic<bool> closed{true}; // a wait that finds no job ends at once
    const std::atomic<std::size_t> called{0};
    mailbox box;
    {
        const job_pointer<job> work(new counted_job);
        CHECK_FALSE(box.offer(*work));
        REQUIRE(box.open());
        CHECK_FALSE(box.open()); // another worker's
        CHECK(box.offer(*work));
        CHECK_FALSE(box.offer(*work)); // the mailbox is full
        CHECK(box.wait(closed, called).get() == work.get());
        REQUIRE(counted_job::alive == 1); // the worker released its own reference
        CHECK_FALSE(box.offer(*work));    // and closed again
        REQUIRE(box.open());
        CHECK_FALSE(box.wait(closed, called));
        CHECK_FALSE(box.offer(*work));
    }
    CHECK(counted_job::alive == 0);
}

TEST_CASE("a lingering worker leaves when others are called, and after its time") {
    const std::atomic<bool> open{false};
    const std::atomic<std::size_t> nobody{0};
    const std::atomic<std::size_t> others{1};
    mailbox box;
    REQUIRE(box.open());
    CHECK_FALSE(box.wait(open, others));
    REQUIRE(box.open());
    CHECK_FALSE(box.wait(open, nobody));
}

TEST_CASE("of many offers exactly as many are accepted as workers receive") {
    const std::atomic<bool> closed{false};
    const std::atomic<std::size_t> called{0};
    std::array<mailbox, 2> boxes;
    std::atomic<std::size_t> accepted{0};
    std::atomic<std::size_t> received{0};
    std::atomic<bool> ended{false};
    {
        const job_pointer<job> work(new counted_job);
        std::vector<std::jthread> workers;
        for (mailbox& mine : boxes)
            workers.emplace_back([&] {
                while (!ended)
                    if (mine.open())
                        if (const job_pointer<job> found = mine.wait(closed, called)) ++received;
            });
        {
            std::vector<std::jthread> callers;
            for (int i = 0; i < 2; ++i)
                callers.emplace_back([&] {
                    for (int k = 0; k < 2000; ++k)
                        for (mailbox& each : boxes)
                            if (each.offer(*work)) ++accepted;
                });
        }
        ended = true;
        for (std::jthread& worker : workers) worker.join();
        CHECK(received == accepted);
    }
    CHECK(counted_job::alive == 0);
}
