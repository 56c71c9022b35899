// Particles on a ring that is cut into cells, one for each rank: in each step the particles move, and those
// that left the cell go to the ranks that own them now, which do not know how many will come, or from whom.
// Nothing is lost: their number and their momentum stay.
#include <spmd/spmd.hpp>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <random>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t ranks = 60;
constexpr std::size_t particles = 100'000;
constexpr int steps = 50;

struct particle {
    double place; // in [0, 1)
    int speed;    // in thousandths of the ring per step: whole, so that sums are exact
};

struct totals {
    std::size_t count = 0;
    long momentum = 0;
    totals& operator+=(const particle& one) {
        ++count;
        momentum += one.speed;
        return *this;
    }
    friend totals operator+(const totals& a, const totals& b) {
        return {a.count + b.count, a.momentum + b.momentum};
    }
    bool operator==(const totals&) const = default;
};

std::size_t owner_of(const particle& one, std::size_t cells) {
    return static_cast<std::size_t>(one.place * static_cast<double>(cells));
}

spmd::task<std::pair<totals, totals>> move_particles(spmd::rank me) {
    std::mt19937_64 random(me.id());
    std::uniform_real_distribution<double> anywhere(0, 1);
    std::uniform_int_distribution<int> any_speed(-40, 40);
    std::vector<particle> mine;
    totals before;
    for (std::size_t i = 0; i < me.part(particles).size(); ++i) {
        const double cell = static_cast<double>(me.id()) + anywhere(random);
        mine.push_back({std::fmin(cell / static_cast<double>(me.size()), 1 - 1e-9), any_speed(random)});
        before += mine.back();
    }

    for (int step = 0; step < steps; ++step) {
        std::vector<std::pair<std::size_t, particle>> leaving;
        std::vector<particle> staying;
        for (particle& each : mine) {
            each.place += each.speed * 1e-3;
            each.place -= std::floor(each.place);
            const std::size_t owner = owner_of(each, me.size());
            if (owner == me.id())
                staying.push_back(each);
            else
                leaving.emplace_back(owner, each);
        }
        mine = std::move(staying);
        for (const auto& [from, arrived] : co_await me.exchange(std::move(leaving))) mine.push_back(arrived);
    }

    totals after;
    for (const particle& each : mine) {
        if (owner_of(each, me.size()) != me.id()) co_return {before, {}};
        after += each;
    }
    before = co_await me.all_reduce(before, spmd::plus);
    after = co_await me.all_reduce(after, spmd::plus);
    co_return std::pair(before, after);
}

} // namespace

int main() {
    const spmd::engine_pool pool{{.ranks = ranks}};
    const auto [before, after] = pool.broadcast(move_particles).get().front();
    std::printf("%zu particles, momentum %ld; after %d steps %zu, momentum %ld\n", before.count,
                before.momentum, steps, after.count, after.momentum);
    return before == after && after.count == particles ? 0 : 1;
}
