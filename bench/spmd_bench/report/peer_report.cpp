#include "spmd_bench/report/peer_report.hpp"

#include "spmd_bench/options/units.hpp"
#include "spmd_bench/report/stored_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace spmd_bench {
namespace {

/// The reason why a peer's point is not of the same items as ours; empty where it is.
std::string difference(const report& ours, const stored_report& peers) {
    const point_result& own = ours.points.front();
    const measured_point& other = peers.points.front();
    if (peers.points.size() != 1) return "it is of a sweep";
    if (other.workload != ours.request.workload)
        return fmt::format("its workload is {}, not {}", name_of(other.workload),
                           name_of(ours.request.workload));
    if (other.settings.items != own.settings.items)
        return fmt::format("it has {} items, not {}", other.settings.items, own.settings.items);
    if (has_cost(ours.request.workload) && other.settings.item_cost != own.settings.item_cost)
        return fmt::format("its items cost {}, not {}", text_of_duration(other.settings.item_cost),
                           text_of_duration(own.settings.item_cost));
    if (ours.request.workload == workload_kind::mixed && other.settings.skew != own.settings.skew)
        return fmt::format("its skew is {}, not {}", other.settings.skew, own.settings.skew);
    if (other.bytes != own.bytes && !ours.request.input.empty())
        return fmt::format("its items have {}, not {}", text_of_size(other.bytes), text_of_size(own.bytes));
    if (own.bytes > 0 && other.settings.file_size != own.settings.file_size)
        return fmt::format("its files have {} bytes, not {}", other.settings.file_size,
                           own.settings.file_size);
    return {};
}

way_result result_of(const timed_way& peer) {
    way_result result;
    result.name = peer.name;
    result.samples_ns = peer.times;
    result.median_ns = median_estimate(peer.times);
    result.mad_ns = median_absolute_deviation(peer.times);
    result.min_ns = minimum(peer.times);
    result.outliers = count_outliers(peer.times);
    result.submissions = peer.submissions;
    return result;
}

} // namespace

void add_peer_report(report& ours, const std::string& path) {
    const stored_report peers = read_report(path);
    if (std::string reason = difference(ours, peers); !reason.empty()) {
        ours.absent_peers.emplace_back(path, std::move(reason));
        return;
    }
    if (peers.cpu != ours.cpu) ours.points.front().warnings.push_back({symptom::other_machine, path});
    std::vector<way_result>& ways = ours.points.front().ways;
    for (const timed_way& peer : peers.points.front().ways) {
        if (peer.name == name_of(way_kind::serial)) continue;
        if (std::ranges::find(ways, peer.name, &way_result::name) == ways.end())
            ways.push_back(result_of(peer));
        else
            ours.absent_peers.emplace_back(peer.name + " of " + path, "there is a way of this name already");
    }
}

} // namespace spmd_bench
