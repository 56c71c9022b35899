#pragma once

#include "sweep.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_bench {

/// A file is no report in JSON. The message names the file, and what is wrong with it.
class report_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The times of a way, each above 0 and finite, and what the pace was at each; empty where that is not known.
struct timed_way {
    std::string name;
    std::vector<double> times;
    std::vector<double> pace;
    std::optional<std::size_t> submissions = {};
};

struct measured_point {
    std::string workload;
    sweep_point at;
    std::uint64_t bytes = 0; ///< of all items
    std::vector<timed_way> ways;
};

/// What is needed of a report that was written as JSON, of the schema's version 2.
struct stored_report {
    std::string cpu{};
    std::string seed{};
    std::size_t warmup = 0;
    std::string placement{}; ///< that the pool got
    bool pinned = false;
    std::vector<std::string> swept{};
    std::vector<measured_point> points{}; ///< at least one
};

/// Throws: report_error.
stored_report read_report(const std::string& path);

/// Null where it was not measured.
const timed_way* find_way(const measured_point& at, const std::string& way);

} // namespace spmd_bench
