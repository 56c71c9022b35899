#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

namespace spmd {

/// Treatment of the tasks that have not started when another throws.
enum class on_error {
    go_on, ///< they run
    stop,  ///< they are cancelled
};

/// Value of run_options::chunk: the library chooses the number of items per task of a map.
inline constexpr std::nullopt_t automatic = std::nullopt;

/// Options of one submission: `pool.with({.timing = true})`.
struct run_options {
    spmd::on_error on_error = on_error::go_on;
    /// Records begin, end and CPU time of every task: see async_result::timing().
    bool timing = false;
    /// Items per task of a map, at least 1, or `automatic`. A broadcast always has one task per rank.
    std::optional<std::size_t> chunk = 1;
    /// Name of the submission in traces and in a debugger; empty: its source line, as in "solver.cpp:42".
    std::string name = {};
    /// Cancels the submission, as async_result::cancel(), when a stop is requested.
    std::stop_token stop = {};
};

} // namespace spmd
