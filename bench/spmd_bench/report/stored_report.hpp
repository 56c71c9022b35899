#pragma once

#include "spmd_bench/options/sweep.hpp"
#include "spmd_bench/options/workload_options.hpp"

#include <spmd/placement.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_bench {

/// A file is not a report in JSON. The message names the file and the reason.
class report_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The times of a way, each positive and finite, and the pace at each; empty where unknown.
struct timed_way {
    std::string name;
    std::vector<double> times;
    std::vector<double> pace;
    std::optional<std::size_t> submissions = {};
};

struct measured_point {
    workload_kind workload = workload_kind::files;
    sweep_point settings;
    std::uint64_t bytes = 0; ///< of all items
    std::vector<timed_way> ways;
};

/// The parts of a JSON report that comparisons need.
struct stored_report {
    std::string cpu{};
    std::string seed{};
    std::size_t warmup = 0;
    spmd::placement placement = spmd::placement::compact; ///< of the pool, not the requested one
    bool pinned = false;
    std::vector<sweep_axis> swept{};
    std::vector<measured_point> points{}; ///< at least one
};

/// Reads a report. Throws: report_error.
stored_report read_report(const std::string& path);

/// The times of a way; null where it was not measured.
const timed_way* find_way(const measured_point& point, const std::string& way);

} // namespace spmd_bench
