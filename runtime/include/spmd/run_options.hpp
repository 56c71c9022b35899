#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

namespace spmd {

/// What happens to tasks that have not started when one throws.
enum class on_error {
    go_on, ///< they run
    stop,  ///< they are cancelled
};

/// `run_options::chunk`: the library chooses how many items one task of a map works on.
inline constexpr std::nullopt_t automatic = std::nullopt;

/// Options of one submission; for `pool.with({.timing = true})`.
struct run_options {
    spmd::on_error on_error = on_error::go_on;
    /// Records the begin, the end and the CPU time of every task: see async_result::timing().
    bool timing = false;
    /// Items per task of a map, at least 1, or `automatic`. A broadcast always has one task per rank.
    std::optional<std::size_t> chunk = 1;
    /// The submission's name in traces and in a debugger; empty: its source line, as in "solver.cpp:42".
    std::string name = {};
    /// Cancels the submission when a stop is requested of it, as async_result::cancel() does.
    std::stop_token stop = {};
};

} // namespace spmd
