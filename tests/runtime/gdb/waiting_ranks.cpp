// Ranks in every state that `spmd ranks` shows, for gdb_test.py, which finds the lines by their comments.
// When each is in its state the program aborts, or says "waiting" and stays there for as long as its argument
// says, in seconds.

#include <spmd/spmd.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace {

std::atomic<bool> outside_holds{false};
std::atomic<bool> rank_holds{false};

void hold_thread(std::atomic<bool>& holds) {
    holds = true;
    while (holds) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

spmd::task<> wait_somehow(spmd::rank me, const spmd::engine_pool* outside) {
    spmd::rank half = co_await me.split(me.id() / 50);
    if (me.id() == 0) co_return;
    if (me.id() == 1) throw std::runtime_error("no input");
    if (me.id() == 2) co_await me.receive<int>(3, 7);    // receive from 3
    if (me.id() == 3) co_await me.receive<int>();        // receive from any
    if (me.id() == 52) co_await half.receive<int>(3, 7); // receive from 53
    if (me.id() == 54) co_await half.probe(5, 8);        // probe from 55
    if (me.id() == 4) {
        auto held = outside->broadcast([](spmd::rank) { hold_thread(outside_holds); }).start();
        while (!outside_holds) std::this_thread::yield(); // or this rank would run it
        co_await held;                                    // submission
    }
    if (me.id() == 90) hold_thread(rank_holds);
    auto sum = me.all_reduce(me.id(), spmd::plus).start(); // all_reduce
    if (me.id() % 2 == 0) co_await me.barrier();           // barrier
    co_await sum;
}

} // namespace

int main(int, char** arguments) {
    const spmd::engine_pool outside{{.ranks = 1, .threads = 2}};
    // On one thread, so that ranks run in the order of their ids, and those behind rank 90 stay ready.
    const spmd::engine_pool pool{{.ranks = 100, .threads = 1, .name = "solver"}};
    auto waiting = pool.with({.name = "step"}).broadcast(wait_somehow, &outside).start(); // broadcast
    while (!rank_holds) std::this_thread::yield();
    if (arguments[1] == nullptr) std::abort();
    std::puts("waiting");
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(std::atoi(arguments[1])));
    std::_Exit(0);
}
