#include "spmd_bench/run/ways.hpp"

#include "spmd_bench/run/peers.hpp"

#include <spmd/spmd.hpp>
#include <spmd/task_graph.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace spmd_bench {
namespace {

/// A way whose run is one expression that returns the results as a vector.
template <class Produce>
class plain_way final : public way {
public:
    plain_way(way_kind kind, std::optional<std::size_t> submissions, results_view expected, Produce produce)
        : way(kind, submissions, expected), produce_(std::move(produce)) {}

    void run() override { results_ = produce_(); }
    results_view results() const override { return std::span(std::as_const(results_)); }
    void forget() override { results_ = {}; }

private:
    Produce produce_;
    std::invoke_result_t<Produce&> results_;
};

template <class Produce>
std::unique_ptr<way> make_plain(way_kind kind, std::optional<std::size_t> submissions, results_view expected,
                                Produce produce) {
    return std::make_unique<plain_way<Produce>>(kind, submissions, expected, std::move(produce));
}

/// Runs one task graph again and again.
template <class Work>
class graph_way final : public way {
public:
    using items = std::span<const typename Work::item>;

    graph_way(const Work& work, const spmd::engine_pool& pool)
        // One task per rank, and one for each of the two other stages.
        : way(way_kind::spmd_graph, pool.size() + 2, work.serial()), graph_(pool),
          flat_(graph_.concat("concat",
                              graph_.broadcast("run", graph_.once("list", [&work] { return work.items(); }),
                                               [&work](spmd::rank me, items all) {
                                                   return results_of(work, me.part(all));
                                               }))) {}

    void forget() override { results_ = {}; }
    void run() override {
        graph_.run();
        results_ = graph_.take(flat_);
    }
    results_view results() const override { return std::span(results_); }

private:
    std::vector<typename Work::result> results_;
    spmd::task_graph graph_;
    spmd::concat_stage<std::vector<typename Work::result>> flat_;
};

/// Number of tasks; nothing where the pool chooses the chunks.
std::optional<std::size_t> tasks_of(std::size_t items, std::optional<std::size_t> chunk) {
    if (!chunk) return std::nullopt;
    return (items + *chunk - 1) / *chunk;
}

template <class Work>
std::unique_ptr<way> make_way(way_kind kind, const Work& work, const spmd::engine_pool& pool,
                              std::optional<std::size_t> chunk) {
    const auto items = work.items();
    const results_view expected = work.serial();
    const auto run = [&work](const typename Work::item& item) { return work.run(item); };
    if (kind == way_kind::serial)
        return make_plain(kind, 0, expected, [&work, items] { return results_of(work, items); });
    if (kind == way_kind::map)
        return make_plain(kind, items.size(), expected,
                          [&pool, run, items] { return pool.map(run, items).get(); });
    if (kind == way_kind::map_chunked)
        return make_plain(
            kind, tasks_of(items.size(), chunk), expected,
            [view = pool.with({.chunk = chunk}), run, items] { return view.map(run, items).get(); });
    if (kind == way_kind::spmd)
        return make_plain(kind, pool.size(), expected, [&pool, &work, items] {
            return pool.broadcast([&](spmd::rank me) { return results_of(work, me.part(items)); }).concat();
        });
    if (kind == way_kind::spmd_graph) return std::make_unique<graph_way<Work>>(work, pool);
    if constexpr (std::is_same_v<Work, file_workload>) {
        if (kind == way_kind::spmd_relist)
            return make_plain(kind, pool.size(), expected, [&pool, &work] {
                return pool
                    .broadcast([&](spmd::rank me) {
                        const std::vector<std::string> listed = work.list();
                        return results_of(work, me.part(listed));
                    })
                    .concat();
            });
        if (kind == way_kind::read)
            return make_plain(kind, pool.size(), work.lengths(), [&pool, &work, items] {
                return pool
                    .broadcast([&](spmd::rank me) {
                        std::vector<std::uint64_t> mine;
                        mine.reserve(me.part(items).size());
                        for (const std::string& path : me.part(items)) mine.push_back(work.read(path));
                        return mine;
                    })
                    .concat();
            });
    }
    throw std::invalid_argument("the way '" + std::string(name_of(kind)) + "' does not run here");
}

} // namespace

std::vector<std::unique_ptr<way>> make_ways(const workload& work, const spmd::engine_pool& pool,
                                            std::span<const way_kind> kinds,
                                            std::optional<std::size_t> chunk) {
    std::vector<std::unique_ptr<way>> ways;
    for (const way_kind kind : kinds)
        ways.push_back(
            is_peer(kind)
                ? make_peer(kind, work, pool.threads())
                : std::visit([&](const auto& each) { return make_way(kind, each, pool, chunk); }, work));
    return ways;
}

} // namespace spmd_bench
