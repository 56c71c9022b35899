// A master and its workers, one of which hangs: rank 0 hands out one piece of work after the other. Whoever
// has not answered after a while loses its piece to another, and gets no more before it answers.
#include <spmd/spmd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t ranks = 8;
constexpr std::size_t pieces = 200;
constexpr std::chrono::milliseconds patience{20};

struct answer {
    std::size_t piece = 0;
    std::uint64_t value = 0;
};

std::uint64_t steps_to_one(std::size_t piece) { // Collatz
    std::uint64_t steps = 0;
    for (std::uint64_t n = piece + 1; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

/// Pieces come as numbers, and no number ends the worker.
spmd::task<std::uint64_t> work(spmd::rank me) {
    std::uint64_t done = 0;
    while (const auto piece = co_await me.receive<std::optional<std::size_t>>(0)) {
        if (me.id() == 3 && done == 5) continue; // hangs: never answers again
        me.send(answer{*piece, steps_to_one(*piece)}, 0);
        ++done;
    }
    co_return done;
}

spmd::task<std::uint64_t> lead(spmd::rank me, std::vector<std::uint64_t>* values) {
    std::deque<std::size_t> to_do;
    for (std::size_t piece = 0; piece < pieces; ++piece) to_do.push_back(piece);
    std::vector<std::optional<std::size_t>> working_on(me.size());
    std::vector<bool> is_late(me.size());
    std::vector<bool> is_known(pieces);
    const auto hand_out = [&] {
        for (std::size_t worker = 1; worker < me.size() && !to_do.empty(); ++worker) {
            if (working_on[worker] || is_late[worker]) continue;
            working_on[worker] = to_do.front();
            to_do.pop_front();
            me.send(working_on[worker], worker);
        }
    };

    std::uint64_t lost = 0;
    for (std::size_t known = 0; known < pieces;) {
        hand_out();
        std::optional<spmd::message<answer>> received;
        try {
            received = co_await me.within(patience, me.receive_message<answer>());
        } catch (const spmd::timeout_error&) {
            for (std::size_t worker = 1; worker < me.size(); ++worker) {
                if (!working_on[worker]) continue;
                to_do.push_back(*std::exchange(working_on[worker], std::nullopt));
                is_late[worker] = true;
                ++lost;
            }
            continue;
        }
        const auto [piece, value] = received->value;
        if (!is_known[piece]) {
            is_known[piece] = true;
            (*values)[piece] = value;
            ++known;
        }
        working_on[received->from].reset();
        is_late[received->from] = false;
    }
    for (std::size_t worker = 1; worker < me.size(); ++worker) me.send(std::optional<std::size_t>(), worker);
    co_return lost;
}

} // namespace

int main() {
    std::vector<std::uint64_t> values(pieces);
    const spmd::engine_pool pool{{.ranks = ranks}};
    const auto counts = pool.broadcast([&](spmd::rank me) -> spmd::task<std::uint64_t> {
                                if (me.id() == 0) co_return co_await lead(me, &values);
                                co_return co_await work(me);
                            })
                            .get();
    std::size_t wrong = 0;
    for (std::size_t piece = 0; piece < pieces; ++piece)
        if (values[piece] != steps_to_one(piece)) ++wrong;
    std::printf("%zu pieces, %zu wrong; %llu were taken from a rank that did not answer\n", pieces, wrong,
                static_cast<unsigned long long>(counts[0]));
    return wrong == 0 && counts[0] > 0 ? 0 : 1;
}
