#pragma once

#include "support/temporary_directory.hpp"

#include <nlohmann/json.hpp>
#include <spmd_bench/compare/comparison.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace test_support {

using nlohmann::json;
using samples = std::vector<double>;

/// Times about `middle`, with 2 % noise and occasional disturbances.
inline samples times(double middle, std::uint64_t seed, std::size_t rounds = 41) {
    std::mt19937_64 draw(seed);
    std::normal_distribution<double> noise(1, 0.02);
    samples drawn(rounds);
    for (double& each : drawn) each = middle * noise(draw) * (draw() % 10 == 0 ? 1.5 : 1);
    return drawn;
}

inline json way_of(const std::string& name, const samples& times) {
    return {{"way", name}, {"samples_ns", times}};
}

inline json point_of(std::size_t ranks, const std::vector<json>& ways) {
    return {{"at",
             {{"ranks", ranks},
              {"items", 500},
              {"threads", 2},
              {"chunk", nullptr},
              {"item_cost_ns", 1000},
              {"file_size_bytes", 1024},
              {"skew", 1.0}}},
            {"bytes", 0},
            {"ways", ways}};
}

/// The parts of a report that a comparison reads.
inline json report_of(json points, const std::vector<std::string>& swept = {}) {
    return {{"schema_version", 2},
            {"machine", {{"cpu", "a CPU"}}},
            {"pool", {{"placement", "compact"}, {"pinned", false}}},
            {"seed", 1},
            {"warmup", 1},
            {"workload", {{"kind", "spin"}}},
            {"swept", swept},
            {"points", std::move(points)}};
}

/// Two reports in files.
struct two_reports {
    two_reports(const json& before, const json& after)
        : first(scratch.write("before.json", before.dump())),
          second(scratch.write("after.json", after.dump())) {}
    spmd_bench::comparison compared(const std::string& relative_to = {}) const {
        return spmd_bench::compare_reports(first, second, relative_to);
    }
    temporary_directory scratch;
    std::string first;
    std::string second;
};

} // namespace test_support
