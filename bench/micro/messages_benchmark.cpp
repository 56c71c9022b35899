// The cost of messages in the steady state: all iterations are one broadcast, as in collectives_benchmark,
// between two barriers, as ranks that only send and receive run ahead of each other. In a shift each rank
// sends a number to its right and receives one from its left.
#include "collective_stopwatch.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <stdexcept>

namespace {

spmd::task<> shifts(spmd::rank me, std::size_t count) {
    const std::size_t right = (me.id() + 1) % me.size();
    const std::size_t left = (me.id() + me.size() - 1) % me.size();
    for (std::size_t i = 0; i < count; ++i) {
        me.send(me.id(), right);
        if (co_await me.receive<std::size_t>(left) != left) throw std::logic_error("a wrong message");
    }
}

/// A shift with the receive posted before the send.
spmd::task<> posted_shifts(spmd::rank me, std::size_t count) {
    const std::size_t right = (me.id() + 1) % me.size();
    const std::size_t left = (me.id() + me.size() - 1) % me.size();
    for (std::size_t i = 0; i < count; ++i) {
        auto received = me.receive<std::size_t>(left).start();
        me.send(me.id(), right);
        if (co_await received != left) throw std::logic_error("a wrong message");
    }
}

/// One message back and forth between two ranks.
spmd::task<> to_and_fro(spmd::rank me, std::size_t count) {
    const std::size_t peer = 1 - me.id();
    for (std::size_t i = 0; i < count; ++i) {
        if (me.id() == 0) me.send(i, peer);
        if (co_await me.receive<std::size_t>(peer) != i) throw std::logic_error("a wrong message");
        if (me.id() == 1) me.send(i, peer);
    }
}

/// Messages that wait with as many tags, received in the order opposite to that of their arrival.
spmd::task<> unexpected_tags(spmd::rank me, std::size_t tags) {
    const int count = static_cast<int>(tags);
    for (int tag = 0; tag < count; ++tag) me.send(tag, me.id(), tag);
    for (int tag = count - 1; tag >= 0; --tag)
        if (co_await me.receive<int>(me.id(), tag) != tag) throw std::logic_error("a wrong message");
}

template <spmd::task<> (*Messages)(spmd::rank, std::size_t)>
spmd::task<> between_barriers(spmd::rank me, collective_stopwatch* watch) {
    co_await Messages(me, collective_stopwatch::uncounted);
    co_await me.barrier();
    watch->start(me);
    co_await Messages(me, watch->collectives());
    co_await me.barrier();
    watch->stop(me);
}

template <spmd::task<> (*Messages)(spmd::rank, std::size_t)>
void exchange(benchmark::State& state) {
    measure_collectives<between_barriers<Messages>>(state);
}

void receive_backwards(benchmark::State& state) {
    const auto tags = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = 1});
    collective_stopwatch watch(tags);
    double nanoseconds = 0;
    for (auto _ : state) {
        pool.broadcast([&](spmd::rank me) { return between_barriers<unexpected_tags>(me, &watch); }).get();
        state.SetIterationTime(watch.elapsed().count());
        nanoseconds += watch.elapsed().count() * 1e9;
    }
    state.counters["ns_per_message"] =
        nanoseconds / (static_cast<double>(tags) * static_cast<double>(state.iterations()));
}

void up_to_a_million_ranks(benchmark::internal::Benchmark* suite) {
    for (const int ranks : {1, 2, 10, 100, 1'000, 10'000, 100'000, 1'000'000}) suite->Arg(ranks);
    suite->Complexity();
}

BENCHMARK(exchange<shifts>)->Name("messages/ring_shift")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(exchange<posted_shifts>)
    ->Name("messages/ring_shift_posted")
    ->Apply(up_to_a_million_ranks)
    ->UseManualTime();
BENCHMARK(exchange<to_and_fro>)->Name("messages/to_and_fro")->Arg(2)->UseManualTime();
BENCHMARK(receive_backwards)
    ->Name("messages/unexpected_tags")
    ->RangeMultiplier(10)
    ->Range(10, 100'000)
    ->Arg(16'000)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

} // namespace
