// Guards against: ranks, threads and bindings in the wrong rows, and unknown values that are not named, on
// machines that are not available.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <spmd_bench/report/topology.hpp>

#include <string>

using namespace spmd_bench;

namespace {

topology_report two_nodes() {
    topology_report sample{.cpu = "AMD EPYC",
                           .cpus = {0, 1, 2, 3, 8, 10, 11},
                           .cpu_quota = 5.5,
                           .available_threads = 6,
                           .machine = {{{0, 4}, {1, 3}}, {{0, 7}}},
                           .pool = {},
                           .request = {}};
    sample.request.axes.ranks.values = {101};
    sample.request.pin = true;
    sample.pool.requested = spmd::placement::per_numa_node;
    sample.pool.got = spmd::placement::per_numa_node;
    sample.pool.arenas = {{.threads = 4, .ranks = {0, 68}, .numa_node = 0},
                          {.threads = 2, .ranks = {68, 101}, .numa_node = 1}};
    return sample;
}

topology_report nothing_there() {
    topology_report sample{.cpu = "AMD EPYC",
                           .cpus = {0, 1},
                           .cpu_quota = std::nullopt,
                           .available_threads = 2,
                           .machine = {},
                           .pool = {},
                           .request = {}};
    sample.request.axes.ranks.values = {1};
    sample.pool.requested = spmd::placement::per_core_type;
    sample.pool.reason = "the machine has one core type";
    sample.pool.arenas = {{.threads = 2, .ranks = {0, 1}}, {.threads = 1, .ranks = {1, 1}}};
    return sample;
}

} // namespace

TEST_CASE("a table of the arenas") {
    CHECK(render(two_nodes()) ==
          R"(machine     AMD EPYC, 6 threads available: CPUs 0-3,8,10-11, a quota of 5.5 CPUs
NUMA nodes  node 0 with 4 threads, node 1 with 3 threads
core types  type 0 with 7 threads
pool        101 ranks on 6 threads, workers pinned
placement   per_numa_node

arena  NUMA node  core type    threads      ranks  which
    0          0        any          4         68  0 to 67
    1          1        any          2         33  68 to 100
)");
}

TEST_CASE("unknown values are named") {
    CHECK(render(nothing_there()) ==
          R"(machine     AMD EPYC, 2 threads available: CPUs 0-1, no CPU quota
NUMA nodes  oneTBB cannot tell: its libtbbbind is missing or does not work
core types  oneTBB cannot tell: its libtbbbind is missing or does not work
pool        1 ranks on 3 threads
placement   compact instead of per_core_type: the machine has one core type

arena  NUMA node  core type    threads      ranks  which
    0        any        any          2          1  0 to 0
    1        any        any          1          0  none
)");
}

TEST_CASE("JSON of the arenas") {
    topology_report sample = two_nodes();
    sample.request.format = report_format::json;
    const auto shown = nlohmann::json::parse(render(sample));
    CHECK(shown["machine"]["cpus"] == std::vector<int>{0, 1, 2, 3, 8, 10, 11});
    CHECK(shown["machine"]["cpu_quota"] == 5.5);
    CHECK(shown["machine"]["numa_nodes"][1] == nlohmann::json({{"id", 1}, {"threads", 3}}));
    CHECK(shown["pool"]["ranks"] == 101);
    CHECK(shown["pool"]["threads"] == 6);
    CHECK(shown["pool"]["placement"] == "per_numa_node");
    CHECK(shown["pool"]["arenas"].size() == 2);
    CHECK(shown["pool"]["arenas"][1] ==
          nlohmann::json(
              {{"numa_node", 1}, {"core_type", nullptr}, {"threads", 2}, {"first_rank", 68}, {"ranks", 33}}));
    sample = nothing_there();
    sample.request.format = report_format::json;
    const auto missing = nlohmann::json::parse(render(sample));
    CHECK(missing["machine"]["cpu_quota"].is_null());
    CHECK(missing["machine"]["numa_nodes"].is_null());
    CHECK(missing["pool"]["placement_requested"] == "per_core_type");
    CHECK(missing["pool"]["placement"] == "compact");
    CHECK(missing["pool"]["reason"] == "the machine has one core type");
    CHECK(missing["pool"]["arenas"][1]["ranks"] == 0);
}

TEST_CASE("CPUs are listed as Linux does") {
    CHECK(text_of_cpus({0}) == "0");
    CHECK(text_of_cpus({0, 1}) == "0-1");
    CHECK(text_of_cpus({1, 3, 4, 5, 9}) == "1,3-5,9");
}
