// An event loop that never blocks on a broadcast: it sleeps in poll() until a result is ready or its timer
// ticks, which shows the progress, as it would wait for sockets or a window's events.
#include <spmd/spmd.hpp>

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

constexpr std::size_t submissions = 3;
constexpr std::size_t numbers = 2'000'000;

bool is_prime(std::size_t n) {
    for (std::size_t divisor = 2; divisor * divisor <= n; ++divisor)
        if (n % divisor == 0) return false;
    return n > 1;
}

std::size_t count_primes(spmd::rank me) {
    std::size_t primes = 0;
    for (const std::size_t n : me.part(numbers, spmd::cyclic).indices())
        if (is_prime(n)) ++primes;
    return primes;
}

} // namespace

int main() {
    const spmd::engine_pool pool{{.ranks = 500}};
    const spmd::ready_event ready;
    std::vector<spmd::async_result<std::size_t>> results;
    for (std::size_t i = 0; i < submissions; ++i) {
        results.push_back(pool.broadcast(count_primes).start());
        ready.watch(results.back());
    }

    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    constexpr itimerspec every_50_ms{.it_interval = {0, 50'000'000}, .it_value = {0, 50'000'000}};
    if (timer < 0 || ::timerfd_settime(timer, 0, &every_50_ms, nullptr) != 0) return 1;

    std::array<pollfd, 2> events{{{ready.fd(), POLLIN, 0}, {timer, POLLIN, 0}}};
    for (std::size_t done = 0; done < submissions;) {
        if (::poll(events.data(), events.size(), -1) < 0) return 1;
        if ((events[0].revents & POLLIN) != 0) done += ready.take();
        if ((events[1].revents & POLLIN) != 0) {
            std::uint64_t ticks = 0;
            if (::read(timer, &ticks, sizeof ticks) != sizeof ticks) return 1;
            std::printf("%zu of %zu ready; the last: %zu of %zu ranks\n", done, submissions,
                        results.back().progress().done, results.back().progress().total);
        }
    }
    ::close(timer);

    bool right = true;
    for (auto& each : results) right = right && each.reduce(spmd::plus) == 148'933; // pi(2,000,000)
    std::printf("%zu submissions, each result %s\n", submissions, right ? "right" : "wrong");
    return right ? 0 : 1;
}
