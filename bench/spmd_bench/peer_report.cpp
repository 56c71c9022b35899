#include "peer_report.hpp"

#include "stored_report.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace spmd_bench {
namespace {

/// Why a peer's point is no match for ours; empty where it is one.
std::string difference(const report& ours, const stored_report& peers) {
    const point_result& own = ours.points.front();
    const measured_point& other = peers.points.front();
    if (peers.points.size() != 1) return "it is of a sweep";
    if (other.workload != name_of(ours.asked.workload))
        return fmt::format("its workload is {}, not {}", other.workload, name_of(ours.asked.workload));
    if (other.at.items != own.at.items)
        return fmt::format("it has {} items, not {}", other.at.items, own.at.items);
    if (has_cost(ours.asked.workload) && other.at.item_cost != own.at.item_cost)
        return fmt::format("its items cost {}, not {}", text_of_duration(other.at.item_cost),
                           text_of_duration(own.at.item_cost));
    if (ours.asked.workload == workload_kind::mixed && other.at.skew != own.at.skew)
        return fmt::format("its skew is {}, not {}", other.at.skew, own.at.skew);
    if (other.bytes != own.bytes && !ours.asked.input.empty())
        return fmt::format("its items have {}, not {}", text_of_size(other.bytes), text_of_size(own.bytes));
    if (own.bytes > 0 && other.at.file_size != own.at.file_size)
        return fmt::format("its files have {} bytes, not {}", other.at.file_size, own.at.file_size);
    return {};
}

way_result result_of(const timed_way& peer) {
    way_result made;
    made.name = peer.name;
    made.samples_ns = peer.times;
    made.median_ns = median_estimate(peer.times);
    made.mad_ns = median_absolute_deviation(peer.times);
    made.min_ns = minimum(peer.times);
    made.outliers = count_outliers(peer.times);
    made.submissions = peer.submissions;
    return made;
}

} // namespace

void add_peer_report(report& to, const std::string& path) {
    const stored_report peers = read_report(path);
    if (std::string reason = difference(to, peers); !reason.empty()) {
        to.absent_peers.emplace_back(path, std::move(reason));
        return;
    }
    if (peers.cpu != to.cpu)
        to.points.front().warnings.push_back(
            {"measured on another machine", path, "measure it again on this one"});
    std::vector<way_result>& ways = to.points.front().ways;
    for (const timed_way& peer : peers.points.front().ways) {
        if (peer.name == "serial") continue;
        if (std::ranges::find(ways, peer.name, &way_result::name) == ways.end())
            ways.push_back(result_of(peer));
        else
            to.absent_peers.emplace_back(peer.name + " of " + path, "there is a way of this name already");
    }
}

} // namespace spmd_bench
