#include <spmd/error.hpp>

#include <spmd/detail/base/describe.hpp>

#include <algorithm>
#include <utility>

namespace spmd {
namespace {

constexpr std::size_t named_failures = 4;

std::string singular(task_kind kind) { return kind == task_kind::rank ? "rank" : "item"; }

std::string count_of(std::size_t some, std::size_t all, task_kind kind) {
    return std::to_string(some) + " of " + std::to_string(all) + ' ' + singular(kind) + (all == 1 ? "" : "s");
}

bool is_consequence(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const peer_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// Tasks that failed with one and the same exception.
struct shared_failure {
    const std::exception_ptr* error;
    detail::index_ranges tasks;
};

/// Returns the first few failures, causes before consequences.
std::vector<shared_failure> most_relevant(std::span<const failure> failures) {
    std::vector<shared_failure> causes;
    std::vector<shared_failure> consequences;
    for (const failure& each : failures) {
        const auto is_same = [&](const shared_failure& known) { return *known.error == each.error; };
        std::vector<shared_failure>* group = &causes;
        auto found = std::ranges::find_if(causes, is_same);
        if (found == causes.end()) {
            group = &consequences;
            found = std::ranges::find_if(consequences, is_same);
        }
        if (found == group->end()) {
            if (causes.size() == named_failures) continue;
            group = is_consequence(each.error) ? &consequences : &causes;
            if (group->size() == named_failures) continue;
            found = group->insert(group->end(), shared_failure{&each.error, {}});
        }
        found->tasks.add(each.index);
    }
    causes.insert(causes.end(), consequences.begin(), consequences.end());
    causes.erase(causes.begin() + static_cast<std::ptrdiff_t>(std::min(causes.size(), named_failures)),
                 causes.end());
    return causes;
}

std::string describe(task_kind kind, std::span<const failure> failures, std::size_t tasks,
                     std::size_t cancelled) {
    std::string text = count_of(failures.size(), tasks, kind) + " failed: ";
    std::size_t named = 0;
    for (const shared_failure& each : most_relevant(failures)) {
        if (named > 0) text += "; ";
        text += each.tasks.text(singular(kind)) + ": " + message_of(*each.error);
        named += each.tasks.size();
    }
    if (failures.size() > named) text += "; and " + std::to_string(failures.size() - named) + " more";
    if (cancelled > 0)
        text += " (" + std::to_string(cancelled) + (cancelled == 1 ? " was cancelled)" : " were cancelled)");
    return text;
}

} // namespace

composite_error::composite_error(task_kind kind, std::vector<failure> failures, std::size_t tasks,
                                 std::size_t cancelled)
    : error(describe(kind, failures, tasks, cancelled)), kind_(kind), failures_(std::move(failures)) {}

cancelled_error::cancelled_error(task_kind kind, std::size_t not_run, std::size_t tasks)
    : error("cancelled: " + count_of(not_run, tasks, kind) + " did not run to the end") {}

cancelled_error::cancelled_error(task_kind kind, std::size_t index)
    : error("cancelled: " + singular(kind) + ' ' + std::to_string(index) + " did not run to the end") {}

namespace {

/// Returns how a rank ended and the root cause, at the start of a chain of ranks that failed because of each
/// other.
std::pair<std::string, std::string> end_of(const std::exception_ptr& cause) {
    if (cause == nullptr) return {" returned", ""};
    try {
        std::rethrow_exception(cause);
    } catch (const peer_error& consequence) {
        return {" failed", consequence.reason()};
    } catch (...) {
        return {" threw", message_of(cause)};
    }
}

} // namespace

peer_error::peer_error(std::size_t rank, const std::string& operation, const std::exception_ptr& cause)
    : peer_error(rank, operation, end_of(cause)) {}

peer_error::peer_error(std::size_t rank, const std::string& operation,
                       std::pair<std::string, std::string> end)
    : error("rank " + std::to_string(rank) + end.first + " before it reached " + operation +
            (end.second.empty() ? "" : ": " + end.second)),
      rank_(rank), reason_(std::move(end.second)) {
    if (reason_.empty()) reason_ = what();
}

stage_error::stage_error(std::string stage, std::exception_ptr cause, std::optional<std::size_t> batch)
    : error("stage \"" + stage + '"' + (batch ? ", batch " + std::to_string(*batch) : "") + ": " +
            message_of(cause)),
      stage_(std::move(stage)), cause_(std::move(cause)), batch_(batch) {}

std::string message_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "an unknown exception";
    }
}

} // namespace spmd
