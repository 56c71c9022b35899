#pragma once

#include "measurement.hpp"
#include "model.hpp"
#include "options.hpp"
#include "statistics.hpp"
#include "sweep.hpp"
#include "time_parts.hpp"

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spmd_bench {

/// What a report says of one way at one point.
struct way_result {
    std::string name;
    std::vector<double> samples_ns; ///< one per round, in their order
    std::vector<double> pace_ns{};  ///< what a fixed loop took right before each
    interval_estimate median_ns;
    double mad_ns = 0;
    double min_ns = 0;
    std::optional<interval_estimate> ratio_to_map;  ///< median of the ratios within rounds; nothing: no `map`
    std::optional<interval_estimate> ratio_to_read; ///< the same for `read`
    std::size_t outliers = 0;
    bool unstable = false;                  ///< its figures are not to be trusted; the warnings say why
    std::optional<std::size_t> submissions; ///< nothing: known to the pool alone, when it runs
};

/// Something that keeps figures from being trusted.
struct warning {
    std::string what;       ///< "wide intervals": the same at all points that have it
    std::string ways;       ///< "map 12 %, spmd 15 %"
    std::string what_to_do; ///< "four times the --repetitions halve them"
};

/// "wide intervals: map 12 %, spmd 15 %; four times the --repetitions halve them"
std::string text_of(const warning& of);

/// What a report says of one point of the sweep. All ways have the same number of samples.
struct point_result {
    sweep_point at;          ///< items: as many as there are, also where a directory gives them
    std::uint64_t bytes = 0; ///< of all items
    std::vector<way_result> ways = {};
    std::optional<time_parts> spmd_parts = {}; ///< where the threads' time goes under spmd
    std::vector<warning> warnings = {};
};

/// What running costs beside the items' own work, in wall time, measured with items that do nothing. Nothing where
/// the way has no such cost or does not run such items.
struct way_cost {
    std::string name;
    std::optional<interval_estimate> per_run_ns;
    std::optional<interval_estimate> per_rank_ns;
    std::optional<interval_estimate> per_item_ns;
};

/// Which item cost decides between map and spmd, where all else is as at `at`.
struct crossover {
    sweep_point at; ///< but for the item cost
    /// Below it spmd is faster, above it map. Nothing: the times do not cross for sure between the costs measured.
    std::optional<interval_estimate> crossing_ns;
    /// Above it spmd saves less than `worthwhile` of map's time. Nothing: not for sure.
    std::optional<interval_estimate> even_ns;
};

/// From how many ranks on more gain nothing, where all else is as at `at`.
struct enough_ranks {
    sweep_point at;          ///< with those ranks
    std::size_t fastest = 0; ///< with the least median
    std::size_t most = 0;    ///< that were measured
};

struct report_answer {
    std::vector<std::string> sentences;
    std::vector<crossover> crossovers;
    std::vector<enough_ranks> ranks;
    std::vector<way_cost> costs;
};

/// All that a report says, in whatever format.
struct report {
    std::string cpu;
    std::size_t available_threads = 0;
    spmd::pool_topology pool; ///< of the first point
    options asked;
    std::string workload; ///< in words
    double clock_overhead_ns = 0;
    std::vector<std::string> swept; ///< names of the axes that have more than one value
    std::vector<point_result> points = {};
    report_answer answer = {};
    std::optional<scaling_model> model = {};                            ///< where it was asked for
    std::vector<std::pair<std::string, std::string>> absent_peers = {}; ///< name, and why
};

/// Of report.schema.json.
inline constexpr int schema_version = 2;

/// A gain below this part of map's time is not worth a choice.
inline constexpr double worthwhile = 0.05;

/// What the measurements of one point say, in their order.
point_result summarise(const sweep_point& at, std::uint64_t bytes, std::span<const measurement> measured,
                       double clock_overhead_ns);

using points = std::vector<const point_result*>;
/// The points that differ in nothing but one axis, in the order of their first.
std::vector<points> groups_along(const report& what, const std::string& axis);

/// Whether there are rounds enough for bounds that hold.
bool has_bounds(const way_result& way) noexcept;

/// The result of this name; null where it was not measured.
const way_result* find_way(const point_result& at, std::string_view name);

/// The rates at the median time; 0 where that is 0.
double items_per_second(const point_result& at, const way_result& way);
double bytes_per_second(const point_result& at, const way_result& way);

/// The command that measures the same again: "spmd_bench --workload files …".
std::string command_of(const report& what);

} // namespace spmd_bench
