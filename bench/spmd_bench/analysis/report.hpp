#pragma once

#include "spmd_bench/analysis/measurement.hpp"
#include "spmd_bench/analysis/statistics.hpp"
#include "spmd_bench/analysis/time_parts.hpp"
#include "spmd_bench/options/names.hpp"
#include "spmd_bench/options/options.hpp"
#include "spmd_bench/options/sweep.hpp"
#include "spmd_bench/options/way_kind.hpp"

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spmd_bench {

/// The figures of one way at one point.
struct way_result {
    std::string name;               ///< of a way_kind, or of a way of another program
    std::vector<double> samples_ns; ///< one per round, in their order
    std::vector<double> pace_ns{};  ///< the time of a fixed loop right before each
    interval_estimate median_ns;
    double mad_ns = 0;
    double min_ns = 0;
    std::optional<interval_estimate> ratio_to_map;  ///< median of the ratios within rounds; nothing: no `map`
    std::optional<interval_estimate> ratio_to_read; ///< likewise for `read`
    std::size_t outliers = 0;
    bool unstable = false;                  ///< its figures are unreliable; the warnings say why
    std::optional<std::size_t> submissions; ///< tasks per run; nothing: the pool decides as it runs
};

/// A reason not to trust figures.
enum class symptom { unsettled, drift, outliers, wide_interval, near_clock, other_machine };

template <>
inline constexpr std::array names<symptom>{named{"not stable after the warm-up", symptom::unsettled},
                                           named{"times that drift", symptom::drift},
                                           named{"many outliers", symptom::outliers},
                                           named{"wide intervals", symptom::wide_interval},
                                           named{"hardly longer than a clock reading", symptom::near_clock},
                                           named{"measured on another machine", symptom::other_machine}};

/// The advice of a warning: "four times the --repetitions halve them"
std::string_view remedy_of(symptom which) noexcept;

struct warning {
    symptom what;
    std::string ways; ///< "map 12 %, spmd 15 %"
};

/// "wide intervals: map 12 %, spmd 15 %; four times the --repetitions halve them"
std::string text_of(const warning& which);

/// The results at one point of the sweep. All ways have the same number of samples.
struct point_result {
    sweep_point settings;    ///< with the true number of items where they are the files of a directory
    std::uint64_t bytes = 0; ///< of all items
    std::vector<way_result> ways = {};
    std::optional<time_parts> spmd_parts = {};
    std::vector<warning> warnings = {};
};

/// The overhead of a way in wall time, measured with items that do nothing. Nothing where the way has no such
/// cost.
struct way_cost {
    way_kind way = way_kind::serial;
    std::optional<interval_estimate> per_run_ns;
    std::optional<interval_estimate> per_rank_ns;
    std::optional<interval_estimate> per_item_ns;
};

/// The item cost that decides between map and spmd, all other settings being those of `at`.
struct crossover {
    sweep_point settings; ///< its item cost is meaningless
    /// spmd is faster below, map above. Nothing: the times do not surely cross between the measured costs.
    std::optional<interval_estimate> crossing_ns;
    /// spmd saves less than least_difference of map's time above. Nothing: not surely.
    std::optional<interval_estimate> even_ns;
};

/// The number of ranks beyond which more do not help, all other settings being those of `at`.
struct enough_ranks {
    sweep_point settings;    ///< with those ranks
    std::size_t fastest = 0; ///< ranks with the least median
    std::size_t most = 0;    ///< most ranks measured
};

struct report_answer {
    std::vector<std::string> sentences;
    std::vector<crossover> crossovers;
    std::vector<enough_ranks> ranks;
    std::vector<way_cost> costs;
};

/// The content of a report, in any format.
struct report {
    std::string version; ///< of spmd
    std::string commit;  ///< of the source tree
    std::string cpu;
    std::size_t available_threads = 0;
    spmd::pool_topology pool; ///< of the first point
    options request;
    std::string workload; ///< in words
    double clock_overhead_ns = 0;
    std::vector<sweep_axis> swept; ///< axes with more than one value
    std::vector<point_result> points = {};
    report_answer answer = {};
    std::vector<std::pair<std::string, std::string>> absent_peers = {}; ///< name, and reason
};

/// The figures of one point, from its measurements, in their order.
point_result summarise(const sweep_point& point, std::uint64_t bytes, std::span<const measurement> measured,
                       double clock_overhead_ns);

using points = std::vector<const point_result*>;
/// Groups the points that differ in one axis alone, in the order of their first.
std::vector<points> groups_along(const report& what, sweep_axis axis);

/// The rounds are enough for reliable bounds.
bool has_bounds(const way_result& way) noexcept;

/// The result of a way; null where it was not measured.
const way_result* find_way(const point_result& point, way_kind way);

/// The rates at the median time; 0 where that is 0.
double items_per_second(const point_result& point, const way_result& way);
double bytes_per_second(const point_result& point, const way_result& way);

/// The command that repeats the measurement: "spmd_bench --workload files …".
std::string command_of(const report& what);

} // namespace spmd_bench
