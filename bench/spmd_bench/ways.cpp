#include "ways.hpp"

#include "peers.hpp"

#include <spmd/spmd.hpp>
#include <spmd/task_graph.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace spmd_bench {
namespace {

// The peers come between these.
constexpr std::array first_descriptions{
    way_description{"serial", "a plain loop"},
    way_description{"map", "one task per item"},
    way_description{"map-chunked", "a map whose chunks the pool chooses"},
    way_description{"spmd", "one task per rank, each runs its part; concat"},
    way_description{"spmd-graph", "the same as stages of a task graph"},
    way_description{"spmd-relist", "spmd whose ranks each list the directory (files)"},
};
constexpr way_description last_description{"read", "spmd that reads and does not hash: the floor (files)"};

/// A way whose run is one expression that gives the results as a vector.
template <class Produce>
class plain_way final : public way {
public:
    plain_way(std::string name, std::optional<std::size_t> submissions, results_view expected,
              Produce produce)
        : way(std::move(name), submissions, expected), produce_(std::move(produce)) {}

    void run() override { results_ = produce_(); }
    results_view results() const override { return std::span(std::as_const(results_)); }
    void forget() override { results_ = {}; }

private:
    Produce produce_;
    std::invoke_result_t<Produce&> results_;
};

template <class Produce>
std::unique_ptr<way> make_plain(std::string_view name, std::optional<std::size_t> submissions,
                                results_view expected, Produce produce) {
    return std::make_unique<plain_way<Produce>>(std::string(name), submissions, expected, std::move(produce));
}

/// The graph is made once and run again and again.
template <class Work>
class graph_way final : public way {
public:
    using items = std::span<const typename Work::item>;

    graph_way(const Work& work, const spmd::engine_pool& pool)
        // One task per rank, and one for each of the two other stages.
        : way("spmd-graph", pool.size() + 2, work.serial()), graph_(pool),
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

/// Nothing where the pool chooses the chunks.
std::optional<std::size_t> tasks_of(std::size_t items, std::optional<std::size_t> chunk) {
    if (!chunk) return std::nullopt;
    return (items + *chunk - 1) / *chunk;
}

template <class Work>
std::unique_ptr<way> make_way(std::string_view name, const Work& work, const spmd::engine_pool& pool,
                              std::optional<std::size_t> chunk) {
    const auto items = work.items();
    const results_view expected = work.serial();
    const auto run = [&work](const typename Work::item& item) { return work.run(item); };
    if (name == "serial")
        return make_plain(name, 0, expected, [&work, items] { return results_of(work, items); });
    if (name == "map")
        return make_plain(name, items.size(), expected,
                          [&pool, run, items] { return pool.map(run, items).get(); });
    if (name == "map-chunked")
        return make_plain(
            name, tasks_of(items.size(), chunk), expected,
            [view = pool.with({.chunk = chunk}), run, items] { return view.map(run, items).get(); });
    if (name == "spmd")
        return make_plain(name, pool.size(), expected, [&pool, &work, items] {
            return pool.broadcast([&](spmd::rank me) { return results_of(work, me.part(items)); }).concat();
        });
    if (name == "spmd-graph") return std::make_unique<graph_way<Work>>(work, pool);
    if constexpr (std::is_same_v<Work, file_workload>) {
        if (name == "spmd-relist")
            return make_plain(name, pool.size(), expected, [&pool, &work] {
                return pool
                    .broadcast([&](spmd::rank me) {
                        const std::vector<std::string> listed = work.list();
                        return results_of(work, me.part(listed));
                    })
                    .concat();
            });
        if (name == "read")
            return make_plain(name, pool.size(), work.lengths(), [&pool, &work, items] {
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
    throw std::invalid_argument("the way '" + std::string(name) + "' does not run here");
}

} // namespace

std::span<const way_description> all_ways() {
    static const std::vector<way_description> all = [] {
        std::vector<way_description> in_order(first_descriptions.begin(), first_descriptions.end());
        in_order.insert(in_order.end(), all_peers().begin(), all_peers().end());
        in_order.push_back(last_description);
        return in_order;
    }();
    return all;
}

std::string why_not(std::string_view way, workload_kind kind) {
    if (std::ranges::find(all_ways(), way, &way_description::name) == all_ways().end())
        throw std::invalid_argument("no way is called '" + std::string(way) + "'");
    const bool reads_files = way == "spmd-relist" || way == "read";
    if (reads_files && kind != workload_kind::files) return "it needs the workload 'files'";
    return absence_of_peer(way);
}

std::vector<std::unique_ptr<way>> make_ways(const workload& work, const spmd::engine_pool& pool,
                                            std::span<const std::string> names,
                                            std::optional<std::size_t> chunk) {
    std::vector<std::unique_ptr<way>> ways;
    for (const std::string& name : names)
        ways.push_back(
            std::ranges::find(all_peers(), name, &way_description::name) != all_peers().end()
                ? make_peer(name, work, pool.threads())
                : std::visit([&](const auto& each) { return make_way(name, each, pool, chunk); }, work));
    return ways;
}

} // namespace spmd_bench
