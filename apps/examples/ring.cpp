// A ring of 10,000 ranks: a token passes three times around the ring, and every rank adds its number to it. A
// rank that waits for the token is a suspended coroutine, not a thread.
#include <spmd/spmd.hpp>

#include <cstdint>
#include <cstdio>

namespace {

constexpr int rounds = 3;

/// The token after rank `id` has marked it. The result depends on the order of the ranks.
std::uint64_t marked(std::uint64_t token, std::size_t id) { return token * 1'000'003 + id; }

spmd::task<std::uint64_t> pass_token_on(spmd::rank me) {
    const std::size_t next = (me.id() + 1) % me.size();
    const std::size_t previous = (me.id() + me.size() - 1) % me.size();
    std::uint64_t token = 0;
    for (int round = 0; round < rounds; ++round) {
        if (me.id() > 0) token = co_await me.receive<std::uint64_t>(previous);
        me.send(marked(token, me.id()), next);
        if (me.id() == 0) token = co_await me.receive<std::uint64_t>(previous);
    }
    co_return token;
}

} // namespace

int main() {
    const spmd::engine_pool pool{{.ranks = 10'000}};
    const std::uint64_t token = pool.broadcast(pass_token_on).get().front();

    std::uint64_t expected = 0;
    for (int round = 0; round < rounds; ++round)
        for (std::size_t id = 0; id < pool.size(); ++id) expected = marked(expected, id);
    std::printf("%d rounds of %zu ranks: %s token\n", rounds, pool.size(),
                token == expected ? "the right" : "a wrong");
    return token == expected ? 0 : 1;
}
