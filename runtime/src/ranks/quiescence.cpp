#include "ranks/quiescence.hpp"

#include "ranks/wait_graph.hpp"

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/joint_wait.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

namespace spmd::detail {
namespace {

/// Upper bound on the places that a deadlock's report names.
constexpr std::size_t most_places_named = 8;

} // namespace

quiescence::quiescence(const rank_scheduler& ranks, std::span<wait_record> records)
    : ranks_(ranks), records_(records) {}

quiescence::~quiescence() = default;

void quiescence::ran(index_range ranks) {
    if (wait_graph_ != nullptr) wait_graph_->ran(ranks);
}

std::vector<std::size_t> quiescence::resolve(bool deadlines_may_end) {
    if (ranks_.is_stopped())
        return fail_all(
            std::make_exception_ptr(cancelled_error("cancelled while it waited for other ranks")));
    if (wait_graph_ != nullptr) {
        if (const auto concerned = wait_graph_->concerned(ranks_, records_)) {
            std::vector<std::size_t> failed = fail_doomed(*concerned);
            if (!failed.empty()) return failed;
        }
    }
    std::vector<std::size_t> failed = fail_doomed(std::views::iota(std::size_t{0}, ranks_.count()));
    if (failed.empty()) return deadlines_may_end ? failed : fail_all(deadlock());
    if (wait_graph_ == nullptr) wait_graph_ = std::make_unique<wait_graph>();
    wait_graph_->begin_with(ranks_, records_);
    return failed;
}

template <class Ranks>
std::vector<std::size_t> quiescence::fail_doomed(const Ranks& ranks) {
    std::vector<std::size_t> failed;
    for (const std::size_t rank : ranks) {
        if (ranks_.has_ended(rank) || records_[rank].has_failed()) continue;
        std::exception_ptr cause = cause_for(rank);
        if (cause == nullptr) continue;
        if (failures_.empty() || failures_.back() != cause) failures_.push_back(std::move(cause));
        fail(rank, joint_wait::extent::any);
        failed.push_back(rank);
    }
    return failed;
}

std::vector<std::size_t> quiescence::fail_all(std::exception_ptr failure) {
    std::vector<std::size_t> failed;
    failures_.push_back(std::move(failure));
    for (std::size_t rank = 0; rank < ranks_.count(); ++rank) {
        if (ranks_.has_ended(rank)) continue;
        fail(rank, joint_wait::extent::all);
        failed.push_back(rank);
    }
    return failed;
}

void quiescence::fail(std::size_t rank, joint_wait::extent of_joint) {
    wait_record& record = records_[rank];
    if (receiver* const receive = record.awaited_message())
        receive->give_up();
    else if (joint_wait* const joint = record.awaited_jointly())
        joint->give_up(failures_.back(), of_joint);
    else
        record.awaited_collective().give_up(failures_.back());
    record.fail(failures_.back());
}

std::exception_ptr quiescence::cause_for(std::size_t rank) const {
    const wait_record& record = records_[rank];
    if (const receiver* const receive = record.awaited_message()) return receive->cause(record.where());
    if (const joint_wait* const joint = record.awaited_jointly()) return joint->cause();
    return record.awaited_collective().cause();
}

std::string quiescence::operation_of(std::size_t rank) const {
    const wait_record& record = records_[rank];
    if (const receiver* const receive = record.awaited_message()) return receive->operation();
    if (const joint_wait* const joint = record.awaited_jointly()) return joint->operation();
    return record.awaited_collective().requested().kind->name;
}

std::exception_ptr quiescence::deadlock() const {
    std::vector<std::pair<std::string, index_ranges>> groups; // by what their ranks do
    std::size_t elsewhere = 0;
    for (std::size_t rank = 0; rank < ranks_.count(); ++rank) {
        std::string what;
        if (ranks_.has_ended(rank)) {
            what = ranks_.error_of_ended(rank) != nullptr ? " threw" : " returned";
        } else {
            what = ": ";
            what += operation_of(rank);
            what += " at ";
            what += text_of(records_[rank].where());
        }
        auto group = std::ranges::find(groups, what, &std::pair<std::string, index_ranges>::first);
        if (group == groups.end() && groups.size() == most_places_named) {
            ++elsewhere;
            continue;
        }
        if (group == groups.end()) {
            groups.emplace_back(std::move(what), index_ranges());
            group = std::prev(groups.end());
        }
        group->second.add(rank);
    }
    std::string text = "deadlock: no rank can run: ";
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i > 0) text += "; ";
        text += groups[i].second.text("rank") + groups[i].first;
    }
    if (elsewhere > 0) {
        text += "; and ";
        text += std::to_string(elsewhere);
        text += elsewhere == 1 ? " more rank elsewhere" : " more ranks elsewhere";
    }
    return std::make_exception_ptr(deadlock_error(text));
}

} // namespace spmd::detail
